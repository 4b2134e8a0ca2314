"""`chain`: compose steps, each taking what the one before it succeeded with, into a handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, overload

from returns.result import Failure, Result
from typing_extensions import TypeVar

from batchfold.core.chunks import refuse_chunks
from batchfold.core.faults import Crashed
from batchfold.core.handlers import AnyFuture, AnyResult, Giver, R, is_async_function, is_awaitable, result_of

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
V = TypeVar("V")
E1 = TypeVar("E1")
E2 = TypeVar("E2")
E3 = TypeVar("E3")
E4 = TypeVar("E4")
E5 = TypeVar("E5")


_Step: TypeAlias = Callable[[A], Result[B, E1]]
_AsyncStep: TypeAlias = Callable[[A], Awaitable[Result[B, E1]]]
_AnyStep: TypeAlias = Callable[[A], AnyResult[B, E1]]
_AnyOrAsyncStep: TypeAlias = Callable[[A], AnyResult[B, E1] | AnyFuture[B, E1]]


@overload
def chain(a: _Step[R, A, E1], b: _Step[A, V, E2], /) -> _Step[R, V, E1 | E2]: ...  # type: ignore[overload-overlap]  # a chain of sync steps is the first that fits
@overload
def chain(a: _Step[R, A, E1], b: _Step[A, B, E2], c: _Step[B, V, E3], /) -> _Step[R, V, E1 | E2 | E3]: ...  # type: ignore[overload-overlap]  # a chain of sync steps is the first that fits
@overload
def chain(  # type: ignore[overload-overlap]  # a chain of sync steps is the first that fits
    a: _Step[R, A, E1], b: _Step[A, B, E2], c: _Step[B, C, E3], d: _Step[C, V, E4], /
) -> _Step[R, V, E1 | E2 | E3 | E4]: ...
@overload
def chain(  # type: ignore[overload-overlap]  # a chain of sync steps is the first that fits
    a: _Step[R, A, E1], b: _Step[A, B, E2], c: _Step[B, C, E3], d: _Step[C, D, E4], e: _Step[D, V, E5], /
) -> _Step[R, V, E1 | E2 | E3 | E4 | E5]: ...
@overload
def chain(a: _AsyncStep[R, A, E1], b: _AsyncStep[A, V, E2], /) -> _AsyncStep[R, V, E1 | E2]: ...
@overload
def chain(
    a: _AsyncStep[R, A, E1], b: _AsyncStep[A, B, E2], c: _AsyncStep[B, V, E3], /
) -> _AsyncStep[R, V, E1 | E2 | E3]: ...
@overload
def chain(
    a: _AsyncStep[R, A, E1], b: _AsyncStep[A, B, E2], c: _AsyncStep[B, C, E3], d: _AsyncStep[C, V, E4], /
) -> _AsyncStep[R, V, E1 | E2 | E3 | E4]: ...
@overload
def chain(
    a: _AsyncStep[R, A, E1],
    b: _AsyncStep[A, B, E2],
    c: _AsyncStep[B, C, E3],
    d: _AsyncStep[C, D, E4],
    e: _AsyncStep[D, V, E5],
    /,
) -> _AsyncStep[R, V, E1 | E2 | E3 | E4 | E5]: ...
@overload
def chain(a: _AnyStep[R, A, E1], b: _AnyStep[A, V, E2], /) -> _AnyStep[R, V, E1 | E2]: ...  # type: ignore[overload-overlap]  # a chain of sync steps is the first that fits
@overload
def chain(a: _AnyStep[R, A, E1], b: _AnyStep[A, B, E2], c: _AnyStep[B, V, E3], /) -> _AnyStep[R, V, E1 | E2 | E3]: ...  # type: ignore[overload-overlap]  # a chain of sync steps is the first that fits
@overload
def chain(  # type: ignore[overload-overlap]  # a chain of sync steps is the first that fits
    a: _AnyStep[R, A, E1], b: _AnyStep[A, B, E2], c: _AnyStep[B, C, E3], d: _AnyStep[C, V, E4], /
) -> _AnyStep[R, V, E1 | E2 | E3 | E4]: ...
@overload
def chain(  # type: ignore[overload-overlap]  # a chain of sync steps is the first that fits
    a: _AnyStep[R, A, E1], b: _AnyStep[A, B, E2], c: _AnyStep[B, C, E3], d: _AnyStep[C, D, E4], e: _AnyStep[D, V, E5], /
) -> _AnyStep[R, V, E1 | E2 | E3 | E4 | E5]: ...
@overload
def chain(
    a: _AnyOrAsyncStep[R, A, E1], b: _AnyOrAsyncStep[A, V, E2], /
) -> Callable[[R], Awaitable[AnyResult[V, E1 | E2]]]: ...
@overload
def chain(
    a: _AnyOrAsyncStep[R, A, E1], b: _AnyOrAsyncStep[A, B, E2], c: _AnyOrAsyncStep[B, V, E3], /
) -> Callable[[R], Awaitable[AnyResult[V, E1 | E2 | E3]]]: ...
@overload
def chain(
    a: _AnyOrAsyncStep[R, A, E1],
    b: _AnyOrAsyncStep[A, B, E2],
    c: _AnyOrAsyncStep[B, C, E3],
    d: _AnyOrAsyncStep[C, V, E4],
    /,
) -> Callable[[R], Awaitable[AnyResult[V, E1 | E2 | E3 | E4]]]: ...
@overload
def chain(
    a: _AnyOrAsyncStep[R, A, E1],
    b: _AnyOrAsyncStep[A, B, E2],
    c: _AnyOrAsyncStep[B, C, E3],
    d: _AnyOrAsyncStep[C, D, E4],
    e: _AnyOrAsyncStep[D, V, E5],
    /,
) -> Callable[[R], Awaitable[AnyResult[V, E1 | E2 | E3 | E4 | E5]]]: ...
def chain(first: Callable[[Any], Any], /, *others: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Compose two to five steps, each `A -> Result[B, E]`, into one handler that joins their error types.

    The first failure ends the chain and is what the handler returns. A step returns `Result`, `IOResult` or an awaitable
    of one of them (`FutureResult` is one); with an async step among them the chain is async. A chain is a step itself,
    so longer ones are chains of chains.

    >>> from returns.result import Failure, Success
    >>> def parse(text: str) -> Result[int, str]:
    ...     return Success(int(text)) if text.isdecimal() else Failure("not a number")
    >>> def halve(number: int) -> Result[int, ValueError]:
    ...     return Failure(ValueError("odd")) if number % 2 else Success(number // 2)
    >>> chain(parse, halve)("42")
    <Success: 21>
    >>> chain(parse, halve)("?")
    <Failure: not a number>
    """
    steps = (first, *others)
    for step in steps:
        refuse_chunks(step, "chain")
    if any(map(is_async_function, steps)):

        async def chained_async(record: Any) -> Any:
            returned = await _awaited(first(record))
            try:
                for step in others:
                    if isinstance(_result_before_another(returned), Failure):
                        break
                    returned = await _awaited(step(_result_before_another(returned).unwrap()))
                return returned
            finally:
                del returned  # an exception in it may keep this frame: a cycle

        return chained_async

    def chained(record: Any) -> Any:
        returned = first(record)
        try:
            for step in others:
                if isinstance(_result_before_another(returned), Failure):
                    break
                returned = step(_result_before_another(returned).unwrap())
            return returned
        finally:
            del returned  # an exception in it may keep this frame: a cycle

    return chained


async def _awaited(returned: Any) -> Any:
    return await returned if is_awaitable(returned) else returned


def _result_before_another(returned: Any) -> Result[Any, Any]:
    """Return the `Result` of a step that is not the last; raise for anything else, which must not end the chain as done.

    A container that waits for the Lambda context would: whoever called the chain gives it the context, it succeeds, and
    the steps behind it never run.
    """
    result = result_of(returned, Giver("a step of a chain", hands_on=True))
    if isinstance(result, Crashed):
        raise result.error
    return result
