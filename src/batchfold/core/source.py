"""The source: a value that says how to read one kind of event."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeAlias

from typing_extensions import TypeVar

from batchfold.core.event import RawRecord
from batchfold.core.lanes import Lane
from batchfold.core.record import Record
from batchfold.core.response import ItemId, PartialResponse

R_co = TypeVar("R_co", covariant=True)
D_co = TypeVar("D_co", bound=Record, covariant=True, default=Any)

ReadEvent: TypeAlias = Callable[[object], tuple[Sequence[RawRecord], Sequence[ItemId]]]
"""From an event to its raw records and their item identifiers; raises `UnexpectedEventError` for anything else."""


class Source(Generic[R_co, D_co]):
    """How to read one kind of event. Made by `sqs()`, `kinesis()`, `dynamodb()` and `kafka()`.

    A source is nothing but functions, so two sources are equal only if they are one.

    `R` is the record that handlers take, its payload parsed; `D` is the record with its payload as delivered, which
    outcomes carry.
    """

    __slots__ = ("_as_delivered", "_lane_of", "_parse", "_read", "_respond")

    def __init__(
        self,
        *,
        read: ReadEvent,
        parse: Callable[[RawRecord], R_co],
        as_delivered: Callable[[RawRecord], D_co],
        lane_of: Callable[[Sequence[RawRecord]], Lane],
        respond: Callable[[Sequence[Any]], PartialResponse],
    ) -> None:
        self._read = read
        self._parse = parse
        self._as_delivered = as_delivered
        self._lane_of = lane_of
        self._respond = respond

    @property
    def read(self) -> ReadEvent:
        """Find the raw records of an event, and what names each of them to Lambda."""
        return self._read

    @property
    def parse(self) -> Callable[[RawRecord], R_co]:
        """From a raw record to the record that handlers take. What it raises becomes the record's fault."""
        return self._parse

    @property
    def as_delivered(self) -> Callable[[RawRecord], D_co]:
        """From a raw record to the record with its payload as delivered. It never raises."""
        return self._as_delivered

    @property
    def lane_of(self) -> Callable[[Sequence[RawRecord]], Lane]:
        """The lane that orders these raw records: the user's, or the one that the source is known by."""
        return self._lane_of

    @property
    def respond(self) -> Callable[[Sequence[Any]], PartialResponse]:
        """From the item identifiers of all records that are not done to the partial response."""
        return self._respond
