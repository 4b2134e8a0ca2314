"""Powertools' idempotency reacts to exceptions, so it goes under `safe`: a record that failed is tried again."""

from collections.abc import Callable

from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.typing import LambdaContext
from returns.result import Result, safe

from batchfold import LambdaFunction, SqsRecord, as_lambda_handler, sqs


def make(store: BasePersistenceLayer, charge: Callable[[str], int]) -> LambdaFunction[LambdaContext]:
    config = IdempotencyConfig()

    def reserve(order_id: str) -> int:
        return charge(order_id)

    reserve_once: Callable[..., int] = idempotent_function(
        reserve, data_keyword_argument="order_id", persistence_store=store, config=config
    )

    def handler(record: SqsRecord, context: LambdaContext) -> Result[int, Exception]:
        config.register_lambda_context(context)
        return safe(reserve_once)(order_id=record.body)

    return as_lambda_handler(handler, sqs())
