"""`discard`: settle failed records by letting go of them."""

from __future__ import annotations

from collections.abc import Callable

from returns.result import Result, Success
from typing_extensions import TypeVar

from batchfold.core.dead_letter import dead_letter
from batchfold.core.outcomes import Failed
from batchfold.core.record import Record
from batchfold.core.settle import Settle

E = TypeVar("E", default=object)
D = TypeVar("D", bound=Record, default=Record)


def discard(*, when: Callable[[Failed[E, D]], bool]) -> Settle[E, D]:
    """Settle the failed records that `when` picks, and keep nothing of them but the log's line.

    They are gone: SQS deletes them, and a stream moves on. `when` is any predicate on `Failed`, as in `dead_letter`.

    >>> from batchfold.core.faults import Malformed
    >>> discard(when=lambda failed: True)(Failed("m1", Record(), Malformed(ValueError())))
    <Success: None>
    """
    return dead_letter(_let_go, when=when)


def _let_go(_failed: Failed[object, Record]) -> Result[None, None]:
    return Success(None)
