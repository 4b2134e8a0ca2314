"""batchfold's own functions, on every source, in every lane, sequential, in threads and async: they do no harm."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.future import future_safe
from returns.result import safe

from batchfold import (
    Lane,
    as_lambda_handler,
    by_item_key,
    by_message_group,
    by_message_key,
    by_partition_key,
    by_topic_partition,
    dynamodb,
    each_record,
    kafka,
    kinesis,
    pipes,
    sqs,
    whole_batch,
)
from batchfold.testing import (
    DynamoDBPipe,
    DynamoDBStream,
    Effect,
    EventSource,
    FailureSchedule,
    Fate,
    KafkaShareGroup,
    KafkaTopic,
    KinesisPipe,
    KinesisStream,
    LambdaFunction,
    MakeFunction,
    SqsPipe,
    SqsQueue,
    UnsafeFunctionError,
    assert_safe,
    drain,
    tell,
)
from batchfold.testing.complaints import complaints
from batchfold.testing.strategies import event_pipes, event_sources, kafka_share_groups, scenarios, sharded_streams

# Under beartype the checks of containers take a sample, with a random number that changes nothing drawn.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")

Way = Literal["sequential", "threads", "async"]
WAYS: tuple[Way, ...] = ("sequential", "threads", "async")
THREADS = ThreadPoolExecutor(4)

CASES: list[tuple[EventSource, Lane | None]] = [
    (SqsQueue(), None),
    (SqsQueue(max_receive_count=3), each_record),
    (SqsQueue(fifo=True), None),
    (SqsQueue(fifo=True, max_receive_count=3), whole_batch),
    (SqsQueue(fifo=True), by_message_group),
    (SqsQueue(fifo=True, max_receive_count=2), by_message_group),
    (KinesisStream(), None),
    (KinesisStream(), by_partition_key),
    (KinesisStream(), each_record),
    (KinesisStream(maximum_retry_attempts=2, bisect_batch_on_function_error=True), None),
    (DynamoDBStream(), None),
    (DynamoDBStream(), by_item_key),
    (DynamoDBStream(maximum_retry_attempts=2), each_record),
    (KafkaTopic(), None),
    (KafkaTopic(redelivery="from_lowest_offset"), None),
    (KafkaTopic(), by_message_key),
    (KafkaTopic(redelivery="from_lowest_offset"), by_message_key),
    (KafkaTopic(partitions=1, on_failure_destination=True), each_record),
    (KafkaTopic(redelivery="from_lowest_offset", partitions=1), each_record),
    (KafkaShareGroup(), each_record),
    (KinesisStream(shards=2, parallelization_factor=2), None),
    (KinesisStream(shards=2, parallelization_factor=2), by_partition_key),
    (DynamoDBStream(parallelization_factor=3), by_item_key),
    (SqsPipe(fifo=True, max_receive_count=3), by_message_group),
    (KinesisPipe(), None),
    (KinesisPipe(maximum_retry_attempts=2), by_partition_key),
    (KinesisPipe(automatic_bisect=True), None),
    (DynamoDBPipe(), each_record),
]

# Every source in every lane, each once: what may go wrong side by side does not depend on the mapping's settings.
SIDE_BY_SIDE: list[tuple[EventSource, Lane | None]] = [
    (SqsQueue(), None),
    (SqsQueue(fifo=True), None),
    (SqsQueue(fifo=True), by_message_group),
    (KinesisStream(), None),
    (KinesisStream(), by_partition_key),
    (KinesisStream(), each_record),
    (DynamoDBStream(), by_item_key),
    (KafkaTopic(redelivery="from_lowest_offset"), None),
    (KafkaTopic(redelivery="from_lowest_offset"), by_message_key),
    (KafkaTopic(partitions=1), each_record),
]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What failed is logged, a line a record; a search makes thousands of them fail."""
    logging.getLogger("batchfold").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("batchfold").setLevel(logging.NOTSET)


def reading(source: EventSource, lane: Lane | None) -> tuple[Any, Callable[[Any], Any]]:
    """batchfold's source for it, and where its records have the name."""
    match source:
        case SqsQueue():
            return (sqs() if lane is None else sqs(lane=lane)), lambda record: record.body
        case KinesisStream():
            return (kinesis() if lane is None else kinesis(lane=lane)), lambda record: record.data
        case DynamoDBStream():
            return (dynamodb() if lane is None else dynamodb(lane=lane)), lambda record: record.new_image["id"]
        case KafkaTopic() | KafkaShareGroup():
            return (kafka() if lane is None else kafka(lane=lane)), lambda record: record.value
        case _:
            raise NotImplementedError


def own_function(source: EventSource, lane: Lane | None, way: Way = "sequential", **options: Any) -> MakeFunction:
    """The Lambda function that batchfold makes for this source: its whole public path, from event to response."""
    plain, name_of = reading(source, lane)
    how_to_read: Any = pipes(plain) if isinstance(source, SqsPipe | KinesisPipe | DynamoDBPipe) else plain

    def make(effect: Effect) -> LambdaFunction:
        @safe
        def handle(record: Any) -> None:
            effect(name_of(record))

        @future_safe
        async def handle_async(record: Any) -> None:
            await asyncio.sleep(0)  # let the others go on
            effect(name_of(record))

        match way:
            case "sequential":
                return as_lambda_handler(handle, how_to_read, **options)
            case "threads":
                return as_lambda_handler(handle, how_to_read, executor=THREADS, **options)
            case "async":
                return as_lambda_handler(handle_async, how_to_read, max_concurrency=3, **options)

    return make


def named(case: object) -> str:
    return getattr(case, "__name__", "default") if not isinstance(case, EventSource) else type(case).__name__


@pytest.mark.parametrize(("source", "lane"), CASES, ids=named)
def test_it_loses_nothing_keeps_its_order_and_repeats_no_more_than_it_must(
    source: EventSource, lane: Lane | None
) -> None:
    assert_safe(own_function(source, lane), source=source, lane=lane)


@pytest.mark.parametrize("way", ["threads", "async"])
@pytest.mark.parametrize(("source", "lane"), SIDE_BY_SIDE, ids=named)
def test_it_is_as_safe_when_lanes_run_side_by_side(source: EventSource, lane: Lane | None, way: Way) -> None:
    assert_safe(own_function(source, lane, way), source=source, lane=lane)


@pytest.mark.parametrize("way", WAYS)
@given(data=st.data())
def test_it_is_safe_under_any_settings_of_the_mapping(data: st.DataObject, way: Way) -> None:
    source = data.draw(st.one_of(event_sources(), sharded_streams(), kafka_share_groups(), event_pipes()))
    lane = data.draw(st.sampled_from(lanes_of(source)))
    scenario = data.draw(scenarios(source))
    history = drain(
        own_function(source, lane, way),
        source=scenario.source,
        records=scenario.records,
        schedule=scenario.schedule,
        lane=lane,
        most_invocations=scenario.enough_invocations,
    )
    assert list(complaints(history, scenario)) == [], tell(history)


def lanes_of(source: EventSource) -> list[Lane | None]:
    match source:
        case SqsQueue():
            return [None, by_message_group, whole_batch] if source.fifo else [None, each_record]
        case KinesisStream():
            return [None, by_partition_key, each_record, whole_batch]
        case DynamoDBStream():
            return [None, by_item_key, each_record, whole_batch]
        case KafkaTopic() | KafkaShareGroup():
            return [None, by_message_key, each_record, by_topic_partition]
        case _:
            raise NotImplementedError


@pytest.mark.parametrize(
    "source",
    [SqsQueue(), SqsQueue(fifo=True), KinesisStream(), DynamoDBStream(), KafkaTopic(), SqsPipe(), KinesisPipe()],
    ids=named,
)
def test_with_a_reserve_it_stops_in_time_and_repeats_nothing(source: EventSource) -> None:
    # The last record starts with two seconds left, and an effect takes one.
    make = own_function(source, None, reserve_ms=1_000)
    assert_safe(make, source=source, timeout_seconds=4, effect_seconds=1)


@pytest.mark.parametrize(
    ("source", "way"),
    [
        (SqsQueue(), "threads"),
        (SqsQueue(fifo=True), "async"),
        (KinesisStream(), "sequential"),
        (DynamoDBStream(), "threads"),
        (KafkaTopic(), "async"),
    ],
    ids=named,
)
def test_an_attempt_that_hangs_loses_nothing(source: EventSource, way: Way) -> None:
    assert_safe(own_function(source, None, way), source=source, overruns=True)


@pytest.mark.parametrize(
    "source", [SqsQueue(report_batch_item_failures=False), KinesisStream(report_batch_item_failures=False)], ids=named
)
def test_without_report_batch_item_failures_raising_on_any_failure_loses_nothing(source: EventSource) -> None:
    assert_safe(own_function(source, None, raise_on="any_failure"), source=source)


def test_what_is_settled_is_not_lost_and_lets_its_lane_go_on() -> None:
    source = SqsQueue(fifo=True)

    def make(effect: Effect) -> LambdaFunction:
        @safe
        def handle(record: Any) -> None:
            effect(record.body)

        @safe
        def settle(failed: Any) -> None:
            effect.settle(failed.record.body)

        return as_lambda_handler(handle, sqs(), settle=settle)

    history = drain(make, source=source, records=["A1", "A2", "B1"], schedule=FailureSchedule(never_succeed={"A1"}))
    assert history.fates == {"A1": Fate.SETTLED, "A2": Fate.DONE, "B1": Fate.DONE}
    assert history.invocation_count == 1
    assert_safe(make, source=source)


@pytest.mark.parametrize(
    ("source", "lane_used", "lane_asked"),
    [
        (SqsQueue(fifo=True), each_record, None),
        (KinesisStream(), each_record, None),
        (KinesisStream(), by_partition_key, whole_batch),
        (KinesisPipe(), each_record, None),
        (DynamoDBStream(), each_record, by_item_key),
        (KafkaTopic(), each_record, None),
        (KafkaTopic(), by_message_key, by_topic_partition),
    ],
    ids=named,
)
def test_a_narrower_lane_than_was_asked_for_is_caught(
    source: EventSource, lane_used: Lane, lane_asked: Lane | None
) -> None:
    with pytest.raises(UnsafeFunctionError, match="Order is broken"):
        assert_safe(own_function(source, lane_used), source=source, lane=lane_asked)
