"""The log: what is written of the records that were not handled with success, and of what goes wrong beside a handler.

A partial response hides failures from Lambda's own logging, so they go to the logger `batchfold`: an error for each failed
record, a warning for each settled one, one warning for all that were not started. Each log record carries what JSON loggers
can be queried by; a field is `None` where a line is not about it.

| extra               | value                                                                 |
|---------------------|-----------------------------------------------------------------------|
| `batchfold_item_id` | the item identifier, as text                                          |
| `batchfold_fault`   | `Malformed`, `Rejected` or `Crashed`                                  |
| `batchfold_error`   | the type of the error                                                 |
| `batchfold_source`  | the name of the source                                                |
| `batchfold_lane`    | the lane, where it is text; of any other lane its number in the batch |

Payloads are never written; `core.redaction` decides what may be said of an error. The amount is bounded. An exception
object has its traceback written once, and of a kind (a type and the line that raised it) the first three have one. Of
failures of one type the first 100 have a line each, the others share one by the hundred, and so do all once no time is left.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import chain, islice
from traceback import TracebackException, walk_tb
from typing import Any, TypeAlias, Union

from batchfold.core.batch import AnyBatch
from batchfold.core.faults import Crashed, Fault, Malformed, crashed
from batchfold.core.outcomes import Failed, Settled, Unprocessed
from batchfold.core.records import item_name
from batchfold.core.redaction import describe, escape, reached_from, redact, why

Extra: TypeAlias = dict[str, object]
_Faulty: TypeAlias = Union[Failed[Any, Any], Settled[Any, Any]]

logger = logging.getLogger("batchfold")

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


def log_remark(remark: str, item_id: str | None = None) -> None:
    """Write a warning about a record, or about none, such as a source's about the state of a window."""
    _log(logging.WARNING, remark, {**_NOT_ABOUT_ONE, "batchfold_item_id": item_id})


class AsideLog:
    """Writes that a function raised which is called for every record, such as an observer.

    The first three times with a traceback, then as a count, at 10, 100, 1,000 and so on.
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

    @contextmanager
    def instead_of_raising(self, message: str) -> Generator[None]:
        """Write what the code in this context raises. Only what ends the process is raised again."""
        try:
            yield
        except BaseException as error:  # noqa: BLE001  # `crashed` raises those that are not about one record
            self(message, crashed(error).error)


class _BatchLog:
    """Writes about one batch, within the bounds at the top of this module."""

    def __init__(self, batch: AnyBatch) -> None:
        self.without_traceback = Counter[str]()
        self._batch = batch
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
                if isinstance(each, Failed):
                    self._write_failed(each)
                else:
                    message = f"record {item_name(each.item_id)} failed and was settled: {why(each.fault)}"
                    _log(level, message, self._extra(each))
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
        printed = None if is_from_parsing(fault) else self._printed(fault.error)
        fate, reason = self._batch.source.not_done[0], why(fault, in_full=printed is None)
        _log(logging.ERROR, f"record {name} failed and {fate}: {reason}", extra, printed)
        if failed.settle_error is not None:
            printed = self._printed(failed.settle_error)
            reason = describe(failed.settle_error, in_full=printed is None)
            _log(logging.ERROR, f"record {name} could not be settled: {reason}", extra, printed)

    def _printed(self, error: object) -> BaseException | None:
        """Return the exception as it may be printed, or `None` if the line has to do without its traceback."""
        if not isinstance(error, BaseException):
            return None
        name = type(error).__qualname__
        # one object may fail every record, and its traceback grows; the batch keeps it, so its identity stays its own
        if id(error) not in self._seen:
            self._seen.add(id(error))
            kind = (f"{type(error).__module__}.{name}", *_raised_at(error))
            self._of_kind[kind] += 1
            if self._of_kind[kind] <= _MOST_TRACEBACKS:
                return redact(error)
        self.without_traceback[name] += 1
        return None

    @cached_property
    def _lanes(self) -> Mapping[int, str]:
        """The lane of each raw record as text. A lane that is no text may hold a part of the payload."""
        numbers: dict[object, int] = {}
        names: dict[int, str] = {}
        with suppress(Exception):  # of the user's lane function, which answered before
            for at, (lane, raw) in enumerate(zip(self._batch.lanes, self._batch.raws, strict=True)):
                if isinstance(lane, str):
                    names[id(raw)] = escape(lane)
                else:
                    names[id(raw)] = str(at if lane is None else numbers.setdefault(lane, at))
        return names

    def _extra(self, outcome: _Faulty | Unprocessed[Any]) -> Extra:
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


def is_from_parsing(fault: Fault[Any]) -> bool:
    """Return whether the error is about the payload, so that its text may quote it."""
    return isinstance(fault, Malformed) or (isinstance(fault, Crashed) and fault.is_from_parsing)


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
    parts = (part for each in reached_from(error) for part in chain([each], walk_tb(each.__traceback__)))
    return any(True for _ in islice(parts, _MOST_FRAMES, None))


def _shortened(error: BaseException) -> str:
    told = TracebackException(type(error), error, error.__traceback__, limit=-_MOST_FRAMES_EACH, compact=True)
    text = "".join(told.format()).rstrip()
    return text if len(text) <= _MOST_CHARACTERS else f"...{text[-_MOST_CHARACTERS:]}"
