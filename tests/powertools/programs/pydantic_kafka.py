"""A model of a Kafka record with a typed value."""

# Fields are narrowed, which is what these models are made for.
# pyright: reportIncompatibleVariableOverride=false

from typing import Any

from pydantic import BaseModel, Json

from batchfold.powertools import (
    BatchProcessor,
    EventType,
    KafkaRecordModel,
    PartialItemFailureResponse,
    process_partial_response,
)


class Order(BaseModel):
    quantity: int


class OrderRecord(KafkaRecordModel):
    value: Json[Order]


processor = BatchProcessor(event_type=EventType.Kafka, model=OrderRecord)


def visit(record: OrderRecord) -> int:
    return record.value.quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    return process_partial_response(event=event, record_handler=visit, processor=processor, context=context)
