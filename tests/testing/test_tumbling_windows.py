"""The model of tumbling windows: what is safe in it, what is not, and that what AWS leaves open is played both ways."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel
from returns.result import Result, Success

from batchfold import (
    DynamoDBRecord,
    KinesisRecord,
    RaiseOn,
    UnexpectedEventError,
    as_lambda_handler,
    discard,
    dynamodb,
    kinesis,
    step,
    windowed,
)
from batchfold.testing import (
    CompleteFailure,
    DynamoDBStream,
    Effect,
    EffectFailed,
    FailureSchedule,
    Fate,
    History,
    KinesisStream,
    LambdaFunction,
    MakeFunction,
    Returned,
    UnsafeFunctionError,
    assert_safe,
    drain,
    dynamodb_event,
    kinesis_event,
    name_records,
    tell,
    window_event,
)


class Names(BaseModel):
    names: tuple[str, ...] = ()


def folding(raise_on: RaiseOn | None = None, *, settles: bool = False, is_async: bool = False) -> MakeFunction:
    """The function that batchfold makes: a step counts a record, and `finish` performs the effect of the window."""

    def make(effect: Effect) -> LambdaFunction:
        def add(total: Names, record: KinesisRecord[str]) -> Result[Names, Exception]:
            effect.step(record.data)
            return Success(Names(names=(*total.names, record.data)))

        async def add_async(total: Names, record: KinesisRecord[str]) -> Result[Names, Exception]:
            return add(total, record)

        def finish(total: Names) -> Result[None, Exception]:
            effect.finish(total.names)
            return Success(None)

        def is_settled(failed: Any) -> bool:
            if settles:
                effect.settle(failed.record.data)
            return settles

        source = windowed(kinesis(str), Names, finish=finish)
        settle: Any = discard(when=is_settled)
        if is_async:
            return as_lambda_handler(step(add_async), source, raise_on=raise_on, settle=settle)
        return as_lambda_handler(step(add), source, raise_on=raise_on, settle=settle)

    return make


def windows(**settings: Any) -> KinesisStream:
    return KinesisStream(tumbling_window_in_seconds=2, **settings)


@pytest.mark.parametrize(
    ("make", "source"),
    [
        (folding(), windows()),
        (folding(settles=True), windows(shards=2)),
        (folding(), windows(maximum_retry_attempts=1)),
        (folding(), windows(maximum_retry_attempts=2, bisect_batch_on_function_error=True)),
        (folding(), windows(report_batch_item_failures=False)),
        (folding("entire_batch"), windows(partial_failure_state="returned")),
    ],
)
def test_a_record_is_in_exactly_one_finished_state(make: MakeFunction, source: KinesisStream) -> None:
    """By default under either reading of a partial failure, and with partial responses if the returned state follows."""
    assert assert_safe(make, source=source, max_records=2, max_examples=20).invocations > 100


def test_timeouts_repeat_no_more_than_they_must() -> None:
    assert_safe(
        folding(), source=windows(), overruns=True, effect_seconds=2, timeout_seconds=30, max_records=2, max_examples=10
    )
    assert_safe(folding(is_async=True), source=windows(), max_records=2, max_examples=5)


@pytest.mark.parametrize("reading", ["before", None])
def test_a_partial_response_loses_records_if_the_state_from_before_follows(reading: Any) -> None:
    with pytest.raises(UnsafeFunctionError, match="A1 is lost") as raised:
        assert_safe(folding("entire_batch"), source=windows(partial_failure_state=reading), max_records=3)
    assert "partial_failure_state='before'" in str(raised.value)
    assert raised.value.history.invocation_count <= 3


def test_changes_of_a_table_are_played_too() -> None:
    def make(effect: Effect) -> LambdaFunction:
        def add(total: Names, record: DynamoDBRecord) -> Result[Names, Exception]:
            name = str((record.new_image or {})["id"])
            effect.step(name)
            return Success(Names(names=(*total.names, name)))

        def finish(total: Names) -> Result[None, Exception]:
            effect.finish(total.names)
            return Success(None)

        return as_lambda_handler(step(add), windowed(dynamodb(), Names, finish=finish))

    assert_safe(make, source=DynamoDBStream(tumbling_window_in_seconds=3), max_records=1, max_examples=5)


# ---------------------------------------------------------------- functions that are wrong
Fold = Callable[[Effect, dict[str, Any], list[str], list[str]], Any]


def by_hand(fold: Fold) -> MakeFunction:
    """A function without batchfold, made around a fold of an event, its names and those in its state."""

    def make(effect: Effect) -> LambdaFunction:
        def function(event: dict[str, Any], _context: object) -> Any:
            return fold(effect, event, _names_in(event), event["state"].get("names", []))

        return function

    return make


def _names_in(event: dict[str, Any]) -> list[str]:
    return [KinesisRecord(raw).data.decode() for raw in event["Records"]]


def right(effect: Effect, event: dict[str, Any], names: list[str], so_far: list[str]) -> Any:
    for name in names:
        effect.step(name)
    if event["isFinalInvokeForWindow"]:
        effect.finish([*so_far, *names])
    return {"state": {"names": [*so_far, *names]}}


def no_state(effect: Effect, event: dict[str, Any], names: list[str], so_far: list[str]) -> Any:
    right(effect, event, names, so_far)
    return {"batchItemFailures": []}


def effect_in_every_step(effect: Effect, _event: dict[str, Any], names: list[str], so_far: list[str]) -> Any:
    for name in names:
        effect(name)
    return {"state": {"names": [*so_far, *names]}}


def finished_in_every_invocation(effect: Effect, event: dict[str, Any], names: list[str], so_far: list[str]) -> Any:
    return right(effect, {**event, "isFinalInvokeForWindow": True}, names, so_far)


def finished_before_its_records(effect: Effect, event: dict[str, Any], names: list[str], so_far: list[str]) -> Any:
    if event["isFinalInvokeForWindow"]:
        effect.finish(so_far)
    for name in names:
        effect.step(name)
    return {"state": {"names": [*so_far, *names]}}


def finished_with_what_is_done(effect: Effect, event: dict[str, Any], names: list[str], so_far: list[str]) -> Any:
    done = list[str]()
    failed = False
    for name in names:
        try:
            effect.step(name)
            done.append(name)
        except EffectFailed:
            failed = True
    if event["isFinalInvokeForWindow"]:
        effect.finish([*so_far, *done])
    if failed:
        raise RuntimeError("again")
    return {"state": {"names": [*so_far, *done]}}


def failures_are_counted(effect: Effect, event: dict[str, Any], names: list[str], so_far: list[str]) -> Any:
    failed: list[dict[str, str]] = []
    for name, raw in zip(names, event["Records"], strict=True):
        try:
            effect.step(name)
        except EffectFailed:
            failed.append({"itemIdentifier": raw["kinesis"]["sequenceNumber"]})
    if event["isFinalInvokeForWindow"] and not failed:
        effect.finish([*so_far, *names])
    return {"state": {"names": [*so_far, *names]}, "batchItemFailures": failed}


def in_a_global(effect: Effect) -> LambdaFunction:
    names: list[str] = []

    def function(event: dict[str, Any], _context: object) -> Any:
        for name in _names_in(event):
            effect.step(name)
            names.append(name)
        if event["isFinalInvokeForWindow"]:
            effect.finish(names)
            names.clear()
        return {"state": {}}

    return function


def never_finished(_effect: Effect, _event: dict[str, Any], names: list[str], so_far: list[str]) -> Any:
    return {"state": {"names": [*so_far, *names]}}


def test_a_right_function_without_batchfold_is_safe() -> None:
    assert_safe(by_hand(right), source=windows(), max_records=3, max_examples=10)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (by_hand(no_state), "still in the source"),
        (by_hand(effect_in_every_step), "performed again"),
        (by_hand(finished_in_every_invocation), "performed again"),
        (by_hand(finished_before_its_records), "lost"),
        (by_hand(finished_with_what_is_done), "performed again"),
        (by_hand(failures_are_counted), "performed again|lost"),
        (by_hand(never_finished), "lost"),
        (in_a_global, "performed again|lost"),
    ],
)
def test_a_wrong_function_is_caught(make: MakeFunction, match: str) -> None:
    with pytest.raises(UnsafeFunctionError, match=match):
        assert_safe(make, source=windows(shards=2), max_records=4, max_examples=30)


# ---------------------------------------------------------------- the model
def drained(names: str, source: KinesisStream, schedule: dict[str, Any] | None = None) -> tuple[History, list[Any]]:
    events: list[Any] = []

    def make(effect: Effect) -> LambdaFunction:
        function = by_hand(right)(effect)

        def noted(event: Any, context: Any) -> Any:
            events.append(event)
            return function(event, context)

        return noted

    history = drain(make, source=source, records=names.split(), schedule=FailureSchedule(schedule or {}))
    return history, [(_names_in(event), event["state"].get("names"), *_flags(event)) for event in events]


def _flags(event: dict[str, Any]) -> tuple[bool, bool]:
    return event["isFinalInvokeForWindow"], event["isWindowTerminatedEarly"]


def test_a_shard_has_one_window_after_the_other() -> None:
    history, events = drained("A1 A2 A3", windows(batch_size=1))
    assert events == [
        (["A1"], None, False, False),
        (["A2"], ["A1"], True, False),
        (["A3"], None, True, False),
    ]
    assert set(history.fates.values()) == {Fate.DONE}
    assert [each.removed for each in history.invocations] == [(), (("A1", "done"), ("A2", "done")), (("A3", "done"),)]


def test_a_window_that_one_batch_holds_has_one_invocation() -> None:
    _, events = drained("A1 A2 A3", windows())
    assert events == [(["A1", "A2"], None, True, False), (["A3"], None, True, False)]


def test_a_record_with_an_earlier_arrival_time_counts_in_the_window_that_is_open() -> None:
    held = name_records(["A1", "A2", "A3"], str, {"A2": 60})
    state: Any = windows().begin(held)
    seen: list[list[str]] = []
    while state.delivery is not None:
        seen.append([record.name for record in state.delivery.records])
        _, state = state.step(Returned({"state": {}}), ended_at=state.delivery.at)
    assert seen == [["A1", "A2"], ["A3"]]
    assert set(state.removed.values()) == {"done"}


def test_the_final_invocation_may_have_no_records() -> None:
    history, events = drained("A1 A2", windows(final_records=False))
    assert events == [(["A1", "A2"], None, False, False), ([], ["A1", "A2"], True, False)]
    assert "Lambda delivers no record" in tell(history)


def test_a_window_that_ends_early_begins_anew() -> None:
    _, events = drained("A1 A2", windows(ends_early_after=1))
    assert events == [
        (["A1"], None, False, False),
        ([], ["A1"], True, True),
        (["A2"], None, False, False),
        ([], ["A2"], True, True),
    ]


def test_a_state_over_1_mb_ends_its_window_early() -> None:
    flags: list[tuple[bool, bool]] = []

    def make(effect: Effect) -> LambdaFunction:
        def function(event: dict[str, Any], _context: object) -> Any:
            flags.append(_flags(event))
            effect.finish(_names_in(event))
            return {"state": {"text": "x" * 1_000_001}}

        return function

    drain(make, source=windows(batch_size=1), records=["A1", "A2"])
    assert flags[:2] == [(False, False), (True, True)]


def test_after_a_failed_invocation_everything_comes_back_with_the_state_from_before() -> None:
    history, events = drained("A1 A2", windows(batch_size=1), {"A2": ("fails", "succeeds", "fails")})
    assert events[1:] == [(["A2"], ["A1"], True, False)] * 3
    assert isinstance(history.invocations[1].reading, CompleteFailure)
    assert history.repeated_effects == 0


def test_an_answer_without_a_state_is_a_failed_invocation() -> None:
    def make(_effect: Effect) -> LambdaFunction:
        return lambda _event, _context: {"batchItemFailures": []}

    history = drain(make, source=windows(maximum_retry_attempts=1), records=["A1"])
    assert history.invocations[0].reading == CompleteFailure("the response has no state")
    assert history.fates["A1"] is Fate.DISCARDED_UNSTARTED


@pytest.mark.parametrize("response", [[], {"state": 3}, {"state": object()}])
def test_an_answer_whose_state_is_no_object_is_a_failed_invocation(response: Any) -> None:
    def make(_effect: Effect) -> LambdaFunction:
        return lambda _event, _context: response

    history = drain(make, source=windows(), records=["A1"], most_invocations=2)
    assert [type(each.reading) for each in history.invocations] == [CompleteFailure] * 2


def test_each_shard_has_windows_of_its_own() -> None:
    _, events = drained("A1 B1 A2 B2", windows(shards=2, batch_size=2))
    delivered = sorted(names for names, *_ in events if names)
    assert delivered == [["A1"], ["A2"], ["B1"], ["B2"]]


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="parallelization_factor"):
        windows(parallelization_factor=2)
    with pytest.raises(ValueError, match="tumbling_window_in_seconds"):
        KinesisStream(tumbling_window_in_seconds=901)
    with pytest.raises(ValueError, match="ends_early_after"):
        windows(ends_early_after=-1)


# ---------------------------------------------------------------- the builder
def test_events_of_windows_are_built_of_those_of_streams() -> None:
    event = window_event(
        kinesis_event("a"),
        state={"count": 1},
        is_final=True,
        is_terminated_early=True,
        start=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=120,
        shard_id="s",
    )
    assert event["window"] == {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:02:00Z"}
    assert (event["state"], event["shardId"], *_flags(event)) == ({"count": 1}, "s", True, True)
    assert event["eventSourceARN"] == event["Records"][0]["eventSourceARN"]
    assert json.loads(json.dumps(event)) == event
    assert windowed(dynamodb(), Names).read(window_event(dynamodb_event({"id": 1})))[1]
    assert windowed(kinesis(), Names).read(window_event(kinesis_event(), is_final=True)) == ([], [])
    with pytest.raises(UnexpectedEventError):
        kinesis().read(event)
