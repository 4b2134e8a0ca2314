"""`route`: one handler for each kind of record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, overload

from returns.result import Failure, Result
from typing_extensions import TypeVar

from batchfold.core.coroutine import is_async_function
from batchfold.core.returned import is_awaitable

if TYPE_CHECKING:
    from returns.io import IOResult
else:
    IOResult = Result  # returns.io would cost every cold start 6 ms; at run time this only describes

K = TypeVar("K")
R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")


class NoRouteError(LookupError):
    """No handler was given for a record of this kind.

    The message names the routes that there are. Of the record's own key it tells the type alone, for a key may come out
    of the payload.
    """


@overload
def route(
    key: Callable[[R], K], handlers: Mapping[K, Callable[[R], Result[V, E]]]
) -> Callable[[R], Result[V, E | NoRouteError]]: ...
@overload
def route(
    key: Callable[[R], K], handlers: Mapping[K, Callable[[R], IOResult[V, E]]]
) -> Callable[[R], IOResult[V, E | NoRouteError]]: ...
@overload
def route(
    key: Callable[[R], K], handlers: Mapping[K, Callable[[R], Awaitable[Result[V, E]]]]
) -> Callable[[R], Awaitable[Result[V, E | NoRouteError]]]: ...
@overload
def route(
    key: Callable[[R], K], handlers: Mapping[K, Callable[[R], Awaitable[IOResult[V, E]]]]
) -> Callable[[R], Awaitable[IOResult[V, E | NoRouteError]]]: ...
def route(key: Callable[[Any], Any], handlers: Mapping[Any, Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """A handler that hands each record to the one of `handlers` that stands under the record's key.

    A record whose key has no handler comes back, `Rejected` with a `NoRouteError`: nothing is known to be done with it.
    `settle=discard(when=caused_by(NoRouteError))` lets go of such records, and a handler that returns `Success(None)`
    names the kinds that need nothing done. If `key` raises, or what it returns cannot be hashed, the record has `Crashed`.

    All handlers are synchronous, or all are async.

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

    def no_route(found: object) -> Result[Any, NoRouteError]:
        names = ", ".join(map(repr, routes)) or "nothing"
        return Failure(
            NoRouteError(f"no handler for a record whose key is a {type(found).__name__}; there are routes for {names}")
        )

    if any(map(is_async_function, routes.values())):

        async def handle_async(record: Any) -> Any:
            found = key(record)
            handler = routes.get(found)
            if handler is None:
                return no_route(found)
            returned = handler(record)
            return await returned if is_awaitable(returned) else returned

        return handle_async

    def handle(record: Any) -> Any:
        found = key(record)
        handler = routes.get(found)
        return no_route(found) if handler is None else handler(record)

    return handle
