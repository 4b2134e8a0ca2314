"""A processor with a logger, which is told of each failure."""

import logging
from typing import Any

from batchfold.powertools import (
    BatchProcessor,
    EventType,
    PartialItemFailureResponse,
    SQSRecord,
    process_partial_response,
)

processor = BatchProcessor(event_type=EventType.SQS, logger=logging.getLogger("orders"))


def reserve(record: SQSRecord) -> int:
    quantity: int = record.json_body["quantity"]
    return quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    return process_partial_response(event=event, record_handler=reserve, processor=processor, context=context)
