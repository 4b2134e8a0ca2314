"""The schedule of failures: what each attempt at each record comes to."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Attempt: TypeAlias = Literal["succeeds", "fails", "overruns"]
"""What an attempt at a record comes to. One that overruns takes longer than the function has."""


@dataclass(frozen=True)
class FailureSchedule:
    """What each attempt at each record comes to, by the record's name.

    `attempts` lists the first attempts of a record; all others succeed, unless the record is in `never_succeed`.

    >>> once = FailureSchedule({"A1": ("fails",)})
    >>> once.attempt("A1", 0), once.attempt("A1", 1), once.attempt("B1", 0)
    ('fails', 'succeeds', 'succeeds')
    """

    attempts: Mapping[str, tuple[Attempt, ...]] = field(default_factory=dict[str, tuple[Attempt, ...]])
    never_succeed: AbstractSet[str] = frozenset()

    def attempt(self, name: str, number: int) -> Attempt:
        """What the attempt with this number (the first is 0) at this record comes to."""
        listed = self.attempts.get(name, ())
        if number < len(listed):
            return listed[number]
        return "fails" if name in self.never_succeed else "succeeds"

    def __str__(self) -> str:
        parts = [
            f"{name} {', then '.join(attempts)}"
            for name, attempts in self.attempts.items()
            if any(attempt != "succeeds" for attempt in attempts)
        ]
        parts += [f"{name} never succeeds" for name in sorted(self.never_succeed)]
        return "; ".join(parts) or "nothing fails"
