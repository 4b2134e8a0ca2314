"""`batchfold replay` of queues: dead letters, what `sqs_sender` sent, and how the queue is left."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from returns.result import Result
from tests.cli.replay_scenes import (
    ACCOUNT,
    QUEUES,
    REGION,
    Function,
    Server,
    aws,
    from_queue,
    function,
    moto,
    replayed,
    told,
)

from batchfold import Failed, caused_by, dead_letter, dynamodb, fold_batch, kafka, kinesis, sqs, sqs_sender
from batchfold.core.source import Source
from batchfold.testing import (
    KafkaMessage,
    SqsMessage,
    dynamodb_event,
    kafka_event,
    kinesis_event,
    sqs_event,
)

__all__ = ["aws", "function", "moto"]  # fixtures


def redriven(aws: Server, name: str, *bodies: object) -> tuple[str, str]:
    """A source queue and its dead-letter queue, to which SQS has moved messages."""
    dead = aws.queue(f"{name}-dead")
    policy = json.dumps({"deadLetterTargetArn": f"{QUEUES}:{name}-dead", "maxReceiveCount": 1})
    source = aws.queue(name, RedrivePolicy=policy)
    aws.send(source, *bodies)
    for _ in range(2):
        aws.of("sqs").receive_message(QueueUrl=source, MaxNumberOfMessages=10, VisibilityTimeout=0)
    assert aws.left_in(dead) == (len(bodies), 0)
    return source, dead


# ------------------------------------------------------------ dead letters
def test_dead_letters_are_delivered_as_messages_of_their_source(aws: Server, function: Function) -> None:
    _, dead = redriven(aws, "orders", "one", "fail", "three")
    result = from_queue(aws, function.write(), dead, "--delete")
    assert result.exit_code == 1
    assert function.handled == ["one", "three"]
    [event] = function.events
    assert {raw["eventSourceARN"] for raw in event["Records"]} == {f"{QUEUES}:orders"}
    assert all(raw["attributes"]["ApproximateReceiveCount"].isdecimal() for raw in event["Records"])
    assert aws.left_in(dead) == (1, 0), "what failed is visible again"
    assert "dead letter, queue orders: 3 messages" in result.stdout
    assert "2 done, 1 failed." in result.stdout
    assert "the handler returned a Failure (OSError" in result.stdout
    assert "2 messages deleted; 1 message left in the queue." in result.stderr


def test_without_delete_the_queue_is_left_as_it_was(aws: Server, function: Function) -> None:
    _, dead = redriven(aws, "kept", "one", "two")
    result = from_queue(aws, function.write(), dead)
    assert result.exit_code == 0
    assert aws.left_in(dead) == (2, 0)
    assert "2 messages could be deleted: --delete does it. Nothing was." in result.stderr


def test_a_dry_run_tells_what_is_there_and_calls_nothing(aws: Server, function: Function) -> None:
    _, dead = redriven(aws, "dry", "one", "two")
    aws.send(dead, {"version": "1.0", "timestamp": "2026-01-01T00:00:00Z", "KafkaBatchInfo": {"batchSize": 7}})
    result = from_queue(aws, "there/is/no/app.py:handle", dead, "--dry-run")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["kind", "from", "messages", "records", "age", "why"] in rows
    assert any(row[:6] == ["dead", "letter", "queue", "dry", "2", "2"] for row in rows)
    assert "batchfold reads no topics, and only S3 is sent the records" in result.stdout
    assert "3 messages: 9 records." in result.stdout
    assert aws.left_in(dead) == (3, 0)
    assert not function.events


def test_messages_whose_source_is_not_known_are_told_and_left(aws: Server, function: Function) -> None:
    queue = aws.queue("strangers")
    aws.send(queue, "good")
    target = function.write()
    result = from_queue(aws, target, queue, "--delete", "--json")
    assert result.exit_code == 1
    [(fate, why)] = told(result)
    assert fate == "left"
    assert "--source-arn" in why
    assert aws.left_in(queue) == (1, 0)
    assert not function.events
    assert from_queue(aws, target, queue, "--delete", "--source-arn", f"{QUEUES}:orders").exit_code == 0
    assert aws.left_in(queue) == (0, 0)


def test_with_two_sources_nobody_knows_which_of_them_it_was(aws: Server, function: Function) -> None:
    policy = json.dumps({"deadLetterTargetArn": f"{QUEUES}:shared-dead", "maxReceiveCount": 1})
    dead = aws.queue("shared-dead")
    for name in ("shared-1", "shared-2"):
        aws.queue(name, RedrivePolicy=policy)
    aws.send(dead, "good")
    assert from_queue(aws, function.write(), dead, "--delete").exit_code == 1
    assert aws.left_in(dead) == (1, 0)


def test_what_fails_as_a_whole_stays(aws: Server, function: Function) -> None:
    _, dead = redriven(aws, "raising", "one", "two")
    program = "def handle(event, context):\n    raise KeyError('quantity')\n"
    result = from_queue(aws, function.write(program=program), dead, "--delete", "--json")
    assert result.exit_code == 1
    assert told(result) == [("failed", "the function raised KeyError")] * 2
    assert "The function raised this exception" in result.stderr
    assert aws.left_in(dead) == (2, 0)


def test_a_function_that_leaves_a_thread_has_done_nothing_for_sure(aws: Server, function: Function) -> None:
    _, dead = redriven(aws, "threads", "one")
    program = """
import threading, time

def handle(event, context):
    threading.Thread(target=time.sleep, args=(5,)).start()
"""
    result = from_queue(aws, function.write(program=program), dead, "--delete", "--json")
    assert [fate for fate, _ in told(result)] == ["not done"]
    assert aws.left_in(dead) == (1, 0)


def test_a_function_that_cannot_be_loaded_is_an_error_and_the_queue_is_released(aws: Server) -> None:
    _, dead = redriven(aws, "unloadable", "one")
    result = from_queue(aws, "there/is/no/app.py:handle", dead, "--delete")
    assert result.exit_code == 2
    assert "Error: there is no file there/is/no/app.py" in result.stderr
    assert aws.left_in(dead) == (1, 0)


def test_a_queue_that_is_not_there_is_an_error(aws: Server, function: Function) -> None:
    result = from_queue(aws, function.write(), f"{aws.url}/{ACCOUNT}/nowhere")
    assert result.exit_code == 2
    assert f"Error: there is no queue {aws.url}/{ACCOUNT}/nowhere" in result.stderr


def test_no_more_messages_are_taken_than_asked_for(aws: Server, function: Function) -> None:
    _, dead = redriven(aws, "many", *(f"m{number}" for number in range(10)))
    aws.send(dead, *(f"n{number}" for number in range(5)))
    result = from_queue(aws, function.write(), dead, "--delete", "--most-messages", "12")
    assert result.exit_code == 0
    assert [len(event["Records"]) for event in function.events] == [10, 2]
    assert aws.left_in(dead) == (3, 0)
    assert "--most-messages takes more of them" in result.stderr


# ------------------------------------------------------------ FIFO
def test_a_fifo_queue_is_drained_group_by_group_and_in_order(aws: Server, function: Function) -> None:
    dead = aws.queue("ordered-dead.fifo", ContentBasedDeduplication="true")
    names = [f"{group}{number:02}" for number in range(15) for group in "ab"]
    for name in names:
        aws.send(dead, "a03 fail" if name == "a03" else name, MessageGroupId=name[0])
    source_arn = f"{QUEUES}:ordered.fifo"
    result = from_queue(aws, function.write(), dead, "--delete", "--source-arn", source_arn, "--json")
    assert result.exit_code == 1
    by_group = {group: [name for name in function.handled if name[0] == group] for group in "ab"}
    assert by_group["a"] == ["a00", "a01", "a02"], "what comes behind a failed message of its group waits"
    assert by_group["b"] == [f"b{number:02}" for number in range(15)]
    assert all(len({raw["attributes"]["MessageGroupId"] for raw in event["Records"]}) == 1 for event in function.events)
    assert aws.left_in(dead) == (12, 0)


def test_a_message_that_the_function_sends_to_the_queue_is_not_taken_again(aws: Server, function: Function) -> None:
    """A function that settles failures with `sqs_sender` sends them to the queue that is replayed."""
    dead = aws.queue("settling-dead.fifo", ContentBasedDeduplication="true")
    aws.send(dead, "one", "two", MessageGroupId="a")
    program = f"""
import boto3, time
from pathlib import Path

def handle(event, context):
    (Path(__file__).parent / "events").open("a").write("1\\n")
    time.sleep(1.1)  # the server's clock tells whole seconds
    sqs = boto3.client("sqs", region_name="{REGION}", endpoint_url="{aws.url}")
    for raw in event["Records"]:
        sqs.send_message(QueueUrl="{dead}", MessageBody=raw["body"] + "!", MessageGroupId="a")
"""
    arn = f"{QUEUES}:settling.fifo"
    result = from_queue(aws, function.write(program=program), dead, "--delete", "--source-arn", arn)
    assert result.exit_code == 0
    assert len(function.events) == 1
    assert aws.left_in(dead) == (2, 0)


# ------------------------------------------------------------ what sqs_sender sent
def given_up_by(aws: Server, name: str, event: Mapping[str, Any], source: Source[Any, Any, Any, Any]) -> str:
    """Settle every record of an event with `sqs_sender`, and return the URL of the queue."""

    def refuse(_record: object) -> Any:
        raise OSError

    url = aws.queue(name)
    send: Callable[[Failed[Any, Any]], Result[str, Exception]] = sqs_sender(url, client=aws.of("sqs"))
    batch = fold_batch(event, refuse, source, settle=dead_letter(send, when=caused_by(OSError)))
    assert len(batch.settled) == len(batch.outcomes)
    return url


@pytest.mark.parametrize(
    ("name", "source", "event"),
    [
        ("sqs", "sqs()", sqs_event("one", SqsMessage("two", message_attributes={"tenant": "t", "photo": b"\x00\xff"}))),
        ("fifo", "sqs()", sqs_event("one", "two", fifo=True)),
        ("kinesis", "kinesis()", kinesis_event("one", "two")),
        ("dynamodb", "dynamodb()", dynamodb_event({"id": "one"}, {"id": "two"})),
        ("kafka", "kafka()", kafka_event("one", KafkaMessage("two", partition=3))),
    ],
)
def test_what_sqs_sender_sent_is_delivered_as_it_came(
    aws: Server, function: Function, name: str, source: str, event: dict[str, Any]
) -> None:
    sources: dict[str, Any] = {"sqs()": sqs, "kinesis()": kinesis, "dynamodb()": dynamodb, "kafka()": kafka}
    queue = given_up_by(aws, f"sent-{name}", event, sources[source]())
    result = from_queue(aws, function.write(source), queue, "--delete")
    assert result.exit_code == 0, result.output
    assert sorted(function.handled) == ["one", "two"]
    assert aws.left_in(queue) == (0, 0)
    assert "sent record" in result.stdout
    delivered = sorted((raw for each in function.events for raw in _raws(each)), key=_body)
    original = sorted(_raws(event), key=_body)
    if "sqs" not in source:
        assert delivered == original
        return
    for raw, first in zip(delivered, original, strict=True):
        for key in ("messageId", "body", "messageAttributes", "eventSourceARN", "md5OfBody"):
            assert raw[key] == first[key], key


def _raws(event: Mapping[str, Any]) -> list[Any]:
    listed = event.get("Records")
    return listed if listed is not None else [raw for part in event["records"].values() for raw in part]


def _body(raw: Mapping[str, Any]) -> str:
    return json.dumps(raw.get("body", raw), sort_keys=True)


def test_the_reason_that_sqs_sender_gave_is_told(aws: Server, function: Function) -> None:
    queue = given_up_by(aws, "reasons", kinesis_event("one"), kinesis())
    result = from_queue(aws, function.write("kinesis()"), queue, "--dry-run", "--json")
    [message] = json.loads(result.stdout)["messages"]
    assert message["why"].startswith("Crashed: OSError")
    assert message["source"] == kinesis_event("one")["Records"][0]["eventSourceARN"]


def test_a_record_of_another_source_than_the_function_reads_is_left(aws: Server, function: Function) -> None:
    queue = given_up_by(aws, "other-source", kinesis_event("one"), kinesis())
    result = from_queue(aws, function.write("sqs()"), queue, "--delete", "--json")
    assert result.exit_code == 1
    assert [fate for fate, _ in told(result)] != ["done"]
    assert aws.left_in(queue) == (1, 0)


# ------------------------------------------------------------ how it ends
@pytest.mark.parametrize(
    ("signals", "seconds", "fates"),
    [(1, 1, ["done", "done", "not started"]), (2, 60, ["done", "not done", "not started"])],
)
def test_ctrl_c_lets_the_function_end_and_a_second_one_ends_it(
    aws: Server, function: Function, signals: int, seconds: int, fates: list[str]
) -> None:
    """What is done by then is deleted, and the rest is released."""
    _, dead = redriven(aws, f"interrupted-{signals}", "quick", "slow", "never")
    program = f"""
import json, time
from pathlib import Path

def handle(event, context):
    for raw in event["Records"]:
        (Path(__file__).parent / "handled").open("a").write(json.dumps(raw["body"]) + "\\n")
        if raw["body"] == "slow":
            time.sleep({seconds})
"""
    command = [sys.executable, "-m", "batchfold.cli", "replay", function.write(program=program), "--from", dead]
    options = ["--endpoint-url", aws.url, "--region", REGION, "--delete", "--batch-size", "1", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    with subprocess.Popen(
        [*command, "--timeout", "90", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as running:
        try:
            until = time.monotonic() + 20
            while "slow" not in function.handled and time.monotonic() < until:
                time.sleep(0.05)
            running.send_signal(signal.SIGINT)
            if signals > 1:
                assert running.stderr is not None
                assert running.stderr.readline().startswith("Stopping once the function has ended")
                running.send_signal(signal.SIGTERM)
            out, err = running.communicate(timeout=20)
        finally:
            running.kill()
    assert running.returncode == 130, err
    assert [told["fate"] for message in json.loads(out)["messages"] for told in message["told"]] == fates
    assert aws.left_in(dead) == (3 - fates.count("done"), 0)


@pytest.mark.parametrize(
    "options",
    [
        ["--from", "https://sqs.eu-west-1.amazonaws.com/1/a", "--from", "b.json"],
        ["--from", "b.json", "--delete"],
        ["--from", "s3://bucket/given-up"],
        ["--from", "https://sqs.eu-west-1.amazonaws.com/1/a", "--delete", "--dry-run"],
        [],
    ],
)
def test_wrong_usage_ends_with_2(options: list[str]) -> None:
    assert replayed("app.py:handle", *options).exit_code == 2
