"""What must be refused: every line marked `# BAD` is an error in both checkers, and no other line is."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Literal

from pydantic import BaseModel
from returns.context import RequiresContextResult
from returns.future import FutureResult, future_safe
from returns.result import Failure, Result, Success
from typing_extensions import assert_never, assert_type

from batchfold import (
    Batch,
    Crashed,
    DynamoDBRecord,
    Failed,
    KafkaRecord,
    KinesisRecord,
    Malformed,
    Outcome,
    Record,
    Rejected,
    Settle,
    Settled,
    Sns,
    SqsRecord,
    Succeeded,
    Unprocessed,
    as_lambda_handler,
    chain,
    dynamodb,
    fold_batch,
    in_chunks,
    kafka,
    kinesis,
    pipe,
    process_batch,
    process_batch_async,
    respond,
    sqs,
)


class Order(BaseModel):
    id: str
    quantity: int


class Legacy(BaseModel):
    name: str


class Key(BaseModel):
    k: str


class OutOfStock(Exception): ...


class PermanentError(Exception): ...


class Context:
    aws_request_id: str = ""

    def get_remaining_time_in_millis(self) -> int:
        return 0


event: dict[str, object] = {}
an_order = Order(id="", quantity=1)


def as_int(text: str) -> int:
    return int(text)


def on_order(r: SqsRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def on_legacy(r: SqsRecord[Legacy]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def on_kinesis(r: KinesisRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def on_str(r: SqsRecord) -> Result[int, OutOfStock]:
    raise NotImplementedError


def returns_none(r: SqsRecord[Order]) -> None: ...
def returns_int(r: SqsRecord[Order]) -> int:
    return 1


def returns_bool(r: SqsRecord[Order]) -> bool:
    return True


def maybe(r: SqsRecord[Order]) -> Result[int, OutOfStock] | None:
    return None


def no_record() -> Result[int, OutOfStock]:
    raise NotImplementedError


def two(r: SqsRecord[Order], context: Context) -> Result[int, OutOfStock]:
    raise NotImplementedError


def three(r: SqsRecord[Order], context: Context, x: int) -> Result[int, OutOfStock]:
    raise NotImplementedError


async def async_order(r: SqsRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


async def async_legacy(r: SqsRecord[Legacy]) -> Result[int, OutOfStock]:
    raise NotImplementedError


async def async_none(r: SqsRecord[Order]) -> None: ...
async def async_future(r: SqsRecord[Order]) -> FutureResult[int, OutOfStock]:
    raise NotImplementedError


@future_safe
async def future_order(r: SqsRecord[Order]) -> int:
    raise NotImplementedError


def on_change(r: DynamoDBRecord[Order, Legacy]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def on_kafka(r: KafkaRecord[Order, Key]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def on_sns(r: SqsRecord[Sns[Legacy]]) -> Result[int, OutOfStock]:
    raise NotImplementedError


def on_list(r: SqsRecord[list[Legacy]]) -> Result[int, OutOfStock]:
    raise NotImplementedError


# --- a handler for another model, another source
process_batch(event, on_legacy, sqs(Order))  # BAD model
process_batch(event, on_order, sqs())  # BAD no model
process_batch(event, on_str, sqs(Order))  # BAD text handler, model source
process_batch(event, on_kinesis, sqs(Order))  # BAD source
process_batch(event, on_order, kinesis(Order))  # BAD source
process_batch(event, on_order, sqs(Order | Legacy))  # BAD handler covers one of two
process_batch(event, on_order, sqs(decode=as_int))  # BAD decode's type
process_batch(event, on_list, sqs(list[Order]))  # BAD element
process_batch(event, on_sns, sqs(Sns[Order]))  # BAD envelope
process_batch(event, on_change, dynamodb(Order))  # BAD old image
process_batch(event, on_change, dynamodb(new=Legacy, old=Order))  # BAD swapped
process_batch(event, on_kafka, kafka(Order))  # BAD key
process_batch(event, on_kafka, kafka(Key, key=Order))  # BAD swapped
process_batch(event, lambda r: Success(r.body.nonsense), sqs(Order))  # BAD attribute in a lambda
fold_batch(event, on_legacy, sqs(Order))  # BAD model
fold_batch(event, lambda r: two(r, Context()), sqs(Legacy))  # BAD closure

# --- what a handler returns and takes
process_batch(event, returns_none, sqs(Order))  # BAD None
process_batch(event, returns_int, sqs(Order))  # BAD bare value
process_batch(event, returns_bool, sqs(Order))  # BAD bare value
process_batch(event, maybe, sqs(Order))  # BAD None sometimes
process_batch(event, no_record, sqs(Order))  # BAD arity
process_batch(event, two, sqs(Order))  # BAD arity
process_batch(event, async_order, sqs(Order))  # BAD async handler, sync run
process_batch(event, future_order, sqs(Order))  # BAD async handler, sync run
process_batch(event, on_order(SqsRecord({}, an_order)), sqs(Order))  # BAD handler called
process_batch(event, on_order, sqs)  # BAD source not called


async def async_runs() -> None:
    await process_batch_async(event, on_order, sqs(Order))  # BAD sync handler, async run
    await process_batch_async(event, async_legacy, sqs(Order))  # BAD model
    await process_batch_async(event, async_none, sqs(Order))  # BAD None
    await process_batch_async(event, async_order, sqs(Order), executor=ThreadPoolExecutor())  # BAD threads, async run
    process_batch(event, on_order, sqs(Order), max_concurrency=3)  # BAD async option, sync run


# --- sources
sqs(Order, decode=as_int)  # BAD a type and decode
sqs(Order, lane="MessageGroupId")  # BAD lane
sqs(Order, lane=lambda raw: {"a": 1})  # BAD unhashable lane
dynamodb(Order, new=Order)  # BAD one type for both or one for each
kafka(decode=as_int)  # BAD decode takes bytes
kafka(Order, decode_key=as_int)  # BAD decode_key takes bytes
kafka(Order, decode=bytes.decode)  # BAD a type or a function
kafka(key=Key, decode_key=bytes.decode)  # BAD a type or a function
kinesis(decode=as_int)  # BAD decode takes bytes


# --- options
def settle_permanent(f: Failed[PermanentError]) -> Result[None, Exception]:
    raise NotImplementedError


def settle_none(f: Failed[OutOfStock]) -> None: ...
async def settle_async(f: Failed[OutOfStock]) -> Result[None, Exception]:
    raise NotImplementedError


def settle_kinesis(f: Failed[OutOfStock, KinesisRecord]) -> Result[None, Exception]:
    raise NotImplementedError


def observe_str(o: Outcome[str, OutOfStock]) -> None: ...
def observe_permanent(o: Outcome[int, PermanentError]) -> None: ...


process_batch(event, on_order, sqs(Order), settle=settle_permanent)  # BAD settle's error
process_batch(event, on_order, sqs(Order), settle=settle_none)  # BAD settle returns None
process_batch(event, on_order, sqs(Order), settle=settle_async)  # BAD async settle, sync run
process_batch(event, on_order, sqs(Order), settle=settle_kinesis)  # BAD settle's record
process_batch(event, on_order, sqs(Order), settle=lambda f: Success(f.record.partition_key))  # BAD not of SQS
process_batch(event, on_order, sqs(Order), observe=observe_str)  # BAD observe's value
process_batch(event, on_order, sqs(Order), observe=observe_permanent)  # BAD observe's error
process_batch(event, on_order, sqs(Order), observer=print)  # BAD no such option
process_batch(event, on_order, sqs(Order), context=3, reserve_ms=1)  # BAD context
process_batch(event, on_order, sqs(Order), raise_on="sometimes")  # BAD raise_on

# --- wiring
as_lambda_handler(on_legacy, sqs(Order))  # BAD model
as_lambda_handler(on_kinesis, sqs(Order))  # BAD source
as_lambda_handler(returns_none, sqs(Order))  # BAD None
as_lambda_handler(async_none, sqs(Order))  # BAD None
as_lambda_handler(async_legacy, sqs(Order))  # BAD model
as_lambda_handler(async_future, sqs(Order))  # BAD awaited twice
as_lambda_handler(three, sqs(Order))  # BAD arity
as_lambda_handler(no_record, sqs(Order))  # BAD arity
as_lambda_handler(on_order, sqs(Order), settle=settle_permanent)  # BAD settle's error
as_lambda_handler(on_order, sqs(Order), observe=observe_str)  # BAD observe's value
as_lambda_handler(async_order, sqs(Order), settle=settle_permanent)  # BAD settle's error
as_lambda_handler(two, sqs(Order), settle=settle_permanent)  # BAD settle's error
as_lambda_handler(on_order, sqs(Order), max_concurrency=3)  # BAD async option, sync handler
as_lambda_handler(async_order, sqs(Order), executor=ThreadPoolExecutor())  # BAD threads, async handler
as_lambda_handler(two, sqs(Order))(event, 3)  # BAD context
as_lambda_handler(on_order, sqs(Order))(3, Context())  # BAD event


def reader(r: SqsRecord[Order]) -> RequiresContextResult[int, OutOfStock, Context]:
    raise NotImplementedError


def reader_legacy(r: SqsRecord[Legacy]) -> RequiresContextResult[int, OutOfStock, Context]:
    raise NotImplementedError


process_batch(event, reader, sqs(Order))  # BAD needs a context
as_lambda_handler(reader_legacy, sqs(Order))  # BAD model
as_lambda_handler(reader, sqs(Order))(event, 3)  # BAD context
as_lambda_handler(reader, sqs(Order), settle=settle_permanent)  # BAD settle's error


# --- reading
def missing_fault(batch: Batch[int, OutOfStock]) -> None:
    for failed in batch.failed:
        match failed.fault:
            case Malformed():
                pass
            case Crashed():
                pass
            case _:
                assert_never(failed.fault)  # BAD Rejected is left


def missing_outcome(outcome: Outcome[int, OutOfStock]) -> None:
    match outcome:
        case Succeeded() | Settled() | Failed():
            pass
        case _:
            assert_never(outcome)  # BAD Unprocessed is left


def wrong_error(failed: Failed[OutOfStock]) -> None:
    match failed.fault:
        case Rejected(error):
            error.nonsense  # BAD attribute
        case _:
            pass


def frozen(record: SqsRecord[Order], failed: Failed[OutOfStock], batch: Batch[int, OutOfStock]) -> None:
    record.body = an_order  # BAD read-only
    failed.fault = Crashed(ValueError())  # BAD read-only
    batch.outcomes = ()  # BAD read-only


def no_value(unprocessed: Unprocessed) -> None:
    unprocessed.fault  # BAD was not tried


fold_batch(event, on_order, sqs(Order)).succeeded[0].value.upper()  # BAD int has no upper
fold_batch(event, on_order, sqs(Order)).failed[0].record.partition_key  # BAD not of SQS
fold_batch(event, on_order, sqs(Order)).response["batchItemFailure"]  # BAD key
wrong: Batch[str, OutOfStock] = fold_batch(event, on_order, sqs(Order))  # BAD value's type
respond(fold_batch(event, on_order, sqs(Order)), raise_on="all")  # BAD raise_on


# --- composing
def parse(r: SqsRecord[Order]) -> Result[Order, OutOfStock]:
    raise NotImplementedError


def parse_order(o: Order) -> Result[int, OutOfStock]:
    raise NotImplementedError


def save_int(x: int) -> Result[float, OutOfStock]:
    raise NotImplementedError



def timed(handler: object) -> int:
    return 1


def doubling(literal: Literal[2]) -> Result[int, OutOfStock]:
    return Failure(OutOfStock())


chain(parse, save_int)  # BAD step
chain(parse, parse_order, parse)  # BAD last step
process_batch(event, chain(parse, parse_order), sqs(Legacy))  # BAD model
process_batch(event, chain(parse, parse_order), kinesis(Order))  # BAD source
pipe(on_order, as_int)  # BAD not a layer
process_batch(event, pipe(on_order, timed), sqs(Order))  # BAD makes no handler


# --- chunks
def all_orders(rs: Sequence[SqsRecord[Order]]) -> list[Result[int, OutOfStock]]:
    raise NotImplementedError


def all_none(rs: Sequence[SqsRecord[Order]]) -> None: ...


in_chunks(all_orders)  # BAD size is missing
in_chunks(all_none, size=3)  # BAD None
in_chunks(on_order, size=3)  # BAD a handler of single records
process_batch(event, in_chunks(all_orders, size=3), sqs(Legacy))  # BAD model
process_batch(event, all_orders, sqs(Order))  # BAD not in chunks
fold_batch(event, partial(two, context=Context()), sqs(Order))


def says_nothing_of_the_record(outcome: Outcome[int, OutOfStock], batch: Batch[int, OutOfStock]) -> None:
    assert_type(outcome.record, Record)
    assert_type(batch.failed[0].record, Record)
    outcome.record.message_id  # BAD it may be of any source
    batch.failed[0].record.nonsense  # BAD
    batch.unprocessed[0].record.nonsense  # BAD


def only_of_sqs(failed: Failed[OutOfStock, SqsRecord]) -> Result[None, None]:
    raise NotImplementedError


any_source: Settle[OutOfStock] = only_of_sqs  # BAD it may be of any source
one_source: Settle[OutOfStock, SqsRecord] = only_of_sqs
