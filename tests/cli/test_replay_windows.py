"""`batchfold replay` of functions with tumbling windows: what was given up gets its window anew, with an empty state."""

import json
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.cli.replay_scenes import REGION, Function, Server, aws, from_queue, function, moto, replayed, told
from tests.cli.test_replay_streams import STREAM, document, put

from batchfold.testing import KinesisData, dynamodb_event, kinesis_event, window_event

__all__ = ["aws", "function", "moto"]  # fixtures

MINUTE = ["-m", "TumblingWindowInSeconds=60"]
BEGIN = datetime(2026, 11, 14, 10, 0, tzinfo=UTC)

PROGRAM = """
import json
from pathlib import Path
from returns.result import Failure, Success
from batchfold import *

HERE = Path(__file__).parent

def keep(name, what):
    with (HERE / name).open("a") as file:
        file.write(json.dumps(what) + "\\n")

def name_of(record):
    return record.data if isinstance(record, KinesisRecord) else record.new_image["id"]

def add(names, record):
    return Failure(OSError()) if "fail" in name_of(record) else Success({"all": [*names.get("all", []), name_of(record)]})

def finish(names):
    keep("handled", names["all"])
    return Success(None)

handle = as_lambda_handler(step(add), windowed(SOURCE, dict[str, list[str]], finish=finish))

def by_hand(event, context):
    keep("events", event)
    return {"state": {}}
"""


def windowed(function: Function, source: str = "kinesis(str)") -> str:
    return function.write(source, PROGRAM)


def finished(function: Function) -> list[Any]:
    """The windows that were finished, with the names of their records."""
    return list(function.handled)


def by_hand(function: Function) -> str:
    return windowed(function).replace(":handle", ":by_hand")


def put_in_windows(aws: Server, stream: str, **minutes: int) -> tuple[str, list[str]]:
    """Put records that arrived so many minutes after ten."""
    shard, numbers = put(aws, stream, *minutes)
    backend = import_module("moto.kinesis.models").kinesis_backends["123456789012"][REGION]
    (held,) = backend.streams[stream].shards.values()
    for record, minute in zip(held.records.values(), minutes.values(), strict=True):
        record.created_at_datetime = BEGIN.replace(minute=minute, second=10)
    return shard, numbers


def give_up(aws: Server, stream: str, **minutes: int) -> str:
    shard, numbers = put_in_windows(aws, stream, **minutes)
    queue = aws.queue(stream)
    aws.send(queue, document("KinesisBatchInfo", f"{STREAM}/{stream}", shard, numbers))
    return queue


def test_records_of_two_windows_are_two_events(aws: Server, function: Function) -> None:
    queue = give_up(aws, "two-windows", a=0, b=0, c=1)
    result = from_queue(aws, windowed(function), queue, *MINUTE, "--delete")
    assert result.exit_code == 0, result.output
    assert finished(function) == [["a", "b"], ["c"]]
    assert "3 done." in result.stdout
    assert "Each window began with an empty state" in result.stderr
    assert aws.left_in(queue) == (0, 0)


def test_the_event_says_what_the_window_is(aws: Server, function: Function) -> None:
    queue = give_up(aws, "one-window", a=5)
    assert from_queue(aws, by_hand(function), queue, *MINUTE).exit_code == 0
    (event,) = function.events
    assert len(event.pop("Records")) == 1
    assert event == {
        "window": {"start": "2026-11-14T10:05:00Z", "end": "2026-11-14T10:06:00Z"},
        "state": {},
        "shardId": "shardId-000000000000",
        "eventSourceARN": f"{STREAM}/one-window",
        "isFinalInvokeForWindow": True,
        "isWindowTerminatedEarly": True,
    }


def test_without_the_length_of_the_windows_the_records_are_left(aws: Server, function: Function) -> None:
    queue = give_up(aws, "no-length", a=0)
    result = from_queue(aws, windowed(function), queue, "--delete", "--json")
    assert result.exit_code == 1
    assert told(result) == [
        (
            "left",
            "the function has tumbling windows, and nothing tells how long they are: -m TumblingWindowInSeconds=60 does",
        )
    ]
    assert finished(function) == []
    assert aws.left_in(queue) == (1, 0)


def test_a_window_that_fails_holds_up_the_later_ones_of_its_batch(aws: Server, function: Function) -> None:
    queue = give_up(aws, "held-up", a=0, b=1, fail=1, c=2)
    result = from_queue(aws, windowed(function), queue, *MINUTE, "--delete", "--json")
    assert result.exit_code == 1
    assert [fate for fate, _ in told(result)] == ["done", "not done", "failed", "not started"]
    assert finished(function) == [["a"]]
    assert aws.left_in(queue) == (1, 0)


def sent(event: dict[str, Any], item_id: str) -> dict[str, Any]:
    raw = event["Records"][0]
    attributes = {"batchfold.item_id": item_id, "batchfold.source": raw["eventSourceARN"]}
    return {"raw": raw, "attributes": attributes}


def test_what_sqs_sender_sent_gets_its_window_too(aws: Server, function: Function) -> None:
    queue = aws.queue("sent-in-windows")
    kinesis = sent(kinesis_event(KinesisData("a", approximate_arrival_time=BEGIN)), "1")
    timeless = sent(kinesis_event(KinesisData("b", approximate_arrival_time="absent")), "2")
    changes = dynamodb_event({"id": "c"})
    change = sent(changes, changes["Records"][0]["dynamodb"]["SequenceNumber"])
    for each in (kinesis, timeless, change):
        aws.send(queue, each["raw"], attributes=each["attributes"])
    result = from_queue(aws, by_hand(function), queue, *MINUTE, "--json")
    assert sorted(told(result)) == [
        ("done", ""),
        ("done", ""),
        ("left", "it does not tell when it arrived, so its window is not known"),
    ]
    assert sorted(event["shardId"] for event in function.events) == ["shardId-000000000006", "unknown"]


def in_file(folder: Path, event: dict[str, Any]) -> str:
    """A document as an S3 destination has it."""
    info = document("KinesisBatchInfo", f"{STREAM}/in-s3", "shardId-000000000006", ["1"])
    file = folder / "document.json"
    file.write_text(json.dumps({**info, "payload": json.dumps(event)}))
    return str(file)


def test_an_event_that_has_its_window_keeps_it_and_begins_anew(function: Function, tmp_path: Path) -> None:
    event = window_event(kinesis_event("a"), state={"all": ["published elsewhere"]}, seconds=20)
    result = replayed(windowed(function), "--from", in_file(tmp_path, event))
    assert result.exit_code == 0, result.output
    assert finished(function) == [["a"]]
    assert replayed(by_hand(function), "--from", in_file(tmp_path, event)).exit_code == 0
    assert function.events[0]["window"] == event["window"]


@pytest.mark.parametrize(("options", "fate"), [(MINUTE, "done"), ([], "left")])
def test_an_event_without_a_window_is_given_one(
    function: Function, tmp_path: Path, options: list[str], fate: str
) -> None:
    result = replayed(windowed(function), "--from", in_file(tmp_path, kinesis_event("a")), "--json", *options)
    assert [each for each, _ in told(result)] == [fate], result.output


def test_changes_of_a_table_are_given_windows(function: Function, tmp_path: Path) -> None:
    file = in_file(tmp_path, dynamodb_event({"id": "a"}, {"id": "b"}))
    result = replayed(windowed(function, "dynamodb()"), "--from", file, "--json", *MINUTE)
    assert [each for each, _ in told(result)] == ["done", "done"], result.output
    assert [name for names in finished(function) for name in names] == ["a", "b"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([*MINUTE, "--pipe"], "a pipe has no tumbling windows"),
        (["-m", "TumblingWindowInSeconds=901"], "tumbling_window_in_seconds is 0 to 900"),
        (["-m", "BatchSize=3"], "there is no setting 'BatchSize' here"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(function: Function, tmp_path: Path, options: list[str], says: str) -> None:
    result = replayed(windowed(function), "--from", in_file(tmp_path, kinesis_event("a")), *options)
    assert result.exit_code == 2
    assert says in result.stderr
