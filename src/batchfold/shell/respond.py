"""`respond`: from a batch to the response, or to the exception that makes Lambda deliver everything again; and the log.

A partial response hides failures from Lambda's own logging, so they are written here. Standard `logging`, logger
`batchfold`: an error for each failed record, a warning for each settled one, and one warning for all that were not started.
The item identifier stands in the message. Payloads never do.
"""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import suppress
from typing import Any, TypeVar, get_args

from batchfold.core._guards import add_note, is_plain_list
from batchfold.core.batch import Answerable, AnyBatch
from batchfold.core.faults import Malformed
from batchfold.core.outcomes import Failed
from batchfold.core.records import item_name
from batchfold.core.redaction import describe_redacted, is_validation_error, redact, why
from batchfold.core.response import RaiseOn
from batchfold.shell.errors import BatchProcessingError, RejectedError, UnprocessedError

A = TypeVar("A")

logger = logging.getLogger("batchfold")

_RAISE_ON: tuple[str, ...] = get_args(RaiseOn)
_NOTE = "batchfold: record "


def refuse_unknown_raise_on(raise_on: str | None) -> None:
    """Raise `ValueError` unless it is one of the three, or left to the source; asked before any record is handled."""
    if raise_on is not None and raise_on not in _RAISE_ON:
        raise ValueError(f"raise_on is one of {', '.join(map(repr, _RAISE_ON))}, got {raise_on!r}")


def respond(batch: Answerable[A], raise_on: RaiseOn | None = None) -> A:
    """Log what failed, raise if told to, and return the response.

    Raises `BatchProcessingError` as `raise_on` says; where it says nothing, as the batch's source does.
    """
    refuse_unknown_raise_on(raise_on)
    if batch.is_all_success:
        return batch.response
    log_batch(batch)
    response = batch.response
    comes_back = batch.count_not_done
    raise_on = batch.source.raise_on if raise_on is None else raise_on
    if comes_back and (raise_on == "any_failure" or (raise_on == "entire_batch" and comes_back == len(batch))):
        raise batch_error(batch)
    return response


def log_batch(batch: AnyBatch) -> None:
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


def log_aside(message: str, error: Exception) -> None:
    """Write that a function beside the handler raised, such as an observer."""
    _log(logging.ERROR, message, redact(error))


def log_no_backoff(records: str, error: Exception | None = None) -> None:
    """Write that the visibility timeout of some records is not what backoff wanted it to be."""
    message = f"no backoff for {records}: SQS delivers again after the visibility timeout that stands"
    _log(logging.ERROR, message, None if error is None else redact(error))


def _log_failed(failed: Failed[Any, Any]) -> None:
    name = item_name(failed.item_id)
    # of what parsing raised, no text but what `told` vouches for: a decoder's ValueError likes to quote its input
    error = None if isinstance(failed.fault, Malformed) else _printable(failed.fault.error)
    _log(logging.ERROR, f"record {name} failed and comes back: {why(failed.fault)}", error)
    if failed.settle_error is not None:
        error = _printable(failed.settle_error)
        _log(logging.ERROR, f"record {name} could not be settled: {describe_redacted(failed.settle_error)}", error)


def _printable(error: object) -> BaseException | None:
    return redact(error) if isinstance(error, BaseException) else None


def _log(level: int, message: str, error: BaseException | None) -> None:
    """Write, whatever the user's logging handlers make of it: they must not fail the invocation."""
    # in full, for an exception of the user's may be false
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    try:
        logger.log(level, message, exc_info=exc_info)
    except Exception:  # noqa: BLE001  # a handler that cannot write this may still write less
        with suppress(Exception):  # nowhere left to say it
            logger.log(level, message)


def batch_error(batch: AnyBatch) -> BatchProcessingError:
    """The exception for a batch that comes back as a whole.

    One and the same exception may have failed many records, and may have done so in an earlier invocation of the same
    environment. It stands in the group once, with a note for each item of this batch and none for those of others.
    """
    exceptions: dict[int, Exception] = {}

    def add(error: object, note: str, *, is_clean: bool) -> None:
        if id(error) not in exceptions:
            exceptions[id(error)] = _exception_for(error, is_clean=is_clean)
        add_note(exceptions[id(error)], note)

    for failed in batch.failed:
        name = item_name(failed.item_id)
        # a source takes the input out of what pydantic raises for a payload, but looks no further
        is_clean = isinstance(failed.fault, Malformed) and is_validation_error(failed.fault.error)
        add(failed.fault.error, f"{_NOTE}{name} failed", is_clean=is_clean)
        if failed.settle_error is not None:
            add(failed.settle_error, f"{_NOTE}{name} could not be settled", is_clean=False)
    unprocessed = len(batch.unprocessed)
    group = list(exceptions.values()) or [UnprocessedError(f"{unprocessed} records were not started: time ran out")]
    kinds = Counter(type(exception).__name__ for exception in group)
    return BatchProcessingError(
        f"{len(batch.not_done)} of {len(batch)} records are not done and the whole batch comes back "
        f"({len(batch.failed)} failed, {unprocessed} not started): {', '.join(kinds)}",
        group,
        batch,
    )


def _exception_for(error: object, *, is_clean: bool) -> Exception:
    exception = redact(error) if isinstance(error, Exception) and not is_clean else error
    if not isinstance(exception, Exception):  # a group holds no SystemExit or its like, which a Failure may hold
        return RejectedError(error)
    notes = getattr(exception, "__notes__", None)
    if is_plain_list(notes):
        notes[:] = [note for note in notes if not str(note).startswith(_NOTE)]
    return exception
