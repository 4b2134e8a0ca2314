"""A processor with metrics in its hooks."""

from collections import Counter
from typing import Any

from batchfold.powertools import (
    BatchProcessor,
    EventType,
    ExceptionInfo,
    FailureResponse,
    PartialItemFailureResponse,
    SQSRecord,
    SuccessResponse,
    process_partial_response,
)

metrics: Counter[str] = Counter()


class Measured(BatchProcessor):
    def success_handler(self, record: dict[str, Any], result: Any) -> SuccessResponse:
        metrics["reserved"] += result
        return super().success_handler(record, result)

    def failure_handler(self, record: SQSRecord, exception: ExceptionInfo) -> FailureResponse:
        metrics[type(exception[1]).__name__] += 1
        return super().failure_handler(record, exception)


processor = Measured(event_type=EventType.SQS)


def reserve(record: SQSRecord) -> int:
    quantity: int = record.json_body["quantity"]
    return quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    return process_partial_response(event=event, record_handler=reserve, processor=processor, context=context)
