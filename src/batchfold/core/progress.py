"""Progress: one event on its way to being a batch.

Sequential, threaded and async runs differ in how they wait for handlers. Everything that they share is decided here, once:
which record may start, `stop_when`, and telling the observer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, cast

from returns.result import Success
from typing_extensions import TypeVar

from batchfold.core.batch import AnyBatch, Batch
from batchfold.core.deadline import Deadline
from batchfold.core.faults import Crashed, crashed
from batchfold.core.handlers import holds
from batchfold.core.lanes import Lane, Schedule, assign_lanes
from batchfold.core.outcomes import DONE, Ending, Failed, Handled, Observe, Outcome, StopWhen, outcome_of
from batchfold.core.records import ItemId, RawRecord, Record, item_name
from batchfold.core.source import AsyncSource

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)
A = TypeVar("A")


class Progress(Generic[R, V, E, D, A]):
    """The state of a run: the ending of each record so far, and who may start.

    A run asks `start`, handles the record in its own way, and calls `finish` with the ending. Progress is not
    thread-safe: one thread coordinates a run.

    `observe` is called with every outcome. It changes nothing: what it raises goes to `failed_aside`, and so does what
    `stop_when` raises. No record is started or settled past the `deadline`.

    Raises `UnexpectedEventError` if the source cannot read the event, and whatever a user's lane function raises: before
    any record is handled, either way.
    """

    __slots__ = (
        "_stop_when",
        "_stopped_at",
        "_why_stopped",
        "check",
        "deadline",
        "endings",
        "failed_aside",
        "item_ids",
        "lane",
        "raws",
        "schedule",
        "source",
        "tell",
    )

    def __init__(
        self,
        event: object,
        source: AsyncSource[R, D, Any, A],
        *,
        observe: Observe[V, E, D] | None = None,
        stop_when: StopWhen[E, D] | None = None,
        failed_aside: Callable[[str, Exception], object] = lambda _who, _error: None,
        deadline: Deadline | None = None,
    ) -> None:
        self.source = source = source if source.for_event is None else source.for_event(event)
        raws, item_ids = source.read(event)
        # of our own, for a handler may sort or empty the list in the event: a record must keep its identifier
        self.raws: Sequence[RawRecord] = tuple(raws)
        self.item_ids: Sequence[ItemId] = item_ids
        self.lane: Lane = source.lane_of(self.raws)
        self.schedule = Schedule(assign_lanes(self.lane, self.raws))
        self.endings: list[Ending[V, E, D]] = [None] * len(self.raws)
        self.check = None if source.check_of is None else source.check_of(self.raws)
        self.failed_aside = failed_aside
        self.tell = None if observe is None else self._teller(observe)
        self._stop_when = stop_when
        self.deadline = deadline
        self._stopped_at: int | None = None
        self._why_stopped: str | None = None

    def may_start(self) -> bool:
        """Return whether time allows another record."""
        if self.deadline is None or self.deadline.may_start():
            return True
        self.close()
        return False

    def may_settle(self) -> bool:
        """Return whether time allows to settle a record."""
        return self.deadline is None or self.deadline.may_settle()

    def checked(self, position: int, handled: Handled[V, E]) -> Handled[V, E]:
        """Return what a record was handled with, `Crashed` if the response cannot carry the value in its `Success`."""
        if self.check is None or type(handled) is not Success:
            return handled
        success = cast("Success[V]", handled)
        error = self.check(self.raws[position], success.unwrap())
        return success if error is None else Crashed(error)

    def start(self) -> int | None:
        """Return the position of the next record to handle; `None` if none may start (now, or any more)."""
        return self.schedule.start() if self.deadline is None or self.may_start() else None

    def finish(self, position: int, ending: Ending[V, E, D]) -> None:
        """Take the ending of a started record; `None` if its handler was not reached after all."""
        is_done = type(ending) in DONE
        if self.tell is not None and ending is not None:
            self.tell(position, ending)
        if not is_done and self._stop_when is not None and ending is not None:
            ending = self.outcome(position, ending)
            if self._is_to_stop(self._stop_when, ending):
                self._stopped_at = position
                self._why_stopped = f"stop_when= picked record {item_name(ending.item_id)}"
                self.close()
        self.endings[position] = ending
        self.schedule.finish(position, done=is_done)

    def close(self) -> None:
        """Start no further record."""
        self.schedule.close()

    def batch(self) -> Batch[V, E, D, A]:
        """Return the batch, once no more records are started and all that were started are finished."""
        if self.tell is not None:
            for position, ending in enumerate(self.endings):
                if ending is None:
                    self.tell(position, ending)
        why_stopped, ms_left = self._why_stopped, None
        if self.deadline is not None:
            ms_left = self.deadline.ms_left()
            if why_stopped is None and self.deadline.has_stopped:
                why_stopped = self.deadline.why
        batch: Batch[V, E, D, A] = Batch(
            self.raws, self.item_ids, self.endings, self.source, why_stopped, self._stopped_at, ms_left
        )
        for watch in _watchers:
            watch(batch)
        return batch

    def release(self) -> None:
        """Let go of the endings, which the batch holds now. `core.fold` says why."""
        self.endings = []

    def outcome(self, position: int, ending: Ending[V, E, D]) -> Outcome[V, E, D]:
        """Return the outcome of a record that has this ending."""
        return outcome_of(self.item_ids[position], self.source.as_delivered(self.raws[position]), ending)

    def _teller(self, observe: Observe[V, E, D]) -> Callable[[int, Ending[V, E, D]], None]:
        """Return what tells the observer the outcome of a record that has this ending."""
        item_ids, raws, as_delivered = self.item_ids, self.raws, self.source.as_delivered
        failed_aside = self.failed_aside  # not `self`, which would be a cycle: the opening of `core.fold` says why

        def tell(position: int, ending: Ending[V, E, D]) -> None:
            outcome = outcome_of(item_ids[position], as_delivered(raws[position]), ending)
            try:
                observe(outcome)
            except BaseException as error:  # noqa: BLE001  # raised again if it ends the process: observers change nothing
                failed_aside("an observer raised; the outcome that it was called with stands", crashed(error).error)

        return tell

    def _is_to_stop(self, stop_when: StopWhen[E, D], outcome: Outcome[V, E, D]) -> bool:
        if not isinstance(outcome, Failed) or self.schedule.is_closed:
            return False
        try:
            return holds(stop_when, outcome)
        except BaseException as error:  # noqa: BLE001  # raised again if it ends the process; else what waits comes back
            self.failed_aside("stop_when= raised; no further record is started", crashed(error).error)
            return True


_watchers: list[Callable[[AnyBatch], object]] = []


@contextmanager
def watch_batches(watcher: Callable[[AnyBatch], object]) -> Generator[None]:
    """Call `watcher` with every batch that is finished in this process, for as long as the context lasts.

    For tools that run somebody's Lambda function and want to know what became of the records: the `batchfold` command
    does. The watcher must not raise.
    """
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)
