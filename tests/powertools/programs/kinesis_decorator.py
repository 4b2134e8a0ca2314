"""A Kinesis data stream, with the decorator."""

import json
from typing import Any

from batchfold.powertools import (
    BatchProcessor,
    EventType,
    KinesisStreamRecord,
    PartialItemFailureResponse,
    batch_processor,
)

processor = BatchProcessor(event_type=EventType.KinesisDataStreams)


def count(record: KinesisStreamRecord) -> int:
    quantity: int = json.loads(record.kinesis.data_as_bytes())["quantity"]
    return quantity


@batch_processor(record_handler=count, processor=processor)
def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    del event, context
    return processor.response()
