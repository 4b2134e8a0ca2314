"""Frames of schema registries: what clients write is read back, and what is no frame is malformed and not quoted."""

import base64
import importlib
import zlib
from collections.abc import Callable
from typing import Any, assert_type
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel
from returns.result import Failure, Result, Success

from batchfold import (
    Crashed,
    KafkaRecord,
    KinesisRecord,
    Malformed,
    PayloadError,
    Source,
    confluent,
    fold_batch,
    glue,
    glue_message_index,
    kafka,
    kinesis,
    message_indexes,
    of_record,
)
from batchfold.sources.compression import GZIP, ZLIB, decompressed
from batchfold.testing import KafkaMessage, kafka_event, kinesis_event

# protobuf's own writers of varints
encoder: Any = importlib.import_module("google.protobuf.internal.encoder")
wire_format: Any = importlib.import_module("google.protobuf.internal.wire_format")

SCHEMA_ID = UUID("b7912285-527d-42de-88ee-e389a763225f")
INDEXES = st.integers(0, 2**31 - 1)


class Order(BaseModel):
    id: str


def both(payload: bytes, schema_id: int) -> tuple[int, bytes]:
    return schema_id, payload


def both_of_glue(payload: bytes, schema_id: UUID) -> tuple[UUID, bytes]:
    return schema_id, payload


def framed_by_glue(payload: bytes, schema_id: UUID = SCHEMA_ID, *, compressed: bool = False) -> bytes:
    behind = zlib.compress(payload) if compressed else payload
    return bytes((3, 5 if compressed else 0)) + schema_id.bytes + behind


def varint(number: int) -> bytes:
    written: list[bytes] = []
    encoder._EncodeVarint(written.append, number)
    return b"".join(written)


def error_of(decoder: Callable[[bytes], object], payload: bytes) -> ValueError:
    with pytest.raises(ValueError, match=r".") as caught:
        decoder(payload)
    return caught.value


# ------------------------------------------------------------ Confluent
@given(st.integers(0, 2**32 - 1), st.binary())
def test_confluent_takes_its_frame_off_and_hands_the_schema_id_on(schema_id: int, payload: bytes) -> None:
    assert confluent(both)(b"\x00" + schema_id.to_bytes(4, "big") + payload) == (schema_id, payload)


@given(st.binary())
def test_a_payload_without_confluent_s_frame_is_refused(payload: bytes) -> None:
    assume(len(payload) < 5 or payload[0] != 0)
    assert "Confluent's frame" in str(error_of(confluent(both), payload))


@pytest.mark.parametrize(
    ("written", "indexes"),
    [
        ("0000000001000a0161", (0,)),
        ("000000000102020a0161", (1,)),
        ("00000000010402000a0161", (1, 0)),
        ("00000000010402020a0161", (1, 1)),
    ],
)
def test_what_confluent_s_own_client_wrote_is_read(written: str, indexes: tuple[int, ...]) -> None:
    """By the ProtobufSerializer of confluent-kafka 2.16: of `Order`, `Outer`, `Outer.First` and `Outer.Second` in a file."""
    schema_id, payload = confluent(both)(bytes.fromhex(written))
    assert schema_id == 1
    assert message_indexes(payload) == (indexes, b"\n\x01a")


# ------------------------------------------------------------ Glue
@given(st.uuids(), st.binary(), st.booleans())
def test_glue_takes_its_frame_off_and_decompresses(schema_id: UUID, payload: bytes, compressed: bool) -> None:  # noqa: FBT001
    framed = framed_by_glue(payload, schema_id, compressed=compressed)
    assert glue(both_of_glue, max_bytes=len(payload))(framed) == (schema_id, payload)


@given(st.binary())
def test_a_payload_without_glue_s_frame_is_refused(payload: bytes) -> None:
    assume(len(payload) < 18 or payload[0] != 3)
    assert "Glue's frame" in str(error_of(glue(both_of_glue), payload))


def test_another_compression_is_refused() -> None:
    framed = bytes((3, 6)) + framed_by_glue(b"payload")[2:]
    assert "to be 00 (none) or 05 (zlib)" in str(error_of(glue(both_of_glue), framed))


@given(st.binary(min_size=1), st.data())
def test_damaged_data_are_refused(payload: bytes, data: st.DataObject) -> None:
    framed = framed_by_glue(payload, compressed=True)
    cut = data.draw(st.integers(18, len(framed) - 1))
    assert "zlib" in str(error_of(glue(both_of_glue), framed[:cut]))
    assert "zlib" in str(error_of(glue(both_of_glue), framed + b"more"))
    assert "zlib" in str(error_of(glue(both_of_glue), framed[:18] + b"\xff" + framed[19:]))


def test_what_decompresses_to_more_than_the_limit_is_refused_before_it_is_made() -> None:
    framed = framed_by_glue(bytes(60_000_000), compressed=True)
    assert len(framed) < 200_000
    assert "larger than max_bytes, 33554432," in str(error_of(glue(both_of_glue), framed))
    assert "larger than max_bytes, 10," in str(error_of(glue(both_of_glue, max_bytes=10), framed))


@given(st.binary(), st.binary(min_size=1))
def test_one_complete_stream_is_decompressed_and_nothing_else(payload: bytes, behind: bytes) -> None:
    for wbits in (ZLIB, GZIP):
        compressed = zlib.compress(payload, wbits=wbits)
        assert decompressed(compressed, wbits, len(payload)) == payload
        for broken in (compressed[:-1], compressed + behind, compressed + compressed, b""):
            with pytest.raises(PayloadError):
                decompressed(broken, wbits, 1_000_000)


# ------------------------------------------------------------ message indexes
@given(st.lists(INDEXES, min_size=1), st.binary())
def test_message_indexes_are_read_as_protobuf_writes_varints(indexes: list[int], message: bytes) -> None:
    zigzag = wire_format.ZigZagEncode
    written = varint(zigzag(len(indexes))) + b"".join(varint(zigzag(index)) for index in indexes)
    assert message_indexes(written + message) == (tuple(indexes), message)


@given(st.binary())
def test_a_single_zero_stands_for_the_first_message(message: bytes) -> None:
    assert message_indexes(b"\x00" + message) == ((0,), message)


@given(INDEXES, st.binary())
def test_glue_s_message_index_is_a_varint_without_sign(index: int, message: bytes) -> None:
    assert glue_message_index(varint(index) + message) == (index, message)


@pytest.mark.parametrize("broken", [b"", b"\x02", b"\x04\x02", b"\x80", b"\xff" * 40])
def test_indexes_that_break_off_are_refused(broken: bytes) -> None:
    assert "that are no varint" in str(error_of(message_indexes, broken))


@pytest.mark.parametrize("broken", [b"", b"\x80", b"\xff" * 40])
def test_a_message_index_that_breaks_off_is_refused(broken: bytes) -> None:
    assert "that are no varint" in str(error_of(glue_message_index, broken))


@pytest.mark.parametrize("negative", [b"\x01\x00message", b"\x02\x01message"])
def test_negative_indexes_are_refused(negative: bytes) -> None:
    assert "use.deprecated.format" in str(error_of(message_indexes, negative))


# ------------------------------------------------------------ in the sources
def outcome_of(source: Source[Any, Any], event: dict[str, Any]) -> Any:
    return fold_batch(event, Success, source).outcomes[0]


def order_of(payload: bytes, _schema_id: int) -> Order:
    return Order.model_validate_json(payload)


def test_decoders_of_frames_have_the_types_of_their_payloads() -> None:
    assert_type(kafka(decode=confluent(order_of)), Source[KafkaRecord[Order], KafkaRecord])
    assert_type(kinesis(decode=glue(both_of_glue)), Source[KinesisRecord[tuple[UUID, bytes]], KinesisRecord])


def test_value_and_key_of_kafka_and_data_of_kinesis_are_unframed() -> None:
    framed = b'\x00\x00\x00\x00\x07{"id": "a"}'
    record = outcome_of(
        kafka(decode=confluent(order_of), decode_key=confluent(both)), kafka_event(KafkaMessage(framed, framed))
    )
    assert (record.value.value, record.value.key) == (Order(id="a"), (7, b'{"id": "a"}'))
    assert outcome_of(kinesis(decode=confluent(order_of)), kinesis_event(framed)).value.data == Order(id="a")
    event = kinesis_event(framed_by_glue(b"payload", compressed=True))
    assert outcome_of(kinesis(decode=glue(both_of_glue)), event).value.data == (SCHEMA_ID, b"payload")


def test_a_tombstone_has_no_frame() -> None:
    source = kafka(decode=confluent(order_of), decode_key=glue(both_of_glue))
    record = outcome_of(source, kafka_event(KafkaMessage(None))).value
    assert (record.value, record.key) == (None, None)


SECRET = b"s3cr3t payload that is in no message"


@pytest.mark.parametrize(
    ("decoder", "payload"),
    [
        (confluent(both), SECRET),
        (confluent(both), b"\x00s3c"),
        (confluent(both), b"\x03" + SECRET),
        (confluent(order_of), b"\x00" + SECRET),
        (glue(both_of_glue), SECRET),
        (glue(both_of_glue), b"\x00" + SECRET),
        (glue(both_of_glue), b"\x03\x00s3c"),
        (glue(both_of_glue), b"\x03\x05" + SECRET),
        (glue(both_of_glue), b""),
    ],
)
def test_a_broken_frame_is_malformed_and_not_quoted(decoder: Callable[[bytes], Any], payload: bytes) -> None:
    outcome = outcome_of(kafka(decode=decoder), kafka_event(payload))
    assert isinstance(outcome.fault, Malformed)
    assert "s3c" not in str(outcome.fault.error)


def test_a_decoder_behind_a_frame_fails_as_any_other_one() -> None:
    def with_result(payload: bytes, schema_id: int) -> Result[bytes, ValueError]:
        return Success(payload) if schema_id == 7 else Failure(ValueError("another schema"))

    def with_registry(_payload: bytes, _schema_id: int) -> bytes:
        raise ConnectionError("the registry is down")

    source = kafka(decode=confluent(with_result))
    assert_type(source, Source[KafkaRecord[bytes], KafkaRecord])
    assert outcome_of(source, kafka_event(b"\x00\x00\x00\x00\x07[1]")).value.value == b"[1]"
    fault = outcome_of(source, kafka_event(b"\x00\x00\x00\x00\x08[1]")).fault
    assert isinstance(fault, Malformed)
    assert str(fault.error) == "another schema"
    assert isinstance(
        outcome_of(kafka(decode=confluent(with_registry)), kafka_event(b"\x00\x00\x00\x00\x07")).fault, Crashed
    )


def test_a_validation_error_behind_a_frame_has_no_input() -> None:
    outcome = outcome_of(kafka(decode=confluent(order_of)), kafka_event(b'\x00\x00\x00\x00\x07{"id": ["s3cr3t"]}'))
    assert isinstance(outcome.fault, Malformed)
    assert "s3cr3t" not in str(outcome.fault.error)


def test_an_async_decoder_is_refused_at_once() -> None:
    async def later(payload: bytes, _schema_id: object) -> bytes:
        return payload

    with pytest.raises(TypeError, match="confluent got an async function"):
        confluent(later)
    with pytest.raises(TypeError, match="glue got an async function"):
        glue(later)


@pytest.mark.parametrize("decoder", [confluent(both), glue(both_of_glue)])
def test_text_is_refused_with_the_way_to_bytes(decoder: Any) -> None:
    text = base64.b64encode(framed_by_glue(b"payload")).decode()
    with pytest.raises(TypeError, match="found str: where a queue carries it as base64, decode that first"):
        decoder(text)


# ------------------------------------------------------------ a mapping with a registry of its own
def test_where_lambda_took_the_frame_off_the_record_says_which_schema_it_is() -> None:
    def decode(record: KafkaRecord) -> tuple[str, tuple[int, ...], bytes]:
        metadata = record.value_schema_metadata
        assert metadata is not None
        return (metadata["schemaId"], *message_indexes(record.value or b""))

    schema = {"dataFormat": "PROTOBUF", "schemaId": "7"}
    event = kafka_event(
        KafkaMessage(b"\x02\x02message", key=b"k", value_schema=schema, key_schema={**schema, "schemaId": "8"})
    )
    record = outcome_of(kafka(decode=of_record(decode)), event).value
    assert record.value == ("7", (1,), b"message")
    assert record.key_schema_metadata == {"dataFormat": "PROTOBUF", "schemaId": "8"}
