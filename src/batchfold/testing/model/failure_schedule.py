"""The schedule of failures: what each attempt at each record comes to."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from batchfold.testing.refuse import refuse_other_kinds, refuse_other_words, refuse_text

Attempt: TypeAlias = Literal["succeeds", "fails", "overruns"]
"""What an attempt at a record comes to. One that overruns takes longer than the function has."""


@dataclass(frozen=True)
class FailureSchedule:
    """What each attempt at each record comes to, by the record's name.

    `attempts` lists the first attempts of a record; all others succeed, unless the record is in `never_succeed`.

    Raises:
        TypeError: A text stands where a collection is expected: `("fails")` is one, `("fails",)` is none.
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
        """The names of the records that it speaks of."""
        return tuple(dict.fromkeys((*self.attempts, *sorted(self.never_succeed, key=str))))

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
