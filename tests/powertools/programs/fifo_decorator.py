"""A FIFO queue, with the decorator."""

from typing import Any

from batchfold.powertools import PartialItemFailureResponse, SqsFifoPartialProcessor, SQSRecord, batch_processor

processor = SqsFifoPartialProcessor()


def transfer(record: SQSRecord) -> int:
    quantity: int = record.json_body["quantity"]
    return quantity


@batch_processor(record_handler=transfer, processor=processor)
def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    del event, context
    return processor.response()
