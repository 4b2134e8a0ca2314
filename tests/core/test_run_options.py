"""`stop_when`, the reserve, the watchers and the refusals, as far as they are the core's own."""

import asyncio
from typing import Any

import pytest
from returns.result import Failure, Result, Success

from batchfold import AnyBatch, SqsRecord, caused_by, fold_batch, fold_batch_async, in_chunks, sqs
from batchfold.core.deadline import Deadline
from batchfold.core.handlers import result_of
from batchfold.core.progress import Progress, watch_batches
from batchfold.core.redaction import _place  # pyright: ignore[reportPrivateUsage]  # a test may look inside
from batchfold.sources.fields import UNDECODED
from batchfold.sources.payload import bytes_of_text, text_of
from batchfold.testing import Clock, LambdaContext, sqs_event


class BusyError(Exception):
    """The service is down."""


def handle(record: SqsRecord[int]) -> Result[int, BusyError | str]:
    return Failure(BusyError()) if record.body == 2 else Failure("odd") if record.body % 2 else Success(record.body)


def test_nothing_is_started_after_the_failure_that_stop_when_picks() -> None:
    batch = fold_batch(sqs_event(0, 1, 2, 3, 4), handle, sqs(int), stop_when=caused_by(BusyError))
    kinds = [type(outcome).__name__ for outcome in batch.outcomes]
    assert kinds == ["Succeeded", "Failed", "Failed", "Unprocessed", "Unprocessed"]
    assert str(batch.why_stopped).startswith("stop_when= picked record ")


def test_the_first_reason_to_stop_stands_and_stop_when_is_asked_no_more() -> None:
    progress: Progress[Any, Any, Any, Any, Any] = Progress(sqs_event(0, 1), sqs(int), stop_when=lambda _failed: True)
    assert (progress.start(), progress.start()) == (0, 1)
    progress.finish(0, Failure("no"))
    progress.finish(1, Failure("no"))
    progress.close()
    batch = progress.batch()
    assert len(batch.failed) == 2
    assert str(batch.why_stopped).startswith("stop_when= picked record ")


@pytest.mark.parametrize("answer", [None, BusyError()])
def test_a_stop_when_that_fails_counts_as_a_yes(answer: Any) -> None:
    def asks(_failed: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    batch = fold_batch(sqs_event(1, 0), handle, sqs(int), stop_when=asks)
    assert [type(outcome).__name__ for outcome in batch.outcomes] == ["Failed", "Unprocessed"]


def test_nothing_is_started_or_settled_once_the_reserve_is_reached_and_the_batch_says_why() -> None:
    clock = Clock()
    settled: list[Any] = []

    def slow(record: SqsRecord[int]) -> Result[int, str]:
        clock.advance(5)
        return Failure("odd") if record.body else Success(0)

    def settle(failed: Any) -> Result[None, None]:
        settled.append(failed.item_id)
        return Success(None)

    context = LambdaContext(clock=clock, timeout_seconds=10)
    batch = fold_batch(sqs_event(0, 1, 2), slow, sqs(int), context=context, reserve_ms=2_000, settle=settle)
    assert [type(outcome).__name__ for outcome in batch.outcomes] == ["Succeeded", "Failed", "Unprocessed"]
    assert not settled
    assert batch.why_stopped == "only the reserve of 2000 ms was left of the invocation's time"
    assert batch.ms_left is not None
    assert batch.ms_left() == 0


def test_what_is_left_after_the_handlers_is_the_time_until_the_reserve() -> None:
    context = LambdaContext(clock=Clock(), timeout_seconds=10)
    batch = fold_batch(sqs_event(0), handle, sqs(int), context=context, reserve_ms=2_000)
    assert batch.ms_left is not None
    assert batch.ms_left() == 8_000
    assert Deadline(lambda: 10_000, 2_000).ms_before_reserve() == 8_000


def test_every_batch_is_shown_to_a_watcher_for_as_long_as_it_watches() -> None:
    seen: list[AnyBatch] = []
    with watch_batches(seen.append):
        batch = fold_batch(sqs_event(0), handle, sqs(int))
    fold_batch(sqs_event(0), handle, sqs(int))
    assert seen == [batch]
    assert len(seen) == 1


@pytest.mark.parametrize(
    "value", [[Success(1), Failure("no")], (Failure("no"),), {"a": Failure("no")}, [map(str, [1])]]
)
def test_a_success_that_holds_several_results_is_refused(value: Any) -> None:
    assert "whose own outcome would be lost" in str(getattr(result_of(Success(value)), "error", ""))


@pytest.mark.parametrize("value", [[1, "a"], {"a": [1]}, (), {1, 2}])
def test_a_success_that_holds_several_values_is_done(value: Any) -> None:
    success = Success(value)
    assert result_of(success) is success


async def write_all(records: list[SqsRecord[int]]) -> list[Result[int, str]]:
    return [Success(record.body) for record in records]


def test_an_async_handler_of_chunks_refuses_single_records() -> None:
    with pytest.raises(TypeError, match="was given one record"):
        asyncio.run(in_chunks(write_all, size=2)(SqsRecord({}, 1)))
    batch = asyncio.run(fold_batch_async(sqs_event(0, 1), in_chunks(write_all, size=2), sqs(int)))
    assert len(batch.succeeded) == 2


def test_a_function_of_chunks_that_returns_an_awaitable_without_saying_so_fails_its_records() -> None:
    def undeclared(records: Any) -> Any:
        return write_all(records)

    untyped: Any = in_chunks
    handler: Any = untyped(undeclared, size=2)
    failed = fold_batch(sqs_event(0), handler, sqs(int)).failed
    assert "nothing said that the function is async" in str(failed[0].fault.error)


def test_small_things_that_nothing_else_asks_for() -> None:
    assert _place(None) == ""
    assert repr(UNDECODED) == "..."
    for read in (text_of, bytes_of_text):
        with pytest.raises(ValueError, match="found a value of type int"):
            read(3)
