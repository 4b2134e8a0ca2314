"""Stopping: what Ctrl-C and SIGTERM do to a command that goes on until it is told to end.

The first signal ends waiting at once and lets a running function end; the second one ends the function too. What must be
done as a whole (deleting messages, writing a checkpoint) is never cut in two.
"""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from batchfold.cli.call import Interrupted

_ANY_NUMBER = 1_000_000


class Stopping:
    """The signals that have asked the command to end."""

    def __init__(self) -> None:
        self._signals: list[int] = []
        self._tolerated = _ANY_NUMBER

    @property
    def is_asked(self) -> bool:
        """Return whether a signal has come."""
        return bool(self._signals)

    @contextmanager
    def heeded(self) -> Generator[None, None, None]:
        """Take the signals that ask a command to end, for as long as the context lasts."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may say what signals do
            return
        asking = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
        before = {number: signal.getsignal(number) for number in asking}
        # one that is ignored stays so, as nohup has it
        taken = [number for number in asking if before[number] is not signal.SIG_IGN]
        for number in taken:
            signal.signal(number, self._take)
        try:
            yield
        finally:
            for number in taken:
                signal.signal(number, before[number] or signal.SIG_DFL)

    @contextmanager
    def waiting(self) -> Generator[None, None, None]:
        """A part that the first signal ends at once, by `Interrupted`."""
        with self._tolerating(0):
            yield

    @contextmanager
    def running(self) -> Generator[None, None, None]:
        """A part that begins only if no signal has come, and that the second one ends."""
        self.check()
        with self._tolerating(1):
            yield

    def check(self) -> None:
        """Raise `Interrupted` if a signal has come."""
        if self._signals:
            raise Interrupted(self._signals[0])

    @contextmanager
    def _tolerating(self, count: int) -> Generator[None, None, None]:
        try:
            self._tolerated = count
            if len(self._signals) > count:  # one that came just before
                self.check()
            yield
        finally:
            self._tolerated = _ANY_NUMBER

    def _take(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)
        if len(self._signals) > self._tolerated:
            raise Interrupted(self._signals[0])
