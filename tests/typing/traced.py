"""`traced`: what a layer that changes no types infers, and what is refused (every line marked `# BAD`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from opentelemetry import trace
from pydantic import BaseModel
from returns.context import RequiresContextResult
from returns.future import FutureResult, future_safe
from returns.io import IOResult
from returns.result import Result, safe
from typing_extensions import assert_type

from batchfold import (
    AsyncInChunks,
    Batch,
    Dropped,
    FirehoseOut,
    FirehoseRecord,
    FirehoseResponse,
    InChunks,
    KinesisRecord,
    LambdaContext,
    Latencies,
    Record,
    SqsRecord,
    Traced,
    as_lambda_handler,
    checked,
    each_record,
    firehose,
    fold_batch,
    fold_batch_async,
    in_chunks,
    kinesis,
    only,
    pipe,
    process_batch,
    sqs,
    timed,
    traced,
)


class Order(BaseModel):
    quantity: int


class Legacy(BaseModel):
    name: str


class OutOfStock(Exception): ...


event: dict[str, object] = {}
spans = traced(trace.get_tracer("orders"))
assert_type(spans, Traced)


def reserve(record: SqsRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def reserve_io(record: SqsRecord[Order]) -> IOResult[int, OutOfStock]:
    raise NotImplementedError


async def reserve_async(record: SqsRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def reserve_awaitable(record: SqsRecord[Order]) -> Awaitable[Result[int, OutOfStock]]:
    raise NotImplementedError


def reserve_future(record: SqsRecord[Order]) -> FutureResult[int, OutOfStock]:
    raise NotImplementedError


@safe
def reserve_or_raise(record: SqsRecord[Order]) -> int:
    raise NotImplementedError


@future_safe
async def reserve_or_raise_later(record: SqsRecord[Order]) -> int:
    raise NotImplementedError


def reserve_in_time(record: SqsRecord[Order], context: LambdaContext) -> Result[int, OutOfStock]:
    raise NotImplementedError


def reserve_with(record: SqsRecord[Order]) -> RequiresContextResult[int, OutOfStock, LambdaContext]:
    raise NotImplementedError


def write_all(records: list[SqsRecord[Order]]) -> list[Result[int, OutOfStock]]:
    raise NotImplementedError


async def write_all_async(records: list[SqsRecord[Order]]) -> list[Result[int, OutOfStock]]:
    raise NotImplementedError


def transform(record: FirehoseRecord[Order]) -> Result[FirehoseOut | Dropped, OutOfStock]:
    raise NotImplementedError


def is_large(record: SqsRecord[Order]) -> bool:
    return record.body.quantity > 10


def of_any(record: Record) -> Result[None, str]:
    raise NotImplementedError


Sync = Callable[[SqsRecord[Order]], Result[int, OutOfStock]]
handler: Sync = spans(reserve)
later: Callable[[SqsRecord[Order]], Coroutine[Any, Any, Result[int, OutOfStock]]] = spans(reserve_async)
assert_type(spans(in_chunks(write_all, size=9)), InChunks[SqsRecord[Order], int, OutOfStock])
assert_type(spans(in_chunks(write_all_async, size=9)), AsyncInChunks[SqsRecord[Order], int, OutOfStock])

assert_type(fold_batch(event, pipe(reserve, spans), sqs(Order)), Batch[int, OutOfStock, SqsRecord])
assert_type(fold_batch(event, pipe(reserve_io, spans), sqs(Order)), Batch[int, OutOfStock, SqsRecord])
assert_type(fold_batch(event, pipe(reserve_or_raise, spans), sqs(Order)), Batch[int, Exception, SqsRecord])
assert_type(
    fold_batch(event, pipe(reserve, checked, spans, timed(Latencies())), sqs(Order), observe=spans.observe),
    Batch[int, OutOfStock, SqsRecord],
)
assert_type(fold_batch(event, pipe(reserve, spans, only(is_large)), sqs(Order)), Batch[int | None, OutOfStock, SqsRecord])
assert_type(fold_batch(event, pipe(reserve, only(is_large), spans), sqs(Order)), Batch[int | None, OutOfStock, SqsRecord])
assert_type(fold_batch(event, pipe(of_any, spans), kinesis(Order)), Batch[None, str, KinesisRecord])
assert_type(
    fold_batch(event, pipe(in_chunks(write_all, size=9), spans), sqs(Order)), Batch[int, OutOfStock, SqsRecord]
)
assert_type(process_batch(event, pipe(transform, spans), firehose(Order), observe=spans.observe), FirehoseResponse)
as_lambda_handler(pipe(reserve, spans), sqs(Order), observe=spans.observe)
as_lambda_handler(pipe(reserve_async, spans), sqs(Order), max_concurrency=5, observe=spans.observe)
as_lambda_handler(pipe(reserve_or_raise_later, spans), sqs(Order), max_concurrency=5)
as_lambda_handler(pipe(reserve_in_time, spans), sqs(Order))
as_lambda_handler(pipe(reserve_with, spans), sqs(Order))


async def in_async_runs() -> None:
    assert_type(await fold_batch_async(event, pipe(reserve_async, spans), sqs(Order)), Batch[int, OutOfStock, SqsRecord])
    assert_type(await fold_batch_async(event, pipe(reserve_future, spans), sqs(Order)), Batch[int, OutOfStock, SqsRecord])
    assert_type(
        await fold_batch_async(event, pipe(reserve_awaitable, spans), sqs(Order)), Batch[int, OutOfStock, SqsRecord]
    )
    assert_type(
        await fold_batch_async(event, pipe(in_chunks(write_all_async, size=9), spans), sqs(Order)),
        Batch[int, OutOfStock, SqsRecord],
    )


traced()  # BAD no tracer
traced(3)  # BAD no tracer
pipe(reserve, traced)  # BAD the layer is not made
pipe(3, spans)  # BAD no handler
process_batch(event, pipe(reserve, spans), sqs(Legacy))  # BAD the handler takes another body
process_batch(event, pipe(reserve, spans), kinesis(Order, lane=each_record))  # BAD the handler takes another record
process_batch(event, pipe(reserve_async, spans), sqs(Order))  # BAD an async handler
process_batch(event, pipe(reserve_in_time, spans), sqs(Order))  # BAD only as_lambda_handler passes the context
as_lambda_handler(pipe(reserve, spans), sqs(Order), max_concurrency=3)  # BAD a synchronous handler
as_lambda_handler(pipe(reserve_async, spans), sqs(Order), executor=ThreadPoolExecutor())  # BAD an async handler
process_batch(event, reserve, sqs(Order), observe=spans)  # BAD the layer is no observer, its method is
