"""The attempt, which handles one record and keeps every way in which that can fail, and the sequential fold.

An exception keeps the frames that it passed through, and their callers. So no frame of a run keeps an exception in a local
variable when it ends, and `Progress.release` lets go of all of them: a cycle would keep the event in memory until the
cyclic collector runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from typing_extensions import TypeVar

from batchfold.core.batch import Batch
from batchfold.core.faults import crashed, malformed_or_crashed
from batchfold.core.handlers import Handler, result_of
from batchfold.core.outcomes import SUCCEEDED, Ending, Failed, Handled, has_succeeded
from batchfold.core.progress import Progress
from batchfold.core.records import RawRecord, Record
from batchfold.core.settling import Settle, could_not_settle, settled_or_failed
from batchfold.core.source import Source

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)
A = TypeVar("A")

Attempt: TypeAlias = Callable[[RawRecord], Handled[V, E]]
"""Handle a record. Whatever goes wrong with it is returned; only what fails the whole invocation is raised."""


def attempt_with(handler: Handler[R, V, E], source: Source[R, D, Any, Any]) -> Attempt[V, E]:
    """Return the attempt: parse the record and call the handler."""
    parse = source.parse

    def attempt(raw: RawRecord) -> Handled[V, E]:
        try:
            record = parse(raw)
        except BaseException as error:  # noqa: BLE001  # raised again unless it is about this record
            return malformed_or_crashed(error)
        try:
            return result_of(handler(record))
        except BaseException as error:  # noqa: BLE001  # raised again unless it is about this record
            return crashed(error)

    return attempt


def settled_by(
    settle: Settle[E, D] | None, progress: Progress[Any, V, E, D, Any], position: int, handled: Handled[V, E]
) -> Ending[V, E, D]:
    """Return the ending of a handled record after `settle` had the last word, if it failed and time allows."""
    if settle is None or has_succeeded(handled) or not progress.may_settle():
        return handled
    failed = cast("Failed[E, D]", progress.outcome(position, handled))  # no success, the line above says
    try:
        return settled_or_failed(failed, settle(failed))
    except BaseException as error:  # noqa: BLE001  # raised again unless it is about this record
        return could_not_settle(failed, crashed(error).error)


def fold(
    progress: Progress[R, V, E, D, A], attempt: Attempt[V, E], settle: Settle[E, D] | None = None
) -> Batch[V, E, D, A]:
    """Handle one record at a time until none may start.

    A success stops no lane, so it needs no `finish`; to leave that out saves 0.3 us of the 0.7 that a record would cost.
    """
    raws, endings, schedule = progress.raws, progress.endings, progress.schedule
    may_start = None if progress.deadline is None else progress.deadline.may_start
    tell = progress.tell
    checked = None if progress.check is None else progress.checked
    try:
        for position in schedule.one_by_one():
            if may_start is not None and not may_start():
                break
            handled = attempt(raws[position])
            if checked is not None:
                handled = checked(position, handled)
            if type(handled) in SUCCEEDED:
                endings[position] = handled
                if tell is not None:
                    tell(position, handled)
            else:
                progress.finish(position, settled_by(settle, progress, position, handled))
                if schedule.is_closed:
                    break
        return progress.batch()
    finally:
        handled, endings = None, []  # type: ignore[assignment]  # the opening of this module says why
        progress.release()
