"""A processor of one's own: it writes what succeeded, at once, when the batch is over."""

import sys
from typing import Any

from batchfold.powertools import BasePartialProcessor, FailureResponse, PartialItemFailureResponse, SuccessResponse

table: list[dict[str, Any]] = []


class WritingProcessor(BasePartialProcessor):
    def __init__(self, written: list[dict[str, Any]]) -> None:
        self.written = written
        self.batch_response: PartialItemFailureResponse = {"batchItemFailures": []}
        super().__init__()

    def _prepare(self) -> None:
        self.success_messages.clear()
        self.fail_messages.clear()

    def _clean(self) -> None:
        self.written.extend(self.success_messages)
        self.batch_response = {
            "batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in self.fail_messages]
        }

    def response(self) -> PartialItemFailureResponse:
        return self.batch_response

    def _process_record(self, record: dict[str, Any]) -> SuccessResponse | FailureResponse:
        try:
            return self.success_handler(record, self.handler(record))
        except Exception:  # noqa: BLE001  # whatever it is, it is this record's
            return self.failure_handler(record, sys.exc_info())

    async def _async_process_record(self, record: dict[str, Any]) -> SuccessResponse | FailureResponse:
        raise NotImplementedError


processor = WritingProcessor(table)


def reserve(record: dict[str, Any]) -> bool:
    if "quantity" not in record["body"]:
        raise KeyError("quantity")
    return True


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    del context
    with processor(event["Records"], reserve):
        processor.process()
    return processor.response()
