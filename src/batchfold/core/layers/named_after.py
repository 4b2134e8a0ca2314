"""`named_after`: let the function that a layer returns be known by the handler's name."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from typing_extensions import TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_SHARED = ("__module__", "__name__", "__qualname__", "__doc__")


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
