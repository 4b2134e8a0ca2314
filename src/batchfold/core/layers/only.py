"""`only`: hand some records to the handler, and be done with the others."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, overload, runtime_checkable

from returns.result import Result, Success
from typing_extensions import TypeVar

from batchfold.core.coroutine import is_async_function
from batchfold.core.layers.named_after import named_after
from batchfold.core.predicate import holds
from batchfold.core.returned import is_awaitable

if TYPE_CHECKING:
    from returns.io import IOResult
else:
    IOResult = Result  # returns.io would cost every cold start 6 ms; at run time this only describes

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")

_NOTHING_TO_DO: Success[Any] = Success(None)


@runtime_checkable
class Only(Protocol[R]):
    """A layer that adds `None` to what its handler may succeed with."""

    @overload
    def __call__(self, handler: Callable[[R], Result[V, E]], /) -> Callable[[R], Result[V | None, E]]: ...
    @overload
    def __call__(self, handler: Callable[[R], IOResult[V, E]], /) -> Callable[[R], IOResult[V | None, E]]: ...
    @overload
    def __call__(
        self, handler: Callable[[R], Awaitable[Result[V, E]]], /
    ) -> Callable[[R], Awaitable[Result[V | None, E]]]: ...
    @overload
    def __call__(
        self, handler: Callable[[R], Awaitable[IOResult[V, E]]], /
    ) -> Callable[[R], Awaitable[IOResult[V | None, E]]]: ...
    def __call__(self, handler: Callable[[R], Any], /) -> Callable[[R], Any]:
        """The same handler, for some records only."""
        ...


def only(predicate: Callable[[R], bool]) -> Only[R]:
    """A layer that hands on the records for which `predicate` holds. The others are done, with `Success(None)`.

    The predicate sees the parsed record. If it raises, or returns anything but a `bool`, the record has `Crashed` and
    comes back. What can be told from the raw record alone is cheaper left to Lambda:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html

    That a handler is async is known by its `async def` or by its annotation. A lambda around an async function has
    neither, and for `process_batch_async` needs a `def`. Give the predicate a name and its parameter a type: of a lambda
    in a layer, mypy cannot tell what it takes.

    >>> from returns.result import Result, Success
    >>> def is_even(record: int) -> bool:
    ...     return record % 2 == 0
    >>> def halve(record: int) -> Result[int, str]:
    ...     return Success(record // 2)
    >>> only(is_even)(halve)(4), only(is_even)(halve)(5)
    (<Success: 2>, <Success: None>)
    """

    def layer(handler: Callable[[Any], Any], /) -> Callable[[Any], Any]:
        if is_async_function(handler):

            @named_after(handler)
            async def handle_async(record: Any) -> Any:
                if not holds(predicate, record):
                    return _NOTHING_TO_DO
                returned = handler(record)
                return await returned if is_awaitable(returned) else returned

            return handle_async

        @named_after(handler)
        def handle(record: Any) -> Any:
            return handler(record) if holds(predicate, record) else _NOTHING_TO_DO

        return handle

    return layer
