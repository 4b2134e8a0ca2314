"""Changes of a DynamoDB table in a Kinesis stream: they may come twice and out of order, and their time says which is newer."""

from datetime import datetime

from pydantic import BaseModel
from returns.result import Failure, Result, Success

from batchfold import DynamoDBChange, KinesisRecord, as_lambda_handler, kinesis


class Key(BaseModel):
    id: str


class Order(Key):
    quantity: int


stock: dict[str, tuple[datetime, int]] = {}


def follow(record: KinesisRecord[DynamoDBChange[Order, Order, Key]]) -> Result[None, str]:
    key, at, order = record.data.keys.id, record.data.approximate_creation_time, record.data.new_image
    if at is None:
        return Failure("a change without a time")
    if key not in stock or stock[key][0] < at:
        stock[key] = at, 0 if order is None else order.quantity
    return Success(None)


lambda_handler = as_lambda_handler(follow, kinesis(DynamoDBChange[Order, Order, Key]))
