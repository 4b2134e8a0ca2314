"""`pipe`: hand a handler through layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from typing_extensions import TypeVar

H = TypeVar("H")
H1 = TypeVar("H1")
H2 = TypeVar("H2")
H3 = TypeVar("H3")
H4 = TypeVar("H4")
H5 = TypeVar("H5")
H6 = TypeVar("H6")
H7 = TypeVar("H7")


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
