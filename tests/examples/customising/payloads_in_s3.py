"""Bodies that AWS's extended client stored in S3: fetched when their turn comes, deleted once their message is done."""

from typing import Protocol

from returns.result import Result, Success

from batchfold import (
    DeletesObjects,
    GetsObjects,
    LambdaFunction,
    SqsRecord,
    as_lambda_handler,
    delete_fetched,
    fetched,
    s3_pointers,
    sqs,
)


class S3(GetsObjects, DeletesObjects, Protocol):
    """boto3's client. Give it time-outs: `Config(connect_timeout=1, read_timeout=5)`."""


def reserve(record: SqsRecord[dict[str, int]]) -> Result[int, Exception]:
    return Success(record.body["quantity"])


def make(s3: S3) -> LambdaFunction[object]:
    source = fetched(sqs(dict[str, int]), s3_pointers(s3, bucket="large", max_bytes=10_000_000))
    return as_lambda_handler(reserve, source, then=delete_fetched(s3, bucket="large"), reserve_ms=2_000)
