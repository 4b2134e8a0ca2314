"""`batchfold poll` of streams with tumbling windows, and through EventBridge Pipes, as moto serves them on 127.0.0.1."""

import json
import signal
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.cli.moto_apis import Moto, Program, is_in_order, names, wait_until
from typer.testing import CliRunner, Result

from batchfold.cli.command import app

SOON = ["-m", "SecondsBetweenRetries=0.01"]
WINDOW_SECONDS = 30

PROGRAM = """
import json, os, time
from pathlib import Path
from random import Random
from returns.result import Failure, Success
from batchfold import *

HERE = Path(__file__).parent
RANDOM = Random(os.getpid())
FAIL_RATE = float(os.environ.get("FAIL_RATE", "0"))
SECONDS = float(os.environ.get("SECONDS", "0"))

def keep(name, text):
    with (HERE / name).open("a") as file:
        file.write(f"{text}\\n")

def name_of(record):
    return record.data.decode() if isinstance(record, KinesisRecord) else record.new_image["id"]

def add(state, record):
    if RANDOM.random() < FAIL_RATE:
        return Failure(OSError())
    time.sleep(SECONDS)
    keep("effects", name_of(record))
    return Success({"names": [*state.get("names", []), name_of(record)]})

def finish(state):
    if RANDOM.random() < FAIL_RATE:
        return Failure(OSError())
    keep("sums", json.dumps(state["names"]))
    return Success(None)

def source(made):
    return windowed(made, dict[str, list[str]], finish=finish)

on_stream = as_lambda_handler(step(add), source(kinesis()))
on_table = as_lambda_handler(step(add), source(dynamodb()))

def handle(record):
    if RANDOM.random() < FAIL_RATE:
        return Failure(OSError())
    keep("effects", name_of(record))
    return Success(None)

stream_pipe = as_lambda_handler(handle, pipes(kinesis()))
table_pipe = as_lambda_handler(handle, pipes(dynamodb()))
each_of_pipe = as_lambda_handler(handle, pipes(kinesis(lane=each_record)))

def noted(event, context):
    keep("events", json.dumps(event))
    return {"state": {"size": "x" * int(os.environ.get("BYTES", "0"))}}

def without_state(event, context):
    return {"batchItemFailures": []}

def poisoned(event, context):
    keep("effects", " ".join(raw["data"] for raw in event))
    failed = [raw for raw in event if raw["data"] == "QTAwMQ=="]
    return {"batchItemFailures": [{"itemIdentifier": raw["eventID"]} for raw in failed]}
"""


@pytest.fixture(name="program")
def a_program(tmp_path: Path, moto: Moto) -> Program:
    (tmp_path / "app.py").write_text(PROGRAM)
    return Program(tmp_path, moto)


def poll(program: Program, function: str, *options: str, env: Mapping[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, program.arguments(function, *options), env=env)


def kept(program: Program, name: str) -> list[Any]:
    file = program.folder / name
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def in_windows(count: int = 1) -> list[str]:
    return ["-m", f"TumblingWindowInSeconds={WINDOW_SECONDS * count}", *SOON]


def stream_in_the_past(moto: Moto, name: str, sent: list[str], *, shards: int = 1, seconds_apart: float = 1) -> str:
    """Make a stream whose records arrived one after the other, long ago."""
    stream = moto.stream(name, sent, shards=shards)
    begin = datetime.fromtimestamp(1_700_000_000 // WINDOW_SECONDS * WINDOW_SECONDS, UTC)
    arrived = {each: begin + at * timedelta(seconds=seconds_apart) for at, each in enumerate(sent)}
    for shard in moto.shards(stream):
        for record in shard.records.values():
            record.created_at_datetime = arrived[_text(record)]
    return stream


def _text(record: Any) -> str:
    return b64decode(record.data).decode()


def windows_of(moto: Moto, stream: str) -> list[list[str]]:
    """The records of each window of each shard, as they are to be counted."""
    windows: dict[tuple[str, int], list[str]] = {}
    for shard in moto.shards(stream):
        for record in shard.records.values():
            number = int(record.created_at_datetime.timestamp()) // WINDOW_SECONDS
            windows.setdefault((shard.shard_id, number), []).append(_text(record))
    return sorted(windows.values())


# ------------------------------------------------------------ windows
def test_every_window_of_300_records_is_counted_exactly_once_in_spite_of_failures(moto: Moto, program: Program) -> None:
    stream = stream_in_the_past(moto, "counted", names(6, 300), shards=2)
    settings = ["-m", "BatchSize=7", *in_windows()]
    options = ["on_stream", "--stream", stream, "--checkpoint", str(program.folder / "c.json"), *settings]
    result = poll(program, *options, "--until-empty", env={"FAIL_RATE": "0.03"})
    assert result.exit_code == 0, result.output
    assert "300 done" in result.stdout
    assert "Ended: every shard is read to its end, its windows finished." in result.stdout
    assert sorted(kept(program, "sums")) == windows_of(moto, stream)
    assert len(windows_of(moto, stream)) == 20
    again = poll(program, *options, "--until-empty")
    assert again.exit_code == 0, again.output
    assert "0 received" in again.stdout


def test_a_run_that_is_stopped_in_a_window_begins_it_again(moto: Moto, program: Program) -> None:
    stream = stream_in_the_past(moto, "stopped", names(4, 120), shards=2)
    settings = ["-m", "BatchSize=4", *in_windows()]
    options = ["on_stream", "--stream", stream, "--checkpoint", str(program.folder / "c.json"), *settings]
    for at_least, number in ((20, signal.SIGTERM), (60, signal.SIGKILL)):
        with program.start(*options, SECONDS="0.03", FAIL_RATE="0.02") as process:
            wait_until(partial(program.has_performed, at_least))
            process.send_signal(number)
            output, _ = process.communicate(timeout=20)
        assert process.returncode == (143 if number == signal.SIGTERM else -9), output
    unfinished = len(kept(program, "sums"))
    result = poll(program, *options, "--until-empty")
    assert result.exit_code == 0, result.output
    sums = Counter(map(json.dumps, kept(program, "sums")))
    assert unfinished < sums.total()
    assert sorted(map(json.loads, sums)) == windows_of(moto, stream)  # each whole, and none is missing
    assert sums.total() <= len(sums) + 1  # SIGKILL may come between the end of a window and its checkpoint


def test_windows_of_a_table_are_counted(moto: Moto, program: Program) -> None:
    table = moto.table("counted-table", names(2, 10))
    result = poll(program, "on_table", "--table", table, "--until-empty", "-m", "TumblingWindowInSeconds=1", *SOON)
    assert result.exit_code == 0, result.output
    assert sorted(name for names in kept(program, "sums") for name in names) == sorted(names(2, 10))


def test_the_event_has_what_the_event_of_a_window_has(moto: Moto, program: Program) -> None:
    stream = stream_in_the_past(moto, "noted", names(1, 3), seconds_apart=20)
    result = poll(program, "noted", "--stream", stream, "--until-empty", "-m", "BatchSize=1", *in_windows())
    assert result.exit_code == 0, result.output
    events = kept(program, "events")
    assert [(len(each["Records"]), each["state"], each["isFinalInvokeForWindow"]) for each in events] == [
        (1, {}, False),
        (1, {"size": ""}, True),
        (1, {}, False),
        (0, {"size": ""}, True),
    ]
    for each in events:
        start, end = (datetime.fromisoformat(each["window"][edge]) for edge in ("start", "end"))
        assert (end - start, start.timestamp() % WINDOW_SECONDS) == (timedelta(seconds=WINDOW_SECONDS), 0)
        assert each["shardId"] == "shardId-000000000000"
        assert each["eventSourceARN"].endswith(":stream/noted")
        assert each["isWindowTerminatedEarly"] is False


def test_a_window_is_finished_when_its_time_is_over(moto: Moto, program: Program) -> None:
    stream = moto.stream("on-the-clock", names(1, 3))
    result = poll(program, "noted", "--stream", stream, "--until-empty", "-m", "TumblingWindowInSeconds=3", *SOON)
    assert result.exit_code == 0, result.output
    *_, last = kept(program, "events")
    assert last["isFinalInvokeForWindow"] is True
    assert datetime.fromisoformat(last["window"]["end"]).timestamp() <= time.time()
    assert "3 received, 3 done, 0 came back" in result.stdout


def test_a_run_that_ends_in_a_window_says_that_its_records_are_not_done(moto: Moto, program: Program) -> None:
    stream = stream_in_the_past(moto, "in-the-middle", names(1, 6))
    limits = ["--max-batches", "1", "-m", "BatchSize=2"]
    checkpoint = program.folder / "c.json"
    options = ["on_stream", "--stream", stream, *in_windows(), "--checkpoint", str(checkpoint)]
    result = poll(program, *options, *limits)
    assert result.exit_code == 1, result.output
    assert "2 delivered, 2 in window 2023-11-14T22:13:00Z" in result.stdout
    assert "Not done: 1, 2." in result.stdout
    assert json.loads(checkpoint.read_text())["shards"] == {}


def test_a_response_without_a_state_is_a_failed_invocation(moto: Moto, program: Program) -> None:
    stream = stream_in_the_past(moto, "stateless", names(1, 2))
    settings = ["-m", "MaximumRetryAttempts=1", *in_windows()]
    result = poll(program, "without_state", "--stream", stream, "--until-empty", *settings)
    assert result.exit_code == 1, result.output
    assert "the whole batch: the response has no state" in result.stdout
    assert "2 given up" in result.stdout


def test_the_end_of_a_window_waits_for_a_success(moto: Moto, program: Program) -> None:
    (program.folder / "app.py").write_text(
        PROGRAM + "\ndef late(event, context):\n"
        "    keep('events', json.dumps(event))\n"
        "    tries = (HERE / 'events').read_text().count('\\n')\n"
        "    return None if not event['Records'] and tries < 4 else {'state': {}}\n"
    )
    stream = stream_in_the_past(moto, "unfinished", names(1, 2))
    settings = ["-m", "MaximumRetryAttempts=0", "-m", "BatchSize=2", *in_windows()]
    result = poll(program, "late", "--stream", stream, "--until-empty", *settings)
    assert result.exit_code == 0, result.output
    assert [len(each["Records"]) for each in kept(program, "events")] == [2, 0, 0, 0]
    assert "0 delivered, the end of the window comes back in 0.0 s" in result.stdout
    assert "0 delivered, window 2023-11-14T22:13:00Z finished, 2 done" in result.stdout


def test_a_state_over_1_mb_ends_its_window_early(moto: Moto, program: Program) -> None:
    stream = stream_in_the_past(moto, "large", names(1, 2))
    options = ["noted", "--stream", stream, "--until-empty", "-m", "BatchSize=1", *in_windows()]
    result = poll(program, *options, env={"BYTES": "1000001"})
    assert result.exit_code == 0, result.output
    flags = [(len(each["Records"]), each["isWindowTerminatedEarly"]) for each in kept(program, "events")]
    assert flags == [(1, False), (0, True), (1, False), (0, True)]
    assert "ended early, 1 done" in result.stdout


def test_a_function_that_gets_no_window_says_so(moto: Moto, program: Program) -> None:
    stream = moto.stream("not-windowed", names(1, 2))
    with program.start("on_stream", "--stream", stream, "--max-batches", "1") as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "UnexpectedEventError: " in output
    assert "'window'" in output


# ------------------------------------------------------------ pipes
@pytest.mark.parametrize(
    ("function", "is_ordered"), [("stream_pipe", True), ("table_pipe", True), ("each_of_pipe", False)]
)
@pytest.mark.parametrize("bisect", [False, True])
def test_300_records_drain_through_a_pipe(
    moto: Moto,
    program: Program,
    function: str,
    is_ordered: bool,  # noqa: FBT001
    bisect: bool,  # noqa: FBT001
) -> None:
    sent = names(6, 300)
    name = f"{function.replace('_', '-')}-{bisect}"
    where = (
        ["--table", moto.table(name, sent)]
        if function == "table_pipe"
        else ["--stream", moto.stream(name, sent, shards=2)]
    )
    settings = ["-m", "BatchSize=20", *SOON, *(["-m", "OnPartialBatchItemFailure=AUTOMATIC_BISECT"] if bisect else [])]
    result = poll(program, function, *where, "--pipe", "--until-empty", *settings, env={"FAIL_RATE": "0.06"})
    assert result.exit_code == 0, result.output
    assert sorted(set(program.effects)) == sorted(sent)
    assert bool(program.repeats) == bisect  # halves repeat what was done
    if is_ordered:
        assert is_in_order(list(dict.fromkeys(program.effects)))


def test_of_a_stream_a_pipe_brings_only_what_is_named_back_and_gives_it_up(moto: Moto, program: Program) -> None:
    stream = moto.stream("piped-poison", names(1, 4))
    checkpoint = program.folder / "c.json"
    options = ["poisoned", "--stream", stream, "--pipe", "--checkpoint", str(checkpoint), *SOON]
    result = poll(program, *options, "--until-empty", "-m", "MaximumRetryAttempts=1")
    assert result.exit_code == 1, result.output
    assert (program.folder / "effects").read_text().splitlines() == [
        "QTAwMA== QTAwMQ== QTAwMg== QTAwMw==",
        "QTAwMQ==",
        "QTAwMQ==",
    ]
    assert "4 delivered, 3 done, 1 comes back in 0.0 s" in result.stdout
    assert "gave up shardId-000000000000:2: no retry was left" in result.stdout
    assert "3 done" in result.stdout
    assert json.loads(checkpoint.read_text())["shards"] == {"shardId-000000000000": {"after": "4"}}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["-m", "TumblingWindowInSeconds=30"], "A pipe has no tumbling windows"),
        (["-m", "ReportBatchItemFailures=false"], "A pipe reads every response"),
        (["-m", "BisectBatchOnFunctionError=true"], "A pipe has automatic_bisect instead"),
        (["-m", "Shards=2"], "there is no setting 'Shards' here"),
        (["--timeout", "301"], "timeout_seconds is at most 300 with a pipe"),
    ],
)
def test_what_a_pipe_has_not_is_refused(moto: Moto, program: Program, options: list[str], says: str) -> None:
    stream = moto.stream(f"refused-{options[-1].partition('=')[0]}", [])
    result = poll(program, "stream_pipe", "--stream", stream, "--pipe", *options)
    assert result.exit_code == 2
    assert says in result.stderr
