"""A handler that asks for the Lambda context, with the processor as a context manager."""

from typing import Any

from batchfold.powertools import BatchProcessor, EventType, PartialItemFailureResponse, SQSRecord

processor = BatchProcessor(event_type=EventType.SQS)


def reserve(record: SQSRecord, lambda_context: Any = None) -> int:
    assert lambda_context.get_remaining_time_in_millis() > 0
    quantity: int = record.json_body["quantity"]
    return quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    with processor(records=event["Records"], handler=reserve, lambda_context=context):
        processor.process()
    return processor.response()
