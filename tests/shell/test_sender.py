"""`sqs_sender`: what a dead letter looks like, and what becomes of one that cannot be sent."""

import base64
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from mypy_boto3_sqs import SQSClient
from pydantic import BaseModel
from returns.result import Failure, Result, Success

from batchfold import (
    Crashed,
    Failed,
    Malformed,
    Record,
    Rejected,
    Source,
    SqsRecord,
    dynamodb,
    fold_batch,
    kafka,
    kinesis,
    sqs,
)
from batchfold.core.settling import caused_by, dead_letter
from batchfold.shell.sqs_sender import sqs_sender
from batchfold.testing import KafkaMessage, SqsMessage, dynamodb_event, kafka_event, kinesis_event, sqs_event
from batchfold.testing import strategies as bst

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")

SECRET = "s3cr3t"  # noqa: S105  # it stands for a payload


class Client:
    """Remembers what it was asked to send."""

    def __init__(self, error: Exception | None = None) -> None:
        self.sent: list[dict[str, Any]] = []
        self.error = error

    def send_message(self, **message: Any) -> Mapping[str, Any]:
        if self.error is not None:
            raise self.error
        self.sent.append(message)
        return {"MessageId": "dead-1"}


def send_first(event: dict[str, Any], source: Any, client: Client, queue: str = "queue", **options: Any) -> Any:
    """Fail the first record of an event and send it."""
    (failed, *_) = fold_batch(event, reject, source).failed
    return sqs_sender(queue, client=client, **options)(failed)


def reject(_record: Record) -> Result[None, str]:
    return Failure(SECRET)


def attributes_of(message: dict[str, Any]) -> dict[str, str]:
    return {name: value.get("StringValue", "") for name, value in message["MessageAttributes"].items()}


@given(event=bst.sqs_events())
def test_the_body_of_a_message_is_sent_as_it_came(event: dict[str, Any]) -> None:
    client = Client()
    assert send_first(event, sqs(), client) == Success("dead-1")
    (message,) = client.sent
    raw = event["Records"][0]
    assert message["QueueUrl"] == "queue"
    assert message["MessageBody"] == raw["body"]
    assert attributes_of(message) | {
        "batchfold.item_id": raw["messageId"],
        "batchfold.source": raw["eventSourceARN"],
        "batchfold.reason": "Rejected: str",
    } == attributes_of(message)


@pytest.mark.parametrize(
    ("event", "source"),
    [
        (kinesis_event("order"), kinesis()),
        (dynamodb_event({"id": "a", "price": 3}), dynamodb()),
        (kafka_event(KafkaMessage("order", key="k")), kafka()),
    ],
)
def test_any_other_record_is_sent_as_the_json_that_lambda_delivered(event: dict[str, Any], source: Any) -> None:
    client = Client()
    send_first(event, source, client)
    (raw, *_) = source.read(event)[0]
    assert json.loads(client.sent[0]["MessageBody"]) == raw


def test_the_source_of_a_kafka_record_is_its_topic_and_partition() -> None:
    client = Client()
    send_first(kafka_event(KafkaMessage("order", topic="orders", partition=2)), kafka(), client)
    attributes = attributes_of(client.sent[0])
    assert (attributes["batchfold.source"], attributes["batchfold.item_id"]) == ("orders-2", "orders-2-0")


def test_the_attributes_of_the_original_go_with_it() -> None:
    client = Client()
    message = SqsMessage("x", message_attributes={"tenant": "acme", "priority": 3, "signature": b"\x00\xff"})
    send_first(sqs_event(message), sqs(), client)
    attributes = client.sent[0]["MessageAttributes"]
    assert attributes["tenant"] == {"DataType": "String", "StringValue": "acme"}
    assert attributes["priority"] == {"DataType": "Number", "StringValue": "3"}
    assert attributes["signature"] == {"DataType": "Binary", "BinaryValue": b"\x00\xff"}


@given(count=st.integers(0, 10))
def test_there_are_at_most_ten_attributes_and_ours_come_first(count: int) -> None:
    client = Client()
    given_names = {f"a{number}": "x" for number in range(count)}
    send_first(sqs_event(SqsMessage("x", message_attributes=given_names)), sqs(), client)
    names = list(client.sent[0]["MessageAttributes"])
    assert len(names) == min(10, count + 3)
    assert names[3:] == list(given_names)[:7]


def test_a_dead_letter_that_fails_again_tells_where_it_failed_last() -> None:
    client = Client()
    before = {"batchfold.reason": "an earlier one", "batchfold.source": "elsewhere", "tenant": "acme"}
    send_first(sqs_event(SqsMessage("x", message_attributes=before)), sqs(), client)
    attributes = attributes_of(client.sent[0])
    assert attributes["batchfold.reason"] == "Rejected: str"
    assert attributes["tenant"] == "acme"


class Order(BaseModel):
    quantity: int
    notes: dict[str, int] = {}


@pytest.mark.parametrize("fault", [Rejected(SECRET), Crashed(OSError(SECRET)), Malformed(ValueError(SECRET))])
def test_the_reason_tells_the_fault_and_the_type_of_its_error(fault: Any) -> None:
    client = Client()
    raw = sqs_event("x")["Records"][0]
    sqs_sender("queue", client=client)(Failed("m1", SqsRecord(raw), fault))
    reason = attributes_of(client.sent[0])["batchfold.reason"]
    assert reason == f"{type(fault).__name__}: {type(fault.error).__name__}"


def validate_again(_record: Record) -> Result[None, str]:
    Order.model_validate({"quantity": SECRET, "notes": {SECRET: SECRET}})
    return Success(None)


@pytest.mark.parametrize(
    ("source", "told"),
    [(sqs(Order), "Malformed: ValidationError: quantity int_parsing"), (sqs(), "Crashed: Validation")],
)
def test_the_reason_tells_the_broken_rules_and_never_the_payload(source: Any, told: str) -> None:
    client = Client()
    body = {"quantity": SECRET, "notes": {SECRET: SECRET}}
    (failed,) = fold_batch(sqs_event(body), validate_again, source).failed
    sqs_sender("queue", client=client)(failed)
    reason = attributes_of(client.sent[0])["batchfold.reason"]
    assert reason.startswith(told)
    assert "int_parsing" in reason
    assert SECRET not in reason


# ------------------------------------------------------------ FIFO
def test_a_fifo_queue_needs_a_group() -> None:
    with pytest.raises(ValueError, match="message_group_id="):
        sqs_sender("https://sqs/dead.fifo", client=Client())


def group_of(failed: Failed[object, SqsRecord]) -> str:
    return failed.record.message_group_id or "none"


def test_on_a_fifo_queue_the_original_message_s_id_is_the_deduplication_id() -> None:
    client = Client()
    event = sqs_event(SqsMessage("x", message_group_id="A", message_deduplication_id="given"), fifo=True)
    send_first(event, sqs(), client, "https://sqs/dead.fifo", message_group_id=group_of)
    assert client.sent[0]["MessageGroupId"] == "A"
    assert client.sent[0]["MessageDeduplicationId"] == event["Records"][0]["messageId"]


def test_a_standard_queue_takes_a_group_too_and_no_deduplication_id() -> None:
    client = Client()
    send_first(sqs_event("x"), sqs(), client, message_group_id=group_of)
    assert client.sent[0]["MessageGroupId"] == "none"
    assert "MessageDeduplicationId" not in client.sent[0]


def deduplication_id_of(event: dict[str, Any], source: Source[Any, Any]) -> str:
    client = Client()
    send_first(event, source, client, "https://sqs/dead.fifo", message_group_id=group_of_all)
    found: str = client.sent[0]["MessageDeduplicationId"]
    assert len(found) <= 128
    return found


def test_records_that_have_the_same_place_in_two_clusters_are_two_dead_letters() -> None:
    """Else SQS would take the second, tell its id, and deliver nothing."""
    blue, green = (kafka_event(KafkaMessage(cluster, topic="t" * 249)) for cluster in ("blue", "green"))
    assert blue["records"].keys() == green["records"].keys()
    assert deduplication_id_of(blue, kafka()) != deduplication_id_of(green, kafka())
    assert deduplication_id_of(blue, kafka()) == deduplication_id_of(blue, kafka())


def test_records_of_two_streams_with_one_sequence_number_are_two_dead_letters() -> None:
    here, there = (kinesis_event("x", stream_name=name) for name in ("here", "there"))
    assert deduplication_id_of(here, kinesis()) != deduplication_id_of(there, kinesis())


def group_of_all(_failed: object) -> str:
    return "all"


# ------------------------------------------------------------ what cannot be sent
@pytest.mark.parametrize("extra", [0, 1])
def test_a_record_that_is_too_large_is_not_sent(extra: int) -> None:
    client = Client()
    send_first(sqs_event("x"), sqs(), client)
    attributes = client.sent[0]["MessageAttributes"]
    overhead = sum(len(name) + sum(map(len, value.values())) for name, value in attributes.items())
    result = send_first(sqs_event("x" * (1_048_576 - overhead + extra)), sqs(), client)
    assert isinstance(result, Failure) == bool(extra)
    assert len(client.sent) == 2 - extra


def test_what_boto3_raises_is_the_failure() -> None:
    error = OSError("no route to host")
    assert send_first(sqs_event("x"), sqs(), Client(error)) == Failure(error)


def test_a_group_function_that_raises_is_the_failure() -> None:
    def group(_failed: object) -> str:
        raise KeyError("tenant")

    result = send_first(sqs_event("x"), sqs(), Client(), message_group_id=group)
    assert isinstance(result.failure(), KeyError)


def test_an_answer_without_a_message_id_settles_nothing() -> None:
    class Odd(Client):
        def send_message(self, **_message: Any) -> Mapping[str, Any]:
            return {}

    settle = dead_letter(sqs_sender("queue", client=Odd()), when=caused_by(str))
    (failed,) = fold_batch(sqs_event("x"), reject, sqs(), settle=settle).failed
    assert isinstance(failed.settle_error, KeyError)


def test_without_boto3_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ImportError, match=r"batchfold\[sqs\]"):
        sqs_sender("queue")


# ------------------------------------------------------------ against SQS's own rules, as moto knows them
@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> Iterator[SQSClient]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield boto3.client("sqs")  # pyright: ignore[reportUnknownMemberType]  # stubs of the other services are missing


def test_sqs_takes_the_dead_letter(simulated: SQSClient) -> None:
    queue = simulated.create_queue(QueueName="dead")["QueueUrl"]
    attributes: dict[str, str | int | bytes] = {
        "tenant": "acme",
        "signature": b"\x00",
        **{f"a{number}": number for number in range(8)},
    }
    event = sqs_event(SqsMessage("?", message_attributes={**attributes}))
    batch = fold_batch(event, reject, sqs(Order), settle=dead_letter(sqs_sender(queue), when=caused_by(Malformed)))
    assert len(batch.settled) == 1
    (message,) = simulated.receive_message(QueueUrl=queue, MessageAttributeNames=["All"])["Messages"]
    assert message.get("Body") == "?"
    received = message.get("MessageAttributes", {})
    assert len(received) == 10
    assert received["signature"].get("BinaryValue") == b"\x00"
    assert received["batchfold.source"].get("StringValue") == "arn:aws:sqs:eu-west-1:123456789012:orders"


def test_a_fifo_queue_takes_the_same_dead_letter_once(simulated: SQSClient) -> None:
    queue = simulated.create_queue(QueueName="dead.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    send = sqs_sender(queue, message_group_id=group_of)
    event = sqs_event(SqsMessage("?", message_group_id="A"), fifo=True)
    for _ in range(2):
        assert fold_batch(event, reject, sqs(Order), settle=dead_letter(send, when=caused_by(Malformed))).settled
    received = simulated.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    assert len(received["Messages"]) == 1


def test_a_queue_that_is_not_there_leaves_the_record_failed(simulated: SQSClient) -> None:
    send = sqs_sender("https://sqs.eu-west-1.amazonaws.com/123456789012/nowhere", client=simulated)
    (failed,) = fold_batch(sqs_event("?"), reject, sqs(), settle=dead_letter(send, when=caused_by(str))).failed
    assert type(failed.settle_error).__name__ == "QueueDoesNotExist"


def test_a_binary_attribute_is_base64_in_the_event() -> None:
    raw = sqs_event(SqsMessage("x", message_attributes={"signature": b"\x01"}))["Records"][0]
    assert base64.b64decode(raw["messageAttributes"]["signature"]["binaryValue"]) == b"\x01"
