"""The command itself: how it is started, and what it says where its extra is not installed."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
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
    ran = python("-c", program)
    assert ran.returncode == 2
    assert "No module named 'returns." in ran.stderr


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


def arguments(folder: Path, program: str, *options: str, records: int = 1) -> list[str]:
    """Of `python`: run a program that has `handle`."""
    (folder / "app.py").write_text(program)
    (folder / "event.json").write_text(json.dumps(sqs_event(*["x"] * records)))
    return ["-m", "batchfold.cli", "run", f"{folder}/app.py:handle", "--event", f"{folder}/event.json", *options]


def test_nothing_but_the_response_stands_on_the_standard_output(tmp_path: Path) -> None:
    ran = python(*arguments(tmp_path, NOISY, "--json"))
    assert (ran.returncode, ran.stdout) == (0, '{"batchItemFailures": []}\n')
    assert set(ran.stderr.splitlines()) == {
        "printed at import",
        "written at import",
        "printed",
        "INFO:root:logged",
        "written past sys.stdout",
        "printed by a child",
    }


LATE = """
import threading, time

def handle(event, context):
    threading.Thread(target=lambda: (time.sleep(0.5), print("late"))).start()
    return {"batchItemFailures": []}
"""


def test_what_a_thread_prints_after_the_call_is_not_the_reports(tmp_path: Path) -> None:
    ran = python(*arguments(tmp_path, LATE, "--json"))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, '{"batchItemFailures": []}\n', "late\n")


DONE = "def handle(event, context): return None\n"
PARTIAL = """
def handle(event, context):
    return {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}
"""
RAISES = "def handle(event, context): raise ValueError\n"


@pytest.fixture(name="broken_pipe")
def pipe_that_nobody_reads() -> Iterator[int]:
    read, write = os.pipe()
    os.close(read)
    yield write
    os.close(write)


@pytest.mark.parametrize(("program", "status"), [(DONE, 0), (PARTIAL, 1)])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_the_verdict_stands_though_nobody_reads_the_report(
    tmp_path: Path, broken_pipe: int, program: str, status: int, options: tuple[str, ...]
) -> None:
    command = [sys.executable, *arguments(tmp_path, program, *options, records=2_000)]
    ran = subprocess.run(command, stdout=broken_pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (status, "")


@pytest.mark.parametrize("program", [RAISES, "1 / 0\n"])
def test_an_error_that_cannot_be_told_is_still_one(tmp_path: Path, broken_pipe: int, program: str) -> None:
    command = [sys.executable, *arguments(tmp_path, program)]
    assert subprocess.run(command, stdout=broken_pipe, stderr=broken_pipe, check=False).returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the disk that is always full is Linux's")
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_report_that_cannot_be_written_is_an_error(tmp_path: Path, options: tuple[str, ...]) -> None:
    command = [sys.executable, *arguments(tmp_path, PARTIAL, *options)]
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (2, "Error: the report cannot be written: No space left on device\n")


def test_what_the_terminal_cannot_show_is_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = arguments(tmp_path, DONE)
    event = (tmp_path / "event.json").read_text()
    message_id = json.loads(event)["Records"][0]["messageId"]
    (tmp_path / "event.json").write_text(event.replace(message_id, "\\u6f22"))
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    ran = python(*command)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert r"\u6f22" in ran.stdout


def test_a_defect_of_the_command_ends_with_2_and_quotes_nothing(tmp_path: Path) -> None:
    program = (
        f"import sys; sys.argv[1:] = {arguments(tmp_path, DONE)[2:]};"
        "from batchfold.cli import __main__, command;"
        "command.judge = lambda *judged: {}['4111' '-1111'];"  # in two, for Python 3.13 shows this line
        "__main__.main()"
    )
    ran = python("-c", program)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.endswith("Error: the command itself failed, which is a defect of batchfold: KeyError\n")
    assert "command.py" in ran.stderr
    assert "4111-1111" not in ran.stderr
