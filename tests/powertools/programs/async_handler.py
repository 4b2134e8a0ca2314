"""An async handler."""

import asyncio
from typing import Any

from batchfold.powertools import (
    AsyncBatchProcessor,
    EventType,
    PartialItemFailureResponse,
    SQSRecord,
    async_process_partial_response,
)

processor = AsyncBatchProcessor(event_type=EventType.SQS)


async def reserve(record: SQSRecord) -> int:
    await asyncio.sleep(0)
    quantity: int = record.json_body["quantity"]
    return quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    return async_process_partial_response(event=event, record_handler=reserve, processor=processor, context=context)
