"""An SQS queue, with the processor as a context manager."""

import json
from typing import Any

from batchfold.powertools import BatchProcessor, EventType, PartialItemFailureResponse, SQSRecord

processor = BatchProcessor(event_type=EventType.SQS)


def reserve(record: SQSRecord) -> int:
    order = json.loads(record.body)
    quantity: int = order["quantity"]
    return quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    del context
    with processor(records=event["Records"], handler=reserve):
        processor.process()
    return processor.response()
