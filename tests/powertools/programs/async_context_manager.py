"""An async handler, with the processor as a context manager."""

import asyncio
from typing import Any

from batchfold.powertools import AsyncBatchProcessor, EventType, PartialItemFailureResponse, SQSRecord

processor = AsyncBatchProcessor(event_type=EventType.SQS)


async def reserve(record: SQSRecord) -> int:
    await asyncio.sleep(0)
    quantity: int = record.json_body["quantity"]
    return quantity


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    del context
    with processor(records=event["Records"], handler=reserve) as batch:
        batch.async_process()
    return processor.response()
