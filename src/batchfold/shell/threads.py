"""Threads: lanes side by side for handlers that block."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from contextvars import Context, copy_context
from threading import Condition
from typing import Any, Generic, TypeVar

from batchfold.core.batch import Batch
from batchfold.core.chunks import AttemptChunk, attempt_at, take
from batchfold.core.progress import Progress
from batchfold.core.records import Record
from batchfold.core.settling import Settle

V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)
A = TypeVar("A")

_OUT_OF_PROCESS = frozenset(("ProcessPoolExecutor", "InterpreterPoolExecutor"))


def fold_in_threads(
    progress: Progress[Any, V, E, D, A],
    attempt_chunk: AttemptChunk[V, E],
    settle: Settle[E, D] | None,
    size: int,
    executor: object,
) -> Batch[V, E, D, A]:
    """Handle records in the executor's threads, and return when no handler runs any more.

    Which record is next is asked when a thread is free to start it, not when work is queued, so the reserve holds
    however busy the executor is. Each record (or chunk) runs in a copy of its thread's context variables, as an
    initializer or a tool around `submit` has set them, and has the caller's value of every other one. What is no
    record's business, such as `SystemExit`, starts no further record, and is raised once the running ones have ended.

    A handler in a thread cannot be cancelled: at the reserve those that run are waited for, however long they take. A
    handler that waits for other work in the same executor may wait for ever, for the run keeps its threads to the end.

    Raises `TypeError` for an executor that does not run in threads of this interpreter, and what the executor raises if
    it does not accept any work, `RuntimeError` if it was shut down.
    """
    run = _Run(progress, attempt_chunk, settle, size)
    try:
        run.to_the_end(checked_executor(executor))
        return progress.batch()
    finally:
        progress.release()


class _Run(Generic[V, E, D, A]):
    """One run in threads. Its workers are as many as there are threads; any one of them could do all the work alone.

    It is over when nothing may start and nothing runs. The futures of its workers do not tell: they may wait in the
    executor's queue behind somebody else's work long after the last record is handled.
    """

    def __init__(
        self,
        progress: Progress[Any, V, E, D, A],
        attempt_chunk: AttemptChunk[V, E],
        settle: Settle[E, D] | None,
        size: int,
    ) -> None:
        self._progress = progress
        self._attempt_chunk = attempt_chunk
        self._settle = settle
        self._size = size
        self._callers = copy_context()
        self._changed = Condition()  # guards all that is below, and the progress
        self._workers = 0
        self._in_flight = 0
        self._is_exhausted = not progress.raws
        self._escaped: BaseException | None = None

    def to_the_end(self, executor: Executor) -> None:
        """Let the executor's threads handle what may start, and wait for them."""
        futures: list[Future[None]] = []
        refusal: RuntimeError | None = None
        try:
            try:
                self._submit(executor, futures)
            except RuntimeError as error:  # shut down, or out of threads: those that it has accepted do the work
                refusal = error
            with self._changed:
                self._changed.wait_for(lambda: self._is_exhausted or not self._workers)
        finally:
            # nothing that is queued may begin later, in a later invocation
            with self._changed:
                self._progress.close()
                self._changed.wait_for(lambda: not self._in_flight)
            for future in futures:
                future.cancel()
        if self._escaped is not None:
            raise self._escaped
        if not self._is_exhausted:
            self._say_why_nothing_ran(futures, refusal)

    def _submit(self, executor: Executor, futures: list[Future[None]]) -> None:
        # the number of threads only saves queueing work that would find nothing to start
        threads: int = getattr(executor, "_max_workers", len(self._progress.raws))
        for _ in range(min(threads, len(self._progress.raws))):
            future = executor.submit(self._work)
            futures.append(future)
            with self._changed:
                self._workers += 1
            future.add_done_callback(self._leave)

    def _leave(self, _future: Future[None]) -> None:
        with self._changed:
            self._workers -= 1
            self._changed.notify_all()

    def _work(self) -> None:
        """Handle record after record until none may start.

        One finished record lets at most one waiting record start, which this thread takes itself, so a thread that
        finds nothing to start is not needed any more.
        """
        context = copy_context()
        context.run(self._set_missing, context.copy())
        while positions := self._begin():
            context.copy().run(self._handle, positions)

    def _set_missing(self, threads: Context) -> None:
        for variable, value in self._callers.items():
            if variable not in threads:
                variable.set(value)

    def _begin(self) -> list[int]:
        with self._changed:
            positions: list[int] = []
            try:
                positions = take(self._progress, self._size)
            except BaseException as error:  # noqa: BLE001  # raised when nothing runs any more
                self._escape(error)
            if positions:
                self._in_flight += 1
            elif not self._in_flight:
                self._is_exhausted = True
                self._changed.notify_all()
            return positions

    def _handle(self, positions: Sequence[int]) -> None:
        try:
            endings = attempt_at(self._progress, self._attempt_chunk, self._settle, positions)
            with self._changed:
                for position, ending in endings:
                    self._progress.finish(position, ending)
        except BaseException as error:  # noqa: BLE001  # as above
            with self._changed:
                self._escape(error)
        finally:
            ending, endings = None, ()  # the opening of `core.fold` says why
            with self._changed:
                self._in_flight -= 1
                self._changed.notify_all()

    def _escape(self, error: BaseException) -> None:
        self._progress.close()
        if self._escaped is None:
            self._escaped = error

    def _say_why_nothing_ran(self, futures: Sequence[Future[None]], refusal: RuntimeError | None) -> None:
        for future in futures:
            if not future.cancelled():
                future.result()
        raise RuntimeError("the executor was shut down before it had handled any record") from refusal


def checked_executor(executor: object) -> Executor:
    """The executor, unless it is none or would carry records out of this interpreter."""
    found = f"executor= runs handlers in threads, expected a ThreadPoolExecutor, got a {type(executor).__name__}"
    if not isinstance(executor, Executor):
        raise TypeError(found)
    if any(kind.__name__ in _OUT_OF_PROCESS for kind in type(executor).__mro__):
        raise TypeError(
            f"{found}: Lambda has no /dev/shm, so process pools fail there, and handlers would have to be pickled"
        )
    return executor
