"""The history of a run: each delivery of each record, how it ended, and the story of it for people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, get_args

from batchfold.testing.answers import Answer, CompleteFailure, PartialFailure, Reading, Returned
from batchfold.testing.context import Seconds
from batchfold.testing.effect import Attempted, AttemptEnd
from batchfold.testing.event_source import Removal
from batchfold.testing.promise import OrderViolation, Repeat
from batchfold.testing.refuse import refuse_other_kinds, refuse_other_numbers, refuse_other_words

_VERBS: dict[Removal, str] = {
    "done": "takes as done",
    "dead-letter": "moves to the dead letters",
    "discarded": "discards",
    "archived": "archives",
    "error output": "writes to the error output",
}
_LONGEST_ANSWER = 300
_MOST_NAMES = 12


class Fate(Enum):
    """How a record ended. A record whose effect was performed is done, wherever it ended."""

    DONE = "done"
    SETTLED = "settled"
    """The function took care of it in another way, and told so with `Effect.settle`."""
    DEAD_LETTER = "dead-letter, after it had been started"
    DEAD_LETTER_UNSTARTED = "dead-letter, never started"
    DISCARDED = "discarded, after it had been started"
    DISCARDED_UNSTARTED = "discarded, never started"
    ERROR_OUTPUT = "in the error output, after it had been started"
    ERROR_OUTPUT_UNSTARTED = "in the error output, never started"
    UNDELIVERED = "in the error output, although its effect was performed"
    LOST = "lost"
    """Lambda was told that it is done, and it is not."""
    STILL_THERE = "still in the source"


@dataclass(frozen=True)
class Invocation:
    """One invocation: its batch, its attempts, its answer, and the records that then left the source.

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
        """Return the names of the records whose attempts ended in this way, in order."""
        refuse_other_words("What an attempt came to", came_to, get_args(AttemptEnd))
        return tuple(attempted.name for attempted in self.attempted if attempted.came_to == came_to)


@dataclass(frozen=True)
class History:
    """A run, from the first delivery until the source was drained or the limit was reached.

    `fates` has every record of the source, by name. `strangers` are the arguments of calls of the effect that are the
    name of no record: a short text as it is written in Python, anything else by its type. `destination` are the
    documents that a stream's mapping sent to its on-failure destination. `tell(history)` is the whole story, readable.
    """

    title: str
    records: tuple[str, ...]
    invocations: tuple[Invocation, ...]
    fates: Mapping[str, Fate]
    repeats: tuple[Repeat, ...]
    order_violations: tuple[OrderViolation, ...]
    strangers: tuple[str, ...]
    drained: bool
    destination: tuple[Mapping[str, Any], ...] = ()
    removed_at_once: tuple[tuple[str, Removal], ...] = ()
    """The records that left the source before anything was delivered, because they were too old."""

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
        """Return the names of the records that ended in one of these ways, in arrival order."""
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
        return self.with_fate(Fate.DEAD_LETTER_UNSTARTED, Fate.DISCARDED_UNSTARTED, Fate.ERROR_OUTPUT_UNSTARTED)

    def removed_as(self, removal: Removal) -> tuple[str, ...]:
        """Return the names of the records that left the source in this way, in the order in which they did."""
        refuse_other_words("A removal", removal, get_args(Removal))
        everything = (self.removed_at_once, *(each.removed for each in self.invocations))
        return tuple(name for removed in everything for name, how in removed if how == removal)


def tell(history: History, *, most_invocations: int | None = None) -> str:
    """Return the history as text of several lines: all of it, or only its first invocations and its end."""
    if most_invocations is not None:
        refuse_other_numbers("most_invocations", most_invocations, 0)
    return "\n".join(_lines(history, most_invocations))


def _lines(history: History, most: int | None) -> Iterator[str]:
    yield history.title
    if history.removed_at_once:
        yield f"  at once, Lambda {_VERBS['discarded']} {listed([name for name, _ in history.removed_at_once])}"
    for invocation in history.invocations[:most]:
        yield from _invocation(invocation)
        yield from _faults(history, invocation.number)
    if most is not None and most < history.invocation_count:
        yield f"  ... {history.invocation_count - most} more invocations"
    if not history.drained:
        yield f"  the limit of {history.invocation_count} invocations is reached"
    yield "  in the end:"
    for fate in Fate:
        if names := history.with_fate(fate):
            yield f"       {listed(names)}: {fate.value}"


def _faults(history: History, number: int) -> Iterator[str]:
    for violation in history.order_violations:
        if violation.invocation == number:
            yield f"       ! {violation.name} is performed before {violation.before}, which comes first in its lane"
    for repeat in history.repeats:
        if repeat.invocation == number:
            yield f"       ! {repeat.name} is performed again{', which it must' if repeat.needed else ''}"


def _invocation(invocation: Invocation) -> Iterator[str]:
    delivered = [
        name if count == 1 else f"{name} (delivery {count})"
        for name, count in zip(invocation.delivered, invocation.receive_counts, strict=True)
    ]
    yield f"  {invocation.number}. at {invocation.at:g} s, Lambda delivers {listed(delivered) or 'no record'}"
    attempts = listed([f"{attempted.name} {attempted.came_to}" for attempted in invocation.attempted], ", ")
    yield f"       attempts: {attempts or 'none'}"
    shown = invocation.shown_answer
    yield f"       the function {shown[:_LONGEST_ANSWER]}{'...' if len(shown) > _LONGEST_ANSWER else ''}"
    read = "a complete success"
    if isinstance(invocation.reading, PartialFailure):
        read = "a partial failure"
    elif isinstance(invocation.reading, CompleteFailure):
        # That it raised, or was cut off, stands in the line before.
        reason = f" ({invocation.reading.reason})" if isinstance(invocation.answer, Returned) else ""
        read = f"a complete failure{reason}"
    for removal, verb in _VERBS.items():
        if names := [name for name, how in invocation.removed if how == removal]:
            read += f", {verb} {listed(names)}"
    yield f"       Lambda reads {read}"


def listed(parts: "list[str] | tuple[str, ...]", between: str = " ") -> str:
    """Return the parts as text; of many, the first few, the last, and how many there are.

    >>> listed([f"A{number}" for number in range(1, 101)])
    'A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 ... A100 (100)'
    """
    if len(parts) <= _MOST_NAMES:
        return between.join(parts)
    return f"{between.join(parts[: _MOST_NAMES - 1])}{between}... {parts[-1]} ({len(parts)})"
