"""A DynamoDB stream, with the processor as a context manager."""

import json
from typing import Any

from batchfold.powertools import BatchProcessor, DynamoDBRecord, EventType, PartialItemFailureResponse

processor = BatchProcessor(event_type=EventType.DynamoDBStreams)


def index(record: DynamoDBRecord) -> int:
    quantity: int = json.loads(record["dynamodb"]["NewImage"]["order"]["S"])["quantity"]
    return quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    del context
    with processor(records=event["Records"], handler=index):
        processor.process()
    return processor.response()
