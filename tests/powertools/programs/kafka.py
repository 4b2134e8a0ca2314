"""A Kafka topic."""

from typing import Any

from batchfold.powertools import (
    BatchProcessor,
    EventType,
    KafkaEventRecord,
    PartialItemFailureResponse,
    process_partial_response,
)

processor = BatchProcessor(event_type=EventType.Kafka)


def visit(record: KafkaEventRecord) -> int:
    quantity: int = record.json_value["quantity"]
    return quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    return process_partial_response(event=event, record_handler=visit, processor=processor, context=context)
