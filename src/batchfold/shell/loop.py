"""The event loop of a Lambda function: one for each thread, kept across warm invocations.

A client that is bound to a loop survives an invocation only if the loop does. Nothing else is kept.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Coroutine
from contextvars import copy_context
from inspect import CORO_CLOSED, getcoroutinestate
from typing import Any, TypeVar

T = TypeVar("T")


class _Keeper:
    """Holds a thread's loop; closes it when the thread has ended, or at the interpreter's exit."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.close = weakref.finalize(self, _close, self.runner)


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
    if keeper is None or keeper.runner.get_loop().is_closed():  # closed by the user: there is no going on with it
        keeper = _of_thread.keeper = _Keeper()
    try:
        return keeper.runner.run(coroutine, context=copy_context())
    except asyncio.CancelledError as error:
        raise RuntimeError("a handler cancelled the run that it is part of; the whole batch comes back") from error
    finally:
        if getcoroutinestate(coroutine) != CORO_CLOSED:
            # the loop was stopped under it (`loop.stop()`, a second Ctrl-C). On a loop that is kept, its handlers would go
            # on in the next invocation; closing cancels them and waits for them
            del _of_thread.keeper
            keeper.close()
            coroutine.close()  # it may never have come to run


def _close(runner: asyncio.Runner) -> None:
    """Cancel what is left on the loop, wait for it, and close the loop.

    `Runner.close` would start a thread to wait for those of the loop's default executor. A thread that is ending and an
    interpreter at its exit start none; there they end by themselves.
    """
    loop = runner.get_loop()
    if loop.is_closed() or loop.is_running():  # at exit a daemon thread may still be running its own
        return
    try:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
