"""The report: a verdict as text for people, as wide as their terminal; and the two outputs that the command writes to.

The function prints too, and its words may hold anything: what moves a cursor is written out.
"""

import sys
from contextlib import suppress
from typing import Any, NoReturn, cast

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from batchfold.cli.account import Answered, Ending
from batchfold.cli.verdict import Fate, Row, Verdict

_STYLES: dict[Fate, str] = {
    "done": "green",
    "not done": "yellow",
    "comes back": "yellow",
    "delivered": "green",
    "dropped": "green",
    "error output": "yellow",
    "lost": "bold red",
}

_READABLE = 20
"""Columns in which a reason can still be read with ease."""

_WIDE = 200
"""Columns where no terminal says how wide it is: a file has room."""


def output() -> Console:
    """The standard output, as wide as its terminal."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDE
    return console


def report(origin: str, verdict: Verdict, ending: Ending, console: Console) -> str:
    """Tell what became of each record, what follows, and the response: lines that fit the console, and lose no letter."""
    count = len(verdict.rows)
    with console.capture() as captured:
        console.print(_plain(f"{origin}, {count} record{'' if count == 1 else 's'}", "bold"))
        if verdict.rows:
            table = _table(verdict)
            console.print(table if _fits(table, console) else _list(verdict))
        for sentence in verdict.says:
            console.print(_plain(sentence))
        if isinstance(ending, Answered) and ending.response != "null":
            console.print(_plain(f"Response: {_shown(ending)}"), soft_wrap=True)
    return captured.get()


def write(text: str) -> None:
    """Write to the standard output; what its encoding does not have is escaped.

    Raises `OSError` if nothing can be written there.
    """
    with suppress(AttributeError):  # whatever stands in for it need not have that
        cast("Any", sys.stdout).reconfigure(errors="backslashreplace")
    typer.echo(text, nl=False, color=True)  # the text has colours only where it is to have some


def say(text: str) -> None:
    """Write lines to the error output. Where nothing can be written there, there is nobody to tell."""
    with suppress(OSError):
        typer.echo("\n".join(map(escaped, text.split("\n"))), err=True)


def fail(message: str) -> NoReturn:
    """End the command with a message and the exit status of an error."""
    say(f"Error: {message}")
    raise typer.Exit(2)


def escaped(text: str) -> str:
    """Text with what moves the cursor, or cannot be printed at all, written as in a Python literal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _shown(answered: Answered) -> str:
    """The response if it is a partial response and nothing else: anything else might hold a payload."""
    if answered.response is None:
        return f"<{answered.kind}>"
    return answered.response if answered.is_partial else f"<{answered.kind}> (--json shows it)"


def _table(verdict: Verdict) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    # only reasons are wrapped: off columns that must not be, rich would cut letters
    table.add_column("record", width=_longest("record", *(row.item for row in verdict.rows)))
    table.add_column("fate", width=_longest("fate", *(row.fate for row in verdict.rows)))
    table.add_column("why", overflow="fold", min_width=min(_READABLE, _longest(*(row.why for row in verdict.rows))))
    for row in verdict.rows:
        table.add_row(_plain(row.item), Text(row.fate, _STYLES[row.fate]), _plain(row.why))
    return table


def _longest(*texts: str) -> int:
    return max(_plain(text).cell_len for text in texts)


def _fits(table: Table, console: Console) -> bool:
    """Return whether the table fits the console without a broken word."""
    unlimited = console.options.update_width(sys.maxsize)
    return Measurement.get(console, unlimited, table).minimum <= console.width


def _list(verdict: Verdict) -> Group:
    """The rows one below the other, for where the table does not fit."""

    def lines(row: Row) -> Group:
        fate = Text.assemble((row.fate, _STYLES[row.fate]), ": " if row.why else "", _plain(row.why))
        return Group(_plain(row.item), Padding.indent(fate, 2))

    return Group("", *map(lines, verdict.rows), "")


def _plain(text: str, style: str = "") -> Text:
    return Text(escaped(text), style)
