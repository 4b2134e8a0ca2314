"""Threads: lanes side by side for handlers that block."""

from concurrent.futures import Executor, Future, wait
from contextvars import copy_context
from threading import Lock
from typing import Any, TypeVar

from batchfold.core.batch import Batch
from batchfold.core.chunks import AttemptChunk, take
from batchfold.core.progress import Progress
from batchfold.core.record import Record

V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)

_OUT_OF_PROCESS = frozenset(("ProcessPoolExecutor", "InterpreterPoolExecutor"))


def fold_in_threads(
    progress: Progress[Any, V, E, D], attempt_chunk: AttemptChunk[V, E, D], size: int, executor: Executor
) -> Batch[V, E, D]:
    """Handle records in the executor's threads, and return when no handler runs any more.

    Which record is next is asked when a thread is free to start it, not when work is queued, so the reserve holds
    however busy the executor is. Each record (or chunk) runs in a copy of the caller's context variables. What is no
    record's business, such as `SystemExit`, starts no further record, and is raised once the running ones have ended.
    A handler in a thread cannot be cancelled.

    Raises `TypeError` for an executor that does not run in threads of this interpreter.
    """
    refuse_other_than_threads(executor)
    lock = Lock()
    context = copy_context()

    def work() -> None:
        """Handle record after record until none may start.

        One finished record lets at most one waiting record start, which this thread takes itself, so a thread that
        finds nothing to start is not needed any more.
        """
        try:
            while True:
                with lock:
                    positions = take(progress, size)
                if not positions:
                    return
                chunk = [(progress.raws[position], progress.item_ids[position]) for position in positions]
                endings = context.copy().run(attempt_chunk, chunk)
                with lock:
                    for position, ending in zip(positions, endings, strict=True):
                        progress.finish(position, ending)
        except BaseException:
            with lock:
                progress.close()
            raise

    # the number of threads only saves queueing work that would find nothing to start
    threads: int = getattr(executor, "_max_workers", len(progress.raws))
    futures: list[Future[None]] = []
    try:
        futures.extend(executor.submit(work) for _ in range(min(threads, len(progress.raws))))
        wait(futures)
    except BaseException:
        with lock:
            progress.close()
        wait(futures)
        raise
    for future in futures:
        future.result()
    return progress.batch()


def refuse_other_than_threads(executor: Executor) -> None:
    """Refuse what would carry records out of this interpreter."""
    names = {kind.__name__ for kind in type(executor).__mro__}
    if names & _OUT_OF_PROCESS:
        raise TypeError(
            f"executor= runs handlers in threads, expected a ThreadPoolExecutor, got a {type(executor).__name__}: "
            "Lambda has no /dev/shm, so process pools fail there, and handlers would have to be pickled"
        )
