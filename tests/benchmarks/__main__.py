"""Measure batchfold beside Powertools and beside a floor written by hand: `python -m tests.benchmarks`.

Prints a table of medians and ratios with their spread, and saves the chart that the README shows. Times mean little on
a busy machine, ratios a lot: both sides run in turns, in one process, and imports in fresh interpreters.
"""

import argparse
import platform
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tests.benchmarks.cases import cases
from tests.benchmarks.chart import Row, save_chart
from tests.benchmarks.imports import IMPORTS
from tests.benchmarks.measure import Measured, imports_in_turns, in_turns
from tests.benchmarks.memory import peaks
from tests.benchmarks.packages import ROOT, package_bytes, wheel_bytes

CHART = Path(__file__).parent / "chart.svg"


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=21, help="rounds of each comparison (default: 21)")
    parser.add_argument("--only", default="", help="only comparisons whose name contains this; saves no chart")
    parser.add_argument("--sizes", action="store_true", help="also build the wheel and two Lambda packages")
    asked = parser.parse_args()
    rows = list(_rows(asked.rounds, asked.only))
    Console(width=120).print(_table(rows))
    if not asked.only:
        save_chart(rows, CHART)
        print(f"chart: {CHART.relative_to(ROOT)}")
    if asked.sizes:
        _print_sizes()


def _rows(rounds: int, only: str) -> Iterator[Row]:
    for name, ours, peer, at_most in IMPORTS:
        if only in name:
            measured = imports_in_turns(ours, peer, rounds=rounds)
            yield _row(name, "Powertools", measured, at_most, unit=1e3, sign="ms")
    for case in cases():
        if only in case.name:
            units = (case.records, case.peer_records or case.records)
            measured = in_turns(case.ours, case.peer, rounds=rounds, units=units)
            yield _row(case.name, case.peer_name, measured, case.at_most, unit=1e6, sign="us")
    if only in "peak memory":
        our_peak, peer_peak = peaks()
        measured = Measured(our_peak, peer_peak, our_peak / peer_peak, our_peak / peer_peak)
        yield _row("peak memory, 10,000 records", "Powertools", measured, 0.5, unit=1, sign="B")


def _row(name: str, peer_name: str, measured: Measured, at_most: float, *, unit: float, sign: str) -> Row:
    ours, peer = (f"{value * unit:.2f} {sign}" for value in (measured.ours, measured.peer))
    return Row(name, peer_name, measured.ratio, measured.lowest, measured.highest, at_most, ours, peer)


def _table(rows: list[Row]) -> Table:
    table = Table(
        title=f"{platform.python_implementation()} {platform.python_version()}, a record each unless said otherwise"
    )
    for heading in ("what", "against", "batchfold", "peer", "ratio", "quartiles", "at most", ""):
        table.add_column(heading, justify="left" if heading in ("what", "against", "") else "right")
    for row in rows:
        spread = f"{row.lowest:.2f} to {row.highest:.2f}"
        verdict = "met" if row.is_met else "[bold]missed[/bold]"
        table.add_row(
            row.name, row.peer_name, row.ours, row.peer, f"{row.ratio:.2f}", spread, f"{row.at_most:.2f}", verdict
        )
    return table


def _print_sizes() -> None:
    print(f"wheel: {wheel_bytes() / 1e3:.0f} kB")
    ours = package_bytes(str(ROOT))
    theirs = package_bytes("aws-lambda-powertools[parser]")
    print(f"Lambda package: {ours / 1e6:.2f} MB; Powertools with its parser extra: {theirs / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
