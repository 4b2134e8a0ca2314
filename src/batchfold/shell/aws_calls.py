"""Calls to AWS for a whole batch, after its handlers: side by side, no longer than there is time, and logged in few lines.

The records are handled by then, so waiting is what can still be lost: a function that is cut off repeats all of them.
Everything that decides how many calls are made, when none is begun any more, and what is logged of it lives in this file.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextvars import copy_context
from threading import Lock, Thread
from typing import Any, NamedTuple

from batchfold.core._guards import is_list, is_mapping

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


class Entry(NamedTuple):
    """A part of a call: the queue or bucket that the call goes to, what it is asked, and the records that this is for."""

    place: str
    asked: Any
    names: tuple[str, ...]


def call_for_batch(
    entries: Iterable[Entry | Problem],
    most: int,
    call: Callable[[Sequence[Entry]], Iterable[Problem]],
    ms_left: Callable[[], int] | None,
    fate: str,
) -> None:
    """Make calls, and log what went wrong. It raises no `Exception`: the response must be returned, whatever happens here.

    Args:
        entries: what the calls are made of; a problem for a record that none can be made for.
        most: the number of entries that one call takes.
        call: makes one. It returns what went wrong for single entries, and raises for what concerns the whole call.
        ms_left: the time to the reserve, at which no call begins any more. One that is under way is left to its own
            time-out: waiting for it could cost the whole invocation.
        fate: what becomes of the records, which stand where its `{}` is.
    """
    found: list[Entry | Problem] = []
    try:
        found += entries
        problems = [each for each in found if isinstance(each, Problem)]
        calls = _in_calls([each for each in found if isinstance(each, Entry)], most)
        problems += _Calls(calls, call, ms_left).to_the_end()
    except Exception as error:  # noqa: BLE001  # logged below
        problems = [_raised(error, found)]
    _log(problems, fate)


async def call_for_batch_async(
    entries: Iterable[Entry],
    most: int,
    call: Callable[[Sequence[Entry]], Awaitable[Iterable[Problem]]],
    ms_left: Callable[[], int] | None,
    fate: str,
) -> None:
    """Await one call after the other, none after the reserve or one that could not reach the service.

    Otherwise as `call_for_batch`.
    """
    from asyncio import timeout  # noqa: PLC0415  # costs a cold start 30 ms; who is here has paid for it

    problems: list[Problem] = []
    left: list[Sequence[Entry]] = []
    try:
        left += _in_calls(entries, most)
        async with timeout(None if ms_left is None else max(ms_left(), 0) / 1000):
            while left:
                try:
                    problems += await call(left[0])
                except Exception as error:
                    if is_unreachable(error):
                        raise
                    problems.append(_raised(error, left[0]))
                del left[0]
    except Exception as error:  # noqa: BLE001  # logged below
        problems.append(_raised(error, [entry for entries in left for entry in entries]))
    _log(problems, fate)


def _in_calls(entries: Iterable[Entry], most: int) -> Iterator[Sequence[Entry]]:
    """Yield the entries of each call: those of one place, up to a number."""
    by_place: dict[str, list[Entry]] = {}
    for entry in entries:
        by_place.setdefault(entry.place, []).append(entry)
    for of_place in by_place.values():
        for start in range(0, len(of_place), most):
            yield of_place[start : start + most]


def refused(answer: object, field: str, service: str) -> Sequence[Any]:
    """Return the parts of a call that the service refused. Raises `TypeError` for an answer of another form."""
    found = answer.get(field, ()) if is_mapping(answer) else None
    if not is_list(found):
        raise TypeError(f"{service} answered with a {type(answer).__name__} that cannot be read")
    return found


def _raised(error: Exception, about: Iterable[Entry | Problem]) -> Problem:
    """Return the problem of entries that an exception kept from being asked."""
    names = tuple(name for each in about for name in each.names)
    return Problem(type(error).__name__, names or ("(unknown)",), error=error)


class _Calls:
    def __init__(
        self,
        calls: Iterable[Sequence[Entry]],
        call: Callable[[Sequence[Entry]], Iterable[Problem]],
        ms_left: Callable[[], int] | None,
    ) -> None:
        self._waiting = deque(calls)
        self._call = call
        self._ms_left = ms_left
        self._under_way: list[Sequence[Entry]] = []
        self._problems: list[Problem] = []
        self._stopped_by: str | None = None
        self._lock = Lock()

    def to_the_end(self) -> list[Problem]:
        """Make the calls in threads; return all problems when the last has ended, or when the reserve is reached."""
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
                if names := tuple(name for entries in calls for entry in entries for name in entry.names):
                    problems.append(Problem("not done", names, why))
        return problems

    def _work(self) -> None:
        while (entries := self._next()) is not None:
            try:
                problems = list(self._call(entries))
            except Exception as error:  # noqa: BLE001  # the next call may fare better
                if is_unreachable(error):
                    self._stopped_by = "the service could not be reached before"
                problems = [_raised(error, entries)]
            with self._lock:
                self._under_way.remove(entries)
                self._problems += problems

    def _next(self) -> Sequence[Entry] | None:
        if self._is_out_of_time():
            return None
        with self._lock:
            if self._stopped_by is not None or not self._waiting:
                return None
            self._under_way.append(self._waiting.popleft())
            return self._under_way[-1]

    def _is_out_of_time(self) -> bool:
        if self._ms_left is None or self._ms_left() > 0:
            return False
        self._stopped_by = self._stopped_by or "no time was left"
        return True


def is_unreachable(error: BaseException) -> bool:
    """Return whether an error says that the service was not reached, so that the next call would fare no better."""
    # By name, for boto3 is imported only where it is used. Connections, time-outs, credentials and regions are its
    # `BotoCoreError`. A `ClientError` is an answer, and a `ParamValidationError` concerns one request.
    names = {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__}
    if "botocore.exceptions.BotoCoreError" in names:
        return "botocore.exceptions.ParamValidationError" not in names
    return isinstance(error, OSError)


def _log(problems: Iterable[Problem], fate: str) -> None:
    """Write the first problems of each kind, one with its traceback, and how many records the others are about."""
    by_kind: dict[str, list[Problem]] = {}
    for problem in problems:
        by_kind.setdefault(problem.kind, []).append(problem)
    if not by_kind:
        return
    from batchfold.core.redaction import escape  # noqa: PLC0415  # for those who have something to say
    from batchfold.shell.failure_log import log_aside  # noqa: PLC0415  # for those who have something to say

    for kind, of_kind in by_kind.items():
        for at, problem in enumerate(of_kind[:_MOST_LINES]):
            message = f"{fate.format(_listed(problem.names))} ({escape(problem.why or kind)})"
            log_aside(message, None if at else problem.error)
        if more := sum(len(problem.names) for problem in of_kind[_MOST_LINES:]):
            log_aside(f"{fate.format(f'{more} more records')} ({escape(kind)})")


def _listed(names: Sequence[str]) -> str:
    shown, more = names[:_MOST_NAMES], len(names) - _MOST_NAMES
    return f"record{'s' * (len(names) > 1)} {', '.join(shown)}{f' and {more} more' if more > 0 else ''}"
