"""The commands on functions of tumbling windows: the state belongs to the answer, and a window is played to its end."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from batchfold.cli.command import app
from batchfold.testing import dynamodb_event, kinesis_event, window_event

PROGRAM = """
from pydantic import BaseModel
from returns.result import Failure, Success
from batchfold import *

class Total(BaseModel):
    count: int = 0

def add(total, record):
    return Failure(OSError()) if record.data == "fail" else Success(Total(count=total.count + 1))

def publish(total):
    return Failure(OSError("the table is down")) if total.count > 5 else Success(None)

SOURCE = windowed(kinesis(str), Total, finish=publish)
handle = as_lambda_handler(step(add), SOURCE)
partially = as_lambda_handler(step(add), SOURCE, raise_on="entire_batch")
plain = as_lambda_handler(lambda record: Success(None), kinesis())

def by_hand(event, context):
    names = [raw["kinesis"]["data"] for raw in event["Records"]]
    return {"state": {"count": event["state"].get("count", 0) + len(names)}}

def without_state(event, context):
    return {"batchItemFailures": []}
"""

Command = Callable[..., Result]


@pytest.fixture(name="run")
def run_on_event(tmp_path: Path) -> Command:
    """Run one of the functions of the program on an event."""
    program, file = tmp_path / "windows_file.py", tmp_path / "event.json"
    program.write_text(PROGRAM)

    def run(name: str, event: object) -> Result:
        file.write_text(json.dumps(event))
        return CliRunner().invoke(app, ["run", f"{program}:{name}", "--event", str(file)])

    return run


@pytest.fixture(name="simulate")
def simulate_program(tmp_path: Path) -> Command:
    """Play one of the functions of the program through the model."""
    program = tmp_path / "windows_file.py"
    program.write_text(PROGRAM)

    def simulate(name: str, *options: str) -> Result:
        return CliRunner().invoke(app, ["simulate", f"{program}:{name}", *options])

    return simulate


@pytest.mark.parametrize("name", ["handle", "partially", "by_hand"])
def test_the_event_of_a_window_is_read_and_its_state_shown(run: Command, name: str) -> None:
    result = run(name, window_event(kinesis_event("a", "b"), state={"count": 2}))
    assert result.exit_code == 0, result.stdout
    assert "All 2 records are done" in result.stdout


def test_a_final_event_needs_no_records(run: Command) -> None:
    result = run("handle", window_event(kinesis_event(), state={"count": 2}, is_final=True))
    assert (result.exit_code, "The event has no records" in result.stdout) == (0, True)
    event = {**window_event(kinesis_event(), is_final=True), "eventSourceARN": "arn:aws:kinesis:eu-west-1:1:stream/s"}
    assert run("by_hand", event).exit_code == 0
    assert run("by_hand", {**event, "eventSourceARN": "?"}).exit_code == 0  # as the program's own source reads it


def test_a_record_that_is_not_done_brings_everything_back(run: Command) -> None:
    event = window_event(kinesis_event("a", "fail"))
    result = run("handle", event)
    assert result.exit_code == 2
    assert "The whole batch comes back: the function raised BatchProcessingError." in result.stdout
    result = run("partially", event)
    assert result.exit_code == 1
    assert "1 of 2 records is done" in result.stdout


def test_a_window_that_cannot_be_finished_brings_everything_back(run: Command) -> None:
    result = run("handle", window_event(kinesis_event("a"), state={"count": 5}, is_final=True))
    assert result.exit_code == 2
    assert "The whole batch comes back: the function raised OSError." in result.stdout


def test_an_answer_without_a_state_is_a_failed_invocation(run: Command) -> None:
    result = run("without_state", window_event(kinesis_event("a")))
    assert result.exit_code == 2
    assert "The whole batch comes back: the response has no state" in result.stdout
    assert run("without_state", kinesis_event("a")).exit_code == 0


def test_a_function_that_is_not_made_with_windowed_fails(run: Command) -> None:
    result = run("plain", window_event(kinesis_event("a")))
    assert result.exit_code == 2
    assert "UnexpectedEventError" in result.stdout
    assert run("by_hand", window_event(dynamodb_event({"id": "a"}))).exit_code == 2  # KeyError: kinesis


@pytest.mark.parametrize("name", ["handle", "by_hand"])
def test_windows_are_simulated(simulate: Command, name: str) -> None:
    options = ["--source", "kinesis", "--mapping", "TumblingWindowInSeconds=3"] if name == "by_hand" else []
    result = simulate(name, "--records", "7", "--json", *options)
    assert result.exit_code == 0, result.stdout
    history: dict[str, Any] = json.loads(result.stdout)
    assert {record["fate"] for record in history["records"]} == {"done"}
    assert len(history["invocations"]) > 1


def test_failures_in_a_simulated_window_repeat_nothing_that_was_finished(simulate: Command) -> None:
    result = simulate("handle", "--records", "6", "--fail", "2", "--json", "--mapping", "partial_failure_state=before")
    assert result.exit_code == 0, result.stdout
    history: dict[str, Any] = json.loads(result.stdout)
    assert {record["fate"] for record in history["records"]} == {"done"}
    repeated = [record for each in history["invocations"] for record in each["records"] if record["is_repeated"]]
    assert repeated == []


def test_a_simulated_function_without_a_state_gets_nothing_done(simulate: Command) -> None:
    result = simulate(
        "without_state", "--source", "kinesis", "--mapping", "tumbling_window_in_seconds=3", "--records", "2"
    )
    assert result.exit_code != 0
