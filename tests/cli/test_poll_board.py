"""The board of a poller: a table on a terminal, lines everywhere else, and no letter that moves a cursor."""

import sys
from collections.abc import Callable
from io import StringIO

import pytest
from rich.console import Console

from batchfold.cli.call import Interrupted
from batchfold.cli.poll_board import Board, Tally, duration


class Screen(StringIO):
    def isatty(self) -> bool:
        return True


def board_on(width: int = 80, *, height: int = 24, terminal: bool = True, **environment: str) -> Board:
    stream = Screen() if terminal else StringIO()
    terminal_kind = {"TERM": "xterm-256color", **environment}
    console = Console(
        file=stream, width=width, height=height, highlight=False, _environ=terminal_kind, force_terminal=terminal
    )
    board = Board("SQS queue orders, batches of 10, app.py:handle", "queue", console=console)
    board.tallies["orders"] = Tally(received=1_020, in_flight=10, done=1_000, came_back=20)
    board.invocations = 103
    return board


def drawn(board: Board) -> str:
    with board.console.capture() as captured:
        board.console.print(board.drawn())
    return captured.get()


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_has_a_row_for_each_queue_or_shard(width: int) -> None:
    lines = drawn(board_on(width, terminal=False)).splitlines()
    assert lines[0] == "SQS queue orders, batches of 10, app.py:handle"
    assert " queue    received   in flight    done   came back " in lines[2]
    assert " orders      1,020          10   1,000          20 " in lines[4]
    assert "103 invocations" in lines[-1]


def test_what_is_given_up_and_how_far_behind_a_shard_is_stand_there_if_there_is_something() -> None:
    board = board_on(terminal=False)
    board.tallies["shard 1"] = Tally(given_up=3, behind=7_500.0)
    board.tallies["shard 2"] = Tally(is_over=True)
    text = drawn(board)
    assert "given up" in text
    assert "2 h 5 min" in text
    assert "at its end" in text


def test_where_the_table_does_not_fit_its_rows_are_sentences() -> None:
    text = drawn(board_on(40, terminal=False))
    assert max(map(len, text.splitlines())) <= 40
    assert "orders: 1,020 received, 10 in flight" in text


def test_of_more_shards_than_lines_those_that_go_on_are_shown() -> None:
    board = board_on(height=20, terminal=False)
    board.tallies = {f"shard {number}": Tally(is_over=number < 50) for number in range(60)}
    text = drawn(board)
    assert "shard 50" in text
    assert "shard 2 " not in text
    assert "and 48 more" in text
    assert len(text.splitlines()) <= 20


def test_names_and_lines_move_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    board = board_on(terminal=False)
    board.line("one \x1b[2J", "two \r")
    assert capsys.readouterr().out == "one \\x1b[2J\n  two \\r\n"


@pytest.mark.parametrize(
    ("make", "is_live"),
    [
        (board_on, True),
        (lambda: board_on(NO_COLOR="1"), False),
        (lambda: board_on(TERM="dumb"), False),
        (lambda: board_on(terminal=False), False),
        (lambda: board_on(terminal=False, FORCE_COLOR="1"), False),
    ],
    ids=["terminal", "NO_COLOR", "dumb", "pipe", "pipe that takes colour"],
)
def test_only_a_terminal_is_redrawn(
    make: Callable[[], Board], *, is_live: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    board = make()
    with board:
        board.line("10 delivered, 10 done")
    shown = board.console.file.getvalue()  # type: ignore[attr-defined]
    assert ("\x1b[" in shown) == is_live
    lines = capsys.readouterr().out.splitlines()
    assert lines == ([] if is_live else ["SQS queue orders, batches of 10, app.py:handle", "10 delivered, 10 done"])


def test_on_a_terminal_what_the_function_prints_stands_above_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Screen())
    board = board_on()
    with board:
        board.printed(b"half a ")
        board.printed(b"line\x07\nand the rest")
    shown = board.console.file.getvalue()  # type: ignore[attr-defined]
    assert "half a line\\x07" in shown
    assert "and the rest" in shown


def test_a_reader_that_has_read_enough_ends_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(Interrupted) as raised:
        board_on(terminal=False).line("nobody reads this")
    assert raised.value.exit_status == 128 + 13


@pytest.mark.parametrize(
    ("seconds", "said"), [(-1.0, "0.0 s"), (9.96, "10.0 s"), (59.6, "1 min 0 s"), (3_600.0, "1 h 0 min")]
)
def test_a_duration_is_said_in_two_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said
