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

from batchfold.testing.effect import Attempted
from batchfold.testing.event_source import Delivery, EventSource, Removal, SourceRecord


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


@dataclass(frozen=True)
class Lanes:
    """The lane of each record, by position: the one in which the function reads, and the one in which order is owed."""

    of_function: Mapping[int, Hashable]
    of_both: Mapping[int, Hashable]


@dataclass
class Judge:
    """Follows a run, invocation after invocation, and notes repeats and violations of order."""

    source: EventSource
    records: Sequence[SourceRecord]
    lanes: Lanes
    repeats: list[Repeat] = field(default_factory=list[Repeat])
    order_violations: list[OrderViolation] = field(default_factory=list[OrderViolation])
    undelivered: set[int] = field(default_factory=set[int])
    """The records whose effect was performed in the very invocation after which Firehose gave them up."""
    _by_name: dict[str, SourceRecord] = field(init=False)
    _waiting: dict[Hashable, deque[SourceRecord]] = field(init=False)
    _excused: dict[int, bool] = field(default_factory=dict[int, bool])
    _over: set[int] = field(default_factory=set[int])
    _losses: int = 0

    def __post_init__(self) -> None:
        self._by_name = {record.name: record for record in self.records}
        self._waiting = {}
        for record in self.records:
            self._waiting.setdefault(self.lanes.of_both[record.position], deque()).append(record)

    @property
    def harm(self) -> bool:
        """Return whether anything was lost, not delivered, out of order or repeated needlessly so far."""
        is_wrong = bool(self._losses or self.undelivered or self.order_violations)
        return is_wrong or any(not repeat.needed for repeat in self.repeats)

    def watch(
        self, number: int, delivery: Delivery, attempted: Sequence[Attempted], *, removed: Mapping[int, Removal]
    ) -> None:
        """Take note of one invocation: its batch, its attempts, and the records that left the source after it."""
        performed = {**self._excused, **dict.fromkeys(delivery.repeated & self._excused.keys(), True)}
        overran = any(each.came_to == "overran" for each in attempted)
        done: set[int] = set()
        settled: set[int] = set()
        performed_now: set[int] = set()
        for each in attempted:
            if each.came_to not in {"performed", "settled"}:
                continue
            record = self._by_name[each.name]
            if each.came_to == "performed":
                self._watch_order(record, number)
                performed_now.add(record.position)
            else:
                settled.add(record.position)
            if record.position in performed:
                self.repeats.append(Repeat(record.name, number, performed[record.position]))
            performed[record.position] = False
            self._over.add(record.position)
            done.add(record.position)
        not_done = [record for record in delivery.records if record.position not in done]
        failed = bool(not_done) or any(each.came_to == "failed" for each in attempted)
        for position in done:
            if self.source.is_windowed:
                performed[position] = overran or (failed and position in settled)
            else:
                performed[position] = overran or self._leaves_no_choice(self.records[position], not_done)
        self._excused = performed
        if not overran:  # with time up, a function cannot answer any more
            self.undelivered |= {position for position, how in removed.items() if how == "error output"} & performed_now
        self._losses += sum(how == "done" and position not in self._over for position, how in removed.items())
        self.leave(removed)

    def leave(self, removed: Mapping[int, Removal]) -> None:
        """Take note of records that are no longer in the source."""
        self._over.update(removed)

    def _watch_order(self, record: SourceRecord, number: int) -> None:
        waiting = self._waiting[self.lanes.of_both[record.position]]
        while waiting and waiting[0].position in self._over:
            waiting.popleft()
        if waiting and waiting[0].position < record.position:
            self.order_violations.append(OrderViolation(record.name, waiting[0].name, number))

    def _leaves_no_choice(self, record: SourceRecord, not_done: Sequence[SourceRecord]) -> bool:
        if self.source.brings_all_back:
            return bool(not_done)
        return any(self._brings_back(other, record) and not self._stops(other, record) for other in not_done)

    def _brings_back(self, other: SourceRecord, record: SourceRecord) -> bool:
        """Return whether a record comes back with another one of its batch that is not done."""
        if self.source.delivered_as(other) == self.source.delivered_as(record):
            return True
        return other.position < record.position and self.source.comes_back_after(other, record)

    def _stops(self, other: SourceRecord, record: SourceRecord) -> bool:
        """Return whether the function should not have started a record, because another one before it was not done."""
        lane_of = self.lanes.of_function
        return other.position < record.position and lane_of[other.position] == lane_of[record.position]
