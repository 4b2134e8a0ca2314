"""Reading Kafka's events: what is refused, and how the user is told."""

from typing import Any

import pytest

from batchfold.core.records import UnexpectedEventError
from batchfold.sources.kafka import read_kafka


def raw(topic: object = "orders", partition: object = 0, offset: object = 0) -> dict[str, Any]:
    return {"topic": topic, "partition": partition, "offset": offset, "value": "s3cr3t"}


def refusal(records: object, **event: object) -> str:
    with pytest.raises(UnexpectedEventError) as caught:
        read_kafka({"eventSource": "aws:kafka", "records": records, **event})
    assert "s3cr3t" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("event_source", ["aws:kafka", "SelfManagedKafka", "aws:SelfManagedKafka"])
@pytest.mark.parametrize("records", [{}, {"orders-0": []}, {"orders-0": (), "orders-1": []}])
def test_an_event_without_any_record_is_an_empty_batch(event_source: str, records: dict[str, Any]) -> None:
    assert read_kafka({"eventSource": event_source, "records": records}) == ([], [])


def test_records_arrive_in_the_order_of_the_mapping_and_of_its_lists() -> None:
    lists = {"b-1": [raw("b", 1, 7), raw("b", 1, 8)], "a-b-0": [raw("a-b", 0, 3)]}
    raws, item_ids = read_kafka({"eventSource": "aws:kafka", "records": lists})
    assert raws == [*lists["b-1"], *lists["a-b-0"]]
    assert item_ids == [
        {"partition": "b-1", "offset": 7},
        {"partition": "b-1", "offset": 8},
        {"partition": "a-b-0", "offset": 3},
    ]


@pytest.mark.parametrize("event_source", ["aws:sqs", None, ["aws:kafka"], ""])
def test_an_event_of_another_source_is_refused(event_source: object) -> None:
    told = refusal({}, eventSource=event_source)
    assert "eventSource of Kafka, 'aws:kafka' or 'SelfManagedKafka' or 'aws:SelfManagedKafka'" in told


def test_an_event_without_an_event_source_is_refused() -> None:
    with pytest.raises(UnexpectedEventError, match="found none"):
        read_kafka({"records": {}})


@pytest.mark.parametrize("records", [None, [], "text", 3])
def test_records_that_are_no_mapping_are_refused(records: object) -> None:
    assert f"under 'records', found a value of type {type(records).__name__}" in refusal(records)


def test_an_event_without_records_is_refused() -> None:
    with pytest.raises(UnexpectedEventError, match="found an event without 'records'"):
        read_kafka({"eventSource": "aws:kafka"})


@pytest.mark.parametrize("listed", [None, {}, "text", 3])
def test_what_is_no_list_of_records_is_refused(listed: object) -> None:
    assert "expected records['orders-0'] of an event of Kafka to be a list" in refusal({"orders-0": listed})


@pytest.mark.parametrize("some", [None, "text", 3, ["topic"]])
def test_a_raw_record_that_is_no_mapping_is_refused_with_its_position(some: object) -> None:
    told = refusal({"orders-0": [raw(), some]})
    assert "expected records['orders-0'][1] of an event of Kafka to be a mapping" in told


@pytest.mark.parametrize("topic", [None, "", 3, ["orders"]])
def test_a_record_without_a_topic_is_refused(topic: object) -> None:
    assert "expected 'topic' of records['orders-0'][0] to be text" in refusal({"orders-0": [raw(topic)]})


def test_an_empty_topic_is_refused_though_its_key_agrees() -> None:
    assert "expected 'topic'" in refusal({"-0": [raw("")]})


@pytest.mark.parametrize("number", [None, True, -1, 1.5, "0", [0]])
def test_a_partition_or_offset_that_is_no_whole_number_is_refused(number: object) -> None:
    expected = "of records['orders-0'][1] to be a whole number from 0 on"
    assert f"expected 'partition' {expected}" in refusal({"orders-0": [raw(), raw(partition=number)]})
    assert f"expected 'offset' {expected}" in refusal({"orders-0": [raw(), raw(offset=number)]})


def test_a_negative_partition_is_refused_though_its_key_agrees() -> None:
    assert "expected 'partition'" in refusal({"orders--1": [raw(partition=-1)]})


@pytest.mark.parametrize("field", ["topic", "partition", "offset"])
def test_a_record_that_lacks_a_part_of_its_identifier_is_refused(field: str) -> None:
    lacking = {name: value for name, value in raw().items() if name != field}
    assert f"expected {field!r}" in refusal({"orders-0": [lacking]})


@pytest.mark.parametrize("key", ["orders-1", "order-0", "orders", 0, None])
def test_a_record_that_is_listed_under_another_partition_is_refused(key: object) -> None:
    assert "to be listed under its own topic and partition, 'orders-0'" in refusal({key: [raw()]})


def test_one_list_never_holds_the_records_of_two_partitions() -> None:
    assert "records['orders-0'][1]" in refusal({"orders-0": [raw(), raw(partition=1)]})
