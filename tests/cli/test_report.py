"""The report: whatever the width of the terminal, it says everything."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from batchfold.cli.account import Answered
from batchfold.cli.report import report
from batchfold.cli.verdict import Row, Verdict

NOTHING = Answered(
    response="null",
    kind="NoneType",
    is_partial=False,
    has_failures=True,
    is_awaitable=False,
    failed_because=None,
    named=[],
    strangers=[],
    is_as_source_says=None,
)
REJECTED = "the handler returned a Failure (OutOfStock)"
MALFORMED = "its payload would not parse (ValidationError: quantity int_parsing)"
MESSAGES = [
    Row("454c7d35-212e-562f-a9eb-c89608c738f6", "done", ""),
    Row("48efb95d-03b0-5ca6-9b0f-c7884ad0b4f0", "comes back", REJECTED),
    Row("dff3ee1a-56bf-5469-9c2c-b50084c2339e", "lost", MALFORMED),
]
SEQUENCE_NUMBERS = [
    Row(f"4959033827149025660855969253836157109592157598913658889{n}", row.fate, row.why)
    for n, row in enumerate(MESSAGES)
]
HEAD = re.compile(r"^ record +fate +why *\n ─+ *$", re.MULTILINE)

visible = st.characters(categories=["L", "N", "P", "S"])
reasons = st.lists(st.text(visible, min_size=1, max_size=40), max_size=15).map(" ".join)
rows_of_all_kinds = st.lists(
    st.builds(Row, st.text(visible, min_size=1, max_size=80), st.sampled_from(["done", "comes back", "lost"]), reasons),
    min_size=1,
    max_size=5,
)


def reported(rows: list[Row], width: int) -> str:
    return report("SQS queue", Verdict(tuple(rows), (), 0), NOTHING, Console(width=width))


def letters(*texts: str) -> Counter[str]:
    return Counter("".join("".join(texts).split()))


def says_everything(rows: list[Row], width: int) -> bool:
    printed = reported(rows, width)
    told = letters("SQS queue,", f"{len(rows)}", "record" if len(rows) == 1 else "records")
    told += letters(*(text for row in rows for text in (row.item, row.fate, row.why)))
    if not HEAD.search(printed):
        told[":"] += sum(row.why != "" for row in rows)
    return letters(HEAD.sub("", printed)) == told


@given(rows_of_all_kinds, st.integers(20, 200))
def test_no_letter_is_lost_or_added_at_any_width(rows: list[Row], width: int) -> None:
    assert says_everything(rows, width)


@pytest.mark.parametrize("rows", [MESSAGES, SEQUENCE_NUMBERS])
def test_identifiers_and_reasons_are_whole_at_every_width(rows: list[Row]) -> None:
    assert [width for width in range(20, 201) if not says_everything(rows, width)] == []


@given(rows_of_all_kinds, st.integers(20, 200))
def test_no_line_is_wider_than_the_terminal(rows: list[Row], width: int) -> None:
    assert max(map(cell_len, reported(rows, width).splitlines())) <= width


def test_where_the_table_has_no_room_each_record_has_lines_of_its_own() -> None:
    assert reported(MESSAGES, 40).splitlines() == [
        "SQS queue, 3 records",
        "",
        "454c7d35-212e-562f-a9eb-c89608c738f6",
        "  done",
        "48efb95d-03b0-5ca6-9b0f-c7884ad0b4f0",
        "  comes back: the handler returned a    ",
        "  Failure (OutOfStock)                  ",
        "dff3ee1a-56bf-5469-9c2c-b50084c2339e",
        "  lost: its payload would not parse     ",
        "  (ValidationError: quantity            ",
        "  int_parsing)                          ",
        "",
    ]


def test_what_moves_the_cursor_is_written_out() -> None:
    printed = reported([Row("a\x1b[2J\r\n\ud800", "done", "")], 80)
    assert r"a\x1b[2J\r\n\ud800" in printed
