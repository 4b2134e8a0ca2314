"""The API reference is built without warnings, and names every public thing."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import batchfold
import batchfold.testing

ROOT = Path(__file__).parents[2]
PUBLIC: Any = batchfold  # the checkers do not see its list of names


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    command = [sys.executable, "-m", "tests.reference", str(folder)]  # it changes modules, so in a process of its own
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "arn" not in ran.stderr, ran.stderr
    return folder


@pytest.mark.parametrize(
    ("page", "names"),
    [("batchfold.html", PUBLIC.__all__), ("batchfold/testing.html", batchfold.testing.__all__)],
    ids=["batchfold", "testing"],
)
def test_the_reference_has_every_public_name(reference: Path, page: str, names: list[str]) -> None:
    text = (reference / page).read_text(encoding="utf-8")
    assert [name for name in names if not name.startswith("_") and f'id="{name}"' not in text] == []


@pytest.mark.parametrize("room", ["core", "sources", "shell", "testing", "cli", "powertools"])
def test_the_pages_of_the_guide_stand_under_their_rooms(reference: Path, room: str) -> None:
    first = (ROOT / "src/batchfold" / room / "README.md").read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert first.split("`")[0] in (reference / f"batchfold/{room}.html").read_text(encoding="utf-8")
