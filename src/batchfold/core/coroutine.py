"""Telling async functions from others before they are called."""

from inspect import iscoroutinefunction


def is_coroutine_function(function: object) -> bool:
    """Whether it is an `async def`, or an object whose `__call__` is one.

    A function that hands on an awaitable which it got elsewhere, such as a lambda or one that returns a `FutureResult`,
    is none: nothing tells what it returns but calling it.
    """
    return iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__)
