"""Task factories written by hand, one of which the second argument names."""

import asyncio
import sys
from asyncio import tasks
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

from tests.world.programs.runs import run
from tests.world.programs.tool import Tool

T = TypeVar("T")


class TaskFactory(Tool):
    """A tool that sets a task factory on the running loop, as AWS's and Sentry's set theirs."""

    def __init__(self) -> None:
        self.created = 0

    def enter_loop(self) -> None:
        asyncio.get_running_loop().set_task_factory(self)

    def __call__(self, loop: asyncio.AbstractEventLoop, coroutine: Any, /, **options: Any) -> asyncio.Task[Any]:
        self.created += 1
        return self.create(loop, coroutine, **options)

    def create(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        """Create the task."""
        return asyncio.Task(coroutine, loop=loop, **options)

    def was_there(self) -> bool:
        return self.created > 0


class Wrapping(TaskFactory):
    """Wraps the coroutine in another one."""

    def create(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        return super().create(loop, self.wrapped(coroutine), **options)

    async def wrapped(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine, wrapped."""
        return await coroutine


class Late(Wrapping):
    """Wraps the coroutine in another one, which does something else first."""

    async def wrapped(self, coroutine: Coroutine[Any, Any, T]) -> T:
        await asyncio.sleep(0)
        return await coroutine


class Raising(Wrapping):
    """Wraps the coroutine in another one, which raises when all is done."""

    async def wrapped(self, coroutine: Coroutine[Any, Any, T]) -> T:
        await coroutine
        raise ConnectionError("the collector of traces is down")


class Dropping(Wrapping):
    """Wraps the coroutine in another one, which never awaits it."""

    async def wrapped(self, coroutine: Coroutine[Any, Any, T]) -> Any:
        coroutine.close()


class WithoutContext(TaskFactory):
    """Takes nothing but a loop and a coroutine, as AWS's X-Ray SDK does."""

    def __call__(self, loop: asyncio.AbstractEventLoop, coroutine: Any, /) -> asyncio.Task[Any]:  # type: ignore[override]  # that is the point
        self.created += 1
        return asyncio.Task(coroutine, loop=loop)


class Eager(TaskFactory):
    """Runs a task to its first suspension as it is created, as `asyncio.eager_task_factory` does from Python 3.12 on."""

    def create(self, loop: Any, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        if sys.version_info >= (3, 12):
            return asyncio.eager_task_factory(loop, coroutine, **options)
        task = super().create(loop, coroutine, **options)
        if not loop.is_running():
            return task
        creating = asyncio.current_task(loop)
        first_step = loop._ready.pop()
        if creating is not None:
            tasks._leave_task(loop, creating)
        try:
            first_step._run()
        finally:
            if creating is not None:
                tasks._enter_task(loop, creating)
        return task


class Failing(TaskFactory):
    """Fails: at the fourth task in the first invocation, at the first task in the second, and never in the third."""

    def __init__(self) -> None:
        super().__init__()
        self._left: int | None = None

    @contextmanager
    def invocation(self, nth: int) -> Generator[None]:
        self._left = {0: 4, 1: 1}.get(nth)
        try:
            yield
        finally:
            self._left = None

    def create(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                raise ConnectionError("the factory has no more tasks")
        return super().create(loop, coroutine, **options)


FACTORIES = {
    "wrapping": Wrapping,
    "late": Late,
    "raising": Raising,
    "dropping": Dropping,
    "without context": WithoutContext,
    "eager": Eager,
    "failing": Failing,
}

if __name__ == "__main__":
    run(FACTORIES[sys.argv[2]]())
