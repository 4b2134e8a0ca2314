"""What became of each record, read from the context manager."""

from typing import Any

from batchfold.powertools import BatchProcessor, EventType, PartialItemFailureResponse, SQSRecord

processor = BatchProcessor(event_type=EventType.SQS)
told: list[tuple[str, Any, str]] = []


def reserve(record: SQSRecord) -> int:
    quantity: int = record.json_body["quantity"]
    return quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    del context
    with processor(records=event["Records"], handler=reserve):
        processed_messages: list[tuple[str, Any, Any]] = processor.process()
    for status, result_or_cause, record in processed_messages:
        told.append((status, result_or_cause, record["messageId"]))
    return processor.response()
