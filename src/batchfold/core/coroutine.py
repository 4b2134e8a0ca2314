"""Telling async functions from others before they are called."""

from __future__ import annotations

from functools import partial
from inspect import iscoroutinefunction, isfunction
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

_AWAITABLES = frozenset(("AnyFuture", "Awaitable", "Coroutine", "Future", "FutureResult", "FutureResultE", "Task"))
_AROUND = frozenset(("Annotated", "Optional", "Union"))


def is_coroutine_function(function: object) -> bool:
    """Whether it is an `async def`, or an object whose `__call__` is one."""
    # asked of observers in every invocation: of a plain function, what its type does when called is known
    return iscoroutinefunction(function) or (not isfunction(function) and iscoroutinefunction(type(function).__call__))


def must_be_awaited(function: object) -> bool:
    """Whether nothing happens unless what it returns is awaited: an `async def`, or `@future_safe`."""
    function = _inside(function)
    # future_safe hands on the annotations of what it wraps
    return is_coroutine_function(function) or getattr(function, "__globals__", {}).get("__name__") == "returns.future"


def is_async_function(function: object) -> bool:
    """Whether it is known to return an awaitable: an `async def`, or one whose annotation says so, or `@future_safe`.

    Of a function without annotations, such as a lambda, nothing tells but calling it.

    >>> async def later(): ...
    >>> is_async_function(later), is_async_function(len), is_async_function(lambda: later())
    (True, False, False)
    """
    return must_be_awaited(function) or _is_awaitable(getattr(_inside(function), "__annotations__", {}).get("return"))


def _inside(function: object) -> object:
    while isinstance(function, partial):
        function = function.func
    return function


def _is_awaitable(annotation: object) -> bool:
    if isinstance(annotation, str):  # only its name is known
        return _outermost_name(annotation) in _AWAITABLES
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is_awaitable(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return any(map(_is_awaitable, get_args(annotation)))
    return hasattr(origin or annotation, "__await__")


def _outermost_name(annotation: str) -> str:
    """`FutureResult` in `returns.future.FutureResult[int, str]`."""
    head, _, rest = annotation.strip(" '\"").partition("[")
    name = head.rpartition(".")[2].strip()
    return _outermost_name(rest) if name in _AROUND else name
