"""The source: a value that says how to read one kind of event, and how to answer it.

`sqs()`, `kinesis()` and the others make sources; a source of a user's own is made by `Source(...)`, or from another one
by `replace`. Nothing in batchfold lists the sources that there are: every part that depends on the kind of event is a
field of the source.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Self, TypeAlias, TypedDict

from typing_extensions import TypeVar, Unpack

from batchfold.core.batch import AnyBatch
from batchfold.core.lanes import Lane
from batchfold.core.records import ItemId, PartialResponse, RawRecord, Record
from batchfold.core.response import RaiseOn

R_co = TypeVar("R_co", covariant=True)
D_co = TypeVar("D_co", bound=Record, covariant=True, default=Record)
B_contra = TypeVar("B_contra", bound=AnyBatch, contravariant=True, default=AnyBatch)
A_co = TypeVar("A_co", covariant=True, default=PartialResponse)

ReadEvent: TypeAlias = Callable[[object], tuple[Sequence[RawRecord], Sequence[ItemId]]]
"""From an event to its raw records and their item identifiers; raises `UnexpectedEventError` for anything else."""

CheckValue: TypeAlias = Callable[[RawRecord, Any], Exception | None]
"""From a raw record and the value in its handler's `Success` to the reason why the response cannot carry the value."""

ForEvent: TypeAlias = Callable[[object], Any]
"""From an event to the source, of the same class, that reads this one event; raises `UnexpectedEventError` as `read` does."""

Finish: TypeAlias = Callable[[Any], Any]
"""From the finished batch to a `Result`, or an awaitable of one."""


class SourceParts(TypedDict, total=False):
    """The parts that `replace` takes, each as in `Source`."""

    name: str
    read: ReadEvent
    parse: Callable[[RawRecord], Any]
    as_delivered: Callable[[RawRecord], Any]
    lane_of: Callable[[Sequence[RawRecord]], Lane]
    respond: Callable[[Any], Any]
    raise_on: RaiseOn
    check_of: Callable[[Sequence[RawRecord]], CheckValue] | None
    not_done: tuple[str, str]
    for_event: ForEvent | None
    finish: Finish | None


class AsyncSource(Generic[R_co, D_co, B_contra, A_co]):
    """A source whose records may have to be awaited; only async runs read it. Every `Source` is one too.

    `R` is the record that handlers take, its payload parsed; `D` is the record with its payload as delivered, which
    outcomes carry. `B` is the batch that can be answered: any, or one whose handlers succeed with values of some type,
    `BatchOf[V]`. `A` is the answer.

    A source is made of functions, so two sources are equal only if they are the same object. It is immutable.
    """

    __slots__ = (
        "as_delivered",
        "check_of",
        "finish",
        "for_event",
        "lane_of",
        "name",
        "not_done",
        "parse",
        "raise_on",
        "read",
        "respond",
    )

    name: str
    """The name of the service, for messages: `SQS`."""
    read: ReadEvent
    """Finds the raw records of an event and the item identifier of each. It raises `UnexpectedEventError` for an event
    that it cannot read. It may return more raw records than the event lists (de-aggregation); identifiers may repeat."""
    parse: Callable[[RawRecord], R_co | Awaitable[R_co]]
    """From a raw record to the record that handlers take. A `ValueError` from it is `Malformed`, anything else
    `Crashed`."""
    as_delivered: Callable[[RawRecord], D_co]
    """From a raw record to the record with its payload as delivered. It must not raise."""
    lane_of: Callable[[Sequence[RawRecord]], Lane]
    """The lane function that orders these raw records. Called with none, it returns the lane of an unknown batch."""
    respond: Callable[[B_contra], A_co]
    """From the finished batch to the answer of the Lambda function. It may be called several times."""
    raise_on: RaiseOn
    """When an invocation fails instead of answering, where the caller does not say."""
    check_of: Callable[[Sequence[RawRecord]], CheckValue] | None
    """Makes the check of the handler's values for these raw records, for a response that carries the values. The check is
    called once for each `Success`, before the next record of its lane is started and from any thread, and must not raise.
    An exception that it returns makes the record `Crashed`."""
    not_done: tuple[str, str]
    """The words for the fate of a record that is not done, and of several, for messages."""
    for_event: ForEvent | None
    """Makes the source that reads one event, for a source that keeps something while that event is handled: the state of a
    window. A run then uses that source instead of this one, which stays as it is and is shared by all invocations."""
    finish: Finish | None
    """Called once with the finished batch, before it is answered. A `Failure`, and what it raises, fails the invocation; a
    text in its `Success` is logged as a warning. Only in async runs it may return an awaitable."""

    def __init__(
        self,
        *,
        read: ReadEvent,
        parse: Callable[[RawRecord], R_co | Awaitable[R_co]],
        as_delivered: Callable[[RawRecord], D_co],
        lane_of: Callable[[Sequence[RawRecord]], Lane],
        respond: Callable[[B_contra], A_co],
        name: str = "an unnamed source",
        raise_on: RaiseOn = "entire_batch",
        check_of: Callable[[Sequence[RawRecord]], CheckValue] | None = None,
        not_done: tuple[str, str] = ("comes back", "come back"),
        for_event: ForEvent | None = None,
        finish: Finish | None = None,
    ) -> None:
        keep = object.__setattr__  # the way past the `__setattr__` below; as properties these would cost every call
        keep(self, "name", name)
        keep(self, "read", read)
        keep(self, "parse", parse)
        keep(self, "as_delivered", as_delivered)
        keep(self, "lane_of", lane_of)
        keep(self, "respond", respond)
        keep(self, "raise_on", raise_on)
        keep(self, "check_of", check_of)
        keep(self, "not_done", not_done)
        keep(self, "for_event", for_event)
        keep(self, "finish", finish)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a source is immutable, so its {name!r} cannot be set: source.replace({name}=...)")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.name}>"

    def opened(self, event: object) -> "AsyncSource[R_co, D_co, B_contra, A_co]":
        """Return the source that reads this event: itself, unless it keeps something while an event is handled."""
        if self.for_event is None:
            return self
        opened: AsyncSource[R_co, D_co, B_contra, A_co] = self.for_event(event)
        return opened

    def replace(self, **parts: Unpack[SourceParts]) -> Self:
        """Return another source with some parts replaced; the types stay. To change the types, make a `Source`.

        >>> from batchfold import each_record, kinesis
        >>> kinesis().replace(lane_of=lambda raws: each_record)
        <Source of Kinesis Data Streams>
        """
        replaced: dict[str, Any] = {**_parts_of(self), **parts}
        if self.for_event is not None and "for_event" not in parts:
            replaced["for_event"] = _replacing(self.for_event, parts)
        return type(self)(**replaced)


class Source(AsyncSource[R_co, D_co, B_contra, A_co]):
    """How to read one kind of event, and how to answer it. Made by `sqs()`, `kinesis()`, `dynamodb()`, `kafka()`, ...

    A source of your own needs five functions; each field says what it must do:

    >>> def read(event):
    ...     return event["lines"], [line["id"] for line in event["lines"]]
    >>> source = Source(
    ...     name="lines",
    ...     read=read,
    ...     parse=lambda raw: raw["text"],
    ...     as_delivered=lambda raw: Record(),
    ...     lane_of=lambda raws: lambda raw: None,
    ...     respond=lambda batch: {"again": list(batch.ids_not_done)},
    ... )
    >>> source
    <Source of lines>
    """

    __slots__ = ()

    parse: Callable[[RawRecord], R_co]
    """From a raw record to the record that handlers take. A `ValueError` from it is `Malformed`, anything else
    `Crashed`."""

    def __init__(
        self,
        *,
        read: ReadEvent,
        parse: Callable[[RawRecord], R_co],
        as_delivered: Callable[[RawRecord], D_co],
        lane_of: Callable[[Sequence[RawRecord]], Lane],
        respond: Callable[[B_contra], A_co],
        name: str = "an unnamed source",
        raise_on: RaiseOn = "entire_batch",
        check_of: Callable[[Sequence[RawRecord]], CheckValue] | None = None,
        not_done: tuple[str, str] = ("comes back", "come back"),
        for_event: ForEvent | None = None,
        finish: Finish | None = None,
    ) -> None:
        super().__init__(
            read=read,
            parse=parse,
            as_delivered=as_delivered,
            lane_of=lane_of,
            respond=respond,
            name=name,
            raise_on=raise_on,
            check_of=check_of,
            not_done=not_done,
            for_event=for_event,
            finish=finish,
        )


def _replacing(for_event: ForEvent, parts: SourceParts) -> ForEvent:
    """Return what makes the source that reads one event, and replaces these parts of it too."""

    def opened(event: object) -> AsyncSource[Any, Any, Any, Any]:
        source: AsyncSource[Any, Any, Any, Any] = for_event(event)
        replaced: dict[str, Any] = {**_parts_of(source), **parts}
        return type(source)(**replaced)

    return opened


def _parts_of(source: AsyncSource[Any, Any, Any, Any]) -> dict[str, Any]:
    return {name: getattr(source, name) for name in AsyncSource.__slots__}
