"""The programs that users must be able to write. `assert_type` pins what is inferred."""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Annotated, Any, Literal, Never, TypeAlias, TypedDict, TypeVar

from awslambdaric.lambda_context import LambdaContext as RuntimeContext
from aws_lambda_powertools.utilities.typing import LambdaContext as PowertoolsContext
from pydantic import BaseModel, Field, TypeAdapter
from returns.context import RequiresContextFutureResult, RequiresContextIOResult, RequiresContextResult
from returns.future import FutureResult, future_safe
from returns.io import IOResult, impure_safe
from returns.pipeline import pipe as returns_pipe
from returns.pointfree import bind
from returns.result import Failure, Result, ResultE, Success, safe
from typing_extensions import TypeForm, assert_never, assert_type

from batchfold import (
    AsyncHandler,
    AnyBatch,
    Batch,
    BatchProcessingError,
    Crashed,
    DynamoDBRecord,
    EventBridge,
    Failed,
    Fault,
    Handler,
    Item,
    KafkaRecord,
    KinesisRecord,
    LambdaContext,
    LambdaFunction,
    Malformed,
    Outcome,
    PartialResponse,
    Rejected,
    Settled,
    Sns,
    Source,
    SqsRecord,
    Succeeded,
    Unprocessed,
    as_lambda_handler,
    by_item_key,
    by_message_group,
    by_message_key,
    by_partition_key,
    by_topic_partition,
    chain,
    dynamodb,
    each_record,
    fold_batch,
    fold_batch_async,
    in_chunks,
    kafka,
    kinesis,
    pipe,
    process_batch,
    process_batch_async,
    respond,
    sqs,
    whole_batch,
)

T = TypeVar("T")
R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
X = TypeVar("X")
M = TypeVar("M", bound=BaseModel)
B = TypeVar("B", bound=Result[Any, Any] | IOResult[Any, Any])


class Order(BaseModel):
    id: str
    quantity: int


class Legacy(BaseModel):
    name: str


class Key(BaseModel):
    k: str


class Created(BaseModel):
    kind: Literal["created"]


class Deleted(BaseModel):
    kind: Literal["deleted"]


Change: TypeAlias = Annotated[Created | Deleted, Field(discriminator="kind")]


@dataclass
class Point:
    x: int


class Plain(TypedDict):
    a: int


class OutOfStock(Exception): ...


class PermanentError(Exception): ...


class Context:
    """A user's own context class."""

    aws_request_id: str = ""
    memory: int = 0

    def get_remaining_time_in_millis(self) -> int:
        return 0


event: dict[str, object] = {}
context = Context()


def as_int(text: str) -> int:
    return int(text)


# ------------------------------------------------------------ sources
Text: TypeAlias = SqsRecord[str]
assert_type(sqs(), Source[Text, Text])
assert_type(sqs(), Source[SqsRecord, SqsRecord])
assert_type(sqs(Order), Source[SqsRecord[Order], Text])
assert_type(sqs(decode=as_int), Source[SqsRecord[int], Text])
assert_type(sqs(decode=json.loads), Source[SqsRecord[Any], Text])
assert_type(sqs(decode=lambda s: s.upper()), Source[Text, Text])
assert_type(sqs(decode=Order.model_validate_json), Source[SqsRecord[Order], Text])
either: TypeAdapter[Order | Legacy] = TypeAdapter(Order | Legacy)
assert_type(sqs(decode=either.validate_json), Source[SqsRecord[Order | Legacy], Text])
assert_type(sqs(list[Order]), Source[SqsRecord[list[Order]], Text])
assert_type(sqs(Order | Legacy), Source[SqsRecord[Order | Legacy], Text])
assert_type(sqs(Order | None), Source[SqsRecord[Order | None], Text])
assert_type(sqs(Change), Source[SqsRecord[Created | Deleted], Text])
assert_type(sqs(Sns[Order]), Source[SqsRecord[Sns[Order]], Text])
assert_type(sqs(Sns[Order | Legacy]), Source[SqsRecord[Sns[Order | Legacy]], Text])
assert_type(sqs(EventBridge[Order]), Source[SqsRecord[EventBridge[Order]], Text])
assert_type(sqs(Point), Source[SqsRecord[Point], Text])
assert_type(sqs(Plain), Source[SqsRecord[Plain], Text])
assert_type(sqs(dict[str, int]), Source[SqsRecord[dict[str, int]], Text])
assert_type(sqs(tuple[int, str]), Source[SqsRecord[tuple[int, str]], Text])
assert_type(sqs(Order, lane=by_message_group), Source[SqsRecord[Order], Text])
assert_type(sqs(Order, lane=lambda raw: raw["attributes"]["MessageGroupId"]), Source[SqsRecord[Order], Text])
sqs(Order, lane=itemgetter("messageId"))
sqs(Order, lane=lambda raw: (raw["a"], raw["b"]))
assert_type(kinesis(), Source[KinesisRecord[bytes], KinesisRecord[bytes]])
assert_type(kinesis(Order, lane=by_partition_key), Source[KinesisRecord[Order], KinesisRecord[bytes]])
assert_type(kinesis(decode=gzip.decompress), Source[KinesisRecord[bytes], KinesisRecord[bytes]])
kinesis(lane=each_record)
kinesis(lane=whole_batch)
Image: TypeAlias = Item
assert_type(dynamodb(), Source[DynamoDBRecord[Image], DynamoDBRecord[Image]])
assert_type(dynamodb(Order), Source[DynamoDBRecord[Order], DynamoDBRecord[Image]])
assert_type(dynamodb(Order), Source[DynamoDBRecord[Order, Order], DynamoDBRecord[Image, Image]])
assert_type(dynamodb(new=Order, old=Legacy), Source[DynamoDBRecord[Order, Legacy], DynamoDBRecord[Image]])
dynamodb(lane=by_item_key)
assert_type(kafka(), Source[KafkaRecord[bytes, bytes], KafkaRecord[bytes]])
assert_type(kafka(Order), Source[KafkaRecord[Order, bytes], KafkaRecord])
assert_type(kafka(Order, key=Key), Source[KafkaRecord[Order, Key], KafkaRecord])
assert_type(kafka(Order | Legacy, key=Key), Source[KafkaRecord[Order | Legacy, Key], KafkaRecord])
assert_type(kafka(Order, decode_key=bytes.decode), Source[KafkaRecord[Order, str], KafkaRecord])
assert_type(kafka(decode=bytes.decode, key=Key), Source[KafkaRecord[str, Key], KafkaRecord])
assert_type(kafka(decode_key=bytes.decode), Source[KafkaRecord[bytes, str], KafkaRecord])
kafka(lane=by_message_key)
kafka(lane=by_topic_partition)


def source_of_model(model: type[M]) -> Source[SqsRecord[M]]:
    return sqs(model)


def source_of_form(form: TypeForm[T]) -> Source[SqsRecord[T]]:
    return sqs(form)


assert_type(source_of_model(Order), Source[SqsRecord[Order]])
assert_type(source_of_form(Order | Legacy), Source[SqsRecord[Order | Legacy]])
declared: Source[SqsRecord[Order]] = sqs(Order)


# ------------------------------------------------------------ handlers
def reserve(record: SqsRecord[Order]) -> Result[int, OutOfStock]:
    order = record.body
    assert_type(order, Order)
    return Success(order.quantity) if order.quantity < 10 else Failure(OutOfStock(order.id))


def reserve_io(record: SqsRecord[Order]) -> IOResult[int, OutOfStock]:
    raise NotImplementedError


def reserve_or_raise(record: SqsRecord[Order]) -> int:
    return record.body.quantity


def sometimes_permanent(record: SqsRecord[Order]) -> Result[int, OutOfStock | PermanentError]:
    raise NotImplementedError


def exact(record: SqsRecord[Order]) -> Success[int] | Failure[OutOfStock]:
    raise NotImplementedError


def never_fails(record: SqsRecord[Order]) -> Result[int, Never]:
    raise NotImplementedError


def result_e(record: SqsRecord[Order]) -> ResultE[int]:
    raise NotImplementedError


def optional_second(record: SqsRecord[Order], n: int = 1) -> Result[int, OutOfStock]:
    raise NotImplementedError


@safe
def reserve_safe(record: SqsRecord[Order]) -> int:
    return record.body.quantity


@safe(exceptions=(ValueError,))
def reserve_safe_only(record: SqsRecord[Order]) -> int:
    return record.body.quantity


@impure_safe
def reserve_impure(record: SqsRecord[Order]) -> int:
    return record.body.quantity


@future_safe
async def reserve_future_safe(record: SqsRecord[Order]) -> int:
    return record.body.quantity


async def reserve_async(record: SqsRecord[Order]) -> Result[int, OutOfStock]:
    return reserve(record)


async def reserve_async_io(record: SqsRecord[Order]) -> IOResult[int, OutOfStock]:
    return reserve_io(record)


def reserve_future(record: SqsRecord[Order]) -> FutureResult[int, OutOfStock]:
    raise NotImplementedError


def any_sqs(record: SqsRecord[object]) -> Result[None, OutOfStock]:
    raise NotImplementedError


def with_repository(repository: str, record: SqsRecord[Order]) -> Result[int, OutOfStock]:
    raise NotImplementedError


class Service:
    def handle(self, record: SqsRecord[Order]) -> Result[int, OutOfStock]:
        raise NotImplementedError

    def __call__(self, record: SqsRecord[Order]) -> Result[int, OutOfStock]:
        raise NotImplementedError


assert_type(fold_batch(event, reserve, sqs(Order)), Batch[int, OutOfStock, Text])
assert_type(fold_batch(event, reserve_io, sqs(Order)), Batch[int, OutOfStock, Text])
assert_type(fold_batch(event, reserve_safe, sqs(Order)), Batch[int, Exception, Text])
assert_type(fold_batch(event, safe(reserve_or_raise), sqs(Order)), Batch[int, Exception, Text])
assert_type(fold_batch(event, reserve_safe_only, sqs(Order)), Batch[int, ValueError, Text])
assert_type(fold_batch(event, reserve_impure, sqs(Order)), Batch[int, Exception, Text])
assert_type(fold_batch(event, any_sqs, sqs(Order)), Batch[None, OutOfStock, Text])
assert_type(fold_batch(event, sometimes_permanent, sqs(Order)), Batch[int, OutOfStock | PermanentError, Text])
assert_type(fold_batch(event, partial(with_repository, "r"), sqs(Order)), Batch[int, OutOfStock, Text])
assert_type(fold_batch(event, Service().handle, sqs(Order)), Batch[int, OutOfStock, Text])
assert_type(fold_batch(event, Service(), sqs(Order)), Batch[int, OutOfStock, Text])
assert_type(fold_batch(event, lambda r: with_repository("r", r), sqs(Order)), Batch[int, OutOfStock, Text])
assert_type(fold_batch(event, result_e, sqs(Order)), Batch[int, Exception, Text])
assert_type(fold_batch(event, optional_second, sqs(Order)), Batch[int, OutOfStock, Text])
assert_type(process_batch(event, reserve, sqs(Order)), PartialResponse)
process_batch(event, exact, sqs(Order))
process_batch(event, never_fails, sqs(Order))
process_batch(event, reserve, sqs(Order), context=context, reserve_ms=1_000, raise_on="any_failure")
process_batch(event, reserve, sqs(Order), executor=ThreadPoolExecutor(8))
process_batch(event, safe(reserve_or_raise), sqs(Order))


def stored(handler: Handler[SqsRecord[Order], int, OutOfStock]) -> Batch[int, OutOfStock]:
    return fold_batch(event, handler, sqs(Order))


def passed_on(handler: Handler[SqsRecord[T], V, E], source: Source[SqsRecord[T]]) -> Batch[V, E]:
    return fold_batch(event, handler, source)


assert_type(passed_on(reserve, sqs(Order)), Batch[int, OutOfStock])


class SqsEvent(TypedDict):
    Records: list[dict[str, object]]


def typed_event(event: SqsEvent) -> PartialResponse:
    return process_batch(event, reserve, sqs(Order))


def on_union(record: SqsRecord[Order | Legacy]) -> Result[int, OutOfStock]:
    match record.body:
        case Order():
            return Success(1)
        case Legacy():
            return Success(2)
        case _:
            assert_never(record.body)


def on_change(record: DynamoDBRecord[Order, Legacy]) -> Result[int, OutOfStock]:
    assert_type(record.new_image, Order | None)
    assert_type(record.old_image, Legacy | None)
    raise NotImplementedError


def on_both(record: DynamoDBRecord[Order]) -> Result[int, OutOfStock]:
    assert_type(record.old_image, Order | None)
    raise NotImplementedError


def on_kafka(record: KafkaRecord[Order, Key]) -> Result[int, OutOfStock]:
    assert_type(record.value, Order | None)
    assert_type(record.key, Key | None)
    raise NotImplementedError


def on_sns(record: SqsRecord[Sns[Order]]) -> Result[int, OutOfStock]:
    assert_type(record.body.message, Order)
    raise NotImplementedError


def on_event_bridge(record: SqsRecord[EventBridge[Order]]) -> Result[int, OutOfStock]:
    assert_type(record.body.detail, Order)
    raise NotImplementedError


process_batch(event, on_union, sqs(Order | Legacy))
process_batch(event, on_change, dynamodb(new=Order, old=Legacy))
process_batch(event, on_both, dynamodb(Order))
process_batch(event, on_kafka, kafka(Order, key=Key))
process_batch(event, on_sns, sqs(Sns[Order]))
process_batch(event, on_event_bridge, sqs(EventBridge[Order]))


def made() -> Handler[SqsRecord[Order], int, OutOfStock]:
    return reserve


def made_async() -> AsyncHandler[SqsRecord[Order], int, OutOfStock]:
    return reserve_async


def made_in_future() -> AsyncHandler[SqsRecord[Order], int, OutOfStock]:
    return reserve_future


assert_type(fold_batch(event, made(), sqs(Order)), Batch[int, OutOfStock, Text])
as_lambda_handler(made_async(), sqs(Order))


async def async_runs() -> None:
    assert_type(await fold_batch_async(event, made_async(), sqs(Order)), Batch[int, OutOfStock, Text])
    assert_type(await fold_batch_async(event, made_in_future(), sqs(Order)), Batch[int, OutOfStock, Text])
    assert_type(await fold_batch_async(event, reserve_async, sqs(Order)), Batch[int, OutOfStock, Text])
    assert_type(await fold_batch_async(event, reserve_async_io, sqs(Order)), Batch[int, OutOfStock, Text])
    assert_type(await fold_batch_async(event, reserve_future, sqs(Order)), Batch[int, OutOfStock, Text])
    assert_type(await fold_batch_async(event, reserve_future_safe, sqs(Order)), Batch[int, Exception, Text])
    assert_type(await process_batch_async(event, reserve_async, sqs(Order), max_concurrency=10), PartialResponse)
    await process_batch_async(
        event, reserve_async, sqs(Order), context=context, reserve_ms=1, cancel_at_reserve=True, raise_on="never"
    )


# ------------------------------------------------------------ reading what happened
def explain(batch: Batch[int, OutOfStock, SqsRecord]) -> list[str]:
    lines: list[str] = []
    for succeeded in batch.succeeded:
        assert_type(succeeded.value, int)
        assert_type(succeeded.record, SqsRecord)
    for failed in batch.failed:
        match failed.fault:
            case Malformed(error):
                lines.append(repr(error))
            case Rejected(error):
                assert_type(error, OutOfStock)
                lines.append(repr(error))
            case Crashed(error):
                lines.append(repr(error))
            case _:
                assert_never(failed.fault)
    for outcome in batch.outcomes:
        match outcome:
            case Succeeded(value=value):
                assert_type(value, int)
            case Settled(fault=fault) | Failed(fault=fault):
                assert_type(fault, Fault[OutOfStock])
            case Unprocessed(record=record):
                assert_type(record, SqsRecord)
            case _:
                assert_never(outcome)
    return lines


def name(failed: Failed[OutOfStock]) -> str:
    match failed.fault:
        case Malformed() | Crashed():
            return "bug"
        case Rejected(error):
            return str(error)


assert_type(respond(fold_batch(event, reserve, sqs(Order))), PartialResponse)
assert_type(respond(fold_batch(event, reserve, sqs(Order)), raise_on="never"), PartialResponse)
explain(fold_batch(event, reserve, sqs(Order)))
try:
    process_batch(event, reserve, sqs(Order))
except BatchProcessingError as error:
    assert_type(error.batch, AnyBatch)


# ------------------------------------------------------------ wiring
def with_context(record: SqsRecord[Order], context: LambdaContext) -> Result[int, OutOfStock]:
    raise NotImplementedError


async def with_context_async(record: SqsRecord[Order], context: Context) -> Result[int, OutOfStock]:
    raise NotImplementedError


def reader(record: SqsRecord[Order]) -> RequiresContextResult[int, OutOfStock, LambdaContext]:
    raise NotImplementedError


def reader_io(record: SqsRecord[Order]) -> RequiresContextIOResult[int, OutOfStock, LambdaContext]:
    raise NotImplementedError


def reader_future(record: SqsRecord[Order]) -> RequiresContextFutureResult[int, OutOfStock, Context]:
    raise NotImplementedError


def with_runtime_context(record: SqsRecord[Order], context: RuntimeContext) -> Result[int, OutOfStock]:
    raise NotImplementedError


def with_powertools_context(record: SqsRecord[Order], context: PowertoolsContext) -> Result[int, OutOfStock]:
    raise NotImplementedError


assert_type(as_lambda_handler(reserve, sqs(Order), reserve_ms=1_000), LambdaFunction[object])
assert_type(as_lambda_handler(reserve_safe, sqs(Order)), LambdaFunction[object])
assert_type(as_lambda_handler(reserve_async, sqs(Order), max_concurrency=5), LambdaFunction[object])
assert_type(as_lambda_handler(reserve_future_safe, sqs(Order)), LambdaFunction[object])
assert_type(as_lambda_handler(reserve_future, sqs(Order)), LambdaFunction[object])
assert_type(as_lambda_handler(with_context, sqs(Order)), LambdaFunction[LambdaContext])
assert_type(as_lambda_handler(with_context_async, sqs(Order)), LambdaFunction[Context])
assert_type(as_lambda_handler(reader, sqs(Order)), LambdaFunction[LambdaContext])
assert_type(as_lambda_handler(reader_io, sqs(Order)), LambdaFunction[LambdaContext])
assert_type(as_lambda_handler(reader_future, sqs(Order)), LambdaFunction[Context])
assert_type(as_lambda_handler(with_runtime_context, sqs(Order)), LambdaFunction[RuntimeContext])
assert_type(as_lambda_handler(with_powertools_context, sqs(Order)), LambdaFunction[PowertoolsContext])
assert_type(as_lambda_handler(reserve, sqs(Order))(event, context), PartialResponse)
as_callable: Callable[[dict[str, object], Context], PartialResponse] = as_lambda_handler(with_context, sqs(Order))
as_lambda_handler(optional_second, sqs(Order))


def runtime_context_fits(runtime: RuntimeContext, powertools: PowertoolsContext) -> tuple[LambdaContext, LambdaContext]:
    return runtime, powertools


# ------------------------------------------------------------ composing
def parse(record: SqsRecord[Order]) -> Result[Order, OutOfStock]:
    raise NotImplementedError


def save(order: Order) -> Result[float, OutOfStock]:
    raise NotImplementedError


def save_permanent(order: Order) -> Result[float, PermanentError]:
    raise NotImplementedError


def audit(value: float) -> Result[str, KeyError]:
    raise NotImplementedError


def parse_io(record: SqsRecord[Order]) -> IOResult[Order, OutOfStock]:
    raise NotImplementedError


def save_io(order: Order) -> IOResult[float, PermanentError]:
    raise NotImplementedError


async def parse_async(record: SqsRecord[Order]) -> Result[Order, OutOfStock]:
    raise NotImplementedError


async def save_async(order: Order) -> Result[float, PermanentError]:
    raise NotImplementedError


def parse_future(record: SqsRecord[Order]) -> FutureResult[Order, OutOfStock]:
    raise NotImplementedError


def save_future(order: Order) -> FutureResult[float, PermanentError]:
    raise NotImplementedError


def timed(handler: Callable[[R], X]) -> Callable[[R], X]:
    raise NotImplementedError


def again(*, times: int) -> Callable[[Callable[[R], B]], Callable[[R], B]]:
    raise NotImplementedError


def retried(*, times: int) -> Callable[[Callable[[R], Result[V, E]]], Callable[[R], Result[V, E]]]:
    raise NotImplementedError


def recorded(handler: Callable[[R], Awaitable[X]]) -> Callable[[R], Awaitable[X]]:
    raise NotImplementedError


assert_type(fold_batch(event, chain(parse, save), sqs(Order)), Batch[float, OutOfStock, Text])
assert_type(fold_batch(event, chain(parse, save_permanent), sqs(Order)), Batch[float, OutOfStock | PermanentError, Text])
assert_type(
    fold_batch(event, chain(parse, save_permanent, audit), sqs(Order)),
    Batch[str, OutOfStock | PermanentError | KeyError, Text],
)
assert_type(fold_batch(event, chain(parse_io, save_io), sqs(Order)), Batch[float, OutOfStock | PermanentError, Text])
assert_type(fold_batch(event, chain(chain(parse, save), audit), sqs(Order)), Batch[str, OutOfStock | KeyError, Text])
assert_type(fold_batch(event, pipe(reserve, timed), sqs(Order)), Batch[int, OutOfStock, Text])
assert_type(fold_batch(event, pipe(reserve, retried(times=2)), sqs(Order)), Batch[int, OutOfStock, Text])
assert_type(fold_batch(event, pipe(reserve_io, timed, again(times=2)), sqs(Order)), Batch[int, OutOfStock, Text])
assert_type(fold_batch(event, pipe(reserve_safe, again(times=2), timed), sqs(Order)), Batch[int, Exception, Text])
assert_type(
    fold_batch(event, pipe(chain(parse, save_permanent), timed, retried(times=2)), sqs(Order)),
    Batch[float, OutOfStock | PermanentError, Text],
)
process_batch(event, returns_pipe(parse, bind(save)), sqs(Order))  # pyright: ignore[reportUnknownArgumentType]  # it does not infer returns' own pipe
as_lambda_handler(pipe(reserve_async, timed), sqs(Order))


async def async_composing() -> None:
    assert_type(
        await fold_batch_async(event, chain(parse_async, save_async), sqs(Order)),
        Batch[float, OutOfStock | PermanentError, Text],
    )
    assert_type(
        await fold_batch_async(event, chain(parse_future, save_future), sqs(Order)),
        Batch[float, OutOfStock | PermanentError, Text],
    )
    assert_type(
        await fold_batch_async(event, pipe(reserve_async, recorded, timed), sqs(Order)), Batch[int, OutOfStock, Text]
    )


# ------------------------------------------------------------ options
def settle_stock(failed: Failed[OutOfStock]) -> Result[None, Exception]:
    raise NotImplementedError


def settle_sqs(failed: Failed[object, SqsRecord]) -> Result[None, Exception]:
    raise NotImplementedError


def observe_stock(outcome: Outcome[int, OutOfStock]) -> None: ...
def observe_any(outcome: Outcome[object, object]) -> None: ...


process_batch(event, reserve, sqs(Order), settle=settle_stock, observe=observe_stock)
process_batch(event, reserve, sqs(Order), settle=settle_sqs, observe=observe_any)
as_lambda_handler(reserve, sqs(Order), settle=settle_stock, observe=observe_stock)
as_lambda_handler(with_context, sqs(Order), settle=settle_sqs, observe=lambda outcome: print(outcome.item_id))
assert_type(
    fold_batch(event, reserve, sqs(Order), settle=lambda failed: Success(failed.record.approximate_receive_count)),
    Batch[int, OutOfStock, Text],
)


# ------------------------------------------------------------ chunks
def save_all(records: Sequence[SqsRecord[Order]]) -> list[Result[int, OutOfStock]]:
    raise NotImplementedError


assert_type(fold_batch(event, in_chunks(save_all, size=25), sqs(Order)), Batch[int, OutOfStock, Text])
