"""`sqs_sender`: what a dead letter looks like, and what becomes of one that cannot be sent."""

import base64
import json
import logging
import sys
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from mypy_boto3_sqs import SQSClient
from pydantic import BaseModel
from returns.result import Failure, Result, Success
from tests.shell.extended_client import extended_client

from batchfold import (
    Crashed,
    Failed,
    KinesisRecord,
    Malformed,
    Record,
    Rejected,
    Source,
    SqsRecord,
    dynamodb,
    firehose,
    fold_batch,
    kafka,
    kinesis,
    sqs,
)
from batchfold.core.settling import caused_by, dead_letter
from batchfold.shell.sqs_client import region_of
from batchfold.shell.sqs_sender import sqs_sender
from batchfold.testing import (
    FirehoseData,
    KafkaMessage,
    SqsMessage,
    dynamodb_event,
    firehose_event,
    kafka_event,
    kinesis_event,
    sqs_event,
)
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


def test_the_source_of_a_firehose_record_is_firehose() -> None:
    client = Client()
    send_first(firehose_event(FirehoseData("order", record_id="r1")), firehose(), client)
    attributes = attributes_of(client.sent[0])
    assert (attributes["batchfold.source"], attributes["batchfold.item_id"]) == ("Firehose", "r1")


def test_the_attributes_of_the_original_go_with_it() -> None:
    client = Client()
    message = SqsMessage("x", message_attributes={"tenant": "acme", "priority": 3, "signature": b"\x00\xff"})
    send_first(sqs_event(message), sqs(), client)
    attributes = client.sent[0]["MessageAttributes"]
    assert attributes["tenant"] == {"DataType": "String", "StringValue": "acme"}
    assert attributes["priority"] == {"DataType": "Number", "StringValue": "3"}
    assert attributes["signature"] == {"DataType": "Binary", "BinaryValue": b"\x00\xff"}


NAMES = st.sampled_from(
    ("ExtendedPayloadSize", "SQSLargePayloadSize", "content-encoding", "Content-Type", *(f"a{at}" for at in range(12)))
)
VALUES = st.sampled_from(("text", 3, b"\x00\xff", ""))


@given(message_attributes=st.dictionaries(NAMES, VALUES, max_size=16))
def test_ten_attributes_are_sent_those_that_tell_how_to_read_the_body_before_others(
    message_attributes: dict[str, str | int | bytes],
) -> None:
    client = Client()
    assert isinstance(
        send_first(sqs_event(SqsMessage("x", message_attributes=message_attributes)), sqs(), client), Success
    )
    sent = list(client.sent[0]["MessageAttributes"])
    can_be_sent = [name for name, value in message_attributes.items() if value != ""]  # SQS takes no empty ones
    by_need = sorted(can_be_sent, key=lambda name: name.startswith("a"))
    assert sent[3:] == by_need[:7]
    assert all(name.startswith("batchfold.") for name in sent[:3])


def test_attributes_that_are_left_out_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    many = {f"a{at}": SECRET for at in range(9)}
    send_first(sqs_event(SqsMessage("x", message_attributes=many)), sqs(), Client())
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("batchfold", "WARNING")
    assert "'a7', 'a8'" in record.getMessage()
    assert sqs_event("x")["Records"][0]["messageId"] in record.getMessage()
    assert SECRET not in record.getMessage()


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "text",
        {},
        {"dataType": "String"},
        {"dataType": "String", "stringValue": None},
        {"dataType": 3, "stringValue": "x"},
        {"dataType": "Binary", "binaryValue": "%%%"},
        {"dataType": "Binary"},
    ],
    ids=str,
)
def test_an_attribute_that_cannot_be_sent_does_not_keep_the_message_from_being_sent(
    odd: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client()
    event = sqs_event(SqsMessage("x", message_attributes={"tenant": "acme"}))
    event["Records"][0]["messageAttributes"] = {"odd": odd} | event["Records"][0]["messageAttributes"]
    assert send_first(event, sqs(), client) == Success("dead-1")
    assert attributes_of(client.sent[0])["tenant"] == "acme"
    assert "'odd'" in caplog.text


def test_a_log_that_cannot_be_written_does_not_send_the_message_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise OSError

    monkeypatch.setattr(logging.getLogger("batchfold"), "warning", broken)
    client = Client()
    message = SqsMessage("x", message_attributes={f"a{at}": "x" for at in range(10)})
    assert send_first(sqs_event(message), sqs(), client) == Success("dead-1")


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
@pytest.fixture
def own_client(monkeypatch: pytest.MonkeyPatch) -> Client:
    """The client that senders find in the place of one that boto3 makes."""
    client = Client()

    def make(_service: str, **_options: object) -> Client:
        return client

    monkeypatch.setattr("boto3.client", make)
    return client


@pytest.mark.parametrize("character", ["x", "\u6f22", "\U0001f4e6"])
@pytest.mark.parametrize("extra", [0, 1])
def test_a_record_that_is_too_large_is_not_sent(extra: int, character: str, own_client: Client) -> None:
    send = sqs_sender("https://sqs.eu-west-1.amazonaws.com/1/dead")

    def sent(body: str) -> Result[str, Exception]:
        return send(fold_batch(sqs_event(body), reject, sqs()).failed[0])

    sent("x")
    attributes = own_client.sent[0]["MessageAttributes"]
    room = 1_048_576 - sum(len(name) + sum(map(len, value.values())) for name, value in attributes.items())
    count, rest = divmod(room, len(character.encode()))
    result = sent(character * count + "x" * (rest + extra))
    assert isinstance(result, Failure) == bool(extra)
    assert len(own_client.sent) == 2 - extra


def test_a_client_that_was_given_is_asked_about_large_records() -> None:
    client = Client()
    assert send_first(sqs_event("x" * 2_000_000), sqs(), client) == Success("dead-1")


TEXT = st.text(st.characters(), max_size=40)


@given(
    raw=st.dictionaries(
        TEXT, st.recursive(TEXT | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner))
    )
)
def test_text_is_sent_as_it_is_and_means_the_same(raw: dict[str, Any]) -> None:
    client = Client()
    sqs_sender("queue", client=client)(Failed("1", KinesisRecord(raw), Rejected("x")))
    body = client.sent[0]["MessageBody"]
    assert json.loads(body) == raw
    assert all(
        " " <= character < "\ud800" or (character > "\udfff" and character not in "\ufffe\uffff") for character in body
    )
    assert len(body) <= len(json.dumps(raw))


def test_a_character_of_three_bytes_takes_three_bytes() -> None:
    client = Client()
    image = {"id": "a", "text": "\u6f22" * 100_000}
    send_first(dynamodb_event(image), dynamodb(), client)
    assert len(client.sent[0]["MessageBody"].encode()) < 310_000


def test_a_lone_surrogate_is_escaped_for_sqs_takes_none() -> None:
    client = Client()
    sqs_sender("queue", client=client)(Failed("1", KinesisRecord({"a": "\ud800\uffff\u6f22"}), Rejected("x")))
    assert client.sent[0]["MessageBody"] == '{"a": "\\ud800\\uffff\u6f22"}'


def test_bytes_in_a_raw_record_are_sent_as_lambda_would_deliver_them() -> None:
    client = Client()
    raw = {"kinesis": MappingProxyType({"data": b"\x00\xff", "more": [bytearray(b"x")]})}
    sqs_sender("queue", client=client)(Failed("1", KinesisRecord(raw), Rejected("x")))
    assert json.loads(client.sent[0]["MessageBody"]) == {"kinesis": {"data": "AP8=", "more": ["eA=="]}}


def test_what_json_cannot_express_is_the_failure() -> None:
    result = sqs_sender("queue", client=Client())(Failed("1", KinesisRecord({"a": object()}), Rejected("x")))
    assert isinstance(result, Failure)
    assert "a object, which JSON cannot express" in str(result.failure())


def test_after_sqs_could_not_be_reached_nothing_is_sent_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("batchfold.shell.sqs_sender.monotonic", lambda: now[0])
    client = Client(OSError("no route to host"))
    send = sqs_sender("queue", client=client)
    (failed,) = fold_batch(sqs_event("x"), reject, sqs()).failed
    assert send(failed).failure() is client.error
    client.error = None
    now[0] = 9
    assert isinstance(send(failed), Failure)
    assert not client.sent
    now[0] = 11
    assert send(failed) == Success("dead-1")
    assert send(failed) == Success("dead-1")


def test_an_answer_of_sqs_keeps_no_other_record_from_being_sent() -> None:
    client = Client(ValueError("a refusal"))
    send = sqs_sender("queue", client=client)
    (failed,) = fold_batch(sqs_event("x"), reject, sqs()).failed
    send(failed)
    client.error = None
    assert send(failed) == Success("dead-1")


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


def test_no_client_is_made_before_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []

    def make(service: str, **options: Any) -> Client:
        made.append(options | {"service": service})
        return Client()

    monkeypatch.setattr("boto3.client", make)
    send = sqs_sender("https://sqs.cn-north-1.amazonaws.com.cn/1/dead")
    assert not made
    (failed,) = fold_batch(sqs_event("x"), reject, sqs()).failed
    assert [send(failed), send(failed)] == [Success("dead-1")] * 2
    (options,) = made
    assert (options["service"], options["region_name"]) == ("sqs", "cn-north-1")
    config = options["config"]
    assert config.connect_timeout <= 2
    assert config.read_timeout <= 2
    assert config.retries["total_max_attempts"] == 2


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("sqs.eu-west-1.amazonaws.com", "eu-west-1"),
        ("sqs.cn-northwest-1.amazonaws.com.cn", "cn-northwest-1"),
        ("sqs.us-gov-east-1.amazonaws.com", "us-gov-east-1"),
        ("sqs-fips.us-east-1.amazonaws.com", "us-east-1"),
        ("sqs.eu-west-1.api.aws", "eu-west-1"),
        ("eu-west-1.queue.amazonaws.com", "eu-west-1"),
        ("vpce-0a1b-2c3d.sqs.ap-southeast-2.vpce.amazonaws.com", "ap-southeast-2"),
        ("sqs.eu-west-1.localhost.localstack.cloud:4566", "eu-west-1"),
        ("localhost:4566", None),
        ("sqs", None),
    ],
)
def test_the_region_is_in_the_queue_s_url(host: str, region: str | None) -> None:
    assert region_of(f"https://{host}/123456789012/orders") == region


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


@pytest.fixture
def extended(simulated: SQSClient) -> Any:
    """AWS's extended client, and the queue `dead`."""
    simulated.create_queue(QueueName="dead")
    return extended_client()


@pytest.mark.parametrize("count", [0, 6, 10])
def test_the_extended_client_stores_a_large_dead_letter(extended: Any, count: int) -> None:
    queue = extended.get_queue_url(QueueName="dead")["QueueUrl"]
    send = sqs_sender(queue, client=extended)
    message = SqsMessage("x" * 900_000, message_attributes={f"a{at}": "x" for at in range(count)})
    (failed,) = fold_batch(sqs_event(message), reject, sqs()).failed
    assert isinstance(send(failed), Success)
    (large,) = fold_batch(kinesis_event(b"x" * 900_000), reject, kinesis()).failed  # 1.2 MB in base64
    assert isinstance(send(large), Success)
    received = extended.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    assert sorted(len(each["Body"]) for each in received["Messages"]) == [900_000, len(json.dumps(large.raw))]


def test_a_message_that_lies_in_s3_goes_on_with_its_pointer(extended: Any, simulated: SQSClient) -> None:
    queue = extended.get_queue_url(QueueName="dead")["QueueUrl"]
    extended.send_message(QueueUrl=queue, MessageBody="x" * 300_000)
    (pointer,) = simulated.receive_message(QueueUrl=queue, MessageAttributeNames=["All"])["Messages"]
    simulated.purge_queue(QueueUrl=queue)
    names = {f"a{at}": "x" for at in range(9)} | {"ExtendedPayloadSize": 300_000}
    event = sqs_event(SqsMessage(pointer.get("Body"), message_attributes=names))
    (failed,) = fold_batch(event, reject, sqs()).failed
    assert isinstance(sqs_sender(queue, client=extended)(failed), Success)
    received = extended.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    assert [each["Body"] for each in received["Messages"]] == ["x" * 300_000]


def test_a_binary_attribute_is_base64_in_the_event() -> None:
    raw = sqs_event(SqsMessage("x", message_attributes={"signature": b"\x01"}))["Records"][0]
    assert base64.b64decode(raw["messageAttributes"]["signature"]["binaryValue"]) == b"\x01"
