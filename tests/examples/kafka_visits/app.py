"""Count visits from a Kafka topic, many at a time: an async handler, in order for each visitor."""

import asyncio
from collections import Counter
from urllib.parse import urlsplit

from pydantic import BaseModel
from returns.future import future_safe

from batchfold import KafkaRecord, as_lambda_handler, by_message_key, kafka

visits: Counter[str] = Counter()


class Visit(BaseModel):
    url: str


@future_safe
async def count(record: KafkaRecord[Visit]) -> int:
    if record.value is None:  # a tombstone: there is nothing to count
        return 0
    await asyncio.sleep(0)  # here an async client would be awaited
    host = urlsplit(record.value.url).hostname
    if host is None:
        raise ValueError("the URL names no host")
    visits[host] += 1
    return visits[host]


lambda_handler = as_lambda_handler(count, kafka(Visit, lane=by_message_key), max_concurrency=20)
