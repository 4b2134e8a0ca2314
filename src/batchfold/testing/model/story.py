"""A history as a story for people: one paragraph an invocation, then what became of each record."""

from collections.abc import Iterator

from batchfold.testing.model.answer import CompleteFailure, CompleteSuccess, PartialFailure, Returned
from batchfold.testing.model.delivery import Removal
from batchfold.testing.model.history import Fate, History, Invocation
from batchfold.testing.refuse import refuse_other_numbers

_REMOVALS: dict[Removal, str] = {
    "done": "takes as done",
    "dead-letter": "moves to the dead letters",
    "discarded": "discards",
}
_LONGEST_ANSWER = 300


def tell(history: History, *, most_invocations: int | None = None) -> str:
    """The history as text of several lines: all of it, or no more than its first invocations and its end."""
    if most_invocations is not None:
        refuse_other_numbers("most_invocations", most_invocations, 0)
    return "\n".join(_lines(history, most_invocations))


def _lines(history: History, most: int | None) -> Iterator[str]:
    yield history.title
    for invocation in history.invocations[:most]:
        yield from _invocation(invocation)
        for violation in history.order_violations:
            if violation.invocation == invocation.number:
                yield f"       ! {violation.name} is performed before {violation.before}, which comes first in its lane"
        for repeat in history.repeats:
            if repeat.invocation == invocation.number:
                yield f"       ! {repeat.name} is performed again{', which it must' if repeat.needed else ''}"
    if most is not None and most < history.invocation_count:
        yield f"  ... {history.invocation_count - most} more invocations"
    if not history.drained:
        yield f"  the limit of {history.invocation_count} invocations is reached"
    yield "  in the end:"
    for fate in Fate:
        if names := history.with_fate(fate):
            yield f"       {' '.join(names)}: {fate.value}"


def _invocation(invocation: Invocation) -> Iterator[str]:
    delivered = " ".join(
        name if count == 1 else f"{name} (delivery {count})"
        for name, count in zip(invocation.delivered, invocation.receive_counts, strict=True)
    )
    yield f"  {invocation.number}. at {invocation.at:g} s, Lambda delivers {delivered}"
    attempts = ", ".join(f"{attempted.name} {attempted.came_to}" for attempted in invocation.attempted)
    yield f"       attempts: {attempts or 'none'}"
    yield f"       the function {_shortened(invocation.shown_answer)}"
    yield f"       Lambda {_reading(invocation)}"


def _reading(invocation: Invocation) -> str:
    read = f"reads {_named(invocation)}"
    for removal, verb in _REMOVALS.items():
        if names := [name for name, how in invocation.removed if how == removal]:
            read += f", {verb} {' '.join(names)}"
    return read


def _named(invocation: Invocation) -> str:
    match invocation.reading:
        case CompleteSuccess():
            return "a complete success"
        case CompleteFailure(reason):
            # That it raised, or was cut off, stands in the line above.
            return f"a complete failure ({reason})" if isinstance(invocation.answer, Returned) else "a complete failure"
        case PartialFailure():
            return "a partial failure"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_ANSWER else f"{text[:_LONGEST_ANSWER]}..."
