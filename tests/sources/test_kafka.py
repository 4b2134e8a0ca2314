"""Kafka: each property against the event that AWS shows, values and keys, and lanes."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from returns.result import Success

from batchfold import fold_batch, of_record, whole_batch
from batchfold.core.response import name_every_record
from batchfold.sources.kafka import KafkaRecord, by_message_key, by_topic_partition, kafka
from batchfold.testing import KafkaMessage, kafka_event

RAW: dict[str, Any] = {
    "topic": "mytopic",
    "partition": 0,
    "offset": 15,
    "timestamp": 1545084650987,
    "timestampType": "CREATE_TIME",
    "key": "abcDEFghiJKLmnoPQRstuVWXyz1234==",
    "value": "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",
    "headers": [{"headerKey": [104, 101, 97, 100, 101, 114, 86, 97, 108, 117, 101]}],
}


class Order(BaseModel):
    id: str


def base64_of(some: bytes) -> str:
    return b64encode(some).decode()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("value", b"Hello, this is a test."),
        ("topic", "mytopic"),
        ("partition", 0),
        ("offset", 15),
        ("timestamp", datetime(2018, 12, 17, 22, 10, 50, 987000, tzinfo=UTC)),
        ("timestamp_type", "CREATE_TIME"),
        ("headers", (("headerKey", b"headerValue"),)),
        ("value_schema_metadata", None),
        ("key_schema_metadata", None),
    ],
)
def test_a_record_has(name: str, expected: object) -> None:
    assert getattr(KafkaRecord({**RAW, "key": None}), name) == expected


def test_a_registry_says_what_schema_a_value_and_a_key_have() -> None:
    of_value = {"dataFormat": "AVRO", "schemaId": "1234"}
    of_key = {"dataFormat": "PROTOBUF", "schemaId": "5678"}
    record = KafkaRecord({**RAW, "valueSchemaMetadata": of_value, "keySchemaMetadata": of_key})
    assert record.value_schema_metadata == of_value
    assert record.key_schema_metadata == of_key


@given(st.lists(st.tuples(st.text(max_size=4), st.binary(max_size=8)), max_size=4), st.booleans())
def test_headers_are_read_with_signed_bytes_too(headers: list[tuple[str, bytes]], signed: bool) -> None:  # noqa: FBT001  # drawn
    listed = [{name: [byte - 256 if signed and byte > 127 else byte for byte in value]} for name, value in headers]
    assert KafkaRecord({**RAW, "headers": listed}).headers == tuple(headers)


@pytest.mark.parametrize("headers", [None, []])
def test_a_record_may_have_no_headers(headers: object) -> None:
    assert KafkaRecord({**RAW, "headers": headers}).headers == ()
    assert KafkaRecord({}).headers == ()


def test_a_header_may_come_twice_and_be_empty() -> None:
    assert KafkaRecord({"headers": [{"a": [1]}, {"a": None}]}).headers == (("a", b"\x01"), ("a", b""))


def test_an_odd_header_hides_no_other() -> None:
    odd: list[Any] = [
        "text",
        None,
        3,
        {"a": 3},
        {"b": {}},
        {"c": ["x"]},
        {"d": "?"},
        {"text": "aGk="},
        {"good": [104, 105]},
    ]
    assert KafkaRecord({"headers": odd}).headers == (("text", b"hi"), ("good", b"hi"))
    assert KafkaRecord({"headers": {"a": [1]}}).headers == ()


@pytest.mark.parametrize("timestamp", [-1, None])
def test_a_record_may_have_no_timestamp(timestamp: object) -> None:
    record = KafkaRecord({**RAW, "timestamp": timestamp, "timestampType": None})
    assert record.timestamp is None
    assert record.timestamp_type is None
    assert KafkaRecord({}).timestamp is None


@given(value=st.none() | st.binary(), key=st.none() | st.binary())
def test_value_and_key_are_the_bytes_that_were_sent_or_none(value: bytes | None, key: bytes | None) -> None:
    raw = {**RAW, "value": None if value is None else base64_of(value), "key": None if key is None else base64_of(key)}
    for record in (kafka().parse(raw), kafka().as_delivered(raw)):
        assert (record.value, record.key) == (value, key)
    lengths = kafka(decode=len, decode_key=len).parse(raw)
    assert lengths.value == (None if value is None else len(value))
    assert lengths.key == (None if key is None else len(key))


def test_value_and_key_may_have_a_type_each() -> None:
    raw = {**RAW, "value": base64_of(b'{"id": "a"}'), "key": base64_of(b"7")}
    both = kafka(Order, key=int).parse(raw)
    assert (both.value, both.key) == (Order(id="a"), 7)
    only_value = kafka(Order).parse(raw)
    assert (only_value.value, only_value.key) == (Order(id="a"), b"7")
    only_key = kafka(key=int).parse(raw)
    assert (only_key.value, only_key.key) == (b'{"id": "a"}', 7)
    decoded = kafka(decode=len).parse(raw)
    assert (decoded.value, decoded.key) == (11, b"7")


def test_a_tombstone_of_a_typed_value_is_none() -> None:
    assert kafka(Order).parse({**RAW, "value": None, "key": None}).value is None


@pytest.mark.parametrize("name", ["value", "key"])
@pytest.mark.parametrize(
    "delivered", ["a", "not base64", "é", 3, [], base64_of(b"[1"), base64_of(b"\xff"), base64_of(b"")]
)
def test_a_value_or_key_of_another_form_is_malformed(name: str, delivered: object) -> None:
    with pytest.raises(ValueError, match=r"base64|ASCII|validation error"):
        kafka(Order, key=Order).parse({**RAW, "value": None, "key": None, name: delivered})


@pytest.mark.parametrize("name", ["value", "key"])
def test_a_value_or_key_nested_thousands_of_levels_deep_is_malformed(name: str) -> None:
    raw = {**RAW, "value": None, "key": None, name: base64_of(b"[" * 50_000)}
    with pytest.raises((ValueError, RecursionError)):
        kafka(list[Any], key=list[Any]).parse(raw)


def test_records_that_do_not_parse_are_compared_all_the_same() -> None:
    assert KafkaRecord({**RAW, "value": "?"}) == KafkaRecord({**RAW, "value": "?"})
    assert KafkaRecord({**RAW, "value": "?"}) != KafkaRecord({**RAW, "value": "!"})


def test_every_record_that_is_not_done_is_named() -> None:
    assert kafka().respond is name_every_record


def test_the_topic_can_choose_the_type_of_the_value_and_of_the_key() -> None:
    def value_of(record: KafkaRecord) -> Order | str | None:
        return Order.model_validate_json(record.value or b"") if record.topic == "orders" else None

    def key_of(record: KafkaRecord) -> str | bytes | None:
        return None if record.key is None else record.key.decode() if record.topic == "orders" else record.key

    event = kafka_event(
        KafkaMessage(b"\xff", key=b"\xff", topic="audit"),
        KafkaMessage({"id": "1"}, key="a", topic="orders"),
        KafkaMessage(None, key="b", topic="orders"),
    )
    source = kafka(decode=of_record(value_of), decode_key=of_record(key_of), lane=whole_batch)
    batch = fold_batch(event, lambda record: Success((record.value, record.key)), source)
    assert [outcome.value for outcome in batch.succeeded] == [(None, b"\xff"), (Order(id="1"), "a"), (None, "b")]


def test_a_partition_of_a_topic_is_a_lane() -> None:
    assert by_topic_partition({"topic": "a", "partition": 1}) == by_topic_partition({"topic": "a", "partition": 1})
    assert by_topic_partition({"topic": "a-1", "partition": 1}) != by_topic_partition({"topic": "a", "partition": 11})


def test_a_key_is_a_lane_within_its_partition() -> None:
    assert by_message_key(RAW) == by_message_key({**RAW, "offset": 16})
    assert by_message_key(RAW) != by_message_key({**RAW, "key": "b3RoZXI="})
    assert by_message_key(RAW) != by_message_key({**RAW, "partition": 1})
    assert by_message_key(RAW) != by_message_key({**RAW, "topic": "other"})


def test_records_of_a_partition_without_a_key_share_a_lane() -> None:
    no_key = {name: value for name, value in RAW.items() if name != "key"}
    assert by_message_key(no_key) == by_message_key({**RAW, "key": None})
    assert by_message_key(no_key) is not None
    assert by_message_key(no_key) != by_message_key({**no_key, "partition": 1})
