"""A DynamoDB stream, the recommended way."""

import json
from typing import Any

from batchfold.powertools import (
    BatchProcessor,
    DynamoDBRecord,
    EventType,
    PartialItemFailureResponse,
    process_partial_response,
)

processor = BatchProcessor(event_type=EventType.DynamoDBStreams)


def index(record: DynamoDBRecord) -> int:
    assert record.dynamodb is not None
    quantity: int = json.loads(record.dynamodb.new_image["order"])["quantity"]
    return quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    return process_partial_response(event=event, record_handler=index, processor=processor, context=context)
