"""The attempt: one record, from its raw form to its ending, with every way in which that can fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from typing_extensions import TypeVar

from batchfold.core.ending import Ending, Handled, has_succeeded, outcome_of
from batchfold.core.event import RawRecord
from batchfold.core.faults import crashed, malformed_or_crashed
from batchfold.core.handler import Handler
from batchfold.core.outcomes import Failed
from batchfold.core.record import Record
from batchfold.core.response import ItemId
from batchfold.core.returned import result_of
from batchfold.core.settle import Settle, could_not_settle, settled_or_failed
from batchfold.core.source import Source

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)
D_any = TypeVar("D_any", bound=Record, default=Record)

Attempt: TypeAlias = Callable[[RawRecord, ItemId], Ending[V, E, D_any]]
"""Handle a record. Whatever goes wrong with it is in the ending; only what fails the whole invocation is raised."""


def attempt_with(handler: Handler[R, V, E], source: Source[R, D], settle: Settle[E, D] | None) -> Attempt[V, E, D]:
    """Parse the record, hand it to the handler, and let `settle` say the last word if it failed."""
    parse = source.parse

    def attempt(raw: RawRecord, item_id: ItemId) -> Ending[V, E, D]:
        handled: Handled[V, E]
        try:
            record = parse(raw)
        except BaseException as error:  # noqa: BLE001  # raised again unless it is about this record
            handled = malformed_or_crashed(error)
        else:
            try:
                handled = result_of(handler(record))
            except BaseException as error:  # noqa: BLE001  # as above
                handled = crashed(error)
        return handled if settle is None else settled_by(settle, raw, item_id, handled, source)

    return attempt


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
