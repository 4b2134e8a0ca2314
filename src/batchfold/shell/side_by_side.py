"""Lanes side by side on an event loop.

Of the loop's task factory it takes only what every factory promises: `create_task(coroutine)` makes a task that ends. It
may wrap the coroutine, run its first step at once, or drop it. So a task says nothing by what it returns; that it has
ended, its done callback tells. All tasks are created in the run's own task, because some factories, X-Ray's for one, pass
on what belongs to the task that creates another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar, cast

from batchfold.core.batch import Batch
from batchfold.core.chunks import (
    AsyncInChunks,
    Parsed,
    crashed_chunk,
    judge_chunk,
    records_in,
    results_of,
    take,
    takes_async_chunks,
)
from batchfold.core.deadline import Deadline
from batchfold.core.faults import Crashed, Malformed, crashed, malformed_or_crashed
from batchfold.core.handlers import AnyFuture, is_awaitable, result_of
from batchfold.core.outcomes import Ending, Failed, Handled, has_succeeded, outcome_of
from batchfold.core.progress import Progress
from batchfold.core.records import RawRecord, Record
from batchfold.core.settling import AsyncSettle, Settle, could_not_settle, settled_or_failed
from batchfold.core.source import Source

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)
A = TypeVar("A")


async def fold_side_by_side(
    progress: Progress[R, V, E, D, A],
    handler: Callable[[R], AnyFuture[V, E]],
    settle: Settle[E, D] | AsyncSettle[E, D] | None,
    *,
    max_concurrency: int,
    cancel_at_reserve: bool,
) -> Batch[V, E, D, A]:
    """Handle records in tasks of the running loop, at most `max_concurrency` at a time; wait for all of them.

    With `cancel_at_reserve`, handlers that run when the reserve is reached are cancelled; a reserve that is reached
    before anything was started cancels nothing, for the first record is the progress.
    """
    run: _Run[R, V, E, D, A] = _Run(progress, handler, settle, max_concurrency)
    try:
        await run.to_the_end(progress.deadline if cancel_at_reserve else None)
        return progress.batch()
    finally:
        progress.release()


class _Run(Generic[R, V, E, D, A]):
    """One async run. A task exists only while its records are handled, so memory is bounded by what is in flight.

    There are three kinds of cancellation. One from outside cancels the handlers, waits for them, and is raised. One at
    the reserve makes the records that it hits `Crashed(TimeoutError)`. One that a handler makes for itself is the fault
    of its record.

    An exception that is not about one record, such as `SystemExit`, never leaves a task: the loop would stop at once and
    leave the others behind. It ends the run as a cancellation from outside does, and is raised when all handlers have
    ended.
    """

    def __init__(
        self,
        progress: Progress[R, V, E, D, A],
        handler: Callable[[R], AnyFuture[V, E]],
        settle: Settle[E, D] | AsyncSettle[E, D] | None,
        max_concurrency: int,
    ) -> None:
        self._progress = progress
        self._handler = handler
        self._chunks = handler if takes_async_chunks(handler) else None
        self._size = 1 if self._chunks is None else self._chunks.size
        self._parse: Callable[[RawRecord], R | Awaitable[R]] = progress.source.parse
        self._must_fetch = not isinstance(progress.source, Source)
        self._settle = settle
        self._max_concurrency = max_concurrency
        self._loop = asyncio.get_running_loop()
        self._tasks: dict[asyncio.Future[Any], tuple[Sequence[int], Coroutine[Any, Any, None]]] = {}
        self._ended: asyncio.Future[None] = self._loop.create_future()  # one or more of the tasks have
        self._timer: asyncio.TimerHandle | None = None
        self._is_reserve_reached = False
        self._is_ended_early = False
        self._escaped: BaseException | None = None
        self._parent = asyncio.current_task()
        self._cancelled_before = 0 if self._parent is None else self._parent.cancelling()

    async def to_the_end(self, cancel_at: Deadline | None) -> None:
        """Start what may start, and wait until all that was started has ended."""
        cancelled: asyncio.CancelledError | None = None
        try:
            if cancel_at is not None and cancel_at.ms_before_reserve() > 0:
                self._watch(cancel_at)
            self._start()
            while self._tasks:
                self._ended = self._loop.create_future()
                try:
                    await self._ended
                except asyncio.CancelledError as error:
                    cancelled = error
                    self._end_early()
                self._start()
        finally:
            self._parent = None  # its result is the batch: the opening of `core.fold` says why that matters
            if self._timer is not None:
                self._timer.cancel()
        if self._escaped is not None:
            raise self._escaped
        if cancelled is not None:
            raise cancelled

    def _start(self) -> None:
        try:
            while len(self._tasks) < self._max_concurrency and (positions := take(self._progress, self._size)):
                self._create_task(positions)
        except BaseException as error:  # noqa: BLE001  # raised when all handlers have ended
            self._escape(error)

    def _create_task(self, positions: Sequence[int]) -> None:
        handling = self._handle(positions)
        try:
            task = self._loop.create_task(handling)
        except BaseException:
            handling.close()
            raise
        self._tasks[task] = positions, handling
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Future[Any]) -> None:
        positions, handling = self._tasks.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._escape(error)
        endings = self._progress.endings
        if unfinished := [position for position in positions if endings[position] is None]:
            self._close(unfinished, handling)
        if not self._ended.done():
            self._ended.set_result(None)

    def _close(self, positions: Sequence[int], handling: Coroutine[Any, Any, None]) -> None:
        """Finish records whose task has ended without them: their handler was not reached, or did not end."""
        with suppress(Exception):  # nothing of it may go on
            handling.close()
        try:
            for position in positions:
                self._progress.finish(position, None)
        except BaseException as error:  # noqa: BLE001  # raised when all handlers have ended
            self._escape(error)

    async def _handle(self, positions: Sequence[int]) -> None:
        all_handled: Sequence[Handled[V, E]] = ()
        ending: Ending[V, E, D] = None
        try:
            if self._is_ending():
                return
            if self._chunks is None:
                all_handled = (await self._attempt(self._progress.raws[positions[0]]),)
            else:
                all_handled = await self._attempt_chunk(self._chunks, positions)
            for position, handled in zip(positions, all_handled, strict=True):
                ending = handled if self._progress.check is None else self._progress.checked(position, handled)
                if self._settle is not None and not has_succeeded(ending):
                    ending = await self._settled(position, ending)
                self._progress.finish(position, ending)
        except BaseException as error:  # noqa: BLE001  # raised when all handlers have ended
            if not (isinstance(error, asyncio.CancelledError) and self._is_ending()):
                self._escape(error)
        finally:
            all_handled, ending, handled = (), None, None  # type: ignore[assignment]  # the opening of `core.fold` says why

    def _escape(self, error: BaseException) -> None:
        if self._escaped is None:
            self._escaped = error
            self._end_early()

    def _end_early(self) -> None:
        self._is_ended_early = True
        self._progress.close()
        self._cancel_handlers()

    async def _attempt(self, raw: RawRecord) -> Handled[V, E]:
        try:
            record: Any = self._parse(raw)
            if self._must_fetch and is_awaitable(record):
                record = await record
        except BaseException as error:  # noqa: BLE001  # raised again unless it is about this record
            return self._fault(error, while_parsing=True)
        try:
            returned: Any = self._handler(record)
            if is_awaitable(returned):
                return result_of(await returned)
        except BaseException as error:  # noqa: BLE001  # raised again unless it is about this record
            return self._fault(error)
        result = result_of(returned)  # it may be wrong in itself, and knows better why
        return result if isinstance(result, Crashed) else Crashed(TypeError(_not_async(result)))

    async def _attempt_chunk(
        self, chunks: AsyncInChunks[Any, V, E], positions: Sequence[int]
    ) -> Sequence[Handled[V, E]]:
        parsed = [await self._parsed(self._progress.raws[position]) for position in positions]
        try:
            return judge_chunk(parsed, await self._results(chunks, records_in(parsed)))
        finally:
            del parsed  # the opening of `core.fold` says why

    async def _parsed(self, raw: RawRecord) -> Parsed:
        try:
            record: Any = self._parse(raw)
            return (await record if self._must_fetch and is_awaitable(record) else record), None
        except BaseException as error:  # noqa: BLE001  # raised again unless it is about this record
            return None, self._fault(error, while_parsing=True)

    async def _results(self, chunks: AsyncInChunks[Any, V, E], records: list[Any]) -> Sequence[object] | Crashed:
        if not records:
            return ()
        expected = len(records)  # the handler may empty its list
        try:
            return results_of(await chunks.handle(records), expected)
        except BaseException as error:  # noqa: BLE001  # raised again unless it is about these records
            return crashed_chunk(self._fault(error).error)

    async def _settled(self, position: int, ending: Ending[V, E, D]) -> Ending[V, E, D]:
        # once everything is going to come back, nothing is settled any more
        if self._settle is None or has_succeeded(ending) or self._is_ending() or not self._progress.may_settle():
            return ending
        record = self._progress.source.as_delivered(self._progress.raws[position])
        failed = cast("Failed[E, D]", outcome_of(self._progress.item_ids[position], record, ending))  # no success
        try:
            last_word: Any = self._settle(failed)
            return settled_or_failed(failed, await last_word if is_awaitable(last_word) else last_word)
        except BaseException as error:  # noqa: BLE001  # raised again unless it is about this record
            return could_not_settle(failed, self._fault(error).error)

    def _fault(self, error: BaseException, *, while_parsing: bool = False) -> Malformed | Crashed:
        if isinstance(error, asyncio.CancelledError):
            if self._is_ending():
                raise error
            task = asyncio.current_task()
            was_cancelled = task is not None and task.cancelling() > 0
            while task is not None and task.cancelling():  # the record has had its cancellation; `settle` has none
                task.uncancel()
            if self._is_reserve_reached and was_cancelled:
                timeout = TimeoutError("the handler was cancelled: only the reserve was left of the invocation's time")
                timeout.__cause__ = error
                return Crashed(timeout)
        return malformed_or_crashed(error) if while_parsing else crashed(error)

    def _is_ending(self) -> bool:
        """Return whether handlers are cancelled because the whole run is.

        The parent is asked and not only what it notes when it wakes: its tasks may wake first.
        """
        return self._is_ended_early or (self._parent is not None and self._parent.cancelling() > self._cancelled_before)

    def _watch(self, deadline: Deadline) -> None:
        # the loop's clock only wakes us; the context's clock decides
        if (ms := deadline.ms_before_reserve()) > 0:
            self._timer = self._loop.call_later(ms / 1000, self._watch, deadline)
            return
        self._is_reserve_reached = True
        self._progress.may_start()  # it is too late to start more, and the batch is told why
        self._cancel_handlers()

    def _cancel_handlers(self) -> None:
        for task in list(self._tasks):
            task.cancel()


def _not_async(returned: object) -> str:
    return (
        f"the handler returned a {type(returned).__name__}, expected an awaitable of a Result: "
        "synchronous handlers go to process_batch, fold_batch or as_lambda_handler"
    )
