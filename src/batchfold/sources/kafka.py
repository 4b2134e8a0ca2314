"""Kafka: Amazon MSK and self-managed clusters.

https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html and https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html
show the event, https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html says how Lambda reads the
partial response.
"""

# pyright: reportInvalidTypeVarUse=false
# A type that is left out is the default of its type variable; as overloads, every combination would be written out.

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypedDict, cast, overload

from returns.result import Result
from typing_extensions import TypeForm, TypeVar

from batchfold.core._guards import is_list, is_mapping
from batchfold.core.lanes import Lane, refuse_async_lane
from batchfold.core.records import KafkaItemId, RawRecord, Record
from batchfold.core.response import name_every_record
from batchfold.core.source import Source
from batchfold.sources.fields import (
    UNDECODED,
    bytes_of,
    moment_from_ms,
    optional_text,
    present,
    refuse_other_record,
    required,
    text,
)
from batchfold.sources.payload import OfRecord, Unspecified, from_function, from_json
from batchfold.sources.reading import a_kind_of, check_event_source, checked_event, quoted, refuse

_NAME = "Kafka"
_EVENT_SOURCES = ("aws:kafka", "SelfManagedKafka", "aws:SelfManagedKafka")
"""A self-managed cluster delivers the second, and AWS's older texts have the third."""

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
        headers = self._raw.get("headers")
        return tuple(
            (str(name), content)
            for header in (headers if is_list(headers) else ())
            if is_mapping(header)
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

    @property
    def span_attributes(self) -> Mapping[str, str | int]:
        """The attributes of a span about the record, but for the key, which may be as private as the value.

        https://opentelemetry.io/docs/specs/semconv/messaging/kafka/ names them.
        """
        raw = self._raw
        partition: int | None = raw.get("partition")
        return present(
            **{
                "messaging.system": "kafka",
                "faas.trigger": "pubsub",
                "messaging.destination.name": optional_text(raw, "topic"),
                "messaging.destination.partition.id": None if partition is None else str(partition),
                "messaging.kafka.offset": raw.get("offset"),
                "messaging.kafka.message.tombstone": raw.get("value") is None or None,
            }
        )

    @property
    def trace_context(self) -> Mapping[str, str]:
        """The sender's trace context, out of W3C's headers. Of a name that repeats, the first counts."""
        found: dict[str, str] = {}
        for name, value in self.headers:
            if name in _TRACE_HEADERS:
                found.setdefault(name, value.decode("ascii", "replace"))
        return found

    def _payload(self) -> Any:
        try:
            return (self.value, self.key)
        except ValueError:
            return None  # what does not parse is compared as part of the raw record

    def _identity(self) -> str:
        raw = self._raw
        return f"topic={raw.get('topic')!r}, partition={raw.get('partition')!r}, offset={raw.get('offset')!r}"


_TRACE_HEADERS = frozenset(("traceparent", "tracestate"))


def _header_bytes(value: object) -> bytes | None:
    """Return the bytes of a header's value, `None` for a form that no client sends: an odd one hides no other."""
    if value is None:
        return b""
    try:
        if isinstance(value, str):  # as Java's JSON has bytes; not Lambda's own form
            return bytes_of(value, "headers")
        # Lambda lists the bytes of a value as numbers, which may be signed
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


_Source: TypeAlias = Source[KafkaRecord[Value, Key], KafkaRecord]
_ToResult: TypeAlias = Callable[[bytes], Result[T, object]]
_Decode: TypeAlias = Callable[[bytes], T] | OfRecord[KafkaRecord, T]


@overload
def kafka(
    value: type[dict[Unspecified, Unspecified]], /, *, key: TypeForm[Key] = ..., lane: Lane = by_topic_partition
) -> _Source[dict[str, object], Key]: ...
@overload
def kafka(
    value: type[list[Unspecified]], /, *, key: TypeForm[Key] = ..., lane: Lane = by_topic_partition
) -> _Source[list[object], Key]: ...
@overload
def kafka(
    value: TypeForm[Value] = ..., /, *, key: TypeForm[Key] = ..., lane: Lane = by_topic_partition
) -> _Source[Value, Key]: ...
@overload
def kafka(
    value: TypeForm[Value] = ..., /, *, decode_key: _ToResult[Key], lane: Lane = by_topic_partition
) -> _Source[Value, Key]: ...
@overload
def kafka(
    value: TypeForm[Value] = ..., /, *, decode_key: _Decode[Key], lane: Lane = by_topic_partition
) -> _Source[Value, Key]: ...
@overload
def kafka(*, decode: _ToResult[T], key: TypeForm[Key] = ..., lane: Lane = by_topic_partition) -> _Source[T, Key]: ...
@overload
def kafka(*, decode: _Decode[T], key: TypeForm[Key] = ..., lane: Lane = by_topic_partition) -> _Source[T, Key]: ...
@overload
def kafka(*, decode: _ToResult[T], decode_key: _ToResult[Key], lane: Lane = by_topic_partition) -> _Source[T, Key]: ...
@overload
def kafka(*, decode: _Decode[T], decode_key: _ToResult[Key], lane: Lane = by_topic_partition) -> _Source[T, Key]: ...
@overload
def kafka(*, decode: _ToResult[T], decode_key: _Decode[Key], lane: Lane = by_topic_partition) -> _Source[T, Key]: ...
@overload
def kafka(*, decode: _Decode[T], decode_key: _Decode[Key], lane: Lane = by_topic_partition) -> _Source[T, Key]: ...
def kafka(
    value: Any = UNDECODED,
    /,
    *,
    key: Any = UNDECODED,
    decode: _Decode[Any] | None = None,
    decode_key: _Decode[Any] | None = None,
    lane: Lane = by_topic_partition,
) -> _Source[Any, Any]:
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
    if decode is None and form is UNDECODED:
        return lambda raw: _decoded(raw, name)
    parse = from_json(form) if decode is None else from_function(decode, form)

    def parsed(raw: RawRecord) -> Any:
        delivered = raw.get(name)
        return None if delivered is None else parse(bytes_of(delivered, name))

    return parsed


def _decoded(raw: RawRecord, name: str) -> bytes | None:
    delivered = raw.get(name)
    return None if delivered is None else bytes_of(delivered, name)


def read_kafka(delivered: object) -> tuple[Sequence[RawRecord], Sequence[KafkaItemId]]:
    """Read an event of Amazon MSK or of a self-managed cluster, which has a list of records for each partition.

    Records arrive in the order of the mapping and of the lists in it. The topic and the partition of a record must be
    those of the key that lists it: the response names a record by that key and its offset.
    """
    event = checked_event(delivered, _NAME)
    check_event_source(event, _EVENT_SOURCES, _NAME, "the event")
    lists = event.get("records")
    if not is_mapping(lists):
        found = a_kind_of(lists) if "records" in event else "an event without 'records'"
        refuse(f"expected an event of {_NAME}, with a mapping of lists of records under 'records', found {found}")
    raws: list[RawRecord] = []
    item_ids: list[KafkaItemId] = []
    for key, listed_here in lists.items():
        where = f"records[{quoted(key)}]"
        if not is_list(listed_here):
            refuse(f"expected {where} of an event of {_NAME} to be a list of records, found {a_kind_of(listed_here)}")
        offsets = _offsets_if_all_is_well(key, listed_here)
        if offsets is None:
            offsets = [_checked_offset(key, f"{where}[{position}]", raw) for position, raw in enumerate(listed_here)]
        raws += listed_here
        item_ids.extend({"partition": key, "offset": offset} for offset in offsets)
    return raws, item_ids


def _offsets_if_all_is_well(key: object, raws: Sequence[Any]) -> list[int] | None:
    try:
        topics = [raw["topic"] for raw in raws]
        partitions = [raw["partition"] for raw in raws]
        offsets = [raw["offset"] for raw in raws]
        named = set(zip(topics, partitions, strict=True))
    except (KeyError, TypeError, IndexError):
        return None
    numbers = {*map(type, partitions), *map(type, offsets)}
    if not ({*map(type, raws)} <= {dict} and {*map(type, topics)} <= {str} and numbers <= {int} and all(topics)):
        return None
    is_well = all(partition >= 0 and f"{topic}-{partition}" == key for topic, partition in named)
    return offsets if is_well and min(offsets, default=0) >= 0 else None


def _checked_offset(key: object, where: str, raw: object) -> int:
    if not is_mapping(raw):
        refuse(f"expected {where} of an event of {_NAME} to be a mapping, found {a_kind_of(raw)}")
    topic, partition = raw.get("topic"), raw.get("partition")
    offset: Any = raw.get("offset")
    if not isinstance(topic, str) or not topic:
        refuse(f"expected 'topic' of {where} to be text that is not empty, found {quoted(topic)}")
    for name, number in (("partition", partition), ("offset", offset)):
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            refuse(f"expected {name!r} of {where} to be a whole number from 0 on, found {quoted(number)}")
    if f"{topic}-{partition}" != key:
        refuse(
            f"expected {where} to be listed under its own topic and partition, {quoted(f'{topic}-{partition}')}: "
            "which of the two would name it to Lambda cannot be told"
        )
    checked: int = offset
    return checked
