"""Metrics of batches: CloudWatch's embedded format by Powertools, and OpenTelemetry's SDK."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData

from batchfold import BatchProcessingError
from batchfold.testing import LambdaContext, sqs_event

Load = Callable[[str], Any]

DONE, PARTIAL, FAILED = sqs_event("3", "4"), sqs_event("3", "many", "4"), sqs_event("many", "few")


def test_powertools_metrics_hold_what_a_batch_came_to(load: Load, capsys: pytest.CaptureFixture[str]) -> None:
    load("metrics").lambda_handler(PARTIAL, LambdaContext())
    told = json.loads(capsys.readouterr().out)
    (directive,) = told["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "shop"
    assert {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}["latency"] == "Seconds"
    assert told["succeeded"] == [2.0]
    assert told["rejected"] == [1.0]
    assert len(told["latency"]) == 3


@pytest.mark.parametrize(("event", "failed", "is_partial"), [(DONE, 0, 0), (PARTIAL, 1, 1), (FAILED, 2, 0)])
def test_powertools_metrics_count_partial_failures(
    event: dict[str, Any], failed: int, is_partial: int, load: Load, capsys: pytest.CaptureFixture[str]
) -> None:
    with suppress(BatchProcessingError):  # a batch that failed as a whole; its metrics are there all the same
        load("metrics").lambda_handler(event, LambdaContext())
    told = json.loads(capsys.readouterr().out)
    assert (told["failed"], told["partial_failures"]) == ([failed], [is_partial])


def points(data: MetricsData | None) -> dict[str, Any]:
    """The points of each metric, by the metric's name."""
    assert data is not None
    (resource,) = data.resource_metrics
    (scope,) = resource.scope_metrics
    return {metric.name: list(metric.data.data_points) for metric in scope.metrics}


def test_opentelemetry_metrics_count_over_invocations(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    monkeypatch.setattr(metrics, "get_meter", provider.get_meter)
    app = load("opentelemetry_metrics")
    for event in (DONE, PARTIAL, PARTIAL):
        app.lambda_handler(event, LambdaContext())
    with pytest.raises(BatchProcessingError):
        app.lambda_handler(FAILED, LambdaContext())
    seen = points(reader.get_metrics_data())
    provider.shutdown()
    by_outcome = {point.attributes["outcome"]: point.value for point in seen["orders.records"]}
    assert by_outcome == {"succeeded": 6, "settled": 0, "failed": 4, "unprocessed": 0}
    assert [point.value for point in seen["orders.partial_failures"]] == [2]
    assert [point.count for point in seen["orders.record.duration"]] == [10]
