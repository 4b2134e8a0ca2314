"""The README and the pages are true: their programs run and type-check, and their commands name what is there.

The first heading of the README that has programs is the module `app`. The blocks below any other heading, of any page, are
one program each.
"""

import json
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from batchfold.testing import LambdaContext, sqs_event

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {
    "core": ROOT / "src/batchfold/core/README.md",
    "sources": ROOT / "src/batchfold/sources/README.md",
    "shapes": ROOT / "src/batchfold/sources/shapes.md",
    "shell": ROOT / "src/batchfold/shell/README.md",
    "tracing": ROOT / "src/batchfold/shell/tracing.md",
    "testing": ROOT / "src/batchfold/testing/README.md",
    "cli": ROOT / "src/batchfold/cli/README.md",
    "powertools": ROOT / "src/batchfold/powertools/README.md",
    "check": ROOT / "src/batchfold/cli/check.md",
    "poll": ROOT / "src/batchfold/cli/poll.md",
    "replay": ROOT / "src/batchfold/cli/replay.md",
    "cookbook": ROOT / "tests/examples/README.md",
}
MOST_WORDS = 1_200
MOST_WORDS_OF_THE_README = 1_300

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[\w-]+)?\)")


def blocks(text: str, language: str) -> list[str]:
    return [content for found, content in _BLOCK.findall(text) if found == language]


def programs_of(text: str) -> dict[str, str]:
    """The programs of a page by their headings."""
    _, *parts = _HEADING.split(text)
    by_heading = dict(zip(parts[::2], parts[1::2], strict=True))
    joined = {heading: "\n\n".join(blocks(content, "python")) for heading, content in by_heading.items()}
    return {re.sub(r"\W+", "_", heading).strip("_").lower(): program for heading, program in joined.items() if program}


def programs() -> dict[str, str]:
    """All programs by the names of their modules."""
    (_, first), *others = programs_of(README).items()
    pages = {
        f"{page}_{name}": program
        for page, path in PAGES.items()
        if page != "powertools"  # its own tests run its programs, under both imports
        for name, program in programs_of(path.read_text(encoding="utf-8")).items()
    }
    return {"app": first, **dict(others), **pages}


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
    assert len(programs()) >= 20


@pytest.mark.parametrize("page", ["readme", *PAGES])
def test_a_page_is_short_and_its_links_lead_somewhere(page: str) -> None:
    path = ROOT / "README.md" if page == "readme" else PAGES[page]
    text = path.read_text(encoding="utf-8")
    assert len(text.split()) <= (MOST_WORDS_OF_THE_README if page == "readme" else MOST_WORDS)
    for link in _LINK.findall(text):
        assert (path.parent / link).exists(), link


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
        "settling",
        "shell_reading_what_happened",
        "shell_after_a_batch",
        "shell_time_and_breakers",
        "cookbook_one_commit_for_the_whole_batch",
    ],
)
def test_a_lambda_handler_names_what_is_not_done(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, client: Sqs
) -> None:
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    event = sqs_event({"id": "o-1", "quantity": 2}, {"id": "o-2", "quantity": 20}, {"id": "o-3"})
    first, second, third = event["Records"]
    not_done = [second] if name == "settling" else [second, third]
    found = runpy.run_path(str(folder / f"{name}.py"), run_name=name)
    response = found["lambda_handler"](event, LambdaContext())
    assert first not in not_done
    assert response == {"batchItemFailures": [{"itemIdentifier": raw["messageId"]} for raw in not_done]}
    assert client.sent == ([third["body"]] if name == "settling" else [])
    assert client.hidden == ([raw["receiptHandle"] for raw in not_done] if name == "shell_after_a_batch" else [])
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
