"""Beginning to run a batch: the options that all ways of running it share are given their meaning here."""

from typing import TypeVar

from batchfold.core.progress import Progress
from batchfold.core.record import Record
from batchfold.core.source import Source
from batchfold.shell.context import LambdaContext
from batchfold.shell.observer import harmless
from batchfold.shell.options import AsyncFoldOptions, FoldOptions, refuse_unknown
from batchfold.shell.reserve import ms_before_reserve

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)


def begin(
    event: object,
    source: Source[R, D],
    context: LambdaContext | None,
    options: FoldOptions[V, E, D] | AsyncFoldOptions[V, E, D],
) -> Progress[R, V, E, D]:
    """Read the event and make ready to handle its records.

    Raises `UnexpectedEventError` for an event that the source cannot read, `TypeError` and `ValueError` for options that
    make no sense.
    """
    refuse_unknown(options)
    ms_left = ms_before_reserve(context, options.get("reserve_ms"))
    may_start = None if ms_left is None else lambda: ms_left() > 0
    return Progress(event, source, observe=harmless(options.get("observe")), may_start=may_start)
