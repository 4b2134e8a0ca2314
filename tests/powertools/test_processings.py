"""A processor may be shared: by threads, and by a handler with the code that called it."""

import asyncio
import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from batchfold import Lane, whole_batch
from batchfold.powertools import (
    BatchProcessor,
    EventType,
    PartialItemFailureResponse,
    SqsFifoPartialProcessor,
    SQSRecord,
    SqsRecordModel,
    async_process_partial_response,
    process_partial_response,
)
from batchfold.testing import SqsMessage, sqs_event


def ids(event: dict[str, Any], *positions: int) -> list[str]:
    return [event["Records"][at]["messageId"] for at in positions]


def names(response: PartialItemFailureResponse) -> list[Any]:
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


def event_named(queue: str, *bodies: str) -> dict[str, Any]:
    return sqs_event(*bodies, queue_name=queue)


def fail_if_told(record: SQSRecord) -> str:
    if record.body == "fail":
        raise ConnectionError(record.message_id)
    return record.body


def test_two_threads_do_not_mix_their_results() -> None:
    processor = BatchProcessor(EventType.SQS)
    meet = Barrier(2, timeout=10)

    def handle(record: SQSRecord) -> str:
        meet.wait()  # the two invocations handle record by record at the same time
        return fail_if_told(record)

    def invoke(event: dict[str, Any]) -> tuple[list[Any], list[Any], int]:
        called = processor(event["Records"], handle)
        meet.wait()
        with called as batch:
            batch.process()
        meet.wait()
        return names(processor.response()), processor.success_messages, len(processor.exceptions)

    events = [event_named("first", "fail", "", ""), event_named("second", "", "", "fail")]
    with ThreadPoolExecutor(2) as executor:
        first, second = executor.map(invoke, events)
    assert first == (ids(events[0], 0), events[0]["Records"][1:], 1)
    assert second == (ids(events[1], 2), events[1]["Records"][:2], 1)


def test_a_handler_may_call_the_processor_that_it_is_called_by() -> None:
    processor = BatchProcessor(EventType.SQS)
    outer, inner = event_named("outer", "", "fail", ""), event_named("inner", "fail", "", "")
    answers: list[Any] = []

    def handle(record: SQSRecord) -> str:
        answers.append(names(process_partial_response(inner, fail_if_told, processor)))
        return fail_if_told(record)

    assert names(process_partial_response(outer, handle, processor)) == ids(outer, 1)
    assert answers == [ids(inner, 0)] * 3
    assert processor.success_messages == [outer["Records"][0], outer["Records"][2]]


def test_blocks_may_stand_in_each_other() -> None:
    processor = BatchProcessor(EventType.SQS)
    outer, inner = event_named("outer", "fail", ""), event_named("inner", "", "fail", "")
    with processor(outer["Records"], fail_if_told):
        processor.process()
        with processor(inner["Records"], fail_if_told):
            processor.process()
        assert names(processor.response()) == ids(inner, 1)
    assert names(processor.response()) == ids(outer, 0)


def test_a_fifo_processor_that_is_called_again_keeps_both_orders() -> None:
    processor = SqsFifoPartialProcessor(skip_group_on_error=True)
    outer = sqs_event(SqsMessage("", "a"), SqsMessage("fail", "b"), SqsMessage("", "a"), queue_name="outer", fifo=True)
    inner = sqs_event(SqsMessage("fail", "a"), SqsMessage("", "a"), SqsMessage("", "b"), queue_name="inner", fifo=True)
    answers: list[Any] = []

    def handle(record: SQSRecord) -> str:
        answers.append(names(process_partial_response(inner, fail_if_told, processor)))
        return fail_if_told(record)

    assert names(process_partial_response(outer, handle, processor)) == ids(outer, 1)
    assert answers == [ids(inner, 0, 1)] * 3


def test_one_thread_may_call_another_process_and_a_third_read() -> None:
    processor = BatchProcessor(EventType.SQS)
    for queue in ("first", "second"):  # in warm invocations too, whatever the threads were used for before
        event = event_named(queue, "", "fail")
        with ThreadPoolExecutor(1) as executor, processor(event["Records"], fail_if_told):
            executor.submit(processor.process).result()
        with ThreadPoolExecutor(1) as executor:
            read = executor.submit(processor.response).result()
        assert names(processor.response()) == names(read) == ids(event, 1)


def test_a_pool_of_threads_kept_across_invocations_sees_the_invocation_at_hand() -> None:
    processor = BatchProcessor(EventType.SQS)
    with ThreadPoolExecutor(1) as executor:
        for queue in ("first", "second"):
            event = event_named(queue, "fail", "")
            with processor(event["Records"], fail_if_told):
                executor.submit(processor.process).result()
            assert names(processor.response()) == ids(event, 0)


def test_a_handler_may_call_the_processor_in_a_thread_that_only_processes() -> None:
    processor = BatchProcessor(EventType.SQS)
    outer, inner = event_named("outer", "", "fail"), event_named("inner", "fail", "")

    def handle(record: SQSRecord) -> str:
        process_partial_response(inner, fail_if_told, processor)
        return fail_if_told(record)

    with processor(outer["Records"], handle), ThreadPoolExecutor(1) as executor:
        executor.submit(processor.process).result()
    assert names(processor.response()) == ids(outer, 1)


def test_results_are_there_until_the_next_call() -> None:
    processor = BatchProcessor(EventType.SQS)
    assert (processor.success_messages, processor.response()) == ([], {"batchItemFailures": []})
    first, second = event_named("first", "", "fail"), event_named("second", "")
    process_partial_response(first, fail_if_told, processor)
    assert processor.success_messages == first["Records"][:1]
    process_partial_response(second, fail_if_told, processor)
    assert (processor.success_messages, processor.fail_messages) == (second["Records"], [])


def test_an_async_run_has_ended_when_a_hook_raised() -> None:
    """Nothing of it goes on in the next invocation."""
    ended: list[str] = []

    class Raising(SqsFifoPartialProcessor):
        def failure_handler(self, record: Any, exception: Any) -> Any:
            raise RuntimeError(f"a hook raised for {record.message_id}") from exception[1]

    async def handle(record: SQSRecord) -> None:
        fail_if_told(record)
        await asyncio.sleep(0.01)
        ended.append(record.body)

    event = sqs_event(SqsMessage("fail", "a"), SqsMessage("slow", "b"), fifo=True)
    with pytest.raises(RuntimeError, match="a hook raised"):
        async_process_partial_response(event, handle, Raising(skip_group_on_error=True))
    assert ended == ["slow"]


def test_a_hook_may_note_a_record_of_its_own_making() -> None:
    class Copying(BatchProcessor):
        def failure_handler(self, record: Any, exception: Any) -> Any:
            return super().failure_handler(record.model_copy(), exception)

    def handle(record: SqsRecordModel) -> None:
        if record.body == "fail":
            raise ConnectionError

    event = sqs_event("", "fail")
    processor = Copying(EventType.SQS, model=SqsRecordModel)
    assert names(process_partial_response(event, handle, processor)) == ids(event, 1)


def test_the_same_call_may_be_used_for_two_blocks() -> None:
    event = event_named("only", "", "fail")
    called = BatchProcessor(EventType.SQS)(event["Records"], fail_if_told)
    for _ in range(2):
        with called as batch:
            batch.process()
        assert (len(called.success_messages), names(called.response())) == (1, ids(event, 1))


def test_a_block_that_could_not_be_entered_leaves_nothing_behind() -> None:
    class Unready(BatchProcessor):
        def _prepare(self) -> None:
            raise ConnectionError("no table to write to")

    processor = Unready(EventType.SQS)
    with pytest.raises(ConnectionError), processor([], fail_if_told):
        pytest.fail("the block must not be entered")


def test_a_processor_with_lanes_of_its_own_must_say_what_they_pass_over() -> None:
    class Ordered(BatchProcessor):
        @property
        def _lane(self) -> Lane:
            return whole_batch

    with pytest.raises(NotImplementedError, match="Ordered has lanes"):
        process_partial_response(event_named("only", "fail", ""), fail_if_told, Ordered(EventType.SQS))


def pickled(processor: BatchProcessor) -> BatchProcessor:
    same: BatchProcessor = pickle.loads(pickle.dumps(processor))  # noqa: S301  # what was just pickled
    return same


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_a_copy_shows_what_was_at_hand_and_goes_its_own_way(copied: Any) -> None:
    processor = BatchProcessor(EventType.SQS, model=SqsRecordModel)
    event = sqs_event("a", "b")
    with processor(event["Records"], fail_if_told):
        processor.process()
    other = copied(processor)
    assert other.success_messages == processor.success_messages
    assert other.success_messages is not processor.success_messages
    assert names(other.response()) == []
    event = sqs_event("a", "fail")
    with other(event["Records"], fail_if_told):
        other.process()
    assert names(other.response()) == ids(event, 1)
    assert names(processor.response()) == []
