"""Tumbling windows: the state goes in and comes out, sync and async, and so does what finishes a window."""

from __future__ import annotations

from typing import Any, assert_type

from pydantic import BaseModel
from returns.context import RequiresContextResult
from returns.future import FutureResult, future_safe
from returns.io import IOResult
from returns.result import Result, Success

from batchfold import (
    AsyncSource,
    Batch,
    BatchOf,
    DynamoDBRecord,
    InWindow,
    KinesisRecord,
    LambdaContext,
    LambdaFunction,
    Latencies,
    Malformed,
    RawRecord,
    Source,
    WindowResponse,
    as_lambda_handler,
    caused_by,
    discard,
    dynamodb,
    fetched,
    fold_batch,
    fold_batch_async,
    kafka,
    kinesis,
    pipe,
    process_batch,
    process_batch_async,
    sqs,
    step,
    timed,
    windowed,
)


class Order(BaseModel):
    id: str
    quantity: int


class Total(BaseModel):
    count: int = 0


class OutOfStock(Exception): ...


event: dict[str, Any] = {}


# ---------------------------------------------------------------- steps
def add(total: Total, record: KinesisRecord[Order]) -> Result[Total, OutOfStock]:
    return Success(Total(count=total.count + record.data.quantity))


def add_io(total: Total, record: KinesisRecord[Order]) -> IOResult[Total, OutOfStock]:
    raise NotImplementedError


async def add_async(total: Total, record: KinesisRecord[Order]) -> Result[Total, OutOfStock]:
    raise NotImplementedError


def add_future(total: Total, record: KinesisRecord[Order]) -> FutureResult[Total, OutOfStock]:
    raise NotImplementedError


def add_with(total: Total, record: KinesisRecord[Order], context: LambdaContext) -> Result[Total, OutOfStock]:
    raise NotImplementedError


async def add_with_async(
    total: Total, record: KinesisRecord[Order], context: LambdaContext
) -> Result[Total, OutOfStock]:
    raise NotImplementedError


def add_reading(
    total: Total, record: KinesisRecord[Order]
) -> RequiresContextResult[Total, OutOfStock, LambdaContext]:
    raise NotImplementedError


def count_changes(total: dict[str, int], record: DynamoDBRecord[Order]) -> Result[dict[str, int], OutOfStock]:
    raise NotImplementedError


def add_in_turn(turn: InWindow[Total, KinesisRecord[Order]]) -> Result[Total, OutOfStock]:
    return Success(Total(count=turn.state.count + turn.record.data.quantity))


def add_in_context(turn: InWindow[Total, KinesisRecord[Order]], context: LambdaContext) -> Result[Total, OutOfStock]:
    raise NotImplementedError


def publish(total: Total) -> Result[None, OSError]:
    raise NotImplementedError


def publish_io(total: Total) -> IOResult[str, OSError]:
    raise NotImplementedError


async def publish_async(total: Total) -> Result[None, OSError]:
    raise NotImplementedError


@future_safe
async def publish_future(total: Total) -> None:
    raise NotImplementedError


window = windowed(kinesis(Order), Total, finish=publish)
assert_type(window, Source[InWindow[Total, KinesisRecord[Order]], KinesisRecord, BatchOf[Total], WindowResponse])
assert_type(process_batch(event, step(add), window), WindowResponse)
assert_type(process_batch(event, step(add_io), window), WindowResponse)
assert_type(process_batch(event, add_in_turn, window), WindowResponse)
process_batch(event, step(add), windowed(kinesis(Order), Total, initial=Total(), finish=publish_io))
assert_type(process_batch(event, step(count_changes), windowed(dynamodb(Order), dict[str, int])), WindowResponse)
assert_type(fold_batch(event, step(add), window), Batch[Total, OutOfStock, KinesisRecord, WindowResponse])
assert_type(fold_batch(event, step(add), window).succeeded[-1].value, Total)
assert_type(as_lambda_handler(step(add), window), LambdaFunction[object, WindowResponse])
assert_type(as_lambda_handler(step(add_async), window), LambdaFunction[object, WindowResponse])
assert_type(as_lambda_handler(step(add_future), window), LambdaFunction[object, WindowResponse])
assert_type(as_lambda_handler(add_in_context, window), LambdaFunction[LambdaContext, WindowResponse])
assert_type(as_lambda_handler(step(add_with), window), LambdaFunction[LambdaContext, WindowResponse])
assert_type(as_lambda_handler(step(add_with_async), window), LambdaFunction[LambdaContext, WindowResponse])
assert_type(as_lambda_handler(step(add_reading), window), LambdaFunction[LambdaContext, WindowResponse])
assert_type(as_lambda_handler(pipe(step(add), timed(Latencies())), window), LambdaFunction[object, WindowResponse])
process_batch(event, lambda turn: Success(Total(count=turn.state.count + 1)), window)
process_batch(event, step(add), window, settle=discard(when=caused_by(Malformed)), raise_on="entire_batch")
as_lambda_handler(step(add), windowed(fetched(kinesis(Order), lambda record: record.raw), Total))

window_async = windowed(kinesis(Order), Total, finish=publish_async)
assert_type(
    window_async, AsyncSource[InWindow[Total, KinesisRecord[Order]], KinesisRecord, BatchOf[Total], WindowResponse]
)
assert_type(as_lambda_handler(step(add_async), window_async), LambdaFunction[object, WindowResponse])
as_lambda_handler(step(add_future), windowed(kinesis(Order), Total, finish=publish_future))


async def handle_async() -> None:
    assert_type(await process_batch_async(event, step(add_async), window), WindowResponse)
    assert_type(await process_batch_async(event, step(add_async), window_async), WindowResponse)
    assert_type(
        await fold_batch_async(event, step(add_async), window),
        Batch[Total, OutOfStock, KinesisRecord, WindowResponse],
    )
    await process_batch_async(event, step(add), window)  # BAD not async


# ---------------------------------------------------------------- refused
def to_int(total: Total, record: KinesisRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def from_int(total: int, record: KinesisRecord[Order]) -> Result[Total, OutOfStock]:
    raise NotImplementedError


def of_text(total: Total, record: KinesisRecord[str]) -> Result[Total, OutOfStock]:
    raise NotImplementedError


def no_result(total: Total, record: KinesisRecord[Order]) -> Total:
    raise NotImplementedError


def swapped(record: KinesisRecord[Order], total: Total) -> Result[Total, OutOfStock]:
    raise NotImplementedError


def measure(record: KinesisRecord[Order]) -> Result[float, OutOfStock]:
    raise NotImplementedError


def publish_int(total: int) -> Result[None, OSError]:
    raise NotImplementedError


def publish_nothing(total: Total) -> None: ...


def turn_to_int(turn: InWindow[Total, KinesisRecord[Order]]) -> Result[int, OutOfStock]:
    raise NotImplementedError


async def to_int_async(total: Total, record: KinesisRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


async def later(record: KinesisRecord) -> RawRecord:
    raise NotImplementedError


process_batch(event, step(to_int), window)  # BAD state that comes out
process_batch(event, step(from_int), window)  # BAD state that goes in
process_batch(event, step(of_text), window)  # BAD record
process_batch(event, step(no_result), window)  # BAD no Result
process_batch(event, step(swapped), window)  # BAD order of parameters
process_batch(event, step(add_with), window)  # BAD nobody passes a context
process_batch(event, turn_to_int, window)  # BAD state that comes out
process_batch(event, add, window)  # BAD a step, not a handler
process_batch(event, measure, window)  # BAD a handler of records
process_batch(event, step(add), kinesis(Order))  # BAD no window
process_batch(event, step(add), window_async)  # BAD finish has to be awaited
as_lambda_handler(step(to_int), window)  # BAD state that comes out
as_lambda_handler(step(to_int_async), window)  # BAD state that comes out
as_lambda_handler(step(add), window_async)  # BAD finish has to be awaited
as_lambda_handler(add, window)  # BAD a step, not a handler
windowed(kinesis(Order), Total, finish=publish_int)  # BAD state
windowed(kinesis(Order), Total, finish=publish_nothing)  # BAD no Result
windowed(sqs(Order), Total)  # BAD a queue has no windows
windowed(kafka(Order), Total)  # BAD nor has Kafka
windowed(window, Total)  # BAD a window already
windowed(kinesis(Order))  # BAD no state
windowed(fetched(kinesis(Order), later), Total)  # BAD to be awaited
process_batch(event, step(add), windowed(kinesis(Order), Total, initial=3))  # BAD initial state
no_state = process_batch(event, measure, kinesis(Order))["state"]  # BAD no window
