"""Ctrl-C during a Lambda function that is made of an async handler, as in a local run of it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMPTLY = 5.0
SECONDS = 30.0

IN_FLIGHT = {"waiting": ["0", "1", "2"], "blocking": ["0"]}
"""The records that are in flight: a handler that blocks its loop keeps the others from starting."""


@pytest.mark.parametrize("kind", IN_FLIGHT)
def test_ctrl_c_ends_the_function_at_once_and_nothing_goes_on_in_the_next_invocation(kind: str) -> None:
    command = [sys.executable, "-m", "tests.world.programs.interrupted", kind]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            lines = [process.stdout.readline().strip() for _ in IN_FLIGHT[kind]]
            process.send_signal(signal.SIGINT)
            interrupted_at = time.monotonic()
            rest, errors = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    assert time.monotonic() - interrupted_at < PROMPTLY
    assert lines == [f"started {record}" for record in IN_FLIGHT[kind]]
    *left, interrupted, response = rest.splitlines()
    assert sorted(left) == [f"left {record}" for record in IN_FLIGHT[kind]]
    assert (interrupted, response) == ("interrupted", "{'batchItemFailures': []}")
    assert errors == ""
    assert process.returncode == 0
