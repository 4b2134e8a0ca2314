"""The words of a failed `assert_safe`: what a history shows against a function."""

from collections.abc import Iterator
from typing import Literal, TypeAlias

from batchfold.testing.event_source import EventSource, Payload
from batchfold.testing.history import Fate, History, listed
from batchfold.testing.search import Scenario

Repeats: TypeAlias = Literal["needed", "never"]
"""Which repeats of an effect are allowed: those for which Lambda left no choice, or none at all."""


def complaints(
    history: History,
    scenario: Scenario,
    *,
    repeats: Repeats = "needed",
    must_start: bool = False,
    payload: Payload | None = None,
) -> Iterator[str]:
    """Yield what the history shows against the function, a sentence each; nothing if it is safe."""
    name_at, where = _name_at(scenario.source, payload)
    if history.strangers:
        first, *others = dict.fromkeys(history.strangers)
        yield (
            f"Call the effect with the name of a record, such as {history.records[0]!r}: it was called with {first}, which "
            f"is the name of no record{_and_more(1 + len(others))}."
        )
        yield f"The name is {where} effect({name_at})."
        yield "Until then nothing else that the function does can be judged."
        return
    for name in history.lost:
        yield f"{name} is lost: Lambda was told that it is done, and its effect was never performed."
    if history.lost:
        yield (
            "If the function was done with it in another way (only(...) let it pass, discard(...) or dead_letter(...) "
            f"settled it), let it say so: effect.settle({name_at})."
        )
    for name in history.with_fate(Fate.UNDELIVERED):
        yield (
            f"{name} is not delivered: its effect was performed, and Firehose writes the original to the error output, for "
            "the answer does not say Ok or Dropped for it."
        )
    for violation in history.order_violations[:1]:
        yield (
            f"Order is broken: {violation.name} was performed in invocation {violation.invocation} while "
            f"{violation.before}, which comes first in its lane, was still to come"
            f"{_and_more(len(history.order_violations))}."
        )
    yield from _of_repeats(history, repeats)
    if must_start:
        for name in history.never_started:
            yield f"{name} was given up without ever having been started."
    if not history.drained and scenario.drains:
        left = history.with_fate(Fate.STILL_THERE)
        attempted = {attempted.name for invocation in history.invocations for attempted in invocation.attempted}
        yield (
            f"After {history.invocation_count} invocations {listed(left)} is still in the source, although nothing stands "
            f"in its way{'' if attempted.intersection(left) else '. The function never called the effect for it'}."
        )


def _name_at(source: EventSource, payload: Payload | None) -> tuple[str, str]:
    """Return where batchfold's own records have the name, and what to say of that place."""
    if payload is not None:
        return f"{source.payload_at}.id", "where payload= puts it in the payload, for example"
    if source.name_at is not None:
        return source.name_at, "a part of the default payload:"
    return source.payload_at, "the payload, as it is delivered:"


def _of_repeats(history: History, allowed: Repeats) -> Iterator[str]:
    needless = history.needless_repeats
    for repeat in needless[:1]:
        yield (
            f"{repeat.name} was performed again in invocation {repeat.invocation}, and nothing made that necessary"
            f"{_and_more(len(needless))}."
        )
        if history.invocations[repeat.invocation - 1].that("performed").count(repeat.name) > 1:
            yield "The effect stands for all that the function does with a record: call it once for each record."
    if allowed == "never" and not needless:
        for repeat in history.repeats[:1]:
            yield (
                f'{repeat.name} was performed again in invocation {repeat.invocation}. repeats="never" asks for a function '
                f"that knows what it has done{_and_more(len(history.repeats))}."
            )


def _and_more(cases: int) -> str:
    return "" if cases == 1 else f" (the first of {cases} cases)"
