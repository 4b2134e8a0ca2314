"""The model of Kinesis and DynamoDB Streams: checkpoint, retries, age, bisecting; and what Kafka has of it."""

from collections.abc import Callable
from typing import Any, Literal

import pytest

from batchfold.testing import (
    DynamoDBStream,
    KafkaTopic,
    KinesisStream,
    Raised,
    Returned,
    StreamState,
    TimedOut,
    name_records,
)

Stream = KinesisStream | DynamoDBStream | KafkaTopic
STREAMS: list[Callable[..., KinesisStream | DynamoDBStream]] = [KinesisStream, DynamoDBStream]


def begin(stream: Stream, *names: str) -> StreamState:
    state = stream.begin(name_records(names, stream.default_payload))
    assert isinstance(state, StreamState)
    return state


def batch(state: StreamState) -> str:
    return "" if state.delivery is None else " ".join(record.name for record in state.delivery.records)


def naming(state: StreamState, *names: str) -> Returned:
    """The response that names these records of the batch on its way."""
    assert state.delivery is not None
    by_position = {position: identifier for identifier, position in state.delivery.identifiers.items()}
    named: list[Any] = []
    for record in state.delivery.records:
        if record.name in names:
            identifier = by_position[record.position]
            match identifier:
                case (str(partition), int(offset)):
                    named.append({"itemIdentifier": {"partition": partition, "offset": offset}})
                case _:
                    named.append({"itemIdentifier": identifier})
    return Returned({"batchItemFailures": named})


def gone(state: StreamState, why: Literal["done", "discarded"]) -> list[int]:
    return sorted(position for position, how in state.removed.items() if how == why)


@pytest.mark.parametrize("stream", STREAMS)
def test_everything_from_the_lowest_sequence_number_on_comes_back(stream: Callable[..., Stream]) -> None:
    state = begin(stream(), "A1", "A2", "A3", "A4")
    _, state = state.step(naming(state, "A4", "A2"), ended_at=state.now)
    assert batch(state) == "A2 A3 A4"
    assert gone(state, "done") == [0]


def test_the_lowest_sequence_number_is_the_lowest_number_not_the_first_in_the_response_nor_as_text() -> None:
    state = begin(DynamoDBStream(), "A1", "A2", "A3", "A4")
    answer = naming(state, "A2", "A3")
    answer.response["batchItemFailures"].reverse()
    assert (
        answer.response["batchItemFailures"][0]["itemIdentifier"]
        < answer.response["batchItemFailures"][1]["itemIdentifier"]
    )
    _, state = state.step(answer, ended_at=state.now)
    assert batch(state) == "A2 A3 A4"


@pytest.mark.parametrize("stream", STREAMS)
def test_a_shard_waits_for_its_batch(stream: Callable[..., Stream]) -> None:
    state = begin(stream(batch_size=2), "A1", "A2", "A3")
    _, state = state.step(naming(state, "A2"), ended_at=state.now)
    assert batch(state) == "A2"
    _, state = state.step(Returned({}), ended_at=5)
    assert (batch(state), state.now) == ("A3", 5)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize(
    "answer", [Raised("no"), TimedOut(), Returned({"batchItemFailures": [{"itemIdentifier": ""}]})]
)
def test_a_complete_failure_delivers_the_whole_batch_again(stream: Callable[..., Stream], answer: Any) -> None:
    state = begin(stream(seconds_between_retries=2), "A1", "A2")
    _, state = state.step(answer, ended_at=1)
    assert (batch(state), state.now) == ("A1 A2", 3)


def test_when_retries_run_out_the_whole_remaining_batch_is_discarded() -> None:
    state = begin(KinesisStream(maximum_retry_attempts=2, batch_size=3), "A1", "A2", "A3", "A4")
    for _ in range(3):
        _, state = state.step(naming(state, "A2"), ended_at=state.now)
        assert batch(state) == "A2 A3"
    _, state = state.step(naming(state, "A2"), ended_at=state.now)
    assert (gone(state, "done"), gone(state, "discarded")) == ([0], [1, 2])
    assert batch(state) == "A4"


@pytest.mark.parametrize("stream", STREAMS)
def test_each_retry_waits_longer_than_the_one_before_until_there_is_progress(stream: Callable[..., Stream]) -> None:
    state = begin(stream(seconds_between_retries=2), "A1", "A2")
    intervals: list[float] = []
    for _ in range(20):
        before = state.now
        _, state = state.step(Raised("no"), ended_at=before)
        intervals.append(round(state.now - before, 6))
    assert intervals[0] == 2
    assert intervals == sorted(intervals)
    assert intervals[-1] == 60
    before = state.now
    _, state = state.step(naming(state, "A2"), ended_at=before)
    assert state.now - before == 2


def test_an_interval_of_nothing_stays_nothing() -> None:
    assert KinesisStream(seconds_between_retries=0).interval(9_999) == 0


def test_without_retries_a_batch_is_delivered_once() -> None:
    state = begin(KinesisStream(maximum_retry_attempts=0), "A1")
    _, state = state.step(Raised("no"), ended_at=state.now)
    assert (batch(state), gone(state, "discarded")) == ("", [0])


@pytest.mark.parametrize(("resets", "discarded"), [(True, []), (False, [1, 2])])
def test_partial_progress_resets_the_count_of_retries_or_not(*, resets: bool, discarded: list[int]) -> None:
    state = begin(KinesisStream(maximum_retry_attempts=1, retries_reset_on_progress=resets), "A1", "A2", "A3")
    _, state = state.step(Raised("no"), ended_at=state.now)
    _, state = state.step(naming(state, "A2"), ended_at=state.now)
    assert gone(state, "discarded") == discarded


def test_a_raising_function_halves_a_batch_that_may_be_bisected_without_using_up_a_retry() -> None:
    state = begin(KinesisStream(bisect_batch_on_function_error=True, maximum_retry_attempts=0), "A1", "A2", "A3", "A4")
    _, state = state.step(Raised("no"), ended_at=state.now)
    assert batch(state) == "A1 A2"
    _, state = state.step(Raised("no"), ended_at=state.now)
    assert batch(state) == "A1"
    _, state = state.step(Raised("no"), ended_at=state.now)
    assert (batch(state), gone(state, "discarded")) == ("A2", [0])
    _, state = state.step(Returned(None), ended_at=state.now)
    assert batch(state) == "A3 A4"


def test_a_partial_response_splits_at_the_reported_number_without_using_up_a_retry() -> None:
    state = begin(KinesisStream(bisect_batch_on_function_error=True, maximum_retry_attempts=0), "A1", "A2", "A3")
    _, state = state.step(naming(state, "A3"), ended_at=state.now)
    assert batch(state) == "A3"


def test_naming_the_first_record_of_a_batch_makes_no_progress_by_bisecting() -> None:
    state = begin(KinesisStream(bisect_batch_on_function_error=True, maximum_retry_attempts=1), "A1", "A2", "A3")
    _, state = state.step(naming(state, "A1"), ended_at=state.now)
    assert batch(state) == "A1 A2 A3"
    _, state = state.step(naming(state, "A1"), ended_at=state.now)
    assert gone(state, "discarded") == [0, 1, 2]


def test_a_record_that_is_too_old_is_discarded_before_it_is_delivered() -> None:
    state = begin(KinesisStream(maximum_record_age_in_seconds=60, batch_size=1), "A1", "A2")
    _, state = state.step(Raised("no"), ended_at=30)
    assert batch(state) == "A1"
    _, state = state.step(Raised("no"), ended_at=100)
    assert (batch(state), gone(state, "discarded")) == ("", [0, 1])


def test_a_record_that_was_too_old_from_the_beginning_is_never_delivered() -> None:
    stream = KinesisStream(maximum_record_age_in_seconds=60)
    state = stream.begin(name_records(["A1", "A2"], str, {"A1": 61}))
    assert isinstance(state, StreamState)
    assert (batch(state), state.removed) == ("A2", {0: "discarded"})


def test_without_report_batch_item_failures_a_stream_goes_on_whatever_is_named() -> None:
    state = begin(KinesisStream(report_batch_item_failures=False), "A1", "A2")
    _, state = state.step(naming(state, "A1"), ended_at=state.now)
    assert gone(state, "done") == [0, 1]


def test_a_drained_stream_takes_no_answer() -> None:
    state = begin(KinesisStream(), "A1")
    _, state = state.step(Returned(None), ended_at=state.now)
    with pytest.raises(ValueError, match="drained"):
        state.step(Returned(None), ended_at=state.now)


def test_kafka_delivers_again_what_was_named() -> None:
    state = begin(KafkaTopic(partitions=2, redelivery="named"), "A1", "B1", "A2", "B2", "A3")
    _, state = state.step(naming(state, "A1", "B2"), ended_at=state.now)
    assert sorted(batch(state).split()) == ["A1", "B2"]


def test_kafka_delivers_again_from_the_lowest_offset_of_each_partition_on() -> None:
    state = begin(KafkaTopic(partitions=2, redelivery="from_lowest_offset"), "A1", "B1", "A2", "B2", "A3")
    _, state = state.step(naming(state, "A2"), ended_at=state.now)
    assert batch(state) == "A2 A3"


def test_a_batch_of_kafka_lists_its_records_by_partition() -> None:
    state = begin(KafkaTopic(partitions=2), "A1", "B1", "A2")
    assert state.delivery is not None
    assert {name: len(raws) for name, raws in state.delivery.event["records"].items()} == {"orders-1": 2, "orders-0": 1}


@pytest.mark.parametrize(("destination", "deliveries"), [(True, 11), (False, 40)])
def test_endless_retries_of_kafka_are_ten_when_there_is_an_on_failure_destination(
    *, destination: bool, deliveries: int
) -> None:
    state = begin(KafkaTopic(on_failure_destination=destination), "A1")
    for _ in range(deliveries):
        assert batch(state) == "A1"
        _, state = state.step(Raised("no"), ended_at=state.now)
    assert gone(state, "discarded") == ([0] if destination else [])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: KinesisStream(batch_size=0),
        lambda: KinesisStream(maximum_retry_attempts=-2),
        lambda: DynamoDBStream(maximum_record_age_in_seconds=604_801),
        lambda: KafkaTopic(partitions=0),
        lambda: KinesisStream(seconds_between_retries=-1),
    ],
)
def test_what_aws_does_not_allow_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="not"):
        wrong()


def test_a_dynamodb_payload_is_a_mapping() -> None:
    with pytest.raises(TypeError, match="mapping"):
        DynamoDBStream().begin(name_records(["A1"], str))
