"""Going around a handler: what a layer does before and after each call, whatever kind of handler it is.

A handler is a function or an async function, may say that it is async by its annotation alone, may take the Lambda context
beside the record, may take chunks, and may return one of returns' containers that still need the context. A layer that only
watches says what happens when a call begins and when it ends, and `around` finds the moments.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from batchfold.core.chunks import takes_chunks
from batchfold.core.handlers import is_async_function, is_awaitable


class Call:
    """One call of a handler, about which nothing is done. None of its methods may raise.

    Its code runs in this context: once, and again for an awaitable that it returns. Exactly one of `returned` and `raised`
    ends the call.
    """

    __slots__ = ()

    def __enter__(self) -> None: ...
    def __exit__(self, *_raised: object) -> None: ...

    def returned(self, value: object, /) -> None:
        """End the call with what came of the handler, awaited if it had to be."""

    def raised(self, error: object, /) -> None:
        """End the call with what the handler raised."""


def around(
    handler: Any, begin: Callable[[Any], Call], begin_chunk: Callable[[Sequence[Any]], Call]
) -> Callable[..., Any]:
    """Return the same handler, around which `begin` is called with each record, or `begin_chunk` with each chunk."""
    if takes_chunks(handler):
        return type(handler)(_around(handler.handle, begin_chunk), handler.size)
    return _around(handler, begin)


def _around(handler: Callable[..., Any], begin: Callable[[Any], Call]) -> Callable[..., Any]:
    if iscoroutinefunction(handler):

        @wraps(handler)
        async def handle_async(given: Any, *others: Any) -> Any:
            return await _called(handler, (given, *others), begin(given))

        return handle_async

    def handle(given: Any, *others: Any) -> Any:
        return _called(handler, (given, *others), begin(given))

    handled = wraps(handler)(handle)
    # `future_safe` is known by itself; the annotations it has are those of the function inside
    if is_async_function(handler):
        handled.__annotations__ = {**handled.__annotations__, "return": "FutureResult"}
    return handled


def _called(function: Callable[..., Any], arguments: tuple[Any, ...], call: Call) -> Any:
    """Return what the function returns, or where that is not the end of the call, the like that ends it."""
    try:
        with call:
            value: Any = function(*arguments)
    except BaseException as error:
        call.raised(error)
        raise
    if is_awaitable(value):
        return _alike(value, _awaited(value, call))
    if value.__class__.__module__.startswith("returns.context"):

        def with_context(context: Any) -> Any:
            return _called(value, (context,), call)

        return value.__class__(with_context)
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


def _alike(returned: object, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Return the coroutine, as a `FutureResult` where the handler returned one: layers above may ask more of it."""
    if type(returned).__module__ != "returns.future":
        return coroutine
    from returns.future import FutureResult  # noqa: PLC0415  # costs a cold start 10 ms, which the handler has paid
    from returns.unsafe import unsafe_perform_io  # noqa: PLC0415  # costs a cold start too

    async def inner() -> Any:
        return unsafe_perform_io(await coroutine)

    return FutureResult(inner())
