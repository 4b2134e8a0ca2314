"""`assert_safe`: one line in a test that searches for the failure schedule under which a function does harm."""

from collections.abc import Callable
from itertools import count
from typing import Any

from batchfold.core.lanes import Lane
from batchfold.testing.context import Seconds
from batchfold.testing.model.effect import Effect, EffectFailed, LambdaFunction, MakeFunction
from batchfold.testing.model.event_source import EventSource
from batchfold.testing.model.failure_schedule import FailureSchedule
from batchfold.testing.model.history import History
from batchfold.testing.model.source_record import Payload
from batchfold.testing.model.story import tell
from batchfold.testing.quiet import quiet
from batchfold.testing.refuse import refuse_other_numbers
from batchfold.testing.scenario import Expectation, Scenario, complaints, play

_SHOWN_AT_LEAST = 4
_NO_HARM_AGAIN = (
    "It did harm in the search, and none when the same was played again: what it does depends on something else than its "
    "event, such as chance, the time, or what an earlier run left behind."
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
    overruns: bool = False,
    must_start: bool = False,
    max_records: int = 6,
    max_examples: int | None = None,
) -> None:
    """Search for a schedule of failures under which a Lambda function loses a record, breaks an order or repeats more than it must.

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
    >>> assert_safe(make, source=SqsQueue(fifo=True), max_examples=20)

    Args:
        make: From an effect to the Lambda function that has it. It is called once for each schedule that is tried.
        source: The event source and its mapping, set as in production: `SqsQueue`, `KinesisStream`, `DynamoDBStream`
            or `KafkaTopic`. Batches of fewer records than its batch size are tried too, as they happen.
        lane: The lane with which the function reads its source, if you gave one: `lane=each_record` on a stream says
            that you do without order and accept repeats, `lane=by_partition_key` that you keep the order of a key.
            Without it, the order that the source itself keeps is asked for.
        payload: From a record's name, such as `"A1"`, to its payload, when the name alone is not what your function
            parses: `lambda name: {"id": name, "quantity": 1}`. Call the effect with the name: `effect(order.id)`.
        error: What the effect raises, from the record's name: for functions that look for an exception of theirs.
        timeout_seconds: The function's timeout. It is the model's time; nobody waits.
        effect_seconds: How long one effect takes. With more than `timeout_seconds` has room for, a function that does
            not stop in time is shown to repeat effects.
        overruns: Also try attempts that outlast the timeout whatever the function does.
        must_start: Also ask that no record is given up without having been started. Matters when `source` gives up.
        max_records: How many records a source holds at most.
        max_examples: How many schedules are tried, by default as many as Hypothesis' current profile says.

    The logger `batchfold` is told nothing of what is searched, and once of the invocations that the error prints.

    Raises:
        UnsafeFunctionError: There is one. It prints the shortest history that shows it, and holds it as `history`. Or
            the effect was called with what is no record's name; then it prints how to call it.
        TypeError: Something is of another kind than is expected here, as in `drain`.
        ValueError: A number is out of range, or `lane` is one of another source.
        ImportError: Hypothesis is not installed; `pip install "batchfold[testing]"` brings it.
    """
    __tracebackhide__ = True  # pytest then shows the test's own line, not this page
    from batchfold.testing.search import shortest  # noqa: PLC0415  # Hypothesis is an extra, needed only here

    refuse_other_numbers("max_records", max_records, 1)
    if max_examples is not None:
        refuse_other_numbers("max_examples", max_examples, 1)
    expectation = Expectation(
        lane=lane,
        payload=payload,
        error=error,
        timeout_seconds=timeout_seconds,
        effect_seconds=effect_seconds,
        must_start=must_start,
    )

    def does_harm(tried: Scenario) -> bool:
        return bool(complaints(play(make, tried, expectation, stop_at_harm=True), tried, expectation))

    # The shortest of all goes first and by itself: what is wrong with an argument is raised here as it is, and not as
    # what a search came upon.
    first = Scenario(source, ("A1",), FailureSchedule())
    with quiet():
        scenario = (
            first
            if does_harm(first)
            else shortest(
                does_harm, source=source, overruns=overruns, max_records=max_records, max_examples=max_examples
            )
        )
    if scenario is not None:
        with quiet():
            told = _invocations_told(play(make, scenario, expectation))
        history = play(_logged_up_to(told, make), scenario, expectation)
        raise UnsafeFunctionError(complaints(history, scenario, expectation) or (_NO_HARM_AGAIN,), history)


def _invocations_told(history: History) -> int:
    """How many invocations the story tells: as far as the first that does harm, and some in any case."""
    harms = [violation.invocation for violation in history.order_violations]
    harms += [repeat.invocation for repeat in history.needless_repeats]
    return max(_SHOWN_AT_LEAST, min(harms, default=0))


def _logged_up_to(last: int, make: MakeFunction) -> MakeFunction:
    """The same function, with no more in the log than belongs to the invocations that are told."""

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
