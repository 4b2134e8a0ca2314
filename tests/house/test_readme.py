"""The README is true: its programs run and type-check, its commands name what is there, its output is what is printed,
its tables are those of `tests/testing/tables.py`.

The first heading's blocks are the module `app`. The blocks below any other heading are one program.
"""

import json
import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.testing import tables
from typer.testing import CliRunner

from batchfold.cli.command import app as command
from batchfold.testing import KinesisStream, LambdaContext, sqs_event

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str, language: str) -> list[str]:
    return [content for found, content in _BLOCK.findall(text) if found == language]


def programs() -> dict[str, str]:
    """The programs by the names of their modules."""
    _, *parts = _HEADING.split(README)
    by_heading = dict(zip(parts[::2], parts[1::2], strict=True))
    joined = {heading: "\n\n".join(blocks(text, "python")) for heading, text in by_heading.items()}
    first, *others = ((heading, program) for heading, program in joined.items() if program)
    named = {re.sub(r"\W+", "_", heading).strip("_").lower(): program for heading, program in others}
    return {"app": first[1], **named}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module for each program, and the project's settings for the checkers."""
    folder = tmp_path_factory.mktemp("readme")
    for name, program in programs().items():
        (folder / f"{name}.py").write_text(program, encoding="utf-8")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pyright"]
    settings |= {"include": ["."], "stubPath": str(ROOT / settings["stubPath"]), "extraPaths": [str(ROOT / "src")]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def check(*arguments: str | Path, cwd: Path) -> None:
    ran = subprocess.run([sys.executable, "-m", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_there_are_programs() -> None:
    assert len(programs()) > 8


class Sqs:
    """Stands for boto3's client: it keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.hidden: list[str] = []

    def send_message(self, **message: Any) -> dict[str, str]:
        self.sent.append(message["MessageBody"])
        return {"MessageId": "dead-1"}

    def change_message_visibility_batch(self, **request: Any) -> dict[str, object]:
        self.hidden += [entry["ReceiptHandle"] for entry in request["Entries"]]
        return {}


@pytest.fixture(autouse=True)
def client(monkeypatch: pytest.MonkeyPatch) -> Sqs:
    """What the programs find in the place of boto3's client."""
    client = Sqs()

    def make(_service: str, **_options: object) -> Sqs:
        return client

    monkeypatch.setattr("boto3.client", make)
    return client


@pytest.mark.parametrize("name", programs())
def test_a_program_runs(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    monkeypatch.delitem(sys.modules, "app", raising=False)
    found = runpy.run_path(str(folder / f"{name}.py"), run_name=name)
    for test in [value for key, value in found.items() if key.startswith("test_")]:
        test()
    monkeypatch.delitem(sys.modules, "app", raising=False)


@pytest.mark.parametrize(
    "name",
    [
        "app",
        "a_second_program",
        "reading_what_happened",
        "settling_failures",
        "backoff",
        "observing",
        "time",
        "the_lambda_function",
    ],
)
def test_a_lambda_handler_names_what_is_not_done(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, client: Sqs
) -> None:
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    event = sqs_event({"id": "o-1", "quantity": 2}, {"id": "o-2", "quantity": 20}, {"id": "o-3"})
    first, second, third = event["Records"]
    not_done = {"settling_failures": [second], "the_lambda_function": [third]}.get(name, [second, third])
    found = runpy.run_path(str(folder / f"{name}.py"), run_name=name)
    response = found["lambda_handler"](event, LambdaContext())
    assert first not in not_done
    assert response == {"batchItemFailures": [{"itemIdentifier": raw["messageId"]} for raw in not_done]}
    assert client.sent == ([third["body"]] if name == "settling_failures" else [])
    assert client.hidden == ([raw["receiptHandle"] for raw in not_done] if name == "backoff" else [])
    monkeypatch.delitem(sys.modules, "app", raising=False)


def test_mypy_is_content_with_the_programs(folder: Path) -> None:
    check("mypy", "--config-file", ROOT / "mypy.ini", ".", cwd=folder)


def test_pyright_is_content_with_the_programs(folder: Path) -> None:
    check("pyright", "--pythonpath", sys.executable, cwd=folder)


@pytest.mark.parametrize("line", [line for block in blocks(README, "sh") for line in block.splitlines()])
def test_a_command_names_what_is_there(line: str) -> None:
    paths = [word for word in re.split(r"[\s':]+", line) if "/" in word and not word.startswith(".venv/")]
    assert all((ROOT / path).exists() for path in paths), paths
    extras = {extra for group in re.findall(r"\[([\w,]+)\]", line) for extra in group.split(",")}
    assert extras <= tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"].keys()


def test_the_test_command_stands_where_ci_finds_it() -> None:
    _, _, after = README.partition("<!-- tests -->\n")
    assert after.startswith("```sh\n")
    [line] = blocks(after.partition("\n```\n")[0] + "\n```\n", "sh")
    assert line.endswith(".venv/bin/python -m pytest\n")


def test_the_output_shown_is_what_the_command_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    [line] = [line for block in blocks(README, "sh") for line in block.splitlines() if "failing.json" in line]
    ran = CliRunner().invoke(command, line.split()[1:])
    printed = [text.rstrip() for text in ran.stdout.splitlines()]
    [shown] = blocks(README, "text")
    assert printed == shown.splitlines()
    assert ran.exit_code == 1


# ------------------------------------------------------------ the tables in the section on order
TITLES = {
    "batchfold, `whole_batch` (the default)": "`whole_batch`, the default",
    "`whole_batch` (the default)": "`whole_batch`, the default",
    "`by_message_group`": "`by_message_group`",
    "batchfold, `by_partition_key`, 10 keys": "`by_partition_key`, 10 keys",
    "batchfold, `each_record`": "`each_record`, and Powertools",
    "Powertools": "`each_record`, and Powertools",
    "batchfold, `whole_batch` and `settle`": "`whole_batch`, and `settle`",
}


def done_and_given_up(row: Sequence[str]) -> list[str]:
    """A row of what became of the records, with fewer columns: invocations, done, given up, never started, repeats."""
    invocations, done, settled, started, never_started, repeats = map(int, row)
    return [str(cell) for cell in (invocations, done + settled, started + never_started, never_started, repeats)]


def shown(title: str, cells: Iterable[str]) -> str:
    return f"| {TITLES[title]} | {' | '.join(cells)} |"


def side_by_side(left: Iterable[Sequence[str]], right: Iterable[Sequence[str]]) -> list[str]:
    """The rows of two tables as one table, whose cells hold both."""
    return [
        shown(title, (f"{one} / {other}" for one, other in zip(ones, others, strict=True)))
        for (title, *ones), (_, *others) in zip(left, right, strict=True)
    ]


def test_what_each_lane_costs_is_what_the_model_shows() -> None:
    rows = side_by_side(tables.each_fails_once(0.05), tables.each_fails_once(0.2))
    assert set(rows) <= set(README.splitlines())


def test_what_becomes_of_a_record_that_never_succeeds_is_what_the_model_shows() -> None:
    streams = [
        KinesisStream(maximum_retry_attempts=3, on_failure_destination=True, bisect_batch_on_function_error=bisect)
        for bisect in (False, True)
    ]
    tables_of_streams = [
        [(title, *done_and_given_up(row)) for title, *row in tables.poison(stream, 40)] for stream in streams
    ]
    assert set(side_by_side(*tables_of_streams)) <= set(README.splitlines())


def test_what_a_fifo_queue_gives_up_is_what_the_model_shows() -> None:
    rows = [shown(title, done_and_given_up(row)) for title, *row in tables.fifo_poison()]
    assert set(rows) <= set(README.splitlines())
