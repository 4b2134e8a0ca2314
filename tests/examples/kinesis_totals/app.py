"""Publish the turnover of each minute, from a Kinesis stream with tumbling windows."""

from pydantic import BaseModel
from returns.result import Result, Success

from batchfold import KinesisRecord, Malformed, as_lambda_handler, caused_by, discard, kinesis, step, windowed

published: list["Turnover"] = []


class Sale(BaseModel):
    product: str
    cents: int


class Turnover(BaseModel):
    sales: int = 0
    cents: dict[str, int] = {}


def add(turnover: Turnover, record: KinesisRecord[Sale]) -> Result[Turnover, str]:
    sale = record.data
    cents = turnover.cents.get(sale.product, 0) + sale.cents
    return Success(Turnover(sales=turnover.sales + 1, cents={**turnover.cents, sale.product: cents}))


def publish(turnover: Turnover) -> Result[None, OSError]:
    published.append(turnover)  # a table, a metric, a message
    return Success(None)


# any record that is not done brings its batch back, so what will never parse is let go of
lambda_handler = as_lambda_handler(
    step(add), windowed(kinesis(Sale), Turnover, finish=publish), settle=discard(when=caused_by(Malformed))
)
