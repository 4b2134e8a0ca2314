"""Endings: what is kept of a handled record until someone asks for its outcome.

A batch of 10,000 successes costs one reference a record this way: the handler's own `Success`, which may well be one
and the same for all. The outcome, with item identifier and record, is built when it is looked at.
"""

from __future__ import annotations

from typing import Any, TypeAlias, Union, cast

from returns.result import Failure, Result, Success
from typing_extensions import TypeAliasType, TypeIs, TypeVar

from batchfold.core.faults import Crashed, Malformed, Rejected
from batchfold.core.outcomes import Failed, Outcome, Settled, Succeeded, Unprocessed
from batchfold.core.record import Record
from batchfold.core.response import ItemId

V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)
D_any = TypeVar("D_any", bound=Record, default=Record)

Handled: TypeAlias = Union[Result[V, E], Malformed, Crashed]
"""What handling a record came to: the handler's own result, or why there is none."""

Ending = TypeAliasType("Ending", Union[Handled[V, E], Outcome[V, E, D_any], None], type_params=(V, E, D_any))
"""An outcome, or what it can be built from. `None`: the record was not started."""

SUCCEEDED = frozenset[type]((Success, Succeeded))
"""The types of the endings of records whose handler returned a `Success`."""

DONE = SUCCEEDED | {Settled}
"""The types of the endings of records that will not come back."""

_OUTCOMES = frozenset[type]((Succeeded, Settled, Failed, Unprocessed))


def has_succeeded(ending: Ending[Any, Any, Any]) -> bool:
    """Whether the handler returned a `Success`."""
    return type(ending) in SUCCEEDED


def is_outcome(ending: Ending[V, E, D]) -> TypeIs[Outcome[V, E, D]]:
    """Whether it is an outcome already."""
    return type(ending) in _OUTCOMES


def outcome_of(item_id: ItemId, record: D, ending: Ending[V, E, D]) -> Outcome[V, E, D]:
    """The outcome that an ending stands for."""
    kind = type(ending)  # compared one by one: `isinstance` with a class of returns' takes as long as all else here
    if kind is Success:
        return Succeeded(item_id, record, cast("Success[V]", ending).unwrap())
    if kind is Failure:
        return Failed(item_id, record, Rejected(cast("Failure[E]", ending).failure()))
    if ending is None:
        return Unprocessed(item_id, record)
    if isinstance(ending, Malformed | Crashed):
        return Failed(item_id, record, ending)
    return cast("Outcome[V, E, D]", ending)  # what is left, now that the two kinds of `Result` are gone
