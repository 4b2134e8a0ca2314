"""Everything that must hold besides the tests themselves: format, lint, both type checkers, the wheel."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str) -> None:
    ran = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{' '.join(command)}\n{ran.stdout}\n{ran.stderr}"


def test_the_code_is_formatted() -> None:
    run("ruff", "format", "--check", ".")


def test_the_code_is_clean() -> None:
    run("ruff", "check", ".")


@pytest.mark.parametrize("part", ["src", "tests"])
def test_mypy_is_content(part: str) -> None:
    run("mypy", part)


def test_pyright_is_content() -> None:
    run("pyright", "--pythonpath", sys.executable)
