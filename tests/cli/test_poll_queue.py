"""`batchfold poll` of SQS queues, over the HTTP API as moto serves it on 127.0.0.1."""

import json
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.cli.moto_apis import Moto, Program, is_in_order, names, wait_until
from typer.testing import CliRunner, Result

from batchfold.cli.command import app


@pytest.fixture(name="program")
def a_program(tmp_path: Path, moto: Moto) -> Program:
    return Program(tmp_path, moto)


def poll(program: Program, function: str, *options: str, env: Mapping[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, program.arguments(function, *options), env=env)


# ------------------------------------------------------------ nothing is lost
def test_a_thousand_messages_with_random_failures_drain_and_nothing_is_lost(moto: Moto, program: Program) -> None:
    sent = names(10, 1_000)
    url = moto.queue("standard", sent)
    result = poll(program, "on_queue", "--queue-url", url, "--until-empty", env={"FAIL_RATE": "0.03"})
    assert result.exit_code == 0, result.output
    assert sorted(program.effects) == sorted(sent)
    assert moto.left_in(url) == []
    assert "1,000 done" in result.stdout
    assert "Ended: the queue is empty." in result.stdout


def test_a_thousand_messages_of_a_fifo_queue_drain_in_the_order_of_their_groups(moto: Moto, program: Program) -> None:
    sent = names(25, 1_000)
    url = moto.queue("in-order.fifo", sent)
    result = poll(program, "on_fifo", "--queue-url", url, "--until-empty", env={"FAIL_RATE": "0.01"})
    assert result.exit_code == 0, result.output
    assert sorted(program.effects) == sorted(sent)
    assert is_in_order(program.effects)


def test_a_function_behind_a_pipe_is_given_lists(moto: Moto, program: Program) -> None:
    sent = names(4, 40)
    url = moto.queue("piped", sent)
    result = poll(program, "on_pipe", "--queue-url", url, "--until-empty", "--pipe", env={"FAIL_RATE": "0.2"})
    assert result.exit_code == 0, result.output
    assert sorted(program.effects) == sorted(sent)
    assert moto.left_in(url) == []


# ------------------------------------------------------------ signals
def test_sigterm_lets_the_invocation_end_and_nothing_is_half_done(moto: Moto, program: Program) -> None:
    sent = names(1, 100)
    url = moto.queue("terminated", sent, visibility_seconds=30)
    with program.start("on_queue", "--queue-url", url, SECONDS="0.02") as process:
        wait_until(lambda: len(program.effects) >= 15)
        process.terminate()
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM, output
    assert "Stopped by SIGTERM." in output
    assert len(program.effects) % 10 == 0
    assert sorted([*program.effects, *moto.left_in(url)]) == sent  # each is done or still there, and none is both


def test_a_second_signal_ends_the_function_and_its_messages_come_back(moto: Moto, program: Program) -> None:
    url = moto.queue("terminated-twice", ["A1", "A2"])
    with program.start("on_queue", "--queue-url", url, SECONDS="60") as process:
        wait_until((program.folder / "begun").exists)
        process.send_signal(signal.SIGINT)
        said: list[str] = []
        for line in process.stdout or ():
            said.append(line)
            if "a second signal ends it at once" in line:
                process.send_signal(signal.SIGINT)
    assert process.returncode == 130, said
    assert any("the function was ended, and its 2 records come back" in line for line in said)
    assert program.effects == []
    assert sorted(moto.left_in(url)) == ["A1", "A2"]


def test_a_poller_that_is_killed_loses_nothing_and_the_next_one_goes_on(moto: Moto, program: Program) -> None:
    sent = names(5, 100)
    url = moto.queue("killed.fifo", sent)
    with program.start("on_fifo", "--queue-url", url, SECONDS="0.01", FAIL_RATE="0.02") as process:
        wait_until(lambda: len(program.effects) >= 25)
        process.kill()
    result = poll(program, "on_fifo", "--queue-url", url, "--until-empty")
    assert result.exit_code == 0, result.output
    assert sorted(set(program.effects)) == sorted(sent)
    assert len(program.repeats) <= 10  # those of the batch that was under way
    assert moto.left_in(url) == []


# ------------------------------------------------------------ time
def test_a_handler_slower_than_the_visibility_timeout_is_not_given_its_messages_twice(
    moto: Moto, program: Program
) -> None:
    url = moto.queue("slow", ["A1"])
    api = moto.client("sqs")
    with program.start("on_queue", "--queue-url", url, "--until-empty", SECONDS="1.6") as process:
        wait_until((program.folder / "begun").exists)
        while not program.effects:
            assert "Messages" not in api.receive_message(QueueUrl=url)  # it stays hidden from every other consumer
            time.sleep(0.1)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 0, output
    assert program.effects == ["A1"]


TIMED = """
import os, time
from pathlib import Path
from returns.result import Success
from batchfold import *
MARK = Path(__file__).with_name("mark")

def hangs_once(event, context):
    print("about to begin")
    if not MARK.exists():
        MARK.touch()
        time.sleep(600)
    return {"batchItemFailures": []}

def dies_once(event, context):
    if not MARK.exists():
        MARK.touch()
        os._exit(3)

def forgetful(event, context):
    process_batch(event, lambda record: 1 / 0, sqs(), raise_on="never")

def keeps(event, context, seen=[]):
    seen.append(event["Records"][0]["messageId"])
    print("seen", len(seen))

def looks(event, context):
    import json
    Path(__file__).with_name("event").write_text(json.dumps(event))
"""


def write(program: Program) -> Program:
    (program.folder / "app.py").write_text(TIMED)
    return program


def test_a_function_that_hangs_is_ended_by_its_timeout_and_called_again(moto: Moto, program: Program) -> None:
    url = moto.queue("hanging", ["A1"])
    result = poll(write(program), "hangs_once", "--queue-url", url, "--until-empty", "--timeout", "0.5")
    assert result.exit_code == 0, result.output
    assert "the whole batch: the function was cut off by its timeout" in result.stdout
    assert "2 received, 1 done, 1 came back in 2 invocations, 1 of them failed." in result.stdout
    assert "about to begin" in result.stderr
    assert "The function was here when its time was over" in result.stderr
    assert "in hangs_once" in result.stderr
    assert "warm.py" not in result.stderr


def test_a_function_that_ends_its_process_is_called_again_in_another_one(moto: Moto, program: Program) -> None:
    url = moto.queue("dying", ["A1"])
    result = poll(write(program), "dies_once", "--queue-url", url, "--until-empty")
    assert result.exit_code == 0, result.output
    assert "the whole batch: the function ended its process with exit status 3 before it returned" in result.stdout


def test_the_process_is_kept_from_one_batch_to_the_next(moto: Moto, program: Program) -> None:
    url = moto.queue("kept", ["A1", "A2", "A3"])
    result = poll(write(program), "keeps", "--queue-url", url, "--max-batches", "3", "-m", "BatchSize=1")
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines() == ["seen 1", "seen 2", "seen 3"]
    assert "Ended: so many batches were asked for." in result.stdout


# ------------------------------------------------------------ rules
def test_a_batching_window_collects_more_than_one_receive_returns(moto: Moto, program: Program) -> None:
    url = moto.queue("collected", names(1, 25))
    settings = ["-m", "BatchSize=25", "-m", "MaximumBatchingWindowInSeconds=20"]
    result = poll(program, "on_queue", "--queue-url", url, "--max-batches", "1", *settings)
    assert result.exit_code == 0, result.output
    assert "collected: 25 delivered, 25 done" in result.stdout


def test_a_message_that_never_succeeds_goes_to_the_dead_letter_queue(moto: Moto, program: Program) -> None:
    dead = moto.queue("dead", [])
    redrive = {"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:dead", "maxReceiveCount": 2}
    url = moto.queue("redriven", ["A1"], RedrivePolicy=json.dumps(redrive))
    result = poll(program, "on_queue", "--queue-url", url, "--until-empty", env={"FAIL_RATE": "1"})
    assert result.exit_code == 1, result.output
    assert moto.left_in(dead) == ["A1"]
    assert "after 2 receives, SQS moves a message to the dead-letter queue" in result.stdout
    assert "Not done: " in result.stdout
    assert "the handler returned a Failure (OutOfStock)" in result.stdout


def test_without_partial_responses_what_failed_is_deleted_and_said_to_be_lost(moto: Moto, program: Program) -> None:
    url = moto.queue("ignored", ["A1", "A2"])
    options = ["--max-batches", "1", "-m", "ReportBatchItemFailures=false"]
    result = poll(write(program), "forgetful", "--queue-url", url, *options)
    assert result.exit_code == 2, result.output
    assert "2 delivered, 0 done, 2 lost" in result.stdout
    assert "it is not done, and the response does not bring it back" in result.stdout
    assert moto.left_in(url) == []


def test_the_event_is_the_one_that_lambda_makes(moto: Moto, program: Program) -> None:
    url = moto.queue("looked-at.fifo", [])
    attributes: dict[str, Any] = {
        "tenant": {"StringValue": "a", "DataType": "String"},
        "raw": {"BinaryValue": b"\xff", "DataType": "Binary"},
    }
    moto.client("sqs").send_message(QueueUrl=url, MessageBody="one", MessageGroupId="A", MessageAttributes=attributes)
    result = poll(write(program), "looks", "--queue-url", url, "--max-batches", "1")
    assert result.exit_code == 0, result.output
    (raw,) = json.loads((program.folder / "event").read_text())["Records"]
    assert raw["body"] == "one"
    assert raw["eventSourceARN"] == "arn:aws:sqs:eu-west-1:123456789012:looked-at.fifo"
    assert raw["attributes"]["MessageGroupId"] == "A"
    assert {"SenderId", "SentTimestamp", "ApproximateReceiveCount", "MessageDeduplicationId"} <= set(raw["attributes"])
    assert raw["messageAttributes"]["raw"]["binaryValue"] == "/w=="
    assert raw["messageAttributes"]["tenant"]["stringValue"] == "a"
