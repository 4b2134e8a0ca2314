"""The command itself: how it is started, and what it says where its extra is not installed."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import batchfold
from batchfold.testing import sqs_event

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


NOISY = """
import logging, os, subprocess, sys

print("printed at import")
logging.basicConfig(stream=sys.stdout, level=logging.INFO)
os.write(1, b"written at import\\n")

def handle(event, context):
    print("printed")
    logging.info("logged")
    sys.__stdout__.write("written past sys.stdout\\n")
    subprocess.run([sys.executable, "-c", "print('printed by a child')"], check=True)
    return {"batchItemFailures": []}
"""


def test_nothing_but_the_response_stands_on_the_standard_output(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(NOISY)
    (tmp_path / "event.json").write_text(json.dumps(sqs_event("one")))
    ran = python(
        "-m", "batchfold.cli", "run", f"{tmp_path}/app.py:handle", "--event", f"{tmp_path}/event.json", "--json"
    )
    assert (ran.returncode, ran.stdout) == (0, '{"batchItemFailures": []}\n')
    assert set(ran.stderr.splitlines()) == {
        "printed at import",
        "written at import",
        "printed",
        "INFO:root:logged",
        "written past sys.stdout",
        "printed by a child",
    }
