"""Telling async functions from others before they are called."""

from __future__ import annotations

from functools import partial
from inspect import iscoroutinefunction

_AWAITABLES = frozenset(("FutureResult", "FutureResultE", "Future", "Awaitable", "Coroutine", "Task"))


def is_coroutine_function(function: object) -> bool:
    """Whether it is an `async def`, or an object whose `__call__` is one."""
    return iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__)


def is_async_function(function: object) -> bool:
    """Whether it is known to return an awaitable: an `async def`, or one whose annotation says so, or `@future_safe`.

    Of a function without annotations, such as a lambda, nothing tells but calling it.

    >>> async def later(): ...
    >>> is_async_function(later), is_async_function(len), is_async_function(lambda: later())
    (True, False, False)
    """
    while isinstance(function, partial):
        function = function.func
    if is_coroutine_function(function):
        return True
    if getattr(function, "__globals__", {}).get("__name__") == "returns.future":
        return True  # future_safe hands on the annotations of what it wraps
    # `returns.future.FutureResult[int, str]`, or as text `FutureResult[int, str]`, or `<class 'asyncio.Task'>`
    outermost, *_ = str(getattr(function, "__annotations__", {}).get("return")).split("[")
    return outermost.rpartition(".")[2].strip(" '>") in _AWAITABLES
