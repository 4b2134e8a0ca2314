"""Every line and every branch of the pure parts is run by their tests."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_branch_of_core_and_sources_is_run(tmp_path: Path) -> None:
    """In a run of its own: tracing the whole suite would double the time that it takes."""
    tests = ("tests/core", "tests/sources", "tests/shell", "--ignore=tests/core/test_settle_properties.py")
    covered = ("--cov=batchfold.core", "--cov=batchfold.sources", "--cov-branch", "--cov-report=term-missing")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n2",
        "-p",
        "no:cacheprovider",
        *tests,
        *covered,
        "--cov-fail-under=100",
    ]
    environment = {**os.environ, "COVERAGE_FILE": str(tmp_path / "coverage")}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-5_000:]
