"""Handlers: the user's functions, record in, `Result` out; and the types of what a handler may return."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from returns.primitives.hkt import Kind2
from returns.result import Result
from typing_extensions import TypeVar

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")

# `Kind2` is what the checkers make of `returns.pointfree` functions. It does not stand alone: pyright needs the union.
# Never `Coroutine` for `Awaitable`: beside `Kind2` it crashes mypy inside returns' plugin.
if TYPE_CHECKING:
    from returns.future import FutureResult
    from returns.io import IOResult

    AnyResult: TypeAlias = Union[Result[V, E], IOResult[V, E], Kind2[Union[Result[Any, Any], IOResult[Any, Any]], V, E]]
    AnyFuture: TypeAlias = Union[Awaitable[AnyResult[V, E]], Kind2[FutureResult[Any, Any], V, E]]
else:
    # returns.io and returns.future would cost every cold start 10 ms; at run time these names only describe
    AnyResult = Union[Result[V, E], Kind2[Any, V, E]]
    AnyFuture = Union[Awaitable[Kind2[Any, V, E]], Kind2[Any, V, E]]

Handler: TypeAlias = Callable[[R], AnyResult[V, E]]
"""Record in, `Result` or `IOResult` out."""

AsyncHandler: TypeAlias = Callable[[R], Awaitable[AnyResult[V, E]]]
"""Record in, an awaitable of `Result` or `IOResult` out; `FutureResult` is one.

What takes one of these says `AnyFuture`, for functions of `returns.pointfree`; in what returns one, mypy would find `Any`.
"""
