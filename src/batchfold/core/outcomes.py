"""Outcomes: what became of one record. There are exactly four."""

from __future__ import annotations

from typing import Any, Generic, Union

from typing_extensions import TypeAliasType, TypeVar

from batchfold.core.event import RawRecord
from batchfold.core.faults import Fault
from batchfold.core.record import Record
from batchfold.core.response import ItemId
from batchfold.core.value import Value

V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record, default=Record)
V_co = TypeVar("V_co", covariant=True)
E_co = TypeVar("E_co", covariant=True)
D_co = TypeVar("D_co", bound=Record, covariant=True, default=Record)


class _Outcome(Value, Generic[D_co]):
    """What every outcome has."""

    __slots__ = ("_item_id", "_record")

    _item_id: ItemId
    _record: D_co

    @property
    def item_id(self) -> ItemId:
        """What names the record to Lambda."""
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
        """What the handler's `Success` holds."""
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
        """Why it could not be settled either: what `settle` raised or returned in its `Failure`. Usually `None`."""
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
    Union[Succeeded[V, D], Settled[E, D], Failed[E, D], Unprocessed[D]],
    type_params=(V, E, D),
)
"""What became of one record. `match` on it is exhaustive in both checkers."""
