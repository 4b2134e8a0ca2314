"""The effect around which a function under test is built: it is performed, or it raises, as a schedule of failures says."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal, Protocol, TypeAlias, get_args, runtime_checkable

from batchfold.testing.context import Clock, Seconds
from batchfold.testing.refuse import described, refuse_other_kinds, refuse_other_words, refuse_text

_LONGEST_SHOWN = 40
_REPEATED_FROM = 3

LambdaFunction: TypeAlias = Callable[[Any, Any], Any]
"""The function that Lambda calls: from event and context to a response. `Any`, because it may come from any library."""

Attempt: TypeAlias = Literal["succeeds", "fails", "overruns"]
"""How an attempt at a record ends. One that overruns takes longer than the function has."""

AttemptEnd: TypeAlias = Literal["performed", "failed", "overran", "cut off", "settled", "counted"]
"""How an attempt ended. One that overran would have outlasted any timeout; one that was cut off began too late. A record
that was counted is in the state of a window, and performed when that window is finished."""


@runtime_checkable
class Effect(Protocol):
    """The effect of a function under test: it stands for the database, the queue or the API behind the function.

    A function calls it with the name of the record that it handles. The name is the record's payload, or the part of it
    where `payload=` put the name. The call returns, or it raises what the handler would see of a failure.
    """

    def __call__(self, name: str | bytes, /) -> None:
        """Perform the effect for this record.

        Raises:
            EffectFailed: The schedule lets this attempt fail (or what the test's `error=` makes instead).
            LookupError: No record has this name.
        """
        ...

    def settle(self, name: str | bytes, /) -> None:
        """Tell that the function is done with the record in another way: it is dead-lettered, discarded or not needed."""
        ...

    def step(self, name: str | bytes, /) -> None:
        """Count this record into the state of its window, or fail as the schedule says: for the step of `windowed`."""
        ...

    def finish(self, names: Iterable[str | bytes], /) -> None:
        """Finish a window whose state holds these records, all at once, or fail as the schedule says of any of them."""
        ...


MakeFunction: TypeAlias = Callable[[Effect], LambdaFunction]
"""From an effect to the function that has it."""


class EffectFailed(Exception):  # noqa: N818  # a record's failure, told in the words of the outcomes
    """The schedule let this attempt at the record fail."""


class CutOff(BaseException):
    """Lambda ends the function here. A `BaseException`, because no handler could go on in an environment that is gone."""


@dataclass(frozen=True)
class Attempted:
    """One attempt at a record within an invocation, and how it ended."""

    name: str
    came_to: AttemptEnd


@dataclass(frozen=True)
class FailureSchedule:
    """How each attempt at each record ends, by the record's name.

    `attempts` lists the first attempts of a record; all later ones succeed, unless the record is in `never_succeed`.

    Raises:
        TypeError: A text stands where a collection is expected: `("fails")` is text, `("fails",)` is a tuple.
        ValueError: An attempt is none of the words of `Attempt`.

    >>> once = FailureSchedule({"A1": ("fails",)})
    >>> once.attempt("A1", 0), once.attempt("A1", 1), once.attempt("B1", 0)
    ('fails', 'succeeds', 'succeeds')
    """

    attempts: Mapping[str, tuple[Attempt, ...]] = field(default_factory=dict[str, tuple[Attempt, ...]])
    never_succeed: AbstractSet[str] = frozenset()

    def __post_init__(self) -> None:
        refuse_other_kinds("attempts", self.attempts, Mapping, 'a mapping by name, such as {"A1": ("fails",)}')
        for name, listed in self.attempts.items():
            refuse_text(f"attempts[{name!r}]", listed, 'a tuple, such as ("fails",) with its comma', kind=Sequence)
            for number, attempt in enumerate(listed):
                refuse_other_words(f"attempts[{name!r}][{number}]", attempt, get_args(Attempt))
        refuse_text("never_succeed", self.never_succeed, 'a set of names, such as {"A1"}')

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the records in this schedule."""
        return tuple(dict.fromkeys((*self.attempts, *sorted(self.never_succeed, key=str))))

    def attempt(self, name: str, number: int) -> Attempt:
        """Return how the attempt with this number (the first is 0) at this record ends."""
        listed = self.attempts.get(name, ())
        if number < len(listed):
            return listed[number]
        return "fails" if name in self.never_succeed else "succeeds"

    def __str__(self) -> str:
        parts = [
            f"{name} {_in_words(attempts)}" for name, attempts in self.attempts.items() if {*attempts} - {"succeeds"}
        ]
        parts += [f"{name} never succeeds" for name in sorted(self.never_succeed)]
        return "; ".join(parts) or "nothing fails"


def _in_words(attempts: Sequence[Attempt]) -> str:
    if len(attempts) >= _REPEATED_FROM and len(set(attempts)) == 1:
        return f"{attempts[0]} {len(attempts)} times"
    return ", then ".join(attempts)


@dataclass(eq=False, repr=False)
class ScheduledEffect:
    """The effect that a run hands to the function under test. It notes what happened, and moves the clock.

    Threads may share it. `seconds` is how long each attempt takes; the clock adds them up, side by side or not.
    """

    schedule: FailureSchedule
    clock: Clock
    seconds: Seconds
    error: Callable[[str], Exception]
    numbers: dict[str, int]
    """How many attempts there were at each record."""
    strangers: list[str] = field(default_factory=list[str])
    """The arguments of calls that are the name of no record, as messages show them."""
    is_cut_off: bool = False
    """True once the invocation ended at its deadline."""
    _lock: Lock = field(default_factory=Lock)
    _attempted: list[Attempted] = field(default_factory=list[Attempted])
    _deadline: Seconds = 0.0
    _running: bool = False

    def begin(self, deadline: Seconds) -> None:
        """Begin an invocation that ends at this time of the clock, whatever the function does."""
        with self._lock:
            self._deadline = deadline
            self._attempted = []
            self._running = True
            self.is_cut_off = False

    def end(self) -> tuple[Attempted, ...]:
        """End the invocation, and return its attempts in order."""
        with self._lock:
            self._running = False
            return tuple(self._attempted)

    def __call__(self, name: object, /) -> None:
        """Perform the effect. As the others, it takes any object, so that a wrong argument can be described."""
        self._attempt([name], "performed")

    def step(self, name: object, /) -> None:
        """Count a record into the state of its window."""
        self._attempt([name], "counted")

    def finish(self, names: Iterable[object], /) -> None:
        """Finish a window: one effect for all of its records, which fails if any of them is to."""
        if known := list(names):
            self._attempt(known, "performed", is_finish=True)

    def _attempt(self, names: Sequence[object], success: AttemptEnd, *, is_finish: bool = False) -> None:
        with self._lock:
            known = [self._known(name) for name in names]
            ends = {name: self._next(name, is_finish=is_finish) for name in known}
            overrun = [name for name, end in ends.items() if end == "overruns"]
            failing = [name for name, end in ends.items() if end == "fails"]
            if overrun or self.clock.now + self.seconds > self._deadline:
                self.clock.advance(self._deadline - self.clock.now)
                self._attempted.append(Attempted((overrun or known)[0], "overran" if overrun else "cut off"))
                self.is_cut_off = True
                raise CutOff((overrun or known)[0])
            self.clock.advance(self.seconds)
            if failing:
                self._attempted.append(Attempted(failing[0], "failed"))
            else:
                self._attempted.extend(Attempted(name, success) for name in known)
        if failing:
            raise self.error(failing[0])

    def _next(self, name: str, *, is_finish: bool) -> Attempt:
        number = self.numbers[name]
        self.numbers[name] += 1
        # a record that never succeeds is in no state that could be finished
        is_over = is_finish and number >= len(self.schedule.attempts.get(name, ()))
        return "succeeds" if is_over else self.schedule.attempt(name, number)

    def settle(self, name: object, /) -> None:
        """Settle a record."""
        with self._lock:
            self._attempted.append(Attempted(self._known(name), "settled"))

    def _known(self, name: object) -> str:
        text = name.decode(errors="replace") if isinstance(name, bytes) else name
        if not self._running:
            raise RuntimeError(
                f"The effect was called with {_told(text)} after the function had returned. Lambda freezes what still "
                "runs then, so the function must wait for it."
            )
        if self.is_cut_off:
            raise CutOff(_told(text))
        if not isinstance(text, str) or text not in self.numbers:
            self.strangers.append(_told(text))
            raise LookupError(
                f"The effect was called with {_told(text)}, but the records are {', '.join(self.numbers)}. Call it with "
                "the name: with the record's payload, or with the part of it where payload= put the name."
            )
        return text


def _told(given: object) -> str:
    """Return a short text as it is, for it may be a name; describe anything else by its type, for it may be a payload."""
    if not isinstance(given, str):
        return described(given)
    return repr(given) if len(given) <= _LONGEST_SHOWN else f"a text of {len(given)} characters"
