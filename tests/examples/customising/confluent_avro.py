"""Avro with Confluent's schema registry, which is asked once for each schema, and never for a record that is broken."""

from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any

from fastavro import schemaless_reader  # pyright: ignore[reportUnknownVariableType]  # of files of any kind
from pydantic import BaseModel
from returns.result import Result, Success, safe

from batchfold import KafkaRecord, LambdaFunction, as_lambda_handler, confluent, kafka


class Order(BaseModel):
    quantity: int


@safe(exceptions=(EOFError, IndexError, ValueError))  # of these, Malformed; a registry that is down is Crashed
def read(payload: bytes, schema: Any) -> Order:
    return Order.model_validate(schemaless_reader(BytesIO(payload), schema, None))


def reserve(record: KafkaRecord[Order]) -> Result[int, Exception]:
    return Success(0 if record.value is None else record.value.quantity)


def make(schema_of: Callable[[int], dict[str, Any]]) -> LambdaFunction[object]:
    schemas = cache(schema_of)
    return as_lambda_handler(
        reserve, kafka(decode=confluent(lambda payload, schema_id: read(payload, schemas(schema_id))))
    )
