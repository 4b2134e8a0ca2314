"""Ask carriers for prices, several at a time: a handler that returns `FutureResult` is async."""

from dataclasses import dataclass

from pydantic import BaseModel
from returns.future import FutureResult

from batchfold import SqsRecord, as_lambda_handler, sqs

PRICES = {"eu": 9, "us": 14}


class Shipment(BaseModel):
    id: str
    region: str


@dataclass(frozen=True)
class NoPrice:
    region: str


def price_of(shipment: Shipment) -> FutureResult[int, NoPrice]:
    price = PRICES.get(shipment.region)  # an async client would be asked here
    return FutureResult.from_value(price) if price is not None else FutureResult.from_failure(NoPrice(shipment.region))


def book(record: SqsRecord[Shipment]) -> FutureResult[str, NoPrice]:
    return price_of(record.body).map(lambda price: f"{record.body.id} for {price}")


lambda_handler = as_lambda_handler(book, sqs(Shipment))
