"""What is true of every batch, whatever its source, its lanes and its failures."""

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Success
from tests.scenes import Scene, act, kinds_of, part_of, recording, scenes

from batchfold import Failed, Malformed, Rejected, Settle, Succeeded, Unprocessed, fold_batch
from batchfold.core.deadline import Deadline
from batchfold.core.fold import attempt_with, fold, settled_by
from batchfold.core.progress import Progress

STREAMS = ("kinesis", "dynamodb")


def named(response: Any) -> list[str]:
    return [json.dumps(item["itemIdentifier"], sort_keys=True) for item in response["batchItemFailures"]]


@given(scenes())
def test_outcomes_stand_in_arrival_order_and_are_what_the_lanes_allow(scene: Scene) -> None:
    batch = fold_batch(scene.event, act, scene.source)
    assert kinds_of(batch) == scene.expected
    raws, item_ids = scene.source.read(scene.event)
    assert [outcome.raw for outcome in batch.outcomes] == list(raws)
    assert [outcome.item_id for outcome in batch.outcomes] == list(item_ids)


@given(scenes())
def test_the_response_brings_back_every_record_that_is_not_done(scene: Scene) -> None:
    batch = fold_batch(scene.event, act, scene.source)
    not_done = [
        json.dumps(outcome.item_id, sort_keys=True) for outcome in batch.outcomes if not isinstance(outcome, Succeeded)
    ]
    if scene.kind in STREAMS:
        lowest = sorted(not_done, key=lambda quoted: int(quoted.strip('"')))[:1]
        assert named(batch.response) == lowest
    else:
        assert named(batch.response) == not_done


@given(scenes())
def test_nothing_is_handled_twice_and_nothing_after_a_record_of_its_lane_that_is_not_done(scene: Scene) -> None:
    started: list[Any] = []
    batch = fold_batch(scene.event, recording(started), scene.source)
    reached = [o.raw for o in batch.outcomes if isinstance(o, Succeeded | Failed)]
    parsed = [
        raw
        for raw, (_, part) in zip((o.raw for o in batch.outcomes), scene.arrived, strict=True)
        if part != "malformed"
    ]
    assert started == [raw for raw in reached if raw in parsed]
    not_done: set[Any] = set()
    for lane, outcome in zip(scene.lanes, batch.outcomes, strict=True):
        assert (lane is not None and lane in not_done) == isinstance(outcome, Unprocessed)
        if not isinstance(outcome, Succeeded):
            not_done.add(lane)


def discard_rejected(failed: Failed[Any, Any]) -> Any:
    return Success(None) if isinstance(failed.fault, Rejected) else Failure(None)


@given(scenes(), st.data())
def test_the_fold_is_start_attempt_and_finish_in_a_loop(scene: Scene, data: st.DataObject) -> None:
    """The fold leaves `finish` out for a success that nobody observes; here it is left out for none."""
    settle: Settle[Any] | None = data.draw(st.sampled_from([None, discard_rejected]), "settle")
    is_observed = data.draw(st.booleans(), "is_observed")
    observer_raises = data.draw(st.booleans(), "observer_raises")
    stops = data.draw(st.booleans(), "stops")
    is_timed = data.draw(st.booleans(), "is_timed")
    time_for = data.draw(st.integers(0, 12), "time_for") if is_timed else 0

    def run(*, as_the_fold: bool) -> tuple[list[Any], list[Any], list[Any], list[str]]:
        started: list[Any] = []
        told: list[Any] = []
        observer_errors: list[Exception] = []

        def observe(outcome: Any) -> None:
            told.append(outcome)
            if observer_raises:
                raise ValueError(outcome.item_id)

        handler = recording(started)
        progress: Progress[Any, Any, Any, Any, Any] = Progress(
            scene.event,
            scene.source,
            observe=observe if is_observed else None,
            stop_when=(lambda failed: isinstance(failed.fault, Malformed)) if stops else None,
            failed_aside=lambda _message, error: observer_errors.append(error),
            deadline=Deadline(lambda: 1_000 if len(started) < time_for else 0, 500) if is_timed else None,
        )
        attempt = attempt_with(handler, scene.source)
        if as_the_fold:
            batch = fold(progress, attempt, settle)
        else:
            while (position := progress.start()) is not None:
                progress.finish(position, settled_by(settle, progress, position, attempt(progress.raws[position])))
            batch = progress.batch()
        return started, list(map(in_words, batch.outcomes)), list(map(in_words, told)), list(map(str, observer_errors))

    assert run(as_the_fold=True) == run(as_the_fold=False)


def in_words(outcome: Any) -> tuple[Any, ...]:
    """An outcome in terms that two runs can be compared by: exceptions are equal only to themselves."""
    fault = getattr(outcome, "fault", None)
    kinds = tuple(type(each).__name__ for each in (outcome, fault, getattr(fault, "error", None)))
    return (*kinds, outcome.item_id, outcome.record, getattr(outcome, "value", None))


@given(scenes())
def test_the_event_is_never_changed(scene: Scene) -> None:
    event = scene.event
    before = copy.deepcopy(event)
    batch = fold_batch(event, act, scene.source)
    assert batch.response is not None
    assert all(outcome.record.raw is outcome.raw for outcome in batch.outcomes)
    assert event == before


@given(scenes(), st.data())
def test_lanes_are_independent(scene: Scene, data: st.DataObject) -> None:
    """What happens in one lane changes nothing in another."""
    if not scene.keys:
        return
    changed = data.draw(st.integers(0, len(scene.keys) - 1))
    parts = list(scene.parts)
    parts[changed] = data.draw(st.sampled_from(["succeeds", "rejected", "raises", "malformed"]))
    other = Scene(scene.kind, scene.lane_name, scene.keys, tuple(parts))
    before = kinds_of(fold_batch(scene.event, act, scene.source))
    after = kinds_of(fold_batch(other.event, act, other.source))
    differing = [position for position, (a, b) in enumerate(zip(scene.arrived, other.arrived, strict=True)) if a != b]
    lanes_touched = {scene.lanes[position] for position in differing} - {None}
    for position, lane in enumerate(scene.lanes):
        if lane not in lanes_touched and position not in differing:
            assert before[position] == after[position]


@given(scenes())
def test_outcomes_by_kind_are_all_outcomes(scene: Scene) -> None:
    batch = fold_batch(scene.event, act, scene.source)
    parts = (*batch.succeeded, *batch.settled, *batch.failed, *batch.unprocessed)
    assert sorted(map(repr, parts)) == sorted(map(repr, batch.outcomes))
    assert len(batch) == len(batch.outcomes)
    assert batch.not_done == tuple(o for o in batch.outcomes if isinstance(o, Failed | Unprocessed))


@given(scenes())
def test_a_batch_says_how_much_of_what_it_holds(scene: Scene) -> None:
    batch = fold_batch(scene.event, act, scene.source)
    counts = {kind: scene.expected.count(kind) for kind in ("Succeeded", "Failed", "Unprocessed")}
    said = f"Batch({counts['Succeeded']} succeeded, 0 settled, {counts['Failed']} failed, "
    assert repr(batch) == f"{said}{counts['Unprocessed']} unprocessed)"


@given(scenes())
def test_an_observer_is_told_every_outcome_once_also_of_what_was_not_started(scene: Scene) -> None:
    seen: list[Any] = []
    batch = fold_batch(scene.event, act, scene.source, observe=seen.append)
    assert sorted(map(repr, seen)) == sorted(map(repr, batch.outcomes))
    assert all(outcome in batch.outcomes for outcome in seen)
    assert kinds_of(batch) == scene.expected


@given(scenes())
def test_a_success_may_be_one_and_the_same_for_all(scene: Scene) -> None:
    shared: Any = Success("shared")

    def handler(record: Any) -> Any:
        return shared if part_of(record) == "succeeds" else act(record)

    batch = fold_batch(scene.event, handler, scene.source)
    assert kinds_of(batch) == scene.expected
    assert all(succeeded.value == "shared" for succeeded in batch.succeeded)
