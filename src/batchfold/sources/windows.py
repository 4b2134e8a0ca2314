"""Tumbling windows: `windowed` makes a stream's source a fold over each window, and `step` makes its handler.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html describes windows, and
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html says the same of DynamoDB Streams. Lambda hands the
state of a shard's window from invocation to invocation: the event carries it, and the response must. A source is shared by
all invocations, so the state is kept in a source that is made for one event and takes it from each `Success`.

AWS does not say which state follows a partial failure, the one that was returned or the one from before. So by default any
record that is not done fails the invocation: then everything comes back with the state from before, whatever Lambda does.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypedDict, Union, overload

from typing_extensions import TypeForm, TypeVar

from batchfold.core.batch import BatchOf
from batchfold.core.chunks import refuse_chunks
from batchfold.core.handlers import AnyFuture, AnyResult, is_async_function, is_awaitable
from batchfold.core.lanes import whole_batch
from batchfold.core.records import Event, ItemFailure, ItemId, RawRecord, Record
from batchfold.core.source import AsyncSource, Source
from batchfold.sources.reading import checked_event
from batchfold.sources.window_state import StateForm, WindowState, is_last

if TYPE_CHECKING:
    from batchfold.sources.dynamodb import DynamoDBRecord
    from batchfold.sources.kinesis import KinesisRecord

    AnyStreamRecord: TypeAlias = Union[KinesisRecord[Any], DynamoDBRecord[Any, Any, Any]]
else:
    AnyStreamRecord = Record  # importing both would cost a cold start; one of them is there

C = TypeVar("C")
D = TypeVar("D", bound=AnyStreamRecord)
R = TypeVar("R")
S = TypeVar("S")
X = TypeVar("X")
R_co = TypeVar("R_co", covariant=True)
S_co = TypeVar("S_co", covariant=True)

_STATE_AND_RECORD = 2


class WindowResponse(TypedDict):
    """The answer of a Lambda function to the event of a tumbling window."""

    state: Mapping[str, Any]
    """The state of the window after the records that are done. Lambda hands it to the next invocation."""
    batchItemFailures: list[ItemFailure]


class InWindow(Record, Generic[S_co, R_co]):
    """A record in its turn: with the state that the records before it in its window have come to.

    Made by the source. In a test, `InWindow(state, record)` makes one; `window` is the event, or the part of it that
    says where the window begins and ends.
    """

    __slots__ = ("_record", "_state", "_window")

    _state: Any
    _record: Any
    _window: Event

    def __init__(self, state: S_co, record: R_co, window: Event | None = None) -> None:
        self._raw = getattr(record, "raw", {})
        self._state = state
        self._record = record
        self._window = {} if window is None else window

    @property
    def state(self) -> S_co:
        """The state before this record. Leave it as it is, and return the next one in a `Success`."""
        return self._state  # type: ignore[no-any-return]  # the constructor's argument

    @property
    def record(self) -> R_co:
        """The record, its payload parsed."""
        return self._record  # type: ignore[no-any-return]  # the constructor's argument

    @property
    def start(self) -> datetime:
        """The moment at which the window begins."""
        return datetime.fromisoformat(self._window["window"]["start"])

    @property
    def end(self) -> datetime:
        """The moment at which the window ends, and the next one begins."""
        return datetime.fromisoformat(self._window["window"]["end"])

    @property
    def shard_id(self) -> str:
        """The shard. Each has windows, and a state, of its own."""
        found: str = self._window["shardId"]
        return found

    @property
    def trace_context(self) -> Mapping[str, str]:
        """The trace context of the record."""
        return self._record.trace_context if isinstance(self._record, Record) else super().trace_context

    @property
    def span_attributes(self) -> Mapping[str, str | int | bool]:
        """The span attributes of the record."""
        return self._record.span_attributes if isinstance(self._record, Record) else super().span_attributes

    def _payload(self) -> Any:
        return (self._state, self._record)

    def _identity(self) -> str:
        return repr(self._record)


@overload
def step(function: Callable[[S, R], X], /) -> Callable[[InWindow[S, R]], X]: ...
@overload
def step(function: Callable[[S, R, C], X], /) -> Callable[[InWindow[S, R], C], X]: ...
def step(function: Callable[..., Any], /) -> Callable[..., Any]:
    """Make the handler of a window of a step: state and record in, the `Result` of the next state out, sync or async.

    A step is pure: it returns a new state and leaves the one that it is given as it is, so that a record which fails, or
    is handled once more, leaves no trace. A third required parameter gets the Lambda context, from `as_lambda_handler`.

    >>> from returns.result import Result, Success
    >>> def add(total: int, record: int) -> Result[int, str]:
    ...     return Success(total + record)
    >>> step(add)(InWindow(2, 3))
    <Success: 5>
    """
    refuse_chunks(function, "step")
    if _takes_context(function):
        if is_async_function(function):

            async def handle_async_in_context(turn: InWindow[Any, Any], context: Any) -> Any:
                returned = function(turn.state, turn.record, context)
                return await returned if is_awaitable(returned) else returned

            return _named(handle_async_in_context, function)

        def handle_in_context(turn: InWindow[Any, Any], context: Any) -> Any:
            return function(turn.state, turn.record, context)

        return _named(handle_in_context, function)
    if is_async_function(function):

        async def handle_async(turn: InWindow[Any, Any]) -> Any:
            returned = function(turn.state, turn.record)
            return await returned if is_awaitable(returned) else returned

        return _named(handle_async, function)

    def handle(turn: InWindow[Any, Any]) -> Any:
        return function(turn.state, turn.record)

    return _named(handle, function)


def _named(handle: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the handler the name of the step, but not its signature: a handler takes a turn."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        if hasattr(function, name):
            setattr(handle, name, getattr(function, name))
    handle.__annotations__ = {}  # names of this module, which nobody finds in the step's
    return handle


def _takes_context(function: Callable[..., Any]) -> bool:
    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):  # some callables written in C have no signature
        return False
    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in positional and p.default is Parameter.empty for p in parameters) > _STATE_AND_RECORD


@overload  # an untyped function is taken for one that does not have to be awaited
def windowed(
    source: Source[R, D],
    state: TypeForm[S],
    /,
    *,
    initial: S | None = None,
    finish: Callable[[S], AnyResult[object, object]] | None = None,
) -> Source[InWindow[S, R], D, BatchOf[S], WindowResponse]: ...
@overload
def windowed(
    source: Source[R, D],
    state: TypeForm[S],
    /,
    *,
    initial: S | None = None,
    finish: Callable[[S], AnyFuture[object, object]],
) -> AsyncSource[InWindow[S, R], D, BatchOf[S], WindowResponse]: ...
def windowed(
    source: AsyncSource[Any, Any, Any, Any],
    state: Any,
    /,
    *,
    initial: Any = None,
    finish: Callable[[Any], Any] | None = None,
) -> AsyncSource[Any, Any, Any, Any]:
    """Make a source of tumbling windows: a fold over the records of each window of a shard.

    Args:
        source: reads the records, `kinesis(...)` or `dynamodb(...)`, with the whole batch as one lane: a fold has an order.
        state: the type of the state, which is a JSON object: a model, a dataclass, a `TypedDict`, `dict[str, int]`.
            pydantic validates it as it comes in, and serialises it as it goes out.
        initial: the state in which a window begins. By default the one that an empty JSON object is: a model whose
            fields have defaults, an empty mapping.
        finish: called with the last state of a window, once all records of its final invocation are done (there may be
            none), or where Lambda ends the window early. If it raises, or returns a `Failure`, the invocation fails, and
            Lambda repeats it. If it is async, only async runs read the source.

    The handler takes a record with the state before it, `InWindow[State, Record]`, and returns the state after it:
    `step(add)` makes one of a function from state and record. A record that is settled leaves the state as it is.

    By default any record that is not done fails the invocation (`raise_on="any_failure"`): all records come back, with
    the state from before. `raise_on="entire_batch"` answers a partial failure with the state of the records that are done:
    right if Lambda hands that state on, which AWS does not say.

    >>> from batchfold import kinesis, process_batch
    >>> from returns.result import Result, Success
    >>> def count(counts, record):
    ...     return Success({**counts, record.partition_key: counts.get(record.partition_key, 0) + 1})
    >>> raw = {"eventSource": "aws:kinesis", "kinesis": {"sequenceNumber": "7", "partitionKey": "a", "data": ""}}
    >>> event = {"Records": [raw], "window": {}, "state": {"a": 1}}
    >>> process_batch(event, step(count), windowed(kinesis(), dict[str, int]))
    {'state': {'a': 2}, 'batchItemFailures': []}

    Raises:
        TypeError: the source is of another kind or has another lane, or no window can begin in the state.
    """
    if not isinstance(source, Source):
        raise TypeError(
            f"windowed takes a source whose records need not be awaited, such as kinesis(...), got {source!r}"
        )
    if source.for_event is not None:
        raise TypeError("windowed got a source that is made by windowed already")
    if source.lane_of(()) is not whole_batch:
        raise TypeError(
            f"windowed takes kinesis(...) or dynamodb(...) without lane=, got {source!r} with another lane than "
            "whole_batch: the state goes from record to record, in order"
        )
    try:
        source.read({"Records": ()})
    except Exception as error:
        raise TypeError(
            f"windowed takes a source that reads records listed under 'Records', such as kinesis(...), got {source!r}"
        ) from error
    form = StateForm(state, initial)
    is_async = finish is not None and is_async_function(finish)
    # what a window has in common with the source of one event of it
    made: Callable[..., AsyncSource[Any, Any, Any, Any]] = partial(
        AsyncSource if is_async else Source,
        name=source.name,
        as_delivered=source.as_delivered,
        lane_of=source.lane_of,
        raise_on="any_failure",
    )

    def opened(delivered: object) -> AsyncSource[Any, Any, Any, Any]:
        event = checked_event(delivered, source.name)
        window = WindowState(form, event, finish, is_async=is_async)

        def parse(raw: RawRecord) -> InWindow[Any, Any]:
            return InWindow(window.state, source.parse(raw), event)

        def respond(batch: Any) -> Any:
            return {"state": window.answer(batch), **source.respond(batch)}

        return made(read=read_plain, parse=parse, respond=respond, check_of=window.check_of, finish=window.finish)

    def read_plain(event: object) -> tuple[Sequence[RawRecord], Sequence[ItemId]]:
        return source.read(_without_window(checked_event(event, source.name)))

    def read(event: object) -> tuple[Sequence[RawRecord], Sequence[ItemId]]:
        return opened(event).read(event)

    return made(read=read, parse=_not_opened, respond=_not_opened, for_event=opened)


def _not_opened(_given: object) -> Any:
    raise TypeError(
        "a window's source reads records one event at a time: source.opened(event) is the source of one. Adapters go "
        "inside: windowed(adapter(kinesis(...)), State)"
    )


def _without_window(event: Event) -> Event:
    """Return the event as it would be without its window. The final one may have no records, nor a list of them."""
    plain = {key: value for key, value in event.items() if key not in ("window", "state")}
    if plain.get("Records") is None and is_last(event):
        plain["Records"] = ()
    return plain
