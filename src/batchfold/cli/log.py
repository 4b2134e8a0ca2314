"""batchfold's log while the function runs."""

import logging
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def log_written(*, aloud: bool) -> Generator[None, None, None]:
    """Write what batchfold logs to the error output, with tracebacks, or keep it off there: the report says it.

    What handlers the function gives its loggers, and which levels, is its own affair.
    """
    logger = logging.getLogger("batchfold")
    handler = logging.StreamHandler() if aloud else logging.NullHandler()  # without any, Python's last resort writes
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
