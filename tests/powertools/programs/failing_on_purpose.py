"""A handler that refuses a record by raising an exception of its own."""

from typing import Any

from batchfold.powertools import (
    BatchProcessor,
    EventType,
    PartialItemFailureResponse,
    SQSRecord,
    process_partial_response,
)

processor = BatchProcessor(event_type=EventType.SQS)


class NoOrderError(Exception): ...


def reserve(record: SQSRecord) -> None:
    if "quantity" not in record.body:
        raise NoOrderError(f"message {record.message_id} holds no order")


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    return process_partial_response(event=event, record_handler=reserve, processor=processor, context=context)
