"""Calls to AWS for a whole batch, after its handlers: side by side, no longer than there is time, and logged in few lines.

The records are handled by then, so waiting is what can still be lost: a function that is cut off repeats all of them.
Everything that decides how many calls are made, when none is begun any more, and what is logged of it lives in this file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextvars import copy_context
from threading import Lock, Thread
from typing import Generic, NamedTuple, TypeVar

C = TypeVar("C")

CALLS_AT_ONCE = 10
"""The number of calls that are made side by side."""

_MOST_LINES = 3
"""The number of problems of one kind that are logged one by one."""

_MOST_NAMES = 10
"""The number of records that one line names."""


class Problem(NamedTuple):
    """Records for which a call did not do what it was made for."""

    kind: str
    names: tuple[str, ...]
    why: str | None = None
    error: Exception | None = None


class Calls(Generic[C]):
    """The calls for one batch, made by threads that end with the batch's last call.

    `make` makes one call. It returns what went wrong for single records, and raises for what concerns the whole call.
    `names_of` says which records a call is about.

    No call begins once the reserve is reached, or after the service could not be reached. A call that is under way at the
    reserve is left to its own time-out: waiting for it could cost the whole invocation.
    """

    def __init__(
        self,
        calls: Iterable[C],
        make: Callable[[C], Sequence[Problem]],
        names_of: Callable[[C], Iterable[str]],
        ms_left: Callable[[], int] | None,
    ) -> None:
        self._waiting = deque(calls)
        self._make = make
        self._names_of = names_of
        self._ms_left = ms_left
        self._under_way: list[C] = []
        self._problems: list[Problem] = []
        self._stopped_by: str | None = None
        self._lock = Lock()

    def to_the_end(self) -> Sequence[Problem]:
        """Make the calls; return all problems when the last has ended, or when the reserve is reached."""
        threads: list[Thread] = []
        for number in range(min(CALLS_AT_ONCE, len(self._waiting))):
            # in a copy of the context, for tools that trace calls; daemons, for one that is left must not keep the process
            thread = Thread(target=copy_context().run, args=(self._work,), name=f"batchfold-{number}", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the environment has no more threads; the ones that run do the work
                break
            threads.append(thread)
        if not threads:
            self._work()
        for thread in threads:
            while thread.is_alive() and not self._is_out_of_time():
                thread.join(None if self._ms_left is None else max(self._ms_left(), 1) / 1000)
        with self._lock:
            problems = list(self._problems)  # a thread that was left adds to a list that nobody reads
            for calls, why in ((self._waiting, self._stopped_by), (self._under_way, "no answer came in time")):
                if names := tuple(name for call in calls for name in self._names_of(call)):
                    problems.append(Problem("not done", names, why))
        return problems

    def _work(self) -> None:
        while (call := self._next()) is not None:
            try:
                problems = self._make(call)
            except Exception as error:  # noqa: BLE001  # the next call may fare better
                if is_unreachable(error):
                    self._stopped_by = "the service could not be reached before"
                problems = [Problem(type(error).__name__, tuple(self._names_of(call)), error=error)]
            with self._lock:
                self._under_way.remove(call)
                self._problems += problems

    def _next(self) -> C | None:
        if self._is_out_of_time():
            return None
        with self._lock:
            if self._stopped_by is not None or not self._waiting:
                return None
            call = self._waiting.popleft()
            self._under_way.append(call)
            return call

    def _is_out_of_time(self) -> bool:
        if self._ms_left is None or self._ms_left() > 0:
            return False
        self._stopped_by = self._stopped_by or "no time was left"
        return True


def is_unreachable(error: BaseException) -> bool:
    """Return whether an error says that the service was not reached, so that the next call would fare no better.

    Connections, time-outs, credentials and regions are boto3's `BotoCoreError`. A `ClientError` is an answer, and a
    `ParamValidationError` concerns one request.
    """
    # by name, for boto3 is imported only where it is used
    names = {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__}
    if "botocore.exceptions.BotoCoreError" in names:
        return "botocore.exceptions.ParamValidationError" not in names
    return isinstance(error, OSError)


def log_problems(problems: Iterable[Problem], what: str) -> None:
    """Write the first problems of each kind, one with its traceback, and how many records the others are about.

    `what` says what becomes of the records, which stand where its `{}` is. It never raises an `Exception`.
    """
    by_kind: dict[str, list[Problem]] = {}
    for problem in problems:
        by_kind.setdefault(problem.kind, []).append(problem)
    if not by_kind:
        return
    from batchfold.core.redaction import escape  # noqa: PLC0415  # for those who have something to say
    from batchfold.shell.failure_log import log_aside  # noqa: PLC0415  # for those who have something to say

    for kind, of_kind in by_kind.items():
        for at, problem in enumerate(of_kind[:_MOST_LINES]):
            message = f"{what.format(_listed(problem.names))} ({escape(problem.why or kind)})"
            log_aside(message, None if at else problem.error)
        if more := sum(len(problem.names) for problem in of_kind[_MOST_LINES:]):
            log_aside(f"{what.format(f'{more} more records')} ({escape(kind)})")


def _listed(names: Sequence[str]) -> str:
    shown, more = names[:_MOST_NAMES], len(names) - _MOST_NAMES
    return f"record{'s' * (len(names) > 1)} {', '.join(shown)}{f' and {more} more' if more > 0 else ''}"
