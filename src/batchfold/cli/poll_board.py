"""The board: what a poller does, as a table that is redrawn on a terminal, or as lines where nothing can be redrawn.

What happens is told in lines either way; on a terminal they scroll by above the table, and so does what the function
prints. Lines go to the standard output, the function's to the error output.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import RLock
from typing import IO, Any, Self, cast

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from batchfold.cli.call import Interrupted
from batchfold.cli.report import escaped, output, write

_REDRAWN_PER_SECOND = 4
_LINES_BESIDE = 8
"""The lines of a terminal that are not left to the rows of the table."""

_SIGPIPE = 13

_COLUMNS = ("received", "in flight", "done", "came back", "given up", "behind")


@dataclass
class Tally:
    """The counts of the records of one queue or shard, by their fate."""

    received: int = 0
    in_flight: int = 0
    done: int = 0
    came_back: int = 0
    given_up: int = 0
    lost: int = 0
    behind: float | None = None
    """The age of the oldest record that is not done, in seconds, where that is known."""
    is_over: bool = False
    """True for a shard that will have no more records."""

    @property
    def cells(self) -> tuple[str, ...]:
        """The numbers, in the order of the columns."""
        numbers = (self.received, self.in_flight, self.done, self.came_back, self.given_up)
        behind = "" if self.behind is None else duration(self.behind)
        return (*(f"{number:,}" for number in numbers), "at its end" if self.is_over else behind)


@dataclass
class Board:
    """The tallies by the names of their places, and the console that they are shown on."""

    title: str
    place: str
    """The heading of the first column: `queue` or `shard`."""
    console: Console = field(default_factory=output)
    tallies: dict[str, Tally] = field(default_factory=dict[str, Tally])
    invocations: int = 0
    failed_invocations: int = 0
    doing: str = ""
    _began: float = field(default_factory=time.monotonic)
    _live: Live | None = None
    _unfinished: bytes = b""
    _lock: RLock = field(default_factory=RLock)

    def __enter__(self) -> Self:
        if self.is_live:
            self._live = Live(
                console=self.console,
                get_renderable=self.drawn,
                refresh_per_second=_REDRAWN_PER_SECOND,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        else:
            self.line(self.title)
        return self

    def __exit__(self, *_why: object) -> None:
        if self._unfinished:
            self.printed(b"\n")
        live, self._live = self._live, None
        if live is not None:
            self.doing = ""
            with suppress(OSError):
                live.stop()

    @property
    def is_live(self) -> bool:
        """Return whether a table can be redrawn: not in a file or a pipe, on a dumb terminal, or where colour is not wanted."""
        stands_on_a_terminal = self.console.is_terminal and cast("IO[Any]", self.console.file).isatty()
        return stands_on_a_terminal and not self.console.is_dumb_terminal and not self.console.no_color

    def tally(self, place: str) -> Tally:
        """The tally of a queue or shard; a new one, if it has none."""
        return self.tallies.setdefault(place, Tally())

    def line(self, text: str, *more: str, style: str = "") -> None:
        """Tell what happens. `more` are lines that belong to it."""
        if self._live is not None:
            indented = (Padding.indent(Text(escaped(each), "dim"), 2) for each in more)
            self.console.print(Group(Text(escaped(text), style), *indented))
            return
        with self._lock:
            try:
                write("".join(f"{escaped(each)}\n" for each in (text, *(f"  {each}" for each in more))))
                sys.stdout.flush()
            except BrokenPipeError:
                raise Interrupted(_SIGPIPE) from None  # whoever reads it has read enough

    def printed(self, content: bytes) -> None:
        """Show what the function prints; on a terminal that is redrawn, by whole lines."""
        if self._live is None or not sys.stderr.isatty():
            with suppress(AttributeError, OSError, ValueError):  # there may be no error output
                sys.stderr.buffer.write(content)
                sys.stderr.flush()
            return
        *lines, self._unfinished = (self._unfinished + content).split(b"\n")
        for each in lines:
            self.console.print(Text(escaped(each.decode("utf-8", "replace").rstrip("\r"))), soft_wrap=True)

    @property
    def totals(self) -> Mapping[str, int]:
        """The numbers of all places together."""
        names = ("received", "done", "came_back", "given_up", "lost")
        return {name: sum(getattr(tally, name) for tally in self.tallies.values()) for name in names}

    @property
    def counted_invocations(self) -> str:
        """How many invocations there were, and how many of them failed as a whole."""
        failed = f", {self.failed_invocations:,} of them failed" if self.failed_invocations else ""
        return f"{self.invocations:,} invocation{'' if self.invocations == 1 else 's'}{failed}"

    def drawn(self) -> RenderableType:
        """The table, with a heading and what goes on now."""
        took = duration(time.monotonic() - self._began)
        heading, footing = Text(escaped(self.title), "bold"), Text(f"{took}, {self.counted_invocations}")
        if self.doing:
            footing.append(f": {escaped(self.doing)}")
        rows, left_out = self._rows()
        table = self._table(rows)
        unlimited = self.console.options.update_width(sys.maxsize)
        fits = Measurement.get(self.console, unlimited, table).maximum <= self.console.width
        shown: list[RenderableType] = [heading, table if fits else _listed(rows)]
        if left_out:
            shown.append(Text(f"and {left_out} more"))
        return Group(*shown, footing)

    def _rows(self) -> tuple[Sequence[tuple[str, Tally]], int]:
        """Return the rows that there is room for: first those that are not over, and how many are left out."""
        rows = sorted(self.tallies.items(), key=lambda row: row[1].is_over)
        room = max(1, self.console.height - _LINES_BESIDE)
        return (rows, 0) if len(rows) <= room else (rows[:room], len(rows) - room)

    def _table(self, rows: Sequence[tuple[str, Tally]]) -> Table:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        shown = [at for at, _ in enumerate(_COLUMNS) if at not in self._idle_columns()]
        table.add_column(self.place)
        for at in shown:
            table.add_column(_COLUMNS[at], justify="right")
        for place, tally in rows:
            cells = [Text(cell, _style(_COLUMNS[at], cell)) for at, cell in enumerate(tally.cells)]
            table.add_row(Text(escaped(place)), *(cells[at] for at in shown))
        return table

    def _idle_columns(self) -> set[int]:
        """The columns in which no place has anything to say, of those that may be left out."""
        return {at for at in (4, 5) if all(tally.cells[at] in {"", "0"} for tally in self.tallies.values())}


def _style(column: str, cell: str) -> str:
    styles = {"done": "green", "came back": "yellow", "given up": "bold red"}
    return "" if cell in {"", "0"} else styles.get(column, "")


def _listed(rows: Sequence[tuple[str, Tally]]) -> RenderableType:
    """The rows as text, for where the table does not fit."""
    return Group(*(Text(f"{escaped(place)}: {_in_words(tally)}") for place, tally in rows))


def _in_words(tally: Tally) -> str:
    each = zip(_COLUMNS, tally.cells, strict=True)
    return ", ".join(f"{cell} {column}" if column != "behind" else cell for column, cell in each if cell)


def duration(seconds: float) -> str:
    """A duration in the two units that say most.

    >>> duration(0.25), duration(83), duration(7_500)
    ('0.2 s', '1 min 23 s', '2 h 5 min')
    """
    if seconds < 10:  # noqa: PLR2004
        return f"{max(0.0, seconds):.1f} s"
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {left} s" if minutes else f"{left} s"
