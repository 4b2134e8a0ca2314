"""OpenTelemetry: a span for each record, under the invocation's and linked to the sender's.

As an observer it also tells a record that would not parse, and what `settle` did.
"""

from opentelemetry import trace
from returns.result import safe

from batchfold import Malformed, SqsRecord, as_lambda_handler, caused_by, discard, pipe, sqs, traced

spans = traced(trace.get_tracer("orders"))


@safe
def reserve(record: SqsRecord[int]) -> int:
    return 12 // record.body


lambda_handler = as_lambda_handler(
    pipe(reserve, spans), sqs(int), settle=discard(when=caused_by(Malformed)), observe=spans.observe
)
