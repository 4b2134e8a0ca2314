"""The event loop of a Lambda function: one for each thread, kept across warm invocations.

A client that is bound to a loop survives an invocation only if the loop does. Nothing else is kept.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Coroutine
from inspect import CORO_CLOSED, getcoroutinestate
from typing import Any, TypeVar

T = TypeVar("T")


class _Kept:
    """Holds the loop of a thread, and closes it when the thread has ended, or at the interpreter's exit."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.close = weakref.finalize(self, _close, self.loop)
        asyncio.set_event_loop(self.loop)


_of_thread = threading.local()


def run_on_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on this thread's loop, in a copy of the caller's context variables.

    Raises `RuntimeError` where a loop runs already, and where the coroutine was cancelled from inside: a `CancelledError`
    that left the Lambda function would end the runtime's process.

    `asyncio.Runner` would do the same, but swaps signal handlers in each invocation (40 us), and passes `context=` to task
    factories that do not take it.
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
    kept: _Kept | None = getattr(_of_thread, "kept", None)
    if kept is None or kept.loop.is_closed():  # the user closed it: a closed loop runs nothing any more
        kept = _of_thread.kept = _Kept()
    try:
        return kept.loop.run_until_complete(coroutine)
    except asyncio.CancelledError as error:
        raise RuntimeError("a handler cancelled the run that it is part of; the whole batch comes back") from error
    finally:
        if getcoroutinestate(coroutine) != CORO_CLOSED:
            # Ctrl-C or `loop.stop()` ended the loop before the run. On a loop that is kept, its handlers would go on in
            # the next invocation; closing cancels them and waits for them
            del _of_thread.kept
            try:
                kept.close()
            finally:
                coroutine.close()  # it may never have come to run


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel the tasks that are left on the loop, wait for them, and close the loop.

    Threads of the loop's default executor are not waited for: a thread that is ending and an interpreter at its exit
    cannot start the thread that would wait.
    """
    if loop.is_closed() or loop.is_running():  # at exit a daemon thread may still be running its own
        return
    loop.set_task_factory(None)  # a tool's factory that fails must not keep the loop open
    try:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
