"""`fold_batch` and `process_batch`, and their async twins: from an event to its batch, or to the response."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from typing_extensions import Unpack

from batchfold.core.batch import Batch, BatchOf
from batchfold.core.chunks import (
    AttemptChunk,
    InChunks,
    attempt_chunk_with,
    fold_in_chunks,
    refuse_one_lane,
    takes_async_chunks,
    takes_sync_chunks,
)
from batchfold.core.fold import attempt_with, fold
from batchfold.core.handlers import AnyFuture, Handler, is_awaitable
from batchfold.core.progress import Progress
from batchfold.core.records import AnyEvent, Record
from batchfold.core.response import RaiseOn
from batchfold.core.settling import Settle
from batchfold.core.source import AsyncSource, Source
from batchfold.shell.options import (
    AsyncFoldOptions,
    Executor,
    FoldOptions,
    LambdaContext,
    begin,
    refuse_async_settle,
    refuse_misused,
    refuse_no_concurrency,
    refuse_no_source,
)
from batchfold.shell.respond_or_raise import heed_finish, refuse_unknown_raise_on, respond

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)
A = TypeVar("A")


def fold_batch(
    event: AnyEvent,
    handler: Handler[R, V, E],
    source: Source[R, D, BatchOf[V], A],
    *,
    context: LambdaContext | None = None,
    executor: Executor | None = None,
    **options: Unpack[FoldOptions[V, E, D]],
) -> Batch[V, E, D, A]:
    """Handle the records of an event, in order, and return what became of each of them.

    Args:
        event: the event that Lambda passed to the function.
        handler: record in, `Result` or `IOResult` out. One that raises, or returns anything else, is `Crashed`.
        source: how to read the event, which also says what order means: `sqs(...)`, `kinesis(...)`, `dynamodb(...)`,
            `kafka(...)`, or one of your own.
        context: the Lambda context; together with `reserve_ms`, the clock.
        executor: a `ThreadPoolExecutor`, for handlers that block: lanes then run side by side in its threads, records of
            a lane one after the other. No handler runs any more when this function returns.
        options: `settle`, `observe`, `stop_when` and `reserve_ms`; see `FoldOptions`.

    Raises:
        UnexpectedEventError: the source cannot read the event. No record was handled.

    It never raises for a record. What finishes the window of a source made by `windowed` may raise. Whatever a user's lane
    function raises, and `SystemExit` or `KeyboardInterrupt` from a handler, passes through: the invocation fails, and
    everything comes back.
    """
    return run_batch(event, handler, source, context, executor, options)


def process_batch(
    event: AnyEvent,
    handler: Handler[R, V, E],
    source: Source[R, D, BatchOf[V], A],
    *,
    context: LambdaContext | None = None,
    executor: Executor | None = None,
    raise_on: RaiseOn | None = None,
    **options: Unpack[FoldOptions[V, E, D]],
) -> A:
    """Handle the records of an event, in order, and return the response: `respond` after `fold_batch`.

    >>> from batchfold import sqs
    >>> from returns.result import Failure, Success
    >>> def reserve(record):
    ...     return Success(None) if record.body == "in stock" else Failure("out of stock")
    >>> bodies = {"m1": "in stock", "m2": "sold out"}
    >>> event = {"Records": [{"messageId": m, "eventSource": "aws:sqs", "body": bodies[m]} for m in bodies]}
    >>> process_batch(event, reserve, sqs())
    {'batchItemFailures': [{'itemIdentifier': 'm2'}]}

    Raises:
        BatchProcessingError: as `raise_on` says; by default as the source does, which is if no record was done.
        UnexpectedEventError: the source cannot read the event. No record was handled.
    """
    refuse_unknown_raise_on(raise_on)
    return respond(run_batch(event, handler, source, context, executor, options), raise_on)


async def fold_batch_async(
    event: AnyEvent,
    handler: Callable[[R], AnyFuture[V, E]],
    source: AsyncSource[R, D, BatchOf[V], A],
    *,
    context: LambdaContext | None = None,
    max_concurrency: int = 10,
    cancel_at_reserve: bool = False,
    **options: Unpack[AsyncFoldOptions[V, E, D]],
) -> Batch[V, E, D, A]:
    """Handle the records of an event with an async handler, lanes side by side, and return what became of each of them.

    Args:
        event: the event that Lambda passed to the function.
        handler: record in, an awaitable of `Result` or `IOResult` out; `FutureResult` is one.
        source: how to read the event, which also says what order means. Records of a lane are handled one after the
            other.
        context: the Lambda context; together with `reserve_ms`, the clock.
        max_concurrency: how many handlers run at a time, at most.
        cancel_at_reserve: cancel the handlers, and the `settle`, that still run when only `reserve_ms` is left. Their
            records are `Crashed(TimeoutError(...))`, for they had started. If no more than that is left to begin with,
            the first record is handled all the same, to its end.
        options: `settle` (which may be async), `observe`, `stop_when` and `reserve_ms`; see `AsyncFoldOptions`.

    Raises:
        UnexpectedEventError: the source cannot read the event. No record was handled.

    It never raises for a record. If it is cancelled, it cancels the handlers, waits for them, and is cancelled; when it
    returns or raises, no handler runs any more.
    """
    refuse_no_concurrency(max_concurrency)
    refuse_no_source(source, is_async=True)
    if takes_sync_chunks(handler):
        raise TypeError(
            "in_chunks made a synchronous handler of a function that is not async: it goes to process_batch, fold_batch or "
            "as_lambda_handler, with executor= for chunks side by side; of an async function it makes one for async runs"
        )
    if options:
        refuse_misused(options)
    if cancel_at_reserve and options.get("reserve_ms") is None:
        raise TypeError("cancel_at_reserve=True was given without reserve_ms= and context=, which say when that is")
    from batchfold.shell.side_by_side import fold_side_by_side  # noqa: PLC0415  # asyncio costs a cold start 30 ms

    progress: Progress[R, V, E, D, A] = begin(event, source, context, options)
    if takes_async_chunks(handler):
        refuse_one_lane(progress.lane, handler.size)
    return await _finished_async(
        await fold_side_by_side(
            progress,
            handler,
            options.get("settle"),
            max_concurrency=max_concurrency,
            cancel_at_reserve=cancel_at_reserve,
        )
    )


async def process_batch_async(
    event: AnyEvent,
    handler: Callable[[R], AnyFuture[V, E]],
    source: AsyncSource[R, D, BatchOf[V], A],
    *,
    context: LambdaContext | None = None,
    max_concurrency: int = 10,
    cancel_at_reserve: bool = False,
    raise_on: RaiseOn | None = None,
    **options: Unpack[AsyncFoldOptions[V, E, D]],
) -> A:
    """Handle the records of an event with an async handler: `respond` after `fold_batch_async`.

    Raises:
        BatchProcessingError: as `raise_on` says; by default as the source does, which is if no record was done.
        UnexpectedEventError: the source cannot read the event. No record was handled.
    """
    refuse_unknown_raise_on(raise_on)
    return respond(
        await fold_batch_async(
            event,
            handler,
            source,
            context=context,
            max_concurrency=max_concurrency,
            cancel_at_reserve=cancel_at_reserve,
            **options,
        ),
        raise_on,
    )


def run_batch(
    event: object,
    handler: Handler[R, V, E],
    source: Source[R, D, Any, A],
    context: LambdaContext | None,
    executor: Executor | None,
    options: FoldOptions[V, E, D],
) -> Batch[V, E, D, A]:
    """Fold with a synchronous handler, once the options make sense."""
    refuse_no_source(source)
    refuse_async_settle(options.get("settle"))
    if options:
        refuse_misused(options)
    return run_checked(event, handler, source, context, executor, options)


def run_checked(
    event: object,
    handler: Handler[R, V, E],
    source: Source[R, D, Any, A],
    context: LambdaContext | None,
    executor: Executor | None,
    options: FoldOptions[V, E, D],
) -> Batch[V, E, D, A]:
    """Fold with a synchronous handler: one record at a time, in chunks, or in the threads of an executor."""
    progress: Progress[R, V, E, D, A] = begin(event, source, context, options)
    if progress.source.finish is None:
        return _folded(progress, handler, executor, options)
    return _finished(_folded(progress, handler, executor, options))


def _folded(
    progress: Progress[R, V, E, D, A],
    handler: Handler[R, V, E],
    executor: Executor | None,
    options: FoldOptions[V, E, D],
) -> Batch[V, E, D, A]:
    source: Any = progress.source  # a `Source`: it opens as one, and `refuse_no_source` has refused everything else
    settle = options.get("settle")
    if isinstance(handler, InChunks):
        chunks = cast("InChunks[R, V, E]", handler)  # the line above, with what the handler's type says of it
        refuse_one_lane(progress.lane, chunks.size)
        attempt_chunk = attempt_chunk_with(chunks, source)
        if executor is None:
            return fold_in_chunks(progress, attempt_chunk, settle, chunks.size)
        return _fold_in_threads(progress, attempt_chunk, settle, chunks.size, executor)
    attempt = attempt_with(handler, source)
    if executor is None:
        return fold(progress, attempt, settle)
    return _fold_in_threads(progress, lambda raws: list(map(attempt, raws)), settle, 1, executor)


def _finished(batch: Batch[V, E, D, A]) -> Batch[V, E, D, A]:
    """Let the source finish the batch, and return it; raise if the source says that the invocation has failed."""
    finish = batch.source.finish
    if finish is not None:
        heed_finish(finish(batch))
    return batch


async def _finished_async(batch: Batch[V, E, D, A]) -> Batch[V, E, D, A]:
    finish = batch.source.finish
    if finish is not None:
        returned = finish(batch)
        heed_finish(await returned if is_awaitable(returned) else returned)
    return batch


def _fold_in_threads(
    progress: Progress[Any, V, E, D, A],
    attempt_chunk: AttemptChunk[V, E],
    settle: Settle[E, D] | None,
    size: int,
    executor: Executor,
) -> Batch[V, E, D, A]:
    from batchfold.shell.threads import fold_in_threads  # noqa: PLC0415  # threads cost a cold start 8 ms

    return fold_in_threads(progress, attempt_chunk, settle, size, executor)
