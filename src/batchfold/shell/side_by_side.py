"""Lanes side by side on an event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from batchfold.core.batch import Batch
from batchfold.core.ending import Ending, Handled, has_succeeded, outcome_of
from batchfold.core.event import RawRecord
from batchfold.core.faults import Crashed, crashed, malformed_or_crashed
from batchfold.core.handler import AsyncHandler
from batchfold.core.outcomes import Failed
from batchfold.core.progress import Progress
from batchfold.core.record import Record
from batchfold.core.response import ItemId
from batchfold.core.returned import is_awaitable, result_of
from batchfold.core.settle import AsyncSettle, Settle, could_not_settle, settled_or_failed

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)


async def fold_side_by_side(
    progress: Progress[R, V, E, D],
    handler: AsyncHandler[R, V, E],
    settle: Settle[E, D] | AsyncSettle[E, D] | None,
    *,
    max_concurrency: int,
    ms_before_cancelling: Callable[[], int] | None,
    begun: tuple[int, Awaitable[Any]] | None = None,
) -> Batch[V, E, D]:
    """Handle records in tasks of the running loop, at most `max_concurrency` at a time; wait for all of them.

    `ms_before_cancelling` tells how many milliseconds are left until running handlers are to be cancelled. `begun` is a
    record that was started already, by its position, and what its handler returned.
    """
    run = _Run(progress, handler, settle, max_concurrency)
    try:
        async with asyncio.TaskGroup() as group:
            await run.finished_in(group, ms_before_cancelling, begun)
    finally:
        run.forget_timer()
    return progress.batch()


class _Run(Generic[R, V, E, D]):
    """One async run. A task exists only while its record is handled, so memory is bounded by what is in flight.

    There are three kinds of cancellation. One from outside cancels the handlers, waits for them and goes on its way. One
    at the reserve makes the records that it hits `Crashed(TimeoutError)`. One that a handler makes for itself is the
    fault of its record.
    """

    def __init__(
        self,
        progress: Progress[R, V, E, D],
        handler: AsyncHandler[R, V, E],
        settle: Settle[E, D] | AsyncSettle[E, D] | None,
        max_concurrency: int,
    ) -> None:
        self._progress = progress
        self._handler = handler
        self._settle = settle
        self._max_concurrency = max_concurrency
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()  # each record is handled in a copy of it
        self._in_flight = 0
        self._handling: set[asyncio.Task[Any]] = set()
        self._all_finished: asyncio.Future[None] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._cancelled_from_outside = False
        self._reserve_reached = False

    async def finished_in(
        self,
        group: asyncio.TaskGroup,
        ms_before_cancelling: Callable[[], int] | None,
        begun: tuple[int, Awaitable[Any]] | None,
    ) -> None:
        """Start what may start, and wait until all that was started is finished."""
        self._group = group
        if ms_before_cancelling is not None:
            self._watch(ms_before_cancelling)
        if begun is not None:
            self._create_task(*begun)
        self._start()
        try:
            await self._all_finished
        except asyncio.CancelledError:
            self._cancelled_from_outside = True
            raise

    def forget_timer(self) -> None:
        """Leave nothing behind on the loop."""
        if self._timer is not None:
            self._timer.cancel()

    def _start(self) -> None:
        while self._in_flight < self._max_concurrency and (position := self._progress.start()) is not None:
            self._create_task(position)
        if not self._in_flight:
            self._all_finished.set_result(None)

    def _create_task(self, position: int, returned: Awaitable[Any] | None = None) -> None:
        self._in_flight += 1
        self._group.create_task(self._handle(position, returned), context=self._context.copy())

    async def _handle(self, position: int, returned: Awaitable[Any] | None) -> None:
        ending: Ending[V, E, D] = None
        task = asyncio.current_task()
        if task is not None and not self._reserve_reached:
            self._handling.add(task)
            ending = await self._attempt(self._progress.raws[position], self._progress.item_ids[position], returned)
            self._handling.discard(task)
        self._in_flight -= 1
        self._progress.finish(position, ending)
        self._start()

    async def _attempt(self, raw: RawRecord, item_id: ItemId, returned: Awaitable[Any] | None) -> Ending[V, E, D]:
        handled = await (self._called(raw) if returned is None else self._awaited(returned))
        if self._settle is None or has_succeeded(handled):
            return handled
        failed = outcome_of(item_id, self._progress.source.as_delivered(raw), handled)
        if not isinstance(failed, Failed):
            return handled
        try:
            last_word: Any = self._settle(failed)
            if is_awaitable(last_word):
                last_word = await last_word
        except BaseException as error:  # noqa: BLE001  # raised again unless it is about this record
            return could_not_settle(failed, self._crashed(error).error)
        return settled_or_failed(failed, last_word)

    async def _called(self, raw: RawRecord) -> Handled[V, E]:
        try:
            record = self._progress.source.parse(raw)
        except BaseException as error:  # noqa: BLE001  # as above
            return malformed_or_crashed(error)
        try:
            returned: Any = self._handler(record)
        except BaseException as error:  # noqa: BLE001  # as above
            return self._crashed(error)
        if not is_awaitable(returned):
            return Crashed(TypeError(_not_async(returned)))
        return await self._awaited(returned)

    async def _awaited(self, returned: Awaitable[Any]) -> Handled[V, E]:
        try:
            return result_of(await returned)
        except BaseException as error:  # noqa: BLE001  # as above
            return self._crashed(error)

    def _crashed(self, error: BaseException) -> Crashed:
        if not isinstance(error, asyncio.CancelledError):
            return crashed(error)
        if self._cancelled_from_outside:
            raise error
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
        if self._reserve_reached:
            timeout = TimeoutError("the handler was cancelled: only the reserve was left of the invocation's time")
            timeout.__cause__ = error
            return Crashed(timeout)
        return crashed(error)

    def _watch(self, ms_left: Callable[[], int]) -> None:
        # the loop's clock only wakes us; what counts is what the context says then
        if (ms := ms_left()) > 0:
            self._timer = self._loop.call_later(ms / 1000, self._watch, ms_left)
            return
        self._reserve_reached = True
        self._progress.close()
        for task in self._handling:
            task.cancel()


def _not_async(returned: object) -> str:
    return (
        f"the handler returned a {type(returned).__name__}, expected an awaitable of a Result: "
        "synchronous handlers go to process_batch, fold_batch or as_lambda_handler"
    )
