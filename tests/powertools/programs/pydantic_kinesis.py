"""A model of a Kinesis record with typed data."""

# Fields are narrowed, which is what these models are made for.
# pyright: reportIncompatibleVariableOverride=false

from typing import Any

from pydantic import BaseModel, Json

from batchfold.powertools import (
    BatchProcessor,
    EventType,
    KinesisDataStreamRecord,
    KinesisDataStreamRecordPayload,
    PartialItemFailureResponse,
    process_partial_response,
)


class Order(BaseModel):
    quantity: int


class OrderPayload(KinesisDataStreamRecordPayload):
    data: Json[Order]


class OrderRecord(KinesisDataStreamRecord):
    kinesis: OrderPayload


processor = BatchProcessor(event_type=EventType.KinesisDataStreams, model=OrderRecord)


def count(record: OrderRecord) -> int:
    return record.kinesis.data.quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    return process_partial_response(event=event, record_handler=count, processor=processor, context=context)
