"""Progress: one event on its way to being a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic

from typing_extensions import TypeVar

from batchfold.core.batch import Batch
from batchfold.core.ending import DONE, Ending, is_outcome, outcome_of
from batchfold.core.event import RawRecord
from batchfold.core.lanes import Lane, assign_lanes
from batchfold.core.observe import Observe
from batchfold.core.outcomes import Outcome
from batchfold.core.record import Record
from batchfold.core.response import ItemId
from batchfold.core.schedule import Schedule
from batchfold.core.source import Source

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)


class Progress(Generic[R, V, E, D]):
    """What has become of each record so far, and who may start.

    Sequential, threaded and async runs differ in how they wait for handlers. All else they share is here: they ask
    `start`, handle the record in their own way, and say with `finish` what it came to. It is not thread-safe: one thread
    coordinates a run.

    `observe` is told every outcome, and `observer_failed` what it raises: an observer changes nothing. `remaining_ms` is
    the clock: no record but the first is started unless it says more than `reserve_ms`.

    Raises `UnexpectedEventError` if the source cannot read the event, and whatever a user's lane function raises:
    before any record is handled, either way.
    """

    __slots__ = (
        "any_started",
        "endings",
        "item_ids",
        "lane",
        "observe",
        "observer_failed",
        "raws",
        "remaining_ms",
        "reserve_ms",
        "schedule",
        "source",
    )

    def __init__(
        self,
        event: object,
        source: Source[R, D],
        *,
        observe: Observe[V, E, D] | None = None,
        observer_failed: Callable[[Exception], object] = id,
        remaining_ms: Callable[[], int] | None = None,
        reserve_ms: int = 0,
    ) -> None:
        self.source = source
        self.raws: Sequence[RawRecord]
        self.item_ids: Sequence[ItemId]
        self.raws, self.item_ids = source.read(event)
        self.lane: Lane = source.lane_of(self.raws)
        self.schedule = Schedule(assign_lanes(self.lane, self.raws))
        self.endings: list[Ending[V, E, D]] = [None] * len(self.raws)
        self.observe = observe
        self.observer_failed = observer_failed
        self.remaining_ms = remaining_ms
        self.reserve_ms = reserve_ms
        self.any_started = False

    def start(self) -> int | None:
        """The position of the next record to handle; `None` if none may start (now, or any more).

        The first record is always started, so that there is progress however little time is left.
        """
        if self.remaining_ms is not None and self.any_started and self.remaining_ms() <= self.reserve_ms:
            self.schedule.close()
        self.any_started = True
        return self.schedule.start()

    def finish(self, position: int, ending: Ending[V, E, D]) -> None:
        """Say what handling a started record came to; `None` if its handler was not reached after all."""
        if self.observe is not None and ending is not None:
            ending = self._told(self.observe, position, ending)
        self.endings[position] = ending
        self.schedule.finish(position, done=type(ending) in DONE)

    def close(self) -> None:
        """Start no further record."""
        self.schedule.close()

    def batch(self) -> Batch[V, E, D]:
        """The batch, once no more records are started and all that were started are finished."""
        batch = Batch(self.raws, self.item_ids, self.endings, self.source)
        if self.observe is not None and not batch.is_all_success:
            for position, ending in enumerate(self.endings):
                if ending is None:
                    self.endings[position] = self._told(self.observe, position, ending)
        return batch

    def _told(self, observe: Observe[V, E, D], position: int, ending: Ending[V, E, D]) -> Outcome[V, E, D]:
        if is_outcome(ending):
            outcome = ending
        else:
            outcome = outcome_of(self.item_ids[position], self.source.as_delivered(self.raws[position]), ending)
        try:
            observe(outcome)
        except Exception as error:  # noqa: BLE001  # whatever it is: an observer changes nothing
            self.observer_failed(error)
        return outcome
