"""Async handlers of chunks: the reserve, a stop and a cancellation cost no record."""

import asyncio
from typing import Any

import pytest
from returns.result import Failure, Result, Success
from tests.concurrency.virtual_time import now, run

from batchfold import SqsRecord, caused_by, fold_batch_async, in_chunks, sqs
from batchfold.testing import Clock, LambdaContext, sqs_event


def kinds_of(batch: Any) -> list[str]:
    return [type(outcome).__name__ for outcome in batch.outcomes]


def test_at_the_reserve_a_chunk_is_cancelled_and_every_record_of_it_comes_back() -> None:
    clock = Clock()

    async def write_all(records: list[SqsRecord[int]]) -> list[Result[None, str]]:
        if records[0].body:
            clock.advance(9)
            await asyncio.sleep(3_600)
        return [Success(None) for _ in records]

    async def main() -> Any:
        return await fold_batch_async(
            sqs_event(0, 0, 1, 1, 2, 2),
            in_chunks(write_all, size=2),
            sqs(int),
            context=LambdaContext(clock=clock, timeout_seconds=10),
            reserve_ms=2_000,
            max_concurrency=1,
            cancel_at_reserve=True,
        )

    batch = run(main())
    assert kinds_of(batch) == [*["Succeeded"] * 2, *["Failed"] * 2, *["Unprocessed"] * 2]
    assert {type(failed.fault.error) for failed in batch.failed} == {TimeoutError}


def test_a_cancellation_from_outside_cancels_the_chunks_and_answers_nothing() -> None:
    ended: list[float] = []

    async def write_all(_records: list[SqsRecord[int]]) -> list[Result[None, str]]:
        try:
            await asyncio.sleep(3_600)
        finally:
            ended.append(now())
        raise NotImplementedError

    async def main() -> None:
        async with asyncio.timeout(5):
            await fold_batch_async(sqs_event(*range(8)), in_chunks(write_all, size=2), sqs(int), max_concurrency=3)

    with pytest.raises(TimeoutError):
        run(main())
    assert ended == [5, 5, 5]


def test_after_a_stop_the_chunks_that_run_are_finished_and_no_other_is_begun() -> None:
    begun: list[list[int]] = []

    async def write_all(records: list[SqsRecord[int]]) -> list[Result[None, Exception]]:
        begun.append([record.body for record in records])
        await asyncio.sleep(records[0].body)
        return [Failure(ConnectionError()) if record.body == 1 else Success(None) for record in records]

    async def main() -> Any:
        return await fold_batch_async(
            sqs_event(*range(8)),
            in_chunks(write_all, size=2),
            sqs(int),
            max_concurrency=2,
            stop_when=caused_by(ConnectionError),
        )

    batch = run(main())
    assert begun == [[0, 1], [2, 3]]
    assert kinds_of(batch) == ["Succeeded", "Failed", "Succeeded", "Succeeded", *["Unprocessed"] * 4]
