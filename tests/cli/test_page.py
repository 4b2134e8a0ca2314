"""The page of the commands is true: its commands run, and its picture is what they draw."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from batchfold.cli.command import app

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "src/batchfold/cli/README.md"
COMMANDS = re.findall(r"^batchfold ((?:run|simulate) .+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(app, shlex.split(command))
    assert result.exit_code in (0, 1), result.output


def test_the_picture_is_what_the_command_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    [command] = [each for each in COMMANDS if each.startswith("simulate ")]
    CliRunner().invoke(app, [*shlex.split(command), "--svg", str(tmp_path / "drawn.svg")])
    assert (tmp_path / "drawn.svg").read_text() == (PAGE.parent / "simulate.svg").read_text()
