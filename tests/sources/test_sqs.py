"""SQS: each property against the events that AWS shows, bodies, and lanes."""

from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from returns.result import Success

from batchfold import Malformed, dynamodb, fold_batch, kafka, kinesis, process_batch
from batchfold.core.faults import PayloadError
from batchfold.core.lanes import each_record, whole_batch
from batchfold.core.response import name_every_record
from batchfold.core.source import Source
from batchfold.sources.sqs import SqsRecord, by_message_group, sqs
from batchfold.testing import dynamodb_event, kafka_event, kinesis_event

STANDARD: dict[str, Any] = {
    "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
    "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
    "body": "Test message.",
    "attributes": {
        "ApproximateReceiveCount": "1",
        "SentTimestamp": "1545082649183",
        "SenderId": "AIDAIENQZJOLO23YVJ4VO",
        "ApproximateFirstReceiveTimestamp": "1545082649185",
    },
    "messageAttributes": {
        "text": {"stringValue": "abc123", "stringListValues": [], "binaryListValues": [], "dataType": "String"},
        "bytes": {"binaryValue": "aGVsbG8=", "dataType": "Binary"},
        "whole": {"stringValue": "42", "dataType": "Number"},
        "exact": {"stringValue": "4.20", "dataType": "Number.price"},
        "own": {"stringValue": "x", "dataType": "String.colour"},
    },
    "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
    "md5OfMessageAttributes": "00484c68b59b6f2d9bd9b3b6c9b7ea8a",
    "eventSource": "aws:sqs",
    "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:my-queue",
    "awsRegion": "us-east-2",
}
FIFO: dict[str, Any] = {
    "messageId": "11d6ee51-4cc7-4302-9e22-7cd8afdaadf5",
    "receiptHandle": "AQEBBX8nesZEXmkhsmZeyIE8iQAMig7qw...",
    "body": "Test message.",
    "attributes": {
        "ApproximateReceiveCount": "3",
        "SentTimestamp": "1573251510774",
        "SequenceNumber": "18849496460467696128",
        "MessageGroupId": "1",
        "SenderId": "AIDAIO23YVJENQZJOL4VO",
        "MessageDeduplicationId": "1",
        "ApproximateFirstReceiveTimestamp": "1573251510774",
        "AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793",
        "DeadLetterQueueSourceArn": "arn:aws:sqs:us-east-2:123456789012:first.fifo",
    },
    "messageAttributes": {},
    "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
    "eventSource": "aws:sqs",
    "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:fifo.fifo",
    "awsRegion": "us-east-2",
}


class Order(BaseModel):
    id: str
    quantity: int


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("body", "Test message."),
        ("message_id", "059f36b4-87a3-44ab-83d2-661975830a7d"),
        ("receipt_handle", "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a..."),
        ("attributes", STANDARD["attributes"]),
        ("approximate_receive_count", 1),
        ("sent_at", datetime(2018, 12, 17, 21, 37, 29, 183000, tzinfo=UTC)),
        ("first_received_at", datetime(2018, 12, 17, 21, 37, 29, 185000, tzinfo=UTC)),
        ("sender_id", "AIDAIENQZJOLO23YVJ4VO"),
        ("message_group_id", None),
        ("message_deduplication_id", None),
        ("sequence_number", None),
        ("trace_header", None),
        ("dead_letter_queue_source_arn", None),
        (
            "message_attributes",
            {"text": "abc123", "bytes": b"hello", "whole": 42, "exact": Decimal("4.20"), "own": "x"},
        ),
        ("md5_of_body", "e4e68fb7bd0e697a0ae8f1bb342846b3"),
        ("md5_of_message_attributes", "00484c68b59b6f2d9bd9b3b6c9b7ea8a"),
        ("event_source", "aws:sqs"),
        ("event_source_arn", "arn:aws:sqs:us-east-2:123456789012:my-queue"),
        ("queue_name", "my-queue"),
        ("queue_url", "https://sqs.us-east-2.amazonaws.com/123456789012/my-queue"),
        ("aws_region", "us-east-2"),
    ],
)
def test_a_standard_message_has(name: str, expected: object) -> None:
    found = getattr(SqsRecord(STANDARD), name)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("approximate_receive_count", 3),
        ("message_group_id", "1"),
        ("message_deduplication_id", "1"),
        ("sequence_number", "18849496460467696128"),
        ("trace_header", "Root=1-5759e988-bd862e3fe1be46a994272793"),
        ("dead_letter_queue_source_arn", "arn:aws:sqs:us-east-2:123456789012:first.fifo"),
        ("message_attributes", {}),
        ("md5_of_message_attributes", None),
        ("queue_name", "fifo.fifo"),
    ],
)
def test_a_fifo_message_has(name: str, expected: object) -> None:
    assert getattr(SqsRecord(FIFO), name) == expected


@pytest.mark.parametrize(
    ("digits", "expected"), [("7", int), ("7.0", int), ("1E3", int), ("7.5", Decimal), ("NaN", Decimal)]
)
def test_a_number_among_the_message_attributes_is_whole_or_exact(digits: str, expected: type) -> None:
    raw = {**STANDARD, "messageAttributes": {"n": {"stringValue": digits, "dataType": "Number"}}}
    assert type(SqsRecord(raw).message_attributes["n"]) is expected


ODD_ATTRIBUTES: dict[str, Any] = {
    "no data type": {"stringValue": "text"},
    "no value": {"dataType": "String"},
    "null value": {"dataType": "String", "stringValue": None},
    "no number": {"dataType": "Number", "stringValue": "s3cr3t"},
    "huge": {"dataType": "Number", "stringValue": "1E+999999999"},
    "no base64": {"dataType": "Binary", "binaryValue": "?"},
    "null bytes": {"dataType": "Binary", "binaryValue": None},
    "a number": 1,
    "text": "text",
    "nothing": None,
    "a list": [],
}


def test_an_odd_attribute_hides_no_other() -> None:
    good = {"tenant": {"dataType": "String", "stringValue": "a"}}
    read = SqsRecord({**STANDARD, "messageAttributes": {**ODD_ATTRIBUTES, **good}}).message_attributes
    assert read == {"no data type": "text", "no number": "s3cr3t", "huge": Decimal("1E+999999999"), "tenant": "a"}


@pytest.mark.parametrize("attributes", [None, {}])
def test_a_message_may_have_no_attributes(attributes: object) -> None:
    assert SqsRecord({**STANDARD, "messageAttributes": attributes}).message_attributes == {}


@pytest.mark.parametrize(
    ("arn", "url"),
    [
        ("arn:aws:sqs:eu-west-1:1:orders.fifo", "https://sqs.eu-west-1.amazonaws.com/1/orders.fifo"),
        ("arn:aws-cn:sqs:cn-north-1:1:orders", "https://sqs.cn-north-1.amazonaws.com.cn/1/orders"),
        ("arn:aws-us-gov:sqs:us-gov-west-1:1:orders", "https://sqs.us-gov-west-1.amazonaws.com/1/orders"),
        ("arn:aws-iso:sqs:us-iso-east-1:1:orders", "https://sqs.us-iso-east-1.c2s.ic.gov/1/orders"),
        ("arn:aws-new:sqs:new-1:1:orders", "https://sqs.new-1.amazonaws.com/1/orders"),
        ("orders", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_the_url_of_the_queue_follows_from_its_arn(arn: str | None, url: str) -> None:
    assert SqsRecord({**STANDARD, "eventSourceARN": arn}).queue_url == url


def test_the_domain_of_each_partition_is_the_one_that_botocore_knows() -> None:
    endpoints: Any = import_module("botocore.session").get_session().get_data("endpoints")
    for partition in endpoints["partitions"]:
        region = next(iter(partition["regions"]))
        record = SqsRecord({"eventSourceARN": f"arn:{partition['partition']}:sqs:{region}:1:orders"})
        assert record.queue_url == f"https://sqs.{region}.{partition['dnsSuffix']}/1/orders"


def test_a_field_that_an_event_written_by_hand_lacks_is_named() -> None:
    with pytest.raises(KeyError, match="the raw record has no 'receiptHandle'"):
        _ = SqsRecord({"messageId": "m"}).receipt_handle


def test_the_body_stays_text_without_a_type() -> None:
    assert sqs().parse(STANDARD).body == "Test message."


def test_the_body_is_validated_into_a_type_from_its_json() -> None:
    raw = {**STANDARD, "body": '{"id": "a", "quantity": 3}'}
    assert sqs(Order).parse(raw).body == Order(id="a", quantity=3)
    assert sqs(dict[str, str | int]).parse(raw).body == {"id": "a", "quantity": 3}


def test_a_function_makes_the_body_from_its_text() -> None:
    assert sqs(decode=str.upper).parse(STANDARD).body == "TEST MESSAGE."


def test_a_parsed_record_still_shows_its_metadata() -> None:
    assert sqs(decode=len).parse(FIFO).message_group_id == "1"


@pytest.mark.parametrize("source", [sqs(Order), sqs(decode=len)])
@pytest.mark.parametrize("body", [None, 3, ["text"], {"id": "s3cr3t"}])
def test_a_body_that_is_no_text_is_malformed(source: Source[Any, Any], body: object) -> None:
    with pytest.raises(ValueError, match=r"text|JSON input should be string") as caught:
        source.parse({**STANDARD, "body": body})
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("source", [sqs(), sqs(Order), sqs(decode=len)])
def test_a_message_without_a_body_is_malformed(source: Source[Any, Any]) -> None:
    raw = {key: value for key, value in STANDARD.items() if key != "body"}
    (failed,) = fold_batch({"Records": [raw]}, lambda record: Success(record.body), source).failed
    assert isinstance(failed.fault, Malformed)
    assert str(failed.fault.error) == "expected 'body' to be text, found a value of type NoneType"


def test_a_body_as_delivered_is_looked_at_when_it_is_asked_for() -> None:
    record = sqs().parse({**STANDARD, "body": 3})
    assert record.message_id == STANDARD["messageId"]
    with pytest.raises(PayloadError, match="expected 'body' to be text, found a value of type int"):
        _ = record.body


@pytest.mark.parametrize("body", ["", "text", "{", '{"id": 1}', '"\ud800"', "[" * 50_000, '{"a":' * 50_000])
def test_a_body_of_another_form_is_malformed(body: str) -> None:
    with pytest.raises(ValidationError):
        sqs(Order).parse({**STANDARD, "body": body})


def test_a_record_of_what_did_not_parse_can_still_be_made() -> None:
    record = sqs(Order).as_delivered({"messageId": "m", "body": 3})
    assert record.message_id == "m"
    with pytest.raises(ValueError, match="'body'"):
        _ = record.body


def test_every_record_that_is_not_done_is_named() -> None:
    assert sqs().respond is name_every_record


def test_a_fifo_queue_is_one_lane_and_a_standard_queue_has_none() -> None:
    assert sqs().lane_of([FIFO, FIFO]) is whole_batch
    assert sqs().lane_of([STANDARD, STANDARD]) is each_record
    assert sqs().lane_of([]) is each_record


def test_a_standard_queue_with_message_groups_is_no_fifo_queue() -> None:
    fair = {**FIFO, "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:fair"}
    assert sqs().lane_of([fair, fair]) is each_record


def test_a_message_group_is_a_lane() -> None:
    assert by_message_group(FIFO) == "1"


@pytest.mark.parametrize("attributes", [None, {}, {"MessageGroupId": None}])
def test_a_fifo_message_without_a_group_joins_one_common_lane(attributes: object) -> None:
    lane = by_message_group({**FIFO, "attributes": attributes})
    assert lane is not None
    assert lane == by_message_group({**FIFO, "attributes": {}})


def test_a_standard_message_without_a_group_has_a_lane_of_its_own() -> None:
    assert by_message_group(STANDARD) is None


@pytest.mark.parametrize(
    ("event", "source"),
    [
        (kinesis_event("a", "b"), kinesis(lane=by_message_group)),
        (dynamodb_event({"id": 1}), dynamodb(lane=by_message_group)),
        (kafka_event("a"), kafka(lane=by_message_group)),
    ],
)
def test_message_groups_order_nothing_on_another_source_and_say_so(event: Any, source: Any) -> None:
    with pytest.raises(ValueError, match="this is no record of SQS") as raised:
        process_batch(event, lambda _record: Success(None), source)
    assert "No record was handled" in raised.value.__notes__[0]


def test_what_a_model_raises_in_a_function_tells_nothing_of_the_body() -> None:
    with pytest.raises(ValidationError) as caught:
        sqs(decode=Order.model_validate_json).parse({**STANDARD, "body": '{"id": ["s3cr3t"]}'})
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__context__ is None
