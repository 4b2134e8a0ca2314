"""A program with a test of its own, in `tests`: it logs what it took, under Powertools' logger and tracer."""

import json
from typing import Any

from aws_lambda_powertools import Logger, Tracer

from batchfold.powertools import (
    BatchProcessor,
    EventType,
    PartialItemFailureResponse,
    SQSRecord,
    process_partial_response,
)

tracer = Tracer(service="orders", disabled=True)
logger = Logger(service="orders")
processor = BatchProcessor(event_type=EventType.SQS)


@tracer.capture_method
def reserve(record: SQSRecord) -> None:
    if record.body:
        order: dict[str, Any] = json.loads(record.body)
        logger.info("reserved %d", order["quantity"])


@logger.inject_lambda_context
@tracer.capture_lambda_handler
def lambda_handler(event: dict[str, Any], context: Any) -> PartialItemFailureResponse:
    return process_partial_response(event=event, record_handler=reserve, processor=processor, context=context)
