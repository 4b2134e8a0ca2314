"""A shard that is being read: where it has got to, which batch is due, and when.

What becomes of a batch after an answer (the checkpoint, retries and their intervals, bisecting, age, windows and their
state) is decided by the model of Lambda, whose state each shard holds. The records in that state are those of the real shard.
"""

from collections import deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, cast

from batchfold.cli.stream_apis import After, Place, ShardFacts, StreamRecord
from batchfold.testing.answers import CompleteSuccess, Reading
from batchfold.testing.context import Seconds
from batchfold.testing.event_source import Delivery, SourceRecord
from batchfold.testing.piped import PipedStream, pipes_event
from batchfold.testing.refuse import refuse_other_numbers
from batchfold.testing.stream_retries import StreamState
from batchfold.testing.tumbling_windows import WindowSettings, WindowsState

_LONGEST_BATCHING_WINDOW_SECONDS = 300

_LATE_SECONDS = 1.0
"""The time after the end of a window in which records of it may still turn up: clocks differ, and a shard takes a moment."""


@dataclass(frozen=True, kw_only=True)
class StreamMapping(WindowSettings):
    """The settings of an event source mapping of a stream, with real records: their payload is a `StreamRecord`."""

    maximum_batching_window_in_seconds: int = 0
    # the documents are not sent anywhere; they say why something was given up
    on_failure_destination: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        window = self.maximum_batching_window_in_seconds
        refuse_other_numbers("maximum_batching_window_in_seconds", window, 0, _LONGEST_BATCHING_WINDOW_SECONDS)

    def item_id_of(self, record: StreamRecord) -> str:
        """Return what the response names a record by: its sequence number."""
        return record.sequence_number

    def deliver(self, records: tuple[SourceRecord, ...], *, at: Seconds) -> Delivery:
        """Return the batch that holds these records."""
        raws = [_read(record).raw for record in records]
        identifiers: dict[Hashable, int] = {record.name: record.position for record in records}
        return Delivery(at, records, {"Records": raws}, tuple(raws), identifiers)

    def comes_back_after(self, _earlier: SourceRecord, _later: SourceRecord, /) -> bool:
        """Return True: everything from the lowest sequence number on comes back."""
        return True

    def arrival_of(self, record: SourceRecord, /) -> datetime:
        """Return when a record arrived, as the stream says."""
        return datetime.fromtimestamp(_read(record).arrived_at, UTC)

    def shard_id_of(self, record: SourceRecord, /) -> str:
        """Return the id of the shard of a record."""
        return record.key

    def batch_info(self, records: Sequence[SourceRecord], /) -> Mapping[str, Any]:
        """Return what is said of records that are given up."""
        return {"item_ids": [record.name for record in records]}

    def begin(self, records: tuple[SourceRecord, ...]) -> StreamState:
        """Return a shard with these records in it, and its first batch on the way."""
        return self.shard_with(records).read()


@dataclass(frozen=True, kw_only=True)
class PipeMapping(PipedStream, StreamMapping):
    """The settings of a pipe that reads a stream, with real records."""

    on_failure_destination: bool = True  # as of every `StreamMapping`

    def item_id_of(self, record: StreamRecord) -> str:
        """Return what the response names a record by: its event id."""
        return str(record.raw["eventID"])

    def deliver(self, records: tuple[SourceRecord, ...], *, at: Seconds) -> Delivery:
        """Return the batch that holds these records, whose event is a list of flat records."""
        delivery = StreamMapping.deliver(self, records, at=at)
        return replace(delivery, event=pipes_event(delivery.event))

    def batch_info(self, records: Sequence[SourceRecord], /) -> Mapping[str, Any]:
        """Return what is said of records that are given up."""
        return StreamMapping.batch_info(self, records)


def _read(record: SourceRecord) -> StreamRecord:
    return cast("StreamRecord", record.payload)


@dataclass(frozen=True)
class GivenUp:
    """Records that the mapping gave up, by their sequence numbers, and why."""

    item_ids: Sequence[str]
    condition: str

    @property
    def why(self) -> str:
        """The reason, in words."""
        return {"RetryAttemptsExhausted": "no retry was left", "RecordAgeExceeded": "too old"}[self.condition]


@dataclass(frozen=True)
class Window:
    """The window of an invocation, after it. `counted` are the records in its state; none, once it is finished."""

    start: datetime
    counted: frozenset[str]
    is_finished: bool
    ended_early: bool

    @property
    def name(self) -> str:
        """The beginning of the window, as the event says it."""
        return f"window {self.start:%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True)
class Settled:
    """The records after an invocation, by their item identifiers, as far as it concerned them."""

    back: frozenset[str] = frozenset()
    done: frozenset[str] = frozenset()
    given_up: Sequence[GivenUp] = ()
    window: Window | None = None

    @property
    def gone(self) -> frozenset[str]:
        """The records that were given up."""
        return frozenset(item_id for each in self.given_up for item_id in each.item_ids)


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
    is_idle: bool = False
    """True if its end has been reached, for now."""
    behind_seconds: float | None = None
    waiting: deque[SourceRecord] = field(default_factory=deque[SourceRecord])
    """The records that are in no batch yet."""
    _waiting_since: Seconds = 0.0
    _fetched: int = 0
    _empty_reads: list[float] = field(default_factory=list[float])
    """The times of day of the last reads, as far as they came one after the other and found nothing."""
    _read_until: float = 0.0
    """The time of day before which all records that have arrived are read."""
    _numbers: deque[tuple[int, str]] = field(default_factory=deque[tuple[int, str]])
    """The position and sequence number of each record that is not done with, and of the last one that is."""

    def __post_init__(self) -> None:
        self._state = self.mapping.shard_with(())

    @property
    def delivery(self) -> Delivery | None:
        """The batch that is due next, or under way."""
        return self._state.delivery

    @property
    def window_ends_at(self) -> float | None:
        """The time of day at which the window ends that is open; `None` if none is."""
        window = self._state.window if isinstance(self._state, WindowsState) else None
        return None if window is None else window.timestamp() + self.mapping.tumbling_window_in_seconds

    @property
    def is_at_rest(self) -> bool:
        """Return whether every record that was read is done with."""
        return self.delivery is None and not self.waiting and self.window_ends_at is None

    @property
    def is_finished(self) -> bool:
        """Return whether every record is done with and no more will come."""
        return self.is_read_up and self.is_at_rest

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
            name = self.mapping.item_id_of(record)
            self.waiting.append(SourceRecord(self._fetched, name, self.facts.shard_id, record, age))
            self._numbers.append((self._fetched, record.sequence_number))
            self._fetched += 1
            self.place = After(record.sequence_number)

    def note_end(self, *, asked_at: float | None, reads_needed: int) -> None:
        """Take note of a read that found the end of the shard, at this time of day; of any other one with `None`.

        `reads_needed` is how many of them in a row it takes until nothing more is there for sure.
        """
        self._empty_reads = [] if asked_at is None else [*self._empty_reads, asked_at][-reads_needed:]
        self.is_idle = len(self._empty_reads) >= reads_needed
        if self.is_idle:
            self._read_until = self._empty_reads[0]

    def due_at(self) -> Seconds | None:
        """Return when the next batch is due; `None` where no record is there."""
        if self.delivery is not None:
            return self.delivery.at
        if self._window_is_over():
            return 0.0
        if not self.waiting:
            return None
        is_full = len(self.waiting) >= self.mapping.batch_size or self.is_read_up
        return 0.0 if is_full else self._waiting_since + self.mapping.maximum_batching_window_in_seconds

    def make_batch(self, now: Seconds) -> list[GivenUp]:
        """Put a batch on the way, unless one is; return what was given up instead, being too old."""
        state = self._state
        if state.delivery is not None:
            return []
        there = self._of_window() if isinstance(state, WindowsState) else self.waiting
        batch = tuple(islice(there, self.mapping.batch_size))
        if isinstance(state, WindowsState):
            has_rest = len(batch) < len(there)
            state = replace(state, more_may_come=has_rest or not self._window_is_over())
        for _ in batch:
            self.waiting.popleft()
        self._waiting_since = now
        return self._settle(replace(state, unread=batch, now=now).read())

    def answer(
        self, reading: Reading, *, now: Seconds, is_unhandled: bool, state: Mapping[str, Any] | None = None
    ) -> Settled:
        """Go on after the batch was answered like this, in a window with this state, and tell what became of it."""
        before = self._state
        if before.delivery is None:
            return Settled()
        names = {record.position: record.name for record in self._left()}
        after = before.after(reading, ended_at=now, is_unhandled=is_unhandled, state=state)
        done = frozenset(names[position] for position, why in after.removed.items() if why == "done")
        window = None
        if isinstance(before, WindowsState) and isinstance(after, WindowsState) and before.window is not None:
            is_finished = bool(before.delivery.event["isFinalInvokeForWindow"]) and isinstance(reading, CompleteSuccess)
            window = Window(before.window, _names(after.folded), is_finished, before.ends_early)
        given_up = self._settle(after)
        back = _names(record for part in self._state.pending for record in part.records)
        return Settled(back, done, given_up, window)

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

    def _of_window(self) -> tuple[SourceRecord, ...]:
        """The first ones of the records that wait: those of the window that is open, or that they open."""
        return self._state.of_window(self.waiting) if isinstance(self._state, WindowsState) else ()

    def _window_is_over(self) -> bool:
        """Return whether no more records will come of the window that is open, or that those that wait open."""
        there = self._of_window()
        if len(there) < len(self.waiting):
            return isinstance(self._state, WindowsState)
        ends_at = self.window_ends_at
        if ends_at is None and there:
            ends_at = self.mapping.window_of(there[0]).timestamp() + self.mapping.tumbling_window_in_seconds
        return ends_at is not None and (self.is_read_up or self._read_until >= ends_at + _LATE_SECONDS)

    def _left(self) -> tuple[SourceRecord, ...]:
        """The records of the batches that are under way or being retried, after those in the state of a window."""
        folded = self._state.folded if isinstance(self._state, WindowsState) else ()
        return (*folded, *(record for part in self._state.pending for record in part.records))

    def _settle(self, state: StreamState) -> list[GivenUp]:
        given_up = [
            GivenUp(document["item_ids"], document["requestContext"]["condition"]) for document in state.destination
        ]
        self._state = replace(state, removed={}, destination=())
        return given_up


def _names(records: Iterable[SourceRecord]) -> frozenset[str]:
    return frozenset(record.name for record in records)
