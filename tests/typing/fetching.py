"""Payloads that lie elsewhere: sync and async clients, and what is deleted afterwards."""

from __future__ import annotations

from typing import Any, assert_type

from pydantic import BaseModel
from returns.future import future_safe
from returns.result import Result, Success

from batchfold import (
    AsyncSource,
    Batch,
    KafkaRecord,
    KinesisRecord,
    PartialResponse,
    RawRecord,
    Source,
    SqsRecord,
    as_lambda_handler,
    delete_fetched,
    fetched,
    fold_batch,
    fold_batch_async,
    kafka,
    kinesis,
    process_batch,
    process_batch_async,
    s3_pointers,
    sqs,
)


class Order(BaseModel):
    id: str
    quantity: int


class Legacy(BaseModel):
    name: str


class OutOfStock(Exception): ...


class S3:
    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        raise NotImplementedError

    def delete_objects(self, *, Bucket: str, Delete: Any) -> dict[str, Any]:
        raise NotImplementedError


class S3Async:
    async def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        raise NotImplementedError

    async def delete_objects(self, *, Bucket: str, Delete: Any) -> dict[str, Any]:
        raise NotImplementedError


event: dict[str, object] = {}


def reserve(record: SqsRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


async def reserve_async(record: SqsRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


@future_safe
async def reserve_future_safe(record: SqsRecord[Order]) -> int:
    raise NotImplementedError


def unzipped(record: KafkaRecord) -> RawRecord:
    raise NotImplementedError


async def later(record: KinesisRecord) -> RawRecord:
    raise NotImplementedError


def fetch_nothing(record: SqsRecord) -> None:
    raise NotImplementedError


def fetch_text(record: SqsRecord) -> str:
    raise NotImplementedError


assert_type(fetched(sqs(Order), s3_pointers(S3())), Source[SqsRecord[Order], SqsRecord])
assert_type(fetched(sqs(Order), s3_pointers(S3Async())), AsyncSource[SqsRecord[Order], SqsRecord])
assert_type(fetched(sqs(Order), s3_pointers(S3(), max_bytes=10, bucket="large")), Source[SqsRecord[Order], SqsRecord])
assert_type(fetched(kafka(Order), unzipped), Source[KafkaRecord[Order], KafkaRecord])
assert_type(fetched(kinesis(Order), later), AsyncSource[KinesisRecord[Order], KinesisRecord])
assert_type(fold_batch(event, reserve, fetched(sqs(Order), s3_pointers(S3()))), Batch[int, OutOfStock, SqsRecord])
assert_type(process_batch(event, reserve, fetched(sqs(Order), s3_pointers(S3()))), PartialResponse)
assert_type(fold_batch(event, lambda record: Success(record.body.id), fetched(sqs(Order), s3_pointers(S3()))).succeeded[0].value, str)
as_lambda_handler(reserve, fetched(sqs(Order), s3_pointers(S3())), then=delete_fetched(S3()))
as_lambda_handler(reserve_async, fetched(sqs(Order), s3_pointers(S3())), then=delete_fetched(S3()))
as_lambda_handler(reserve_async, fetched(sqs(Order), s3_pointers(S3Async())), max_concurrency=3, then=delete_fetched(S3Async()))
as_lambda_handler(reserve_future_safe, fetched(sqs(Order), s3_pointers(S3Async())))
done = delete_fetched(S3(), bucket="large")
assert_type(done(fold_batch(event, reserve, fetched(sqs(Order), s3_pointers(S3())))), Batch[int, OutOfStock, SqsRecord])


async def run() -> None:
    source = fetched(sqs(Order), s3_pointers(S3Async()))
    assert_type(await fold_batch_async(event, reserve_async, source), Batch[int, OutOfStock, SqsRecord])
    assert_type(await process_batch_async(event, reserve_async, source), PartialResponse)
    batch = await fold_batch_async(event, reserve_async, source)
    assert_type(await delete_fetched(S3Async())(batch), Batch[int, OutOfStock, SqsRecord])


process_batch(event, reserve, fetched(sqs(Order), s3_pointers(S3Async())))  # BAD to be awaited, sync run
as_lambda_handler(reserve, fetched(sqs(Order), s3_pointers(S3Async())))  # BAD to be awaited, sync handler
fetched(kinesis(Order), s3_pointers(S3()))  # BAD only of SQS
fetched(sqs(Order), fetch_nothing)  # BAD no raw record
fetched(sqs(Order), fetch_text)  # BAD no raw record
fetched(sqs(Order), S3())  # BAD no function
fetched(sqs, s3_pointers(S3()))  # BAD source not called
process_batch(event, reserve, fetched(sqs(Legacy), s3_pointers(S3())))  # BAD model
delete_fetched(S3())(fold_batch(event, lambda record: Success(record.data), kinesis(Order)))  # BAD only of SQS
s3_pointers(3)  # BAD no client
delete_fetched(3)  # BAD no client
s3_pointers(S3(), max_bytes="10")  # BAD no number
