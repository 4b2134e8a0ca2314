"""The report: a verdict as text for people, as wide as their terminal."""

import json
import sys
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from batchfold.cli.delivery import Delivery
from batchfold.cli.verdict import Fate, Row, Verdict
from batchfold.core._guards import is_mapping

_STYLES: dict[Fate, str] = {"done": "green", "comes back": "yellow", "lost": "bold red"}

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


def report(delivery: Delivery, verdict: Verdict, response: Any, console: Console) -> str:
    """What became of each record, what Lambda does, and the response: lines that fit the console, and lose no letter."""
    count = len(verdict.rows)
    with console.capture() as captured:
        console.print(_plain(f"{delivery.origin}, {count} record{'' if count == 1 else 's'}", "bold"))
        if verdict.rows:
            table = _table(verdict)
            console.print(table if _fits(table, console) else _list(verdict))
        for sentence in verdict.says:
            console.print(_plain(sentence))
        if response is not None:
            console.print(_plain(f"Response: {_shown(response)}"), soft_wrap=True)
    return captured.get()


def as_json(response: object) -> str | None:
    """The response as Lambda's runtime would write it, `None` if it cannot."""
    try:
        return json.dumps(response)
    except (TypeError, ValueError, RecursionError):
        return None


def _shown(response: object) -> str:
    """The response if it is a partial response and nothing else: anything else might hold a payload."""
    text = as_json(response)
    if text is None:
        return f"<{type(response).__name__}>"
    if is_mapping(response) and set(response) == {"batchItemFailures"}:
        return text
    return f"<{type(response).__name__}> (--json shows it)"


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
    """Whether the console is wide enough for the table without a word of it being broken."""
    unlimited = console.options.update_width(sys.maxsize)
    return Measurement.get(console, unlimited, table).minimum <= console.width


def _list(verdict: Verdict) -> Group:
    """The rows one below the other, for where the table does not fit."""

    def lines(row: Row) -> Group:
        fate = Text.assemble((row.fate, _STYLES[row.fate]), ": " if row.why else "", _plain(row.why))
        return Group(_plain(row.item), Padding.indent(fate, 2))

    return Group("", *map(lines, verdict.rows), "")


def _plain(text: str, style: str = "") -> Text:
    """Text with what moves the cursor, or cannot be printed at all, written as in a Python literal."""
    return Text("".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text), style)
