"""The report: a verdict as a table for people."""

import json
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from batchfold.cli.delivery import Delivery
from batchfold.cli.verdict import Fate, Verdict
from batchfold.core.forms import is_mapping

_STYLES: dict[Fate, str] = {"done": "green", "comes back": "yellow", "lost": "bold red"}

_MESSAGE_ID = 36
"""Characters of an SQS message id, which stays in one line. A sequence number of Kinesis, 56 digits, need not."""

_WIDE = 200
"""Columns where no terminal says how wide it is: a file has room."""


def report(delivery: Delivery, verdict: Verdict, response: Any) -> None:
    """Print what became of each record, what Lambda does, and the response."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDE
    count = len(verdict.rows)
    console.print(f"{delivery.origin}, {count} record{'' if count == 1 else 's'}", style="bold")
    if verdict.rows:
        console.print(_table(verdict))
    for sentence in verdict.says:
        console.print(sentence)
    if response is not None:
        console.print(f"Response: {_shown(response)}", soft_wrap=True)


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
    longest = max(len(row.item) for row in verdict.rows)
    table.add_column("record", overflow="fold", min_width=min(longest, _MESSAGE_ID))
    table.add_column("fate", no_wrap=True)
    table.add_column("why", overflow="fold")
    for row in verdict.rows:
        table.add_row(Text(row.item), Text(row.fate, style=_STYLES[row.fate]), Text(row.why))
    return table
