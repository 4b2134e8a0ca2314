"""Telling an event's source by the event alone, for tools."""

from typing import Any

import pytest

from batchfold.sources.known import source_of
from batchfold.testing import (
    dynamodb_event,
    firehose_event,
    kafka_event,
    kinesis_event,
    pipes_event,
    sqs_event,
    window_event,
)

EVENTS: list[tuple[dict[str, Any] | list[dict[str, Any]], str]] = [
    (sqs_event("one"), "SQS"),
    (kinesis_event("one"), "Kinesis Data Streams"),
    (dynamodb_event({"id": "one"}), "DynamoDB Streams"),
    (kafka_event("one"), "Kafka"),
    (kafka_event("one", self_managed=True), "Kafka"),
    (firehose_event("one"), "Firehose"),
    (firehose_event("one", origin="msk"), "Firehose"),
    (pipes_event(sqs_event("one")), "SQS through EventBridge Pipes"),
    (pipes_event(kinesis_event("one")), "Kinesis Data Streams through EventBridge Pipes"),
    (pipes_event(dynamodb_event({"id": "one"})), "DynamoDB Streams through EventBridge Pipes"),
]


@pytest.mark.parametrize(("event", "name"), EVENTS)
def test_an_event_says_which_source_it_is_from(event: object, name: str) -> None:
    source = source_of(event)
    assert source is not None
    assert source.name == name
    assert len(source.read(event)[1]) == 1


@pytest.mark.parametrize(
    "event",
    [
        None,
        "text",
        [],
        {},
        {"Records": []},
        {"Records": None},
        {"deliveryStreamArn": "arn"},
        {"records": []},
        {"Records": ["text"]},
        {"Records": [{"eventSource": "aws:s3"}]},
        {"eventSource": ["aws:sqs"]},
        ["text"],
        [{"eventSource": "aws:kafka"}],
        [{"eventSource": "SelfManagedKafka"}],
    ],
)
def test_an_event_of_anything_else_says_nothing(event: object) -> None:
    assert source_of(event) is None


@pytest.mark.parametrize("event", [kinesis_event("one"), dynamodb_event({"id": "one"})])
def test_the_event_of_a_window_is_told_with_any_state(event: dict[str, Any]) -> None:
    arn: str = event["Records"][0]["eventSourceARN"]
    of_records: list[list[Any]] = [event["Records"], []]
    for raws in of_records:
        of_window = {**window_event({**event, "Records": raws}, state={"a": [1]}, is_final=True), "eventSourceARN": arn}
        source = source_of(of_window)
        assert source is not None
        assert len(source.opened(of_window).read(of_window)[1]) == len(raws)


@pytest.mark.parametrize(
    "event",
    [{**sqs_event("one"), "window": {}}, {"window": {}, "eventSourceARN": "arn"}, {"window": {}, "Records": []}],
)
def test_a_window_of_nothing_that_has_windows_is_none(event: dict[str, Any]) -> None:
    assert source_of(event) is None
