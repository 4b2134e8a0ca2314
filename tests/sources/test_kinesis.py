"""Kinesis: each property against the event that AWS shows, data, and the lane of a partition key."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from batchfold.core.response import name_lowest_sequence_number
from batchfold.sources.kinesis import KinesisRecord, by_partition_key, kinesis

RAW: dict[str, Any] = {
    "kinesis": {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": "1",
        "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
        "data": "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",
        "approximateArrivalTimestamp": 1545084650.987,
    },
    "eventSource": "aws:kinesis",
    "eventVersion": "1.0",
    "eventID": "shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
    "eventName": "aws:kinesis:record",
    "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
    "awsRegion": "us-east-2",
    "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream",
}


class Order(BaseModel):
    id: str


def raw_with(data: object) -> dict[str, Any]:
    return {**RAW, "kinesis": {**RAW["kinesis"], "data": data}}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("data", b"Hello, this is a test."),
        ("sequence_number", "49590338271490256608559692538361571095921575989136588898"),
        ("partition_key", "1"),
        ("approximate_arrival_time", datetime(2018, 12, 17, 22, 10, 50, 987000, tzinfo=UTC)),
        ("encryption_type", None),
        ("kinesis_schema_version", "1.0"),
        ("event_id", "shardId-000000000006:49590338271490256608559692538361571095921575989136588898"),
        ("shard_id", "shardId-000000000006"),
        ("event_name", "aws:kinesis:record"),
        ("event_version", "1.0"),
        ("event_source", "aws:kinesis"),
        ("event_source_arn", "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream"),
        ("stream_name", "lambda-stream"),
        ("invoke_identity_arn", "arn:aws:iam::123456789012:role/lambda-role"),
        ("aws_region", "us-east-2"),
    ],
)
def test_a_record_has(name: str, expected: object) -> None:
    assert getattr(KinesisRecord(RAW), name) == expected


def test_encryption_is_told() -> None:
    assert KinesisRecord({"kinesis": {"encryptionType": "KMS"}}).encryption_type == "KMS"


def test_the_stream_behind_a_consumer_with_enhanced_fan_out_is_named() -> None:
    arn = "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream/consumer/mine:1545084650"
    assert KinesisRecord({"eventSourceARN": arn}).stream_name == "lambda-stream"


@given(st.binary())
def test_the_data_are_the_bytes_that_were_sent(sent: bytes) -> None:
    raw = raw_with(b64encode(sent).decode())
    assert kinesis().parse(raw).data == sent
    assert kinesis(decode=len).parse(raw).data == len(sent)


def test_the_data_are_validated_into_a_type_from_their_json() -> None:
    assert kinesis(Order).parse(raw_with(b64encode(b'{"id": "a"}').decode())).data == Order(id="a")


@pytest.mark.parametrize(
    "data", ["a", "not base64", "é", None, 3, b64encode(b"[1").decode(), b64encode(b'"\xff"').decode()]
)
def test_data_of_another_form_are_malformed(data: object) -> None:
    with pytest.raises(ValueError, match=r"base64|ASCII|validation error"):
        kinesis(Order).parse(raw_with(data))


def test_data_nested_thousands_of_levels_deep_are_malformed() -> None:
    with pytest.raises((ValueError, RecursionError)):
        kinesis(list[Any]).parse(raw_with(b64encode(b"[" * 50_000).decode()))


def test_records_whose_data_are_not_base64_are_compared_all_the_same() -> None:
    assert KinesisRecord(raw_with("?")) == KinesisRecord(raw_with("?"))
    assert KinesisRecord(raw_with("?")) != KinesisRecord(raw_with("!"))


def test_the_lowest_sequence_number_that_is_not_done_is_named() -> None:
    assert kinesis().respond is name_lowest_sequence_number


def test_a_partition_key_is_a_lane() -> None:
    assert by_partition_key(RAW) == "1"


@pytest.mark.parametrize("inside", [None, {}, {"partitionKey": None}])
def test_a_record_without_a_partition_key_joins_one_common_lane(inside: object) -> None:
    assert by_partition_key({"kinesis": inside}) == ""


@pytest.mark.parametrize("since_epoch", [1545084650.987, 1545084650987, 1545084650987000])
def test_the_time_of_arrival_is_read_whatever_its_unit(since_epoch: float) -> None:
    record = KinesisRecord({"kinesis": {"approximateArrivalTimestamp": since_epoch}})
    assert record.approximate_arrival_time == datetime(2018, 12, 17, 22, 10, 50, 987000, tzinfo=UTC)
