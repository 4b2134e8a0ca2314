"""`timed`: how long each record's handler takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from inspect import iscoroutinefunction
from time import perf_counter
from typing import Any, Protocol, TypeVar, overload, runtime_checkable

from batchfold.core.coroutine import is_async_function
from batchfold.core.record import Record
from batchfold.core.returned import is_awaitable
from batchfold.shell.observer import log_observer_error

R = TypeVar("R")
T = TypeVar("T")


@runtime_checkable
class Timed(Protocol):
    """A layer that changes nothing about what its handler takes and returns."""

    def __call__(self, handler: Callable[[R], T], /) -> Callable[[R], T]:
        """The same handler, timed."""
        ...


@runtime_checkable
class TimedOf(Protocol[R]):
    """The same, for handlers of the record that `tell` takes."""

    def __call__(self, handler: Callable[[R], T], /) -> Callable[[R], T]:
        """The same handler, timed."""
        ...


@overload
def timed(tell: Callable[[Record, float], object], *, clock: Callable[[], float] = perf_counter) -> Timed: ...
@overload
def timed(tell: Callable[[R, float], object], *, clock: Callable[[], float] = perf_counter) -> TimedOf[R]: ...
def timed(tell: Callable[[Any, float], object], *, clock: Callable[[], float] = perf_counter) -> Any:
    """A layer that tells the record and the seconds that its handler took, whatever came of it.

    An observer cannot know them: where lanes run side by side, the time between two outcomes is nobody's. `tell` is a
    `Latencies()`, or any function, say one that adds to a histogram. Like an observer it changes nothing, and what it
    raises is logged. Of an async handler the whole time is told, waiting included.

    >>> from batchfold import SqsRecord
    >>> from returns.result import Success
    >>> ticks = iter([10.0, 12.5])
    >>> handle = timed(lambda record, seconds: print(record, seconds), clock=lambda: next(ticks))(Success)
    >>> handle(SqsRecord({"messageId": "m1"}))
    SqsRecord(message_id='m1') 2.5
    <Success: SqsRecord(message_id='m1')>
    """

    def tell_safely(record: Any, seconds: float) -> None:
        try:
            tell(record, seconds)
        except Exception as error:  # noqa: BLE001  # whatever it is: it changes nothing
            log_observer_error(error)

    def layer(handler: Callable[[Any], Any], /) -> Callable[[Any], Any]:
        async def awaited(record: Any, awaitable: Awaitable[Any], start: float) -> Any:
            try:
                return await awaitable
            finally:
                tell_safely(record, clock() - start)

        def handle(record: Any) -> Any:
            start = clock()
            try:
                returned = handler(record)
            except BaseException:
                tell_safely(record, clock() - start)
                raise
            if is_awaitable(returned):
                return _alike(returned, awaited(record, returned, start))
            tell_safely(record, clock() - start)
            return returned

        if iscoroutinefunction(handler):

            @wraps(handler)
            async def handle_async(record: Any) -> Any:
                start = clock()
                return await awaited(record, handler(record), start)

            return handle_async
        return _known_as(handler, handle)

    return layer


def _known_as(handler: Callable[[Any], Any], handle: Callable[[Any], Any]) -> Callable[[Any], Any]:
    wrapped = wraps(handler)(handle)
    # `future_safe` is known by itself; the annotations it has are those of the function inside
    if is_async_function(handler):
        wrapped.__annotations__ = {**wrapped.__annotations__, "return": "FutureResult"}
    return wrapped


def _alike(returned: object, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The coroutine, as a `FutureResult` where the handler returned one, for the layers above may ask more of it."""
    if type(returned).__module__ != "returns.future":
        return coroutine
    from returns.future import FutureResult  # noqa: PLC0415  # costs a cold start 10 ms, which the handler has paid
    from returns.unsafe import unsafe_perform_io  # noqa: PLC0415  # as above

    async def inner() -> Any:
        return unsafe_perform_io(await coroutine)

    return FutureResult(inner())
