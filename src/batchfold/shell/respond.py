"""`respond`: from a batch to the response, or to the exception that makes Lambda deliver everything again; and the log.

A partial response hides failures from Lambda's own logging, so they are written here, by standard `logging` to the logger
`batchfold`: an error for each failed record, a warning for each settled one, and one warning for all that were not
started. Each log record carries, beside its message, what JSON loggers can be queried by:

| extra              | on                  | value                                                        |
|--------------------|---------------------|--------------------------------------------------------------|
| `batchfold_item_id`| failed, settled     | the item identifier, as text                                 |
| `batchfold_fault`  | failed, settled     | `Malformed`, `Rejected` or `Crashed`                         |
| `batchfold_error`  | failed, settled     | the type of the error                                        |
| `batchfold_source` | all about a batch   | the name of the source                                       |
| `batchfold_lane`   | failed, settled     | the lane, where it is text; of any other lane its number in the batch |

Payloads are never written. The amount is bounded: of failures of one kind the first 100 have a line each and the first
three a traceback, of the newest 50 frames; a last line counts the others. Memory and time of `respond` therefore do not
follow what a sender puts into a batch.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar, get_args

from batchfold.core._guards import add_note, is_plain_list
from batchfold.core.batch import Answerable, AnyBatch
from batchfold.core.faults import Crashed, Malformed, PayloadError
from batchfold.core.outcomes import Failed, Settled
from batchfold.core.records import item_name
from batchfold.core.redaction import describe_redacted, escape, is_validation_error, redact, why
from batchfold.core.response import RaiseOn
from batchfold.shell.errors import BatchProcessingError, RejectedError, UnprocessedError

A = TypeVar("A")

logger = logging.getLogger("batchfold")

_RAISE_ON: tuple[str, ...] = get_args(RaiseOn)
_NOTE = "batchfold: record "
_MOST_LINES = 100
_MOST_TRACEBACKS = 3
_MOST_FRAMES = 50
_MOST_NOTES = 10
_MOST_IN_GROUP = 100


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
    if not logger.isEnabledFor(logging.WARNING):
        if logger.isEnabledFor(logging.ERROR):
            _Log(batch).write_failed()
        return
    log = _Log(batch)
    if logger.isEnabledFor(logging.ERROR):
        log.write_failed()
    log.write_settled()
    log.write_unprocessed()


def log_aside(message: str, error: Exception | None = None) -> None:
    """Write that something beside the handler went wrong, such as an observer that raised."""
    _write(logging.ERROR, message, None if error is None else redact(error), {})


class _Log:
    """Writes about one batch, within the bounds at the top of this module."""

    def __init__(self, batch: AnyBatch) -> None:
        self._batch = batch
        self._source = batch.source.name
        self._lanes: Mapping[int, str] | None = None
        self._tracebacks: Counter[object] = Counter()
        self._printed: set[int] = set()

    def write_failed(self) -> None:
        """Write an error for each failed record, and for each that could not be settled."""
        lines: Counter[tuple[type[object], type[object]]] = Counter()
        for failed in self._batch.failed:
            with suppress(Exception):  # of the user's own exceptions, which are asked for their notes and their type
                kind: tuple[type[object], type[object]] = (type(failed.fault), type(failed.fault.error))
                lines[kind] += 1
                if lines[kind] <= _MOST_LINES:
                    self._write_failed(failed)
        for (fault, error), count in lines.items():
            if count > _MOST_LINES:
                message = (
                    f"{count - _MOST_LINES} more records failed alike and come back: "
                    f"{fault.__name__} ({error.__name__})"
                )
                _write(logging.ERROR, message, None, {"batchfold_source": self._source})

    def write_settled(self) -> None:
        """Write a warning for each settled record."""
        settled = self._batch.settled
        for each in settled[:_MOST_LINES]:
            with suppress(Exception):  # of the user's own exceptions, which are asked for their type
                message = f"record {item_name(each.item_id)} failed and was settled: {why(each.fault)}"
                _write(logging.WARNING, message, None, self._extra(each))
        if len(settled) > _MOST_LINES:
            message = f"{len(settled) - _MOST_LINES} more records failed and were settled"
            _write(logging.WARNING, message, None, {"batchfold_source": self._source})

    def write_unprocessed(self) -> None:
        """Write one warning for all records that were not started."""
        if unprocessed := self._batch.unprocessed:
            reason = f": {self._batch.why_stopped}" if self._batch.why_stopped else ""
            message = (
                f"{len(unprocessed)} of {len(self._batch)} records were not started and come back, the first is "
                f"{item_name(unprocessed[0].item_id)}{reason}"
            )
            _write(logging.WARNING, message, None, {"batchfold_source": self._source})

    def _write_failed(self, failed: Failed[object, Any]) -> None:
        name, fault = item_name(failed.item_id), failed.fault
        extra = self._extra(failed)
        # of what parsing raised, no text but what `describe` vouches for: decoders like to quote their input
        error = None if _is_from_parsing(failed) else self._printable(fault.error)
        _write(logging.ERROR, f"record {name} failed and comes back: {why(fault)}", error, extra)
        if failed.settle_error is not None:
            error = self._printable(failed.settle_error)
            message = f"record {name} could not be settled: {describe_redacted(failed.settle_error)}"
            _write(logging.ERROR, message, error, extra)

    def _printable(self, error: object) -> BaseException | None:
        """Return the exception to print: once for each object, and for the first few of a kind."""
        if not isinstance(error, BaseException) or id(error) in self._printed:
            return None
        self._tracebacks[type(error)] += 1
        if self._tracebacks[type(error)] > _MOST_TRACEBACKS:
            return None
        self._printed.add(id(error))
        return redact(error)

    def _extra(self, outcome: Failed[object, Any] | Settled[object, Any]) -> dict[str, str]:
        return {
            "batchfold_item_id": item_name(outcome.item_id),
            "batchfold_fault": type(outcome.fault).__name__,
            "batchfold_error": type(outcome.fault.error).__name__,
            "batchfold_source": self._source,
            "batchfold_lane": self._lane_of(outcome),
        }

    def _lane_of(self, outcome: Failed[object, Any] | Settled[object, Any]) -> str:
        if self._lanes is None:
            self._lanes = _lane_names(self._batch)
        return self._lanes.get(id(outcome.raw), "")


def _lane_names(batch: AnyBatch) -> Mapping[int, str]:
    """Return the lane of each raw record that is not a success. A lane that is no text may hold a payload's key."""
    numbers: dict[object, int] = {}
    names: dict[int, str] = {}
    try:
        lanes = batch.lanes
    except Exception:  # noqa: BLE001  # a lane function that answered before may fail now
        return names
    for at, (lane, raw) in enumerate(zip(lanes, batch.raws, strict=True)):
        if isinstance(lane, str):
            names[id(raw)] = escape(lane)
        else:
            names[id(raw)] = str(at if lane is None else numbers.setdefault(lane, at))
    return names


def _is_from_parsing(failed: Failed[object, Any]) -> bool:
    fault = failed.fault
    return isinstance(fault, Malformed) or (isinstance(fault, Crashed) and fault.is_from_parsing)


def _write(level: int, message: str, error: BaseException | None, extra: Mapping[str, object]) -> None:
    """Write, whatever the user's logging handlers make of it: they must not fail the invocation."""
    # in full, for an exception of the user's may be false
    exc_info = None if error is None else (type(error), error, _newest_frames(error.__traceback__))
    try:
        logger.log(level, message, exc_info=exc_info, extra=extra)
    except Exception:  # noqa: BLE001  # a handler that cannot write this may still write less
        with suppress(Exception):  # nowhere left to say it
            logger.log(level, message)


def _newest_frames(traceback: TracebackType | None) -> TracebackType | None:
    """Return the first frames of a traceback: of an exception that is raised again and again, those of the last time."""
    frames: list[TracebackType] = []
    each = traceback
    while each is not None and len(frames) < _MOST_FRAMES:
        frames.append(each)
        each = each.tb_next
    if each is None:
        return traceback
    cut: TracebackType | None = None
    for frame in reversed(frames):
        cut = TracebackType(cut, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return cut


def batch_error(batch: AnyBatch) -> BatchProcessingError:
    """Return the exception for a batch that comes back as a whole.

    One and the same exception may have failed many records, and may have done so in an earlier invocation of the same
    environment. It stands in the group once, with a note for the first few items of this batch and none for those of
    others. The group holds at most 100 exceptions; the batch has them all.
    """
    failed = batch.failed
    exceptions: dict[int, Exception] = {}
    notes: Counter[int] = Counter()

    def add(error: object, note: str, *, is_from_parsing: bool) -> None:
        if id(error) not in exceptions:
            if len(exceptions) >= _MOST_IN_GROUP:
                return
            exceptions[id(error)] = _exception_for(error, is_from_parsing=is_from_parsing)
        notes[id(error)] += 1
        if notes[id(error)] <= _MOST_NOTES:
            add_note(exceptions[id(error)], note)
        elif notes[id(error)] == _MOST_NOTES + 1:
            add_note(exceptions[id(error)], "batchfold: and further records")

    kinds: Counter[str] = Counter()
    for each in failed:
        name = item_name(each.item_id)
        add(each.fault.error, f"{_NOTE}{name} failed", is_from_parsing=_is_from_parsing(each))
        kinds[type(exceptions.get(id(each.fault.error), each.fault.error)).__name__] += 1
        if each.settle_error is not None:
            add(each.settle_error, f"{_NOTE}{name} could not be settled", is_from_parsing=False)
    unprocessed = len(batch.unprocessed)
    group: Sequence[Exception] = list(exceptions.values()) or [
        UnprocessedError(f"{unprocessed} records were not started: {batch.why_stopped or 'time ran out'}")
    ]
    return BatchProcessingError(
        f"{batch.count_not_done} of {len(batch)} records are not done and the whole batch comes back "
        f"({len(failed)} failed, {unprocessed} not started): {', '.join(kinds or {type(group[0]).__name__: 1})}",
        group,
        batch,
    )


def _exception_for(error: object, *, is_from_parsing: bool) -> Exception:
    if not isinstance(error, Exception):  # a group holds no SystemExit or its like, which a Failure may hold
        return RejectedError(error)
    exception = redact(error)
    if is_from_parsing and not is_validation_error(exception) and not isinstance(exception, PayloadError):
        # a decoder's own text may quote its input
        fault = Malformed(error) if isinstance(error, ValueError) else Crashed(error, is_from_parsing=True)
        return PayloadError(why(fault)).with_traceback(error.__traceback__)
    if not isinstance(exception, Exception):
        return RejectedError(error)
    notes = getattr(exception, "__notes__", None)
    if is_plain_list(notes):
        notes[:] = [note for note in notes if not str(note).startswith(("batchfold: and further", _NOTE))]
    return exception
