"""Changes of a DynamoDB table that sends them to a Kinesis stream, in the order of each partition key."""

from pydantic import BaseModel
from returns.result import Result, Success

from batchfold import DynamoDBChange, KinesisRecord, as_lambda_handler, by_partition_key, kinesis


class Order(BaseModel):
    id: str
    quantity: int


stock: dict[str, int] = {}


def follow(record: KinesisRecord[DynamoDBChange[Order]]) -> Result[None, str]:
    order, before = record.data.new_image, record.data.old_image
    if order is not None:
        stock[order.id] = order.quantity
    elif before is not None:
        del stock[before.id]
    return Success(None)


lambda_handler = as_lambda_handler(follow, kinesis(DynamoDBChange[Order], lane=by_partition_key))
