"""`Tool`: what a program says of the tool that it runs batchfold under."""

from collections.abc import Callable, Generator
from contextlib import contextmanager


class Tool:
    """A tool around the runs of a process. This one does nothing; each program overrides what its own tool does."""

    def enter_loop(self) -> None:
        """Install the tool on the running event loop. It may be there already."""

    @contextmanager
    def invocation(self, nth: int) -> Generator[None]:
        """Surround one invocation: with a span, say."""
        del nth
        yield

    @contextmanager
    def batch(self) -> Generator[None]:
        """Surround a batch that is awaited, inside its event loop."""
        yield

    @contextmanager
    def record(self) -> Generator[Callable[[], bool]]:
        """Surround the work on one record. What it yields tells whether the tool sees that record, and it alone."""
        yield lambda: True

    def was_there(self) -> bool:
        """Return whether the tool had a part in the async runs, so that a test of it cannot pass without it."""
        return True
