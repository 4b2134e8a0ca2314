"""A shard that is being read: where it has got to, which batch is due, and when.

What becomes of a batch after an answer (the checkpoint, retries and their intervals, bisecting, age) is decided by the model
of Lambda, whose state each shard holds. The records in that state are those of the real shard.
"""

from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from batchfold.cli.stream_apis import After, Place, ShardFacts, StreamRecord
from batchfold.testing.answers import Reading
from batchfold.testing.context import Seconds
from batchfold.testing.event_source import Delivery, SourceRecord
from batchfold.testing.refuse import refuse_other_numbers
from batchfold.testing.stream_retries import StreamSettings, StreamState

_LONGEST_WINDOW_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class StreamMapping(StreamSettings):
    """The settings of an event source mapping of a stream, with real records: their payload is the raw record."""

    maximum_batching_window_in_seconds: int = 0
    # the documents are not sent anywhere; they say why something was given up
    on_failure_destination: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        window = self.maximum_batching_window_in_seconds
        refuse_other_numbers("maximum_batching_window_in_seconds", window, 0, _LONGEST_WINDOW_SECONDS)

    def deliver(self, records: tuple[SourceRecord, ...], *, at: Seconds) -> Delivery:
        """Return the batch that holds these records."""
        raws = [cast("Mapping[str, Any]", record.payload) for record in records]
        identifiers: dict[Hashable, int] = {record.name: record.position for record in records}
        return Delivery(at, records, {"Records": raws}, tuple(raws), identifiers)

    def comes_back_after(self, _earlier: SourceRecord, _later: SourceRecord, /) -> bool:
        """Return True: everything from the lowest sequence number on comes back."""
        return True

    def batch_info(self, records: Sequence[SourceRecord], /) -> Mapping[str, Any]:
        """Return what is said of records that are given up."""
        return {"item_ids": [record.name for record in records]}

    def begin(self, records: tuple[SourceRecord, ...]) -> StreamState:
        """Return a shard with these records in it, and its first batch on the way."""
        return StreamState(mapping=self, unread=records).read()


@dataclass(frozen=True)
class GivenUp:
    """Records that the mapping gave up, by their sequence numbers, and why."""

    item_ids: Sequence[str]
    condition: str

    @property
    def why(self) -> str:
        """The reason, in words."""
        return {"RetryAttemptsExhausted": "no retry was left", "RecordAgeExceeded": "too old"}[self.condition]


@dataclass
class Shard:
    """One shard. Times are seconds of a clock that never goes back."""

    facts: ShardFacts
    mapping: StreamMapping
    place: Place
    """Where to read on from, if there is no iterator."""
    iterator: str | None = None
    leaves_out_before: float | None = None
    """The time of day before which records are left out: where an iterator cannot begin at a time."""
    is_read_up: bool = False
    """True once the shard has no more records."""
    read_again_at: Seconds = 0.0
    empty_reads: int = 0
    behind_seconds: float | None = None
    waiting: deque[SourceRecord] = field(default_factory=deque[SourceRecord])
    """The records that are in no batch yet."""
    _waiting_since: Seconds = 0.0
    _fetched: int = 0
    _state: StreamState | None = None
    _numbers: deque[tuple[int, str]] = field(default_factory=deque[tuple[int, str]])
    """The position and sequence number of each record that is not done with, and of the last one that is."""

    @property
    def delivery(self) -> Delivery | None:
        """The batch that is due next, or under way."""
        return None if self._state is None else self._state.delivery

    @property
    def is_finished(self) -> bool:
        """Return whether every record is done with and no more will come."""
        return self.is_read_up and self.delivery is None and not self.waiting

    @property
    def wants_records(self) -> bool:
        """Return whether it is to be read: it has no batch on the way, nor enough records for one."""
        return self.delivery is None and not self.is_read_up and len(self.waiting) < self.mapping.batch_size

    def take(self, records: Sequence[StreamRecord], *, now: Seconds, wall: float) -> None:
        """Take records that were read. `wall` is the time of day."""
        if records and not self.waiting:
            self._waiting_since = now
        for record in records:
            age = wall - record.arrived_at - now  # at the time 0 of this clock, which is when the model counts from
            self.waiting.append(
                SourceRecord(self._fetched, record.sequence_number, self.facts.shard_id, record.raw, age)
            )
            self._numbers.append((self._fetched, record.sequence_number))
            self._fetched += 1
            self.place = After(record.sequence_number)

    def due_at(self) -> Seconds | None:
        """Return when the next batch is due; `None` where no record is there."""
        if self.delivery is not None:
            return self.delivery.at
        if not self.waiting:
            return None
        is_full = len(self.waiting) >= self.mapping.batch_size or self.is_read_up
        return 0.0 if is_full else self._waiting_since + self.mapping.maximum_batching_window_in_seconds

    def make_batch(self, now: Seconds) -> list[GivenUp]:
        """Put a batch on the way, unless one is; return what was given up instead, being too old."""
        if self.delivery is not None or not self.waiting:
            return []
        batch = tuple(self.waiting.popleft() for _ in range(min(self.mapping.batch_size, len(self.waiting))))
        self._waiting_since = now
        return self._settle(StreamState(mapping=self.mapping, unread=batch, now=now).read())

    def answer(self, reading: Reading, *, now: Seconds, is_unhandled: bool) -> tuple[frozenset[str], list[GivenUp]]:
        """Go on after the batch was answered like this; return the records that come back, and what was given up."""
        state = self._state
        if state is None:
            return frozenset(), []
        given_up = self._settle(state.after(reading, ended_at=now, is_unhandled=is_unhandled))
        return frozenset(record.name for record in self._left()), given_up

    @property
    def done_up_to(self) -> str | None:
        """The sequence number of the last record before the first that is not done with; `None` if none is known."""
        left = next(iter((*self._left(), *self.waiting)), None)
        while len(self._numbers) > 1 and (left is None or self._numbers[1][0] < left.position):
            self._numbers.popleft()
        if not self._numbers or (left is not None and self._numbers[0][0] >= left.position):
            return None
        return self._numbers[0][1]

    @property
    def oldest_age(self) -> float | None:
        """The age of the oldest record that is not done with, at the time 0 of the clock."""
        ages = [record.age for record in (*self._left(), *list(self.waiting)[:1])]
        return max(ages, default=None)

    def _left(self) -> tuple[SourceRecord, ...]:
        """The records of the batches that are under way or being retried."""
        return () if self._state is None else tuple(record for part in self._state.pending for record in part.records)

    def _settle(self, state: StreamState) -> list[GivenUp]:
        given_up = [
            GivenUp(document["item_ids"], document["requestContext"]["condition"]) for document in state.destination
        ]
        self._state = None if state.delivery is None else replace(state, removed={}, destination=())
        return given_up
