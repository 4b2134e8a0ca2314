"""Schema registries, notifications, logs and changes: the examples, with what the real clients write."""

import io
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import fastavro
import pytest
from google.protobuf.struct_pb2 import Struct

from batchfold.testing import (
    DynamoDBChange,
    KafkaMessage,
    LambdaContext,
    cloudwatch_logs,
    kafka_event,
    kinesis_event,
    s3_notification,
    s3_test_event,
    sns_envelope,
    sqs_event,
    table_change,
)

Load = Callable[[str], Any]

SCHEMA = {"type": "record", "name": "Order", "fields": [{"name": "quantity", "type": "int"}]}
SCHEMA_ID = UUID("b7912285-527d-42de-88ee-e389a763225f")


def avro(quantity: int) -> bytes:
    written = io.BytesIO()
    write: Any = fastavro.schemaless_writer  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # of files of any kind
    write(written, fastavro.parse_schema(SCHEMA), {"quantity": quantity})
    return b"\x00\x00\x00\x00\x07" + written.getvalue()


def protobuf(quantity: int) -> bytes:
    order = Struct()
    order.update({"quantity": quantity})
    return order.SerializeToString()


def offsets(response: Any) -> list[int]:
    return [entry["itemIdentifier"]["offset"] for entry in response["batchItemFailures"]]


def named(response: Any) -> list[str]:
    return [entry["itemIdentifier"] for entry in response["batchItemFailures"]]


def test_avro_behind_confluent_s_frame(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    asked: list[int] = []

    def schema_of(schema_id: int) -> dict[str, Any]:
        asked.append(schema_id)
        if schema_id != 7:
            raise ConnectionError("the registry is down")
        return SCHEMA

    handler = load("confluent_avro").make(schema_of)
    assert offsets(handler(kafka_event(avro(3), avro(4), KafkaMessage(None)), LambdaContext())) == []
    assert asked == [7]
    for broken, why in {
        b"{}": "PayloadError",
        avro(3)[:5]: "EOFError",
        b"\x00\x00\x00\x00\x08a": "ConnectionError",
    }.items():
        assert offsets(handler(kafka_event(avro(3), broken), LambdaContext())) == [1]
        assert why in caplog.text


def test_protobuf_behind_glue_s_frame(load: Load) -> None:
    app = load("glue_protobuf")
    message = b"\x00" + protobuf(3)
    plain, packed = (b"\x03\x00", message), (b"\x03\x05", zlib.compress(message))
    good = [head + SCHEMA_ID.bytes + body for head, body in (plain, packed)]
    assert named(app.lambda_handler(kinesis_event(*good), None)) == []
    assert app.reserved == [3, 3]
    for broken in (good[0] + b"\xff", good[1][:-1], b"\x03\x00" + bytes(16) + message):
        event = kinesis_event(good[0], broken)
        assert named(app.lambda_handler(event, None)) == [event["Records"][1]["kinesis"]["sequenceNumber"]]


def test_the_registry_of_the_mapping(load: Load) -> None:
    app = load("registry_of_the_mapping")
    known, unknown = ({"dataFormat": "PROTOBUF", "schemaId": schema_id} for schema_id in "78")
    values = [KafkaMessage(b"\x00" + protobuf(3), value_schema=schema) for schema in (known, None, unknown)]
    event = kafka_event(
        values[0], *(KafkaMessage(v.value, value_schema=v.value_schema, partition=1) for v in values[1:])
    )
    assert offsets(app.lambda_handler(event, None)) == [0, 1]
    assert app.reserved == [3]


def test_uploads(load: Load) -> None:
    app = load("s3_uploads")
    bodies = (
        s3_notification("a b/ü.jpg", "c"),
        s3_test_event(),
        s3_notification("d", event_name="ObjectRemoved:Delete"),
    )
    event = sqs_event(*map(sns_envelope, bodies), sns_envelope({"id": "no notification"}))
    assert named(app.lambda_handler(event, None)) == [raw["messageId"] for raw in event["Records"][2:]]
    assert app.indexed == {"uploads/a b/ü.jpg": 1024, "uploads/c": 1024}


def test_log_lines(load: Load) -> None:
    app = load("log_lines")
    lines = cloudwatch_logs({"level": "INFO"}, {"level": "INFO"}, log_group="orders")
    assert named(app.lambda_handler(kinesis_event(cloudwatch_logs(control=True), lines[:-1], lines), None)) == []
    assert app.counts == {("orders", "INFO"): 2}


def test_changes_in_kinesis(load: Load) -> None:
    app = load("changes_in_kinesis")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    key: dict[str, object] = {"id": "a"}
    first = DynamoDBChange(key, {"id": "a", "quantity": 3}, approximate_creation_time=at)
    second = DynamoDBChange(key, {"id": "a", "quantity": 2}, approximate_creation_time=at + timedelta(milliseconds=1))
    removed = DynamoDBChange({"id": "b"}, old_image={"id": "b", "quantity": 3}, approximate_creation_time=at)
    without = DynamoDBChange(key, {"id": "a", "quantity": 1}, approximate_creation_time="absent")
    event = kinesis_event(*map(table_change, (second, first, removed, without)))
    assert named(app.lambda_handler(event, None)) == [event["Records"][3]["kinesis"]["sequenceNumber"]]
    assert {name: quantity for name, (_, quantity) in app.stock.items()} == {"a": 2, "b": 0}
