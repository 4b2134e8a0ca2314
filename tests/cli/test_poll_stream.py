"""`batchfold poll` of Kinesis and DynamoDB Streams, over the HTTP APIs as moto serves them on 127.0.0.1."""

import json
import signal
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from tests.cli.moto_apis import Moto, Program, is_in_order, names, wait_until
from typer.testing import CliRunner, Result

from batchfold.cli.command import app

SOON = ["-m", "SecondsBetweenRetries=0.01"]


@pytest.fixture(name="program")
def a_program(tmp_path: Path, moto: Moto) -> Program:
    return Program(tmp_path, moto)


def poll(program: Program, function: str, *options: str, env: Mapping[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, program.arguments(function, *options), env=env)


def where(program: Program, moto: Moto, kind: str, sent: Sequence[str]) -> list[str]:
    """Make a stream or a table with these records; return the function and the options that poll it."""
    name = program.folder.name
    checkpoint = ["--checkpoint", str(program.folder / "checkpoint.json"), *SOON]
    if kind == "kinesis":
        return ["on_stream", "--stream", moto.stream(name, sent, shards=3), *checkpoint]
    return ["on_table", "--table", moto.table(name, sent), *checkpoint]


KINDS = pytest.mark.parametrize("kind", ["kinesis", "dynamodb"])


# ------------------------------------------------------------ nothing is lost
@KINDS
def test_a_thousand_records_with_random_failures_drain_in_order(moto: Moto, program: Program, kind: str) -> None:
    sent = names(10, 1_000)
    options = where(program, moto, kind, sent)
    result = poll(program, *options, "--until-empty", env={"FAIL_RATE": "0.01"})
    assert result.exit_code == 0, result.output
    assert sorted(program.effects) == sorted(sent)
    assert is_in_order(program.effects)
    assert "Ended: every shard is read to its end." in result.stdout
    again = poll(program, *options, "--until-empty")
    assert again.exit_code == 0, again.output
    assert "0 received" in again.stdout
    assert len(program.effects) == 1_000


@KINDS
def test_a_poller_that_is_ended_in_the_middle_goes_on_from_its_checkpoint(
    moto: Moto, program: Program, kind: str
) -> None:
    sent = names(4, 100)
    options = [*where(program, moto, kind, sent), "-m", "BatchSize=6"]
    repeats = {signal.SIGTERM: 0, signal.SIGKILL: 6}  # at most those of the batch that was under way
    for at_least, number in ((10, signal.SIGTERM), (30, signal.SIGKILL)):
        with program.start(*options, SECONDS="0.01", FAIL_RATE="0.05") as process:
            wait_until(partial(program.has_performed, at_least))
            process.send_signal(number)
            output, _ = process.communicate(timeout=20)
        assert process.returncode == (143 if number == signal.SIGTERM else -9), output
        assert len(program.repeats) <= repeats[number]
        assert len(program.effects) < 100
    result = poll(program, *options, "--until-empty")
    assert result.exit_code == 0, result.output
    assert sorted(set(program.effects)) == sorted(sent)
    assert len(program.repeats) <= repeats[signal.SIGKILL]
    assert is_in_order(list(dict.fromkeys(program.effects)))


# ------------------------------------------------------------ rules
def test_a_record_that_never_succeeds_is_given_up_after_its_retries(moto: Moto, program: Program) -> None:
    (program.folder / "app.py").write_text(
        "from returns.result import Failure, Success\nfrom batchfold import *\n"
        "def handle(record):\n"
        "    return Failure(ValueError()) if record.data == b'A001' else Success(None)\n"
        "on_stream = as_lambda_handler(handle, kinesis())\n"
    )
    stream = moto.stream("poisoned", names(1, 4))
    settings = ["-m", "MaximumRetryAttempts=1", "-m", "BisectBatchOnFunctionError=true", *SOON]
    result = poll(program, "on_stream", "--stream", stream, "--until-empty", *settings)
    assert result.exit_code == 1, result.output
    assert "shard 0: gave up 2: no retry was left" in result.stdout
    assert "3 done" in result.stdout
    assert "1 given up" in result.stdout


def test_records_that_are_too_old_are_given_up_without_an_invocation(moto: Moto, program: Program) -> None:
    stream = moto.stream("aged", names(1, 3))
    for shard in moto.shards("aged"):
        for record in shard.records.values():
            record.created_at_datetime -= timedelta(seconds=120)
    settings = ["-m", "MaximumRecordAgeInSeconds=60"]
    result = poll(program, "on_stream", "--stream", stream, "--until-empty", *settings)
    assert result.exit_code == 1, result.output
    assert "shard 0: gave up 3 records, 1 to 3: too old" in result.stdout
    assert "0 invocations" in result.stdout


@KINDS
def test_latest_leaves_out_what_was_there_and_a_later_run_goes_on_from_there(
    moto: Moto, program: Program, kind: str
) -> None:
    options = [*where(program, moto, kind, ["A000"]), "--starting-position", "LATEST", "--until-empty"]
    checkpoint = program.folder / "checkpoint.json"
    assert poll(program, *options).exit_code == 0
    assert program.effects == []
    content = json.loads(checkpoint.read_text())
    assert content["since"] is not None
    if kind == "kinesis":
        moto.put(program.folder.name, ["A001"])
    else:
        moto.client("dynamodb").put_item(TableName=program.folder.name, Item={"id": {"S": "A001"}})
    checkpoint.write_text(json.dumps({**content, "since": content["since"] + 5}))
    result = poll(program, *options)
    assert result.exit_code == 0, result.output
    assert "A001" in program.effects
    assert "going on from" in result.stdout


def test_a_batching_window_waits_for_a_full_batch(moto: Moto, program: Program) -> None:
    stream = moto.stream("windowed", names(1, 7))
    settings = ["-m", "BatchSize=5", "-m", "MaximumBatchingWindowInSeconds=1"]
    result = poll(program, "on_stream", "--stream", stream, "--until-empty", *settings)
    assert result.exit_code == 0, result.output
    assert "5 delivered, 5 done" in result.stdout
    assert "2 delivered, 2 done" in result.stdout
