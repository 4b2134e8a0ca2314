"""Both type checkers read the programs in `tests/typing`: what must pass passes, what is marked `# BAD` is refused."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted((ROOT / "tests" / "typing").glob("*.py"))
LOCATED = re.compile(r"(?P<file>[^:]+\.py):(?P<line>\d+): error: (?P<message>.*)")
BAD = re.compile(r"\S  # BAD\b")

Errors = Mapping[str, Mapping[int, str]]


def bad_lines(program: Path) -> set[int]:
    return {number for number, line in enumerate(program.read_text().splitlines(), 1) if BAD.search(line)}


@pytest.fixture(scope="module")
def mypy_errors(tmp_path_factory: pytest.TempPathFactory) -> Errors:
    own_cache = f"--cache-dir={tmp_path_factory.mktemp('mypy')}"  # two runs at once spoil one that they share
    command = [sys.executable, "-m", "mypy", own_cache, "--no-error-summary", "--exclude=^$", *map(str, PROGRAMS)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "INTERNAL ERROR" not in ran.stdout + ran.stderr, ran.stderr
    found: dict[str, dict[int, str]] = {}
    for line in ran.stdout.splitlines():
        if located := LOCATED.match(line):
            found.setdefault(Path(located["file"]).name, {})[int(located["line"])] = located["message"]
    return found


@pytest.fixture(scope="module")
def pyright_errors(tmp_path_factory: pytest.TempPathFactory) -> Errors:
    # pyright leaves out what its project excludes, so the programs are read in a project of their own
    project = tmp_path_factory.mktemp("pyright")
    for program in PROGRAMS:
        shutil.copy(program, project)
    settings = {
        "extraPaths": [str(ROOT / "src")],
        "stubPath": str(ROOT / "typings"),
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
    }
    (project / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", "-p", str(project)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert json.loads(ran.stdout)["summary"]["filesAnalyzed"] == len(PROGRAMS)
    found: dict[str, dict[int, str]] = {}
    for problem in json.loads(ran.stdout)["generalDiagnostics"]:
        if problem["severity"] == "error":
            line = problem["range"]["start"]["line"] + 1
            found.setdefault(Path(problem["file"]).name, {})[line] = problem["message"]
    return found


def assert_only_bad_lines_are_refused(program: Path, errors: Errors) -> None:
    refused = errors.get(program.name, {})
    bad = bad_lines(program)
    unexpected = {line: refused[line] for line in sorted(set(refused) - bad)}
    assert not unexpected, f"{program.name}: refused although they should pass"
    lines = program.read_text().splitlines()
    missed = [f"{line}: {lines[line - 1]}" for line in sorted(bad - set(refused))]
    assert not missed, f"{program.name}: passed although they should be refused"


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_mypy_accepts_and_refuses_what_it_should(program: Path, mypy_errors: Errors) -> None:
    assert_only_bad_lines_are_refused(program, mypy_errors)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_pyright_accepts_and_refuses_what_it_should(program: Path, pyright_errors: Errors) -> None:
    assert_only_bad_lines_are_refused(program, pyright_errors)


def test_plain_handlers_need_no_mypy_plugin(tmp_path: Path) -> None:
    settings = tmp_path / "mypy.ini"
    settings.write_text(f"[mypy]\nstrict = True\npython_version = 3.11\nmypy_path = {ROOT / 'src'}\n")
    program = tmp_path / "plain.py"
    program.write_text(
        "from returns.result import Failure, Result, Success\n"
        "from batchfold import PartialResponse, SqsRecord, process_batch, sqs\n\n\n"
        "def reserve(record: SqsRecord[int]) -> Result[int, str]:\n"
        "    return Success(record.body) if record.body else Failure('none')\n\n\n"
        "def lambda_handler(event: dict[str, object], context: object) -> PartialResponse:\n"
        "    return process_batch(event, reserve, sqs(int))\n"
    )
    command = [sys.executable, "-m", "mypy", "--config-file", str(settings), str(program)]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_mypy_says_in_its_first_line_that_a_source_is_missing(mypy_errors: Errors) -> None:
    assert [message for message in mypy_errors["wiring.py"].values() if "ASourceIsMissing" in message]
