"""EventBridge Pipes: the events that a pipe delivers, and the models of a pipe."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from returns.result import safe

from batchfold import SqsRecord, as_lambda_handler, by_partition_key, kinesis, pipes, sqs
from batchfold.testing import (
    DynamoDBPipe,
    DynamoDBStream,
    Effect,
    EventSource,
    FailureSchedule,
    Fate,
    KinesisPipe,
    KinesisStream,
    LambdaFunction,
    MakeFunction,
    SqsPipe,
    UnsafeFunctionError,
    assert_safe,
    drain,
    kafka_event,
    kinesis_event,
    pipes_event,
)
from batchfold.testing import strategies as bst

# Under beartype the checks of containers take a sample, with a random number that changes nothing drawn.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")

DOCUMENTED_KINESIS_FIELDS = {
    "kinesisSchemaVersion",
    "partitionKey",
    "sequenceNumber",
    "data",
    "approximateArrivalTimestamp",
    "eventSource",
    "eventVersion",
    "eventID",
    "eventName",
    "invokeIdentityArn",
    "awsRegion",
    "eventSourceARN",
}
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-kinesis.html"""


def test_the_record_of_a_stream_is_flat() -> None:
    (raw,) = pipes_event(kinesis_event("a"))
    assert raw.keys() == DOCUMENTED_KINESIS_FIELDS


@given(event=bst.sqs_events() | bst.dynamodb_events())
def test_other_records_are_those_of_an_event_source_mapping(event: dict[str, Any]) -> None:
    assert pipes_event(event) == event["Records"]


@given(event=bst.pipes_events())
def test_every_event_of_a_pipe_names_its_records_or_says_where_they_are_from(event: list[dict[str, Any]]) -> None:
    assert all(raw.get("messageId") or raw.get("eventID") for raw in event)
    assert len({raw["eventSource"] for raw in event}) == 1


def test_only_events_with_listed_records_are_delivered_by_a_pipe() -> None:
    with pytest.raises(ValueError, match="under 'Records'"):
        pipes_event(kafka_event("a"))


def naming(name_of: Callable[[list[Any]], list[Any]]) -> MakeFunction:
    """A function without batchfold behind a pipe of a stream: it names those of the failed records that `name_of` picks."""

    def make(effect: Effect) -> LambdaFunction:
        def function(event: list[dict[str, Any]], _context: object) -> object:
            failed: list[dict[str, Any]] = []
            for position, raw in enumerate(event):
                try:
                    effect(raw["dynamodb"]["NewImage"]["id"]["S"])
                except Exception:  # noqa: BLE001  # whatever the effect raises
                    failed = event[position:]
                    break
            return {"batchItemFailures": [{"itemIdentifier": item_id} for item_id in name_of(failed)]}

        return function

    return make


def event_ids(failed: list[Any]) -> list[Any]:
    return [raw["eventID"] for raw in failed]


def first_event_id(failed: list[Any]) -> list[Any]:
    return event_ids(failed)[:1]


def sequence_numbers(failed: list[Any]) -> list[Any]:
    return [raw["dynamodb"]["SequenceNumber"] for raw in failed]


def test_a_function_that_names_all_that_it_did_not_do_is_safe() -> None:
    assert_safe(naming(event_ids), source=DynamoDBPipe())


@pytest.mark.parametrize(
    ("name_of", "complaint"),
    [
        (first_event_id, "A2 is lost"),  # as if the pipe went back to a checkpoint
        (sequence_numbers, "performed again in invocation 2, and nothing made that necessary"),
    ],
)
def test_a_function_that_answers_as_to_an_event_source_mapping_is_caught(
    name_of: Callable[[list[Any]], list[Any]], complaint: str
) -> None:
    with pytest.raises(UnsafeFunctionError, match=complaint):
        assert_safe(naming(name_of), source=DynamoDBPipe())


def keeping(source: Any) -> MakeFunction:
    def make(effect: Effect) -> LambdaFunction:
        @safe
        def keep(record: Any) -> None:
            effect(record.data.decode())

        return as_lambda_handler(keep, source)

    return make


def test_the_rule_of_a_stream_loses_records_of_a_pipe() -> None:
    def lowest(batch: Any) -> Any:
        by_number = {item_id.partition(":")[2]: item_id for item_id in batch.ids_not_done}
        return {"batchItemFailures": [{"itemIdentifier": by_number[min(by_number, key=int)]}] if by_number else []}

    with pytest.raises(UnsafeFunctionError, match="is lost"):
        assert_safe(keeping(pipes(kinesis()).replace(respond=lowest)), source=KinesisPipe())


def test_a_pipe_repeats_nothing_where_a_mapping_does() -> None:
    schedule = FailureSchedule({"A1": ("fails",)})
    names = ["A1", "B1", "A2"]
    of_pipe = drain(
        keeping(pipes(kinesis(lane=by_partition_key))), source=KinesisPipe(), records=names, schedule=schedule
    )
    of_mapping = drain(
        keeping(kinesis(lane=by_partition_key)), source=KinesisStream(), records=names, schedule=schedule
    )
    assert of_pipe.repeats == ()
    assert [repeat.name for repeat in of_mapping.repeats] == ["B1"]
    assert of_pipe.invocations[1].delivered == ("A1", "A2")


def test_a_pipe_gives_up_when_its_retries_run_out() -> None:
    history = drain(
        keeping(pipes(kinesis(lane=by_partition_key))),
        source=KinesisPipe(maximum_retry_attempts=2, on_failure_destination="SQS"),
        records=["A1", "B1"],
        schedule=FailureSchedule(never_succeed={"A1"}),
    )
    assert history.fates == {"A1": Fate.DISCARDED, "B1": Fate.DONE}
    assert history.destination == (), "its documents are not modelled"


def test_a_record_that_is_too_old_is_given_up() -> None:
    history = drain(
        keeping(pipes(kinesis())),
        source=KinesisPipe(maximum_record_age_in_seconds=60),
        records=["A1", "A2"],
        ages={"A1": 61},
    )
    assert history.fates == {"A1": Fate.DISCARDED_UNSTARTED, "A2": Fate.DONE}


def test_automatic_bisect_halves_the_batch_and_brings_both_halves_back() -> None:
    history = drain(
        keeping(pipes(kinesis(lane=by_partition_key))),
        source=KinesisPipe(automatic_bisect=True),
        records=["A1", "B1", "A2", "B2"],
        schedule=FailureSchedule({"B2": ("fails",)}),
    )
    assert [invocation.delivered for invocation in history.invocations] == [
        ("A1", "B1", "A2", "B2"),
        ("A1", "B1"),
        ("A2", "B2"),
    ]
    assert all(repeat.needed for repeat in history.repeats)
    assert [repeat.name for repeat in history.repeats] == ["A1", "B1", "A2"]


def test_the_dead_letters_of_a_queue_are_its_own() -> None:
    def make(effect: Effect) -> LambdaFunction:
        @safe
        def reserve(record: SqsRecord) -> None:
            effect(record.body)

        return as_lambda_handler(reserve, pipes(sqs()))

    history = drain(
        make,
        source=SqsPipe(max_receive_count=2),
        records=["A1", "A2"],
        schedule=FailureSchedule(never_succeed={"A1"}),
    )
    assert history.fates == {"A1": Fate.DEAD_LETTER, "A2": Fate.DONE}
    assert history.invocations[1].delivered == ("A1",)


@pytest.mark.parametrize("model", [KinesisPipe, DynamoDBPipe])
def test_settings_that_a_pipe_does_not_have_are_refused(model: Callable[..., EventSource]) -> None:
    with pytest.raises(ValueError, match="automatic_bisect instead"):
        model(bisect_batch_on_function_error=True)
    with pytest.raises(ValueError, match="one of 'SQS', 'SNS'"):
        model(on_failure_destination="S3")
    with pytest.raises(ValueError, match="reads every response"):
        model(report_batch_item_failures=False)
    with pytest.raises(ValueError, match="no tumbling windows"):
        model(tumbling_window_in_seconds=5)
    with pytest.raises(ValueError, match="batch_size"):
        model(batch_size=0)


def test_a_pipe_of_a_queue_reads_every_response() -> None:
    with pytest.raises(ValueError, match="reads every response"):
        SqsPipe(report_batch_item_failures=False)


@pytest.mark.parametrize("source", [SqsPipe(visibility_timeout_seconds=1_800), KinesisPipe(), DynamoDBPipe()])
def test_a_pipe_waits_five_minutes_at_most(source: EventSource) -> None:
    source.check_timeout(300)
    with pytest.raises(ValueError, match="at most 300"):
        source.check_timeout(301)


def test_records_of_later_batches_of_a_table_have_event_ids_of_their_own() -> None:
    history = drain(naming(event_ids), source=DynamoDBPipe(batch_size=1), records=["A1", "A2"])
    assert history.invocation_count == 2
    assert DynamoDBStream.source_name in DynamoDBPipe.source_name
