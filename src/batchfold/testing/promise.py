"""The promise of a function to its source, and where a run broke it: an order that was not kept, a needless repeat.

The lane is the only knob. It says which records the function keeps in order, and so also which ones it goes on with
when one fails. Which repeats are necessary follows from that and from the source.

- *Order.* Within a lane, no effect is performed while an earlier record is still to come, that is, neither performed
  nor settled nor out of the source. An order that the source itself does not promise is asked of nobody: none on a
  standard queue, that of the message group on a FIFO queue, that of the shard on a stream (of the partition key with a
  parallelization factor), that of the partition on Kafka.
- *Repeats.* To settle a record is an effect too: what was sent to the dead letters is there. A repeat is needed when
  Lambda had no choice:

  1. the source delivers the record again although it is done (a duplicate of a standard queue);
  2. the invocation in which the effect was last performed was cut off in an attempt that overran the timeout by
     itself; a function that took on more than it had time for has no such excuse;
  3. the source delivers again from a record on (Kinesis, DynamoDB Streams, Kafka if so set), and a record before it, of
     another lane, was not done in that invocation;
  4. the source delivers several records as one (the user records of a KPL aggregate), and another one of them was not
     done in that invocation;
  5. the mapping has no `ReportBatchItemFailures`, so that only raising keeps a failed record, or a pipe halves its
     batches, and one was not done;
  6. the record is one of a tumbling window and was settled, and another one of that invocation was not done, or its window
     could not be finished: only a failed invocation is right there, whatever Lambda does with the state.

  A record of a tumbling window is performed when its window is finished: once, in one state. Until then it is counted,
  which is undone if the invocation fails.

  So on a queue nothing repeats but what was cut off, and on a stream read in one lane nothing does outside an aggregate.
- *Delivery.* What Firehose writes to the error output is not delivered, so no effect is performed for it in that
  invocation, unless it was cut off in an attempt that overran the timeout by itself.
"""

from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from batchfold.core.lanes import Lane
from batchfold.testing.effect import Attempted
from batchfold.testing.event_source import Delivery, EventSource, Removal, SourceRecord, comes_back_with


@dataclass(frozen=True)
class Repeat:
    """An effect that was performed although it had been before; to settle a record counts as one.

    `needed` tells whether Lambda left no choice.
    """

    name: str
    invocation: int
    needed: bool


@dataclass(frozen=True)
class OrderViolation:
    """An effect that was performed while an earlier record of its lane was still to come."""

    name: str
    before: str
    invocation: int


@dataclass
class Judge:
    """Follows a run, invocation after invocation, and notes repeats and violations of order.

    Raises:
        ValueError: The lane cannot tell the records of the source apart.
    """

    source: EventSource
    records: Sequence[SourceRecord]
    lane: Lane | None
    repeats: list[Repeat] = field(default_factory=list[Repeat])
    order_violations: list[OrderViolation] = field(default_factory=list[OrderViolation])
    undelivered: set[int] = field(default_factory=set[int])
    """The records whose effect was performed in the very invocation after which Firehose gave them up."""
    _read_in: dict[int, Hashable] = field(default_factory=dict[int, Hashable])
    """The lane in which the function reads each record."""
    _owed_in: dict[int, Hashable] = field(default_factory=dict[int, Hashable])
    """The lane in which order is owed: within one of the function, and one of the source."""
    _waiting: dict[Hashable, deque[SourceRecord]] = field(default_factory=dict[Hashable, deque[SourceRecord]])
    _excused: dict[int, bool] = field(default_factory=dict[int, bool])
    _over: set[int] = field(default_factory=set[int])
    _losses: int = 0

    def __post_init__(self) -> None:
        for record in self.records:
            kept = self._own(self.source.lane_of(record), record)
            if self.lane is None:
                self._read_in[record.position] = self._own(self.source.default_lane_of(record), record)
                self._owed_in[record.position] = kept
            else:
                self._read_in[record.position] = self._own(self._asked(self.lane, record), record)
                self._owed_in[record.position] = (kept, self._read_in[record.position])
            self._waiting.setdefault(self._owed_in[record.position], deque()).append(record)

    def _asked(self, lane: Lane, record: SourceRecord) -> Hashable:
        (raw,) = self.source.deliver((record,), at=0.0).raws
        try:
            return lane(raw)
        except Exception as error:
            name = getattr(lane, "__name__", "this")
            raise ValueError(
                f"lane={name} cannot tell the records of {type(self.source).__name__} apart: it raised {error!r}."
            ) from error

    @staticmethod
    def _own(lane: Hashable | None, record: SourceRecord) -> Hashable:
        return ("alone", record.position) if lane is None else ("shared", lane)

    @property
    def harm(self) -> bool:
        """Return whether anything was lost, not delivered, out of order or repeated needlessly so far."""
        is_wrong = bool(self._losses or self.undelivered or self.order_violations)
        return is_wrong or any(not repeat.needed for repeat in self.repeats)

    def watch(
        self, number: int, delivery: Delivery, attempted: Sequence[Attempted], *, removed: Mapping[int, Removal]
    ) -> None:
        """Take note of one invocation: its batch, its attempts, and the records that left the source after it."""
        excused = {**self._excused, **dict.fromkeys(delivery.repeated & self._excused.keys(), True)}
        overran = any(each.came_to == "overran" for each in attempted)
        by_name = {record.name: record for record in self.records}
        done: dict[int, set[str]] = {}
        for each in attempted:
            if each.came_to not in {"performed", "settled"}:
                continue
            record = by_name[each.name]
            if each.came_to == "performed":
                self._watch_order(record, number)
            if record.position in excused:
                self.repeats.append(Repeat(record.name, number, excused[record.position]))
            excused[record.position] = False
            self._over.add(record.position)
            done.setdefault(record.position, set()).add(each.came_to)
        not_done = [record for record in delivery.records if record.position not in done]
        failed = bool(not_done) or any(each.came_to == "failed" for each in attempted)
        for position, came_to in done.items():
            if self.source.is_windowed:
                excused[position] = overran or (failed and "settled" in came_to)
            else:
                excused[position] = overran or self._leaves_no_choice(self.records[position], not_done)
            # with time up, a function cannot answer any more
            if not overran and "performed" in came_to and removed.get(position) == "error output":
                self.undelivered.add(position)
        self._excused = excused
        self._losses += sum(how == "done" and position not in self._over for position, how in removed.items())
        self.leave(removed)

    def leave(self, removed: Mapping[int, Removal]) -> None:
        """Take note of records that are no longer in the source."""
        self._over.update(removed)

    def _watch_order(self, record: SourceRecord, number: int) -> None:
        waiting = self._waiting[self._owed_in[record.position]]
        while waiting and waiting[0].position in self._over:
            waiting.popleft()
        if waiting and waiting[0].position < record.position:
            self.order_violations.append(OrderViolation(record.name, waiting[0].name, number))

    def _leaves_no_choice(self, record: SourceRecord, not_done: Sequence[SourceRecord]) -> bool:
        if self.source.brings_all_back:
            return bool(not_done)
        return any(comes_back_with(self.source, other, record) and not self._stops(other, record) for other in not_done)

    def _stops(self, other: SourceRecord, record: SourceRecord) -> bool:
        """Return whether the function should not have started a record, because another one before it was not done."""
        is_of_its_lane = self._read_in[other.position] == self._read_in[record.position]
        return is_of_its_lane and other.position < record.position
