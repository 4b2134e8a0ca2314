"""The log: a partial response hides failures from Lambda's own logging, so they are written here.

Standard `logging`, logger `batchfold`: an error for each failed record, a warning for each settled one, and one warning
for all that were not started. The item identifier stands in the message. Payloads never do.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from batchfold.core.batch import Batch
from batchfold.core.faults import Malformed
from batchfold.core.outcomes import Failed
from batchfold.core.response import item_name
from batchfold.shell.redact import redacted
from batchfold.shell.why import told_clean, why

logger = logging.getLogger("batchfold")


def log_batch(batch: Batch[Any, Any, Any]) -> None:
    """Write what must be known about a batch that is not all success. It never raises an `Exception`."""
    if logger.isEnabledFor(logging.ERROR):
        for failed in batch.failed:
            with suppress(Exception):  # of the user's own exceptions, which are asked for their notes and their like
                _log_failed(failed)
    if not logger.isEnabledFor(logging.WARNING):
        return
    for settled in batch.settled:
        with suppress(Exception):  # as above
            message = f"record {item_name(settled.item_id)} failed and was settled: {why(settled.fault)}"
            _log(logging.WARNING, message, None)
    if unprocessed := batch.unprocessed:
        first = item_name(unprocessed[0].item_id)
        _log(
            logging.WARNING,
            f"{len(unprocessed)} of {len(batch)} records were not started and come back, the first is {first}",
            None,
        )


def log_observer(error: Exception) -> None:
    """Write that an observer raised."""
    _log(logging.ERROR, "an observer raised; the outcome that it was told stands", redacted(error))


def log_no_backoff(records: str, error: Exception | None = None) -> None:
    """Write that the visibility timeout of some records is not what backoff wanted it to be."""
    message = f"no backoff for {records}: SQS delivers again after the visibility timeout that stands"
    _log(logging.ERROR, message, None if error is None else redacted(error))


def _log_failed(failed: Failed[Any, Any]) -> None:
    name = item_name(failed.item_id)
    # of what parsing raised, no text but what `told` vouches for: a decoder's ValueError likes to quote its input
    error = None if isinstance(failed.fault, Malformed) else _printable(failed.fault.error)
    _log(logging.ERROR, f"record {name} failed and comes back: {why(failed.fault)}", error)
    if failed.settle_error is not None:
        error = _printable(failed.settle_error)
        _log(logging.ERROR, f"record {name} could not be settled: {told_clean(failed.settle_error)}", error)


def _printable(error: object) -> BaseException | None:
    return redacted(error) if isinstance(error, BaseException) else None


def _log(level: int, message: str, error: BaseException | None) -> None:
    """Write, whatever the user's logging handlers make of it: they must not fail the invocation."""
    # in full, for an exception of the user's may be false
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    try:
        logger.log(level, message, exc_info=exc_info)
    except Exception:  # noqa: BLE001  # a handler that cannot write this may still write less
        with suppress(Exception):  # nowhere left to say it
            logger.log(level, message)
