"""Going around a handler: what a layer does before and after each call, whatever kind of handler it is.

A handler is a function or an async function, may say that it is async by its annotation alone, may take the Lambda context
beside the record, and may return one of returns' containers that still need it. A layer that only watches wants none of
that: it says what happens when a call begins and when it ends, and `around` finds the moments.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Protocol, runtime_checkable

from batchfold.core.handlers import is_async_function, is_awaitable


@runtime_checkable
class Call(Protocol):
    """One call of a handler. Its code runs in this context: once, and again for an awaitable that it returns.

    Exactly one of `returned` and `raised` ends the call.
    """

    def __enter__(self) -> object: ...
    def __exit__(self, *_raised: object) -> None: ...

    def returned(self, value: Any, /) -> object:
        """End the call with what came of the handler, awaited if it had to be."""
        ...

    def raised(self, error: BaseException, /) -> object:
        """End the call with what the handler raised."""
        ...


def around(handler: Callable[..., Any], begin: Callable[[Any], Call]) -> Callable[..., Any]:
    """Return the same handler, around which `begin` is called with the first argument; what comes of it stands.

    None of the functions of a `Call` may raise.
    """
    if iscoroutinefunction(handler):

        @wraps(handler)
        async def handle_async(given: Any, *others: Any) -> Any:
            return await _called(handler, (given, *others), begin(given))

        return handle_async

    def handle(given: Any, *others: Any) -> Any:
        return _called(handler, (given, *others), begin(given))

    return known_as(handler, handle)


def _called(function: Callable[..., Any], arguments: tuple[Any, ...], call: Call) -> Any:
    """Return what the function returns, or where that is not the end of the call, the like that ends it."""
    try:
        with call:
            value = function(*arguments)
    except BaseException as error:
        call.raised(error)
        raise
    if is_awaitable(value):
        return alike(value, _awaited(value, call))
    if (kind := _kind_of(value)).__module__.startswith("returns.context"):

        def with_context(context: Any) -> Any:
            return _called(value, (context,), call)

        return kind(with_context)
    call.returned(value)
    return value


async def _awaited(awaitable: Awaitable[Any], call: Call) -> Any:
    try:
        with call:
            value = await awaitable
    except BaseException as error:
        call.raised(error)
        raise
    call.returned(value)
    return value


def _kind_of(value: object) -> Any:
    return type(value)


def known_as(handler: Callable[..., Any], handle: Callable[..., Any]) -> Callable[..., Any]:
    """Return `handle`, named and annotated as `handler`, and as async as that is."""
    wrapped = wraps(handler)(handle)
    # `future_safe` is known by itself; the annotations it has are those of the function inside
    if is_async_function(handler):
        wrapped.__annotations__ = {**wrapped.__annotations__, "return": "FutureResult"}
    return wrapped


def alike(returned: object, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Return the coroutine, as a `FutureResult` where the handler returned one: layers above may ask more of it."""
    if type(returned).__module__ != "returns.future":
        return coroutine
    from returns.future import FutureResult  # noqa: PLC0415  # costs a cold start 10 ms, which the handler has paid
    from returns.unsafe import unsafe_perform_io  # noqa: PLC0415  # as above

    async def inner() -> Any:
        return unsafe_perform_io(await coroutine)

    return FutureResult(inner())
