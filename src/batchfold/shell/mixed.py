"""Mixed handlers, and mixed `settle`s: they return a `Result` for one record, and an awaitable of one for another.

A layer that answers for some records by itself, over a handler that nothing but a call can tell to be async, makes one.
A Lambda function goes by what was returned first, and must be right about all the others as well.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any

from returns.result import Failure, Success

from batchfold.core.returned import close_unawaited, is_awaitable

RESULTS = frozenset[type]((Success, Failure))
"""What most handlers return, told at sight: any other question takes longer."""


def awaitable_from(handler: Callable[[Any], Any]) -> Callable[[Any], Awaitable[Any]]:
    """The handler for an async run: what it returns at once is there at once for whoever awaits it."""

    def handle(record: Any) -> Awaitable[Any]:
        returned = handler(record)
        return returned if is_awaitable(returned) else _Ready(returned)

    return handle


class OnLoop:
    """Awaits what a function has returned to be awaited, on this thread's loop, for a sequential run.

    `has_awaited` tells whether there was any such thing.
    """

    def __init__(self) -> None:
        self.has_awaited = False

    def results_of(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The same function, without anything to be awaited."""

        def call(given: Any) -> Any:
            returned = function(given)
            return returned if type(returned) in RESULTS else self.result(returned)

        return call

    def result(self, returned: Any) -> Any:
        """What was returned, or what comes of awaiting it."""
        if not is_awaitable(returned):
            return returned
        from batchfold.shell.loop import run_on_loop  # noqa: PLC0415  # asyncio costs a cold start 30 ms

        self.has_awaited = True
        try:
            return run_on_loop(_ended(returned))
        finally:
            forget(returned)  # where no loop could run it, nobody has awaited it


def forget(awaitable: object) -> None:
    """Spare the user a warning about what was never awaited."""
    close_unawaited(getattr(awaitable, "_inner_value", awaitable))  # a FutureResult keeps a coroutine inside


async def _ended(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


class _Ready:
    def __init__(self, returned: object) -> None:
        self._returned = returned

    def __await__(self) -> Generator[None, None, object]:
        yield from ()
        return self._returned
