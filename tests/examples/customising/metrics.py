"""Powertools' Metrics, in CloudWatch's embedded format: what a batch came to, and how long its records took."""

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from returns.result import safe

from batchfold import Latencies, PartialResponse, SqsRecord, fold_batch, measures_of, pipe, respond, sqs, timed

metrics = Metrics(namespace="shop", service="orders")


def reserve(record: SqsRecord) -> int:
    return int(record.body)


@metrics.log_metrics
def lambda_handler(event: dict[str, object], _context: object) -> PartialResponse:
    latencies = Latencies()
    batch = fold_batch(event, pipe(safe(reserve), timed(latencies)), sqs())
    measures = measures_of(batch, latencies)
    for name, count in measures.counts().items():
        metrics.add_metric(name, MetricUnit.Count, count)
    is_partial = 0 < measures.failed + measures.unprocessed < len(batch)  # AWS counts no error
    metrics.add_metric("partial_failures", MetricUnit.Count, int(is_partial))
    for seconds in measures.seconds:
        metrics.add_metric("latency", MetricUnit.Seconds, seconds)
    return respond(batch)
