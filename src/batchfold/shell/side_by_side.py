"""Lanes side by side on an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context, copy_context
from typing import Any, Generic, TypeVar

from batchfold.core.batch import Batch
from batchfold.core.ending import Ending, Handled, has_succeeded, outcome_of
from batchfold.core.event import RawRecord
from batchfold.core.faults import Crashed, Malformed, crashed, malformed_or_crashed
from batchfold.core.handler import AnyFuture
from batchfold.core.outcomes import Failed
from batchfold.core.progress import Progress
from batchfold.core.record import Record
from batchfold.core.response import item_name
from batchfold.core.returned import is_awaitable, result_of
from batchfold.core.settle import AsyncSettle, Settle, could_not_settle, settled_or_failed
from batchfold.shell.begun import Begun

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)


async def fold_side_by_side(
    progress: Progress[R, V, E, D],
    handler: Callable[[R], AnyFuture[V, E]],
    settle: Settle[E, D] | AsyncSettle[E, D] | None,
    *,
    max_concurrency: int,
    ms_before_cancelling: Callable[[], int] | None,
    begun: Begun | None = None,
) -> Batch[V, E, D]:
    """Handle records in tasks of the running loop, at most `max_concurrency` at a time; wait for all of them.

    `ms_before_cancelling` tells how many milliseconds are left until running handlers are to be cancelled. `begun` is a
    record that was started already.
    """
    await _Run(progress, handler, settle, max_concurrency).to_the_end(ms_before_cancelling, begun)
    return progress.batch()


class _Run(Generic[R, V, E, D]):
    """One async run. A task exists only while its record is handled, so memory is bounded by what is in flight.

    There are three kinds of cancellation. One from outside cancels the handlers, waits for them and goes on its way. One
    at the reserve makes the records that it hits `Crashed(TimeoutError)`. One that a handler makes for itself is the
    fault of its record.

    What is no record's business, such as `SystemExit`, never leaves a task: the loop would stop in its tracks and leave
    the others behind. It ends the run as a cancellation from outside does, and is raised when all handlers have ended.

    An `asyncio.TaskGroup` would wait for the tasks too, but has the loop call back for each of them, at a fifth of all
    that a record costs here. So tasks say themselves when they have ended, and nothing may keep them from it.
    """

    def __init__(
        self,
        progress: Progress[R, V, E, D],
        handler: Callable[[R], AnyFuture[V, E]],
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
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._is_starting = False
        self._wakes: asyncio.Future[None] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._reserve_reached = False
        self._escaped: BaseException | None = None
        self._is_ended_early = False
        self._parent = _current_task()
        self._cancelled_before = self._parent.cancelling()

    async def to_the_end(self, ms_before_cancelling: Callable[[], int] | None, begun: Begun | None) -> None:
        """Start what may start, and wait until all that was started has ended."""
        try:
            # a reserve reached before anything was started cancels nothing: the first record is our progress
            if ms_before_cancelling is not None and ms_before_cancelling() > 0:
                self._watch(ms_before_cancelling)
            if begun is not None:
                self._create_task(begun.position, begun.context, begun)
            self._start()
            cancelled = await self._all_ended()
        finally:
            if self._timer is not None:
                self._timer.cancel()
        if self._escaped is not None:
            raise self._escaped
        if cancelled is not None:
            raise cancelled

    async def _all_ended(self) -> asyncio.CancelledError | None:
        cancelled: asyncio.CancelledError | None = None
        while self._in_flight:
            try:
                await self._wakes
            except asyncio.CancelledError as error:
                cancelled = error
                self._wakes = self._loop.create_future()
                self._end_early()
        return cancelled

    def _start(self) -> None:
        if self._is_starting:  # where the loop's tasks are eager, handlers end while others are being started
            return
        self._is_starting = True
        try:
            while self._in_flight < self._max_concurrency and (position := self._progress.start()) is not None:
                self._create_task(position, self._context.copy())
        except BaseException as error:  # noqa: BLE001  # raised when all handlers have ended
            self._escape(error)
        self._is_starting = False
        if not self._in_flight and not self._wakes.done():  # it is done where the parent was cancelled while it waited
            self._wakes.set_result(None)

    def _create_task(self, position: int, context: Context, begun: Begun | None = None) -> None:
        self._in_flight += 1
        handling = self._handle(position, begun)
        handling.send(None)  # as far as its first line, so that whatever comes of the task it says when it has ended
        try:
            name = item_name(self._progress.item_ids[position])  # it costs less than the number that is the default
            task = self._loop.create_task(handling, name=name, context=context)
        except BaseException as error:  # noqa: BLE001  # raised when all handlers have ended
            self._escape(error)
            handling.close()
        else:
            if not task.done():  # as eager tasks may be
                self._tasks[position] = task

    async def _handle(self, position: int, begun: Begun | None) -> None:
        ending: Ending[V, E, D] = None
        try:
            try:
                await _FIRST_STEP
            except asyncio.CancelledError:
                pass  # so its handler is not reached
            else:
                if not self._is_ending():
                    if begun is None or begun.failed is None:
                        ending = await self._attempt(self._progress.raws[position], begun)
                        # once everything is going to come back, nothing is settled any more
                        if self._settle is not None and not has_succeeded(ending) and not self._is_ending():
                            ending = await self._settled(self._settle, position, ending)
                    else:
                        ending = await self._last_word(begun.failed, begun.awaitable)
            self._progress.finish(position, ending)
        except BaseException as error:  # noqa: BLE001  # as above
            self._escape(error)
        self._tasks.pop(position, None)
        self._in_flight -= 1
        self._start()

    def _escape(self, error: BaseException) -> None:
        if self._escaped is None and not (isinstance(error, asyncio.CancelledError) and self._is_ending()):
            self._escaped = error
            self._end_early()

    def _end_early(self) -> None:
        if not self._is_ended_early:
            self._is_ended_early = True
            self._progress.close()
            self._cancel_handlers()

    async def _attempt(self, raw: RawRecord, begun: Begun | None) -> Handled[V, E]:
        returned: Any
        if begun is None:
            try:
                record = self._progress.source.parse(raw)
            except BaseException as error:  # noqa: BLE001  # raised again unless it is about this record
                return malformed_or_crashed(error)
            try:
                returned = self._handler(record)
            except BaseException as error:  # noqa: BLE001  # as above
                return self._crashed(error)
            if not is_awaitable(returned):
                result = result_of(returned)  # it may be wrong in itself, and knows better why
                return result if isinstance(result, Crashed) else Crashed(TypeError(_not_async(result)))
        else:
            returned = begun.awaitable
        try:
            return result_of(await returned)
        except BaseException as error:  # noqa: BLE001  # as above
            return self._crashed(error)

    async def _settled(
        self, settle: Settle[E, D] | AsyncSettle[E, D], position: int, ending: Ending[V, E, D]
    ) -> Ending[V, E, D]:
        record = self._progress.source.as_delivered(self._progress.raws[position])
        failed = outcome_of(self._progress.item_ids[position], record, ending)
        if not isinstance(failed, Failed):
            return ending
        try:
            last_word = settle(failed)
        except BaseException as error:  # noqa: BLE001  # as above
            return could_not_settle(failed, self._crashed(error).error)
        return await self._last_word(failed, last_word)

    async def _last_word(self, failed: Failed[E, D], last_word: Any) -> Ending[V, E, D]:
        try:
            if is_awaitable(last_word):
                last_word = await last_word
        except BaseException as error:  # noqa: BLE001  # as above
            return could_not_settle(failed, self._crashed(error).error)
        return settled_or_failed(failed, last_word)

    def _crashed(self, error: BaseException) -> Malformed | Crashed:
        if not isinstance(error, asyncio.CancelledError):
            return crashed(error)
        if self._is_ending():
            raise error
        task = _current_task()
        was_cancelled = task.cancelling() > 0
        while task.cancelling():  # the record has had its cancellation; `settle` begins without one
            task.uncancel()
        if self._reserve_reached and was_cancelled:
            timeout = TimeoutError("the handler was cancelled: only the reserve was left of the invocation's time")
            timeout.__cause__ = error
            return Crashed(timeout)
        return crashed(error)

    def _is_ending(self) -> bool:
        """Whether handlers are cancelled because the whole run is.

        The parent is asked and not only what it notes when it wakes: its tasks may wake first.
        """
        return self._is_ended_early or self._parent.cancelling() > self._cancelled_before

    def _watch(self, ms_left: Callable[[], int]) -> None:
        # the loop's clock only wakes us; what counts is what the context says then
        if (ms := ms_left()) > 0:
            self._timer = self._loop.call_later(ms / 1000, self._watch, ms_left)
            return
        self._reserve_reached = True
        self._progress.close()
        self._cancel_handlers()

    def _cancel_handlers(self) -> None:
        for task in list(self._tasks.values()):
            task.cancel()


class _FirstStep:
    """Awaited where a task begins."""

    def __await__(self) -> Generator[None, None, None]:
        yield


_FIRST_STEP = _FirstStep()


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("records are handled side by side in a task of an event loop, and there is none here")
    return task


def _not_async(returned: object) -> str:
    return (
        f"the handler returned a {type(returned).__name__}, expected an awaitable of a Result: "
        "synchronous handlers go to process_batch, fold_batch or as_lambda_handler"
    )
