"""A handler under Powertools' tracer, which does not capture what it returns."""

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


@tracer.capture_method(capture_response=False)
def reserve(record: SQSRecord) -> int:
    quantity: int = record.json_body["quantity"]
    return quantity


@logger.inject_lambda_context
@tracer.capture_lambda_handler
def lambda_handler(event: dict[str, Any], context: Any) -> PartialItemFailureResponse:
    return process_partial_response(event=event, record_handler=reserve, processor=processor, context=context)
