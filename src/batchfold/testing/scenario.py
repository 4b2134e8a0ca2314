"""A scenario: what a source holds and what fails. And what a history shows against the function that made it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from batchfold.core.lanes import Lane
from batchfold.testing.context import Seconds
from batchfold.testing.model.drain import drain
from batchfold.testing.model.dynamodb import DynamoDBStream
from batchfold.testing.model.effect import EffectFailed, MakeFunction
from batchfold.testing.model.event_source import EventSource
from batchfold.testing.model.failure_schedule import FailureSchedule
from batchfold.testing.model.history import Fate, History
from batchfold.testing.model.kafka import KafkaTopic
from batchfold.testing.model.kinesis import KinesisStream
from batchfold.testing.model.queue import SqsQueue
from batchfold.testing.model.source_record import Payload


@dataclass(frozen=True)
class Scenario:
    """A source, the names of the records that it holds, and what each attempt at them comes to."""

    source: EventSource
    records: tuple[str, ...]
    schedule: FailureSchedule

    @property
    def enough_invocations(self) -> int:
        """Twice as many as a function needs that gets one record done, or one failure over, in each."""
        failures = sum(len(attempts) for attempts in self.schedule.attempts.values())
        enough = 2 * (len(self.records) + failures)
        if self.schedule.never_succeed and self.source.most_deliveries is not None:
            enough += 2 * (len(self.records) + 1) * self.source.most_deliveries
        return enough

    @property
    def drains(self) -> bool:
        """Whether a function can drain the source: nothing in it fails for ever and comes back for ever."""
        return not self.schedule.never_succeed or self.source.most_deliveries is not None


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """How a function is run and what is asked of it, beyond what is asked of all. See `assert_safe`."""

    lane: Lane | None = None
    payload: Payload | None = None
    error: Callable[[str], Exception] = EffectFailed
    timeout_seconds: Seconds = 30.0
    effect_seconds: Seconds = 0.0
    must_start: bool = False


def play(make: MakeFunction, scenario: Scenario, expectation: Expectation, *, stop_at_harm: bool = False) -> History:
    """Run the function through the scenario: to its end, or to the first harm that is done."""
    __tracebackhide__ = True  # as in `drain`
    return drain(
        make,
        source=scenario.source,
        records=scenario.records,
        schedule=scenario.schedule,
        lane=expectation.lane,
        payload=expectation.payload,
        error=expectation.error,
        timeout_seconds=expectation.timeout_seconds,
        effect_seconds=expectation.effect_seconds,
        most_invocations=scenario.enough_invocations,
        stop_at_harm=stop_at_harm,
    )


def complaints(history: History, scenario: Scenario, expectation: Expectation) -> tuple[str, ...]:
    """What the history shows against the function, a sentence each; none if it is safe."""
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
    for name in history.lost:
        yield f"{name} is lost: Lambda was told that it is done, and its effect was never performed."
    for violation in history.order_violations[:1]:
        yield (
            f"Order is broken: {violation.name} was performed in invocation {violation.invocation} while "
            f"{violation.before}, which comes first in its lane, was still to come"
            f"{_and_more(len(history.order_violations))}."
        )
    needless = history.needless_repeats
    for repeat in needless[:1]:
        yield (
            f"{repeat.name} was performed again in invocation {repeat.invocation}, and nothing made that necessary"
            f"{_and_more(len(needless))}."
        )
    if expectation.must_start:
        for name in history.never_started:
            yield f"{name} was given up without ever having been started."
    if not history.drained and scenario.drains:
        left = history.with_fate(Fate.STILL_THERE)
        attempted = {attempted.name for invocation in history.invocations for attempted in invocation.attempted}
        yield (
            f"After {history.invocation_count} invocations {' '.join(left)} is still in the source, although nothing stands "
            f"in its way{'' if attempted.intersection(left) else '. The function never called the effect for it'}."
        )


def _where_the_name_is(source: EventSource, expectation: Expectation) -> str:
    """In the words of batchfold's own records; those of other libraries have the like."""
    payload = _payload_of(source)
    if expectation.payload is not None:
        return f"The name is where payload= puts it in the payload, for example effect({payload}.id)."
    if isinstance(source, DynamoDBStream):
        return f'The name is under id in the new image: effect({payload}["id"]).'
    return f"The name is the payload, as it is delivered: effect({payload})."


def _payload_of(source: EventSource) -> str:
    match source:
        case SqsQueue():
            return "record.body"
        case KinesisStream():
            return "record.data"
        case DynamoDBStream():
            return "record.new_image"
        case KafkaTopic():
            return "record.value"


def _and_more(cases: int) -> str:
    return "" if cases == 1 else f" (the first of {cases} cases)"
