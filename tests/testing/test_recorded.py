"""The model does what AWS was recorded to do.

LocalStack's tests of event source mappings keep recordings of AWS itself, of August 2022 to November 2025:
https://github.com/localstack/localstack/tree/main/tests/aws/services/lambda_/event_source_mapping. Each test plays what was
recorded. Not played: what a builder makes (`md5OfMessageAttributes`), and bisecting, which nobody has recorded.
"""

import base64
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest

from batchfold.testing import (
    DynamoDBStream,
    Effect,
    FailureSchedule,
    Fate,
    History,
    KinesisStream,
    LambdaFunction,
    MakeFunction,
    SqsQueue,
    drain,
)

STREAMS: list[Callable[..., KinesisStream | DynamoDBStream]] = [KinesisStream, DynamoDBStream]
NAMES = ["A1", "A2", "A3", "A4", "A5", "A6"]


def sequence_number(raw: Any) -> str:
    return str(raw["kinesis"]["sequenceNumber"] if "kinesis" in raw else raw["dynamodb"]["SequenceNumber"])


def name_of(raw: Any) -> str:
    if "body" in raw:
        return str(raw["body"])
    if "kinesis" in raw:
        return base64.b64decode(raw["kinesis"]["data"]).decode()
    return str(raw["dynamodb"]["NewImage"]["id"]["S"])


def naming(identifier_of: Callable[[Any], object]) -> MakeFunction:
    """A function that handles each record and names those that fail."""

    def make(effect: Effect) -> LambdaFunction:
        def function(event: Any, _context: Any) -> Any:
            failed: list[Any] = []
            for raw in event["Records"]:
                try:
                    effect(name_of(raw))
                except Exception:  # noqa: BLE001  # whatever the effect raises
                    failed.append({"itemIdentifier": identifier_of(raw)})
            return {"batchItemFailures": failed}

        return function

    return make


def answering(response: object) -> MakeFunction:
    """A function that does nothing and returns this; an exception it raises."""

    def make(_effect: Effect) -> LambdaFunction:
        def function(_event: Any, _context: Any) -> Any:
            if isinstance(response, Exception):
                raise response
            return response

        return function

    return make


def deliveries(history: History) -> Counter[str]:
    return Counter(name for invocation in history.invocations for name in invocation.delivered)


@pytest.mark.parametrize("stream", STREAMS)
def test_partial_progress_starts_the_count_of_retries_anew(stream: Callable[..., Any]) -> None:
    history = drain(
        naming(sequence_number),
        source=stream(batch_size=3, maximum_retry_attempts=3, on_failure_destination=True),
        records=NAMES,
        schedule=FailureSchedule(never_succeed={"A6"}),
    )
    assert [deliveries(history)[name] for name in NAMES] == [1, 1, 1, 1, 1, 5]
    (document,) = history.destination
    info = document["KinesisBatchInfo" if stream is KinesisStream else "DDBStreamBatchInfo"]
    assert (document["requestContext"]["approximateInvokeCount"], info["batchSize"]) == (4, 1)


UNREADABLE: list[object] = [
    {"batchItemFailures": [{"itemIdentifier": 123}]},
    {"batchItemFailures": [{"itemIdentifier": ""}]},
    {"batchItemFailures": [{"itemIdentifier": None}]},
    {"batchItemFailures": [{"foo": 123}]},
    {"batchItemFailures": [{"foo": None}]},
    ValueError("no"),
]


@pytest.mark.parametrize("response", UNREADABLE)
@pytest.mark.parametrize(("stream", "retries"), [(KinesisStream, 2), (DynamoDBStream, 3)])
def test_an_unreadable_response_is_retried_as_an_exception_is_with_everything(
    stream: Callable[..., Any], retries: int, response: object
) -> None:
    source = stream(maximum_retry_attempts=retries, on_failure_destination=True)
    history = drain(answering(response), source=source, records=["A1", "A2"])
    assert [invocation.delivered for invocation in history.invocations] == [("A1", "A2")] * (retries + 1)
    assert history.removed_as("discarded") == ("A1", "A2")


@pytest.mark.parametrize(
    "response", ["", [], None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}], ids=repr
)
@pytest.mark.parametrize("stream", STREAMS)
def test_an_empty_response_is_a_success(stream: Callable[..., Any], response: object) -> None:
    history = drain(answering(response), source=stream(), records=["A1"])
    assert (history.invocation_count, history.removed_as("done")) == (1, ("A1",))


def receive_counts(histories: Sequence[Any]) -> list[list[str]]:
    return [[raw["attributes"]["ApproximateReceiveCount"] for raw in event["Records"]] for event in histories]


def seeing(events: list[Any], make: MakeFunction) -> MakeFunction:
    """The same function, whose events are kept."""

    def make_seeing(effect: Effect) -> LambdaFunction:
        function = make(effect)

        def see(event: Any, context: Any) -> Any:
            events.append(event)
            return function(event, context)

        return see

    return make_seeing


def test_a_message_whose_function_raised_is_received_again_after_the_visibility_timeout() -> None:
    def make(effect: Effect) -> LambdaFunction:
        def function(event: Any, _context: Any) -> None:
            for raw in event["Records"]:
                effect(raw["body"])

        return function

    events: list[Any] = []
    history = drain(
        seeing(events, make),
        source=SqsQueue(visibility_timeout_seconds=5),
        records=["A1"],
        schedule=FailureSchedule({"A1": ("fails",)}),
        timeout_seconds=5,
    )
    assert receive_counts(events) == [["1"], ["2"]]
    first, second = history.invocations
    assert second.at - first.at >= 5


def test_a_message_is_received_as_often_as_the_redrive_policy_allows_and_then_goes_to_the_dead_letters() -> None:
    events: list[Any] = []
    history = drain(seeing(events, answering(ValueError("no"))), source=SqsQueue(max_receive_count=2), records=["A1"])
    assert receive_counts(events) == [["1"], ["2"]]
    assert history.removed_as("dead-letter") == ("A1",)


def test_of_a_message_group_the_rest_comes_back_until_it_goes_to_the_dead_letters() -> None:
    def make(effect: Effect) -> LambdaFunction:
        def stops_at_the_first_failure(event: Any, _context: Any) -> Any:
            raws = event["Records"]
            for position, raw in enumerate(raws):
                try:
                    effect(raw["body"])
                except Exception:  # noqa: BLE001  # whatever the effect raises
                    return {"batchItemFailures": [{"itemIdentifier": left["messageId"]} for left in raws[position:]]}
            return None

        return stops_at_the_first_failure

    events: list[Any] = []
    history = drain(
        seeing(events, make),
        source=SqsQueue(fifo=True, max_receive_count=2),
        records=["A1", "A2", "A3", "A4"],
        schedule=FailureSchedule(never_succeed={"A2", "A3", "A4"}),
    )
    assert [invocation.delivered for invocation in history.invocations] == [
        ("A1", "A2", "A3", "A4"),
        ("A2", "A3", "A4"),
    ]
    assert receive_counts(events) == [["1"] * 4, ["2"] * 3]
    assert history.removed_as("dead-letter") == ("A2", "A3", "A4")


def test_of_one_message_group_no_two_batches_are_handled_at_once() -> None:
    history = drain(
        naming(lambda raw: raw["messageId"]),
        source=SqsQueue(fifo=True, batch_size=1),
        records=["A1", "A2", "A3"],
        effect_seconds=5,
    )
    assert [invocation.delivered for invocation in history.invocations] == [("A1",), ("A2",), ("A3",)]
    for before, after in pairwise(history.invocations):
        assert before.ended_at - before.at == 5
        assert after.at >= before.ended_at


def test_thirty_messages_come_in_batches_of_twenty_and_ten() -> None:
    history = drain(
        answering(None),
        source=SqsQueue(batch_size=20, maximum_batching_window_in_seconds=1),
        records=[f"A{number}" for number in range(1, 31)],
    )
    assert [len(invocation.delivered) for invocation in history.invocations] == [20, 10]


def test_the_interval_between_retries_grows_so_that_a_record_of_a_minute_is_delivered_eight_times() -> None:
    source = KinesisStream(batch_size=1, maximum_record_age_in_seconds=60, on_failure_destination=True)
    history = drain(answering(ValueError("no")), source=source, records=["A1"])
    assert history.invocation_count == source.most_deliveries == 8
    intervals = [after.at - before.at for before, after in pairwise(history.invocations)]
    assert all(before < after for before, after in pairwise(intervals))
    (document,) = history.destination
    assert document["requestContext"]["condition"] == "RecordAgeExceeded"


def test_a_record_that_is_too_old_is_discarded_alone() -> None:
    history = drain(
        naming(sequence_number),
        source=KinesisStream(maximum_record_age_in_seconds=60, on_failure_destination=True),
        records=NAMES,
        ages={"A1": 61},
    )
    assert [invocation.delivered for invocation in history.invocations] == [("A2", "A3", "A4", "A5", "A6")]
    (document,) = history.destination
    assert document["KinesisBatchInfo"]["batchSize"] == 1
    assert document["requestContext"]["condition"] == "RecordAgeExceeded"
    assert "responseContext" not in document
    assert history.fates["A1"] == Fate.DISCARDED_UNSTARTED
    assert history.removed_as("discarded") == ("A1",)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize(
    ("response", "function_error"),
    [(UNREADABLE[0], None), (UNREADABLE[-1], "Unhandled")],
    ids=["unreadable", "raised"],
)
def test_the_document_about_discarded_records_tells_how_the_last_invocation_ended(
    stream: Callable[..., Any], response: object, function_error: str | None
) -> None:
    source = stream(maximum_retry_attempts=1, on_failure_destination=True)
    history = drain(answering(response), source=source, records=["A1", "A2"])
    (document,) = history.destination
    assert document["requestContext"] | {"requestId": "", "functionArn": ""} == {
        "requestId": "",
        "functionArn": "",
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 2,
    }
    assert document["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": function_error,
    }
    info = document["KinesisBatchInfo" if stream is KinesisStream else "DDBStreamBatchInfo"]
    assert set(info) == {
        "shardId",
        "startSequenceNumber",
        "endSequenceNumber",
        "approximateArrivalOfFirstRecord",
        "approximateArrivalOfLastRecord",
        "batchSize",
        "streamArn",
    }
    assert int(info["endSequenceNumber"]) - int(info["startSequenceNumber"]) == 1
    assert (document["version"], "payload" in document) == ("1.0", False)


def test_the_document_of_a_partial_response_tells_of_no_error() -> None:
    history = drain(
        naming(sequence_number),
        source=KinesisStream(maximum_retry_attempts=0, on_failure_destination=True),
        records=["A1"],
        schedule=FailureSchedule(never_succeed={"A1"}),
    )
    (document,) = history.destination
    assert document["responseContext"]["functionError"] is None


def test_only_s3_gets_the_records_too() -> None:
    source = KinesisStream(maximum_retry_attempts=0, on_failure_destination="S3")
    history = drain(answering(ValueError("no")), source=source, records=["A1", "A2"])
    (document,) = history.destination
    assert [name_of(raw) for raw in document["payload"]["Records"]] == ["A1", "A2"]


def test_without_a_destination_there_is_no_document() -> None:
    history = drain(answering(ValueError("no")), source=KinesisStream(maximum_retry_attempts=0), records=["A1"])
    assert (history.destination, history.removed_as("discarded")) == ((), ("A1",))


def test_a_mapping_whose_function_may_run_longer_than_messages_are_hidden_is_refused() -> None:
    with pytest.raises(ValueError, match="visibility_timeout_seconds=5 is shorter"):
        drain(answering(None), source=SqsQueue(visibility_timeout_seconds=5), records=["A1"], timeout_seconds=6)
