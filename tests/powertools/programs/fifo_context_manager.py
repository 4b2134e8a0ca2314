"""A FIFO queue, with the processor as a context manager."""

from typing import Any

from batchfold.powertools import PartialItemFailureResponse, SqsFifoPartialProcessor, SQSRecord

processor = SqsFifoPartialProcessor()


def transfer(record: SQSRecord) -> int:
    quantity: int = record.json_body["quantity"]
    return quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    del context
    with processor(records=event["Records"], handler=transfer):
        processor.process()
    return processor.response()
