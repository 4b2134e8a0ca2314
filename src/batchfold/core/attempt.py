"""The attempt: one record, from its raw form to its ending, with every way in which that can fail."""

from collections.abc import Callable
from typing import Any, TypeAlias

from typing_extensions import TypeVar

from batchfold.core.ending import Ending, Handled, is_done, outcome_of
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

Attempt: TypeAlias = Callable[[RawRecord, ItemId], Ending[V, E, D]]
"""Handle a record. Whatever goes wrong is in the ending; only what fails the whole invocation is raised."""


def attempt_with(source: Source[R, D], handler: Handler[R, V, E], settle: Settle[E, D] | None) -> Attempt[V, E, D]:
    """Parse the record, hand it to the handler, and have `settle` say the last word if it failed."""
    parse = source.parse

    def handle(raw: RawRecord) -> Handled[V, E]:
        try:
            record = parse(raw)
        except BaseException as error:  # noqa: BLE001  # raised again unless it is about this record
            return malformed_or_crashed(error)
        try:
            returned = handler(record)
        except BaseException as error:  # noqa: BLE001  # as above
            return crashed(error)
        return result_of(returned)

    if settle is None:
        return lambda raw, _item_id: handle(raw)

    def attempt(raw: RawRecord, item_id: ItemId) -> Ending[V, E, D]:
        handled = handle(raw)
        if is_done(handled):
            return handled
        failed = outcome_of(item_id, source.as_delivered(raw), handled)
        return _settle(failed, settle) if isinstance(failed, Failed) else failed

    return attempt


def _settle(failed: Failed[E, D], settle: Settle[E, D]) -> Ending[Any, E, D]:
    try:
        returned = settle(failed)
    except BaseException as error:  # noqa: BLE001  # raised again unless it is about this record
        return could_not_settle(failed, crashed(error).error)
    return settled_or_failed(failed, returned)
