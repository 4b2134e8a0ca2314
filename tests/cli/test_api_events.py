"""What the APIs return becomes the raw records of Lambda's events: those that the builders of `batchfold.testing` build."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from batchfold.cli.api_events import dynamodb_raw, kinesis_raw, sqs_raw
from batchfold.testing import (
    DynamoDBChange,
    KinesisData,
    SqsMessage,
    attribute_values,
    dynamodb_event,
    kinesis_event,
    sqs_event,
)

REGION = "eu-west-1"
attributes = st.dictionaries(
    st.text("abc", min_size=1), st.text(min_size=1) | st.integers() | st.binary(min_size=1), max_size=3
)


def received(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The message of which this is the raw record, as boto3 returns it."""
    message = {
        "MessageId": raw["messageId"],
        "ReceiptHandle": raw["receiptHandle"],
        "Body": raw["body"],
        "MD5OfBody": raw["md5OfBody"],
        "Attributes": raw["attributes"],
    }
    if raw["messageAttributes"]:
        message["MD5OfMessageAttributes"] = raw["md5OfMessageAttributes"]
        message["MessageAttributes"] = {name: _attribute(value) for name, value in raw["messageAttributes"].items()}
    return message


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    if value["dataType"] == "Binary":
        return {"BinaryValue": base64.b64decode(value["binaryValue"]), "DataType": "Binary"}
    return {"StringValue": value["stringValue"], "DataType": value["dataType"]}


@given(body=st.text(), attributes=attributes, fifo=st.booleans())
def test_a_message_becomes_the_record_that_lambda_delivers(body: str, attributes: Any, fifo: bool) -> None:  # noqa: FBT001
    (raw,) = sqs_event(SqsMessage(body, message_attributes=attributes), fifo=fifo)["Records"]
    assert sqs_raw(received(raw), raw["eventSourceARN"], REGION) == raw


@given(data=st.binary(), key=st.text(min_size=1), encryption=st.sampled_from([None, "KMS"]))
def test_a_kinesis_record_becomes_the_record_that_lambda_delivers(
    data: bytes, key: str, encryption: str | None
) -> None:
    event = kinesis_event(KinesisData(data, key, encryption_type=encryption), shard_id="shardId-000000000001")
    (raw,) = event["Records"]
    part = raw["kinesis"]
    record = {
        "SequenceNumber": part["sequenceNumber"],
        "ApproximateArrivalTimestamp": datetime.fromtimestamp(part["approximateArrivalTimestamp"], UTC),
        "Data": data,
        "PartitionKey": key,
        **({"EncryptionType": encryption} if encryption else {}),
    }
    assert kinesis_raw(record, "shardId-000000000001", raw["eventSourceARN"], REGION) == raw


def test_a_kinesis_record_without_a_time_has_none() -> None:
    record = {"SequenceNumber": "1", "Data": b"", "PartitionKey": "a"}
    raw = kinesis_raw(
        record, "shardId-000000000001", "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/a", "cn-north-1"
    )
    assert "approximateArrivalTimestamp" not in raw["kinesis"]
    assert raw["invokeIdentityArn"].startswith("arn:aws-cn:iam::123456789012:role/")


ITEM = {"id": "a", "price": Decimal("9.5"), "raw": b"\xff", "many": {b"\x00"}, "deep": {"list": [b"\x01", True, None]}}


def test_a_change_becomes_the_record_that_lambda_delivers() -> None:
    change = DynamoDBChange(keys={"id": "a"}, old_image=ITEM, expired=True)
    (raw,) = dynamodb_event(change)["Records"]
    created = datetime.fromtimestamp(raw["dynamodb"]["ApproximateCreationDateTime"], UTC)
    record: dict[str, Any] = {
        **{name: raw[name] for name in ("eventID", "eventName", "eventVersion", "eventSource", "awsRegion")},
        "dynamodb": {**_in_bytes(raw["dynamodb"]), "ApproximateCreationDateTime": created},
        "userIdentity": {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"},
    }
    assert record["dynamodb"]["OldImage"]["many"] == {"BS": [b"\x00"]}
    assert dynamodb_raw(record, raw["eventSourceARN"], REGION) == raw


def test_a_change_that_tells_little_becomes_a_record_that_tells_no_more() -> None:
    record = {
        "eventID": "1",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "dynamodb": {"Keys": attribute_values({"id": "a"}), "SequenceNumber": "21"},
    }
    raw = dynamodb_raw(record, "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/1", REGION)
    assert raw["dynamodb"] == record["dynamodb"]
    assert "userIdentity" not in raw


def _in_bytes(value: object, key: str = "") -> Any:
    """What boto3 makes of base64."""
    if isinstance(value, dict):
        return {name: _in_bytes(member, name) for name, member in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_in_bytes(member, key) for member in cast("list[object]", value)]
    return base64.b64decode(value) if isinstance(value, str) and key in {"B", "BS"} else value
