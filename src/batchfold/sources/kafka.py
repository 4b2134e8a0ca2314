"""Kafka: Amazon MSK and self-managed clusters.

https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html and https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html
show the event, https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html says how Lambda reads the
partial response.
"""

# pyright: reportInvalidTypeVarUse=false
# A type that is left out is the default of its type variable; as overloads, every combination would be written out.

from collections.abc import Callable, Hashable, Iterable
from datetime import datetime
from typing import Any, Generic, TypedDict, cast, overload

from returns.result import Result
from typing_extensions import TypeForm, TypeVar

from batchfold.core._guards import is_list, is_mapping
from batchfold.core.lanes import Lane, refuse_async_lane
from batchfold.core.records import RawRecord, Record
from batchfold.core.response import name_every_record
from batchfold.core.source import Source
from batchfold.sources.fields import (
    UNDECODED,
    bytes_of,
    moment_from_ms,
    optional_text,
    refuse_other_record,
    required,
    text,
)
from batchfold.sources.payload import OfRecord, Unspecified, from_function, from_json
from batchfold.sources.reading import read_kafka

_NAME = "Kafka"

T = TypeVar("T")
Value = TypeVar("Value", default=bytes)
Key = TypeVar("Key", default=bytes)
Value_co = TypeVar("Value_co", covariant=True, default=bytes)
Key_co = TypeVar("Key_co", covariant=True, default=bytes)


class SchemaMetadata(TypedDict):
    """The schema of a key or a value, as a schema registry has it."""

    dataFormat: str
    """`AVRO`, `JSON` or `PROTOBUF`."""
    schemaId: str
    """The schema's id in the registry."""


class KafkaRecord(Record, Generic[Value_co, Key_co]):
    """A record of a Kafka topic.

    `KafkaRecord(raw)` shows value and key as delivered, their base64 decoded; `KafkaRecord(raw, value, key)` shows
    parsed ones.
    """

    __slots__ = ("_key", "_value")

    _value: Any
    _key: Any

    @overload
    def __init__(self: "KafkaRecord[bytes, bytes]", raw: RawRecord) -> None: ...
    @overload
    def __init__(self, raw: RawRecord, value: Value_co | None, key: Key_co | None) -> None: ...
    def __init__(self, raw: RawRecord, value: Any = UNDECODED, key: Any = UNDECODED) -> None:
        self._raw = raw
        self._value = value
        self._key = key

    @property
    def value(self) -> Value_co | None:
        """The value: the bytes as delivered, or the value that they were parsed into. `None` for a tombstone."""
        if self._value is UNDECODED:
            return cast("Value_co | None", _decoded(self._raw, "value"))  # bytes, as the constructor's overload says
        return self._value  # type: ignore[no-any-return]  # the constructor's argument

    @property
    def key(self) -> Key_co | None:
        """The key: the bytes as delivered, or the value that they were parsed into. `None` where there is none."""
        if self._key is UNDECODED:
            return cast("Key_co | None", _decoded(self._raw, "key"))  # bytes, as the constructor's overload says
        return self._key  # type: ignore[no-any-return]  # the constructor's argument

    @property
    def topic(self) -> str:
        """The topic."""
        return text(self._raw, "topic")

    @property
    def partition(self) -> int:
        """The partition of the topic. With the topic and the offset it names the record to Lambda."""
        found: int = required(self._raw, "partition")
        return found

    @property
    def offset(self) -> int:
        """The position of the record in its partition."""
        found: int = required(self._raw, "offset")
        return found

    @property
    def timestamp(self) -> datetime | None:
        """The time at which the record was made or appended, as `timestamp_type` says, in UTC. `None` without one (-1)."""
        ms: float | None = self._raw.get("timestamp")
        return None if ms is None or ms < 0 else moment_from_ms(ms)

    @property
    def timestamp_type(self) -> str | None:
        """`CREATE_TIME` (the producer's clock) or `LOG_APPEND_TIME` (the broker's), where the record has it."""
        return optional_text(self._raw, "timestampType")

    @property
    def headers(self) -> tuple[tuple[str, bytes], ...]:
        """The headers in order, names and values; a name may repeat. A null value is empty."""
        return tuple(
            (str(name), content)
            for header in _headers(self._raw)
            for name, value in header.items()
            if (content := _header_bytes(value)) is not None
        )

    @property
    def value_schema_metadata(self) -> SchemaMetadata | None:
        """The schema of the value, where the event source mapping has a schema registry."""
        found: SchemaMetadata | None = self._raw.get("valueSchemaMetadata")
        return found

    @property
    def key_schema_metadata(self) -> SchemaMetadata | None:
        """The schema of the key, where the event source mapping has a schema registry."""
        found: SchemaMetadata | None = self._raw.get("keySchemaMetadata")
        return found

    def _payload(self) -> Any:
        try:
            return (self.value, self.key)
        except ValueError:
            return None  # what does not parse is compared as part of the raw record

    def _identity(self) -> str:
        raw = self._raw
        return f"topic={raw.get('topic')!r}, partition={raw.get('partition')!r}, offset={raw.get('offset')!r}"


def _headers(raw: RawRecord) -> Iterable[Any]:
    headers = raw.get("headers")
    return filter(is_mapping, headers) if is_list(headers) else ()


def _header_bytes(value: object) -> bytes | None:
    """Return the bytes of a header's value, `None` for a form that no client sends: an odd one hides no other."""
    if value is None:
        return b""
    try:
        if isinstance(value, str):  # as Java's JSON has bytes; not Lambda's own form
            return bytes_of(value, "headers")
        # Lambda lists a value's bytes as numbers, which may be signed
        return bytes(byte & 0xFF for byte in value) if is_list(value) else None
    except (TypeError, ValueError):
        return None


def by_topic_partition(raw: RawRecord, /) -> Hashable | None:
    """Make one lane of the records of a partition: the order that Kafka promises, and no more.

    Raises `ValueError` for a record of another source.
    """
    return _partition(raw, "by_topic_partition")


def by_message_key(raw: RawRecord, /) -> Hashable | None:
    """Make one lane of the records of a key within a partition; those without a key share one there.

    Raises `ValueError` for a record of another source.
    """
    return (*_partition(raw, "by_message_key"), raw.get("key"))


def _partition(raw: RawRecord, lane: str) -> tuple[Hashable, Hashable]:
    try:
        return raw["topic"], raw["partition"]
    except KeyError:
        pass
    refuse_other_record(lane, _NAME)


@overload
def kafka(
    value: type[dict[Unspecified, Unspecified]], /, *, key: TypeForm[Key] = ..., lane: Lane = by_topic_partition
) -> Source[KafkaRecord[dict[str, object], Key], KafkaRecord]: ...
@overload
def kafka(
    value: type[list[Unspecified]], /, *, key: TypeForm[Key] = ..., lane: Lane = by_topic_partition
) -> Source[KafkaRecord[list[object], Key], KafkaRecord]: ...
@overload
def kafka(
    value: TypeForm[Value] = ..., /, *, key: TypeForm[Key] = ..., lane: Lane = by_topic_partition
) -> Source[KafkaRecord[Value, Key], KafkaRecord]: ...
@overload
def kafka(
    value: TypeForm[Value] = ...,
    /,
    *,
    decode_key: Callable[[bytes], Result[Key, object]],
    lane: Lane = by_topic_partition,
) -> Source[KafkaRecord[Value, Key], KafkaRecord]: ...
@overload
def kafka(
    value: TypeForm[Value] = ...,
    /,
    *,
    decode_key: Callable[[bytes], Key] | OfRecord[KafkaRecord, Key],
    lane: Lane = by_topic_partition,
) -> Source[KafkaRecord[Value, Key], KafkaRecord]: ...
@overload
def kafka(
    *, decode: Callable[[bytes], Result[T, object]], key: TypeForm[Key] = ..., lane: Lane = by_topic_partition
) -> Source[KafkaRecord[T, Key], KafkaRecord]: ...
@overload
def kafka(
    *,
    decode: Callable[[bytes], T] | OfRecord[KafkaRecord, T],
    key: TypeForm[Key] = ...,
    lane: Lane = by_topic_partition,
) -> Source[KafkaRecord[T, Key], KafkaRecord]: ...
@overload
def kafka(
    *,
    decode: Callable[[bytes], Result[T, object]],
    decode_key: Callable[[bytes], Result[Key, object]],
    lane: Lane = by_topic_partition,
) -> Source[KafkaRecord[T, Key], KafkaRecord]: ...
@overload
def kafka(
    *,
    decode: Callable[[bytes], T] | OfRecord[KafkaRecord, T],
    decode_key: Callable[[bytes], Result[Key, object]],
    lane: Lane = by_topic_partition,
) -> Source[KafkaRecord[T, Key], KafkaRecord]: ...
@overload
def kafka(
    *,
    decode: Callable[[bytes], Result[T, object]],
    decode_key: Callable[[bytes], Key] | OfRecord[KafkaRecord, Key],
    lane: Lane = by_topic_partition,
) -> Source[KafkaRecord[T, Key], KafkaRecord]: ...
@overload
def kafka(
    *,
    decode: Callable[[bytes], T] | OfRecord[KafkaRecord, T],
    decode_key: Callable[[bytes], Key] | OfRecord[KafkaRecord, Key],
    lane: Lane = by_topic_partition,
) -> Source[KafkaRecord[T, Key], KafkaRecord]: ...
def kafka(
    value: Any = UNDECODED,
    /,
    *,
    key: Any = UNDECODED,
    decode: Callable[[bytes], Any] | OfRecord[KafkaRecord, Any] | None = None,
    decode_key: Callable[[bytes], Any] | OfRecord[KafkaRecord, Any] | None = None,
    lane: Lane = by_topic_partition,
) -> Source[KafkaRecord[Any, Any], KafkaRecord]:
    """Read events of a Kafka cluster, Amazon MSK or self-managed.

    Without arguments value and key are the bytes that the producer sent. With a type, pydantic validates their JSON
    into it: `kafka(Value, key=Key)`. `str` and `bytes`, with constraints or without, take them as text and as they are: a
    key is often plain text, `kafka(Value, key=str)`. With `decode` and `decode_key`, those functions make them from the
    bytes, or, wrapped in `of_record`, from the record. A value or key that is absent is `None`; one that will not parse
    makes the record `Malformed`: a `ValueError` was raised, or the function returned a `Failure`.

    Every record that is not done is named in the response. The records of a partition are one lane
    (`by_topic_partition`): nothing is started in it after the first that is not done. `lane=by_message_key` lets other
    keys go on, `lane=each_record` every record.

    >>> raw = {"topic": "orders", "partition": 0, "offset": 7, "value": "WzEsIDJd"}
    >>> raws, item_ids = kafka().read({"eventSource": "aws:kafka", "records": {"orders-0": [raw]}})
    >>> item_ids
    [{'partition': 'orders-0', 'offset': 7}]
    >>> record = kafka(list[int]).parse(raws[0])
    >>> record.value, record.key
    ([1, 2], None)
    """
    refuse_async_lane(lane)
    value_of = _part("value", value, decode)
    key_of = _part("key", key, decode_key)
    return Source(
        name=_NAME,
        read=read_kafka,
        parse=lambda raw: KafkaRecord(raw, value_of(raw), key_of(raw)),
        as_delivered=KafkaRecord,
        lane_of=lambda _raws: lane,
        respond=name_every_record,
    )


def _part(name: str, form: Any, decode: Any) -> Callable[[RawRecord], Any]:
    """Return what parses the value or the key of a raw record."""
    if isinstance(decode, OfRecord):
        of_record = from_function(decode.decode, form)
        return lambda raw: None if raw.get(name) is None else of_record(KafkaRecord(raw))
    if decode is not None:
        parse = from_function(decode, form)
    elif form is UNDECODED:
        return lambda raw: _decoded(raw, name)
    else:
        parse = from_json(form)

    def parsed(raw: RawRecord) -> Any:
        delivered = raw.get(name)
        return None if delivered is None else parse(bytes_of(delivered, name))

    return parsed


def _decoded(raw: RawRecord, name: str) -> bytes | None:
    delivered = raw.get(name)
    return None if delivered is None else bytes_of(delivered, name)
