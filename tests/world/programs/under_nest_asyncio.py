"""nest_asyncio, which lets a handler run a loop that is running."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager

import nest_asyncio
from tests.world.programs.runs import run
from tests.world.programs.tool import Tool


class NestAsyncio(Tool):
    """Handlers run the loop that they run on."""

    def __init__(self) -> None:
        self.nested = 0
        asyncio.set_event_loop(asyncio.new_event_loop())
        nest_asyncio.apply()

    @contextmanager
    def record(self) -> Generator[Callable[[], bool]]:
        yield self._run_nested

    def _run_nested(self) -> bool:
        loop = asyncio._get_running_loop()
        if loop is not None:
            self.nested += loop.run_until_complete(asyncio.sleep(0, result=1))
        return True

    def was_there(self) -> bool:
        return self.nested > 0


if __name__ == "__main__":
    run(NestAsyncio())
