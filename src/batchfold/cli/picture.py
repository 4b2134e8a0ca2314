"""The picture of a simulation: its grids as SVG, and as a page of HTML with the totals.

Both stand alone: no script, no font and no style comes from elsewhere.
"""

from collections.abc import Iterator, Sequence
from html import escape

from batchfold.cli.grid import LETTERS, Cell, Row, Simulated

_SIDE = 14
_GAP = 2
_FONT = 12
_LETTER = 7.3
"""The width of a letter of that size in a monospaced font."""

_COLOURS: dict[Cell, str] = {
    "done": "#2e9e4f",
    "repeated": "#3f8fd2",
    "out of order": "#9b3fc4",
    "settled": "#8fcf6f",
    "failed": "#e0a021",
    "not started": "#d5d9de",
    "lost": "#d03030",
}


def as_svg(simulations: Sequence[Simulated]) -> str:
    """The grids of the simulations, side by side, as an SVG document."""
    parts: list[str] = []
    width, height = 0.0, 0.0
    for each in simulations:
        drawn, its_width, its_height = _drawn(each)
        parts += [f'<g transform="translate({width:.1f} 0)">', *drawn, "</g>"]
        width, height = width + its_width, max(height, its_height)
    legend, its_width = _legend(simulations, height)
    width, height = max(width, its_width), height + 2 * _SIDE
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="{_FONT}">'
    )
    ground = f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>'
    return "\n".join([head, ground, *parts, *legend, "</svg>\n"])


def as_html(simulations: Sequence[Simulated]) -> str:
    """The grids and the totals of the simulations as a page."""
    names = [each.name or each.history["source"] for each in simulations]
    rows = [
        f"<tr><th>{escape(total)}</th>{''.join(f'<td>{each.totals[total]:g}</td>' for each in simulations)}</tr>"
        for total in simulations[0].totals
    ]
    notes = [f"<p>{escape(note)}</p>" for each in simulations for note in each.notes]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8"><title>batchfold simulate</title>',
            "<style>body { font-family: system-ui, sans-serif; margin: 2em }",
            "th { text-align: left; font-weight: normal; padding-right: 2em }",
            "td { text-align: right; padding-left: 2em; font-variant-numeric: tabular-nums }</style></head><body>",
            f"<table><tr><th></th>{''.join(f'<td>{escape(name)}</td>' for name in names)}</tr>",
            *rows,
            "</table>",
            *notes,
            as_svg(simulations),
            "</body></html>\n",
        ]
    )


def _drawn(simulated: Simulated) -> tuple[list[str], float, float]:
    rows = simulated.rows
    left = _LETTER * max(len(row.name) for row in rows) + _SIDE
    right = left + simulated.count * (_SIDE + _GAP) + _SIDE
    title = f"{simulated.name}: {simulated.history['source']}" if simulated.name else simulated.history["source"]
    parts = [_text(4, _SIDE, title, weight="bold")]
    parts += [
        _text(left + (number - 1) * (_SIDE + _GAP), 2.4 * _SIDE, str(number), fill="#666")
        for number in range(1, simulated.count + 1)
        if number == 1 or number % 5 == 0
    ]
    begin = 3 * _SIDE
    for place, row in enumerate(rows):
        parts += _drawn_row(row, left, right, begin + place * (_SIDE + _GAP))
    width = max(right + _LETTER * max(len(row.end) for row in rows), _LETTER * len(title)) + 2 * _SIDE
    return parts, width, 4 * _SIDE + len(rows) * (_SIDE + _GAP)


def _drawn_row(row: Row, left: float, right: float, top: float) -> Iterator[str]:
    yield _text(4, top + _FONT - 1, row.name)
    for number, cell in row.cells.items():
        x = left + (number - 1) * (_SIDE + _GAP)
        yield (
            f'<rect x="{x:.1f}" y="{top:.1f}" width="{_SIDE}" height="{_SIDE}" rx="2" fill="{_COLOURS[cell]}">'
            f"<title>{escape(row.name)}, invocation {number}: {cell}</title></rect>"
        )
    yield _text(right, top + _FONT - 1, row.end, fill="#666" if row.fate == "done" else "#d03030")


def _legend(simulations: Sequence[Simulated], top: float) -> tuple[list[str], float]:
    used = {cell for each in simulations for row in each.rows for cell in row.cells.values()}
    parts: list[str] = []
    x = 4.0
    for cell in LETTERS:
        if cell in used:
            parts.append(
                f'<rect x="{x:.1f}" y="{top:.1f}" width="{_SIDE}" height="{_SIDE}" rx="2" fill="{_COLOURS[cell]}"/>'
            )
            parts.append(_text(x + _SIDE + 4, top + _FONT - 1, cell))
            x += _SIDE + 4 + _LETTER * len(cell) + 2 * _SIDE
    return parts, x


def _text(x: float, y: float, text: str, *, fill: str = "#222", weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" font-weight="{weight}">{escape(text)}</text>'
