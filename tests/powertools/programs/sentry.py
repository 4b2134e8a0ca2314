"""A processor that sends each exception to Sentry, where a bare `capture_exception()` finds it."""

from typing import Any

from sentry_sdk import capture_exception

from batchfold.powertools import (
    BatchProcessor,
    EventType,
    ExceptionInfo,
    FailureResponse,
    PartialItemFailureResponse,
    SQSRecord,
    process_partial_response,
)


class Reported(BatchProcessor):
    def failure_handler(self, record: Any, exception: ExceptionInfo) -> FailureResponse:
        capture_exception()
        return super().failure_handler(record, exception)


processor = Reported(event_type=EventType.SQS)


def reserve(record: SQSRecord) -> int:
    quantity: int = record.json_body["quantity"]
    return quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    return process_partial_response(event=event, record_handler=reserve, processor=processor, context=context)
