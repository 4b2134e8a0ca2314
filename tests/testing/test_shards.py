"""The models with several batches under way: shards, parallelization factor; and the Kafka share group without order."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import safe

from batchfold import Lane, as_lambda_handler, by_partition_key, each_record, kafka, kinesis
from batchfold.testing import (
    Effect,
    FailureSchedule,
    Fate,
    KafkaShareGroup,
    KafkaTopic,
    KinesisStream,
    LambdaFunction,
    MakeFunction,
    Raised,
    Returned,
    ShardsState,
    UnsafeFunctionError,
    assert_safe,
    drain,
    name_records,
)
from batchfold.testing.strategies import failure_schedules, record_names, sharded_streams


def reading_kinesis(lane: Lane | None = None) -> MakeFunction:
    def make(effect: Effect) -> LambdaFunction:
        @safe
        def handle(record: Any) -> None:
            effect(record.data)

        return as_lambda_handler(handle, kinesis() if lane is None else kinesis(lane=lane), raise_on="never")

    return make


def reading_kafka(lane: Lane | None = None) -> MakeFunction:
    def make(effect: Effect) -> LambdaFunction:
        @safe
        def handle(record: Any) -> None:
            effect(record.value)

        return as_lambda_handler(handle, kafka() if lane is None else kafka(lane=lane))

    return make


def test_a_shard_goes_on_while_another_waits_for_its_retry() -> None:
    history = drain(
        reading_kinesis(),
        source=KinesisStream(shards=2, batch_size=1),
        records=["A1", "B1", "A2", "B2"],
        schedule=FailureSchedule({"A1": ("fails", "fails")}),
    )
    delivered = [name for invocation in history.invocations for name in invocation.delivered]
    assert delivered == ["A1", "B1", "B2", "A1", "A1", "A2"]
    assert [invocation.at for invocation in history.invocations] == [0, 0, 0, 1, 2.6, 2.6]


def test_a_batch_holds_records_of_one_shard() -> None:
    stream = KinesisStream(shards=2)
    state = stream.begin(name_records(["A1", "B1", "A2"], str))
    assert isinstance(state, ShardsState)
    batches: list[set[str]] = []
    while state.delivery is not None:
        batches.append({raw["eventID"].partition(":")[0] for raw in state.delivery.raws})
        _, state = state.step(Returned(None), ended_at=state.now)
    assert batches == [{"shardId-000000000001"}, {"shardId-000000000000"}]


@given(data=st.data(), source=sharded_streams())
def test_each_record_is_done_once_and_each_key_in_order(data: st.DataObject, source: Any) -> None:
    names = data.draw(record_names())
    state = source.begin(name_records(names, source.default_payload))
    done: list[str] = []
    before = state
    for _ in range(60):
        if state.delivery is None:
            break
        answer = data.draw(st.sampled_from([Returned(None), Returned(None), Raised("no")]))
        delivered = {record.position: record.name for record in state.delivery.records}
        _, state = state.step(answer, ended_at=state.now)
        done += [
            delivered[at] for at in sorted(set(state.removed) - set(before.removed)) if state.removed[at] == "done"
        ]
        assert state.now >= before.now
        before = state
    for key in "ABC":
        numbers = [int(name[1:]) for name in done if name[0] == key]
        assert all(one < other for one, other in pairwise(numbers))


@given(data=st.data(), source=sharded_streams())
def test_a_stream_of_several_shards_is_drained_as_one_is(data: st.DataObject, source: Any) -> None:
    names = data.draw(record_names())
    schedule = data.draw(failure_schedules(names))
    lossless = KinesisStream(shards=source.shards, parallelization_factor=source.parallelization_factor)
    history = drain(reading_kinesis(), source=lossless, records=names, schedule=schedule)
    assert history.drained
    assert set(history.fates.values()) == {Fate.DONE}
    assert (history.order_violations, history.needless_repeats) == ((), ())


def test_with_a_parallelization_factor_only_the_order_of_a_key_is_kept() -> None:
    stream = KinesisStream(parallelization_factor=2)
    assert_safe(reading_kinesis(), source=stream, max_examples=30)
    assert_safe(reading_kinesis(by_partition_key), source=stream, lane=by_partition_key, max_examples=30)
    with pytest.raises(UnsafeFunctionError, match="Order is broken"):
        assert_safe(reading_kinesis(each_record), source=stream, max_examples=100)


def test_a_function_that_keeps_state_between_invocations_is_caught_by_several_shards() -> None:
    def make(effect: Effect) -> LambdaFunction:
        failed: list[str] = []

        def function(event: Any, _context: Any) -> Any:
            for raw in event["Records"]:
                number = raw["kinesis"]["sequenceNumber"]
                if failed and failed[0] != number:
                    continue  # "stop at the first failure", remembered from another shard's batch
                failed.clear()
                try:
                    effect(kinesis().as_delivered(raw).data)
                except Exception:  # noqa: BLE001  # whatever the effect raises
                    failed.append(number)
            in_batch = [raw["kinesis"]["sequenceNumber"] for raw in event["Records"]]
            return {"batchItemFailures": [{"itemIdentifier": number} for number in failed if number in in_batch]}

        return function

    assert_safe(make, source=KinesisStream(), max_examples=100)
    with pytest.raises(UnsafeFunctionError, match="is lost"):
        assert_safe(make, source=KinesisStream(shards=2), max_examples=100)


def test_a_share_group_releases_what_is_not_done_and_archives_it_at_the_delivery_limit() -> None:
    history = drain(
        reading_kafka(each_record),
        source=KafkaShareGroup(delivery_limit=3),
        records=["A1", "A2", "B1"],
        schedule=FailureSchedule({"A2": ("fails",)}, never_succeed={"A1"}),
    )
    assert [invocation.delivered for invocation in history.invocations] == [("A1", "A2", "B1"), ("A1", "A2"), ("A1",)]
    assert {invocation.at for invocation in history.invocations} == {0}
    assert history.removed_as("archived") == ("A1",)
    assert history.fates == {"A1": Fate.DISCARDED, "A2": Fate.DONE, "B1": Fate.DONE}


def test_a_share_group_counts_deliveries_by_five_if_nothing_else_is_said() -> None:
    history = drain(
        reading_kafka(each_record),
        source=KafkaShareGroup(),
        records=["A1"],
        schedule=FailureSchedule(never_succeed={"A1"}),
    )
    assert history.invocation_count == 5


def test_the_default_lane_of_kafka_lets_records_be_archived_that_were_never_started() -> None:
    source = KafkaShareGroup(delivery_limit=2)
    assert_safe(reading_kafka(each_record), source=source, must_start=True, max_examples=50)
    with pytest.raises(UnsafeFunctionError, match="was given up without ever having been started") as caught:
        assert_safe(reading_kafka(), source=source, must_start=True, max_examples=50)
    assert caught.value.history.records == ("A1", "A2")


def test_a_share_group_promises_no_order_and_so_asks_for_none() -> None:
    assert_safe(reading_kafka(each_record), source=KafkaShareGroup(), max_examples=50)
    with pytest.raises(UnsafeFunctionError, match="Order is broken"):
        assert_safe(reading_kafka(each_record), source=KafkaTopic(), max_examples=50)
