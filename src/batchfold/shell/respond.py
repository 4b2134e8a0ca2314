"""`respond`: from a batch to the response, or to the exception that makes Lambda deliver everything again; and the log.

A partial response hides failures from Lambda's own logging, so they are written here, by standard `logging` to the logger
`batchfold`: an error for each failed record, a warning for each settled one, and one warning for all that were not
started. The item identifier stands in the message. Each log record carries what JSON loggers can be queried by; a field is
`None` where a line is not about it.

| extra               | value                                                                 |
|---------------------|-----------------------------------------------------------------------|
| `batchfold_item_id` | the item identifier, as text                                          |
| `batchfold_fault`   | `Malformed`, `Rejected` or `Crashed`                                  |
| `batchfold_error`   | the type of the error                                                 |
| `batchfold_source`  | the name of the source                                                |
| `batchfold_lane`    | the lane, where it is text; of any other lane its number in the batch |

Payloads are never written; `core.redaction` decides what may be said of an error. The amount is bounded. An exception
object has its traceback written once, and of a kind (a type and the line that raised it) the first three have one; the line
of a failed record that goes without holds the exception's text. Of failures of one type the first 100 have a line each, the
others share one by the hundred, and so do all once no time is left.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from traceback import TracebackException
from typing import Any, TypeAlias, TypeVar, Union, get_args

from returns.result import Success

from batchfold.core._guards import add_note, is_plain_list
from batchfold.core.batch import Answerable, AnyBatch
from batchfold.core.faults import Crashed, Fault, Malformed, PayloadError
from batchfold.core.handlers import result_of
from batchfold.core.outcomes import Failed, Settled, Unprocessed
from batchfold.core.records import item_name
from batchfold.core.redaction import describe, escape, is_validation_error, reached_from, redact, why
from batchfold.core.response import RaiseOn
from batchfold.shell.errors import BatchProcessingError, RejectedError, UnprocessedError

A = TypeVar("A")

Extra: TypeAlias = dict[str, object]
_Faulty: TypeAlias = Union[Failed[Any, Any], Settled[Any, Any]]

logger = logging.getLogger("batchfold")

_RAISE_ON: tuple[str, ...] = get_args(RaiseOn)
_NOTE = "batchfold: record"
_MOST_NOTES = 100
_MOST_LINES = 100
_MOST_TRACEBACKS = 3
_MOST_FRAMES = 200
_MOST_FRAMES_EACH = 20
_MOST_CHARACTERS = 20_000
_NOT_ABOUT_ONE: Extra = {
    "batchfold_item_id": None,
    "batchfold_fault": None,
    "batchfold_error": None,
    "batchfold_source": None,
    "batchfold_lane": None,
}


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


# ------------------------------------------------------------ the log
def log_batch(batch: AnyBatch) -> None:
    """Write what became of the records that were not handled with success. It never raises an `Exception`."""
    if not logger.isEnabledFor(logging.ERROR):
        return
    log = _BatchLog(batch)
    log.write(logging.ERROR, batch.failed, f"failed and {batch.source.not_done[1]}")
    log.write_counts()
    if logger.isEnabledFor(logging.WARNING):
        log.write(logging.WARNING, batch.settled, "failed and were settled")
        log.write_unprocessed()


def log_aside(message: str, error: Exception | None = None) -> None:
    """Write that something beside the handler went wrong, such as `then=` that raised."""
    _log(logging.ERROR, message, _NOT_ABOUT_ONE, None if error is None else redact(error))


def heed_finish(returned: object) -> None:
    """Log what a source says as it finishes a batch, or raise why it could not: the invocation then fails.

    A `Failure` that holds an exception raises it, without a payload; any other error is in a `RejectedError`.
    """
    result = result_of(returned, "finish")
    if isinstance(result, Success):
        if (remark := result.unwrap()) is not None:
            _log(logging.WARNING, str(remark), _NOT_ABOUT_ONE)
        return
    error: object = result.error if isinstance(result, Crashed) else result.failure()
    failure = redact(error) if isinstance(error, BaseException) else RejectedError(error)
    add_note(failure, "batchfold: finish failed, so the invocation fails, and all of its records come back")
    try:
        raise failure
    finally:
        del failure  # a cycle otherwise: the error keeps this frame


class AsideLog:
    """Writes that a function raised which is called for every record, such as an observer.

    The first three times it has a traceback. After that it is a count, at 10, 100, 1,000 and so on: an observer that is
    down fails for each of 10,000 records.
    """

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count: dict[str, int] = {}

    def __call__(self, message: str, error: Exception) -> None:
        """Write it, or only count it."""
        count = self._count[message] = self._count.get(message, 0) + 1
        if count <= _MOST_TRACEBACKS:
            log_aside(message, error)
        elif str(count).strip("0") == "1":
            _log(logging.ERROR, f"{message} ({count} times so far, now {describe(error, in_full=True)})")


class _BatchLog:
    """Writes about one batch, within the bounds at the top of this module."""

    def __init__(self, batch: AnyBatch) -> None:
        self.without_traceback = Counter[str]()
        self._batch = batch
        self._lanes: Mapping[int, str] | None = None
        self._seen: set[int] = set()
        self._of_kind = Counter[tuple[str, str, int]]()

    def write(self, level: int, outcomes: Iterable[_Faulty], fate: str) -> None:
        """Write a line for each record, up to a number and while there is time; the others are named together."""
        ms_left, lines = self._batch.ms_left, Counter[str]()
        together: dict[str, list[_Faulty]] = {}
        for each in outcomes:
            kind = _kind_of(each)
            lines[kind] += 1
            if lines[kind] > _MOST_LINES or (ms_left is not None and ms_left() <= 0):
                together.setdefault(kind, []).append(each)
                continue
            with suppress(Exception):  # of the user's own exceptions, which are asked for their notes and their text
                self._write_failed(each) if isinstance(each, Failed) else self._write_settled(each)
        for kind, those in together.items():
            for begin in range(0, len(those), _MOST_LINES):
                some = those[begin : begin + _MOST_LINES]
                names = [item_name(each.item_id) for each in some]
                extra = {**self._extra(some[0]), "batchfold_item_id": names, "batchfold_lane": None}
                _log(level, f"{len(some)} more records {fate} ({kind}): {', '.join(names)}", extra)

    def write_unprocessed(self) -> None:
        """Write one warning for all records that were not started."""
        if unprocessed := self._batch.unprocessed:
            first, reason = unprocessed[0], self._batch.why_stopped
            counted = f"{len(unprocessed)} of {len(self._batch)} records"
            message = f"{counted} were not started and {self._batch.source.not_done[1]}, the first is "
            message += item_name(first.item_id) + (f": {reason}" if reason else "")
            _log(logging.WARNING, message, self._extra(first))

    def write_counts(self) -> None:
        """Write how many exceptions were written without their traceback."""
        extra = {**_NOT_ABOUT_ONE, "batchfold_source": self._batch.source.name}
        for name, count in self.without_traceback.items():
            message = f"{count} more of {name} without a traceback: of a kind, the first {_MOST_TRACEBACKS} have one"
            _log(logging.ERROR, message, extra)

    def _write_failed(self, failed: Failed[Any, Any]) -> None:
        name, fault, extra = item_name(failed.item_id), failed.fault, self._extra(failed)
        # of an error from parsing no traceback: it ends with the error's text, and decoders like to quote their input
        printed = None if _is_from_parsing(fault) else self._printed(fault.error)
        fate, reason = self._batch.source.not_done[0], why(fault, in_full=printed is None)
        _log(logging.ERROR, f"record {name} failed and {fate}: {reason}", extra, printed)
        if failed.settle_error is not None:
            printed = self._printed(failed.settle_error)
            reason = describe(failed.settle_error, in_full=printed is None)
            _log(logging.ERROR, f"record {name} could not be settled: {reason}", extra, printed)

    def _write_settled(self, settled: Settled[Any, Any]) -> None:
        message = f"record {item_name(settled.item_id)} failed and was settled: {why(settled.fault)}"
        _log(logging.WARNING, message, self._extra(settled))

    def _printed(self, error: object) -> BaseException | None:
        """Return the exception as it may be printed, or `None` if the line has to do without its traceback.

        One exception object may fail every record: a connection that was refused once, and is asked for by each. Its
        traceback grows each time that it is raised.
        """
        if not isinstance(error, BaseException):
            return None
        name = type(error).__qualname__
        if id(error) not in self._seen:  # the batch keeps it, so its identity is not given to another one
            self._seen.add(id(error))
            kind = (f"{type(error).__module__}.{name}", *_raised_at(error))
            self._of_kind[kind] += 1
            if self._of_kind[kind] <= _MOST_TRACEBACKS:
                return redact(error)
        self.without_traceback[name] += 1
        return None

    def _extra(self, outcome: _Faulty | Unprocessed[Any]) -> Extra:
        if self._lanes is None:
            self._lanes = _lane_names(self._batch)
        fault = None if isinstance(outcome, Unprocessed) else outcome.fault
        return {
            "batchfold_item_id": item_name(outcome.item_id),
            "batchfold_fault": None if fault is None else type(fault).__name__,
            "batchfold_error": None if fault is None else type(fault.error).__name__,
            "batchfold_source": self._batch.source.name,
            "batchfold_lane": self._lanes.get(id(outcome.raw)),
        }


def _kind_of(outcome: _Faulty) -> str:
    kind = f"{type(outcome.fault).__name__}: {type(outcome.fault.error).__name__}"
    if isinstance(outcome, Failed) and outcome.settle_error is not None:
        kind += f", and could not be settled: {type(outcome.settle_error).__name__}"
    return kind


def _is_from_parsing(fault: Fault[Any]) -> bool:
    return isinstance(fault, Malformed) or (isinstance(fault, Crashed) and fault.is_from_parsing)


def _lane_names(batch: AnyBatch) -> Mapping[int, str]:
    """Return the lane of each raw record as text. A lane that is no text may hold a part of the payload."""
    numbers: dict[object, int] = {}
    names: dict[int, str] = {}
    with suppress(Exception):  # of the user's lane function, which answered before
        for at, (lane, raw) in enumerate(zip(batch.lanes, batch.raws, strict=True)):
            if isinstance(lane, str):
                names[id(raw)] = escape(lane)
            else:
                names[id(raw)] = str(at if lane is None else numbers.setdefault(lane, at))
    return names


def _raised_at(error: BaseException) -> tuple[str, int]:
    traceback, left = error.__traceback__, _MOST_FRAMES
    if traceback is None:
        return "", 0
    while traceback.tb_next is not None and left:
        traceback, left = traceback.tb_next, left - 1
    return traceback.tb_frame.f_code.co_filename, traceback.tb_lineno


def _log(level: int, line: str, extra: Extra = _NOT_ABOUT_ONE, error: BaseException | None = None) -> None:
    """Write, whatever the user's exceptions and logging handlers do: they must not fail the invocation."""
    message, exc_info = line, None
    try:
        if error is not None and _is_long(error):
            message = f"{line}\n{_shortened(error)}"
        elif error is not None:  # in full, for an exception of the user's may be false
            exc_info = (type(error), error, error.__traceback__)
        logger.log(level, message, exc_info=exc_info, extra=extra)
    except Exception:  # noqa: BLE001  # a handler that cannot write this may still write less
        with suppress(Exception):  # nowhere left to say it
            logger.log(level, line)


def _is_long(error: BaseException) -> bool:
    left = _MOST_FRAMES
    for each in reached_from(error):
        left -= 1
        traceback = each.__traceback__
        while traceback is not None and left >= 0:
            traceback, left = traceback.tb_next, left - 1
        if left < 0:
            return True
    return False


def _shortened(error: BaseException) -> str:
    told = TracebackException(type(error), error, error.__traceback__, limit=-_MOST_FRAMES_EACH, compact=True)
    text = "".join(told.format()).rstrip()
    return text if len(text) <= _MOST_CHARACTERS else f"...{text[-_MOST_CHARACTERS:]}"


# ------------------------------------------------------------ the exception
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
        and _is_from_parsing(fault)
        and not (is_validation_error(exception) or isinstance(exception, PayloadError))
    ):
        # a decoder's own text may quote its input
        return PayloadError(why(fault)).with_traceback(error.__traceback__)
    notes = getattr(exception, "__notes__", None)
    if is_plain_list(notes):
        notes[:] = [each for each in notes if not str(each).startswith(_NOTE)]
    return exception
