"""An SQS queue, with the decorator."""

from typing import Any

from batchfold.powertools import BatchProcessor, EventType, PartialItemFailureResponse, SQSRecord, batch_processor

processor = BatchProcessor(event_type=EventType.SQS)


def reserve(record: SQSRecord) -> int:
    quantity: int = record.json_body["quantity"]
    return quantity


@batch_processor(record_handler=reserve, processor=processor)
def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    del event, context
    return processor.response()
