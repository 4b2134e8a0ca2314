"""What a function owes to its source, and where it fell short: repeats that nothing made necessary, order broken.

The lane is the only knob. It says which records the function keeps in order, and so also which it goes on with when
one fails; what must repeat follows from that and from the source.

- *Order.* Within a lane, no effect is performed while an earlier record is still to come, that is, neither performed
  nor settled nor out of the source. An order that the source itself does not promise is asked of nobody: on a standard
  queue none, on a FIFO queue that of a message group, on a stream that of the shard, on Kafka that of the partition.
- *Repeats.* To settle a record is an effect too: what was sent to the dead letters is there. A repeat is needed when the invocation in which the effect was last performed left Lambda no choice:

  1. it was cut off in an attempt that overran the timeout by itself; a function that merely took on more than it had
     time for has no such excuse;
  2. the source delivers again from a record on (Kinesis, DynamoDB Streams, Kafka if so set), and a record before it, of
     another lane, was not done in that invocation;
  3. the mapping has no `ReportBatchItemFailures`, so that only raising keeps a failed record, and one was not done.

  So on a queue nothing repeats but what was cut off, and nothing does on a stream read in one lane.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from batchfold.testing.model.delivery import Removal
from batchfold.testing.model.effect import Attempted
from batchfold.testing.model.history import OrderViolation, Repeat
from batchfold.testing.model.source_record import SourceRecord


@runtime_checkable
class Redelivery(Protocol):
    """What the source says about what comes back."""

    @property
    def report_batch_item_failures(self) -> bool:
        """Whether the mapping reads what the function returns."""
        ...

    def comes_back_after(self, earlier: SourceRecord, later: SourceRecord, /) -> bool:
        """Whether `later` comes back because `earlier`, before it in the batch, was named."""
        ...


@dataclass(frozen=True)
class Lanes:
    """The lane of each record, by position: as the function has it, and as far as the source keeps it too."""

    of_function: Mapping[int, Hashable]
    of_both: Mapping[int, Hashable]


@dataclass
class Judge:
    """Follows a run, invocation after invocation, and notes repeats and violations of order."""

    source: Redelivery
    records: Sequence[SourceRecord]
    lanes: Lanes
    repeats: list[Repeat] = field(default_factory=list[Repeat])
    order_violations: list[OrderViolation] = field(default_factory=list[OrderViolation])
    _excused: dict[int, bool] = field(default_factory=dict[int, bool])
    _over: set[int] = field(default_factory=set[int])
    _losses: int = 0

    @property
    def harm(self) -> bool:
        """Whether anything was lost, out of order or repeated needlessly so far."""
        return bool(self._losses or self.order_violations) or any(not repeat.needed for repeat in self.repeats)

    def watch(
        self,
        number: int,
        delivered: Sequence[SourceRecord],
        attempted: Sequence[Attempted],
        *,
        removed: Mapping[int, Removal],
    ) -> None:
        """Take note of one invocation: what was delivered and attempted, and what left the source after it."""
        by_name = {record.name: record for record in self.records}
        performed = dict(self._excused)
        overran = any(each.came_to == "overran" for each in attempted)
        for each in attempted:
            record = by_name[each.name]
            if each.came_to == "performed":
                self._watch_order(record, number)
            if each.came_to in {"performed", "settled"}:
                if record.position in performed:
                    self.repeats.append(Repeat(record.name, number, performed[record.position]))
                performed[record.position] = False
                self._over.add(record.position)
        done = {by_name[each.name].position for each in attempted if each.came_to in {"performed", "settled"}}
        for position in done:
            performed[position] = overran or self._leaves_no_choice(self.records[position], delivered, done)
        self._excused = performed
        self._losses += sum(how == "done" and position not in self._over for position, how in removed.items())
        self._over.update(removed)

    def _watch_order(self, record: SourceRecord, number: int) -> None:
        lane = self.lanes.of_both[record.position]
        for earlier in self.records[: record.position]:
            if self.lanes.of_both[earlier.position] == lane and earlier.position not in self._over:
                self.order_violations.append(OrderViolation(record.name, earlier.name, number))
                return

    def _leaves_no_choice(self, record: SourceRecord, delivered: Sequence[SourceRecord], done: set[int]) -> bool:
        not_done = [other for other in delivered if other.position not in done]
        if not self.source.report_batch_item_failures:
            return bool(not_done)
        lane = self.lanes.of_function[record.position]
        return any(
            other.position < record.position
            and self.lanes.of_function[other.position] != lane
            and self.source.comes_back_after(other, record)
            for other in not_done
        )
