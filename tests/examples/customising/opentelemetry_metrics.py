"""OpenTelemetry's metrics: counters of what a batch came to, and a histogram of how long its records took."""

from opentelemetry.metrics import get_meter
from returns.result import safe

from batchfold import AnyBatch, Record, SqsRecord, as_lambda_handler, measures_of, pipe, sqs, timed

meter = get_meter("orders")
records = meter.create_counter("orders.records", unit="{record}")
partial_failures = meter.create_counter("orders.partial_failures", unit="{batch}")  # AWS counts no error
duration = meter.create_histogram("orders.record.duration", unit="s")


def reserve(record: SqsRecord) -> int:
    return int(record.body)


def measure(_record: Record, seconds: float) -> None:
    duration.record(seconds)


def count(batch: AnyBatch) -> None:
    counts = measures_of(batch).counts()
    for outcome in ("succeeded", "settled", "failed", "unprocessed"):
        records.add(counts[outcome], {"outcome": outcome})
    partial_failures.add(int(0 < counts["failed"] + counts["unprocessed"] < len(batch)))


lambda_handler = as_lambda_handler(pipe(safe(reserve), timed(measure)), sqs(), then=count)
