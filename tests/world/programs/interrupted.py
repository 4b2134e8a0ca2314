"""A Lambda function with an async handler, interrupted while its records are in flight, and then called again."""

import asyncio
import sys
import time

from returns.result import Result, Success

from batchfold import SqsRecord, as_lambda_handler, sqs
from batchfold.testing import LambdaContext, sqs_event

is_interrupted = False


async def handle(record: SqsRecord[str]) -> Result[None, str]:
    if is_interrupted:
        return Success(None)
    try:
        print("started", record.body, flush=True)
        if sys.argv[1] == "waiting":
            await asyncio.sleep(60)
        else:
            time.sleep(60)  # noqa: ASYNC251  # a handler that blocks its loop
    finally:
        print("left", record.body, flush=True)
    return Success(None)


lambda_handler = as_lambda_handler(handle, sqs(), max_concurrency=3)
event = sqs_event(*map(str, range(5)))

try:
    lambda_handler(event, LambdaContext())
except KeyboardInterrupt:
    print("interrupted", flush=True)
    is_interrupted = True
print(lambda_handler(event, LambdaContext()), flush=True)
