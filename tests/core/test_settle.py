"""`dead_letter`, `discard` and `caused_by`: who is settled, and what keeps a record failed."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from beartype.roar import BeartypeCallHintViolation
from returns.future import FutureResult, FutureSuccess
from returns.io import IOResult, IOSuccess
from returns.result import Failure, Result, Success

from batchfold import (
    AsyncSettle,
    BatchProcessingError,
    Crashed,
    Failed,
    Fault,
    Malformed,
    Record,
    Rejected,
    SqsRecord,
    as_lambda_handler,
    fold_batch,
    fold_batch_async,
    kinesis,
    process_batch,
    sqs,
)
from batchfold.core.settling import caused_by, dead_letter, discard
from batchfold.testing import SqsMessage, kinesis_event, sqs_event

DO_AS_TOLD = sqs(dict[str, str])


class PermanentError(Exception):
    pass


def do_as_told(record: SqsRecord[dict[str, str]]) -> Result[None, Exception]:
    match record.body:
        case {"do": "succeed"}:
            return Success(None)
        case {"do": "reject"}:
            return Failure(PermanentError())
        case _:
            raise TimeoutError


async def do_as_told_async(record: SqsRecord[dict[str, str]]) -> Result[None, Exception]:
    return do_as_told(record)


def event_of(*orders: str) -> dict[str, Any]:
    return sqs_event(*({"do": order} if order != "?" else order for order in orders))


class Sent:
    """A sender that remembers."""

    def __init__(self, answer: Callable[[], Any] = lambda: Success("sent")) -> None:
        self.failed: list[Failed[object, Record]] = []
        self.answer = answer

    def __call__(self, failed: Failed[object, Record]) -> Any:
        self.failed.append(failed)
        return self.answer()


def always(_failed: Failed[object, Record]) -> bool:
    return True


def test_a_record_that_was_sent_is_settled_and_is_not_named_to_lambda() -> None:
    send = Sent()
    batch = fold_batch(
        event_of("?", "succeed"), do_as_told, DO_AS_TOLD, settle=dead_letter(send, when=caused_by(Malformed))
    )
    assert [settled.record.body for settled in batch.settled] == ["?"]
    assert [failed.item_id for failed in send.failed] == [batch.settled[0].item_id]
    assert batch.response == {"batchItemFailures": []}


def test_what_the_predicate_does_not_pick_is_left_as_it_is_and_not_sent() -> None:
    send = Sent()
    settle = dead_letter(send, when=caused_by(Malformed))
    (failed,) = fold_batch(event_of("reject"), do_as_told, DO_AS_TOLD, settle=settle).failed
    assert not send.failed
    assert isinstance(failed.fault, Rejected)
    assert failed.settle_error is None


def test_the_predicate_sees_the_record_as_delivered() -> None:
    event = sqs_event(SqsMessage("?", approximate_receive_count=3), SqsMessage("?", approximate_receive_count=2))
    batch = fold_batch(
        event,
        do_as_told,
        DO_AS_TOLD,
        settle=dead_letter(Sent(), when=lambda failed: failed.record.approximate_receive_count >= 3),
    )
    assert [settled.record.approximate_receive_count for settled in batch.settled] == [3]


@pytest.mark.parametrize("error", [OSError("no queue"), "no queue", 3])
def test_a_sender_that_fails_leaves_the_record_failed_with_both_causes(error: object) -> None:
    send = Sent(lambda: Failure(error))
    (failed,) = fold_batch(event_of("reject"), do_as_told, DO_AS_TOLD, settle=dead_letter(send, when=always)).failed
    assert isinstance(failed.fault.error, PermanentError)
    assert failed.settle_error == error


def test_a_sender_that_raises_leaves_the_record_failed_with_both_causes() -> None:
    error = OSError("no queue")

    def send(_failed: Failed[object, Record]) -> Result[None, str]:
        raise error

    (failed,) = fold_batch(event_of("reject"), do_as_told, DO_AS_TOLD, settle=dead_letter(send, when=always)).failed
    assert isinstance(failed.fault.error, PermanentError)
    assert failed.settle_error is error


@pytest.mark.parametrize("nonsense", [None, True, "sent", Success(Success("sent")), {"MessageId": "m1"}])
def test_a_sender_that_returns_no_result_settles_nothing(nonsense: object) -> None:
    send = Sent(lambda: nonsense)
    (failed,) = fold_batch(event_of("reject"), do_as_told, DO_AS_TOLD, settle=dead_letter(send, when=always)).failed
    assert isinstance(failed.settle_error, TypeError)
    assert "settle returned" in str(failed.settle_error)


async def late_yes() -> bool:
    return True


@pytest.mark.parametrize("nonsense", [lambda: None, lambda: 1, lambda: "yes", late_yes])
def test_a_predicate_that_says_neither_yes_nor_no_sends_nothing(nonsense: Callable[[], Any]) -> None:
    send = Sent()
    settle = dead_letter(send, when=lambda _failed: nonsense())
    (failed,) = fold_batch(event_of("reject"), do_as_told, DO_AS_TOLD, settle=settle).failed
    assert not send.failed
    assert isinstance(failed.settle_error, TypeError)
    assert "expected True or False" in str(failed.settle_error)


def test_a_predicate_that_raises_sends_nothing() -> None:
    def when(_failed: Failed[object, Record]) -> bool:
        raise KeyError("ApproximateReceiveCount")

    send = Sent()
    (failed,) = fold_batch(event_of("reject"), do_as_told, DO_AS_TOLD, settle=dead_letter(send, when=when)).failed
    assert not send.failed
    assert isinstance(failed.settle_error, KeyError)


def test_what_was_discarded_is_gone() -> None:
    batch = fold_batch(
        event_of("?", "reject", "crash"), do_as_told, DO_AS_TOLD, settle=discard(when=caused_by(Malformed, Crashed))
    )
    assert [settled.record.body for settled in batch.settled] == ["?", '{"do": "crash"}']
    assert [entry["itemIdentifier"] for entry in batch.response["batchItemFailures"]] == [batch.failed[0].item_id]


@pytest.mark.parametrize(
    ("kinds", "picked"),
    [
        ((Malformed,), {"malformed"}),
        ((Rejected,), {"rejected", "text"}),
        ((Crashed,), {"crashed"}),
        ((Malformed, Crashed), {"malformed", "crashed"}),
        ((PermanentError,), {"rejected"}),
        ((OSError,), {"crashed"}),
        ((ValueError, str), {"malformed", "text"}),
        ((Exception,), {"malformed", "rejected", "crashed"}),
        ((KeyError,), set[str]()),
    ],
)
def test_records_are_picked_by_fault_and_by_error(kinds: tuple[type[object], ...], picked: set[str]) -> None:
    faults: dict[str, Fault[object]] = {
        "malformed": Malformed(UnicodeError()),
        "rejected": Rejected(PermanentError()),
        "crashed": Crashed(TimeoutError()),
        "text": Rejected("out of stock"),
    }
    is_picked = caused_by(*kinds)
    assert {name for name, fault in faults.items() if is_picked(Failed("m1", SqsRecord({}), fault))} == picked


def test_no_kinds_at_all_is_refused() -> None:
    with pytest.raises(TypeError, match="picks nothing"):
        caused_by()


def test_a_kind_that_is_no_class_is_refused_before_a_record_fails() -> None:
    with pytest.raises((TypeError, BeartypeCallHintViolation)):
        caused_by("Malformed")  # type: ignore[arg-type]  # that is the point


# ------------------------------------------------------------ kinds of senders
def test_a_sender_may_return_an_io_result() -> None:
    def send(_failed: Failed[object, Record]) -> IOResult[str, OSError]:
        return IOSuccess("sent")

    assert fold_batch(event_of("crash"), do_as_told, DO_AS_TOLD, settle=dead_letter(send, when=always)).settled


async def send_async(_failed: Failed[object, Record]) -> Result[str, OSError]:
    await asyncio.sleep(0)
    return Success("sent")


class SendAsync:
    async def __call__(self, failed: Failed[object, Record]) -> Result[str, OSError]:
        return await send_async(failed)


def send_in_future(_failed: Failed[object, Record]) -> FutureResult[str, OSError]:
    return FutureSuccess("sent")


@pytest.mark.parametrize("send", [send_async, SendAsync(), send_in_future, Sent()])
def test_in_an_async_run_a_sender_may_be_async(send: AsyncSettle[object, Record]) -> None:
    settle = dead_letter(send, when=caused_by(Malformed, PermanentError))
    run = fold_batch_async(event_of("?", "reject", "crash", "succeed"), do_as_told_async, DO_AS_TOLD, settle=settle)
    batch = asyncio.run(run)
    assert [settled.record.body for settled in batch.settled] == ["?", '{"do": "reject"}']
    assert len(batch.failed) == 1
    assert batch.failed[0].settle_error is None


def test_a_lambda_function_takes_an_async_sender_with_an_async_handler() -> None:
    lambda_handler = as_lambda_handler(
        do_as_told_async, DO_AS_TOLD, settle=dead_letter(send_async, when=caused_by(Malformed))
    )
    assert lambda_handler(event_of("?", "succeed"), None) == {"batchItemFailures": []}


def test_an_async_sender_in_a_synchronous_run_settles_nothing() -> None:
    settle: Any = dead_letter(send_async, when=always)
    with pytest.raises(TypeError, match="settle= got an async function"):
        fold_batch(event_of("crash"), do_as_told, DO_AS_TOLD, settle=settle)

    def looks_synchronous(failed: Failed[Any, Any]) -> Any:
        return settle(failed)

    (failed,) = fold_batch(event_of("crash"), do_as_told, DO_AS_TOLD, settle=looks_synchronous).failed
    assert "awaitable" in str(failed.settle_error)


def test_an_async_sender_that_fails_leaves_the_record_failed_with_both_causes() -> None:
    async def send(_failed: Failed[object, Record]) -> Result[str, OSError]:
        raise OSError("no queue")

    batch = asyncio.run(
        fold_batch_async(event_of("crash"), do_as_told_async, DO_AS_TOLD, settle=dead_letter(send, when=always))
    )
    assert isinstance(batch.failed[0].fault.error, TimeoutError)
    assert isinstance(batch.failed[0].settle_error, OSError)


# ------------------------------------------------------------ poison
def test_settled_poison_before_a_failure_does_not_fail_the_invocation_and_is_sent_once() -> None:
    send = Sent()
    settle = dead_letter(send, when=caused_by(Malformed))
    event = kinesis_event("?", {"do": "reject"}, {"do": "succeed"})

    def reject(_record: object) -> Result[None, PermanentError]:
        return Failure(PermanentError())

    response = process_batch(event, reject, kinesis(dict[str, str]), settle=settle)
    failed = event["Records"][1]["kinesis"]["sequenceNumber"]
    assert response == {"batchItemFailures": [{"itemIdentifier": failed}]}
    # Lambda delivers the stream again from there on
    again = {"Records": event["Records"][1:]}
    with pytest.raises(BatchProcessingError):
        process_batch(again, reject, kinesis(dict[str, str]), settle=settle)
    assert len(send.failed) == 1


def test_settled_poison_alone_is_a_success() -> None:
    response = process_batch(event_of("?"), do_as_told, DO_AS_TOLD, settle=discard(when=caused_by(Malformed)))
    assert response == {"batchItemFailures": []}


def test_the_lane_goes_on_behind_a_settled_record() -> None:
    event = sqs_event("?", {"do": "succeed"}, {"do": "crash"}, {"do": "succeed"}, fifo=True)
    batch = fold_batch(event, do_as_told, DO_AS_TOLD, settle=discard(when=caused_by(Malformed)))
    kinds = [type(outcome).__name__ for outcome in batch.outcomes]
    assert kinds == ["Settled", "Succeeded", "Failed", "Unprocessed"]
