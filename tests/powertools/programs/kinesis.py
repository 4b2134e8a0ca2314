"""A Kinesis data stream, the recommended way."""

from typing import Any

from batchfold.powertools import (
    BatchProcessor,
    EventType,
    KinesisStreamRecord,
    PartialItemFailureResponse,
    process_partial_response,
)

processor = BatchProcessor(event_type=EventType.KinesisDataStreams)


def count(record: KinesisStreamRecord) -> int:
    quantity: int = record.kinesis.data_as_json()["quantity"]
    return quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    return process_partial_response(event=event, record_handler=count, processor=processor, context=context)
