"""A handler that asks for the Lambda context, with the decorator."""

from typing import Any

from batchfold.powertools import BatchProcessor, EventType, PartialItemFailureResponse, SQSRecord, batch_processor

processor = BatchProcessor(event_type=EventType.SQS)


def reserve(record: SQSRecord, lambda_context: Any = None) -> int:
    assert lambda_context.get_remaining_time_in_millis() > 0
    quantity: int = record.json_body["quantity"]
    return quantity


@batch_processor(record_handler=reserve, processor=processor)
def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    del event, context
    return processor.response()
