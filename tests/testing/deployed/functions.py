"""Lambda functions as users deploy them; the tests have AWS's own runtime client load and run them.

Each appends the ids of the orders it reserved to the file that `EFFECTS` names. An order says how many of its first
attempts fail: the counts are kept in the module, as long as the environment is warm.
"""

import os
from collections import Counter
from pathlib import Path

from pydantic import BaseModel
from returns.future import future_safe
from returns.result import Failure, Result, Success, safe

from batchfold import (
    DynamoDBRecord,
    KafkaRecord,
    KinesisRecord,
    SqsRecord,
    as_lambda_handler,
    dynamodb,
    kafka,
    kinesis,
    sqs,
)

attempts = Counter[str]()


class Order(BaseModel):
    """What producers send."""

    id: str
    fails: int = 0


class OutOfStockError(Exception):
    """There are not enough of it, yet."""


def reserve(order: Order) -> None:
    """Reserve, or raise as often as the order says."""
    attempts[order.id] += 1
    if attempts[order.id] <= order.fails:
        raise OutOfStockError(order.id)
    with Path(os.environ["EFFECTS"]).open("a", encoding="utf-8") as effects:
        effects.write(f"{order.id}\n")


@safe
def of_message(record: SqsRecord[Order]) -> None:
    """For SQS."""
    reserve(record.body)


def of_data(record: KinesisRecord[Order]) -> Result[None, OutOfStockError]:
    """For Kinesis, with an error that is in the type."""
    try:
        reserve(record.data)
    except OutOfStockError as error:
        return Failure(error)
    return Success(None)


@safe
def of_change(record: DynamoDBRecord[Order]) -> None:
    """For DynamoDB Streams."""
    if record.new_image is not None:
        reserve(record.new_image)


@future_safe
async def of_value(record: KafkaRecord[Order]) -> None:
    """For Kafka, async."""
    if record.value is not None:
        reserve(record.value)


sqs_function = as_lambda_handler(of_message, sqs(Order))
sqs_function_in_time = as_lambda_handler(of_message, sqs(Order), reserve_ms=10_000)
kinesis_function = as_lambda_handler(of_data, kinesis(Order))
dynamodb_function = as_lambda_handler(of_change, dynamodb(Order))
kafka_function = as_lambda_handler(of_value, kafka(Order))
