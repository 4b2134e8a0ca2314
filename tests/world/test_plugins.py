"""pytest plugins that wait for async tests, installed beside these tests, which have none."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ASYNC_RUNS = ["tests/concurrency/test_lambda_function.py", "-k", "loop"]


def test_the_tests_of_async_runs_pass_under_plugins_that_take_over_async_tests() -> None:
    """Both in the mode in which they take what they find; what they warn of themselves does not end the run."""
    plugins = ["-p", "pytest_asyncio", "-p", "anyio", "-o", "asyncio_mode=auto", "-o", "anyio_mode=auto"]
    command = [sys.executable, "-m", "pytest", *plugins, "--numprocesses=0", "-p", "no:cacheprovider", *ASYNC_RUNS]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    assert "asyncio: mode=Mode.AUTO" in ran.stdout, "it was not there"
