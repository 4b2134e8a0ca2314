"""The event builders can say every field that a record has a property for, absent and null ones too."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import md5
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchfold import DynamoDBRecord, EventBridge, KafkaRecord, KinesisRecord, Record, Sns, SqsRecord
from batchfold.testing import (
    DynamoDBChange,
    KafkaMessage,
    KinesisData,
    SqsMessage,
    dynamodb_event,
    eventbridge_envelope,
    kafka_event,
    kinesis_event,
    sns_envelope,
    sqs_event,
)
from batchfold.testing import strategies as bst

# its types are more than the strict checkers can follow, and only what it answers matters here
boto3: Any = import_module("boto3")
moto: Any = import_module("moto")

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")

THEN = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
LATER = THEN + timedelta(seconds=9)
SCHEMA = {"dataFormat": "AVRO", "schemaId": "7"}
SERVICE = {"type": "Service", "principalId": "example.amazonaws.com"}

SQS_FIELDS: dict[str, Any] = {
    "body": "text",
    "message_id": "m-1",
    "receipt_handle": "AQEBMTIzNDU2Nzg5MDEyL20tMS80",
    "approximate_receive_count": 4,
    "sent_at": THEN,
    "first_received_at": LATER,
    "sender_id": "AROA:session",
    "message_group_id": "g",
    "message_deduplication_id": "d",
    "sequence_number": "7",
    "trace_header": "Root=1-5759e988-bd862e3fe1be46a994272793",
    "dead_letter_queue_source_arn": "arn:aws:sqs:eu-west-1:123456789012:first",
    "message_attributes": {"tenant": "a", "price": Decimal("9.5"), "blob": b"\x00"},
    "md5_of_body": md5(b"text", usedforsecurity=False).hexdigest(),
    "md5_of_message_attributes": "794a726ff265d4e02554e289ebc4bc4f",
    "event_source": "aws:sqs",
    "event_source_arn": "arn:aws-cn:sqs:cn-north-1:123456789012:refunds",
    "queue_name": "refunds",
    "queue_url": "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/refunds",
    "aws_region": "cn-north-1",
}
KINESIS_FIELDS: dict[str, Any] = {
    "data": b"x",
    "sequence_number": "7",
    "partition_key": "p",
    "explicit_hash_key": None,
    "sub_sequence_number": None,
    "approximate_arrival_time": THEN,
    "encryption_type": "KMS",
    "kinesis_schema_version": "1.0",
    "event_id": "shardId-1:7",
    "shard_id": "shardId-1",
    "event_name": "aws:kinesis:record",
    "event_version": "1.0",
    "event_source": "aws:kinesis",
    "event_source_arn": "arn:aws:kinesis:us-east-2:123456789012:stream/readings/consumer/mine:1700000000",
    "stream_name": "readings",
    "invoke_identity_arn": "arn:aws:iam::123456789012:role/reader",
    "aws_region": "us-east-2",
}
DYNAMODB_FIELDS: dict[str, Any] = {
    "keys": {"pk": "a"},
    "new_image": {"pk": "a", "n": Decimal(2)},
    "old_image": {"pk": "a", "n": Decimal(1)},
    "event_name": "MODIFY",
    "is_ttl_delete": False,
    "user_identity": SERVICE,
    "sequence_number": "7",
    "approximate_creation_time": THEN,
    "size_bytes": 26,
    "stream_view_type": "NEW_AND_OLD_IMAGES",
    "event_id": "e-1",
    "event_version": "1.1",
    "event_source": "aws:dynamodb",
    "event_source_arn": "arn:aws:dynamodb:us-east-2:123456789012:table/things/stream/2023-11-14T22:13:20.000",
    "table_name": "things",
    "aws_region": "us-east-2",
}
KAFKA_FIELDS: dict[str, Any] = {
    "value": b"v",
    "key": b"k",
    "topic": "visits",
    "partition": 3,
    "offset": 41,
    "timestamp": THEN,
    "timestamp_type": "LOG_APPEND_TIME",
    "headers": (("trace", b"\xff"), ("trace", b""), ("none", b"")),
    "value_schema_metadata": SCHEMA,
    "key_schema_metadata": SCHEMA,
}


def the_queue_says(**more: Any) -> dict[str, Any]:
    message = SqsMessage(
        "text",
        message_group_id="g",
        message_id="m-1",
        message_attributes=SQS_FIELDS["message_attributes"],
        approximate_receive_count=4,
        message_deduplication_id="d",
        sent_at=THEN,
        first_received_at=LATER,
        sender_id="AROA:session",
        sequence_number="7",
        trace_header=SQS_FIELDS["trace_header"],
        dead_letter_queue_source_arn=SQS_FIELDS["dead_letter_queue_source_arn"],
    )
    (raw,) = sqs_event(message, queue_name="refunds", region="cn-north-1", **more)["Records"]
    return raw  # type: ignore[no-any-return]  # an event is a dict of anything


def the_stream_says(**more: Any) -> dict[str, Any]:
    data = KinesisData(
        b"x", partition_key="p", sequence_number="7", approximate_arrival_time=THEN, encryption_type="KMS"
    )
    (raw,) = kinesis_event(
        data,
        stream_name="readings",
        shard_id="shardId-1",
        consumer_name="mine",
        role_name="reader",
        region="us-east-2",
        **more,
    )["Records"]
    return raw  # type: ignore[no-any-return]  # an event is a dict of anything


def the_table_says(**more: Any) -> dict[str, Any]:
    change = DynamoDBChange(
        {"pk": "a"},
        new_image={"pk": "a", "n": 2},
        old_image={"pk": "a", "n": 1},
        sequence_number="7",
        approximate_creation_time=THEN,
        size_bytes=26,
        event_id="e-1",
        user_identity=SERVICE,
    )
    (raw,) = dynamodb_event(change, table_name="things", region="us-east-2", **more)["Records"]
    return raw  # type: ignore[no-any-return]  # an event is a dict of anything


def the_topic_says(**more: Any) -> dict[str, Any]:
    message = KafkaMessage(
        b"v",
        key=b"k",
        topic="visits",
        partition=3,
        offset=41,
        headers={"trace": [b"\xff", None], "none": None},
        timestamp=THEN,
        timestamp_type="LOG_APPEND_TIME",
        value_schema=SCHEMA,
        key_schema=SCHEMA,
    )
    (raw,) = kafka_event(message, **more)["records"]["visits-3"]
    return raw  # type: ignore[no-any-return]  # an event is a dict of anything


RECORDS: list[tuple[type[Any], Any, dict[str, Any]]] = [
    (SqsRecord, the_queue_says, SQS_FIELDS),
    (KinesisRecord, the_stream_says, KINESIS_FIELDS),
    (DynamoDBRecord, the_table_says, DYNAMODB_FIELDS),
    (KafkaRecord, the_topic_says, KAFKA_FIELDS),
]


def properties_of(kind: type[Record]) -> set[str]:
    names = {name for name in dir(kind) if isinstance(getattr(kind, name), property)}
    return names - {"raw", "raw_event", "attributes", "span_attributes", "trace_context"}


@pytest.mark.parametrize(("kind", "build", "fields"), RECORDS)
@pytest.mark.parametrize("with_nulls", [False, True])
def test_every_property_of_a_record_says_what_its_builder_was_told(
    kind: type[Any],
    build: Any,
    fields: dict[str, Any],
    with_nulls: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    record = kind(build(with_nulls=with_nulls))
    assert {name: getattr(record, name) for name in sorted(properties_of(kind))} == dict(sorted(fields.items()))


def rest_of(event: dict[str, Any]) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = event.get("Records") or [raw for raws in event["records"].values() for raw in raws]
    return listed


SAID: list[tuple[type[Any], Any, st.SearchStrategy[Any]]] = [
    (SqsRecord, sqs_event, bst.sqs_messages()),
    (KinesisRecord, kinesis_event, bst.kinesis_data()),
    (DynamoDBRecord, dynamodb_event, bst.dynamodb_changes()),
    (KafkaRecord, kafka_event, bst.kafka_messages()),
]


@given(data=st.data())
@pytest.mark.parametrize(("kind", "build", "messages"), SAID)
def test_a_field_that_is_null_reads_as_one_that_is_absent(
    kind: type[Any], build: Any, messages: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    message = data.draw(messages)
    (absent,), (null,) = rest_of(build(message)), rest_of(build(message, with_nulls=True))
    for name in properties_of(kind):
        assert getattr(kind(null), name) == getattr(kind(absent), name)


def test_absent_times_are_left_out() -> None:
    (raw,) = dynamodb_event(DynamoDBChange({"id": "a"}, approximate_creation_time="absent"))["Records"]
    assert "ApproximateCreationDateTime" not in raw["dynamodb"]
    (raw,) = kinesis_event(KinesisData("a", approximate_arrival_time="absent"))["Records"]
    assert "approximateArrivalTimestamp" not in raw["kinesis"]
    (raw,) = kafka_event(KafkaMessage("a", timestamp="absent"))["records"]["orders-0"]
    assert raw["timestamp"] == -1


def test_a_time_without_a_zone_is_refused() -> None:
    here = datetime(2026, 1, 1)  # noqa: DTZ001  # which is what is refused
    refused = pytest.raises(ValueError, match="this one has none: give it tzinfo=UTC")
    with refused:
        SqsMessage("a", sent_at=here)
    with refused:
        SqsMessage("a", first_received_at=here)
    with refused:
        KinesisData("a", approximate_arrival_time=here)
    with refused:
        DynamoDBChange({"id": "a"}, approximate_creation_time=here)
    with refused:
        KafkaMessage("a", timestamp=here)
    with refused:
        sns_envelope("a", timestamp=here)
    with refused:
        eventbridge_envelope({}, time=here)


MISUSES = {
    "SqsMessage('a', sent_at=3)": "sent_at is a datetime with a time zone",
    "KinesisData('a', approximate_arrival_time='now')": "approximate_arrival_time is a datetime with a time zone",
    "KafkaMessage('a', headers='text')": "headers is a mapping from names to bytes",
    "KafkaMessage('a', headers=3)": "headers is a mapping from names to bytes",
    "KafkaMessage('a', headers={'a': 'text'})": "headers['a'] is bytes",
    "KafkaMessage('a', headers=[('a', b'bytes')])": "headers is a mapping from names to bytes",
    "KafkaMessage('a', headers={'a': ['text']})": "headers['a'] is bytes",
    "sns_envelope('a', message_attributes={'a': 1.5})": "message_attributes['a'] is text, not a value of type float",
    "eventbridge_envelope({}, resources='arn')": "resources is a list of ARNs, not the text",
}
TRYING = """
import sys
from batchfold.testing import *
for misuse in sys.argv[1:]:
    try:
        eval(misuse)
    except TypeError as error:
        print(error)
    else:
        print("not refused")
"""


def test_who_uses_no_checker_is_told_what_was_expected() -> None:
    # in a process of its own, for in this one beartype tells first
    ran = subprocess.run([sys.executable, "-c", TRYING, *MISUSES], capture_output=True, text=True, check=True)
    told = ran.stdout.splitlines()
    assert [line for line, expected in zip(told, MISUSES.values(), strict=True) if not line.startswith(expected)] == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of boto3's own
def test_the_digest_of_message_attributes_is_the_one_that_sqs_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    attributes: dict[str, str | int | Decimal | bytes] = {
        "text": "é",
        "Whole": 3,
        "exact": Decimal("9.50"),
        "blob": b"\x00\xff",
    }
    sent = {
        "text": {"DataType": "String", "StringValue": "é"},
        "Whole": {"DataType": "Number", "StringValue": "3"},
        "exact": {"DataType": "Number", "StringValue": "9.50"},
        "blob": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    (raw,) = sqs_event(SqsMessage("a", message_attributes=attributes))["Records"]
    with moto.mock_aws():
        client = boto3.client("sqs", region_name="eu-west-1")
        url = client.create_queue(QueueName="orders")["QueueUrl"]
        answer = client.send_message(QueueUrl=url, MessageBody="a", MessageAttributes=sent)
    assert raw["md5OfMessageAttributes"] == answer["MD5OfMessageAttributes"]


def test_a_notification_says_every_field_of_its_envelope() -> None:
    body = sns_envelope(
        "text",
        topic_name="refunds.fifo",
        subject="s",
        message_attributes={"text": "a", "number": {"Type": "Number", "Value": "3"}},
        message_id="m-1",
        timestamp=datetime(2026, 1, 2, 4, 4, 5, 678000, tzinfo=timezone(timedelta(hours=1))),
        sequence_number="7",
        signature_version="2",
    )
    notification = Sns[str].model_validate(body)
    assert notification.model_dump(exclude={"message_attributes", "type"}) == {
        "message_id": "m-1",
        "topic_arn": "arn:aws:sns:eu-west-1:123456789012:refunds.fifo",
        "message": "text",
        "timestamp": THEN,
        "subject": "s",
        "sequence_number": "7",
        "signature_version": "2",
        "signature": body["Signature"],
        "signing_cert_url": body["SigningCertURL"],
        "unsubscribe_url": body["UnsubscribeURL"],
    }
    assert {name: (each.type, each.value) for name, each in notification.message_attributes.items()} == {
        "text": ("String", "a"),
        "number": ("Number", "3"),
    }


def test_an_event_of_a_bus_says_every_field_of_its_envelope() -> None:
    body = eventbridge_envelope(
        {"id": "a"},
        detail_type="T",
        source="s",
        resources=["arn"],
        event_id="e-1",
        time=THEN,
        region="us-east-2",
        version="1",
        replay_name="again",
    )
    assert EventBridge[dict[str, str]].model_validate(body).model_dump() == {
        "version": "1",
        "id": "e-1",
        "detail_type": "T",
        "source": "s",
        "account": "123456789012",
        "time": THEN.replace(microsecond=0),
        "region": "us-east-2",
        "resources": ("arn",),
        "detail": {"id": "a"},
        "replay_name": "again",
    }
    bare = eventbridge_envelope({}, version=None, resources=None)
    assert not {"version", "resources", "replay-name"} & set(bare)
