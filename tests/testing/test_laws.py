"""What holds for the models whatever a function answers: properties, before any example."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchfold.testing import (
    Answer,
    DynamoDBStream,
    EventSource,
    KafkaTopic,
    KinesisStream,
    QueueState,
    Raised,
    Returned,
    SqsQueue,
    StreamState,
    TimedOut,
    name_records,
)
from batchfold.testing.strategies import (
    dynamodb_streams,
    event_pipes,
    event_sources,
    failure_schedules,
    kafka_share_groups,
    kafka_topics,
    kinesis_streams,
    record_names,
    sqs_queues,
)

# Under beartype the checks of containers take a sample, with a random number that changes nothing drawn.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")

State = QueueState | StreamState
SOURCES = st.one_of(event_sources(), kafka_share_groups(), event_pipes())

NONSENSE = st.sampled_from(
    [
        None,
        {},
        "ok",
        {"batchItemFailures": None},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"itemIdentifier": "nobody's"}]},
        {"batchItemFailures": [{"id": "a"}]},
        {"batchItemFailures": "all"},
        [1],
        object(),
    ]
)


def answers(data: st.DataObject, state: State) -> Answer:
    """Anything that a function may come to: mostly responses that name some of the batch."""
    assert state.delivery is not None
    identifiers = [_written(identifier) for identifier in state.delivery.identifiers]
    named = st.lists(st.sampled_from(identifiers), unique_by=str).map(
        lambda chosen: Returned({"batchItemFailures": [{"itemIdentifier": each} for each in chosen]})
    )
    return data.draw(st.one_of(named, named, NONSENSE.map(Returned), st.just(Raised("no")), st.just(TimedOut())))


def _written(identifier: object) -> Any:
    match identifier:
        case (str(partition), int(offset)):
            return {"partition": partition, "offset": offset}
        case _:
            return identifier


def begin(data: st.DataObject, source: EventSource) -> State:
    state = source.begin(name_records(data.draw(record_names()), source.default_payload))
    assert isinstance(state, QueueState | StreamState)
    return state


def run(data: st.DataObject, state: State, *, steps: int = 15) -> list[State]:
    """The states of a run under any answers."""
    states = [state]
    while state.delivery is not None and len(states) < steps:
        seconds = data.draw(st.sampled_from((0, 1, 40)))
        _, state = state.step(answers(data, state), ended_at=state.now + seconds)
        states.append(state)
    return states


@given(data=st.data())
def test_a_record_leaves_its_source_once_and_stays_away(data: st.DataObject) -> None:
    states = run(data, begin(data, data.draw(SOURCES)))
    for before, after in pairwise(states):
        assert before.removed.items() <= after.removed.items()
        if after.delivery is not None:
            assert not set(after.delivery.positions) & set(after.removed)


@given(data=st.data())
def test_a_record_is_in_its_source_or_removed_from_it_and_never_neither(data: st.DataObject) -> None:
    state = begin(data, data.draw(SOURCES))
    held = _held(state) | set(state.removed)
    for each in run(data, state):
        assert _held(each) | set(each.removed) == held
        assert not _held(each) & set(each.removed)


def _held(state: State) -> set[int]:
    match state:
        case QueueState():
            return {message.record.position for message in state.messages}
        case StreamState():
            waiting = {record.position for batch in state.pending for record in batch.records}
            return waiting | {record.position for record in state.unread}


@given(data=st.data())
def test_time_never_goes_back_and_a_batch_is_never_larger_than_the_batch_size(data: st.DataObject) -> None:
    source = data.draw(SOURCES)
    states = run(data, begin(data, source))
    assert [state.now for state in states] == sorted(state.now for state in states)
    for state in states:
        if state.delivery is not None:
            assert 1 <= len(state.delivery.records) <= source.batch_size


@given(data=st.data())
def test_the_same_answer_to_the_same_state_makes_the_same_state(data: st.DataObject) -> None:
    state = begin(data, data.draw(SOURCES))
    answer = answers(data, state)
    assert state.step(answer, ended_at=7) == state.step(answer, ended_at=7)


@given(data=st.data())
def test_only_what_is_reported_done_is_taken_as_done(data: st.DataObject) -> None:
    state = begin(data, data.draw(SOURCES))
    assert state.delivery is not None
    for answer in (Raised("no"), TimedOut()):
        _, following = state.step(answer, ended_at=state.now)
        assert "done" not in following.removed.values()


@given(data=st.data())
def test_a_fifo_queue_never_delivers_a_message_before_an_earlier_one_of_its_group(data: st.DataObject) -> None:
    for state in run(data, begin(data, data.draw(sqs_queues(fifo=True)))):
        assert isinstance(state, QueueState)
        if state.delivery is not None:
            delivered = set(state.delivery.positions)
            for record in state.delivery.records:
                earlier = {
                    message.record.position
                    for message in state.messages
                    if message.record.key == record.key and message.record.position < record.position
                }
                assert earlier <= delivered


@given(data=st.data())
def test_a_shard_is_delivered_without_gaps_from_its_checkpoint_on(data: st.DataObject) -> None:
    source = data.draw(st.one_of(kinesis_streams(), dynamodb_streams()))
    for state in run(data, begin(data, source)):
        if state.delivery is not None:
            positions = list(state.delivery.positions)
            first = min(_held(state))
            assert positions == list(range(first, first + len(positions)))


@given(data=st.data())
def test_a_partition_is_delivered_in_order_of_its_offsets(data: st.DataObject) -> None:
    for state in run(data, begin(data, data.draw(kafka_topics()))):
        if state.delivery is not None:
            for raws in state.delivery.event["records"].values():
                offsets = [raw["offset"] for raw in raws]
                assert offsets == sorted(offsets)


@given(data=st.data())
def test_what_names_nothing_drains_any_source_in_one_pass(data: st.DataObject) -> None:
    source = data.draw(SOURCES)
    state = begin(data, source)
    while state.delivery is not None:
        _, state = state.step(Returned({"batchItemFailures": []}), ended_at=state.now)
    assert set(state.removed.values()) == {"done"}


@pytest.mark.parametrize(
    "source",
    [
        SqsQueue(max_receive_count=3),
        KinesisStream(maximum_retry_attempts=2),
        DynamoDBStream(maximum_retry_attempts=2),
        KafkaTopic(maximum_retry_attempts=2),
    ],
)
@given(data=st.data())
def test_a_source_that_gives_up_delivers_a_failing_record_as_often_as_it_says(
    source: EventSource, data: st.DataObject
) -> None:
    state = begin(data, source)
    deliveries = 0
    while state.delivery is not None:
        deliveries += 0 in state.delivery.positions
        _, state = state.step(Raised("no"), ended_at=state.now)
    assert deliveries == source.most_deliveries == 3


@given(data=st.data())
def test_a_schedule_speaks_only_of_the_records_it_is_for(data: st.DataObject) -> None:
    names = data.draw(record_names())
    schedule = data.draw(failure_schedules(names, overruns=True, never_succeed=True))
    assert set(schedule.attempts) | set(schedule.never_succeed) <= set(names)
    for name in names:
        last = "fails" if name in schedule.never_succeed else "succeeds"
        assert schedule.attempt(name, 99) == last
