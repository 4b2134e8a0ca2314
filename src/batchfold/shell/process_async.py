"""`fold_batch_async` and `process_batch_async`: run a batch with an async handler."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from typing_extensions import Unpack

from batchfold.core.batch import Batch
from batchfold.core.chunks import InChunks
from batchfold.core.event import Event
from batchfold.core.handler import AnyFuture
from batchfold.core.record import Record
from batchfold.core.response import PartialResponse
from batchfold.core.source import Source
from batchfold.shell.begin import begin
from batchfold.shell.context import LambdaContext
from batchfold.shell.options import AsyncFoldOptions
from batchfold.shell.reserve import ms_before_reserve
from batchfold.shell.respond import RaiseOn, refuse_unknown_raise_on, respond

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)


async def fold_batch_async(
    event: Event,
    handler: Callable[[R], AnyFuture[V, E]],
    source: Source[R, D],
    *,
    context: LambdaContext | None = None,
    max_concurrency: int = 10,
    cancel_at_reserve: bool = False,
    **options: Unpack[AsyncFoldOptions[V, E, D]],
) -> Batch[V, E, D]:
    """Handle the records of an event with an async handler, lanes side by side, and return what became of each of them.

    Args:
        event: what Lambda passed to the function.
        handler: record in, an awaitable of `Result` or `IOResult` out; `FutureResult` is one.
        source: how to read the event, which also says what order means. Records of a lane are handled one after the
            other.
        context: the Lambda context; together with `reserve_ms`, the clock.
        max_concurrency: how many handlers run at a time, at most.
        cancel_at_reserve: cancel the handlers that still run when only `reserve_ms` is left. Their records are
            `Crashed(TimeoutError(...))`, for they had started. If no more than that is left to begin with, the first
            record is handled all the same, to its end.
        options: `settle` (which may be async), `observe` and `reserve_ms`; see `AsyncFoldOptions`.

    Raises:
        UnexpectedEventError: the source cannot read the event. No record was handled.

    It never raises for a record. If it is cancelled, it cancels the handlers, waits for them, and is cancelled; when it
    returns or raises, no handler runs any more.
    """
    refuse_no_concurrency(max_concurrency)
    _refuse_chunks(handler)
    ms_left = ms_before_reserve(context, options.get("reserve_ms"))
    if cancel_at_reserve and ms_left is None:
        raise TypeError("cancel_at_reserve=True was given without reserve_ms= and context=, which say when that is")
    from batchfold.shell.side_by_side import fold_side_by_side  # noqa: PLC0415  # asyncio costs a cold start 30 ms

    return await fold_side_by_side(
        begin(event, source, context, options),
        handler,
        options.get("settle"),
        max_concurrency=max_concurrency,
        ms_before_cancelling=ms_left if cancel_at_reserve else None,
    )


async def process_batch_async(
    event: Event,
    handler: Callable[[R], AnyFuture[V, E]],
    source: Source[R, D],
    *,
    context: LambdaContext | None = None,
    max_concurrency: int = 10,
    cancel_at_reserve: bool = False,
    raise_on: RaiseOn = "entire_batch",
    **options: Unpack[AsyncFoldOptions[V, E, D]],
) -> PartialResponse:
    """Handle the records of an event with an async handler: `respond` after `fold_batch_async`.

    Raises:
        BatchProcessingError: as `raise_on` says; by default if no record was done.
        UnexpectedEventError: the source cannot read the event. No record was handled.
    """
    refuse_unknown_raise_on(raise_on)
    batch = await fold_batch_async(
        event,
        handler,
        source,
        context=context,
        max_concurrency=max_concurrency,
        cancel_at_reserve=cancel_at_reserve,
        **options,
    )
    return respond(batch, raise_on)


def _refuse_chunks(handler: object) -> None:
    if isinstance(handler, InChunks):
        raise TypeError(
            "in_chunks makes a synchronous handler: it goes to process_batch, fold_batch or as_lambda_handler, "
            "with executor= for chunks side by side"
        )


def refuse_no_concurrency(max_concurrency: int) -> None:
    """Raise `ValueError` unless one handler at least may run; asked before any record is handled."""
    if max_concurrency < 1:
        raise ValueError(
            f"max_concurrency is how many handlers may run at a time, expected 1 or more, got {max_concurrency}"
        )
