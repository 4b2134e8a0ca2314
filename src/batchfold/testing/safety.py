"""`assert_safe`: one line in a test that searches for the schedule of failures under which a function does harm.

The complaints of a failed `assert_safe` are worded here.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import count
from typing import Any, get_args

from batchfold.core.lanes import Lane
from batchfold.testing.context import Seconds
from batchfold.testing.effect import Effect, EffectFailed, FailureSchedule, LambdaFunction, MakeFunction
from batchfold.testing.event_source import EventSource, Payload, refuse_other_sources
from batchfold.testing.history import Fate, History, listed, tell
from batchfold.testing.refuse import refuse_other_numbers, refuse_other_words
from batchfold.testing.search import Expectation, Repeats, Scenario, drawn, outages, play, quiet, shortened

_LOGGER = logging.getLogger("batchfold.testing")
_SHOWN_AT_LEAST = 4
_NO_HARM_AGAIN = (
    "It did harm in the search, and none when the same was played again: what it does depends on something else than its "
    "event, such as chance, the time, or what an earlier run left behind."
)


@dataclass(frozen=True)
class Tried:
    """How much a search tried that found nothing."""

    outages: int
    """Scenarios in which everything, the first or the last record fails, which are always tried."""
    drawn: int
    """Scenarios that Hypothesis drew."""
    invocations: int
    failures: int
    """Attempts that failed, overran or were cut off."""
    most_records: int

    def __str__(self) -> str:
        return (
            f"No harm found in {self.outages + self.drawn} scenarios ({self.outages} outages, {self.drawn} drawn) of up to "
            f"{self.most_records} records: {self.invocations} invocations, {self.failures} failed attempts."
        )


class UnsafeFunctionError(AssertionError):
    """There is a schedule of failures under which the function does harm; `history` is the shortest one found."""

    def __init__(self, complaints: tuple[str, ...], history: History) -> None:
        if history.strangers:  # it is the test that is to be changed, and the story would be of its mistake
            lines = complaints
        else:
            story = tell(history, most_invocations=_invocations_told(history))
            lines = ("The function is not safe on this source.", *complaints, "", story)
        super().__init__("\n".join(lines))
        self.complaints = complaints
        self.history = history


def assert_safe(
    make: MakeFunction,
    *,
    source: EventSource,
    lane: Lane | None = None,
    payload: Payload | None = None,
    error: Callable[[str], Exception] = EffectFailed,
    timeout_seconds: Seconds = 30.0,
    effect_seconds: Seconds = 0.0,
    repeats: Repeats = "needed",
    duplicates: bool | None = None,
    overruns: bool = False,
    must_start: bool = False,
    max_records: int = 6,
    max_examples: int | None = None,
) -> Tried:
    """Search for a schedule of failures under which a Lambda function loses a record, breaks an order or repeats needlessly.

    The function is built around an effect, which stands for what it does with a record. It may come from any library,
    or from none:

    >>> from returns.result import safe
    >>> from batchfold import SqsRecord, as_lambda_handler, sqs
    >>> from batchfold.testing import Effect, LambdaFunction, SqsQueue, assert_safe
    >>> def make(effect: Effect) -> LambdaFunction:
    ...     def reserve(record: SqsRecord[str]) -> None:
    ...         effect(record.body)
    ...
    ...     return as_lambda_handler(safe(reserve), sqs())
    >>> tried = assert_safe(make, source=SqsQueue(fifo=True), max_examples=20)
    >>> str(tried).partition(" in ")[0], tried.outages > 20
    ('No harm found', True)

    A function that is done with a record in another way calls `effect.settle(name)`: `only(...)` let it pass,
    `discard(...)` or `dead_letter(...)` settled it. Otherwise the record counts as lost.

    Args:
        make: From an effect to the Lambda function that has it. It is called once for each schedule that is tried.
        source: The event source and its mapping, set as in production: `SqsQueue`, `KinesisStream`, `DynamoDBStream`,
            `KafkaTopic`, `KafkaShareGroup`, `FirehoseStream` or an `EventSource` of your own. Batches of fewer records than its batch size
            are tried too, as they happen.
        lane: The lane with which the function reads its source, if you gave one: `lane=each_record` on a stream says
            that you do without order and accept repeats, `lane=by_partition_key` that you keep the order of a key.
            Without it, the order that the source itself keeps is asked for.
        payload: From a record's name, such as `"A1"`, to its payload, when the name alone is not what your function
            parses: `lambda name: {"id": name, "quantity": 1}`. Call the effect with the name: `effect(order.id)`.
        error: What the effect raises, from the record's name: for functions that look for an exception of theirs.
        timeout_seconds: The function's timeout. It is the model's time; nobody waits.
        effect_seconds: How long one effect takes. With more than `timeout_seconds` has room for, a function that does
            not stop in time is shown to repeat effects.
        repeats: `"needed"` allows the repeats for which Lambda leaves no choice. `"never"` allows none, for a function
            that is idempotent.
        duplicates: Also let a standard queue deliver messages again that are done, for it promises at-least-once. By
            default it does with `repeats="never"`, and with `"needed"` it does not, because such repeats are needed.
        overruns: Also try attempts that outlast the timeout whatever the function does.
        must_start: Also ask that no record is given up without having been started. Matters when `source` gives up.
        max_records: How many records a source holds at most, except for a few full batches.
        max_examples: How many schedules are drawn, by default as many as Hypothesis' current profile says.

    Returns how much was tried; the logger `batchfold.testing` is told the same (INFO). The logger `batchfold` is told
    nothing of the search, and once of the invocations that the error prints.

    Raises:
        UnsafeFunctionError: The function does harm. The error prints the shortest history that shows it, and holds it
            as `history`. Or the effect was called with something that is no record's name; then it prints how to call it.
        TypeError: An argument is of the wrong kind, as in `drain`.
        ValueError: A number is out of range, AWS does not allow a setting, or `lane` is one of another source.
        ImportError: Hypothesis is not installed; `pip install "batchfold[testing]"` brings it.
    """
    __tracebackhide__ = True  # pytest then shows the test's own line, not this page
    import_module("batchfold.testing.strategies")  # it says what to install, before anything is tried
    refuse_other_numbers("max_records", max_records, 1)
    if max_examples is not None:
        refuse_other_numbers("max_examples", max_examples, 1)
    refuse_other_words("repeats", repeats, get_args(Repeats))
    expectation = Expectation(
        lane=lane,
        payload=payload,
        error=error,
        timeout_seconds=timeout_seconds,
        effect_seconds=effect_seconds,
        must_start=must_start,
        repeats=repeats,
    )
    search = _Search(make, expectation)
    with quiet():
        scenario = search.run(
            source,
            overruns=overruns,
            duplicates=repeats == "never" if duplicates is None else duplicates,
            max_records=max_records,
            max_examples=max_examples,
        )
    if scenario is None:
        _LOGGER.info("%s", search.tried)
        return search.tried
    with quiet():
        told = _invocations_told(play(make, scenario, expectation))
    history = play(_logged_up_to(told, make), scenario, expectation)
    raise UnsafeFunctionError(complaints(history, scenario, expectation) or (_NO_HARM_AGAIN,), history)


@dataclass
class _Search:
    """One search, and how much it has tried so far."""

    make: MakeFunction
    expectation: Expectation
    tried: Tried = Tried(0, 0, 0, 0, 0)

    def run(
        self, source: EventSource, *, overruns: bool, duplicates: bool, max_records: int, max_examples: int | None
    ) -> Scenario | None:
        """Return a scenario in which the function does harm, as short as can be found; `None` if there is none."""
        __tracebackhide__ = True  # as in `assert_safe`
        refuse_other_sources(source)
        # The shortest of all goes first and by itself: a wrong argument is then raised as it is, not inside a search.
        first = Scenario(source, ("A1",), FailureSchedule())
        if self._does_harm(first):
            return first
        for variation in source.variations():
            for outage in outages(variation, overruns=overruns, duplicates=duplicates, max_records=max_records):
                if self._does_harm(outage):
                    return shortened(outage, self._does_harm)
        played = self.tried.outages
        found = drawn(
            self._does_harm,
            source=source,
            overruns=overruns,
            duplicates=duplicates,
            max_records=max_records,
            max_examples=max_examples,
        )
        self.tried = replace(self.tried, outages=played, drawn=self.tried.outages - played)
        return found

    def _does_harm(self, scenario: Scenario) -> bool:
        __tracebackhide__ = True  # as in `assert_safe`
        history = play(self.make, scenario, self.expectation, stop_at_harm=True)
        attempted = [each for invocation in history.invocations for each in invocation.attempted]
        self.tried = replace(
            self.tried,
            outages=self.tried.outages + 1,
            invocations=self.tried.invocations + history.invocation_count,
            failures=self.tried.failures
            + sum(each.came_to not in {"performed", "settled", "counted"} for each in attempted),
            most_records=max(self.tried.most_records, len(scenario.records)),
        )
        return bool(complaints(history, scenario, self.expectation))


def complaints(history: History, scenario: Scenario, expectation: Expectation) -> tuple[str, ...]:
    """Return what the history shows against the function, a sentence each; none if it is safe."""
    return tuple(_complaints(history, scenario, expectation))


def _complaints(history: History, scenario: Scenario, expectation: Expectation) -> Iterator[str]:
    if history.strangers:
        first, *others = dict.fromkeys(history.strangers)
        yield (
            f"Call the effect with the name of a record, such as {history.records[0]!r}: it was called with {first}, which "
            f"is the name of no record{_and_more(1 + len(others))}."
        )
        yield _where_the_name_is(scenario.source, expectation)
        yield "Until then nothing else that the function does can be judged."
        return
    yield from _of_lost(history, scenario, expectation)
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
    yield from _of_repeats(history, expectation)
    if expectation.must_start:
        for name in history.never_started:
            yield f"{name} was given up without ever having been started."
    if not history.drained and scenario.drains:
        left = history.with_fate(Fate.STILL_THERE)
        attempted = {attempted.name for invocation in history.invocations for attempted in invocation.attempted}
        yield (
            f"After {history.invocation_count} invocations {listed(left)} is still in the source, although nothing stands "
            f"in its way{'' if attempted.intersection(left) else '. The function never called the effect for it'}."
        )


def _of_lost(history: History, scenario: Scenario, expectation: Expectation) -> Iterator[str]:
    lost = history.lost
    for name in lost:
        yield f"{name} is lost: Lambda was told that it is done, and its effect was never performed."
    if lost:
        yield (
            "If the function was done with it in another way (only(...) let it pass, discard(...) or dead_letter(...) "
            f"settled it), let it say so: effect.settle({_name_at(scenario.source, expectation)})."
        )


def _of_repeats(history: History, expectation: Expectation) -> Iterator[str]:
    needless = history.needless_repeats
    for repeat in needless[:1]:
        yield (
            f"{repeat.name} was performed again in invocation {repeat.invocation}, and nothing made that necessary"
            f"{_and_more(len(needless))}."
        )
        if history.invocations[repeat.invocation - 1].that("performed").count(repeat.name) > 1:
            yield "The effect stands for all that the function does with a record: call it once for each record."
    if expectation.repeats == "never" and not needless:
        for repeat in history.repeats[:1]:
            yield (
                f'{repeat.name} was performed again in invocation {repeat.invocation}. repeats="never" asks for a function '
                f"that knows what it has done{_and_more(len(history.repeats))}."
            )


def _where_the_name_is(source: EventSource, expectation: Expectation) -> str:
    """Say where the name is, in the words of batchfold's own records; those of other libraries are similar."""
    name_at = _name_at(source, expectation)
    if expectation.payload is not None:
        return f"The name is where payload= puts it in the payload, for example effect({name_at})."
    if source.name_at is not None:
        return f"The name is a part of the default payload: effect({name_at})."
    return f"The name is the payload, as it is delivered: effect({name_at})."


def _name_at(source: EventSource, expectation: Expectation) -> str:
    if expectation.payload is not None:
        return f"{source.payload_at}.id"
    return source.payload_at if source.name_at is None else source.name_at


def _and_more(cases: int) -> str:
    return "" if cases == 1 else f" (the first of {cases} cases)"


def _invocations_told(history: History) -> int:
    """Return how many invocations the story tells: as far as the first that does harm, and some in any case."""
    harms = [violation.invocation for violation in history.order_violations]
    harms += [repeat.invocation for repeat in history.needless_repeats]
    return max(_SHOWN_AT_LEAST, min(harms, default=0))


def _logged_up_to(last: int, make: MakeFunction) -> MakeFunction:
    """Return the same function, whose log has only the invocations that are told."""

    def make_logged(effect: Effect) -> LambdaFunction:
        function = make(effect)
        numbers = count(1)

        def invoke(event: Any, context: Any) -> Any:
            if next(numbers) <= last:
                return function(event, context)
            with quiet():
                return function(event, context)

        return invoke

    return make_logged
