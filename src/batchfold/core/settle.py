"""Settling: the last word on a failed record."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from returns.result import Success
from typing_extensions import TypeVar

from batchfold.core.faults import Crashed
from batchfold.core.handler import AnyFuture, AnyResult
from batchfold.core.outcomes import Failed, Settled
from batchfold.core.record import Record
from batchfold.core.returned import result_of

E = TypeVar("E")
D = TypeVar("D", bound=Record)
D_any = TypeVar("D_any", bound=Record, default=Record)

Settle: TypeAlias = Callable[[Failed[E, D_any]], AnyResult[object, object]]
"""`Failed` in, `Result` out. `Success` settles the record: it is done. `Failure(None)` leaves it as it is. Any other
`Failure` leaves it failed, and says why it could not be settled."""

AsyncSettle: TypeAlias = Callable[[Failed[E, D_any]], AnyFuture[object, object]]
"""The same as an async function, for async runs."""


def settled_or_failed(failed: Failed[E, D], returned: object) -> Settled[E, D] | Failed[E, D]:
    """What a failed record is after `settle` returned this for it."""
    result = result_of(returned, "settle")
    if isinstance(result, Crashed):
        return could_not_settle(failed, result.error)
    if isinstance(result, Success):
        return Settled(failed.item_id, failed.record, failed.fault)
    error = result.failure()
    return failed if error is None else could_not_settle(failed, error)


def could_not_settle(failed: Failed[E, D], error: object) -> Failed[E, D]:
    """The failed record with both causes: why it failed, and why it could not be settled."""
    return Failed(failed.item_id, failed.record, failed.fault, error)
