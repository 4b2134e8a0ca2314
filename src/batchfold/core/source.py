"""The source: a value that says how to read one kind of event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, Self, TypeAlias

from typing_extensions import TypeVar

from batchfold.core.event import RawRecord
from batchfold.core.lanes import Lane
from batchfold.core.record import Record
from batchfold.core.response import ItemId, PartialResponse

R_co = TypeVar("R_co", covariant=True)
D_co = TypeVar("D_co", bound=Record, covariant=True, default=Record)

ReadEvent: TypeAlias = Callable[[object], tuple[Sequence[RawRecord], Sequence[ItemId]]]
"""From an event to its raw records and their item identifiers; raises `UnexpectedEventError` for anything else."""


class Source(Generic[R_co, D_co]):
    """How to read one kind of event. Made by `sqs()`, `kinesis()`, `dynamodb()` and `kafka()`.

    A source is nothing but functions, so two sources are equal only if they are one.

    `R` is the record that handlers take, its payload parsed; `D` is the record with its payload as delivered, which
    outcomes carry.
    """

    __slots__ = ("as_delivered", "hands_over_as_delivered", "lane_of", "parse", "read", "respond")

    read: ReadEvent
    """Find the raw records of an event, and what names each of them to Lambda."""
    parse: Callable[[RawRecord], R_co]
    """From a raw record to the record that handlers take. What it raises becomes the record's fault."""
    as_delivered: Callable[[RawRecord], D_co]
    """From a raw record to the record with its payload as delivered. It never raises."""
    lane_of: Callable[[Sequence[RawRecord]], Lane]
    """The lane that orders these raw records: the user's, or the one that the source is known by."""
    respond: Callable[[Sequence[Any]], PartialResponse]
    """From the item identifiers of all records that are not done to the partial response."""
    hands_over_as_delivered: bool
    """Whether handlers take the record as delivered, so that outcomes can carry the very same one."""

    def __init__(
        self,
        *,
        read: ReadEvent,
        parse: Callable[[RawRecord], R_co],
        as_delivered: Callable[[RawRecord], D_co],
        lane_of: Callable[[Sequence[RawRecord]], Lane],
        respond: Callable[[Sequence[Any]], PartialResponse],
        hands_over_as_delivered: bool = False,
    ) -> None:
        keep = object.__setattr__  # the way past the `__setattr__` below; as properties these would cost every call
        keep(self, "read", read)
        keep(self, "parse", parse)
        keep(self, "as_delivered", as_delivered)
        keep(self, "lane_of", lane_of)
        keep(self, "respond", respond)
        keep(self, "hands_over_as_delivered", hands_over_as_delivered)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a source cannot be changed, and so neither can its {name!r}")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self
