"""The options that all ways of running a batch share, written once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypedDict

from typing_extensions import TypeVar

from batchfold.core.coroutine import must_be_awaited
from batchfold.core.observe import Observe
from batchfold.core.record import Record
from batchfold.core.settle import AsyncSettle, Settle

V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record, default=Record)


class SharedOptions(TypedDict, Generic[V, E, D], total=False):
    """What means the same wherever it is given."""

    observe: Observe[V, E, D] | None
    """Called with every outcome as it is known. What it raises is logged and changes nothing."""
    reserve_ms: int | None
    """No record is started, except the first, unless more than this many milliseconds remain."""


class FoldOptions(SharedOptions[V, E, D], Generic[V, E, D], total=False):
    """Options of `fold_batch`, `process_batch` and, with a synchronous handler, `as_lambda_handler`."""

    settle: Settle[E, D] | None
    """The last word on each failed record: `dead_letter(...)`, `discard(...)`, or any function `Failed -> Result`."""


class AsyncFoldOptions(SharedOptions[V, E, D], Generic[V, E, D], total=False):
    """Options of `fold_batch_async`, `process_batch_async` and, with an async handler, `as_lambda_handler`."""

    settle: Settle[E, D] | AsyncSettle[E, D] | None
    """The last word on each failed record, as in `FoldOptions`. It may be async."""


_KNOWN = frozenset(("settle", "observe", "reserve_ms"))


def refuse_misused(options: Mapping[str, object]) -> None:
    """Raise `TypeError` for an option that no way of running a batch has, and for an observer that nobody would await."""
    for name in options:
        if name not in _KNOWN:
            raise TypeError(f"unexpected option {name}=, expected one of {', '.join(sorted(_KNOWN))}")
    observe = options.get("observe")
    if observe is not None and must_be_awaited(observe):
        raise TypeError(
            "observe= got an async function, expected one that returns at once: nobody awaits what an observer returns"
        )


def refuse_async_settle(settle: object) -> None:
    """Raise `TypeError` for an async `settle` in a synchronous run, before a record is handled that it could not settle."""
    if settle is not None and must_be_awaited(settle):
        raise TypeError(
            "settle= got an async function, and the handler is synchronous: expected a function that returns a Result at "
            "once; async ones go to process_batch_async, or to as_lambda_handler with an async handler"
        )
