"""A model of an SQS message with a typed body."""

# Fields are narrowed, which is what these models are made for.
# pyright: reportIncompatibleVariableOverride=false

from typing import Any

from pydantic import BaseModel, Json

from batchfold.powertools import (
    BatchProcessor,
    EventType,
    PartialItemFailureResponse,
    SqsRecordModel,
    process_partial_response,
)


class Order(BaseModel):
    quantity: int


class OrderRecord(SqsRecordModel):
    body: Json[Order]


processor = BatchProcessor(event_type=EventType.SQS, model=OrderRecord)


def reserve(record: OrderRecord) -> int:
    return record.body.quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    return process_partial_response(event=event, record_handler=reserve, processor=processor, context=context)
