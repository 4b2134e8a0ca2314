"""The grid: whatever the width, it says of every record what happened, with and without colour."""

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from batchfold.cli.grid import LETTERS, Simulated, shown

ENDS = ("performed", "failed", "not started", "settled", "cut off")
TOTALS = dict.fromkeys(
    (
        *("records", "invocations", "seconds", "done", "settled", "repeated effects", "needless repeats"),
        *("out of order", "dead letters", "discarded", "error output", "never started", "still there", "lost"),
    ),
    0,
)


@st.composite
def histories(draw: st.DrawFn) -> dict[str, Any]:
    names = [f"A{number}" for number in range(1, draw(st.integers(1, 40)) + 1)]
    ends = st.sampled_from(ENDS)
    names_and_ends = st.dictionaries(st.sampled_from(names), st.tuples(ends, st.booleans(), st.booleans()))
    deliveries = [
        [
            {"name": name, "end": end, "is_repeated": is_repeated, "is_out_of_order": is_out_of_order}
            for name, (end, is_repeated, is_out_of_order) in delivered.items()
        ]
        for delivered in draw(st.lists(names_and_ends, max_size=60))
    ]
    fates = st.sampled_from(["done", "lost", "still in the source", "dead-letter, never started"])
    return {
        "source": "SQS",
        "records": [{"name": name, "fate": draw(fates)} for name in names],
        "invocations": [
            {"number": number, "at_seconds": 0.0, "answer": "", "records": delivered, "removed": {}}
            for number, delivered in enumerate(deliveries, 1)
        ],
        "totals": TOTALS,
        "is_drained": True,
    }


def printed(history: dict[str, Any], width: int, *, all_rows: bool = True, colour: bool = False) -> str:
    console = Console(width=width, force_terminal=colour, color_system="truecolor" if colour else None)
    return shown([Simulated("", history)], console, all_rows=all_rows)


@given(histories(), st.integers(50, 140))
def test_every_delivery_has_its_letter(history: dict[str, Any], width: int) -> None:
    rows = Simulated("", history).rows
    grid = printed(history, width).partition("and blank")[0]
    for row in rows:
        lines = re.findall(rf"^{row.name} .*$", grid, re.MULTILINE)
        letters = "".join(line.removeprefix(row.name).partition(row.fate)[0] for line in lines)
        assert "".join(letters.split()) == "".join(LETTERS[row.cells[number]] for number in sorted(row.cells))


@given(histories(), st.integers(50, 140), st.booleans())
def test_no_line_is_wider_than_the_terminal(history: dict[str, Any], width: int, all_rows: bool) -> None:  # noqa: FBT001  # as Hypothesis gives it
    assert max(map(len, printed(history, width, all_rows=all_rows).splitlines())) <= width


@given(histories(), st.booleans())
def test_colour_adds_nothing_but_colour(history: dict[str, Any], all_rows: bool) -> None:  # noqa: FBT001  # as Hypothesis gives it
    in_colour = printed(history, 80, all_rows=all_rows, colour=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", in_colour) == printed(history, 80, all_rows=all_rows)


@given(histories())
def test_records_that_share_a_row_are_all_counted(history: dict[str, Any]) -> None:
    grid = printed(history, 140, all_rows=False).partition("and blank")[0]
    first_panel = grid.split("\n\n")[1]
    counts = [
        int(found[1]) if (found := re.search(r"\((\d+) records\)$", line.rstrip())) else 1
        for line in first_panel.splitlines()
        if line.startswith("A")
    ]
    assert sum(counts) == len(history["records"])
