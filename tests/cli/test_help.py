"""The help of the commands, wherever it is read, and completion in the shell."""

import os
import subprocess
import sys

import pytest
from typer.main import get_command

from batchfold.cli.command import app

COMMANDS = sorted(getattr(get_command(app), "commands"))  # noqa: B009  # a group has them, which typer does not say


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "batchfold.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits_80_columns_and_needs_no_colours(name: str) -> None:
    shown = command(*name.split(), "--help", COLUMNS="80", FORCE_COLOR="1", NO_COLOR="1", TERM="dumb")
    assert shown.returncode == 0
    assert "\x1b" not in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80


def test_the_list_of_commands_ends_no_sentence_in_the_middle() -> None:
    listed = command("--help", COLUMNS="80").stdout
    assert all(name in listed for name in COMMANDS)
    assert "..." not in listed.partition("Commands:")[2]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_there_for_the_shell(shell: str) -> None:
    variables = {"_BATCHFOLD_COMPLETE": f"source_{shell}"}
    script = command(**variables)
    assert script.returncode == 0
    assert f"complete_{shell}" in script.stdout


def test_commands_and_options_are_completed() -> None:
    def completed(words: str, position: int) -> list[str]:
        variables = {"_BATCHFOLD_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(position)}
        return command(**variables).stdout.split()

    assert completed("batchfold re", 1) == ["replay"]
    assert completed("batchfold replay --d", 2) == ["--delete", "--dry-run"]
