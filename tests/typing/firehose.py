"""Firehose: what a handler may return, and what the response is, in both checkers."""

from typing import Any, assert_type

from pydantic import BaseModel
from returns.result import Result, Success, safe

from batchfold import (
    Batch,
    BatchOf,
    Dropped,
    FirehoseOut,
    FirehoseRecord,
    FirehoseResponse,
    LambdaContext,
    LambdaFunction,
    Malformed,
    PartialResponse,
    ResponseFullError,
    Source,
    as_lambda_handler,
    caused_by,
    dead_letter,
    discard,
    each_record,
    fetched,
    firehose,
    fold_batch,
    in_chunks,
    kinesis,
    measures_of,
    of_record,
    process_batch,
    process_batch_async,
    respond,
    sqs,
    sqs_backoff,
)
from batchfold.testing import LambdaContext as TestContext


class Order(BaseModel):
    id: str
    quantity: int


class Legacy(BaseModel):
    number: int


class OutOfStock(Exception): ...


event: dict[str, Any] = {"records": []}
context = TestContext()


def send(failed: object) -> Result[None, str]:
    raise NotImplementedError


def by_shard(record: FirehoseRecord) -> Order:
    raise NotImplementedError


def transform(record: FirehoseRecord[Order]) -> Result[FirehoseOut | Dropped, OutOfStock]:
    assert_type(record.data, Order)
    assert_type(record.shard_id, str | None)
    return Success(Dropped()) if record.data.quantity == 0 else Success(FirehoseOut(b"{}", partition_keys={"k": "v"}))


def transform_all(record: FirehoseRecord[Order]) -> Result[FirehoseOut, OutOfStock]:
    raise NotImplementedError


def drop_all(record: FirehoseRecord[Order]) -> Result[Dropped, OutOfStock]:
    raise NotImplementedError


async def transform_async(record: FirehoseRecord[Order]) -> Result[FirehoseOut | Dropped, OutOfStock]:
    raise NotImplementedError


def transform_in_context(record: FirehoseRecord[Order], context: LambdaContext) -> Result[FirehoseOut, OutOfStock]:
    raise NotImplementedError


def transform_many(records: list[FirehoseRecord[Order]]) -> list[Result[FirehoseOut | Dropped, OutOfStock]]:
    raise NotImplementedError


@safe
def transform_safe(record: FirehoseRecord[Order]) -> FirehoseOut | Dropped:
    raise NotImplementedError


assert_type(process_batch(event, transform, firehose(Order)), FirehoseResponse)
assert_type(process_batch(event, transform_all, firehose(Order)), FirehoseResponse)
assert_type(process_batch(event, drop_all, firehose(Order)), FirehoseResponse)
assert_type(process_batch(event, transform_safe, firehose(Order)), FirehoseResponse)
assert_type(process_batch(event, in_chunks(transform_many, size=10), firehose(Order)), FirehoseResponse)
assert_type(process_batch(event, lambda record: Success(FirehoseOut(record.data)), firehose()), FirehoseResponse)
assert_type(
    fold_batch(event, transform, firehose(Order)),
    Batch[FirehoseOut | Dropped, OutOfStock, FirehoseRecord, FirehoseResponse],
)
assert_type(respond(fold_batch(event, transform_all, firehose(Order))), FirehoseResponse)
assert_type(as_lambda_handler(transform, firehose(Order)), LambdaFunction[object, FirehoseResponse])
assert_type(as_lambda_handler(transform_all, firehose(Order)), LambdaFunction[object, FirehoseResponse])
assert_type(as_lambda_handler(transform_async, firehose(Order)), LambdaFunction[object, FirehoseResponse])
assert_type(as_lambda_handler(transform_in_context, firehose(Order)), LambdaFunction[LambdaContext, FirehoseResponse])
assert_type(
    firehose(decode=of_record(by_shard)),
    Source[FirehoseRecord[Order], FirehoseRecord, BatchOf[FirehoseOut | Dropped], FirehoseResponse],
)
assert_type(
    fetched(firehose(Order), lambda record: record.raw),
    Source[FirehoseRecord[Order], FirehoseRecord, BatchOf[FirehoseOut | Dropped], FirehoseResponse],
)
assert_type(process_batch(event, transform, firehose(Order))["records"][0]["recordId"], str)
process_batch(event, transform, firehose(Order), settle=discard(when=caused_by(Malformed)))
process_batch(event, transform, firehose(Order), settle=dead_letter(send, when=caused_by(ResponseFullError)))
process_batch(event, transform, firehose(Order), observe=print, context=context, reserve_ms=1_000)
process_batch(event, transform, firehose(decode=Order.model_validate_json))
process_batch(event, transform, firehose(Order, lane=each_record), raise_on="any_failure")
measures_of(fold_batch(event, transform, firehose(Order)))
FirehoseOut(b"{}", {"k": "v"}, otf_metadata={"operation": "insert"})


async def firehose_async() -> None:
    assert_type(await process_batch_async(event, transform_async, firehose(Order)), FirehoseResponse)


def as_int(record: FirehoseRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def as_none(record: FirehoseRecord[Order]) -> Result[None, OutOfStock]:
    raise NotImplementedError


def as_bytes_or_dropped(record: FirehoseRecord[Order]) -> Result[bytes | Dropped, OutOfStock]:
    raise NotImplementedError


def bare(record: FirehoseRecord[Order]) -> FirehoseOut:
    raise NotImplementedError


def of_legacy(record: FirehoseRecord[Legacy]) -> Result[FirehoseOut, OutOfStock]:
    raise NotImplementedError


async def as_int_async(record: FirehoseRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def as_int_in_context(record: FirehoseRecord[Order], context: object) -> Result[int, OutOfStock]:
    raise NotImplementedError


def reserve(record: object) -> Result[int, OutOfStock]:
    raise NotImplementedError


process_batch(event, as_int, firehose(Order))  # BAD value
process_batch(event, as_none, firehose(Order))  # BAD value
process_batch(event, as_bytes_or_dropped, firehose(Order))  # BAD value
process_batch(event, bare, firehose(Order))  # BAD no Result
process_batch(event, of_legacy, firehose(Order))  # BAD model
process_batch(event, transform, kinesis(Order))  # BAD source
process_batch(event, transform_async, firehose(Order))  # BAD async handler, sync run
process_batch(event, lambda record: Success(record.data.quantity), firehose(Order))  # BAD value
process_batch(event, lambda record: Success(FirehoseOut(record.data)), firehose(Order))  # BAD an Order is no bytes
fold_batch(event, as_int, firehose(Order))  # BAD value
as_lambda_handler(as_int, firehose(Order))  # BAD value
as_lambda_handler(as_none, firehose(Order))  # BAD value
as_lambda_handler(as_int_async, firehose(Order))  # BAD value
as_lambda_handler(as_int_in_context, firehose(Order))  # BAD value
not_partial: PartialResponse = process_batch(event, transform, firehose(Order))  # BAD response
not_firehose: FirehoseResponse = process_batch(event, reserve, sqs(Order))  # BAD response
no_such_key = process_batch(event, transform, firehose(Order))["batchItemFailures"]  # BAD key
not_partial_either: PartialResponse = respond(fold_batch(event, transform, firehose(Order)))  # BAD response
not_a_plain_function: LambdaFunction[object] = as_lambda_handler(transform, firehose(Order))  # BAD response
not_a_plain_source: Source[FirehoseRecord[Order], FirehoseRecord] = firehose(Order)  # BAD it needs values
sqs_backoff("https://queue")(fold_batch(event, transform, firehose(Order)))  # BAD no SQS
firehose(Order, decode=Order.model_validate_json)  # BAD a type or a function
FirehoseOut("text")  # BAD bytes
FirehoseOut(b"", {"year": 2026})  # BAD text


async def refused_async() -> None:
    await process_batch_async(event, as_int_async, firehose(Order))  # BAD value
