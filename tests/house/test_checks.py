"""Everything that must hold besides the tests themselves: format, lint, both type checkers, the wheel."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*command: str) -> None:
    ran = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{' '.join(command)}\n{ran.stdout}\n{ran.stderr}"


def test_the_code_is_formatted() -> None:
    run("ruff", "format", "--check", ".")


def test_the_code_is_clean() -> None:
    run("ruff", "check", ".")


def test_mypy_is_content() -> None:
    """One run for all of it: two at once would spoil the cache they share."""
    run("mypy")


def test_pyright_is_content() -> None:
    run("pyright", "--pythonpath", sys.executable)
