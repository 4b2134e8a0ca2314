"""Changes of a table inside the payloads of other sources: parsed as `dynamodb()` parses them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from importlib import import_module
from typing import Any, assert_type
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError
from returns.result import Success

from batchfold import (
    DynamoDBChange,
    EventBridge,
    Item,
    KinesisRecord,
    Malformed,
    PayloadError,
    Sns,
    Source,
    dynamodb,
    fold_batch,
    kinesis,
    sqs,
)
from batchfold import testing as bt
from batchfold.testing import dynamodb_event, eventbridge_envelope, kinesis_event, sns_envelope, sqs_event, table_change
from batchfold.testing import strategies as bst

# its types are more than the strict checkers can follow, and only what it reads matters here
powertools: Any = import_module("aws_lambda_powertools.utilities.parser.models")

# Under beartype the checks of containers take a sample, with a random number that changes nothing drawn.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")


class Colour(Enum):
    RED = "red"


class Order(BaseModel):
    model_config = ConfigDict(strict=True)

    id: UUID
    at: datetime
    price: Decimal
    quantity: int
    weight: float
    colour: Colour
    sizes: tuple[int, ...]
    tags: set[str]
    data: bytes


class Key(BaseModel):
    id: str


class Old(BaseModel):
    name: str


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ITEM = {
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "at": "2026-01-01T00:00:00",
    "price": Decimal("9.9000000000000000000000000000000000001"),
    "quantity": 3,
    "weight": Decimal("0.5"),
    "colour": "red",
    "sizes": [1, 2],
    "tags": {"new"},
    "data": b"\x00\xff",
}


OF_ANY: Callable[[Any], Source[Any, Any]] = kinesis


def in_kinesis(change: object, form: Any = DynamoDBChange) -> Any:
    return OF_ANY(form).parse(kinesis_event(change)["Records"][0]).data


def fault_of(change: object, form: Any) -> Any:
    return fold_batch(kinesis_event(change), Success, OF_ANY(form)).failed[0].fault


def test_sources_of_changes_have_the_types_of_their_images() -> None:
    source = kinesis(DynamoDBChange[Order])
    assert_type(source, Source[KinesisRecord[DynamoDBChange[Order, Order, Item]], KinesisRecord])
    change = source.parse(kinesis_event(table_change(ITEM))["Records"][0]).data
    assert_type(change.new_image, Order | None)
    assert_type(change.old_image, Order | None)
    assert_type(change.keys, Item)
    assert_type(kinesis(DynamoDBChange), Source[KinesisRecord[DynamoDBChange[Item, Item, Item]], KinesisRecord])
    assert_type(
        kinesis(DynamoDBChange[Order, Old, Key]), Source[KinesisRecord[DynamoDBChange[Order, Old, Key]], KinesisRecord]
    )


@given(bst.dynamodb_events())
def test_a_change_is_read_as_one_of_a_stream_is(event: dict[str, Any]) -> None:
    for raw in event["Records"]:
        record = dynamodb().parse(raw)
        for change in (in_kinesis(raw), sqs(DynamoDBChange).parse(sqs_event(raw)["Records"][0]).body):
            assert (change.new_image, change.old_image, change.keys) == (
                record.new_image,
                record.old_image,
                record.keys,
            )
            assert (change.event_name, change.event_id) == (record.event_name, record.event_id)
            assert change.approximate_creation_time == record.approximate_creation_time
            assert (change.size_bytes, change.sequence_number) == (record.size_bytes, record.sequence_number)
            assert (change.stream_view_type, change.table_name) == (record.stream_view_type, record.table_name)
            assert (change.event_source_arn, change.aws_region) == (record.event_source_arn, record.aws_region)
            assert (change.is_ttl_delete, change.event_version) == (record.is_ttl_delete, record.event_version)
            assert dict(change.user_identity or {}) == record.user_identity


def test_images_of_a_strict_model_are_parsed_as_those_of_a_stream() -> None:
    record = dynamodb(Order).parse(dynamodb_event(ITEM)["Records"][0])
    change = in_kinesis(table_change(ITEM), DynamoDBChange[Order])
    assert change.new_image == record.new_image
    assert type(change.new_image) is Order
    assert change.new_image.price == ITEM["price"]
    assert change.old_image is None


def test_a_change_in_kinesis_has_what_the_table_sends() -> None:
    change = in_kinesis(
        table_change(bt.DynamoDBChange({"id": "a"}, old_image={"id": "a"}, expired=True), table_name="shop")
    )
    assert (change.event_name, change.table_name, change.record_format) == ("REMOVE", "shop", "application/json")
    assert (change.sequence_number, change.event_source_arn, change.event_version) == (None, None, None)
    assert change.is_ttl_delete
    assert change.event_source == "aws:dynamodb"
    assert (change.new_image, change.old_image) == (None, {"id": "a"})
    assert not in_kinesis(table_change({"id": "a"})).is_ttl_delete


@given(st.integers(10**15, 7 * 10**15).map(lambda us: EPOCH + timedelta(microseconds=us)), st.booleans())
def test_the_time_of_a_change_is_right_in_milliseconds_and_in_microseconds(at: datetime, microseconds: bool) -> None:  # noqa: FBT001
    given_change = bt.DynamoDBChange({"id": "a"}, {"id": "a"}, approximate_creation_time=at)
    change = in_kinesis(table_change(given_change, microseconds=microseconds))
    assert abs(change.approximate_creation_time - at) <= timedelta(microseconds=1 if microseconds else 500)


@pytest.mark.parametrize("time", ["Infinity", "-Infinity", "NaN", "1e999", "-1e17", "true", '"s3cr3t"', "[]"])
def test_a_time_that_is_none_is_malformed(time: str) -> None:
    body = json.dumps(table_change({"id": "a"})).replace("1700000000000", time)
    fault = fault_of(body, DynamoDBChange)
    assert isinstance(fault, Malformed)
    assert "ApproximateCreationDateTime" in str(fault.error)
    assert "s3cr3t" not in str(fault.error)


def test_a_time_may_be_absent() -> None:
    absent = bt.DynamoDBChange({"id": "a"}, {"id": "a"}, approximate_creation_time="absent")
    assert in_kinesis(table_change(absent)).approximate_creation_time is None


MODIFIED = bt.DynamoDBChange({"id": "a"}, new_image={"id": "a", "name": "new"}, old_image={"id": "a", "name": "old"})


def test_images_and_keys_may_be_typed_apart() -> None:
    change = in_kinesis(table_change(MODIFIED), DynamoDBChange[Item, Old, Key])
    assert (change.new_image, change.old_image, change.keys) == (
        {"id": "a", "name": "new"},
        Old(name="old"),
        Key(id="a"),
    )
    assert in_kinesis(table_change(MODIFIED), DynamoDBChange[Old]).old_image == Old(name="old")


def test_an_old_image_of_an_older_form_is_malformed_only_where_it_is_asked_for() -> None:
    older = table_change(bt.DynamoDBChange({"id": "a"}, new_image={"id": "a", "name": "new"}, old_image={"id": "a"}))
    change = in_kinesis(older, DynamoDBChange[Old])
    assert change.new_image == Old(name="new")
    with pytest.raises(PayloadError, match=r"the old image would not parse \(ValidationError: name missing\)"):
        _ = change.old_image
    removed = table_change(bt.DynamoDBChange({"id": "a"}, old_image={"id": "a"}))
    assert "name" in str(fault_of(removed, DynamoDBChange[Old]).error)


def test_an_empty_image_is_none_and_so_is_a_null() -> None:
    raw = table_change(MODIFIED)
    absences: list[dict[str, object] | None] = [{}, None]
    for absent in absences:
        part = {**raw["dynamodb"], "NewImage": absent, "OldImage": absent}
        change = in_kinesis({**raw, "dynamodb": part}, DynamoDBChange[Old])
        assert (change.new_image, change.old_image) == (None, None)


def test_a_change_may_come_by_way_of_a_topic_a_bus_and_a_pipe() -> None:
    [raw] = dynamodb_event({"id": "a", "name": "new"}, table_name="shop")["Records"]
    by_topic = sqs(Sns[DynamoDBChange[Old]]).parse(sqs_event(sns_envelope(raw))["Records"][0]).body.message
    by_bus = sqs(EventBridge[DynamoDBChange[Old]]).parse(sqs_event(eventbridge_envelope(raw))["Records"][0]).body.detail
    by_pipe = sqs(DynamoDBChange[Old]).parse(sqs_event(raw)["Records"][0]).body
    assert by_topic == by_bus == by_pipe
    assert (by_pipe.new_image, by_pipe.table_name) == (Old(name="new"), "shop")


@pytest.mark.parametrize(
    "part",
    [
        {"Keys": {}, "NewImage": {"name": {"S": "a"}}},
        {"Keys": {"id": "s3cr3t"}},
        {"Keys": {"id": {"S": "a"}}, "NewImage": {"name": {"S": "a"}, "s3cr3t": {"N": "s3cr3t"}}},
        {"Keys": {"id": {"S": "a"}}, "NewImage": {"s3cr3t": {"S": "s3cr3t"}}},
        {"Keys": {"id": {"S": "a"}}, "NewImage": {"name": {"N": "5"}}},
        {"Keys": {"id": {"S": "a"}}, "NewImage": {"name": {"s3cr3t": "s3cr3t"}}},
        {"Keys": {"id": {"S": "a"}}, "NewImage": "s3cr3t"},
        {"Keys": {"id": {"S": "a"}}, "OldImage": ["s3cr3t"]},
        {"Keys": "s3cr3t"},
        {},
        None,
        "s3cr3t",
    ],
)
def test_what_is_no_change_of_such_items_is_malformed_and_not_quoted(part: object) -> None:
    fault = fault_of({**table_change(MODIFIED), "dynamodb": part}, DynamoDBChange[Old, Old, Key])
    assert isinstance(fault, Malformed)
    assert "s3cr3t" not in str(fault.error)


@pytest.mark.parametrize("body", [{"eventName": "s3cr3t"}, {"id": "a"}, [], None, "text"])
def test_another_message_is_malformed(body: object) -> None:
    assert isinstance(fault_of(json.dumps(body), DynamoDBChange), Malformed)


def test_a_broken_rule_of_an_image_is_named_with_its_field() -> None:
    change = table_change({"id": "a", "name": 5})
    error = fault_of(change, DynamoDBChange[Old]).error
    assert [(each["loc"], each["type"]) for each in error.errors()] == [
        (("dynamodb", "NewImage", "name"), "string_type")
    ]


def test_a_change_made_in_python_takes_the_values_themselves() -> None:
    change = DynamoDBChange[Old, Old, Key](event_name="INSERT", keys=Key(id="a"), new_image=Old(name="n"))
    assert (change.keys, change.new_image, change.old_image, change.table_name) == (
        Key(id="a"),
        Old(name="n"),
        None,
        None,
    )
    with pytest.raises(ValidationError, match="frozen"):
        setattr(change, "keys", None)  # noqa: B010  # the checkers refuse the plain assignment


def test_powertools_reads_what_the_builder_makes() -> None:
    raw = table_change({"id": "a", "n": 3})
    theirs = powertools.DynamoDBStreamChangedRecordModel.model_validate(
        {**raw["dynamodb"], "SequenceNumber": "1", "StreamViewType": "NEW_IMAGE"}
    )
    assert theirs.NewImage == in_kinesis(raw).new_image
