"""Reserve the stock of orders from an SQS queue. The handler returns what went wrong."""

from dataclasses import dataclass

from pydantic import BaseModel, PositiveInt
from returns.result import Failure, Result, Success

from batchfold import Event, PartialResponse, SqsRecord, process_batch, sqs

STOCK = {"teapot": 12, "cup": 40}


class Order(BaseModel):
    id: str
    item: str
    quantity: PositiveInt


@dataclass(frozen=True)
class OutOfStock:
    order_id: str


def reserve(record: SqsRecord[Order]) -> Result[int, OutOfStock]:
    order = record.body
    left = STOCK.get(order.item, 0) - order.quantity
    return Success(left) if left >= 0 else Failure(OutOfStock(order.id))


def lambda_handler(event: Event, _context: object) -> PartialResponse:
    return process_batch(event, reserve, sqs(Order))
