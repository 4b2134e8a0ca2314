"""EventBridge Pipes: the adapter keeps the types of the source, and reads lists."""

from __future__ import annotations

from typing import Any, assert_type

from pydantic import BaseModel
from returns.result import Result, Success

from batchfold import (
    AnyBatch,
    AsyncSource,
    Batch,
    BatchOf,
    DynamoDBRecord,
    KinesisRecord,
    LambdaContext,
    ListedRecord,
    PartialResponse,
    RawRecord,
    Record,
    Source,
    SqsRecord,
    as_lambda_handler,
    by_message_group,
    by_partition_key,
    dynamodb,
    each_record,
    fetched,
    fold_batch,
    fold_batch_async,
    kafka,
    kinesis,
    of_record,
    pipes,
    process_batch,
    process_batch_async,
    sqs,
)


class Order(BaseModel):
    id: str
    quantity: int


class Legacy(BaseModel):
    name: str


class OutOfStock(Exception): ...


class OwnRecord(ListedRecord): ...


class OtherRecord(Record): ...


def reserve(record: SqsRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


async def reserve_async(record: SqsRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def measure(record: KinesisRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def change(record: DynamoDBRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def fetch(record: SqsRecord) -> RawRecord:
    raise NotImplementedError


async def fetch_later(record: SqsRecord) -> RawRecord:
    raise NotImplementedError


def of_length(record: KinesisRecord) -> int:
    raise NotImplementedError


event: dict[str, object] = {}
records: list[dict[str, Any]] = []
context: Any = None


def own() -> Source[str, OwnRecord]:
    raise NotImplementedError


def other() -> Source[str, OtherRecord]:
    raise NotImplementedError


def of_values() -> Source[str, OwnRecord, BatchOf[str]]:
    raise NotImplementedError


def of_own_answer() -> Source[str, OwnRecord, AnyBatch, dict[str, str]]:
    raise NotImplementedError


assert_type(pipes(sqs(Order)), Source[SqsRecord[Order], SqsRecord])
assert_type(pipes(kinesis(Order)), Source[KinesisRecord[Order], KinesisRecord])
assert_type(pipes(dynamodb(Order)), Source[DynamoDBRecord[Order], DynamoDBRecord])
assert_type(pipes(sqs(Order, lane=by_message_group)), Source[SqsRecord[Order], SqsRecord])
assert_type(pipes(kinesis(lane=by_partition_key)), Source[KinesisRecord[bytes], KinesisRecord])
assert_type(pipes(kinesis(decode=of_record(of_length))), Source[KinesisRecord[int], KinesisRecord])
assert_type(pipes(sqs(Order)).replace(lane_of=lambda _raws: each_record), Source[SqsRecord[Order], SqsRecord])
assert_type(pipes(own()), Source[str, OwnRecord])
assert_type(process_batch(records, reserve, pipes(sqs(Order))), PartialResponse)
assert_type(process_batch(records, measure, pipes(kinesis(Order))), PartialResponse)
assert_type(process_batch(records, change, pipes(dynamodb(Order))), PartialResponse)
assert_type(fold_batch(records, reserve, pipes(sqs(Order))), Batch[int, OutOfStock, SqsRecord])
assert_type(fold_batch(records, lambda record: Success(record.body.id), pipes(sqs(Order))).succeeded[0].value, str)
assert_type(as_lambda_handler(reserve, pipes(sqs(Order)))(records, context), PartialResponse)
assert_type(as_lambda_handler(reserve_async, pipes(sqs(Order)))(records, context), PartialResponse)

assert_type(pipes(fetched(sqs(Order), fetch)), Source[SqsRecord[Order], SqsRecord])
assert_type(fetched(pipes(sqs(Order)), fetch), Source[SqsRecord[Order], SqsRecord])
assert_type(pipes(fetched(sqs(Order), fetch_later)), AsyncSource[SqsRecord[Order], SqsRecord])
assert_type(fetched(pipes(sqs(Order)), fetch_later), AsyncSource[SqsRecord[Order], SqsRecord])
as_lambda_handler(reserve_async, pipes(fetched(sqs(Order), fetch_later)))


def pipes_function(event: list[dict[str, Any]], context: LambdaContext) -> PartialResponse:
    return process_batch(event, reserve, pipes(sqs(Order)), context=context, reserve_ms=1_000)


async def run() -> None:
    source = pipes(fetched(sqs(Order), fetch_later))
    assert_type(await fold_batch_async(records, reserve_async, source), Batch[int, OutOfStock, SqsRecord])
    assert_type(await process_batch_async(records, reserve_async, pipes(sqs(Order))), PartialResponse)


process_batch(records, measure, pipes(sqs(Order)))  # BAD another source's record
process_batch(records, reserve, pipes(sqs(Legacy)))  # BAD another model
pipes(kafka(Order))  # BAD no identifier of Kafka's is documented
pipes(other())  # BAD its records are not known to be listed
pipes(of_values())  # BAD a pipe reads a partial response, not one of values
pipes(of_own_answer())  # BAD a pipe reads a partial response, not another answer
pipes(sqs)  # BAD source not called
pipes(sqs(Order), lane=None)  # BAD no such option
pipes(Order)  # BAD a source is wanted, not a model
process_batch(3, reserve, pipes(sqs(Order)))  # BAD no event
process_batch("records", reserve, pipes(sqs(Order)))  # BAD no event
process_batch(records, reserve_async, pipes(sqs(Order)))  # BAD async handler, sync run
process_batch(records, reserve, pipes(fetched(sqs(Order), fetch_later)))  # BAD to be awaited, sync run
as_lambda_handler(reserve, pipes(fetched(sqs(Order), fetch_later)))  # BAD to be awaited, sync handler
