"""What is measured: the same job done by batchfold and by a peer, and how much of the peer's time it may take."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aws_kinesis_agg.deaggregator import deaggregate_records
from aws_lambda_powertools.utilities import batch as peer
from aws_lambda_powertools.utilities.parser.models import (
    DynamoDBStreamChangedRecordModel,
    DynamoDBStreamRecordModel,
    KinesisDataStreamRecord,
    KinesisDataStreamRecordPayload,
    SqsRecordModel,
)
from pydantic import BaseModel, Json, TypeAdapter
from returns.result import Failure, Result, Success
from tests.benchmarks.events import BODY, aggregated_event, dynamodb_event, kinesis_event, sqs_event

from batchfold import (
    Batch,
    Failed,
    Outcome,
    SqsRecord,
    as_lambda_handler,
    by_message_group,
    dynamodb,
    kinesis,
    process_batch,
    sqs,
)

Job = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """One comparison. `records` is how many each side handles; `peer_records`, if it is another number."""

    name: str
    ours: Job
    peer: Job
    peer_name: str
    at_most: float
    records: int
    peer_records: int | None = None


class Order(BaseModel):
    """The payload."""

    id: str
    quantity: int


class OrderMessage(SqsRecordModel):
    """Powertools' model of a record with that payload."""

    body: Json[Order]  # pyright: ignore[reportIncompatibleVariableOverride]  # how Powertools' documentation has it


class OrderPayload(KinesisDataStreamRecordPayload):
    """The same for Kinesis."""

    data: Json[Order]  # pyright: ignore[reportIncompatibleVariableOverride]  # how Powertools' documentation has it


class OrderData(KinesisDataStreamRecord):
    """The same for Kinesis."""

    kinesis: OrderPayload  # pyright: ignore[reportIncompatibleVariableOverride]  # as above


class OrderImages(DynamoDBStreamChangedRecordModel):
    """The same for DynamoDB Streams."""

    NewImage: Order | None = None  # pyright: ignore[reportIncompatibleVariableOverride]  # how Powertools' documentation has it


class OrderChange(DynamoDBStreamRecordModel):
    """The same for DynamoDB Streams."""

    dynamodb: OrderImages  # pyright: ignore[reportIncompatibleVariableOverride]  # as above


DONE: Result[None, Exception] = Success(None)
REJECTED: Result[None, Exception] = Failure(ValueError("out of stock"))
ERROR = ValueError("out of stock")


class Context:
    """A clock that always has time."""

    aws_request_id = "request"

    def get_remaining_time_in_millis(self) -> int:
        """Half a minute."""
        return 30_000


def our_handler(_record: object) -> Result[None, Exception]:
    return DONE


def their_handler(record: object) -> None:
    del record  # they pass it by name


def settle(_failed: Failed[object]) -> Result[None, None]:
    return Failure(None)


def observe(_outcome: Outcome[object, object]) -> None:
    return None


def cases() -> list[Case]:  # noqa: C901  # one row after the other
    logging.getLogger("batchfold").disabled = True
    thousand, ten, groups = sqs_event(1_000), sqs_event(10), sqs_event(1_000, groups=50)
    hundred, ten_thousand = sqs_event(100), sqs_event(10_000)
    kinesis_thousand, dynamodb_thousand = kinesis_event(1_000), dynamodb_event(1_000)
    text, typed = sqs(), sqs(Order)
    context = Context()
    validate = TypeAdapter(Order).validate_json
    bodies = [BODY] * 1_000
    processor = peer.BatchProcessor(event_type=peer.EventType.SQS)
    five_hundred, aggregated = aggregated_event(500), kinesis(Order, aggregated=True)
    typed_processor = peer.BatchProcessor(event_type=peer.EventType.SQS, model=OrderMessage)
    async_processor = peer.AsyncBatchProcessor(event_type=peer.EventType.SQS)
    fifo_processor = peer.SqsFifoPartialProcessor(skip_group_on_error=True)
    kinesis_processor = peer.BatchProcessor(event_type=peer.EventType.KinesisDataStreams, model=OrderData)
    dynamodb_processor = peer.BatchProcessor(event_type=peer.EventType.DynamoDBStreams, model=OrderChange)

    process: Any = getattr(peer, "process_partial_response")  # noqa: B009  # partly unannotated
    process_async: Any = getattr(peer, "async_process_partial_response")  # noqa: B009  # partly unannotated

    def powertools(event: dict[str, Any], with_processor: Any, handler: Callable[[Any], object] = their_handler) -> Job:
        return lambda: process(event, handler, with_processor)

    def fails_mostly(record: Any) -> None:
        if not record.message_id.endswith("0"):
            raise ERROR

    def rejects_mostly(record: SqsRecord) -> Result[None, Exception]:
        return DONE if record.message_id.endswith("0") else REJECTED

    async def our_async_handler(_record: object) -> Result[None, Exception]:
        return DONE

    async def their_async_handler(record: object) -> None:
        del record  # as above

    def powertools_of_user_records() -> object:
        return process({"Records": deaggregate_records(five_hundred["Records"])}, their_handler, kinesis_processor)

    async_function = as_lambda_handler(our_async_handler, text)

    def bare_loop() -> None:
        for body in bodies:
            validate(body)

    raws, item_ids = text.read(ten_thousand)
    endings = [DONE] * 5_000 + [REJECTED] + [DONE] * 4_999
    batch: Batch[None, Exception, SqsRecord] = Batch(raws, item_ids, endings, text)
    outcomes = batch.outcomes

    def response_by_hand() -> object:
        return {
            "batchItemFailures": [{"itemIdentifier": o.item_id} for o in outcomes if isinstance(o, Failed)],
        }

    def response_of_a_new_batch() -> object:
        return Batch(raws, item_ids, endings, text).response

    one = sqs_event(1)
    function = as_lambda_handler(our_handler, text)
    watched = as_lambda_handler(our_handler, text, settle=settle, observe=observe, reserve_ms=1_000)

    def as_function(event: dict[str, Any]) -> Job:
        return lambda: function(event, context)

    def as_async_function(event: dict[str, Any]) -> Job:
        return lambda: async_function(event, context)

    def powertools_async(event: dict[str, Any]) -> Job:
        return lambda: process_async(event, their_async_handler, async_processor)

    return [
        Case("Lambda function, 1 record", as_function(one), powertools(one, processor), "Powertools", 1.15, 1),
        Case("Lambda function, 10 records", as_function(ten), powertools(ten, processor), "Powertools", 0.9, 10),
        Case("Lambda function, 1,000 records", as_function(thousand), powertools(thousand, processor), "Powertools", 0.75, 1_000),
        Case("async Lambda function, 1 record", as_async_function(one), powertools_async(one), "Powertools", 0.3, 1),
        Case("async Lambda function, 10 records", as_async_function(ten), powertools_async(ten), "Powertools", 0.3, 10),
        Case("async Lambda function, 1,000 records", as_async_function(thousand), powertools_async(thousand), "Powertools", 1.25, 1_000),
        Case("settle, observe and reserve", lambda: watched(thousand, context), powertools(thousand, processor), "Powertools, no-op", 1.5, 1_000),
        Case("model, 1,000 records", lambda: process_batch(thousand, our_handler, typed), powertools(thousand, typed_processor), "Powertools", 0.33, 1_000),
        Case("model, 1,000 records", lambda: process_batch(thousand, our_handler, typed), bare_loop, "bare validate_json", 1.8, 1_000),
        Case("no-op, 1,000 records", lambda: process_batch(thousand, our_handler, text), powertools(thousand, processor), "Powertools", 1.0, 1_000),
        Case("no-op, 10 records", lambda: process_batch(ten, our_handler, text), powertools(ten, processor), "Powertools", 0.9, 10),
        Case("FIFO by group, 1,000 records", lambda: process_batch(groups, our_handler, sqs(lane=by_message_group)), powertools(groups, fifo_processor), "Powertools", 0.85, 1_000),
        Case("9 of 10 fail", lambda: process_batch(thousand, rejects_mostly, text), powertools(thousand, processor, fails_mostly), "Powertools", 0.5, 1_000),
        Case("Kinesis with a model", lambda: process_batch(kinesis_thousand, our_handler, kinesis(Order)), powertools(kinesis_thousand, kinesis_processor), "Powertools", 0.4, 1_000),
        Case("500 user records of the KPL", lambda: aggregated.read(five_hundred), lambda: deaggregate_records(five_hundred["Records"]), "aws_kinesis_agg", 0.5, 500),
        Case("the same with a model", lambda: process_batch(five_hundred, our_handler, aggregated), powertools_of_user_records, "it and Powertools", 0.4, 500),
        Case("DynamoDB with a model", lambda: process_batch(dynamodb_thousand, our_handler, dynamodb(Order)), powertools(dynamodb_thousand, dynamodb_processor), "Powertools", 0.4, 1_000),
        Case("a record of 10,000", lambda: process_batch(ten_thousand, our_handler, text), lambda: process_batch(hundred, our_handler, text), "a record of 100", 1.15, 10_000, 100),
        Case("Batch.response, 1 of 10,000 failed", response_of_a_new_batch, response_by_hand, "by hand", 2.0, 10_000),
    ]  # fmt: skip
