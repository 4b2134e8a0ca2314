"""`assert_safe`: one line in a test that searches for the schedule of failures under which a function does harm."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from itertools import chain, count
from typing import Any, get_args

from batchfold.core.lanes import Lane
from batchfold.testing.complaints import Repeats, complaints
from batchfold.testing.context import Seconds
from batchfold.testing.driver import drain
from batchfold.testing.effect import Effect, EffectFailed, FailureSchedule, LambdaFunction, MakeFunction
from batchfold.testing.event_source import EventSource, Payload, refuse_other_sources
from batchfold.testing.history import History, tell
from batchfold.testing.refuse import refuse_other_numbers, refuse_other_words
from batchfold.testing.search import Scenario, drawn, outages, quiet, shortened

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
    refuse_other_sources(source)
    twice = repeats == "never" if duplicates is None else duplicates
    tally = Counter[str]()

    def play(made_by: MakeFunction, scenario: Scenario, *, stop_at_harm: bool = False) -> History:
        __tracebackhide__ = True  # as in `assert_safe`
        return drain(
            made_by,
            source=scenario.source,
            records=scenario.records,
            schedule=scenario.schedule,
            lane=lane,
            payload=payload,
            error=error,
            timeout_seconds=timeout_seconds,
            effect_seconds=effect_seconds,
            most_invocations=scenario.enough_invocations,
            stop_at_harm=stop_at_harm,
        )

    def complain(history: History, scenario: Scenario) -> tuple[str, ...]:
        return tuple(complaints(history, scenario, repeats=repeats, must_start=must_start, payload=payload))

    def does_harm(scenario: Scenario) -> bool:
        __tracebackhide__ = True  # as in `assert_safe`
        history = play(make, scenario, stop_at_harm=True)
        attempted = [each.came_to for invocation in history.invocations for each in invocation.attempted]
        tally["scenarios"] += 1
        tally["invocations"] += history.invocation_count
        tally["failures"] += sum(came_to in {"failed", "overran", "cut off"} for came_to in attempted)
        tally["most records"] = max(tally["most records"], len(scenario.records))
        return bool(complain(history, scenario))

    with quiet():
        # The shortest of all goes first, as the source was given: a wrong argument is then raised as it is.
        shortest = Scenario(source, ("A1",), FailureSchedule())
        always = (
            outages(variation, overruns=overruns, duplicates=twice, max_records=max_records)
            for variation in source.variations()
        )
        found = next(filter(does_harm, chain([shortest], *always)), None)
        always_tried = tally["scenarios"]
        if found is not None:
            found = shortened(found, does_harm)
        else:
            found = drawn(
                does_harm,
                source=source,
                overruns=overruns,
                duplicates=twice,
                max_records=max_records,
                max_examples=max_examples,
            )
    if found is None:
        tried = Tried(
            outages=always_tried,
            drawn=tally["scenarios"] - always_tried,
            invocations=tally["invocations"],
            failures=tally["failures"],
            most_records=tally["most records"],
        )
        _LOGGER.info("%s", tried)
        return tried
    with quiet():
        told = _invocations_told(play(make, found))
    history = play(_logged_up_to(told, make), found)
    raise UnsafeFunctionError(complain(history, found) or (_NO_HARM_AGAIN,), history)


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
