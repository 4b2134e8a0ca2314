"""A search fails thousands of records, and batchfold logs each: what a search logs is dropped, and nothing else."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_is_quiet = ContextVar("batchfold.testing.quiet", default=False)


@contextmanager
def quiet() -> Generator[None, None, None]:
    """Drop what the logger `batchfold` is told within, and in the tasks and threads in which batchfold runs handlers.

    The context says whose log it is, so what goes on in another thread meanwhile is logged as ever, and two of these may
    run side by side. Level, handlers and filters of the logger stay as they are.
    """
    logger = logging.getLogger("batchfold")

    def is_loud(_record: logging.LogRecord) -> bool:  # one of its own each time, so that none removes another's
        return not _is_quiet.get()

    logger.addFilter(is_loud)
    before = _is_quiet.set(True)
    try:
        yield
    finally:
        _is_quiet.reset(before)
        logger.removeFilter(is_loud)
