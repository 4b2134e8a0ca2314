"""Kafka: Amazon MSK and self-managed clusters.

https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html and https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html
show the event, https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html tells how the partial
response is read.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Any, Generic, TypedDict, cast, overload

from typing_extensions import TypeForm, TypeVar

from batchfold.core.lanes import Lane
from batchfold.core.records import RawRecord, Record
from batchfold.core.response import name_every_record
from batchfold.core.source import Source
from batchfold.sources.fields import UNDECODED, bytes_of, moment_from_ms, text
from batchfold.sources.kafka_reading import read_kafka
from batchfold.sources.payload import from_json, parser_of

_NAME = "Kafka"

T = TypeVar("T")
K = TypeVar("K")
Value_co = TypeVar("Value_co", covariant=True, default=bytes)
Key_co = TypeVar("Key_co", covariant=True, default=bytes)


class SchemaMetadata(TypedDict):
    """What a schema registry says of a key or a value."""

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
    def __init__(self: KafkaRecord[bytes, bytes], raw: RawRecord) -> None: ...
    @overload
    def __init__(self, raw: RawRecord, value: Value_co | None, key: Key_co | None) -> None: ...
    def __init__(self, raw: RawRecord, value: Any = UNDECODED, key: Any = UNDECODED) -> None:
        self._raw = raw
        self._value = value
        self._key = key

    @property
    def value(self) -> Value_co | None:
        """The value: the bytes as delivered, or what they were parsed into. `None` where there is none (a tombstone)."""
        if self._value is UNDECODED:
            return cast("Value_co | None", _decoded(self._raw, "value"))  # as delivered: bytes, as the overload says
        return self._value  # type: ignore[no-any-return]  # what the constructor was given

    @property
    def key(self) -> Key_co | None:
        """The key: the bytes as delivered, or what they were parsed into. `None` where there is none."""
        if self._key is UNDECODED:
            return cast("Key_co | None", _decoded(self._raw, "key"))  # as above
        return self._key  # type: ignore[no-any-return]  # what the constructor was given

    @property
    def topic(self) -> str:
        """The topic."""
        return text(self._raw, "topic")

    @property
    def partition(self) -> int:
        """The partition of the topic. With the topic and the offset it names the record to Lambda."""
        found: int = self._raw["partition"]
        return found

    @property
    def offset(self) -> int:
        """The place of the record in its partition."""
        found: int = self._raw["offset"]
        return found

    @property
    def timestamp(self) -> datetime:
        """When the record was made or appended, as `timestamp_type` says, in UTC."""
        return moment_from_ms(self._raw["timestamp"])

    @property
    def timestamp_type(self) -> str:
        """`CREATE_TIME` (the producer's clock) or `LOG_APPEND_TIME` (the broker's)."""
        return text(self._raw, "timestampType")

    @property
    def headers(self) -> tuple[tuple[str, bytes], ...]:
        """The headers in order, names and values; a name may come several times. A null value is empty."""
        return tuple(
            # Lambda lists a value's bytes as numbers, which may be signed
            (name, bytes(byte & 0xFF for byte in value or ()))
            for header in self._raw.get("headers") or ()
            for name, value in header.items()
        )

    @property
    def value_schema_metadata(self) -> SchemaMetadata | None:
        """What the schema registry says of the value, where the event source mapping has a registry."""
        found: SchemaMetadata | None = self._raw.get("valueSchemaMetadata")
        return found

    @property
    def key_schema_metadata(self) -> SchemaMetadata | None:
        """What the schema registry says of the key, where the event source mapping has a registry."""
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


def _decoded(raw: RawRecord, name: str) -> bytes | None:
    delivered = raw.get(name)
    return None if delivered is None else bytes_of(delivered, name)


def by_topic_partition(raw: RawRecord, /) -> Hashable | None:
    """Records of one partition are one lane: the order that Kafka promises, and no more."""
    return (raw["topic"], raw["partition"])


def by_message_key(raw: RawRecord, /) -> Hashable | None:
    """Records of one key are one lane within their partition; those without a key share one there."""
    return (raw["topic"], raw["partition"], raw.get("key"))


@overload
def kafka(*, lane: Lane = by_topic_partition) -> Source[KafkaRecord, KafkaRecord]: ...
@overload
def kafka(value: TypeForm[T], /, *, lane: Lane = by_topic_partition) -> Source[KafkaRecord[T], KafkaRecord]: ...
@overload
def kafka(*, key: TypeForm[K], lane: Lane = by_topic_partition) -> Source[KafkaRecord[bytes, K], KafkaRecord]: ...
@overload
def kafka(
    value: TypeForm[T], /, *, key: TypeForm[K], lane: Lane = by_topic_partition
) -> Source[KafkaRecord[T, K], KafkaRecord]: ...
@overload
def kafka(
    value: TypeForm[T], /, *, decode_key: Callable[[bytes], K], lane: Lane = by_topic_partition
) -> Source[KafkaRecord[T, K], KafkaRecord]: ...
@overload
def kafka(*, decode: Callable[[bytes], T], lane: Lane = by_topic_partition) -> Source[KafkaRecord[T], KafkaRecord]: ...
@overload
def kafka(
    *, decode: Callable[[bytes], T], key: TypeForm[K], lane: Lane = by_topic_partition
) -> Source[KafkaRecord[T, K], KafkaRecord]: ...
@overload
def kafka(
    *, decode_key: Callable[[bytes], K], lane: Lane = by_topic_partition
) -> Source[KafkaRecord[bytes, K], KafkaRecord]: ...
@overload
def kafka(
    *, decode: Callable[[bytes], T], decode_key: Callable[[bytes], K], lane: Lane = by_topic_partition
) -> Source[KafkaRecord[T, K], KafkaRecord]: ...
def kafka(
    value: Any = UNDECODED,
    /,
    *,
    key: Any = UNDECODED,
    decode: Callable[[bytes], Any] | None = None,
    decode_key: Callable[[bytes], Any] | None = None,
    lane: Lane = by_topic_partition,
) -> Source[KafkaRecord[Any, Any], KafkaRecord]:
    """Read events of a Kafka cluster, Amazon MSK or self-managed.

    Without arguments value and key are the bytes that the producer sent. With a type, pydantic validates their JSON
    into it: `kafka(Value, key=Key)`. With `decode` and `decode_key`, those functions make them from the bytes: a key is
    often plain text and no JSON, `kafka(Value, decode_key=bytes.decode)`. A value or key that is absent is `None`; one
    that will not parse (a `ValueError`) makes the record `Malformed`.

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
    return Source(
        name=_NAME,
        read=read_kafka,
        parse=_parser(parser_of(value, decode, from_json), parser_of(key, decode_key, from_json)),
        as_delivered=KafkaRecord,
        lane_of=lambda _raws: lane,
        respond=name_every_record,
    )


def _parser(
    parse_value: Callable[[bytes], Any] | None, parse_key: Callable[[bytes], Any] | None
) -> Callable[[RawRecord], KafkaRecord[Any, Any]]:
    value_of = _part("value", parse_value)
    key_of = _part("key", parse_key)
    return lambda raw: KafkaRecord(raw, value_of(raw), key_of(raw))


def _part(name: str, parse: Callable[[bytes], Any] | None) -> Callable[[RawRecord], Any]:
    if parse is None:
        return lambda raw: _decoded(raw, name)

    def parsed(raw: RawRecord) -> Any:
        delivered = raw.get(name)
        return None if delivered is None else parse(bytes_of(delivered, name))

    return parsed
