"""A function that is not to raise when every record failed."""

from typing import Any

from batchfold.powertools import (
    BatchProcessor,
    EventType,
    PartialItemFailureResponse,
    SQSRecord,
    process_partial_response,
)

processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def reserve(record: SQSRecord) -> None:
    raise ConnectionError(f"the warehouse is closed to {record.message_id}")


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    return process_partial_response(event=event, record_handler=reserve, processor=processor, context=context)
