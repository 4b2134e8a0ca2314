"""The report: a verdict as text for people, as wide as their terminal; and the two outputs that the command writes to.

The function prints too, and its words may hold anything: what moves a cursor is written out.
"""

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from shutil import get_terminal_size
from typing import Any, NoReturn, cast

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from batchfold.cli.account import Answered, CutOff, Ending, Raised, RefusedError
from batchfold.cli.call import CannotCallError, Interrupted
from batchfold.cli.verdict import Fate, Verdict

_STYLES: dict[Fate, str] = {
    "done": "green",
    "not done": "yellow",
    "comes back": "yellow",
    "delivered": "green",
    "dropped": "green",
    "error output": "yellow",
    "lost": "bold red",
}

READABLE = 20
"""Columns in which a reason can still be read with ease."""

_WIDE = 200
"""Columns where no terminal says how wide it is: a file has room."""


def output() -> Console:
    """The standard output, as wide as its terminal."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDE
    elif console.is_dumb_terminal:  # rich takes it for one of 80 columns
        console.width = get_terminal_size().columns
    return console


def report(origin: str, verdict: Verdict, ending: Ending, console: Console) -> str:
    """Tell what became of each record, what follows, and the response: lines that fit the console, and lose no letter."""
    count = len(verdict.rows)
    with console.capture() as captured:
        console.print(plain(f"{origin}, {count} record{'' if count == 1 else 's'}", "bold"))
        if verdict.rows:
            lines = [(row.item, Text(row.fate, _STYLES[row.fate]), row.why) for row in verdict.rows]
            console.print(fates(lines, console))
        for sentence in verdict.says:
            console.print(plain(sentence))
        if isinstance(ending, Answered) and ending.response != "null":
            console.print(plain(f"Response: {_shown(ending)}"), soft_wrap=True)
    return captured.get()


def write(text: str) -> None:
    """Write to the standard output; what its encoding does not have is escaped.

    Raises `OSError` if nothing can be written there.
    """
    with suppress(AttributeError):  # whatever stands in for it need not have that
        cast("Any", sys.stdout).reconfigure(errors="backslashreplace")
    typer.echo(text, nl=False, color=True)  # the text has colours only where it is to have some


@contextmanager
def writing(what: str) -> Generator[None, None, None]:
    """End the command where `what` cannot be written. Whoever closes a pipe has read enough of it, which is no error."""
    try:
        yield
    except BrokenPipeError:
        pass
    except OSError as error:
        fail(f"{what} cannot be written{f' to {error.filename}' if error.filename else ''}: {error.strerror}")


def say(text: str) -> None:
    """Write lines to the error output. Where nothing can be written there, there is nobody to tell."""
    with suppress(OSError):
        typer.echo("\n".join(map(escaped, text.split("\n"))), err=True)


def fail(message: str) -> NoReturn:
    """End the command with a message and the exit status of an error."""
    say(f"Error: {message}")
    raise typer.Exit(2)


@contextmanager
def errors_told(interrupted: str = "Interrupted: the function was ended.") -> Generator[None, None, None]:
    """End the command, with a message, where the function cannot be called, something is refused, or a signal came."""
    try:
        yield
    except CannotCallError as error:
        if error.traceback:
            say(error.traceback)
        fail(str(error))
    except RefusedError as error:
        fail(str(error))
    except Interrupted as signal:
        say(interrupted)
        raise typer.Exit(signal.exit_status) from None


def escaped(text: str) -> str:
    """Text with what moves the cursor, or cannot be printed at all, written as in a Python literal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def tell_ending(ending: Ending) -> None:
    """Write what the function raised, or where it was when its time was over, to the error output."""
    match ending:
        case Raised(says=says, is_ours=is_ours):
            if not is_ours:
                say("The function raised this exception, whose text is its own:")
            say(says)
        case CutOff(was_at=was_at) if was_at:
            say("The function was here when its time was over:")
            say(was_at.rstrip())
        case _:
            pass


def _shown(answered: Answered) -> str:
    """The response if it is a partial response and nothing else: anything else might hold a payload."""
    if answered.response is None:
        return f"<{answered.kind}>"
    return answered.response if answered.is_partial else f"<{answered.kind}> (--json shows it)"


def fates(lines: Sequence[tuple[str, Text, str]], console: Console) -> Table | Group:
    """Return records with their fates and the reasons, as a table; one below the other where that does not fit."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    # only reasons are wrapped: off columns that must not be, rich would cut letters
    table.add_column("record", width=longest("record", *(item for item, _, _ in lines)))
    table.add_column("fate", width=longest("fate", *(fate.plain for _, fate, _ in lines)))
    table.add_column("why", overflow="fold", min_width=min(READABLE, longest(*(why for _, _, why in lines))))
    for item, fate, why in lines:
        table.add_row(plain(item), fate, plain(why))
    return table if fits(table, console) else _listed(lines)


def longest(*texts: str) -> int:
    """Return the columns that the longest text takes."""
    return max(plain(text).cell_len for text in texts)


def fits(table: Table, console: Console) -> bool:
    """Return whether the table fits the console without a broken word."""
    unlimited = console.options.update_width(sys.maxsize)
    return Measurement.get(console, unlimited, table).minimum <= console.width


def _listed(lines: Sequence[tuple[str, Text, str]]) -> Group:
    def listed(item: str, fate: Text, why: str) -> Group:
        return Group(plain(item), Padding.indent(Text.assemble(fate, ": " if why else "", plain(why)), 2))

    return Group("", *(listed(*line) for line in lines), "")


def plain(text: str, style: str = "") -> Text:
    """Text without anything that moves the cursor."""
    return Text(escaped(text), style)
