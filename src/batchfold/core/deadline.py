"""The deadline: the moment from which no record is started or settled, so that the response is still returned in time."""

from __future__ import annotations

from collections.abc import Callable


class Deadline:
    """The deadline of one run: a part of the invocation's time is kept in reserve.

    `remaining_ms` is the clock: it tells the milliseconds that are left of the invocation.
    """

    __slots__ = ("_any_started", "_remaining_ms", "_reserve_ms", "has_stopped")

    def __init__(self, remaining_ms: Callable[[], int], reserve_ms: int) -> None:
        self._remaining_ms = remaining_ms
        self._reserve_ms = reserve_ms
        self._any_started = False
        self.has_stopped = False

    def may_start(self) -> bool:
        """Return whether time allows another record: the first one always, so that there is progress."""
        if self._any_started and self._remaining_ms() <= self._reserve_ms:
            self.has_stopped = True
            return False
        self._any_started = True
        return True

    def may_settle(self) -> bool:
        """Return whether time allows to settle a record: only before the reserve is reached."""
        return self._remaining_ms() > self._reserve_ms

    def ms_before_reserve(self) -> int:
        """Return the milliseconds that are left until the reserve is reached."""
        return self._remaining_ms() - self._reserve_ms

    def ms_left(self) -> Callable[[], int]:
        """Return what tells the milliseconds for work after the handlers: up to the reserve.

        Where little more than the reserve is left, half of the time is for that work.
        """
        remaining_ms = self._remaining_ms
        kept = min(self._reserve_ms, remaining_ms() // 2)
        return lambda: remaining_ms() - kept

    @property
    def why(self) -> str:
        """The reason why records were not started, for messages."""
        return f"only the reserve of {self._reserve_ms} ms was left of the invocation's time"
