"""A Kinesis data stream, with the processor as a context manager."""

import json
from typing import Any

from batchfold.powertools import BatchProcessor, EventType, KinesisStreamRecord, PartialItemFailureResponse

processor = BatchProcessor(event_type=EventType.KinesisDataStreams)


def count(record: KinesisStreamRecord) -> int:
    quantity: int = json.loads(record.kinesis.data_as_text())["quantity"]
    return quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    del context
    with processor(records=event["Records"], handler=count):
        processor.process()
    return processor.response()
