"""An event loop whose time is virtual: where a real one would wait, its clock is put forward. Nothing ever sleeps."""

import asyncio
from collections.abc import Coroutine
from selectors import SelectorKey, SelectSelector
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop on which every run of the same tasks is the same run."""

    def __init__(self) -> None:
        self.clock = _Clock()
        super().__init__(self.clock)

    def time(self) -> float:
        """Seconds since the loop was made, though none has passed."""
        return self.clock.now


class _Clock(SelectSelector):
    """Put forward by as long as the loop would have waited for input."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        assert timeout is not None, "the loop would wait for ever: nothing is scheduled that could wake it"
        self.now += timeout
        return []


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of its own, and see to it that it left nothing behind."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        try:
            return runner.run(main)
        finally:
            assert not asyncio.all_tasks(loop)


def now() -> float:
    """The virtual time."""
    return asyncio.get_running_loop().time()
