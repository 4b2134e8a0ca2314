"""The attempt: one record, from its raw form to its ending, with every way in which that can fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from typing_extensions import TypeVar

from batchfold.core.ending import Ending, Handled, has_succeeded, outcome_of
from batchfold.core.event import RawRecord
from batchfold.core.faults import crashed, malformed_or_crashed
from batchfold.core.handler import Handler
from batchfold.core.observe import Observe
from batchfold.core.outcomes import Failed, Succeeded
from batchfold.core.record import Record
from batchfold.core.response import ItemId
from batchfold.core.returned import result_of
from batchfold.core.settle import Settle, could_not_settle, settled_or_failed
from batchfold.core.source import Source

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)
D_any = TypeVar("D_any", bound=Record, default=Any)

Attempt: TypeAlias = Callable[[RawRecord, ItemId], Ending[V, E, D_any]]
"""Handle a record. Whatever goes wrong with it is in the ending; only what fails the whole invocation is raised."""


def attempt_with(
    handler: Handler[R, V, E],
    source: Source[R, D],
    settle: Settle[E, D] | None,
    observe: Observe[V, E, D] | None = None,
    observer_failed: Callable[[Exception], object] = id,
) -> Attempt[V, E, D]:
    """Parse the record, hand it to the handler, and let `settle` say the last word if it failed.

    `observe` is told every outcome, and `observer_failed` what it raises. Where handlers take records as delivered, the
    outcome of a success carries the very record that the handler had.
    """
    parse, as_delivered, hands_over_as_delivered = source.parse, source.as_delivered, source.hands_over_as_delivered
    accepted: tuple[Any, Any] = (object(), None)  # in one piece, for threads share it

    def attempt(raw: RawRecord, item_id: ItemId) -> Ending[V, E, D]:
        nonlocal accepted
        try:
            record = parse(raw)
        except BaseException as error:  # noqa: BLE001  # raised again unless it is about this record
            return _last_word(raw, item_id, malformed_or_crashed(error), source, settle, observe, observer_failed)
        try:
            returned = handler(record)
        except BaseException as error:  # noqa: BLE001  # as above
            return _last_word(raw, item_id, crashed(error), source, settle, observe, observer_failed)
        success, value = accepted
        if returned is not success:  # what was a success once still is: handlers share `Success(None)`
            handled = result_of(returned)
            if not has_succeeded(handled):
                return _last_word(raw, item_id, handled, source, settle, observe, observer_failed)
            judged = cast("Any", handled)  # a Success, of what the checkers cannot know
            success, value = accepted = judged, judged.unwrap()
        if observe is not None:
            delivered: Any = record if hands_over_as_delivered else as_delivered(raw)
            try:
                observe(Succeeded(item_id, delivered, value))
            except Exception as error:  # noqa: BLE001  # as in `_last_word`
                observer_failed(error)
        return success  # type: ignore[no-any-return]  # judged just now or before

    return attempt


def _last_word(
    raw: RawRecord,
    item_id: ItemId,
    handled: Handled[V, E],
    source: Source[Any, D],
    settle: Settle[E, D] | None,
    observe: Observe[V, E, D] | None,
    observer_failed: Callable[[Exception], object],
) -> Ending[V, E, D]:
    """The ending of a record that did not succeed, once it was settled if it could be, and told to the observer."""
    ending = handled if settle is None else settled_by(settle, raw, item_id, handled, source)
    if observe is None:
        return ending
    outcome = outcome_of(item_id, source.as_delivered(raw), ending)
    try:
        observe(outcome)
    except Exception as error:  # noqa: BLE001  # whatever it is: an observer changes nothing
        observer_failed(error)
    return outcome


def settled_by(
    settle: Settle[E, D], raw: RawRecord, item_id: ItemId, handled: Handled[V, E], source: Source[Any, D]
) -> Ending[V, E, D]:
    """What a handled record is once `settle` had the last word, if it failed."""
    if has_succeeded(handled):
        return handled
    failed = cast("Failed[E, D]", outcome_of(item_id, source.as_delivered(raw), handled))  # no success, the line above
    try:
        returned = settle(failed)
    except BaseException as error:  # noqa: BLE001  # as above
        return could_not_settle(failed, crashed(error).error)
    return settled_or_failed(failed, returned)
