"""The models of Kinesis Data Streams and DynamoDB Streams: shards, and several batches of a shard at once.

A shard is delivered in order, from its checkpoint on. With `parallelization_factor`, several batches of one shard are
under way at once, each with a checkpoint of its own, and only records of one partition key keep their order:
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-create.html.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, cast

from batchfold.core.lanes import Lane
from batchfold.sources.dynamodb import by_item_key
from batchfold.sources.kinesis import by_partition_key
from batchfold.testing.answers import Answer, Reading
from batchfold.testing.change_events import DynamoDBChange, dynamodb_event
from batchfold.testing.context import Seconds, timestamp
from batchfold.testing.event_parts import arn, deterministic_id, in_seconds
from batchfold.testing.event_source import Delivery, SourceRecord, SourceState
from batchfold.testing.refuse import refuse_other_numbers
from batchfold.testing.stream_events import KinesisData, kinesis_event
from batchfold.testing.stream_retries import StreamState
from batchfold.testing.tumbling_windows import StateAfterPartialFailure, WindowSettings

# The third number has one digit more than the second: compared as text, it is the lowest.
FIRST_KINESIS_NUMBER = 10**56 - 2
_FIRST_DYNAMODB_NUMBER = 10**21 - 2

_MOST_BATCHES_OF_A_SHARD = 10


@dataclass(frozen=True, kw_only=True)
class ShardedStream(WindowSettings):
    """A stream with shards. The settings beside these two are those of `StreamSettings` and of `WindowSettings`.

    A record's key decides its shard, and with a `parallelization_factor` which of the batches of that shard it is in.
    The batches that are under way at once are delivered in turns, to one and the same function.

    Raises:
        ValueError: AWS does not allow a setting.
    """

    shards: int = 1
    parallelization_factor: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_other_numbers("shards", self.shards, 1)
        refuse_other_numbers("parallelization_factor", self.parallelization_factor, 1, _MOST_BATCHES_OF_A_SHARD)
        if self.tumbling_window_in_seconds and self.parallelization_factor > 1:
            raise ValueError(
                "Tumbling windows with a parallelization_factor are not modelled: a window is one of a shard."
            )

    def lane_of(self, record: SourceRecord, /) -> Hashable | None:
        """Return the shard, or the partition key where several batches of a shard are under way at once."""
        return record.key if self.parallelization_factor > 1 else ("shard", self._shard(record))

    def default_lane_of(self, record: SourceRecord, /) -> Hashable | None:
        """Return the shard, or which of its batches: a function that is told of no lane stops at a failure there."""
        return ("batches", self._batches(record))

    def comes_back_after(self, earlier: SourceRecord, later: SourceRecord, /) -> bool:
        """Return whether the two are in one batch: everything from the lowest sequence number on comes back."""
        return self._batches(earlier) == self._batches(later)

    def begin(self, records: tuple[SourceRecord, ...]) -> "StreamState | ShardsState":
        """Return the stream with these records written to it, and its first batch on the way."""
        parts: dict[int, list[SourceRecord]] = {}
        for record in records:
            parts.setdefault(self._batches(record), []).append(record)
        states = [self.shard_with(tuple(part)).read() for part in parts.values()]
        return states[0] if len(states) == 1 else ShardsState(states=tuple(states), turns=(0,) * len(states)).next()

    def variations(self) -> "tuple[ShardedStream, ...]":
        """Return the stream in the ways that AWS leaves open, if it has windows: the one that was given comes first."""
        if not self.is_windowed:
            return (self,)
        both: tuple[StateAfterPartialFailure, ...] = ("returned", "before")
        readings = both if self.partial_failure_state is None else (self.partial_failure_state,)
        endings = ((self.final_records, self.ends_early_after), (not self.final_records, 2), (self.final_records, 1))
        return tuple(
            replace(self, partial_failure_state=reading, final_records=final_records, ends_early_after=ends_early_after)
            for final_records, ends_early_after in endings
            for reading in readings
        )

    def _batch_info(self, records: Sequence[SourceRecord], first_number: int, stream_arn: str) -> dict[str, Any]:
        return {
            "shardId": self.shard_id_of(records[0]),
            "startSequenceNumber": str(first_number + records[0].position),
            "endSequenceNumber": str(first_number + records[-1].position),
            "approximateArrivalOfFirstRecord": timestamp(in_seconds(self.arrival_of(records[0]))),
            "approximateArrivalOfLastRecord": timestamp(in_seconds(self.arrival_of(records[-1]))),
            "batchSize": len(records),
            "streamArn": stream_arn,
        }

    def _batches(self, record: SourceRecord) -> int:
        return sum(record.key.encode()) % (self.shards * self.parallelization_factor)

    def _shard(self, record: SourceRecord) -> int:
        return self._batches(record) // self.parallelization_factor

    def shard_id_of(self, record: SourceRecord, /) -> str:
        """Return the id of the shard of a record."""
        return f"shardId-{self._shard(record):012}"


@dataclass(frozen=True, kw_only=True)
class ShardsState(SourceState):
    """Several shards, or parts of a shard, at one moment. Of those whose batch is due first, they take turns."""

    states: tuple[StreamState, ...]
    turns: tuple[int, ...]
    current: int = 0

    def step(self, answer: Answer, *, ended_at: Seconds) -> "tuple[Reading, ShardsState]":
        """Let the shard whose batch was delivered go on, and deliver what is due next. See `SourceState`."""
        reading, state = self.states[self.current].step(answer, ended_at=ended_at)
        states = tuple(state if at == self.current else other for at, other in enumerate(self.states))
        turns = tuple(turns + (at == self.current) for at, turns in enumerate(self.turns))
        destination = (*self.destination, *state.destination[len(self.states[self.current].destination) :])
        return reading, replace(self, states=states, turns=turns, now=ended_at, destination=destination).next()

    def next(self) -> "ShardsState":
        """Return the shards with the batch on the way that is due first."""
        removed = {position: how for state in self.states for position, how in state.removed.items()}
        due = [
            (state.delivery.at, self.turns[at], at)
            for at, state in enumerate(self.states)
            if state.delivery is not None
        ]
        if not due:
            return replace(self, removed=removed, delivery=None)
        when, _, current = min(due)
        delivery = self.states[current].delivery
        return replace(self, removed=removed, now=max(self.now, when), current=current, delivery=delivery)


@dataclass(frozen=True, kw_only=True)
class KinesisStream(ShardedStream):
    """A Kinesis data stream and its event source mapping; the settings are those of `ShardedStream`.

    From the lowest sequence number that the response names on, everything is delivered again. Sequence numbers differ
    in length.
    """

    source_name: ClassVar[str] = "Kinesis Data Streams"
    lanes: ClassVar[tuple[Lane, ...]] = (by_partition_key,)
    payload_at: ClassVar[str] = "record.data"

    def deliver(self, records: tuple[SourceRecord, ...], *, at: Seconds) -> Delivery:
        """Return the batch that holds these records, which are of one shard."""
        numbers = [str(FIRST_KINESIS_NUMBER + record.position) for record in records]
        event = kinesis_event(
            *(
                KinesisData(record.payload, record.key, number, self.arrival_of(record))
                for number, record in zip(numbers, records, strict=True)
            ),
            shard_id=self.shard_id_of(records[0]),
        )
        return _listed(records, event, numbers, at)

    def batch_info(self, records: Sequence[SourceRecord], /) -> Mapping[str, Any] | None:
        """Return what a document about discarded records says of them."""
        return {"KinesisBatchInfo": self._batch_info(records, FIRST_KINESIS_NUMBER, arn("kinesis", "stream/orders"))}


@dataclass(frozen=True, kw_only=True)
class DynamoDBStream(ShardedStream):
    """A DynamoDB stream and its event source mapping; the settings are those of `ShardedStream`.

    Each record is the insertion of an item. Its key is the attribute `pk`, which holds the record's key; its new image
    holds `pk` and the payload, a mapping. From the lowest sequence number that the response names on, everything is
    delivered again. Sequence numbers differ in length.
    """

    source_name: ClassVar[str] = "DynamoDB Streams"
    lanes: ClassVar[tuple[Lane, ...]] = (by_item_key,)
    payload_at: ClassVar[str] = "record.new_image"
    name_at: ClassVar[str | None] = 'record.new_image["id"]'

    def default_payload(self, name: str) -> object:
        """Return the attributes of the new image beside its key: the name, under `id`."""
        return {"id": name}

    def deliver(self, records: tuple[SourceRecord, ...], *, at: Seconds) -> Delivery:
        """Return the batch that holds these records, which are of one shard.

        Raises:
            TypeError: A payload is not a mapping, so it is no item.
        """
        numbers = [str(_FIRST_DYNAMODB_NUMBER + record.position) for record in records]
        event = dynamodb_event(
            *(_change(record, number, self.arrival_of(record)) for number, record in zip(numbers, records, strict=True))
        )
        return _listed(records, event, numbers, at)

    def batch_info(self, records: Sequence[SourceRecord], /) -> Mapping[str, Any] | None:
        """Return what a document about discarded records says of them."""
        stream = self.deliver(tuple(records[:1]), at=0.0).raws[0]["eventSourceARN"]
        return {"DDBStreamBatchInfo": self._batch_info(records, _FIRST_DYNAMODB_NUMBER, stream)}


def _listed(records: tuple[SourceRecord, ...], event: dict[str, Any], numbers: Sequence[str], at: Seconds) -> Delivery:
    identifiers: dict[Hashable, int] = {
        number: record.position for number, record in zip(numbers, records, strict=True)
    }
    return Delivery(at, records, event, tuple(event["Records"]), identifiers)


def _change(record: SourceRecord, sequence_number: str, arrived_at: datetime) -> DynamoDBChange:
    payload = record.payload
    if not isinstance(payload, Mapping):
        raise TypeError(
            f"The payload of a DynamoDB record is a mapping, the attributes of its item; that of {record.name} is "
            f"of type {type(payload).__name__}. Give payload= a function from name to mapping."
        )
    keys = {"pk": record.key}
    attributes = cast("Mapping[str, object]", payload)  # a narrowed Mapping forgets its types
    return DynamoDBChange(
        keys=keys,
        new_image={**keys, **attributes},
        sequence_number=sequence_number,
        event_id=deterministic_id("stream/orders", record.position).replace("-", ""),
        approximate_creation_time=arrived_at,
    )
