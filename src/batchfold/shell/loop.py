"""The event loop of a Lambda function: one for each thread, kept across warm invocations.

A client that is bound to a loop survives an invocation only if the loop does. Nothing else is kept.
"""

import asyncio
import threading
import weakref
from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any, TypeVar

T = TypeVar("T")


class _Keeper:
    """Holds a thread's loop; closes it when the thread has ended, or at the interpreter's exit."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        weakref.finalize(self, self.runner.close)


_of_thread = threading.local()


def run_on_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on this thread's loop, in a copy of the caller's context variables.

    Raises `RuntimeError` where a loop runs already, and where the coroutine was cancelled from inside: a `CancelledError`
    that left the Lambda function would end the runtime's process.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        coroutine.close()
        raise RuntimeError(
            "a Lambda function made of an async handler runs its own event loop and was called where one is running: "
            "await process_batch_async(event, handler, source) there"
        )
    keeper: _Keeper | None = getattr(_of_thread, "keeper", None)
    if keeper is None:
        keeper = _of_thread.keeper = _Keeper()
    try:
        return keeper.runner.run(coroutine, context=copy_context())
    except asyncio.CancelledError as error:
        raise RuntimeError("a handler cancelled the run that it is part of; the whole batch comes back") from error
