"""Powertools' idempotency, by message. It reacts to exceptions, so it goes under `safe`: what failed is tried again."""

from collections.abc import Callable

from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.typing import LambdaContext
from returns.result import Result, safe

from batchfold import LambdaFunction, SqsRecord, as_lambda_handler, sqs


def make(store: BasePersistenceLayer, charge: Callable[[str], int]) -> LambdaFunction[LambdaContext]:
    config = IdempotencyConfig(event_key_jmespath="messageId", raise_on_no_idempotency_key=True)

    def reserve(record: SqsRecord) -> int:
        return charge(record.body)

    reserve_once: Callable[..., int] = idempotent_function(
        reserve, data_keyword_argument="record", persistence_store=store, config=config
    )

    def handler(record: SqsRecord, context: LambdaContext) -> Result[int, Exception]:
        config.register_lambda_context(context)  # a claim ends with the invocation, should it be cut off
        return safe(reserve_once)(record=record)

    return as_lambda_handler(handler, sqs())
