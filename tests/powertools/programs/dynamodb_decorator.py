"""A DynamoDB stream, with the decorator."""

import json
from typing import Any

from batchfold.powertools import BatchProcessor, DynamoDBRecord, EventType, PartialItemFailureResponse, batch_processor

processor = BatchProcessor(event_type=EventType.DynamoDBStreams)


def index(record: DynamoDBRecord) -> int:
    assert record.dynamodb is not None
    quantity: int = json.loads(record.dynamodb.new_image.get("order", ""))["quantity"]
    return quantity


@batch_processor(record_handler=index, processor=processor)
def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    del event, context
    return processor.response()
