"""A handler that asks for the Lambda context by the name of its parameter."""

from typing import Any

from batchfold.powertools import (
    BatchProcessor,
    EventType,
    PartialItemFailureResponse,
    SQSRecord,
    process_partial_response,
)

processor = BatchProcessor(event_type=EventType.SQS)


def reserve(record: SQSRecord, lambda_context: Any) -> int:
    assert lambda_context.get_remaining_time_in_millis() > 0
    quantity: int = record.json_body["quantity"]
    return quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    return process_partial_response(event=event, record_handler=reserve, processor=processor, context=context)
