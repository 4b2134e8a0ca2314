"""Beginning to run a batch: the options that all ways of running it share are given their meaning here."""

from __future__ import annotations

from typing import TypeVar

from batchfold.core.progress import Progress
from batchfold.core.record import Record
from batchfold.core.source import Source
from batchfold.shell.context import LambdaContext
from batchfold.shell.observer import log_observer_error
from batchfold.shell.options import AsyncFoldOptions, FoldOptions, refuse_misused
from batchfold.shell.reserve import clock_of

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
    refuse_no_source(source)
    if not options and context is None:  # most batches: nothing to watch, nothing to check
        return Progress(event, source)
    refuse_misused(options)
    reserve_ms = options.get("reserve_ms")
    return Progress(
        event,
        source,
        observe=options.get("observe"),
        observer_failed=log_observer_error,
        remaining_ms=clock_of(context, reserve_ms),
        reserve_ms=reserve_ms or 0,
    )


def refuse_no_source(source: object) -> None:
    """Raise `TypeError` for what is no source, such as `sqs` without its parentheses."""
    if not isinstance(source, Source):
        raise TypeError(
            f"expected a source, as sqs(...), kinesis(...), dynamodb(...) and kafka(...) return them, "
            f"got a {type(source).__name__}; the handler stands before the source"
        )
