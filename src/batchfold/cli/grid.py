"""The grid of a simulation: records down and invocations across, for a terminal of any width, and the totals.

A cell is a letter, so the grid says the same without colour. Where there are many records, those that fared alike, one
after the other, share a row. Where there are more invocations than columns, the grid goes on below.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal, TypeAlias

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from batchfold.cli.report import escaped

Cell: TypeAlias = Literal["done", "repeated", "out of order", "settled", "failed", "not started", "lost"]

LETTERS: Mapping[Cell, str] = {
    "done": "D",
    "repeated": "R",
    "out of order": "O",
    "settled": "S",
    "failed": "F",
    "not started": "-",
    "lost": "L",
}
_STYLES: Mapping[Cell, str] = {
    "done": "black on green",
    "repeated": "black on cyan",
    "out of order": "bold white on magenta",
    "settled": "black on bright_green",
    "failed": "black on yellow",
    "not started": "dim",
    "lost": "bold white on red",
}
_BAD_FATES = ("dead-letter", "discarded", "in the error output", "lost", "still")

_MANY = 20
"""As many records have a row each, however alike they fared."""

_MOST_PANELS = 2
"""The grids, one below the other, in which the invocations of one simulation are shown."""

_WIDE = 3
"""Columns of a cell where there are few."""

_TOTALS = ("invocations", "seconds", "done", "settled", "repeated effects", "out of order")
_TOTALS_IF_ANY = (
    "needless repeats",
    "dead letters",
    "discarded",
    "error output",
    "never started",
    "still there",
    "lost",
)


@dataclass(frozen=True)
class Row:
    """One record, or several: what became of it in each invocation, and in the end."""

    name: str
    cells: Mapping[int, Cell]
    fate: str
    records: int = 1

    @property
    def end(self) -> str:
        """The end of it, and the number of records that it stands for."""
        return self.fate if self.records == 1 else f"{self.fate} ({self.records} records)"


@dataclass(frozen=True)
class Simulated:
    """One simulation, under the name that it has in a comparison."""

    name: str
    history: Mapping[str, Any]
    notes: Sequence[str] = ()

    @property
    def totals(self) -> Mapping[str, int | float]:
        """The totals by name."""
        totals: Mapping[str, int | float] = self.history["totals"]
        return totals

    @property
    def count(self) -> int:
        """The number of invocations."""
        return len(self.history["invocations"])

    @property
    def rows(self) -> list[Row]:
        """A row for each record, in arrival order."""
        cells: dict[str, dict[int, Cell]] = {record["name"]: {} for record in self.history["records"]}
        for invocation in self.history["invocations"]:
            for record in invocation["records"]:
                cells[record["name"]][invocation["number"]] = _cell(record)
        fates = {record["name"]: record["fate"] for record in self.history["records"]}
        for name, by_number in cells.items():
            if fates[name] == "lost" and by_number:
                by_number[max(by_number)] = "lost"
        return [Row(name, by_number, fates[name]) for name, by_number in cells.items()]


def shown(simulations: Sequence[Simulated], console: Console, *, all_rows: bool) -> str:
    """The simulations as text that fits the console: grids, side by side if there is room, a legend and the totals."""
    with console.capture() as captured:
        for renderable in _parts(simulations, console, all_rows=all_rows):
            console.print(renderable)
    return captured.get()


def _parts(simulations: Sequence[Simulated], console: Console, *, all_rows: bool) -> Iterator[RenderableType]:
    grids = [_grid(each, console.width, all_rows=all_rows) for each in simulations]
    gap = 3
    if len(grids) > 1 and sum(map(_width, grids)) + gap * (len(grids) - 1) <= console.width:
        beside = Table.grid(padding=(0, gap, 0, 0))
        beside.add_row(*(Group(*lines) for lines in grids))
        yield beside
        yield ""
    else:
        for grid in grids:
            yield Group(*grid)
            yield ""
    used: dict[Cell, None] = {cell: None for each in simulations for row in each.rows for cell in row.cells.values()}
    legend = [Text.assemble((LETTERS[cell], _STYLES[cell]), f" {cell}") for cell in LETTERS if cell in used]
    yield Text("  ").join([*legend, Text("and blank: not in that batch", "dim")])
    yield _totals(simulations)
    for each in simulations:
        yield from (Text(escaped(f"{each.name}: {note}" if each.name else note)) for note in each.notes)


def _grid(simulated: Simulated, width: int, *, all_rows: bool) -> list[Text]:
    rows = simulated.rows if all_rows or len(simulated.rows) <= _MANY else _alike(simulated.rows)
    names, ends = max(len(row.name) for row in rows), max(len(row.end) for row in rows)
    room = max(_WIDE, width - names - ends - 4)
    side = _WIDE if simulated.count * _WIDE <= room else 1
    columns = room // side
    first = f"{simulated.name}: " if simulated.name else ""
    lines = [Text(escaped(f"{first}{simulated.history['source']}"), "bold"), Text()]
    last = simulated.count if all_rows else min(simulated.count, _MOST_PANELS * columns)
    for begin in range(1, max(last, 1) + 1, columns):
        numbers = range(begin, min(begin + columns, last + 1))
        if begin > 1:
            lines.append(Text())
        lines.append(Text(f"{'':{names}}  {_ruler(numbers, side)}", "dim"))
        here = rows if begin == 1 else [row for row in rows if any(number in row.cells for number in numbers)]
        lines += [_line(row, numbers, names, side) for row in here]
    if last < simulated.count:
        lines.append(Text(f"invocations {last + 1} to {simulated.count} are not shown: --all shows them", "dim"))
    return lines


def _alike(rows: Sequence[Row]) -> list[Row]:
    """The rows, with one for each run of records that fared alike."""
    together: list[Row] = []
    for _, run in groupby(rows, key=lambda row: (list(row.cells.items()), row.fate)):
        same = list(run)
        name = same[0].name if len(same) == 1 else f"{same[0].name} to {same[-1].name}"
        together.append(replace(same[0], name=name, records=len(same)))
    return together


def _line(row: Row, numbers: range, names: int, side: int) -> Text:
    line = Text(f"{escaped(row.name):{names}}  ")
    for number in numbers:
        cell = row.cells.get(number)
        line.append(f"{'' if cell is None else LETTERS[cell]:^{side}}", None if cell is None else _STYLES[cell])
    line.append("  ")
    line.append(row.end, "red" if row.fate.startswith(_BAD_FATES) else "")
    return line


def _ruler(numbers: range, side: int) -> str:
    """The numbers of the invocations, where they have room: the first of each ten and the first of all."""
    ruler = [" "] * len(numbers) * side
    for at, number in enumerate(numbers):
        digits = str(number)
        if (at == 0 or number % 10 == 0 or side > len(digits)) and at * side + len(digits) <= len(ruler):
            begin = at * side + (side > len(digits))
            ruler[begin : begin + len(digits)] = digits
    return "".join(ruler)


def _totals(simulations: Sequence[Simulated]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_header=len(simulations) > 1)
    table.add_column("")
    for each in simulations:
        table.add_column(escaped(each.name), justify="right")
    for name in (*_TOTALS, *_TOTALS_IF_ANY):
        values = [each.totals[name] for each in simulations]
        if name in _TOTALS or any(values):
            is_bad = name in _TOTALS_IF_ANY or (name == "out of order" and any(values))
            table.add_row(name, *(f"{value:g}" for value in values), style="red" if is_bad else "")
    return table


def _width(lines: Sequence[Text]) -> int:
    return max(line.cell_len for line in lines)


def _cell(record: Mapping[str, Any]) -> Cell:
    match record["end"]:
        case "performed" | "settled" if record["is_repeated"]:
            return "repeated"
        case "performed":
            return "out of order" if record["is_out_of_order"] else "done"
        case "settled":
            return "settled"
        case "not started":
            return "not started"
        case _:
            return "failed"
