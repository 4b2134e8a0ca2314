"""Layers: what infers through `pipe`, and what is refused (every line marked `# BAD`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pydantic import BaseModel
from returns.future import FutureResult
from returns.io import IOResult
from returns.result import Result, safe
from typing_extensions import assert_type

from batchfold import (
    Batch,
    DynamoDBRecord,
    EventBridge,
    LambdaContext,
    LambdaFunction,
    Latencies,
    NoRouteError,
    Record,
    SqsRecord,
    as_lambda_handler,
    checked,
    dynamodb,
    fold_batch,
    fold_batch_async,
    only,
    pipe,
    process_batch,
    route,
    sqs,
    timed,
)


class Order(BaseModel):
    quantity: int


class Legacy(BaseModel):
    name: str


class OutOfStock(Exception): ...


class Unknown(Exception): ...


event: dict[str, object] = {}


def reserve(record: SqsRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def reserve_with_effects(record: SqsRecord[Order]) -> IOResult[int, OutOfStock]:
    raise NotImplementedError


async def reserve_async(record: SqsRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


async def reserve_async_with_effects(record: SqsRecord[Order]) -> IOResult[int, OutOfStock]:
    raise NotImplementedError


def reserve_in_future(record: SqsRecord[Order]) -> FutureResult[int, OutOfStock]:
    raise NotImplementedError


def is_large(record: SqsRecord[Order]) -> bool:
    return record.body.quantity > 10


def is_named(record: SqsRecord[Legacy]) -> bool:
    return record.body.name != ""


def is_text(record: SqsRecord[Order]) -> str:
    return ""


# --- only
assert_type(only(is_large)(reserve), Callable[[SqsRecord[Order]], Result[int | None, OutOfStock]])
assert_type(pipe(reserve, only(is_large)), Callable[[SqsRecord[Order]], Result[int | None, OutOfStock]])
assert_type(pipe(reserve_with_effects, only(is_large)), Callable[[SqsRecord[Order]], IOResult[int | None, OutOfStock]])
assert_type(
    pipe(reserve_async, only(is_large)), Callable[[SqsRecord[Order]], Awaitable[Result[int | None, OutOfStock]]]
)
assert_type(
    pipe(reserve_async_with_effects, only(is_large)),
    Callable[[SqsRecord[Order]], Awaitable[IOResult[int | None, OutOfStock]]],
)
assert_type(
    pipe(reserve_in_future, only(is_large)), Callable[[SqsRecord[Order]], Awaitable[IOResult[int | None, OutOfStock]]]
)
assert_type(fold_batch(event, pipe(reserve, only(is_large)), sqs(Order)), Batch[int | None, OutOfStock, SqsRecord])
as_lambda_handler(pipe(reserve, only(is_large)), sqs(Order))
as_lambda_handler(pipe(reserve_async, only(is_large)), sqs(Order), max_concurrency=5)


async def in_async_runs() -> None:
    batch = await fold_batch_async(event, pipe(reserve_async, only(is_large)), sqs(Order))
    assert_type(batch, Batch[int | None, OutOfStock, SqsRecord])


def arrived_first(record: SqsRecord[object]) -> bool:
    return record.approximate_receive_count == 1


def is_any(record: Record) -> bool:
    return "x" in record.raw


def reserve_in_time(record: SqsRecord[Order], context: LambdaContext) -> Result[int, OutOfStock]:
    raise NotImplementedError


async def reserve_in_time_async(record: SqsRecord[Order], context: LambdaContext) -> Result[int, OutOfStock]:
    raise NotImplementedError


def reserve_or_not(record: SqsRecord[Order], dry_run: bool) -> Result[int, OutOfStock]:
    raise NotImplementedError


# a predicate of any body goes around handlers of one
assert_type(fold_batch(event, pipe(reserve, only(arrived_first)), sqs(Order)), Batch[int | None, OutOfStock, SqsRecord])
assert_type(fold_batch(event, only(is_any)(reserve), sqs(Order)), Batch[int | None, OutOfStock, SqsRecord])
fold_batch(event, pipe(reserve, only(arrived_first), timed(Latencies())), sqs(Order))
fold_batch(event, pipe(pipe(reserve, only(arrived_first)), only(is_large)), sqs(Order))
process_batch(event, pipe(reserve, only(arrived_first)), sqs(Legacy))  # BAD the handler takes another body
fold_batch(event, pipe(reserve, only(arrived_first)), sqs(Order)).succeeded[0].value + 1  # BAD it may be None
# layers around handlers that take the Lambda context
assert_type(as_lambda_handler(pipe(reserve_in_time, only(is_large)), sqs(Order)), LambdaFunction[LambdaContext])
assert_type(as_lambda_handler(pipe(reserve_in_time, only(arrived_first)), sqs(Order)), LambdaFunction[LambdaContext])
assert_type(as_lambda_handler(pipe(reserve_in_time, timed(Latencies()), checked), sqs(Order)), LambdaFunction[LambdaContext])
assert_type(
    as_lambda_handler(pipe(reserve_in_time_async, only(is_any), timed(Latencies())), sqs(Order), max_concurrency=5),
    LambdaFunction[LambdaContext],
)
as_lambda_handler(pipe(reserve_or_not, only(is_large)), sqs(Order))  # BAD the second argument is no context
as_lambda_handler(pipe(reserve_or_not, timed(Latencies())), sqs(Order))  # BAD as above
fold_batch(event, pipe(reserve_in_time, only(is_large)), sqs(Order))  # BAD nobody gives it a context

only()  # BAD no predicate
fold_batch(event, pipe(reserve, only(lambda record: record.nonsense)), sqs(Order))  # BAD a lambda says nowhere what its record is
only(is_text)(reserve)  # BAD a predicate returns a bool
fold_batch(event, only(is_named)(reserve), sqs(Order))  # BAD the predicate takes another body
fold_batch(event, pipe(reserve, only(is_named)), sqs(Order))  # BAD as above
process_batch(event, pipe(reserve, only(is_large)), sqs(Legacy))  # BAD the handler takes another body
fold_batch(event, pipe(reserve, only(is_large)), sqs(Order)).succeeded[0].value + 1  # BAD it may be None
process_batch(event, pipe(reserve_async, only(is_large)), sqs(Order))  # BAD an async handler


# --- route
def insert(record: DynamoDBRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def remove(record: DynamoDBRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def rename(record: DynamoDBRecord[Legacy]) -> Result[int, OutOfStock]:
    raise NotImplementedError


async def insert_async(record: DynamoDBRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def placed(record: SqsRecord[EventBridge[Order]]) -> IOResult[str, Unknown]:
    raise NotImplementedError


by_change = route(lambda record: record.event_name, {"INSERT": insert, "MODIFY": insert, "REMOVE": remove})
assert_type(by_change, Callable[[DynamoDBRecord[Order]], Result[int, OutOfStock | NoRouteError]])
assert_type(
    fold_batch(event, by_change, dynamodb(Order)), Batch[int, OutOfStock | NoRouteError, DynamoDBRecord]
)
assert_type(
    route(lambda record: record.event_name, {"INSERT": insert_async}),
    Callable[[DynamoDBRecord[Order]], Awaitable[Result[int, OutOfStock | NoRouteError]]],
)
assert_type(
    route(lambda record: record.body.detail_type, {"OrderPlaced": placed}),
    Callable[[SqsRecord[EventBridge[Order]]], IOResult[str, Unknown | NoRouteError]],
)
as_lambda_handler(by_change, dynamodb(Order))
assert_type(
    as_lambda_handler(route(lambda record: record.body.quantity, {1: reserve_in_time}), sqs(Order)),
    LambdaFunction[LambdaContext],
)
as_lambda_handler(route(lambda record: record.body.quantity, {1: reserve_in_time_async}), sqs(Order))
route(lambda record: record.body.quantity, {1: reserve, 2: reserve_in_time})  # BAD one needs the context, one does not
as_lambda_handler(route(lambda record: record.body.quantity, {1: reserve_or_not}), sqs(Order))  # BAD no context
route({"INSERT": insert})  # BAD no key
route(lambda record: record.event, {"INSERT": insert})  # BAD a record has no such thing
route(lambda record: record.event_name, {"INSERT": insert, "REMOVE": rename})  # BAD handlers of different records
route(lambda record: record.event_name, [insert])  # BAD no mapping
process_batch(event, by_change, dynamodb(Legacy))  # BAD the handlers take another image

# --- checked and timed change nothing
assert_type(fold_batch(event, pipe(reserve, checked), sqs(Order)), Batch[int, OutOfStock, SqsRecord])
assert_type(fold_batch(event, pipe(reserve, timed(Latencies())), sqs(Order)), Batch[int, OutOfStock, SqsRecord])
as_lambda_handler(pipe(reserve_in_future, timed(Latencies())), sqs(Order))
fold_batch(event, pipe(reserve_in_future, timed(Latencies())), sqs(Order))  # BAD an async handler
fold_batch(event, pipe(reserve, timed(Latencies())), sqs(Legacy))  # BAD the handler takes another body
assert_type(
    pipe(reserve, checked, only(is_large), timed(Latencies())),
    Callable[[SqsRecord[Order]], Result[int | None, OutOfStock]],
)
assert_type(
    # with an async handler, mypy knows `only` as the first layer, and no further on
    pipe(checked(reserve_async), only(is_large), timed(Latencies())),
    Callable[[SqsRecord[Order]], Awaitable[Result[int | None, OutOfStock]]],
)
assert_type(
    # a second `only` behind the first, mypy does not follow in one pipe
    pipe(pipe(reserve, only(is_large)), only(is_large)),
    Callable[[SqsRecord[Order]], Result[int | None, OutOfStock]],
)
process_batch(event, pipe(reserve, checked), sqs(Order))
as_lambda_handler(checked(reserve_async), sqs(Order))
pipe(3, checked)  # BAD no handler
process_batch(event, pipe(reserve, checked), sqs(Legacy))  # BAD the handler takes another body


# --- what returns has already
def parse(record: SqsRecord[Order]) -> Result[Order, Unknown]:
    raise NotImplementedError


def renamed(error: OutOfStock) -> Unknown:
    raise NotImplementedError


def reserve_or_raise(record: SqsRecord[Order]) -> int:
    raise NotImplementedError


assert_type(
    fold_batch(event, lambda record: reserve(record).alt(renamed), sqs(Order)), Batch[int, Unknown, SqsRecord]
)
assert_type(fold_batch(event, safe(reserve_or_raise), sqs(Order)), Batch[int, Exception, SqsRecord])


def shouting(
    handler: Callable[[SqsRecord[Order]], Result[int, OutOfStock]],
) -> Callable[[SqsRecord[Order]], Result[str, OutOfStock]]:
    return lambda record: handler(record).map(str)


assert_type(
    fold_batch(event, pipe(reserve, shouting, timed(Latencies())), sqs(Order)), Batch[str, OutOfStock, SqsRecord]
)
pipe(reserve_async, shouting)  # BAD the layer takes synchronous handlers
pipe(reserve, only(is_large), shouting)  # BAD the layer takes no None
