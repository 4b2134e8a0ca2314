"""`respond`: from a batch to the response, or to the exception that makes Lambda deliver everything again.

When an invocation fails instead of answering, and with which exception, is decided here. `shell.failure_log` writes what
failed.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, TypeVar, get_args

from returns.result import Success

from batchfold.core._guards import add_note, is_plain_list
from batchfold.core.batch import Answerable, AnyBatch
from batchfold.core.faults import Crashed, Fault, PayloadError
from batchfold.core.handlers import Giver, result_of
from batchfold.core.records import item_name
from batchfold.core.redaction import is_validation_error, redact, why
from batchfold.core.response import RaiseOn
from batchfold.shell.errors import BatchProcessingError, RejectedError, UnprocessedError
from batchfold.shell.failure_log import is_from_parsing, log_batch, log_remark

A = TypeVar("A")

_RAISE_ON: tuple[str, ...] = get_args(RaiseOn)
_NOTE = "batchfold: record"
_MOST_NOTES = 100


def refuse_unknown_raise_on(raise_on: str | None) -> None:
    """Raise `ValueError` unless it is one of the three, or left to the source; asked before any record is handled."""
    if raise_on is not None and raise_on not in _RAISE_ON:
        raise ValueError(f"raise_on is one of {', '.join(map(repr, _RAISE_ON))}, got {raise_on!r}")


def respond(batch: Answerable[A], raise_on: RaiseOn | None = None) -> A:
    """Log what failed, raise if told to, and return the response.

    Raises `BatchProcessingError` as `raise_on` says; where it says nothing, as the batch's source does.
    """
    if raise_on is not None:
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


def heed_finish(returned: object) -> None:
    """Log what a source says as it finishes a batch, or raise why it could not: the invocation then fails.

    A `Failure` that holds an exception raises it, without a payload; any other error is in a `RejectedError`.
    """
    result = result_of(returned, Giver("finish"))
    if isinstance(result, Success):
        if (remark := result.unwrap()) is not None:
            log_remark(str(remark))
        return
    error: object = result.error if isinstance(result, Crashed) else result.failure()
    failure = redact(error) if isinstance(error, BaseException) else RejectedError(error)
    add_note(failure, "batchfold: finish failed, so the invocation fails, and all of its records come back")
    try:
        raise failure
    finally:
        del failure  # a cycle otherwise: the error keeps this frame


def batch_error(batch: AnyBatch) -> BatchProcessingError:
    """Return the exception for a batch that comes back as a whole.

    One and the same exception may have failed many records, and may have done so in an earlier invocation of the same
    environment. It stands in the group once, with a note for each item of this batch (up to 100) and none for others.
    """
    exceptions: dict[int, Exception] = {}
    notes = Counter[int]()
    failed = batch.failed
    for each in failed:
        name = item_name(each.item_id)
        _take(each.fault.error, f"{_NOTE} {name} failed", exceptions, notes, each.fault)
        if each.settle_error is not None:
            _take(each.settle_error, f"{_NOTE} {name} could not be settled", exceptions, notes)
    for identity, count in notes.items():
        if count > _MOST_NOTES:
            add_note(exceptions[identity], f"{_NOTE}s that are not named here: {count - _MOST_NOTES}")
    unprocessed = len(batch.unprocessed)
    group = list(exceptions.values()) or [
        UnprocessedError(f"{unprocessed} records were not started: {batch.why_stopped or 'time ran out'}")
    ]
    kinds = Counter(type(exception).__name__ for exception in group)
    return BatchProcessingError(
        f"{batch.count_not_done} of {len(batch)} records are not done and the whole batch comes back "
        f"({len(failed)} failed, {unprocessed} not started): {', '.join(kinds)}",
        group,
        batch,
    )


def _take(
    error: object, note: str, exceptions: dict[int, Exception], notes: Counter[int], fault: Fault[Any] | None = None
) -> None:
    identity = id(error)  # the batch keeps the error, so its identity is not given to another one
    if identity not in exceptions:
        exceptions[identity] = _exception_for(error, fault)
    notes[identity] += 1
    if notes[identity] <= _MOST_NOTES:
        add_note(exceptions[identity], note)


def _exception_for(error: object, fault: Fault[Any] | None) -> Exception:
    if not isinstance(error, Exception):  # a group holds no SystemExit or its like, which a Failure may hold
        return RejectedError(error)
    exception = redact(error)
    if not isinstance(exception, Exception):
        return RejectedError(error)
    if (
        fault is not None
        and is_from_parsing(fault)
        and not (is_validation_error(exception) or isinstance(exception, PayloadError))
    ):
        # a decoder's own text may quote its input
        return PayloadError(why(fault)).with_traceback(error.__traceback__)
    notes = getattr(exception, "__notes__", None)
    if is_plain_list(notes):
        notes[:] = [each for each in notes if not str(each).startswith(_NOTE)]
    return exception
