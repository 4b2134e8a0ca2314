"""OpenTelemetry: a layer of one's own makes a span of each record, and marks what failed."""

from collections.abc import Callable

from opentelemetry import trace
from opentelemetry.trace import StatusCode
from returns.result import Failure, Result, safe

from batchfold import SqsRecord, as_lambda_handler, pipe, sqs

Handler = Callable[[SqsRecord], Result[int, Exception]]


def spanning(handler: Handler) -> Handler:
    def handle(record: SqsRecord) -> Result[int, Exception]:
        with trace.get_tracer("orders").start_as_current_span("reserve") as span:
            span.set_attribute("messaging.message.id", record.message_id)
            result = handler(record)
            if isinstance(result, Failure):
                span.record_exception(result.failure())
                span.set_status(StatusCode.ERROR)
            return result

    return handle


def reserve(record: SqsRecord) -> int:
    return int(record.body)


lambda_handler = as_lambda_handler(pipe(safe(reserve), spanning), sqs())
