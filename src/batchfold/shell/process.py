"""`fold_batch` and `process_batch`: run a batch with a synchronous handler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from typing_extensions import Unpack

from batchfold.core.attempt import attempt_with
from batchfold.core.batch import Batch
from batchfold.core.chunks import AttemptChunk, InChunks, attempt_chunk_with, fold_in_chunks, refuse_one_lane
from batchfold.core.event import Event
from batchfold.core.fold import fold
from batchfold.core.handler import Handler
from batchfold.core.record import Record
from batchfold.core.response import PartialResponse
from batchfold.core.source import Source
from batchfold.shell.begin import begin
from batchfold.shell.context import LambdaContext
from batchfold.shell.options import FoldOptions, refuse_async_settle
from batchfold.shell.respond import RaiseOn, refuse_unknown_raise_on, respond

if TYPE_CHECKING:
    from concurrent.futures import Executor
else:
    Executor = Any  # importing it costs a cold start 8 ms, and those who pass one have done so

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)


def fold_batch(
    event: Event,
    handler: Handler[R, V, E],
    source: Source[R, D],
    *,
    context: LambdaContext | None = None,
    executor: Executor | None = None,
    **options: Unpack[FoldOptions[V, E, D]],
) -> Batch[V, E, D]:
    """Handle the records of an event, in order, and return what became of each of them.

    Args:
        event: what Lambda passed to the function.
        handler: record in, `Result` or `IOResult` out. One that raises, or returns anything else, has `Crashed`.
        source: how to read the event, which also says what order means: `sqs(...)`, `kinesis(...)`, `dynamodb(...)` or
            `kafka(...)`.
        context: the Lambda context; together with `reserve_ms`, the clock.
        executor: a `ThreadPoolExecutor`, for handlers that block: lanes then run side by side in its threads, records of
            a lane one after the other. No handler runs any more when this function returns.
        options: `settle`, `observe` and `reserve_ms`; see `FoldOptions`.

    Raises:
        UnexpectedEventError: the source cannot read the event. No record was handled.

    It never raises for a record. What a user's lane function raises, or a `SystemExit` and its like from a handler,
    passes through: the invocation fails, and everything comes back.
    """
    return _fold(event, handler, source, context, executor, options)


def process_batch(
    event: Event,
    handler: Handler[R, V, E],
    source: Source[R, D],
    *,
    context: LambdaContext | None = None,
    executor: Executor | None = None,
    raise_on: RaiseOn = "entire_batch",
    **options: Unpack[FoldOptions[V, E, D]],
) -> PartialResponse:
    """Handle the records of an event, in order, and return the partial response: `respond` after `fold_batch`.

    >>> from batchfold import sqs
    >>> from returns.result import Failure, Success
    >>> def reserve(record):
    ...     return Success(None) if record.body == "in stock" else Failure("out of stock")
    >>> bodies = {"m1": "in stock", "m2": "sold out"}
    >>> event = {"Records": [{"messageId": m, "eventSource": "aws:sqs", "body": bodies[m]} for m in bodies]}
    >>> process_batch(event, reserve, sqs())
    {'batchItemFailures': [{'itemIdentifier': 'm2'}]}

    Raises:
        BatchProcessingError: as `raise_on` says; by default if no record was done.
        UnexpectedEventError: the source cannot read the event. No record was handled.
    """
    refuse_unknown_raise_on(raise_on)
    return respond(_fold(event, handler, source, context, executor, options), raise_on)


def _fold(
    event: Event,
    handler: Handler[R, V, E],
    source: Source[R, D],
    context: LambdaContext | None,
    executor: Executor | None,
    options: FoldOptions[V, E, D],
) -> Batch[V, E, D]:
    settle = options.get("settle")
    refuse_async_settle(settle)
    progress = begin(event, source, context, options)
    if isinstance(handler, InChunks):
        chunks = cast("InChunks[R, V, E]", handler)  # the line above, with what the handler's type says of it
        refuse_one_lane(progress, chunks.size)
        attempt_chunk = attempt_chunk_with(chunks, source, settle)
        if executor is None:
            return fold_in_chunks(progress, attempt_chunk, chunks.size)
        return _fold_in_threads(progress, attempt_chunk, chunks.size, executor)
    if executor is None:
        return fold(progress, handler, settle)
    attempt = attempt_with(handler, source, settle)  # `progress` tells the observer, one thread at a time
    return _fold_in_threads(progress, lambda chunk: [attempt(raw, item_id) for raw, item_id in chunk], 1, executor)


def _fold_in_threads(
    progress: Any, attempt_chunk: AttemptChunk[V, E, D], size: int, executor: Executor
) -> Batch[V, E, D]:
    from batchfold.shell.threads import fold_in_threads  # noqa: PLC0415  # threads cost a cold start 8 ms

    return fold_in_threads(progress, attempt_chunk, size, executor)
