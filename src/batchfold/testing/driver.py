"""The driver: invoke a function with the batches that its source delivers, until the source is drained."""

import json
from asyncio import CancelledError
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields, replace
from typing import cast

from batchfold.core.lanes import Lane
from batchfold.core.records import AnyEvent
from batchfold.testing.answers import Answer, CompleteFailure, Raised, Returned, TimedOut, response_of
from batchfold.testing.context import Clock, LambdaContext, Seconds
from batchfold.testing.effect import (
    AttemptEnd,
    EffectFailed,
    FailureSchedule,
    LambdaFunction,
    MakeFunction,
    ScheduledEffect,
)
from batchfold.testing.event_parts import deterministic_id
from batchfold.testing.event_source import (
    Delivery,
    EventSource,
    Payload,
    Removal,
    SourceRecord,
    SourceState,
    name_records,
    refuse_other_lanes,
    refuse_other_sources,
)
from batchfold.testing.history import Fate, History, Invocation, listed
from batchfold.testing.promise import Judge
from batchfold.testing.refuse import refuse_other_kinds, refuse_other_numbers, refuse_other_seconds, refuse_uncallable

_NOTHING_FAILS = FailureSchedule()


def drain(
    make: MakeFunction,
    *,
    source: EventSource,
    records: Sequence[str],
    schedule: FailureSchedule = _NOTHING_FAILS,
    lane: Lane | None = None,
    payload: Payload | None = None,
    error: Callable[[str], Exception] = EffectFailed,
    timeout_seconds: Seconds = 30.0,
    effect_seconds: Seconds = 0.0,
    ages: Mapping[str, Seconds] | None = None,
    most_invocations: int = 1_000,
    stop_at_harm: bool = False,
) -> History:
    """Let a function drain a source that holds these records, and return what happened.

    `make` builds the function around the effect that it is given, once. `records` are names such as `"A1"`: records
    that share the letters share a message group, a partition key, an item key or a Kafka key. A record's payload is its
    name (on DynamoDB, an image with the name under `id`), or what `payload` makes of the name; the function calls the
    effect with that name. `ages` are seconds by name, for records that were old when the run begins.

    `lane` is the lane with which the function reads its source, if it is not the order that the source itself keeps;
    `promise.py` says how it is judged. Each attempt takes `effect_seconds`, and the invocation ends after
    `timeout_seconds` whatever the function does: the context's clock shows it. The run ends when the source is drained,
    after `most_invocations`, or with `stop_at_harm` as soon as something was lost, out of order or repeated needlessly.

    Raises:
        TypeError: An argument is of the wrong kind: text instead of a list of names, a class instead of a source, an
            `error` that makes no exception, a `make` that returns no function.
        ValueError: Two records share a name, the schedule speaks of a record that is not there, a number is out of
            range, one effect takes longer than the timeout, AWS does not allow the timeout with this source, or `lane`
            cannot tell the records of this source apart.

    >>> from batchfold.testing import SqsQueue
    >>> def make(effect):
    ...     def forgetful(event, context):
    ...         for record in event["Records"]:
    ...             try:
    ...                 effect(record["body"])
    ...             except Exception:
    ...                 pass
    ...
    ...     return forgetful
    >>> schedule = FailureSchedule({"A2": ("fails",)})
    >>> drain(make, source=SqsQueue(), records=["A1", "A2"], schedule=schedule).lost
    ('A2',)
    """
    __tracebackhide__ = True  # pytest then shows what was called with, and what it says to that, not this page
    refuse_other_sources(source)
    held = name_records(records, source.default_payload if payload is None else payload, ages)
    _refuse_other_schedules(schedule, records)
    refuse_uncallable("error", error, "an exception class, or a function that makes an exception from a record's name")
    # a `TypeError` from making one must not reach the function, which might handle it
    refuse_other_kinds(
        "What error makes of a name", error(records[0]), Exception, "the exception that the effect raises"
    )
    _refuse_other_times(timeout_seconds, effect_seconds)
    source.check_timeout(timeout_seconds)
    refuse_other_numbers("most_invocations", most_invocations, 1)
    refuse_other_lanes(lane, source)
    refuse_uncallable("make", make, "a function that takes the effect and returns the Lambda function")
    clock = Clock()
    effect = ScheduledEffect(schedule, clock, effect_seconds, error, dict.fromkeys(records, 0))
    run = _Run(source, held, Judge(source, held, lane), effect, clock, timeout_seconds)
    function = make(effect)
    refuse_uncallable("What make returns", function, "the Lambda function, which takes event and context")
    state = source.begin(held)
    run.judge.leave(state.removed)
    at_once = tuple((held[at].name, how) for at, how in sorted(state.removed.items()))
    while state.delivery is not None and len(run.invocations) < most_invocations:
        if stop_at_harm and (run.judge.harm or effect.strangers):
            break
        state = run.invoke(function, state, state.delivery)
    return replace(run.history(state, schedule), removed_at_once=at_once)


def _refuse_other_schedules(schedule: FailureSchedule, records: Sequence[str]) -> None:
    refuse_other_kinds(
        "schedule", schedule, FailureSchedule, 'a FailureSchedule, such as FailureSchedule({"A1": ("fails",)})'
    )
    strangers = [name for name in schedule.names if name not in records]
    if strangers:
        raise ValueError(
            f"The schedule speaks of {', '.join(map(repr, strangers))}, which nothing would come of: the records are "
            f"{', '.join(map(repr, records))}."
        )


def _refuse_other_times(timeout_seconds: Seconds, effect_seconds: Seconds) -> None:
    refuse_other_seconds("timeout_seconds", timeout_seconds, 1)
    refuse_other_seconds("effect_seconds", effect_seconds, 0)
    if effect_seconds > timeout_seconds:
        raise ValueError(
            f"effect_seconds is at most timeout_seconds, {timeout_seconds}, not {effect_seconds}: no function could get "
            'one record done. For an attempt that overruns now and then, let the schedule say "overruns".'
        )


@dataclass
class _Run:
    """The notes of one run of `drain`."""

    source: EventSource
    records: tuple[SourceRecord, ...]
    judge: Judge
    effect: ScheduledEffect
    clock: Clock
    timeout_seconds: Seconds
    invocations: list[Invocation] = field(default_factory=list[Invocation])
    deliveries: dict[str, int] = field(default_factory=dict[str, int])

    def invoke(self, function: LambdaFunction, state: SourceState, delivery: Delivery) -> SourceState:
        number = len(self.invocations) + 1
        delivered = tuple(record.name for record in delivery.records)
        self.deliveries.update({name: self.deliveries.get(name, 0) + 1 for name in delivered})
        self.clock.advance(max(0.0, delivery.at - self.clock.now))
        context = LambdaContext(
            timeout_seconds=self.timeout_seconds,
            clock=self.clock,
            aws_request_id=deterministic_id("invocation", number),
        )
        began_at = self.clock.now
        self.effect.begin(began_at + self.timeout_seconds)
        answer = _answer(function, delivery.event, context, self.effect)
        attempted = self.effect.end()
        reading, following = state.step(answer, ended_at=self.clock.now)
        removed: dict[int, Removal] = {at: how for at, how in following.removed.items() if at not in state.removed}
        self.judge.watch(number, delivery, attempted, removed=removed)
        self.invocations.append(
            Invocation(
                number=number,
                at=began_at,
                ended_at=self.clock.now,
                delivered=delivered,
                receive_counts=tuple(self.deliveries[name] for name in delivered),
                attempted=attempted,
                answer=answer,
                reading=reading,
                removed=tuple((self.records[at].name, removed[at]) for at in sorted(removed)),
                shown_answer=_shown(answer, delivery),
            )
        )
        return following

    def history(self, state: SourceState, schedule: FailureSchedule) -> History:
        ends: dict[str, set[AttemptEnd]] = {record.name: set() for record in self.records}
        for each in (attempted for invocation in self.invocations for attempted in invocation.attempted):
            ends[each.name].add(each.came_to)
        fates = {record.name: _fate(ends[record.name], state.removed.get(record.position)) for record in self.records}
        undelivered = {self.records[position].name: Fate.UNDELIVERED for position in self.judge.undelivered}
        return History(
            title=f"{_described(self.source)} holds {listed(list(ends))}; {schedule}",
            records=tuple(ends),
            invocations=tuple(self.invocations),
            fates={**fates, **undelivered},
            repeats=tuple(self.judge.repeats),
            order_violations=tuple(self.judge.order_violations),
            strangers=tuple(self.effect.strangers),
            drained=state.delivery is None,
            destination=state.destination,
        )


_GIVEN_UP: dict[Removal, tuple[Fate, Fate]] = {
    "done": (Fate.LOST, Fate.LOST),
    "dead-letter": (Fate.DEAD_LETTER, Fate.DEAD_LETTER_UNSTARTED),
    "discarded": (Fate.DISCARDED, Fate.DISCARDED_UNSTARTED),
    "archived": (Fate.DISCARDED, Fate.DISCARDED_UNSTARTED),
    "error output": (Fate.ERROR_OUTPUT, Fate.ERROR_OUTPUT_UNSTARTED),
}
"""The fate of a record that left the source without its effect: of one that was started, and of one that was not."""


def _fate(ends: AbstractSet[AttemptEnd], removal: Removal | None) -> Fate:
    if removal is None:
        return Fate.STILL_THERE
    if "performed" in ends:
        return Fate.DONE
    if "settled" in ends:
        return Fate.SETTLED
    started, unstarted = _GIVEN_UP[removal]
    return started if ends else unstarted


def _described(source: EventSource) -> str:
    """Return the source's class and those of its settings that are not AWS's defaults."""
    changed = ", ".join(
        f"{setting.name}={getattr(source, setting.name)!r}"
        for setting in fields(source)
        if getattr(source, setting.name) != setting.default
    )
    return f"{type(source).__name__}({changed})"


def _answer(function: LambdaFunction, event: AnyEvent, context: LambdaContext, effect: ScheduledEffect) -> Answer:
    answer: Answer = TimedOut()
    try:
        answer = Returned(function(event, context))
    except (Exception, SystemExit, CancelledError) as error:  # noqa: BLE001  # all of it fails the invocation
        answer = Raised(_said(error))
    except BaseException:
        if not effect.is_cut_off:  # where it is, this is how Lambda's end of it looks from inside
            raise
    # The function may have caught its own end; nobody heard what it made of it.
    return TimedOut() if effect.is_cut_off else answer


def _said(error: BaseException) -> str:
    """Describe what an invocation raised. Of a group, whose text may be only a number, also the first member."""
    said = f"{type(error).__name__}: {error}"
    first = error
    while isinstance(first, BaseExceptionGroup):
        first = cast("BaseExceptionGroup[BaseException]", first).exceptions[0]  # narrowed, it forgets its type
    if first is error:
        return said
    return f"{said}; the first is {type(first).__name__}: {next(iter(str(first).splitlines()), '')}"


def _shown(answer: Answer, delivery: Delivery) -> str:
    if isinstance(answer, TimedOut):
        return "is cut off by its timeout"
    if isinstance(answer, Raised):
        return f"raises {answer.error}"
    response = response_of(answer)
    if isinstance(response, CompleteFailure):
        return f"returns {answer.response!r}"
    shown = json.dumps(response)
    names = {record.position: record.name for record in delivery.records}
    for identifier, position in delivery.identifiers.items():
        match identifier:
            case (str(partition), int(offset)):
                written = json.dumps({"partition": partition, "offset": offset})
            case _:
                written = json.dumps(identifier)
        shown = shown.replace(written, f"<{names[position]}>")
    return f"returns {shown}"
