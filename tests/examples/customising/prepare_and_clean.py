"""Prepare before a batch and clean up after it: `with`, around `fold_batch`, instead of a processor of one's own."""

from collections.abc import Generator
from contextlib import contextmanager

from returns.result import Result, Success

from batchfold import LambdaContext, PartialResponse, SqsRecord, fold_batch, respond, sqs

table: list[int] = []


@contextmanager
def writer() -> Generator[list[int]]:
    rows: list[int] = []
    yield rows
    table.extend(rows)  # one write for all


def parse(record: SqsRecord[int]) -> Result[int, str]:
    return Success(record.body)


def lambda_handler(event: dict[str, object], context: LambdaContext) -> PartialResponse:
    with writer() as rows:
        batch = fold_batch(event, parse, sqs(int), context=context, reserve_ms=1_000)
        rows += [succeeded.value for succeeded in batch.succeeded]
    return respond(batch)
