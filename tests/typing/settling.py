"""Settling, observing and what is done with a batch: what infers, and what is refused (every line marked `# BAD`)."""

from __future__ import annotations

import asyncio

from mypy_boto3_kinesis import KinesisClient
from mypy_boto3_sqs import SQSClient
from pydantic import BaseModel
from returns.future import FutureResult
from returns.io import IOResult
from returns.result import Result, Success
from typing_extensions import assert_type

from batchfold import (
    AsyncSettle,
    Batch,
    Crashed,
    Failed,
    KinesisRecord,
    Latencies,
    Malformed,
    Measures,
    Outcome,
    Record,
    Rejected,
    Sender,
    Settle,
    SqsRecord,
    as_lambda_handler,
    caused_by,
    dead_letter,
    discard,
    fold_batch,
    fold_batch_async,
    kinesis,
    measures_of,
    observe_all,
    pipe,
    process_batch,
    respond,
    sqs,
    sqs_backoff,
    sqs_sender,
    timed,
)


class Order(BaseModel):
    quantity: int


class OutOfStock(Exception): ...


class Refused(Exception): ...


event: dict[str, object] = {}
def sqs_client() -> SQSClient:
    raise NotImplementedError


def kinesis_client() -> KinesisClient:
    raise NotImplementedError


sends = sqs_sender("https://queue")


def reserve(record: SqsRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


async def reserve_async(record: SqsRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def measure(record: KinesisRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


# --- dead_letter and discard, inline: E and D come from the handler and the source
often = dead_letter(sends, when=caused_by(Malformed, Rejected, Crashed, OutOfStock))
assert_type(
    fold_batch(
        event,
        reserve,
        sqs(Order),
        settle=dead_letter(sends, when=lambda failed: failed.record.approximate_receive_count >= 3),
    ),
    Batch[int, OutOfStock, SqsRecord],
)
assert_type(
    fold_batch(event, reserve, sqs(Order), settle=dead_letter(sends, when=caused_by(Malformed, OutOfStock))),
    Batch[int, OutOfStock, SqsRecord],
)
assert_type(
    fold_batch(event, measure, kinesis(Order), settle=dead_letter(sends, when=caused_by(Malformed))),
    Batch[int, OutOfStock, KinesisRecord],
)
assert_type(
    fold_batch(event, reserve, sqs(Order), settle=discard(when=lambda failed: failed.record.body == "")),
    Batch[int, OutOfStock, SqsRecord],
)
assert_type(
    fold_batch(event, reserve, sqs(Order), settle=dead_letter(lambda failed: Success(failed.raw), when=caused_by(OSError))),
    Batch[int, OutOfStock, SqsRecord],
)
process_batch(event, reserve, sqs(Order), settle=often)
as_lambda_handler(reserve, sqs(Order), settle=dead_letter(sends, when=caused_by(Malformed)))
as_lambda_handler(reserve, sqs(Order), settle=discard(when=caused_by(Malformed)))


def is_hopeless(failed: Failed[object, SqsRecord]) -> bool:
    return failed.record.approximate_receive_count >= 3


def is_sold_out(failed: Failed[OutOfStock, Record]) -> bool:
    return isinstance(failed.fault, Rejected)


# mypy reads a lambda inside an argument of an overloaded function without its context: a named predicate serves both
as_lambda_handler(reserve, sqs(Order), settle=dead_letter(sends, when=is_hopeless))
as_lambda_handler(reserve, sqs(Order), settle=discard(when=is_hopeless))
assert_type(discard(when=is_hopeless), Settle[object, SqsRecord])
assert_type(discard(when=is_sold_out), Settle[OutOfStock, Record])


# --- senders: Result, IOResult and, in async runs, awaitables
def send_with_effects(failed: Failed[object, Record]) -> IOResult[None, OSError]:
    raise NotImplementedError


async def send_async(failed: Failed[object, Record]) -> Result[None, OSError]:
    raise NotImplementedError


def send_in_future(failed: Failed[object, Record]) -> FutureResult[None, OSError]:
    raise NotImplementedError


def send_sqs(failed: Failed[object, SqsRecord]) -> Result[None, OSError]:
    raise NotImplementedError


def send_nothing(failed: Failed[object, Record]) -> None: ...


settles: Settle[object, Record] = dead_letter(send_with_effects, when=caused_by(Malformed))
settles_async: AsyncSettle[object, Record] = dead_letter(send_async, when=caused_by(Malformed))
settles_in_future: AsyncSettle[object, Record] = dead_letter(send_in_future, when=caused_by(Malformed))


async def in_async_runs() -> None:
    async def send_waiting(failed: Failed[object, Record]) -> Result[str, Exception]:
        return await asyncio.to_thread(sends, failed)

    batch = await fold_batch_async(
        event,
        reserve_async,
        sqs(Order),
        settle=dead_letter(send_async, when=lambda failed: failed.record.approximate_receive_count >= 3),
    )
    assert_type(batch, Batch[int, OutOfStock, SqsRecord])
    await fold_batch_async(event, reserve_async, sqs(Order), settle=dead_letter(sends, when=caused_by(Malformed)))
    await fold_batch_async(event, reserve_async, sqs(Order), settle=dead_letter(send_waiting, when=is_hopeless))
    await fold_batch_async(event, reserve_async, sqs(Order), settle=dead_letter(send_in_future, when=is_hopeless))
    await fold_batch_async(event, reserve_async, sqs(Order), settle=discard(when=is_hopeless))


as_lambda_handler(reserve_async, sqs(Order), settle=dead_letter(send_async, when=caused_by(Malformed)))
as_lambda_handler(reserve_async, sqs(Order), settle=dead_letter(send_async, when=is_hopeless))

dead_letter(sends)  # BAD when is required
assert_type(discard(when=lambda failed: isinstance(failed.fault, Malformed)), Settle[object, Record])
discard()  # BAD when is required
dead_letter(send_nothing, when=is_hopeless)  # BAD a sender returns a Result
dead_letter(sends, when=lambda failed: "yes")  # BAD a predicate returns a bool
dead_letter(sends, when=Malformed)  # BAD no predicate
caused_by("Malformed")  # BAD no class
caused_by(Malformed(ValueError()))  # BAD no class
process_batch(event, reserve, sqs(Order), settle=dead_letter(send_async, when=is_hopeless))  # BAD an async sender
process_batch(event, measure, kinesis(Order), settle=dead_letter(sends, when=is_hopeless))  # BAD not an SqsRecord
process_batch(event, measure, kinesis(Order), settle=dead_letter(send_sqs, when=caused_by(Malformed)))  # BAD as above
process_batch(event, reserve, sqs(Order), settle=discard(when=lambda failed: failed.record.partition_key == ""))  # BAD
process_batch(event, reserve, sqs(Order), settle=often(Failed("m1", SqsRecord({}), Crashed(OSError()))))  # BAD called


# --- the SQS sender and backoff
def group_of(failed: Failed[object, SqsRecord]) -> str:
    return failed.record.message_group_id or "none"


assert_type(sends, Sender[Record])
assert_type(sqs_sender("https://queue.fifo", message_group_id=group_of), Sender[SqsRecord])
sqs_sender("https://queue", client=sqs_client())
process_batch(
    event,
    reserve,
    sqs(Order),
    settle=dead_letter(sqs_sender("https://queue.fifo", message_group_id=group_of), when=caused_by(Malformed)),
)
sqs_sender()  # BAD no queue
sqs_sender("https://queue", client=kinesis_client())  # BAD not an SQS client
sqs_sender("https://queue.fifo", message_group_id="group")  # BAD no function
sqs_sender("https://queue.fifo", message_group_id=lambda failed: 3)  # BAD no text
process_batch(event, measure, kinesis(Order), settle=dead_letter(sqs_sender("https://queue.fifo", message_group_id=group_of), when=caused_by(Malformed)))  # BAD not an SqsRecord

back_off = sqs_backoff("https://queue", base_seconds=5, max_seconds=600, client=sqs_client())
assert_type(back_off(fold_batch(event, reserve, sqs(Order))), Batch[int, OutOfStock, SqsRecord])
respond(back_off(fold_batch(event, reserve, sqs(Order))))
back_off(fold_batch(event, measure, kinesis(Order)))  # BAD a stream has no visibility timeout
sqs_backoff("https://queue", random=lambda: "soon")  # BAD no number


def wait(failed: Failed[object, SqsRecord]) -> float | None:
    return 30 if isinstance(failed.fault.error, OutOfStock) else None


def wait_for_stream(failed: Failed[object, KinesisRecord]) -> int:
    return 30


told = sqs_backoff(seconds=wait)
assert_type(told(fold_batch(event, reserve, sqs(Order))), Batch[int, OutOfStock, SqsRecord])
told = sqs_backoff(seconds=lambda failed: 60 * failed.record.approximate_receive_count)
as_lambda_handler(reserve, sqs(Order), then=sqs_backoff(seconds=wait))
as_lambda_handler(reserve_async, sqs(Order), then=sqs_backoff())
sqs_backoff(seconds=lambda failed: "soon")  # BAD no number
sqs_backoff(seconds=lambda failed: failed.record.partition_key)  # BAD no such field
sqs_backoff(seconds=wait_for_stream)  # BAD another source's record
as_lambda_handler(measure, kinesis(Order), then=sqs_backoff())  # BAD a stream has no visibility timeout


# --- observers
def count(outcome: Outcome[object, object]) -> None: ...


def tell_sqs(outcome: Outcome[int, OutOfStock, SqsRecord]) -> None: ...


def tell_texts(outcome: Outcome[str, object]) -> None: ...


assert_type(
    fold_batch(event, reserve, sqs(Order), observe=observe_all(count, tell_sqs)), Batch[int, OutOfStock, SqsRecord]
)
process_batch(event, reserve, sqs(Order), observe=observe_all(count, lambda outcome: print(outcome.record.message_id)))
process_batch(event, measure, kinesis(Order), observe=observe_all(count, count))
as_lambda_handler(reserve, sqs(Order), observe=observe_all(count, tell_sqs))
as_lambda_handler(reserve_async, sqs(Order), observe=observe_all(count, tell_sqs))
process_batch(event, reserve, sqs(Order), observe=observe_all(count, tell_texts))  # BAD the value is an int
process_batch(event, measure, kinesis(Order), observe=observe_all(count, tell_sqs))  # BAD not an SqsRecord
process_batch(event, reserve, sqs(Order), observe=observe_all(3))  # BAD no observer

# --- measures
latencies = Latencies()
batch = fold_batch(event, pipe(reserve, timed(latencies)), sqs(Order))
assert_type(batch, Batch[int, OutOfStock, SqsRecord])
assert_type(measures_of(batch, latencies), Measures)
assert_type(measures_of(batch).counts(), dict[str, int])
assert_type(latencies.of(batch.outcomes[0].record), float | None)
assert_type(fold_batch(event, timed(latencies)(reserve), sqs(Order)), Batch[int, OutOfStock, SqsRecord])
measures_of(batch.outcomes)  # BAD no batch
measures_of(batch).failed = 0  # BAD a value


def tell_of_order(record: SqsRecord[Order], seconds: float) -> None:
    assert_type(record.body, Order)


def tell_of_any(record: Record, seconds: float) -> None: ...
def tell_of_any_body(record: SqsRecord[object], seconds: float) -> None: ...


assert_type(fold_batch(event, pipe(reserve, timed(tell_of_order)), sqs(Order)), Batch[int, OutOfStock, SqsRecord])
assert_type(fold_batch(event, pipe(reserve, timed(tell_of_any)), sqs(Order)), Batch[int, OutOfStock, SqsRecord])
assert_type(fold_batch(event, pipe(reserve, timed(tell_of_any_body)), sqs(Order)), Batch[int, OutOfStock, SqsRecord])
assert_type(fold_batch(event, timed(tell_of_any_body)(reserve), sqs(Order)), Batch[int, OutOfStock, SqsRecord])
pipe(reserve, timed(lambda record, seconds: print(record.nonsense)))  # BAD nobody knows the record
timed(lambda record: None)(reserve)  # BAD tell takes record and seconds
timed()  # BAD tell is required
