"""AWS's X-Ray SDK in threads: a layer tells a thread the segment, or subsegments would hang beside the invocation's."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps

from aws_xray_sdk.core import xray_recorder
from returns.result import Result, safe

from batchfold import PartialResponse, SqsRecord, pipe, process_batch, sqs

Handler = Callable[[SqsRecord], Result[int, Exception]]
pool = ThreadPoolExecutor(4)


def reserve(record: SqsRecord) -> int:
    with xray_recorder.in_subsegment("reserve"):
        return int(record.body)


def lambda_handler(event: dict[str, object], _context: object) -> PartialResponse:
    segment = xray_recorder.get_trace_entity()

    def under_segment(handler: Handler) -> Handler:
        @wraps(handler)
        def handle(record: SqsRecord) -> Result[int, Exception]:
            xray_recorder.set_trace_entity(segment)
            try:
                return handler(record)
            finally:
                xray_recorder.clear_trace_entities()

        return handle

    return process_batch(event, pipe(safe(reserve), under_segment), sqs(), executor=pool)
