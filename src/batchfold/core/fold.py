"""The fold: record after record in arrival order, as far as the schedule lets them start."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from typing_extensions import TypeVar

from batchfold.core.attempt import settled_by
from batchfold.core.batch import Batch
from batchfold.core.ending import DONE, SUCCEEDED, outcome_of
from batchfold.core.faults import crashed, malformed_or_crashed
from batchfold.core.handler import Handler
from batchfold.core.outcomes import Succeeded
from batchfold.core.progress import Progress
from batchfold.core.record import Record
from batchfold.core.returned import result_of
from batchfold.core.settle import Settle

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)


_blank: Callable[[], Any] = partial(object.__new__, Succeeded)
"""A `Succeeded` to be filled in: it takes 0.04 us less than calling the class, of the 0.29 that a record costs."""


def fold(  # noqa: C901, PLR0912  # in one piece; the docstring says why
    progress: Progress[R, V, E, D],
    handler: Handler[R, V, E],
    settle: Settle[E, D] | None = None,
) -> Batch[V, E, D]:
    """Handle one record at a time until none may start.

    Where handlers take records as delivered, the outcome that the observer is told of a success carries the very record
    that the handler had.

    This is `progress.start()`, an attempt and `progress.finish()` in a loop, written out: with nothing but calls in their
    place a record costs 0.65 us, and 0.29 us as it is.
    """
    raws, item_ids, endings, schedule = progress.raws, progress.item_ids, progress.endings, progress.schedule
    source, remaining_ms, reserve_ms = progress.source, progress.remaining_ms, progress.reserve_ms
    parse, as_delivered, hands_over_as_delivered = source.parse, source.as_delivered, source.hands_over_as_delivered
    observe, observer_failed = progress.observe, progress.observer_failed
    success: Any = object()  # what counted as a success once still does: handlers share `Success(None)`
    value: Any = None
    for position in schedule.one_by_one():
        # the record at position 0 is the first to be started, whatever the time
        if remaining_ms is not None and position and remaining_ms() <= reserve_ms:
            break
        raw = raws[position]
        handled: Any  # what a handler returns may be anything, until `result_of` has looked at it
        try:
            record = parse(raw)
        except BaseException as error:  # noqa: BLE001  # raised again unless it is about this record
            handled = malformed_or_crashed(error)
        else:
            try:
                handled = handler(record)
                if handled is not success:
                    handled = result_of(handled)
                    if type(handled) in SUCCEEDED:
                        success, value = handled, None if observe is None else handled.unwrap()
            except BaseException as error:  # noqa: BLE001  # as above
                handled = crashed(error)
        outcome: Any  # or an ending, where nobody is told
        if handled is success:
            endings[position] = success
            if observe is None:
                continue
            outcome = _blank()
            outcome._item_id = item_ids[position]  # noqa: SLF001  # as `_blank` says
            outcome._record = record if hands_over_as_delivered else as_delivered(raw)  # type: ignore[possibly-undefined]  # noqa: SLF001  # a success has been parsed
            outcome._value = value  # noqa: SLF001  # as `_blank` says
        else:
            outcome = handled if settle is None else settled_by(settle, raw, item_ids[position], handled, source)
            if observe is not None:
                outcome = outcome_of(item_ids[position], as_delivered(raw), outcome)
            endings[position] = outcome
            if type(outcome) not in DONE:
                schedule.finish(position, done=False)
            if observe is None:
                continue
        try:
            observe(outcome)
        except Exception as error:  # noqa: BLE001  # whatever it is: an observer changes nothing
            observer_failed(error)
    return progress.batch()
