"""An async handler, with the decorator."""

import asyncio
from typing import Any

from batchfold.powertools import (
    AsyncBatchProcessor,
    EventType,
    PartialItemFailureResponse,
    SQSRecord,
    async_batch_processor,
)

processor = AsyncBatchProcessor(event_type=EventType.SQS)


async def reserve(record: SQSRecord) -> int:
    await asyncio.sleep(0)
    quantity: int = record.json_body["quantity"]
    return quantity


@async_batch_processor(record_handler=reserve, processor=processor)
def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    del event, context
    return processor.response()
