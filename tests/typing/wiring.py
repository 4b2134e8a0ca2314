"""What `as_lambda_handler`, `respond`, chunks and mixed chains infer and refuse: every line marked `# BAD` is an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, assert_type

from pydantic import BaseModel
from returns.io import IOResult
from returns.result import Result, Success
from typing_extensions import Unpack

import batchfold
from batchfold import (
    AnyBatch,
    Batch,
    BatchOf,
    Failed,
    FunctionOptions,
    KinesisRecord,
    LambdaContext,
    LambdaFunction,
    Outcome,
    PartialResponse,
    Record,
    Source,
    SqsRecord,
    as_lambda_handler,
    caused_by,
    chain,
    fold_batch,
    fold_batch_async,
    in_chunks,
    measures_of,
    process_batch,
    process_batch_async,
    respond,
    sqs,
)
from batchfold import SqsRecrd  # BAD misspelt
from batchfold.powertools import BatchProcesor  # BAD misspelt

batchfold.sqss  # BAD misspelt


class Order(BaseModel):
    id: str
    quantity: int


class Legacy(BaseModel):
    name: str


class Busy(Exception): ...


class NoSuchOrder(Exception): ...


event: dict[str, object] = {}


def reserve(record: SqsRecord[Order]) -> Result[int, Busy]:
    raise NotImplementedError


async def reserve_async(record: SqsRecord[Order]) -> Result[int, Busy]:
    raise NotImplementedError


# ------------------------------------------------------------ functions of any batch switch no checks off
def of_another_error(failed: Failed[NoSuchOrder]) -> Result[None, None]:
    raise NotImplementedError


def of_another_record(failed: Failed[object, KinesisRecord]) -> Result[None, None]:
    raise NotImplementedError


def of_another_value(outcome: Outcome[str, Busy]) -> None: ...


def right(failed: Failed[Busy]) -> Result[None, None]:
    raise NotImplementedError


def names(batch: AnyBatch) -> int:
    return len(batch.ids_not_done)


respond(fold_batch(event, reserve, sqs(Order), settle=of_another_error))  # BAD error
respond(fold_batch(event, reserve, sqs(Order), settle=of_another_record))  # BAD record
respond(fold_batch(event, reserve, sqs(Order), observe=of_another_value))  # BAD value
respond(fold_batch(event, reserve, sqs(Order), settle=lambda failed: Success(failed.record.partition_key)))  # BAD not of SQS
measures_of(fold_batch(event, reserve, sqs(Order), settle=of_another_error))  # BAD error
names(fold_batch(event, reserve, sqs(Order), settle=of_another_error))  # BAD error
respond(fold_batch(event, reserve, sqs(Order), settle=right))
respond(fold_batch(event, reserve, sqs(Order), settle=lambda failed: Success(failed.record.message_id)))
names(fold_batch(event, reserve, sqs(Order), settle=right))
assert_type(respond(fold_batch(event, reserve, sqs(Order))), PartialResponse)


async def later() -> None:
    respond(await fold_batch_async(event, reserve_async, sqs(Order), settle=of_another_error))  # BAD error
    assert_type(respond(await fold_batch_async(event, reserve_async, sqs(Order), settle=right)), PartialResponse)


# ------------------------------------------------------------ lambdas and second parameters
class Mine(Protocol):
    @property
    def aws_request_id(self) -> str: ...


class Full(Protocol):
    @property
    def aws_request_id(self) -> str: ...
    @property
    def function_name(self) -> str: ...
    def get_remaining_time_in_millis(self) -> int: ...


def retrying(record: SqsRecord[Order], retries: int) -> Result[int, Busy]:
    raise NotImplementedError


def in_any_context(record: SqsRecord[Order], context: object) -> Result[int, Busy]:
    raise NotImplementedError


def in_mine(record: SqsRecord[Order], context: Mine) -> Result[int, Busy]:
    raise NotImplementedError


def in_full(record: SqsRecord[Order], context: Full) -> Result[int, Busy]:
    raise NotImplementedError


async def in_full_async(record: SqsRecord[Order], context: Full) -> Result[int, Busy]:
    raise NotImplementedError


as_lambda_handler(lambda record: reserve(record), sqs(Order))
as_lambda_handler(lambda record: record.body.nonsense, sqs(Order))  # BAD attribute
as_lambda_handler(lambda record: Success(record.body.nonsense), sqs(Order))  # BAD attribute
as_lambda_handler(lambda record, context: Success(context.nonsense), sqs(Order))  # BAD attribute
as_lambda_handler(lambda record, context: Success(context.aws_request_id), sqs(Order))
as_lambda_handler(lambda record: None, sqs(Order))  # BAD no Result
as_lambda_handler(retrying, sqs(Order))  # BAD no context
assert_type(as_lambda_handler(in_any_context, sqs(Order)), LambdaFunction[LambdaContext, PartialResponse])
assert_type(as_lambda_handler(in_mine, sqs(Order)), LambdaFunction[LambdaContext, PartialResponse])
assert_type(as_lambda_handler(in_full, sqs(Order)), LambdaFunction[Full, PartialResponse])
assert_type(as_lambda_handler(in_full_async, sqs(Order)), LambdaFunction[Full, PartialResponse])
as_lambda_handler(reserve)  # BAD no source
as_lambda_handler(reserve, sqs(Order), max_concurrency=3)  # BAD sync handler


# ------------------------------------------------------------ then=, stop_when=
def count(batch: Batch[int, Busy, SqsRecord]) -> None: ...


async def count_async(batch: Batch[int, Busy, SqsRecord]) -> None: ...


def of_kinesis(batch: Batch[int, Busy, KinesisRecord]) -> None: ...


as_lambda_handler(reserve, sqs(Order), then=count)
as_lambda_handler(reserve, sqs(Order), then=names)
as_lambda_handler(reserve_async, sqs(Order), then=count_async)
as_lambda_handler(reserve, sqs(Order), then=lambda batch: print(batch.failed))
as_lambda_handler(reserve, sqs(Order), then=lambda batch: print(batch.nonsense))  # BAD attribute
as_lambda_handler(reserve, sqs(Order), then=of_kinesis)  # BAD record
as_lambda_handler(reserve, sqs(Order), stop_when=caused_by(Busy))
as_lambda_handler(reserve, sqs(Order), stop_when=lambda failed: failed.record.approximate_receive_count == 1)
as_lambda_handler(reserve, sqs(Order), stop_when=lambda failed: failed.record.partition_key == "")  # BAD not of SQS


# ------------------------------------------------------------ chains of sync and async steps, of Result and IOResult
def validate(record: SqsRecord[Order]) -> Result[int, Busy]:
    raise NotImplementedError


def save_io(quantity: int) -> IOResult[str, NoSuchOrder]:
    raise NotImplementedError


async def save(quantity: int) -> Result[str, NoSuchOrder]:
    raise NotImplementedError


assert_type(fold_batch(event, chain(validate, save_io), sqs(Order)), Batch[str, Busy | NoSuchOrder, SqsRecord])
as_lambda_handler(chain(validate, save), sqs(Order))
as_lambda_handler(chain(reserve_async, lambda quantity: Success(quantity)), sqs(Order))
process_batch(event, chain(validate, save_io), sqs(Legacy))  # BAD model
process_batch(event, chain(validate, save), sqs(Order))  # BAD async, sync run
chain(save_io, validate)  # BAD step


# ------------------------------------------------------------ chunks
def of_list(records: list[SqsRecord[Order]]) -> list[Result[int, Busy]]:
    raise NotImplementedError


def of_sequence(records: Sequence[SqsRecord[Order]]) -> Sequence[Result[int, Busy]]:
    raise NotImplementedError


async def of_list_async(records: list[SqsRecord[Order]]) -> list[Result[int, Busy]]:
    raise NotImplementedError


assert_type(fold_batch(event, in_chunks(of_list, size=3), sqs(Order)), Batch[int, Busy, SqsRecord])
assert_type(fold_batch(event, in_chunks(of_sequence, size=3), sqs(Order)), Batch[int, Busy, SqsRecord])
as_lambda_handler(in_chunks(of_list_async, size=3), sqs(Order))
fold_batch(event, in_chunks(of_list_async, size=3), sqs(Order))  # BAD async, sync run
fold_batch(event, in_chunks(of_list, size=3), sqs(Legacy))  # BAD model


async def in_chunks_later() -> None:
    await process_batch_async(event, in_chunks(of_list_async, size=3), sqs(Order))
    await process_batch_async(event, in_chunks(of_list, size=3), sqs(Order))  # BAD sync, async run


# ------------------------------------------------------------ a function of one's own around as_lambda_handler
R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)
A = TypeVar("A")


def as_our_handler(
    handler: Callable[[R], Result[V, E]],
    source: Source[R, D, BatchOf[V], A],
    **options: Unpack[FunctionOptions[V, E, D, A]],
) -> LambdaFunction[object, A]:
    return as_lambda_handler(handler, source, **options)


assert_type(as_our_handler(reserve, sqs(Order), raise_on="never"), LambdaFunction[object, PartialResponse])
as_our_handler(reserve, sqs(Order), reserve=1_000)  # BAD option
