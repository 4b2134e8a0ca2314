"""The effect around which a function under test is built: it happens, or raises, as the schedule has it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from batchfold.testing.context import Clock, Seconds
from batchfold.testing.model.failure_schedule import FailureSchedule
from batchfold.testing.refuse import described

_LONGEST_SHOWN = 40

LambdaFunction: TypeAlias = Callable[[Any, Any], Any]
"""What Lambda calls: from event and context to a response. `Any`, because it may come from any library."""


@runtime_checkable
class Effect(Protocol):
    """What a function under test does with a record: it stands for the database, the queue or the API behind it.

    A function calls it with the name of the record it handles, which is the record's payload, or where the payload
    that the test asked for put it. The call returns, or it raises what the handler would see of a failure.
    """

    def __call__(self, name: str | bytes, /) -> None:
        """Do to the record what the function is there for.

        Raises:
            EffectFailed: The schedule has this attempt fail (or what the test's `error=` makes instead).
            LookupError: No record has this name.
        """
        ...

    def settle(self, name: str | bytes, /) -> None:
        """Say that the function itself has taken care of the record: it was sent to the dead letters, for example."""
        ...


MakeFunction: TypeAlias = Callable[[Effect], LambdaFunction]
"""From an effect to the function that has it."""


class EffectFailed(Exception):  # noqa: N818  # a record's failure, told in the words of the outcomes
    """The schedule had this attempt at the record fail."""


class CutOff(BaseException):
    """Lambda ends the function here. Nothing catches it, as nothing could go on in an environment that is gone."""


AttemptEnd: TypeAlias = Literal["performed", "failed", "overran", "cut off", "settled"]
"""What an attempt came to. One that overran would have outlasted any timeout; one that was cut off began too late."""


@dataclass(frozen=True)
class Attempted:
    """One attempt at a record within an invocation, and what it came to."""

    name: str
    came_to: AttemptEnd


class ScheduledEffect:
    """The effect that a run hands to the function under test. It notes what happened, and lets the clock go on.

    Threads may share it. `seconds` is what each attempt takes; side by side or not, the clock counts their sum.
    """

    def __init__(
        self,
        names: Collection[str],
        schedule: FailureSchedule,
        *,
        clock: Clock,
        seconds: Seconds,
        error: Callable[[str], Exception],
    ) -> None:
        self._attempts = dict.fromkeys(names, 0)
        self._schedule = schedule
        self._clock = clock
        self._seconds = seconds
        self._error = error
        self._lock = Lock()
        self._deadline = clock.now
        self._attempted: list[Attempted] = []
        self._strangers: list[str] = []
        self._running = False
        self._is_cut_off = False

    def begin(self, deadline: Seconds) -> None:
        """An invocation begins; it ends at this time of the clock, whatever the function does."""
        with self._lock:
            self._deadline = deadline
            self._attempted = []
            self._running = True
            self._is_cut_off = False

    def end(self) -> tuple[Attempted, ...]:
        """The invocation is over: what was attempted in it, in order."""
        with self._lock:
            self._running = False
            return tuple(self._attempted)

    @property
    def is_cut_off(self) -> bool:
        """Whether the invocation ended at its deadline."""
        return self._is_cut_off

    @property
    def strangers(self) -> tuple[str, ...]:
        """What the function called the effect with although it is the name of no record, as it is told."""
        return tuple(self._strangers)

    def __call__(self, name: object, /) -> None:
        """See `Effect`. It takes anything, so that what is no name can be told."""
        with self._lock:
            known = self._known(name)
            number = self._attempts[known]
            self._attempts[known] += 1
            attempt = self._schedule.attempt(known, number)
            if attempt == "overruns" or self._clock.now + self._seconds > self._deadline:
                self._clock.advance(self._deadline - self._clock.now)
                self._attempted.append(Attempted(known, "overran" if attempt == "overruns" else "cut off"))
                self._is_cut_off = True
                raise CutOff(known)
            self._clock.advance(self._seconds)
            self._attempted.append(Attempted(known, "failed" if attempt == "fails" else "performed"))
        if attempt == "fails":
            raise self._error(known)

    def settle(self, name: object, /) -> None:
        """See `Effect`. It takes anything, as above."""
        with self._lock:
            self._attempted.append(Attempted(self._known(name), "settled"))

    def _known(self, name: object) -> str:
        text = name.decode(errors="replace") if isinstance(name, bytes) else name
        if not self._running:
            raise RuntimeError(
                f"The effect was called with {_told(text)} after the function had returned. Lambda freezes what still "
                "runs then, so the function must wait for it."
            )
        if self._is_cut_off:
            raise CutOff(_told(text))
        if not isinstance(text, str) or text not in self._attempts:
            self._strangers.append(_told(text))
            raise LookupError(
                f"The effect was called with {_told(text)}, but the records are {', '.join(self._attempts)}. Call it with "
                "the name: with the record's payload, or with the part of it where payload= put the name."
            )
        return text


def _told(given: object) -> str:
    """Text that may be a name as it is, and anything else by what it is: it may be a payload."""
    if not isinstance(given, str):
        return described(given)
    return repr(given) if len(given) <= _LONGEST_SHOWN else f"a text of {len(given)} characters"
