"""`as_lambda_handler`: the function that Lambda calls, made of a handler of records."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, ismethod, signature
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, Union, cast, overload, runtime_checkable

from typing_extensions import Unpack

from batchfold.core.batch import Batch
from batchfold.core.chunks import InChunks
from batchfold.core.coroutine import is_async_function, is_coroutine_function
from batchfold.core.event import Event
from batchfold.core.handler import AnyFuture, AnyResult
from batchfold.core.progress import Progress
from batchfold.core.record import Record
from batchfold.core.response import PartialResponse
from batchfold.core.source import Source
from batchfold.shell.begin import begin, refuse_no_source
from batchfold.shell.learn import fold_and_learn
from batchfold.shell.mixed import RESULTS, OnLoop, awaitable_from
from batchfold.shell.options import AsyncFoldOptions, FoldOptions, refuse_async_settle, refuse_misused
from batchfold.shell.process import fold_batch
from batchfold.shell.process_async import fold_batch_async, refuse_no_concurrency
from batchfold.shell.reserve import refuse_negative
from batchfold.shell.respond import RaiseOn, refuse_unknown_raise_on, respond

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
C = TypeVar("C")
C_contra = TypeVar("C_contra", contravariant=True)
D = TypeVar("D", bound=Record)

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from returns.context import RequiresContextFutureResult, RequiresContextIOResult, RequiresContextResult

    NeedsContext: TypeAlias = Union[RequiresContextResult[V, E, C], RequiresContextIOResult[V, E, C]]
    NeedsContextAsync: TypeAlias = RequiresContextFutureResult[V, E, C]
else:
    # these cost a cold start 20 ms, and only the checkers read them
    Executor = Any
    NeedsContext = dict[V, dict[E, C]]
    NeedsContextAsync = dict[V, dict[E, C]]


@runtime_checkable
class LambdaFunction(Protocol[C_contra]):
    """What Lambda calls."""

    def __call__(self, event: Event, context: C_contra, /) -> PartialResponse:
        """Handle the event."""
        ...


@overload
def as_lambda_handler(
    handler: Callable[[R], AnyResult[V, E]],
    source: Source[R, D],
    *,
    executor: Executor | None = None,
    raise_on: RaiseOn = "entire_batch",
    **options: Unpack[FoldOptions[V, E, D]],
) -> LambdaFunction[object]: ...
@overload
def as_lambda_handler(
    handler: Callable[[R], AnyFuture[V, E]],
    source: Source[R, D],
    *,
    max_concurrency: int = 10,
    cancel_at_reserve: bool = False,
    raise_on: RaiseOn = "entire_batch",
    **options: Unpack[AsyncFoldOptions[V, E, D]],
) -> LambdaFunction[object]: ...
@overload
def as_lambda_handler(
    handler: Callable[[R], NeedsContext[V, E, C]] | Callable[[R, C], AnyResult[V, E]],
    source: Source[R, D],
    *,
    executor: Executor | None = None,
    raise_on: RaiseOn = "entire_batch",
    **options: Unpack[FoldOptions[V, E, D]],
) -> LambdaFunction[C]: ...
@overload
def as_lambda_handler(
    handler: Callable[[R], NeedsContextAsync[V, E, C]] | Callable[[R, C], AnyFuture[V, E]],
    source: Source[R, D],
    *,
    max_concurrency: int = 10,
    cancel_at_reserve: bool = False,
    raise_on: RaiseOn = "entire_batch",
    **options: Unpack[AsyncFoldOptions[V, E, D]],
) -> LambdaFunction[C]: ...
def as_lambda_handler(
    handler: Callable[..., Any],
    source: Source[Any, Any],
    *,
    executor: Executor | None = None,
    max_concurrency: int | None = None,
    cancel_at_reserve: bool = False,
    raise_on: RaiseOn = "entire_batch",
    **options: Any,
) -> LambdaFunction[Any]:
    """Make the function that Lambda calls. The handler itself stays as it is, to be imported and tested.

    The handler may be synchronous or async; where only calls can tell, they do. It gets the Lambda context if it takes a
    second required parameter, or if it returns one of returns' `RequiresContext...Result` containers.

    An async handler runs on an event loop that this thread keeps across warm invocations, so that clients bound to it
    survive; `max_concurrency` and `cancel_at_reserve` are those of `process_batch_async`. (What such a handler returns at
    once is taken for what it is: if it was synchronous after all, its records are handled one by one.) A synchronous one
    may run in the threads of an `executor`, as in `process_batch`. The other options are theirs too.

    >>> from batchfold import as_lambda_handler, sqs
    >>> from returns.result import Success
    >>> lambda_handler = as_lambda_handler(lambda record: Success(len(record.body)), sqs())
    >>> event = {"Records": [{"messageId": "m1", "eventSource": "aws:sqs", "body": "hello"}]}
    >>> lambda_handler(event, None)
    {'batchItemFailures': []}

    Raises `TypeError` and `ValueError` at once for options that make no sense. What the function raises is what
    `process_batch` does.
    """
    refuse_no_source(source)
    refuse_misused(options)
    refuse_unknown_raise_on(raise_on)
    settle = options.get("settle")
    is_async = _is_async(handler, settle, executor, max_concurrency, cancel_at_reserve=cancel_at_reserve)
    in_flight = _MAX_CONCURRENCY if max_concurrency is None else max_concurrency
    refuse_no_concurrency(in_flight)
    refuse_negative(options.get("reserve_ms"))
    reads_time = options.get("reserve_ms") is not None
    if cancel_at_reserve and not reads_time:
        raise TypeError("cancel_at_reserve=True was given without reserve_ms=, which says when that is")
    if executor is not None:
        from batchfold.shell.threads import checked_executor  # noqa: PLC0415  # threads cost a cold start 8 ms

        checked_executor(executor)
    learns = is_async is None
    record_handler_for = _context_passer(handler)
    shared = cast("FoldOptions[Any, Any]", options)  # as each overload has it
    options_on_loop: dict[str, Any] = options
    if settle is not None:
        options_on_loop = {**options, "settle": OnLoop().results_of(settle)}

    def lambda_function(event: Any, context: Any, /) -> PartialResponse:  # no mapping: UnexpectedEventError
        nonlocal is_async
        record_handler = record_handler_for(context)
        batch: Batch[Any, Any]
        clock = context if reads_time else None
        if is_async:
            from batchfold.shell.loop import run_on_loop  # noqa: PLC0415  # asyncio costs a cold start 30 ms

            batch = run_on_loop(
                fold_batch_async(
                    event,
                    record_handler if is_coroutine_function(handler) else awaitable_from(record_handler),
                    source,
                    context=clock,
                    max_concurrency=in_flight,
                    cancel_at_reserve=cancel_at_reserve,
                    **options,
                )
            )
        elif is_async is None:
            progress: Progress[Any, Any, Any, Any] = begin(event, source, clock, shared)
            batch, is_async = fold_and_learn(progress, record_handler, settle, in_flight)
        elif learns:
            on_loop = OnLoop()
            record_handler = on_loop.results_of(record_handler)
            batch = fold_batch(event, record_handler, source, context=clock, **options_on_loop)
            is_async = on_loop.has_awaited
        else:
            batch = fold_batch(event, record_handler, source, context=clock, executor=executor, **options)
        return respond(batch, raise_on)

    return lambda_function


_MAX_CONCURRENCY = 10


def _is_async(
    handler: Callable[..., Any],
    settle: object,
    executor: Executor | None,
    max_concurrency: int | None,
    *,
    cancel_at_reserve: bool,
) -> bool | None:
    """Whether the handler is async; `None` if only calls can tell, as of a lambda around an async function.

    Raises `TypeError` for options that are for another kind of handler.
    """
    is_for_async = max_concurrency is not None or cancel_at_reserve
    is_async = is_async_function(handler)
    if not isinstance(handler, InChunks) and executor is None:
        return is_for_async or is_async or is_async_function(settle) or None
    if is_for_async:
        raise TypeError("max_concurrency= and cancel_at_reserve= are for async handlers, executor= is for others")
    if is_async:
        raise TypeError("executor= runs synchronous handlers in threads; the handler is async, give max_concurrency=")
    refuse_async_settle(settle)
    return False


def _context_passer(handler: Callable[..., Any]) -> Callable[[Any], Callable[[Any], Any]]:
    """From the Lambda context to a handler that takes the record alone."""
    if _takes_context(handler):
        return lambda context: lambda record: handler(record, context)
    if type(handler) is InChunks or is_coroutine_function(handler):  # what they return is no container of returns'
        return lambda _context: handler

    def for_context(context: Any) -> Callable[[Any], Any]:
        def handle(record: Any) -> Any:
            returned: Any = handler(record)
            return returned if type(returned) in RESULTS or not _needs_context(returned) else returned(context)

        return handle

    return for_context


def _needs_context(returned: object) -> bool:
    return type(returned).__module__.startswith("returns.context")


def _takes_context(handler: Callable[..., Any]) -> bool:
    try:
        parameters = _parameters(handler)
    except (TypeError, ValueError):  # some callables written in C have no signature
        return False
    positional = [p for p in parameters if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)]
    required = [p.name for p in positional if p.default is Parameter.empty]
    by_name = [p.name for p in parameters if p.kind is Parameter.KEYWORD_ONLY and p.default is Parameter.empty]
    if by_name or len(required) > _RECORD_AND_CONTEXT or not (positional or _takes_any(parameters)):
        also = f" and {', '.join(by_name)} by name" if by_name else ""
        raise TypeError(
            "a handler takes the record and, if it needs it, the Lambda context as a second required parameter, both by "
            f"position, got one that requires {len(required)} ({', '.join(required)}){also}"
        )
    return len(required) == _RECORD_AND_CONTEXT


def _parameters(handler: Callable[..., Any]) -> list[Parameter]:
    """The parameters with which it can be called.

    A decorator's `wraps` lets it look like the function inside, but one that brings along an argument of its own takes
    fewer. Only for one that takes anything (`*args`), what counts is what it passes that on to.
    """
    if ismethod(handler):
        parameters = _parameters(handler.__func__)
        return parameters if _takes_any(parameters[:1]) else parameters[1:]
    parameters = list(signature(handler, follow_wrapped=False).parameters.values())
    if not _takes_any(parameters):
        return parameters
    wrapped: Callable[..., Any] | None = getattr(handler, "__wrapped__", None)
    return list(signature(handler).parameters.values()) if wrapped is None else _parameters(wrapped)


def _takes_any(parameters: list[Parameter]) -> bool:
    return any(p.kind is Parameter.VAR_POSITIONAL for p in parameters)


_RECORD_AND_CONTEXT = 2
