"""uvloop, by its policy."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvloop
from tests.world.programs.runs import run
from tests.world.programs.tool import Tool


class Uvloop(Tool):
    """All records are handled on a loop of uvloop's."""

    def __init__(self) -> None:
        self.loops = 0
        policy = uvloop.EventLoopPolicy()
        asyncio.set_event_loop_policy(policy)  # pyright: ignore[reportDeprecated]  # what users of uvloop do until 3.16

    def enter_loop(self) -> None:
        self.loops += isinstance(asyncio.get_running_loop(), uvloop.Loop)

    @contextmanager
    def record(self) -> Generator[Callable[[], bool]]:
        # records of synchronous handlers have no loop
        yield lambda: isinstance(asyncio._get_running_loop(), uvloop.Loop | None)

    def was_there(self) -> bool:
        return self.loops > 0


if __name__ == "__main__":
    run(Uvloop())
