"""The history of a run: each delivery of each record, what became of it, and what went wrong on the way."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import get_args

from batchfold.testing.context import Seconds
from batchfold.testing.model.answer import Answer, Reading
from batchfold.testing.model.delivery import Removal
from batchfold.testing.model.effect import Attempted, AttemptEnd
from batchfold.testing.refuse import refuse_other_kinds, refuse_other_words


class Fate(Enum):
    """What became of a record in the end. A record whose effect was performed is done, wherever it ended."""

    DONE = "done"
    SETTLED = "settled"
    """The function took care of it by itself, with `Effect.settle`."""
    DEAD_LETTER = "dead-letter, after it had been started"
    DEAD_LETTER_UNSTARTED = "dead-letter, never started"
    DISCARDED = "discarded, after it had been started"
    DISCARDED_UNSTARTED = "discarded, never started"
    LOST = "lost"
    """Lambda was told that it is done, and it is not."""
    STILL_THERE = "still in the source"


@dataclass(frozen=True)
class Invocation:
    """One invocation: what was delivered, attempted and answered, and what then left the source.

    `number` counts from 1. `at` and `ended_at` are the model's time in seconds. `receive_counts` says how often each
    delivered record has been delivered by now.
    """

    number: int
    at: Seconds
    ended_at: Seconds
    delivered: tuple[str, ...]
    receive_counts: tuple[int, ...]
    attempted: tuple[Attempted, ...]
    answer: Answer
    reading: Reading
    removed: tuple[tuple[str, Removal], ...]
    shown_answer: str
    """The answer with item identifiers shown as the names of their records."""

    def that(self, came_to: AttemptEnd) -> tuple[str, ...]:
        """The names of the records whose attempts came to this, in order."""
        refuse_other_words("What an attempt came to", came_to, get_args(AttemptEnd))
        return tuple(attempted.name for attempted in self.attempted if attempted.came_to == came_to)


@dataclass(frozen=True)
class Repeat:
    """An effect that was performed although it had been before; to settle a record counts as one.

    `needed` tells whether Lambda left no choice; `promise.py` says when that is so.
    """

    name: str
    invocation: int
    needed: bool


@dataclass(frozen=True)
class OrderViolation:
    """An effect that was performed while an earlier record of its lane was still to come."""

    name: str
    before: str
    invocation: int


@dataclass(frozen=True)
class History:
    """What happened in a run, from the first delivery until the source was drained or the limit was reached.

    `fates` has every record of the source, by name. `strangers` is what the function called its effect with although it
    is the name of no record: a short text as it is written in Python, anything else by its type. `tell(history)` is the
    whole story, readable.
    """

    title: str
    records: tuple[str, ...]
    invocations: tuple[Invocation, ...]
    fates: Mapping[str, Fate]
    repeats: tuple[Repeat, ...]
    order_violations: tuple[OrderViolation, ...]
    strangers: tuple[str, ...]
    drained: bool

    @property
    def invocation_count(self) -> int:
        """How often the function was invoked."""
        return len(self.invocations)

    @property
    def repeated_effects(self) -> int:
        """How many effects were performed again, needed or not."""
        return len(self.repeats)

    @property
    def needless_repeats(self) -> tuple[Repeat, ...]:
        """The repeats that nothing made necessary."""
        return tuple(repeat for repeat in self.repeats if not repeat.needed)

    def with_fate(self, *fates: Fate) -> tuple[str, ...]:
        """The names of the records that came to one of these ends, in arrival order."""
        for fate in fates:
            refuse_other_kinds("A fate", fate, Fate, "one of Fate, such as Fate.LOST")
        return tuple(name for name in self.records if self.fates[name] in fates)

    @property
    def lost(self) -> tuple[str, ...]:
        """The records that Lambda was told to forget although nothing was done about them."""
        return self.with_fate(Fate.LOST)

    @property
    def never_started(self) -> tuple[str, ...]:
        """The records that were given up, to dead letters or altogether, without having been started once."""
        return self.with_fate(Fate.DEAD_LETTER_UNSTARTED, Fate.DISCARDED_UNSTARTED)

    def removed_as(self, removal: Removal) -> tuple[str, ...]:
        """The names of the records that left the source in this way, in the order in which they did."""
        refuse_other_words("A removal", removal, get_args(Removal))
        return tuple(name for each in self.invocations for name, how in each.removed if how == removal)
