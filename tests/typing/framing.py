"""Frames of schema registries: decoders that get a schema id, and what they make of a source."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_type
from uuid import UUID

from pydantic import BaseModel
from returns.result import Result, safe

from batchfold import (
    KafkaRecord,
    KinesisRecord,
    SchemaMetadata,
    Source,
    confluent,
    glue,
    glue_message_index,
    kafka,
    kinesis,
    message_indexes,
    of_record,
    process_batch,
    sqs,
)


class Order(BaseModel):
    id: str


class Legacy(BaseModel):
    name: str


class DecodeError(Exception): ...


event: dict[str, object] = {}


def avro(payload: bytes, schema_id: int) -> Order:
    raise NotImplementedError


def avro_result(payload: bytes, schema_id: int) -> Result[Order, DecodeError]:
    raise NotImplementedError


@safe(exceptions=(DecodeError,))
def avro_safe(payload: bytes, schema_id: int) -> Order:
    raise NotImplementedError


def protobuf(payload: bytes, schema_id: UUID) -> Order:
    raise NotImplementedError


def protobuf_result(payload: bytes, schema_id: UUID) -> Result[Order, DecodeError]:
    raise NotImplementedError


def of_any_registry(payload: bytes, schema_id: int | UUID) -> str:
    raise NotImplementedError


def of_text(payload: str, schema_id: int) -> Order:
    raise NotImplementedError


def payload_alone(payload: bytes) -> Order:
    raise NotImplementedError


def reserve(record: KafkaRecord[Order]) -> Result[int, DecodeError]:
    raise NotImplementedError


def measure(record: KinesisRecord[Order]) -> Result[int, DecodeError]:
    raise NotImplementedError


def reserve_legacy(record: KafkaRecord[Legacy]) -> Result[int, DecodeError]:
    raise NotImplementedError


assert_type(confluent(avro), Callable[[bytes], Order])
assert_type(glue(protobuf), Callable[[bytes], Order])
assert_type(kafka(decode=confluent(avro)), Source[KafkaRecord[Order], KafkaRecord])
assert_type(kafka(decode=confluent(avro_result)), Source[KafkaRecord[Order], KafkaRecord])
assert_type(kafka(decode=confluent(avro_safe)), Source[KafkaRecord[Order], KafkaRecord])
assert_type(kafka(decode=confluent(lambda payload, schema_id: (payload, schema_id))), Source[KafkaRecord[tuple[bytes, int]], KafkaRecord])
assert_type(kafka(decode=confluent(lambda payload, _: Order.model_validate_json(payload))), Source[KafkaRecord[Order], KafkaRecord])
assert_type(kafka(decode=confluent(avro), key=str), Source[KafkaRecord[Order, str], KafkaRecord])
assert_type(kafka(decode=confluent(avro), decode_key=confluent(of_any_registry)), Source[KafkaRecord[Order, str], KafkaRecord])
assert_type(kafka(Order, decode_key=glue(of_any_registry)), Source[KafkaRecord[Order, str], KafkaRecord])
assert_type(kafka(decode=glue(protobuf)), Source[KafkaRecord[Order], KafkaRecord])
assert_type(kinesis(decode=confluent(avro)), Source[KinesisRecord[Order], KinesisRecord])
assert_type(kinesis(decode=glue(protobuf)), Source[KinesisRecord[Order], KinesisRecord])
assert_type(kinesis(decode=glue(protobuf_result)), Source[KinesisRecord[Order], KinesisRecord])
assert_type(kinesis(decode=glue(protobuf, max_bytes=1_000_000)), Source[KinesisRecord[Order], KinesisRecord])
assert_type(kinesis(decode=glue(lambda payload, schema_id: (payload, schema_id))), Source[KinesisRecord[tuple[bytes, UUID]], KinesisRecord])
process_batch(event, reserve, kafka(decode=confluent(avro)))
process_batch(event, reserve, kafka(decode=glue(protobuf_result)))
process_batch(event, measure, kinesis(decode=glue(protobuf)))

indexes, message = message_indexes(b"\x00")
assert_type(indexes, tuple[int, ...])
assert_type(message, bytes)
assert_type(glue_message_index(b"\x00"), tuple[int, bytes])


def by_schema(record: KafkaRecord) -> Order:
    assert_type(record.key_schema_metadata, SchemaMetadata | None)
    schema = record.value_schema_metadata
    return avro(record.value or b"", int(schema["schemaId"]) if schema is not None else 0)


assert_type(kafka(decode=of_record(by_schema)), Source[KafkaRecord[Order], KafkaRecord])


def framed_and_by_topic(record: KafkaRecord) -> Order | Legacy:
    return confluent(avro)(record.value or b"") if record.topic == "orders" else Legacy(name="n")


assert_type(kafka(decode=of_record(framed_and_by_topic)), Source[KafkaRecord[Order | Legacy], KafkaRecord])

confluent(protobuf)  # BAD Confluent's schema ids are numbers
glue(avro)  # BAD Glue's schema ids are UUIDs
confluent(of_text)  # BAD the payload is bytes
confluent(payload_alone)  # BAD the schema id is handed on
glue(payload_alone)  # BAD the schema id is handed on
glue(protobuf, max_bytes="1")  # BAD no number
confluent(avro, max_bytes=1)  # BAD nothing is compressed there
sqs(decode=confluent(avro))  # BAD a body is text
kafka(decode=confluent)  # BAD not called
kafka(Order, decode=confluent(avro))  # BAD a type or a function
process_batch(event, reserve_legacy, kafka(decode=confluent(avro)))  # BAD model
process_batch(event, reserve, kafka(decode=confluent(lambda payload, _: len(payload))))  # BAD an int is no Order
process_batch(event, measure, kafka(decode=glue(protobuf)))  # BAD record of another source
kafka(decode=confluent(lambda payload, schema_id: schema_id.nonsense))  # BAD attribute in a lambda
message_indexes("text")  # BAD bytes
