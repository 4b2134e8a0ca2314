"""Outcomes: what became of one record. There are exactly four.

An outcome is built when someone asks for it. Until then its ending is kept: of a batch of 10,000 successes, one
reference a record, to the handler's own `Success`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeAlias, Union, cast

from returns.result import Failure, Result, Success
from typing_extensions import TypeAliasType, TypeVar

from batchfold.core.faults import Crashed, Fault, Malformed, Rejected, Value
from batchfold.core.records import ItemId, RawRecord, Record

V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)
D_any = TypeVar("D_any", bound=Record, default=Record)
V_co = TypeVar("V_co", covariant=True)
E_co = TypeVar("E_co", covariant=True)
D_co = TypeVar("D_co", bound=Record, covariant=True, default=Record)


class _Outcome(Value, Generic[D_co]):
    """The common base of the four outcomes."""

    __slots__ = ("_item_id", "_record")

    _item_id: ItemId
    _record: D_co

    @property
    def item_id(self) -> ItemId:
        """The name of the record to Lambda."""
        return self._item_id

    @property
    def record(self) -> D_co:
        """The record with its payload as delivered, there even when the payload would not parse."""
        return self._record

    @property
    def raw(self) -> RawRecord:
        """The raw record."""
        return self._record.raw

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._item_id!r})"


class Succeeded(_Outcome[D_co], Generic[V_co, D_co]):
    """The handler returned a `Success`. The record is done."""

    __slots__ = ("_value",)

    def __init__(self, item_id: ItemId, record: D_co, value: V_co) -> None:
        self._item_id = item_id
        self._record = record
        self._value = value

    @property
    def value(self) -> V_co:
        """The value in the handler's `Success`."""
        return self._value

    def _content(self) -> tuple[Any, ...]:
        return (self._item_id, self._record, self._value)


class Settled(_Outcome[D_co], Generic[E_co, D_co]):
    """The record failed, and `settle` had the last word on it. It is done: it will not come back."""

    __slots__ = ("_fault",)

    def __init__(self, item_id: ItemId, record: D_co, fault: Fault[E_co]) -> None:
        self._item_id = item_id
        self._record = record
        self._fault = fault

    @property
    def fault(self) -> Fault[E_co]:
        """Why the record failed before it was settled."""
        return self._fault

    def _content(self) -> tuple[Any, ...]:
        return (self._item_id, self._record, self._fault)

    def __repr__(self) -> str:
        return f"Settled({self._item_id!r}, {self._fault!r})"


class Failed(_Outcome[D_co], Generic[E_co, D_co]):
    """The record failed. It must come back."""

    __slots__ = ("_fault", "_settle_error")

    def __init__(self, item_id: ItemId, record: D_co, fault: Fault[E_co], settle_error: object = None) -> None:
        self._item_id = item_id
        self._record = record
        self._fault = fault
        self._settle_error = settle_error

    @property
    def fault(self) -> Fault[E_co]:
        """Why the record failed."""
        return self._fault

    @property
    def settle_error(self) -> object:
        """Why it could not be settled: what `settle` raised or returned in its `Failure`. `None` where it did neither."""
        return self._settle_error

    def _content(self) -> tuple[Any, ...]:
        return (self._item_id, self._record, self._fault, self._settle_error)

    def __repr__(self) -> str:
        return f"Failed({self._item_id!r}, {self._fault!r})"


class Unprocessed(_Outcome[D_co]):
    """The record was not started: its lane had stopped, or time ran out. It must come back."""

    __slots__ = ()

    def __init__(self, item_id: ItemId, record: D_co) -> None:
        self._item_id = item_id
        self._record = record

    def _content(self) -> tuple[Any, ...]:
        return (self._item_id, self._record)


Outcome = TypeAliasType(
    "Outcome",
    Union[Succeeded[V, D_any], Settled[E, D_any], Failed[E, D_any], Unprocessed[D_any]],
    type_params=(V, E, D_any),
)
"""The outcome of one record. `match` on it is exhaustive in both checkers."""

Observe: TypeAlias = Callable[[Outcome[V, E, D_any]], object]
"""A function that is called once with every outcome, as soon as it is known."""

StopWhen: TypeAlias = Callable[[Failed[E, D_any]], bool]
"""A predicate on `Failed`, after which no further record is started."""

Handled: TypeAlias = Union[Result[V, E], Malformed, Crashed]
"""The handler's own result, or why there is none."""

Ending = TypeAliasType("Ending", Union[Handled[V, E], Outcome[V, E, D_any], None], type_params=(V, E, D_any))
"""An outcome, or what it can be built from. `None`: the record was not started."""

SUCCEEDED = frozenset[type]((Success, Succeeded))
"""The types of the endings of records whose handler returned a `Success`."""

DONE = SUCCEEDED | {Settled}
"""The types of the endings of records that will not come back."""


def has_succeeded(ending: Ending[Any, Any, Any]) -> bool:
    """Return whether the handler returned a `Success`."""
    return type(ending) in SUCCEEDED


def outcome_of(item_id: ItemId, record: D, ending: Ending[V, E, D]) -> Outcome[V, E, D]:
    """Return the outcome that an ending stands for."""
    kind = type(ending)  # compared one by one: `isinstance` with a class of returns' takes as long as all else here
    if kind is Success or kind is Failure:
        result: Any = ending  # the line above says what it is, but not to the checkers
        inner = result._inner_value  # noqa: SLF001  # named in its `__match_args__`; a call of `unwrap` takes as long
        return Succeeded(item_id, record, inner) if kind is Success else Failed(item_id, record, Rejected(inner))
    if ending is None:
        return Unprocessed(item_id, record)
    if isinstance(ending, Malformed | Crashed):
        return Failed(item_id, record, ending)
    return cast("Outcome[V, E, D]", ending)  # what is left, now that the two kinds of `Result` are gone
