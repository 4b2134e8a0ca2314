"""Layers: functions from handler to handler. `pipe` hands a handler through them; `only` and `route` choose.

A layer of one's own is any such function. The ones here work for sync and async handlers, by the rule of
`core.handlers`, and `only` for handlers that take the Lambda context too.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, overload, runtime_checkable

from returns.result import Failure, Result, Success
from typing_extensions import TypeVar

from batchfold.core.chunks import refuse_chunks
from batchfold.core.handlers import holds, is_async_function, is_awaitable

if TYPE_CHECKING:
    from returns.io import IOResult
else:
    IOResult = Result  # returns.io would cost every cold start 6 ms; at run time this only describes

F = TypeVar("F", bound=Callable[..., Any])
H = TypeVar("H")
H1 = TypeVar("H1")
H2 = TypeVar("H2")
H3 = TypeVar("H3")
H4 = TypeVar("H4")
H5 = TypeVar("H5")
H6 = TypeVar("H6")
H7 = TypeVar("H7")
K = TypeVar("K")
R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
X = ParamSpec("X")
R_contra = TypeVar("R_contra", contravariant=True)
P_contra = TypeVar("P_contra", contravariant=True)
P = TypeVar("P")
T_co = TypeVar("T_co", covariant=True)

_NOTHING_TO_DO: Success[Any] = Success(None)
_SHARED = ("__module__", "__name__", "__qualname__", "__doc__")


@overload
def pipe(handler: H, /) -> H: ...
@overload
def pipe(handler: H, a: Callable[[H], H1], /) -> H1: ...
@overload
def pipe(handler: H, a: Callable[[H], H1], b: Callable[[H1], H2], /) -> H2: ...
@overload
def pipe(handler: H, a: Callable[[H], H1], b: Callable[[H1], H2], c: Callable[[H2], H3], /) -> H3: ...
@overload
def pipe(
    handler: H, a: Callable[[H], H1], b: Callable[[H1], H2], c: Callable[[H2], H3], d: Callable[[H3], H4], /
) -> H4: ...
@overload
def pipe(
    handler: H,
    a: Callable[[H], H1],
    b: Callable[[H1], H2],
    c: Callable[[H2], H3],
    d: Callable[[H3], H4],
    e: Callable[[H4], H5],
    /,
) -> H5: ...
@overload
def pipe(
    handler: H,
    a: Callable[[H], H1],
    b: Callable[[H1], H2],
    c: Callable[[H2], H3],
    d: Callable[[H3], H4],
    e: Callable[[H4], H5],
    f: Callable[[H5], H6],
    /,
) -> H6: ...
@overload
def pipe(
    handler: H,
    a: Callable[[H], H1],
    b: Callable[[H1], H2],
    c: Callable[[H2], H3],
    d: Callable[[H3], H4],
    e: Callable[[H4], H5],
    f: Callable[[H5], H6],
    g: Callable[[H6], H7],
    /,
) -> H7: ...
def pipe(handler: Any, /, *layers: Callable[[Any], Any]) -> Any:
    """Hand a handler through layers, the first one innermost. A layer is a function from handler to handler.

    At most seven layers at once, so that each can be checked against the one before it; what `pipe` returns is a
    handler, and can be piped on. So can one that mypy loses sight of: `pipe(pipe(handler, only(a)), only(b))`.

    >>> from returns.result import Result, Success
    >>> def shout(handler):
    ...     return lambda record: handler(record).map(str.upper)
    >>> pipe(lambda record: Success(record), shout)("hello")
    <Success: HELLO>
    """
    for layer in layers:
        handler = layer(handler)
    return handler


class Layered(Generic[R_contra, P_contra, X, T_co]):
    """A handler of `R` inside a layer that reads the record as a `P`: it takes records that are both.

    For the type checkers, which have no word for "both". At run time it is a plain function.
    """

    def __call__(self: "Layered[R, R, X, T_co]", record: R, /, *context: X.args, **named: X.kwargs) -> T_co:
        """Handle the record."""
        raise NotImplementedError


@runtime_checkable
class Only(Protocol[P]):  # pyright: ignore[reportInvalidTypeVarUse]  # contravariant to pyright, invariant to mypy
    """A layer that adds `None` to the values of its handler.

    A handler of the predicate's own record stays a plain callable, which mypy can follow through more layers.
    """

    @overload
    def __call__(self, handler: Callable[[P], Result[V, E]], /) -> Callable[[P], Result[V | None, E]]: ...
    @overload
    def __call__(self, handler: Callable[[P], IOResult[V, E]], /) -> Callable[[P], IOResult[V | None, E]]: ...
    @overload
    def __call__(
        self, handler: Callable[[P], Awaitable[Result[V, E]]], /
    ) -> Callable[[P], Awaitable[Result[V | None, E]]]: ...
    @overload
    def __call__(
        self, handler: Callable[[P], Awaitable[IOResult[V, E]]], /
    ) -> Callable[[P], Awaitable[IOResult[V | None, E]]]: ...
    @overload
    def __call__(
        self, handler: Callable[Concatenate[R, X], Result[V, E]], /
    ) -> Layered[R, P, X, Result[V | None, E]]: ...
    @overload
    def __call__(
        self, handler: Callable[Concatenate[R, X], IOResult[V, E]], /
    ) -> Layered[R, P, X, IOResult[V | None, E]]: ...
    @overload
    def __call__(
        self, handler: Callable[Concatenate[R, X], Awaitable[Result[V, E]]], /
    ) -> Layered[R, P, X, Awaitable[Result[V | None, E]]]: ...
    @overload
    def __call__(
        self, handler: Callable[Concatenate[R, X], Awaitable[IOResult[V, E]]], /
    ) -> Layered[R, P, X, Awaitable[IOResult[V | None, E]]]: ...
    def __call__(self, handler: Callable[..., Any], /) -> Any:
        """Return the same handler, for some records only."""
        ...


def only(predicate: Callable[[R], bool]) -> Only[R]:
    """Return a layer that hands on the records for which `predicate` holds. The others are done, with `Success(None)`.

    The predicate sees the parsed record; one of `SqsRecord[object]` goes around every handler of an SQS queue. If it
    raises, or returns anything but a `bool`, the record has `Crashed` and comes back. What can be told from the raw record
    alone is cheaper left to Lambda:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html

    The predicate needs a name, and its parameter a type: the checkers cannot infer the record of a lambda in a layer, and
    refuse one that reads an attribute of it. In a `pipe`, mypy follows one `only`, best right after the handler; for more,
    pipe the piped handler on. A lambda around an async function needs a `def` too, for it says nowhere that it is async.

    >>> from returns.result import Result, Success
    >>> def is_even(record: int) -> bool:
    ...     return record % 2 == 0
    >>> def halve(record: int) -> Result[int, str]:
    ...     return Success(record // 2)
    >>> only(is_even)(halve)(4), only(is_even)(halve)(5)
    (<Success: 2>, <Success: None>)
    """

    def layer(handler: Any, /) -> Any:
        refuse_chunks(handler, "only")
        if is_async_function(handler):

            @named_after(handler)
            async def handle_async(record: Any, *context: Any) -> Any:
                if not holds(predicate, record):
                    return _NOTHING_TO_DO
                returned = handler(record, *context)
                return await returned if is_awaitable(returned) else returned

            return handle_async

        @named_after(handler)
        def handle(record: Any, *context: Any) -> Any:
            return handler(record, *context) if holds(predicate, record) else _NOTHING_TO_DO

        return handle

    return layer


class NoRouteError(LookupError):
    """No handler was given for a record of this kind.

    The message names the routes that there are. Of the record's own key it tells the type alone, for a key may come out
    of the payload.
    """


@overload
def route(
    key: Callable[[R], K], handlers: Mapping[K, Callable[Concatenate[R, X], Result[V, E]]]
) -> Callable[Concatenate[R, X], Result[V, E | NoRouteError]]: ...
@overload
def route(
    key: Callable[[R], K], handlers: Mapping[K, Callable[Concatenate[R, X], IOResult[V, E]]]
) -> Callable[Concatenate[R, X], IOResult[V, E | NoRouteError]]: ...
@overload
def route(
    key: Callable[[R], K], handlers: Mapping[K, Callable[Concatenate[R, X], Awaitable[Result[V, E]]]]
) -> Callable[Concatenate[R, X], Awaitable[Result[V, E | NoRouteError]]]: ...
@overload
def route(
    key: Callable[[R], K], handlers: Mapping[K, Callable[Concatenate[R, X], Awaitable[IOResult[V, E]]]]
) -> Callable[Concatenate[R, X], Awaitable[IOResult[V, E | NoRouteError]]]: ...
def route(key: Callable[[Any], Any], handlers: Mapping[Any, Callable[..., Any]]) -> Callable[..., Any]:
    """Make a handler that hands each record to the one of `handlers` that stands under the record's key.

    A record whose key has no handler comes back, `Rejected` with a `NoRouteError`: nothing is known to be done with it.
    `settle=discard(when=caused_by(NoRouteError))` lets go of such records, and a handler that returns `Success(None)`
    names the kinds that need nothing done. If `key` raises, or what it returns cannot be hashed, the record has `Crashed`.

    All handlers are synchronous, or all are async. They take the record alone, or all take the Lambda context too.

    >>> from returns.result import Result, Success
    >>> def insert(record: dict[str, str]) -> Result[str, str]:
    ...     return Success("inserted")
    >>> handle = route(lambda record: record["eventName"], {"INSERT": insert})
    >>> handle({"eventName": "INSERT"})
    <Success: inserted>
    >>> handle({"eventName": "REMOVE"}).failure()
    NoRouteError("no handler for a record whose key is a str; there are routes for 'INSERT'")
    """
    routes = dict(handlers)
    for each in routes.values():
        refuse_chunks(each, "route")

    def no_route(found: object) -> Result[Any, NoRouteError]:
        names = ", ".join(map(repr, routes)) or "nothing"
        return Failure(
            NoRouteError(f"no handler for a record whose key is a {type(found).__name__}; there are routes for {names}")
        )

    if any(map(is_async_function, routes.values())):

        async def handle_async(record: Any, *context: Any) -> Any:
            found = key(record)
            handler = routes.get(found)
            if handler is None:
                return no_route(found)
            returned = handler(record, *context)
            return await returned if is_awaitable(returned) else returned

        return _like_any_of(routes, handle_async)

    def handle(record: Any, *context: Any) -> Any:
        found = key(record)
        handler = routes.get(found)
        return no_route(found) if handler is None else handler(record, *context)

    return _like_any_of(routes, handle)


def _like_any_of(routes: Mapping[Any, Callable[..., Any]], handle: Callable[..., Any]) -> Callable[..., Any]:
    """Let it be asked what its handlers take: one stands for all of them."""
    if routes:
        handle.__wrapped__ = next(iter(routes.values()))  # type: ignore[attr-defined]  # as `functools.wraps` does
    return handle


def named_after(handler: Callable[..., Any]) -> Callable[[F], F]:
    """A decorator that gives a function the handler's name and signature, but not its annotations.

    They would not be true of it: what a layer returns need not be what its handler does.

    >>> named_after(len)(lambda record: 3).__name__
    'len'
    """

    def name(function: F) -> F:
        update_wrapper(function, handler, assigned=_SHARED, updated=())
        return function

    return name


# tracebacks show the public name
NoRouteError.__module__ = "batchfold"
