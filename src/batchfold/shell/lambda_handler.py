"""`as_lambda_handler`: the function that Lambda calls, made of a handler of records."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import Parameter, ismethod, signature
from typing import (
    TYPE_CHECKING,
    Any,
    NamedTuple,
    Never,
    Protocol,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_type_hints,
    overload,
    runtime_checkable,
)

from typing_extensions import TypeVar as TypeVarWithDefault
from typing_extensions import Unpack, get_protocol_members, is_protocol

from batchfold.core.batch import Batch, BatchOf
from batchfold.core.chunks import refuse_one_lane, takes_async_chunks, takes_chunks, takes_sync_chunks
from batchfold.core.faults import crashed
from batchfold.core.handlers import (
    AnyFuture,
    AnyResult,
    close_unawaited,
    is_async_function,
    is_awaitable,
    is_coroutine_function,
    must_be_awaited,
)
from batchfold.core.records import AnyEvent, PartialResponse, Record
from batchfold.core.response import RaiseOn
from batchfold.core.source import AsyncSource, Source
from batchfold.shell.options import (
    AsyncFunctionOptions,
    Executor,
    FoldOptions,
    FunctionOptions,
    LambdaContext,
    refuse_async_settle,
    refuse_misused,
    refuse_no_concurrency,
    refuse_no_source,
)
from batchfold.shell.process import fold_batch_async, run_checked
from batchfold.shell.respond_or_raise import refuse_unknown_raise_on, respond

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
A = TypeVar("A")
C = TypeVar("C")
L = TypeVar("L", bound=LambdaContext)
C_contra = TypeVar("C_contra", contravariant=True)
A_co = TypeVarWithDefault("A_co", covariant=True, default=PartialResponse)
D = TypeVar("D", bound=Record)

if TYPE_CHECKING:
    from returns.context import RequiresContextFutureResult, RequiresContextIOResult, RequiresContextResult

    NeedsContext: TypeAlias = Union[RequiresContextResult[V, E, C], RequiresContextIOResult[V, E, C]]
    NeedsContextAsync: TypeAlias = RequiresContextFutureResult[V, E, C]
else:
    # these cost a cold start 20 ms, and only the checkers read them
    NeedsContext = dict[V, dict[E, C]]
    NeedsContextAsync = dict[V, dict[E, C]]


@runtime_checkable
class LambdaFunction(Protocol[C_contra, A_co]):
    """The function that Lambda calls."""

    def __call__(self, event: AnyEvent, context: C_contra, /) -> A_co:
        """Handle the event."""
        ...


class ASourceIsMissing:
    """Shown by mypy where `as_lambda_handler` is called without a source; there is no object of it.

    Otherwise mypy lists all overloads, and does not say what is missing.
    """

    def __init__(self) -> Never:
        raise TypeError("this class is for the type checkers")


@overload
def as_lambda_handler(
    handler: Callable[[R], AnyResult[V, E]],
    source: Source[R, D, BatchOf[V], A],
    **options: Unpack[FunctionOptions[V, E, D, A]],
) -> LambdaFunction[object, A]: ...
@overload
def as_lambda_handler(
    handler: Callable[[R], AnyFuture[V, E]],
    source: AsyncSource[R, D, BatchOf[V], A],
    **options: Unpack[AsyncFunctionOptions[V, E, D, A]],
) -> LambdaFunction[object, A]: ...
@overload
def as_lambda_handler(
    handler: Callable[[R, LambdaContext], AnyResult[V, E]],
    source: Source[R, D, BatchOf[V], A],
    **options: Unpack[FunctionOptions[V, E, D, A]],
) -> LambdaFunction[LambdaContext, A]: ...
@overload
def as_lambda_handler(
    handler: Callable[[R, LambdaContext], AnyFuture[V, E]],
    source: AsyncSource[R, D, BatchOf[V], A],
    **options: Unpack[AsyncFunctionOptions[V, E, D, A]],
) -> LambdaFunction[LambdaContext, A]: ...
@overload
def as_lambda_handler(
    handler: Callable[[R, L], AnyResult[V, E]],
    source: Source[R, D, BatchOf[V], A],
    **options: Unpack[FunctionOptions[V, E, D, A]],
) -> LambdaFunction[L, A]: ...
@overload
def as_lambda_handler(
    handler: Callable[[R, L], AnyFuture[V, E]],
    source: AsyncSource[R, D, BatchOf[V], A],
    **options: Unpack[AsyncFunctionOptions[V, E, D, A]],
) -> LambdaFunction[L, A]: ...
@overload
def as_lambda_handler(
    handler: Callable[[R], NeedsContext[V, E, C]],
    source: Source[R, D, BatchOf[V], A],
    **options: Unpack[FunctionOptions[V, E, D, A]],
) -> LambdaFunction[C, A]: ...
@overload
def as_lambda_handler(
    handler: Callable[[R], NeedsContextAsync[V, E, C]],
    source: AsyncSource[R, D, BatchOf[V], A],
    **options: Unpack[AsyncFunctionOptions[V, E, D, A]],
) -> LambdaFunction[C, A]: ...
@overload
def as_lambda_handler(
    handler: Callable[..., ASourceIsMissing],
    /,
    *,
    executor: Any = None,
    max_concurrency: Any = None,
    cancel_at_reserve: Any = False,
    raise_on: Any = None,
    then: Any = None,
    settle: Any = None,
    observe: Any = None,
    stop_when: Any = None,
    reserve_ms: Any = None,
) -> LambdaFunction[Never, Never]: ...
def as_lambda_handler(
    handler: Callable[..., Any],
    source: Any = None,
    *,
    executor: Executor | None = None,
    max_concurrency: int | None = None,
    cancel_at_reserve: bool = False,
    raise_on: RaiseOn | None = None,
    then: Callable[[Any], object] | None = None,
    **options: Any,
) -> LambdaFunction[Any, Any]:
    """Make the function that Lambda calls. The handler itself stays as it is, to be imported and tested.

    The handler is async if it is a coroutine function or made by `@future_safe`, if its annotation says that it returns an
    awaitable, or if `max_concurrency=` is given. It then runs on an event loop that this thread keeps across warm
    invocations, so that clients bound to it survive; `max_concurrency` (10 by default) and `cancel_at_reserve` are those
    of `process_batch_async`. A synchronous handler may run in the threads of an `executor`, as in `process_batch`.

    The handler gets the Lambda context if it takes it as a second required parameter, or returns one of returns'
    `RequiresContext...Result` containers. A second parameter must be typed or named as the context.

    `then` is called with the finished batch before the response is made: for backoff, counting, batched sends. Where the
    handler is async it runs on the same loop and may be async. It cannot change what comes back: what it raises is
    logged. With `reserve_ms`, an async one is cancelled when `batch.ms_left` says that its time is over; a synchronous one
    must ask it. The other options are those of `process_batch`.

    >>> from batchfold import as_lambda_handler, sqs
    >>> from returns.result import Success
    >>> lambda_handler = as_lambda_handler(lambda record: Success(len(record.body)), sqs())
    >>> event = {"Records": [{"messageId": "m1", "eventSource": "aws:sqs", "body": "hello"}]}
    >>> lambda_handler(event, None)
    {'batchItemFailures': []}

    Raises `TypeError` and `ValueError` at once for options that make no sense. The function raises what `process_batch`
    raises.
    """
    refuse_no_source(source, is_async=True)
    refuse_misused(options, _OWN_OPTIONS)
    refuse_unknown_raise_on(raise_on)
    reads_time = options.get("reserve_ms") is not None
    if cancel_at_reserve and not reads_time:
        raise TypeError("cancel_at_reserve=True was given without reserve_ms=, which says when that is")
    if takes_chunks(handler):
        refuse_one_lane(source.lane_of(()), handler.size)
    for_context = _context_passer(handler)
    if _is_async(handler, executor, max_concurrency, cancel_at_reserve=cancel_at_reserve):
        in_flight = _MAX_CONCURRENCY if max_concurrency is None else max_concurrency
        refuse_no_concurrency(in_flight)

        async def run(event: Any, context: Any, finished: list[Batch[Any, Any, Any, Any]]) -> None:
            batch: Batch[Any, Any, Any, Any] = await fold_batch_async(
                event,
                handler if for_context is None else for_context(context),
                source,
                context=context if reads_time else None,
                max_concurrency=in_flight,
                cancel_at_reserve=cancel_at_reserve,
                **options,
            )
            # not returned: from Python 3.12 on the tracebacks of what failed lead back to the loop's frames, and those hold
            # the result of the run, so that the event would be kept until the cyclic collector runs
            finished.append(batch if then is None else await _and_then_async(then, batch))

        def async_lambda_function(event: Any, context: Any, /) -> Any:  # anything else than an event is refused later
            from batchfold.shell.loop import run_on_loop  # noqa: PLC0415  # asyncio costs a cold start 30 ms

            finished: list[Batch[Any, Any, Any, Any]] = []
            run_on_loop(run(event, context, finished))
            return respond(finished.pop(), raise_on)

        return _marked(async_lambda_function, source, raise_on)

    refuse_no_source(source)
    refuse_async_settle(options.get("settle"))
    if then is not None and must_be_awaited(then):
        raise TypeError(
            "then= got an async function, and the handler is synchronous: expected one that returns at once"
        )
    if executor is not None:
        from batchfold.shell.threads import checked_executor  # noqa: PLC0415  # threads cost a cold start 8 ms

        checked_executor(executor)
    sync_source = cast("Source[Any, Any, Any, Any]", source)  # refused otherwise, just above
    shared = cast("FoldOptions[Any, Any, Any]", options)  # as each overload has it

    def lambda_function(event: Any, context: Any, /) -> Any:  # anything else than an event is refused later
        clock = context if reads_time else None
        handle = handler if for_context is None else for_context(context)
        # no batch in a local variable: `core.fold` says why
        if then is None:
            return respond(run_checked(event, handle, sync_source, clock, executor, shared), raise_on)
        return respond(_and_then(then, run_checked(event, handle, sync_source, clock, executor, shared)), raise_on)

    return _marked(lambda_function, source, raise_on)


class MadeBy(NamedTuple):
    """The parts of a Lambda function, as its attribute `batchfold`: for tools that hold it against its mapping."""

    source: AsyncSource[Any, Any, Any, Any]
    """The source that it reads events with."""
    raise_on: RaiseOn | None
    """When it raises instead of answering; `None` means as the source does."""


def _marked(
    function: Any, source: AsyncSource[Any, Any, Any, Any], raise_on: RaiseOn | None
) -> LambdaFunction[Any, Any]:
    function.batchfold = MadeBy(source, raise_on)
    marked: LambdaFunction[Any, Any] = function
    return marked


_MAX_CONCURRENCY = 10
_OWN_OPTIONS = ("executor", "max_concurrency", "cancel_at_reserve", "raise_on", "then")


def _is_async(
    handler: Callable[..., Any], executor: Executor | None, max_concurrency: int | None, *, cancel_at_reserve: bool
) -> bool:
    """Return whether the handler is async; raise `TypeError` for options that are for another kind of handler."""
    is_for_async = max_concurrency is not None or cancel_at_reserve
    is_async = takes_async_chunks(handler) or is_async_function(handler)
    if executor is not None and is_for_async:
        raise TypeError("max_concurrency= and cancel_at_reserve= are for async handlers, executor= is for others")
    if executor is not None and is_async:
        raise TypeError("executor= runs synchronous handlers in threads; the handler is async, give max_concurrency=")
    if takes_sync_chunks(handler) and is_for_async:
        raise TypeError(
            "max_concurrency= and cancel_at_reserve= are for async handlers, and in_chunks was given a function that is "
            "not: write `async def`, or give executor= for chunks side by side"
        )
    return is_async or is_for_async


def _and_then(then: Callable[[Any], object], batch: Batch[V, E, D, A]) -> Batch[V, E, D, A]:
    try:
        returned = then(batch)
        if is_awaitable(returned):
            close_unawaited(returned)
            raise TypeError("then= returned an awaitable, and the handler is synchronous")  # noqa: TRY301  # logged below
    except BaseException as error:  # noqa: BLE001  # raised again if it ends the process; else it changes nothing
        _log_then(crashed(error).error)
    return batch


async def _and_then_async(then: Callable[[Any], object], batch: Batch[V, E, D, A]) -> Batch[V, E, D, A]:
    import asyncio  # noqa: PLC0415  # costs a cold start 30 ms, which an async run has paid

    try:
        returned = then(batch)
        if is_awaitable(returned):
            ms_left = batch.ms_left
            async with asyncio.timeout(None if ms_left is None else max(ms_left(), 0) / 1000):
                await cast("Any", returned)  # the line above the last says that it can be awaited
    except BaseException as error:  # noqa: BLE001  # raised again if it ends the process; else it changes nothing
        _log_then(crashed(error).error)
    return batch


def _log_then(error: Exception) -> None:
    from batchfold.shell.failure_log import log_aside  # noqa: PLC0415  # logging costs a cold start 7 ms

    log_aside("then= raised; the response stands", error)


def _context_passer(handler: Callable[..., Any]) -> Callable[[Any], Callable[[Any], Any]] | None:
    """Return a function from the Lambda context to a handler that takes the record alone; `None` if the handler does."""
    if not takes_chunks(handler) and _takes_context(handler):
        return lambda context: lambda record: handler(record, context)
    if takes_chunks(handler) or is_coroutine_function(handler) or _is_known_to_need_none(handler):
        return None

    def for_context(context: Any) -> Callable[[Any], Any]:
        return lambda record: _given_context(handler(record), context)

    return for_context


def _given_context(returned: Any, context: Any) -> Any:
    return returned(context) if type(returned).__module__.startswith("returns.context") else returned


def _is_known_to_need_none(handler: object) -> bool:
    """Return whether its annotation says that it returns a `Result`, which needs no context."""
    annotation = getattr(handler, "__annotations__", {}).get("return")
    if isinstance(annotation, str):
        name = annotation.partition("[")[0].rpartition(".")[2]
    else:
        name = getattr(getattr(annotation, "__origin__", annotation), "__name__", "")
    return name in _RESULTS


_RESULTS = frozenset(("Result", "ResultE", "IOResult", "IOResultE"))


def _takes_context(handler: Callable[..., Any]) -> bool:
    """Return whether it takes the Lambda context as its second required parameter; refuse any other second one."""
    try:
        parameters, is_its_own = _parameters(handler)
    except (TypeError, ValueError):  # some callables written in C have no signature
        return False
    positional = [p for p in parameters if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)]
    required = [p for p in positional if p.default is Parameter.empty]
    by_name = [p.name for p in parameters if p.kind is Parameter.KEYWORD_ONLY and p.default is Parameter.empty]
    if not is_its_own:  # what a wrapper does not pass on by itself, it may supply
        return len(required) == _RECORD_AND_CONTEXT and not by_name and _is_context(handler, required[1])
    if by_name or len(required) > _RECORD_AND_CONTEXT or not (positional or _takes_any(parameters)):
        also = f" and {', '.join(by_name)} by name" if by_name else ""
        raise TypeError(
            "a handler takes the record and, if it needs it, the Lambda context as a second required parameter, both by "
            f"position, got one that requires {len(required)} ({', '.join(p.name for p in required)}){also}: supply the "
            "others with functools.partial, or give them defaults"
        )
    if len(required) < _RECORD_AND_CONTEXT:
        return False
    if _is_context(handler, required[1]):
        return True
    raise TypeError(
        f"the second required parameter of a handler is the Lambda context, got one named {required[1].name!r} whose name "
        "or annotation says something else: supply it with functools.partial, give it a default, or name and type it "
        "`context: LambdaContext`"
    )


def _is_context(handler: Callable[..., Any], parameter: Parameter) -> bool:
    annotation = _annotation(handler, parameter)
    if annotation is Parameter.empty:
        return _sounds_like_context(parameter.name) or parameter.name in _SAYS_NOTHING
    if annotation in (object, Any) or isinstance(annotation, TypeVar):
        return True
    if isinstance(annotation, str):  # a name that means something to the checkers alone
        return _sounds_like_context(annotation)
    if not isinstance(annotation, type):
        return False
    if is_protocol(annotation):
        members = {name for name in get_protocol_members(annotation) if not name.startswith("_")}
        return members <= _CONTEXT_MEMBERS
    return _sounds_like_context(annotation.__name__) or hasattr(annotation, "get_remaining_time_in_millis")


def _annotation(handler: Callable[..., Any], parameter: Parameter) -> Any:
    if not isinstance(parameter.annotation, str):
        return parameter.annotation
    function = handler
    while (wrapped := getattr(function, "__wrapped__", None)) is not None:
        function = wrapped
    if ismethod(function):
        function = function.__func__
    elif not hasattr(function, "__annotations__"):
        function = type(function).__call__
    try:
        return get_type_hints(function).get(parameter.name, parameter.annotation)
    except Exception:  # noqa: BLE001  # an annotation may be any expression; its text is left
        return parameter.annotation


def _sounds_like_context(name: str) -> bool:
    return "context" in name.lower() or "ctx" in name.lower()


_RECORD_AND_CONTEXT = 2
_SAYS_NOTHING = frozenset(("_", "__", "c"))
_CONTEXT_MEMBERS = frozenset(
    (
        "aws_request_id",
        "client_context",
        "function_name",
        "function_version",
        "get_remaining_time_in_millis",
        "identity",
        "invoked_function_arn",
        "log",
        "log_group_name",
        "log_stream_name",
        "memory_limit_in_mb",
        "tenant_id",
    )
)


def _parameters(handler: Callable[..., Any]) -> tuple[list[Parameter], bool]:
    """Return the parameters with which it can be called, and whether they are its own.

    A decorator's `wraps` lets it look like the function inside, but one that brings along an argument takes fewer. Of one
    that takes anything (`*args`), the parameters are those of the function that it wraps.
    """
    if ismethod(handler):
        parameters, is_its_own = _parameters(handler.__func__)
        return (parameters if _takes_any(parameters[:1]) else parameters[1:]), is_its_own
    if isinstance(handler, partial):
        parameters, is_its_own = _parameters(handler.func)
        left = [p for p in parameters[len(handler.args) :] if p.name not in handler.keywords]
        return left, is_its_own
    parameters = list(signature(handler, follow_wrapped=False).parameters.values())
    wrapped: Callable[..., Any] | None = getattr(handler, "__wrapped__", None)
    if wrapped is None or not _takes_any(parameters):
        return parameters, True
    return _parameters(wrapped)[0], False


def _takes_any(parameters: list[Parameter]) -> bool:
    return any(p.kind is Parameter.VAR_POSITIONAL for p in parameters)
