"""The command itself: how it is started, and what it says where its extra is not installed."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import batchfold

ROOT = Path(__file__).parents[2]


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def test_it_runs_as_a_module() -> None:
    ran = python("-m", "batchfold.cli", "--version")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"batchfold {batchfold.__version__}\n", "")


def test_the_script_is_the_same_entry() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"batchfold": "batchfold.cli.__main__:main"}


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_it_says_in_one_line_what_to_install(missing: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; from batchfold.cli.__main__ import main; main()"
    ran = python("-c", program)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"The batchfold command needs {missing}: pip install 'batchfold[cli]'\n"


def test_another_missing_module_is_not_blamed_on_the_extra() -> None:
    program = "import sys; sys.modules['returns'] = None; from batchfold.cli.__main__ import main; main()"
    assert "No module named 'returns.result'" in python("-c", program).stderr


def test_wrong_usage_ends_with_2() -> None:
    ran = python("-m", "batchfold.cli", "run")
    assert ran.returncode == 2
    assert "Missing argument 'FILE.py:FUNCTION'" in ran.stderr
