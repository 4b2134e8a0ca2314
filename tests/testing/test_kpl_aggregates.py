"""Streams of KPL aggregates: the builder, the model, and functions that are safe on it or are not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import safe

from batchfold import KinesisRecord, Lane, as_lambda_handler, by_partition_key, each_record, kinesis
from batchfold.testing import (
    AggregatedKinesisStream,
    Effect,
    FailureSchedule,
    Fate,
    LambdaFunction,
    MakeFunction,
    Raised,
    Returned,
    UnsafeFunctionError,
    assert_safe,
    drain,
    kpl_aggregate,
    name_records,
)
from batchfold.testing.strategies import aggregated_kinesis_streams, failure_schedules, kpl_aggregates, record_names


def reading(lane: Lane | None = None, **options: Any) -> MakeFunction:
    source = kinesis(aggregated=True) if lane is None else kinesis(aggregated=True, lane=lane)

    def make(effect: Effect) -> LambdaFunction:
        @safe
        def handle(record: KinesisRecord) -> None:
            effect(record.data)

        return as_lambda_handler(handle, source, **options)

    return make


def begin(stream: AggregatedKinesisStream, *names: str) -> Any:
    return stream.begin(name_records(names, str))


def batch(state: Any) -> str:
    return "" if state.delivery is None else " ".join(record.name for record in state.delivery.records)


def test_an_aggregate_holds_at_least_one_user_record() -> None:
    with pytest.raises(ValueError, match="at least one user record"):
        kpl_aggregate()


@given(kpl_aggregates(st.integers()))
def test_drawn_aggregates_are_whole(data: bytes) -> None:
    assert data.startswith(b"\xf3\x89\x9a\xc2")


# ------------------------------------------------------------ the model
def test_a_delivery_has_aggregates_and_the_raw_record_of_each_user_record() -> None:
    delivery = begin(AggregatedKinesisStream(), "A1", "B1", "A2", "B2").delivery
    raws = delivery.event["Records"]
    assert len(raws) == 2
    assert raws[0]["kinesis"]["partitionKey"] == "a"
    assert [raw["kinesis"]["partitionKey"] for raw in delivery.raws] == ["A", "B", "A", "B"]
    assert [KinesisRecord(raw).data for raw in delivery.raws] == [b"A1", b"B1", b"A2", b"B2"]
    assert list(delivery.identifiers.values()) == [0, 3]


def test_a_batch_counts_aggregates() -> None:
    state = begin(AggregatedKinesisStream(batch_size=2, aggregate_size=2), *(f"A{number}" for number in range(1, 6)))
    assert batch(state) == "A1 A2 A3 A4"
    _, state = state.step(Returned(None), ended_at=0)
    assert batch(state) == "A5"


def test_the_whole_aggregate_comes_back() -> None:
    state = begin(AggregatedKinesisStream(aggregate_size=2), "A1", "A2", "A3", "A4", "A5")
    number = state.delivery.event["Records"][1]["kinesis"]["sequenceNumber"]
    _, state = state.step(Returned({"batchItemFailures": [{"itemIdentifier": number}]}), ended_at=0)
    assert batch(state) == "A3 A4 A5"


def test_a_batch_is_split_between_aggregates() -> None:
    stream = AggregatedKinesisStream(bisect_batch_on_function_error=True)
    state = begin(stream, *(f"A{number}" for number in range(1, 8)))
    batches: list[str] = []
    for _ in range(3):
        _, state = state.step(Raised("no"), ended_at=state.now)
        batches.append(batch(state))
    assert batches == ["A1 A2 A3", "A1 A2 A3", "A1 A2 A3"]


def test_an_aggregate_is_as_old_as_its_oldest_user_record() -> None:
    history = drain(
        reading(),
        source=AggregatedKinesisStream(maximum_record_age_in_seconds=60, on_failure_destination=True),
        records=["A1", "A2", "A3", "A4"],
        ages={"A2": 61},
    )
    assert [history.fates[name] for name in ("A1", "A2", "A3")] == [Fate.DISCARDED_UNSTARTED] * 3
    assert history.fates["A4"] is Fate.DONE
    (document,) = history.destination
    assert document["KinesisBatchInfo"]["batchSize"] == 1
    assert document["KinesisBatchInfo"]["startSequenceNumber"] == document["KinesisBatchInfo"]["endSequenceNumber"]


def test_a_parallelization_factor_is_refused() -> None:
    with pytest.raises(ValueError, match="parallelization_factor, of a stream of aggregates"):
        AggregatedKinesisStream(parallelization_factor=2)


# ------------------------------------------------------------ functions
@pytest.mark.parametrize("shards", [1, 2])
@pytest.mark.parametrize("lane", [None, by_partition_key, each_record])
def test_a_function_of_aggregates_is_safe(lane: Lane | None, shards: int) -> None:
    assert_safe(reading(lane), source=AggregatedKinesisStream(shards=shards), lane=lane, max_examples=50)


def test_a_function_that_reads_aggregates_is_safe_on_a_stream_without_any() -> None:
    assert_safe(reading(), source=AggregatedKinesisStream(aggregate_size=1), max_examples=30)


@given(st.data(), aggregated_kinesis_streams(), st.sampled_from([None, by_partition_key, each_record]))
def test_each_user_record_is_done_or_given_up_as_the_mapping_says(
    data: st.DataObject, source: AggregatedKinesisStream, lane: Lane | None
) -> None:
    names = data.draw(record_names())
    history = drain(
        reading(lane),
        source=source,
        records=names,
        schedule=data.draw(failure_schedules(names)),
        lane=lane,
    )
    assert history.lost == ()
    assert history.needless_repeats == ()
    assert lane is each_record or history.order_violations == ()


def test_user_records_that_were_done_are_repeated_with_their_aggregate_and_that_is_needed() -> None:
    history = drain(
        reading(),
        source=AggregatedKinesisStream(),
        records=["A1", "A2", "A3"],
        schedule=FailureSchedule({"A2": ("fails",)}),
    )
    assert [(repeat.name, repeat.needed) for repeat in history.repeats] == [("A1", True)]


def test_a_function_that_does_not_ask_for_user_records_does_nothing() -> None:
    def make(effect: Effect) -> LambdaFunction:
        @safe
        def handle(record: KinesisRecord) -> None:
            effect(record.data)

        return as_lambda_handler(handle, kinesis())

    with pytest.raises(UnsafeFunctionError, match="never called the effect"):
        assert_safe(make, source=AggregatedKinesisStream(), max_examples=20)


def test_a_function_that_goes_on_in_a_lane_of_an_aggregate_is_caught() -> None:
    with pytest.raises(UnsafeFunctionError, match="Order is broken"):
        assert_safe(reading(each_record), source=AggregatedKinesisStream(), max_examples=50)


def test_a_function_that_names_no_record_of_an_aggregate_loses_it() -> None:
    def make(effect: Effect) -> LambdaFunction:
        function = reading()(effect)

        def forgetful(event: Any, context: Any) -> Any:
            try:
                function(event, context)
            except Exception:  # noqa: BLE001  # whatever it is
                return None

        return forgetful

    with pytest.raises(UnsafeFunctionError, match="is lost"):
        assert_safe(make, source=AggregatedKinesisStream(), max_examples=50)
