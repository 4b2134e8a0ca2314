"""What a message or a document is taken for, the batches that are made of it, and replays of files."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cli.replay_scenes import QUEUES, Function, function, replayed, told

from batchfold.cli.replay_batches import Piece, batches, event_of
from batchfold.cli.replay_given_up import GivenUp, Letter, OneRecord, OutOfReach, ShardRange, WholeEvent
from batchfold.cli.replay_recognised import recognised
from batchfold.testing import kafka_event, kinesis_event, sqs_event

__all__ = ["function"]  # a fixture

LAMBDA = "arn:aws:lambda:eu-west-1:123456789012:function"
STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/readings"
CONTEXT = {"functionArn": f"{LAMBDA}:orders", "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 3}
BATCH: dict[str, Any] = {
    "requestContext": CONTEXT,
    "version": "1.0",
    "timestamp": "2026-11-14T00:38:06.021Z",
    "KinesisBatchInfo": {
        "shardId": "shardId-000000000001",
        "startSequenceNumber": "10",
        "endSequenceNumber": "12",
        "batchSize": 3,
        "streamArn": STREAM,
    },
}
INVOCATION: dict[str, Any] = {
    "version": "1.0",
    "timestamp": "2026-11-14T00:38:06.021Z",
    "requestContext": {**CONTEXT, "condition": "RetriesExhausted"},
    "requestPayload": {"order": "o1"},
    "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    "responsePayload": {"errorMessage": "no", "errorType": "KeyError"},
}


def message(body: object, *, attributes: dict[str, str] | None = None, **more: str) -> Letter:
    """A message as `ReceiveMessage` returns it; `more` are the sender's attributes."""
    text = body if isinstance(body, str) else json.dumps(body)
    received = {
        "MessageId": "m1",
        "ReceiptHandle": "h1",
        "Body": text,
        "Attributes": {"SentTimestamp": "1700000000000", **(attributes or {})},
        "MessageAttributes": {name: {"DataType": "String", "StringValue": value} for name, value in more.items()},
    }
    return Letter(name="m1", body=text, message=received, handle="h1")


# ------------------------------------------------------------ what it is
def test_a_document_of_a_stream_tells_a_range() -> None:
    given_up = recognised(message(BATCH))
    assert (given_up.kind, given_up.place) == ("Kinesis batch", "stream readings, shardId-000000000001")
    assert (given_up.records, given_up.why) == (3, "RetryAttemptsExhausted after 3 invocations")
    assert isinstance(given_up.content, ShardRange)
    assert (given_up.content.start, given_up.content.end, given_up.content.by_pipe) == ("10", "12", False)


def test_a_document_that_sns_wrapped_is_the_same() -> None:
    wrapped = {"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:1:t", "Message": json.dumps(BATCH)}
    assert recognised(message(wrapped)).kind == "Kinesis batch"


def test_a_message_that_sqs_moved_is_the_original_one_whatever_it_holds() -> None:
    moved = message(BATCH, attributes={"DeadLetterQueueSourceArn": f"{QUEUES}:orders"})
    given_up = recognised(moved, source_arn=f"{QUEUES}:others")
    assert (given_up.kind, given_up.place) == ("dead letter", "queue orders")
    assert isinstance(given_up.content, OneRecord)
    assert given_up.content.raw["eventSourceARN"] == f"{QUEUES}:orders"


@pytest.mark.parametrize(
    "changed",
    [
        {"shardId": None},
        {"startSequenceNumber": "ten"},
        {"batchSize": "3"},
        {"streamArn": "readings"},
    ],
)
def test_a_document_that_lacks_something_is_left(changed: dict[str, Any]) -> None:
    broken = {**BATCH, "KinesisBatchInfo": {**BATCH["KinesisBatchInfo"], **changed}}
    assert isinstance(recognised(message(broken)).content, OutOfReach)


def test_a_consumers_records_are_those_of_its_stream() -> None:
    info = {**BATCH["KinesisBatchInfo"], "streamArn": f"{STREAM}/consumer/fast:1700000000"}
    content = recognised(message({**BATCH, "KinesisBatchInfo": info})).content
    assert isinstance(content, ShardRange)
    assert content.stream_arn == STREAM


def test_kafkas_document_says_what_cannot_be_fetched() -> None:
    offsets = {"firstRecordOffset": "5", "lastRecordOffset": "9"}
    info = {"batchSize": 5, "eventSourceArn": "arn:aws:kafka:eu-west-1:1:cluster/c/1", "recordsInfo": {"t-0": offsets}}
    given_up = recognised(message({"requestContext": CONTEXT, "KafkaBatchInfo": info}))
    assert (given_up.kind, given_up.place, given_up.records) == ("Kafka batch", "cluster c", 5)
    assert isinstance(given_up.content, OutOfReach)
    assert given_up.content.why.startswith("t-0 from offset 5 to 9: batchfold reads no topics")


@pytest.mark.parametrize("event", [kafka_event("a"), json.dumps(kafka_event("a"))])
def test_kafkas_document_in_s3_or_a_topic_holds_the_event(event: object) -> None:
    content = recognised(message({"KafkaBatchInfo": {"batchSize": 1}, "payload": event})).content
    assert content == WholeEvent(kafka_event("a"))


def test_an_invocations_document_holds_the_event() -> None:
    given_up = recognised(message(INVOCATION))
    assert (given_up.kind, given_up.place) == ("invocation", "function orders")
    assert given_up.content == WholeEvent({"order": "o1"}, is_invocation=True)


def test_an_invocation_that_succeeded_was_not_given_up() -> None:
    context = {**CONTEXT, "condition": "Success"}
    given_up = recognised(message({**INVOCATION, "requestContext": context}))
    assert isinstance(given_up.content, OutOfReach)


def test_the_dead_letter_of_an_invocation_is_the_event() -> None:
    given_up = recognised(message({"order": "o1"}, RequestID="r1", ErrorCode="200", ErrorMessage="no"))
    assert given_up.content == WholeEvent({"order": "o1"}, is_invocation=True)


@settings(max_examples=25)
@given(st.text(max_size=20) | st.dictionaries(st.sampled_from(["requestContext", "payload", "Records"]), st.integers()))
def test_anything_else_is_unknown_and_stays(body: object) -> None:
    given_up = recognised(message(body))
    assert given_up.kind == "unknown"
    assert isinstance(given_up.content, OutOfReach)


# ------------------------------------------------------------ batches
def piece(number: int, group: str | None, source: str, item: int) -> Piece:
    raw = {"messageId": f"m{item}", "attributes": {"SequenceNumber": str(number)}}
    letter = Letter(name=f"m{number}", body="")
    content = OneRecord(raw=raw, shape="sqs", item_id=f"m{item}", group=group)
    return Piece(GivenUp(letter=letter, kind="dead letter", source=source, place=source, content=content), content)


pieces = st.lists(
    st.builds(
        piece, st.integers(0, 2000), st.sampled_from(["a", "b"]), st.sampled_from(["q", "r"]), st.integers(0, 30)
    ),
    unique_by=lambda each: each.of.letter.name,
)


@given(pieces, st.none() | st.integers(1, 20))
def test_batches_hold_each_record_once_in_the_order_of_its_group(given_up: list[Piece], size: int | None) -> None:
    made = batches(given_up, size)
    assert sorted(each.of.letter.name for batch in made for each in batch) == sorted(
        each.of.letter.name for each in given_up
    )
    for batch in made:
        assert len(batch) <= (size or 10)
        assert len({each.key for each in batch}) == len(batch), "the response tells each of them apart"
        assert len({(each.of.source, each.record.group) for each in batch}) == 1
    for order in {each.order for each in given_up}:
        numbers = [int(each.of.letter.name[1:]) for batch in made for each in batch if each.order == order]
        assert numbers == sorted(numbers)


def test_a_record_of_a_stream_is_alone_unless_a_size_is_given() -> None:
    raws = kinesis_event("a", "b", "c")["Records"]
    found = [
        Piece(
            GivenUp(letter=Letter(name=str(at), body=""), kind="sent record", source=STREAM, place="", content=content),
            content,
        )
        for at, raw in enumerate(raws)
        for content in [OneRecord(raw=raw, shape="kinesis", item_id=raw["kinesis"]["sequenceNumber"])]
    ]
    assert [len(batch) for batch in batches(found, None)] == [1, 1, 1]
    [together] = batches(list(reversed(found)), 10)
    assert event_of(together) == {"Records": raws}


# ------------------------------------------------------------ files
def test_invocations_are_replayed_from_files(function: Function, tmp_path: Path) -> None:
    program = """
import json
from pathlib import Path

def handle(event, context):
    (Path(__file__).parent / "events").open("a").write(json.dumps(event) + "\\n")
    if event["order"] == "bad":
        raise KeyError("order")
    return "thank you"
"""
    bad = {**INVOCATION, "requestPayload": {"order": "bad"}}
    file = tmp_path / "documents.json"
    file.write_text(json.dumps([INVOCATION, bad]))
    result = replayed(function.write(program=program), "--from", str(file), "--json")
    assert result.exit_code == 1
    assert told(result) == [("done", ""), ("failed", "the function raised KeyError")]
    assert function.events == [{"order": "o1"}, {"order": "bad"}]


def test_an_invocation_with_a_batch_is_done_if_its_records_are(function: Function, tmp_path: Path) -> None:
    file = tmp_path / "document.json"
    file.write_text(json.dumps({**INVOCATION, "requestPayload": sqs_event("good", "fail")}))
    result = replayed(function.write(), "--from", str(file), "--json")
    assert [fate for fate, _ in told(result)] == ["done", "failed"]
    [found] = json.loads(result.stdout)["messages"]
    assert not found["is_done"]


def test_messages_that_the_aws_cli_has_received_are_replayed(function: Function, tmp_path: Path) -> None:
    received = {
        "MessageId": "m1",
        "ReceiptHandle": "h1",
        "Body": "one",
        "Attributes": {"DeadLetterQueueSourceArn": f"{QUEUES}:orders"},
        "MessageAttributes": {"photo": {"DataType": "Binary", "BinaryValue": "AP8="}},
    }
    file = tmp_path / "received.json"
    file.write_text(json.dumps({"Messages": [received, {"Body": None}]}))
    result = replayed(function.write(), "--from", str(file), "--json")
    assert [fate for fate, _ in told(result)] == ["done", "left"]
    [event] = function.events
    assert event["Records"][0]["messageAttributes"]["photo"]["binaryValue"] == "AP8="


def test_an_event_in_a_file_is_run_as_it_is(function: Function, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(kinesis_event("one")))
    result = replayed(function.write("kinesis()"), "--from", str(file))
    assert result.exit_code == 0
    assert function.handled == ["one"]


def test_other_files_are_told_and_left(function: Function, tmp_path: Path) -> None:
    (tmp_path / "bucket").mkdir()
    (tmp_path / "bucket" / "readme.txt").write_text("not JSON")
    (tmp_path / "bucket" / "other.json").write_text("[{}]")
    result = replayed(function.write(), "--from", str(tmp_path / "bucket"), "--json")
    assert result.exit_code == 1
    assert [fate for fate, _ in told(result)] == ["left", "left"]
    assert replayed(function.write(), "--from", str(tmp_path / "nowhere.json")).exit_code == 2


def test_many_records_that_are_done_are_counted_and_shown_if_asked_for(function: Function, tmp_path: Path) -> None:
    bodies = [*(f"m{number}" for number in range(30)), "fail"]
    file = tmp_path / "document.json"
    file.write_text(json.dumps({**INVOCATION, "requestPayload": sqs_event(*bodies)}))
    target = function.write()
    shortened = replayed(target, "--from", str(file)).stdout
    assert "30 records more, done. --all shows them." in shortened
    assert shortened.count("done") == 2
    assert replayed(target, "--from", str(file), "--all").stdout.count("done") >= 30


def test_what_the_function_loses_and_what_batchfold_logs_is_told(function: Function, tmp_path: Path) -> None:
    program = """
from returns.result import Failure
from batchfold import *

def observe(outcome):
    raise OSError("metrics are down")

def handle(event, context):
    fold_batch(event, lambda record: Failure(OSError()), sqs(), observe=observe)
    return {"batchItemFailures": []}
"""
    file = tmp_path / "event.json"
    file.write_text(json.dumps(sqs_event("one")))
    result = replayed(function.write(program=program), "--from", str(file), "--json")
    [(fate, why)] = told(result)
    assert fate == "failed"
    assert why.endswith("the response does not bring it back, so Lambda would lose it")
    assert "batchfold logged: " in result.stderr
