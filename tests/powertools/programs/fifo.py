"""A FIFO queue, the recommended way."""

from typing import Any

from batchfold.powertools import (
    PartialItemFailureResponse,
    SqsFifoPartialProcessor,
    SQSRecord,
    process_partial_response,
)

processor = SqsFifoPartialProcessor()


def transfer(record: SQSRecord) -> int:
    quantity: int = record.json_body["quantity"]
    return quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    return process_partial_response(event=event, record_handler=transfer, processor=processor, context=context)
