"""KPL aggregates: building them, and the model of a stream whose producers use the Kinesis Producer Library.

https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md describes an aggregate. Lambda knows
nothing of it: it counts, names and delivers again the record of the stream, that is, all user records of an aggregate at
once.
"""

import hashlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from batchfold.sources.kpl import MAGIC, deaggregated
from batchfold.testing.context import Seconds
from batchfold.testing.event_parts import as_bytes
from batchfold.testing.event_source import Delivery, SourceRecord
from batchfold.testing.refuse import refuse_other_numbers
from batchfold.testing.stream_events import KinesisData, kinesis_event
from batchfold.testing.stream_retries import StreamState
from batchfold.testing.streams import FIRST_KINESIS_NUMBER, KinesisStream, ShardsState

_KEY_OF_AGGREGATES = "a"
"""The partition key that the KPL gives an aggregate, whatever the keys of its user records."""


@dataclass(frozen=True)
class KplRecord:
    """A user record for `kpl_aggregate`, where its data alone does not say enough.

    `data` is bytes, text, or anything that JSON knows. Nothing that Lambda delivers shows the `tags`.
    """

    data: object
    partition_key: str = "1"
    explicit_hash_key: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


def kpl_aggregate(*records: object) -> bytes:
    """Build the data of one record of a stream that holds these user records, as the Kinesis Producer Library does.

    Each of `records` is a `KplRecord` or data: bytes as they are, text as UTF-8, anything else as JSON.

    Raises:
        ValueError: There are no records. The KPL makes no such aggregate.

    >>> from batchfold import kinesis
    >>> from batchfold.testing import kinesis_event
    >>> raws, item_ids = kinesis(aggregated=True).read(kinesis_event(kpl_aggregate("one", "two"), "three"))
    >>> [kinesis().parse(raw).data for raw in raws]
    [b'one', b'two', b'three']
    """
    if not records:
        raise ValueError("An aggregate holds at least one user record, such as kpl_aggregate('one').")
    given = [record if isinstance(record, KplRecord) else KplRecord(record) for record in records]
    partition_keys = _table(record.partition_key for record in given)
    hash_keys = _table(record.explicit_hash_key for record in given if record.explicit_hash_key is not None)
    message = b"".join(
        [
            *(_bytes(1, key.encode()) for key in partition_keys),
            *(_bytes(2, key.encode()) for key in hash_keys),
            *(_bytes(3, _entry(record, partition_keys, hash_keys)) for record in given),
        ]
    )
    return MAGIC + message + hashlib.md5(message, usedforsecurity=False).digest()


def _table(keys: Iterable[str]) -> Mapping[str, int]:
    return {key: at for at, key in enumerate(dict.fromkeys(keys))}


def _entry(record: KplRecord, partition_keys: Mapping[str, int], hash_keys: Mapping[str, int]) -> bytes:
    entry = _number(1, partition_keys[record.partition_key])
    if record.explicit_hash_key is not None:
        entry += _number(2, hash_keys[record.explicit_hash_key])
    entry += _bytes(3, as_bytes(record.data))
    for tag, value in record.tags.items():
        entry += _bytes(4, _bytes(1, tag.encode()) + _bytes(2, value.encode()))
    return entry


def _number(of_field: int, value: int) -> bytes:
    return _varint(of_field << 3) + _varint(value)


def _bytes(of_field: int, content: bytes) -> bytes:
    return _varint(of_field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes((low,)) if not rest else bytes((low | 0x80,)) + _varint(rest)


@dataclass(frozen=True, kw_only=True)
class AggregatedKinesisStream(KinesisStream):
    """A Kinesis data stream that the KPL writes to; the settings beside `aggregate_size` are those of `KinesisStream`.

    Of each `aggregate_size` records that were written one after the other, those of a shard make one aggregate; one that
    is alone there is not aggregated. `batch_size` and retries count aggregates.

    Raises:
        ValueError: AWS does not allow a setting, or there is a parallelization factor: Lambda divides a shard by the
            partition keys of the aggregates, so the order of a user record's key is kept by nobody.
    """

    aggregate_size: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_other_numbers("aggregate_size", self.aggregate_size, 1)
        refuse_other_numbers("parallelization_factor, of a stream of aggregates,", self.parallelization_factor, 1, 1)

    def delivered_as(self, record: SourceRecord, /) -> Hashable:
        """Return the aggregate that holds the record."""
        return (self._shard(record), record.position // self.aggregate_size)

    def arrival_of(self, record: SourceRecord, /) -> datetime:
        """Return when a record arrived: with its aggregate."""
        first = record.position // self.aggregate_size * self.aggregate_size
        return super().arrival_of(replace(record, position=first))

    def begin(self, records: tuple[SourceRecord, ...]) -> StreamState | ShardsState:
        """Return the stream with these records written to it, and its first batch on the way."""
        ages: dict[Hashable, Seconds] = {}
        for record in records:
            unit = self.delivered_as(record)
            ages[unit] = max(record.age, ages.get(unit, 0.0))
        return super().begin(tuple(replace(record, age=ages[self.delivered_as(record)]) for record in records))

    def deliver(self, records: tuple[SourceRecord, ...], *, at: Seconds) -> Delivery:
        """Return the batch that holds these records, which are of one shard."""
        aggregates = self._aggregates(records)
        numbers = [str(FIRST_KINESIS_NUMBER + aggregate[0].position) for aggregate in aggregates]
        event = kinesis_event(*map(self._data, aggregates, numbers), shard_id=self.shard_id_of(records[0]))
        identifiers: dict[Hashable, int] = {
            number: aggregate[0].position for aggregate, number in zip(aggregates, numbers, strict=True)
        }
        raws, _ = deaggregated(event["Records"], numbers)
        return Delivery(at, records, event, tuple(raws), identifiers)

    def batch_info(self, records: Sequence[SourceRecord], /) -> Mapping[str, Any] | None:
        """Return what a document about discarded records says of them."""
        return super().batch_info([aggregate[0] for aggregate in self._aggregates(records)])

    def _aggregates(self, records: Sequence[SourceRecord]) -> list[list[SourceRecord]]:
        return [list(aggregate) for _, aggregate in groupby(records, self.delivered_as)]

    def _data(self, aggregate: Sequence[SourceRecord], number: str) -> KinesisData:
        first = aggregate[0]
        if len(aggregate) == 1:
            return KinesisData(first.payload, first.key, number, self.arrival_of(first))
        data = kpl_aggregate(*(KplRecord(record.payload, record.key) for record in aggregate))
        return KinesisData(data, _KEY_OF_AGGREGATES, number, self.arrival_of(first))
