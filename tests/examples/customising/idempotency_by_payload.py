"""Powertools' idempotency, by payload: a shard goes on after a failure, and repeats nothing of what comes back with it."""

from collections.abc import Callable

from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel
from returns.result import Result, safe

from batchfold import KinesisRecord, LambdaFunction, as_lambda_handler, each_record, kinesis


class Order(BaseModel):
    id: str


def make(store: BasePersistenceLayer, charge: Callable[[str], int]) -> LambdaFunction[LambdaContext]:
    config = IdempotencyConfig(event_key_jmespath="id", raise_on_no_idempotency_key=True)

    def reserve(order: Order) -> int:
        return charge(order.id)

    reserve_once: Callable[..., int] = idempotent_function(
        reserve, data_keyword_argument="order", persistence_store=store, config=config
    )

    def handler(record: KinesisRecord[Order], context: LambdaContext) -> Result[int, Exception]:
        config.register_lambda_context(context)
        return safe(reserve_once)(order=record.data)

    return as_lambda_handler(handler, kinesis(Order, lane=each_record))
