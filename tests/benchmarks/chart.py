"""The chart that the README shows: each ratio beside what it may be at most."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pygal
from pygal.style import Style


class Row(NamedTuple):
    """One comparison, measured."""

    name: str
    peer_name: str
    ratio: float
    lowest: float
    highest: float
    at_most: float
    ours: str
    peer: str

    @property
    def is_met(self) -> bool:
        """Whether the ratio is what it may be."""
        return self.ratio <= self.at_most


def save_chart(rows: Sequence[Row], path: Path) -> None:
    """Write the chart as SVG. The peer is 1.0; shorter bars are better."""
    style = Style(
        background="white",
        plot_background="white",
        colors=("#2b6cb0", "#cbd5e0"),
        font_family="sans-serif",
        label_font_size=11,
        major_label_font_size=11,
        legend_font_size=12,
        title_font_size=14,
        value_font_size=10,
    )
    chart = pygal.HorizontalBar(
        style=style,
        title="batchfold's cost as a ratio to the peer's (median; shorter is better)",
        js=(),
        width=900,
        height=60 + 42 * len(rows),
        legend_at_bottom=True,
        print_values=True,
        value_formatter="{:.2f}".format,
        disable_xml_declaration=True,
    )
    upwards = list(reversed(rows))  # the chart draws from the bottom
    chart.x_labels = [f"{row.name} / {row.peer_name}" for row in upwards]
    chart.add("measured", [round(row.ratio, 3) for row in upwards])
    chart.add("at most", [row.at_most for row in upwards])
    drawn = chart.render()
    path.write_text(drawn if isinstance(drawn, str) else drawn.decode())
