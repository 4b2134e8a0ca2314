"""A model of a DynamoDB change with typed images."""

# Fields are narrowed, which is what these models are made for.
# pyright: reportIncompatibleVariableOverride=false

import json
from typing import Any

from pydantic import BaseModel, field_validator

from batchfold.powertools import (
    BatchProcessor,
    DynamoDBStreamChangedRecordModel,
    DynamoDBStreamRecordModel,
    EventType,
    PartialItemFailureResponse,
    process_partial_response,
)


class Order(BaseModel):
    quantity: int


class Row(BaseModel):
    order: Order

    @field_validator("order", mode="before")
    @classmethod
    def from_json(cls, value: str) -> Any:
        return json.loads(value)


class OrderChange(DynamoDBStreamChangedRecordModel):
    NewImage: Row | None = None
    OldImage: Row | None = None


class OrderRecord(DynamoDBStreamRecordModel):
    dynamodb: OrderChange


processor = BatchProcessor(event_type=EventType.DynamoDBStreams, model=OrderRecord)


def index(record: OrderRecord) -> int | None:
    return record.dynamodb.NewImage.order.quantity if record.dynamodb.NewImage else None


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    return process_partial_response(event=event, record_handler=index, processor=processor, context=context)
