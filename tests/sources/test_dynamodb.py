"""DynamoDB Streams: each property against the event that AWS shows, images, and the lane of an item."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from batchfold.core.response import name_lowest_sequence_number
from batchfold.core.source import Source
from batchfold.sources.dynamodb import DynamoDBRecord, by_item_key, dynamodb

RAW: dict[str, Any] = {
    "eventID": "c4ca4238a0b923820dcc509a6f75849b",
    "eventName": "MODIFY",
    "eventVersion": "1.1",
    "eventSource": "aws:dynamodb",
    "awsRegion": "us-east-2",
    "dynamodb": {
        "ApproximateCreationDateTime": 1479499740,
        "Keys": {"Id": {"N": "101"}},
        "NewImage": {"Message": {"S": "This item has changed"}, "Id": {"N": "101"}},
        "OldImage": {"Message": {"S": "New item!"}, "Id": {"N": "101"}},
        "SequenceNumber": "4421584500000000017450439092",
        "SizeBytes": 59,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    },
    "eventSourceARN": "arn:aws:dynamodb:us-east-2:123456789012:table/ExampleTable/stream/2016-11-16T20:42:48.104",
}
BY_TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


class Item(BaseModel):
    Id: int
    Message: str


class OldItem(BaseModel):
    Id: Decimal


def raw_with(**images: Any) -> dict[str, Any]:
    others = {name: value for name, value in RAW["dynamodb"].items() if not name.endswith("Image")}
    return {**RAW, "dynamodb": {**others, **images}}


def message_of(image: Mapping[str, Any]) -> str:
    found: str = image["Message"]
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("new_image", {"Message": "This item has changed", "Id": Decimal(101)}),
        ("old_image", {"Message": "New item!", "Id": Decimal(101)}),
        ("keys", {"Id": Decimal(101)}),
        ("event_name", "MODIFY"),
        ("is_ttl_delete", False),
        ("user_identity", {}),
        ("sequence_number", "4421584500000000017450439092"),
        ("approximate_creation_time", datetime(2016, 11, 18, 20, 9, tzinfo=UTC)),
        ("size_bytes", 59),
        ("stream_view_type", "NEW_AND_OLD_IMAGES"),
        ("event_id", "c4ca4238a0b923820dcc509a6f75849b"),
        ("event_version", "1.1"),
        ("event_source", "aws:dynamodb"),
        (
            "event_source_arn",
            "arn:aws:dynamodb:us-east-2:123456789012:table/ExampleTable/stream/2016-11-16T20:42:48.104",
        ),
        ("table_name", "ExampleTable"),
        ("aws_region", "us-east-2"),
    ],
)
def test_a_record_has(name: str, expected: object) -> None:
    assert getattr(DynamoDBRecord(RAW), name) == expected


def test_a_ttl_delete_is_recognised() -> None:
    assert DynamoDBRecord({**RAW, "eventName": "REMOVE", "userIdentity": BY_TTL}).is_ttl_delete


@pytest.mark.parametrize(
    ("event_name", "identity"),
    [
        ("REMOVE", None),
        ("REMOVE", {**BY_TTL, "type": "User"}),
        ("REMOVE", {**BY_TTL, "principalId": "replication.dynamodb.amazonaws.com"}),
        ("MODIFY", BY_TTL),
    ],
)
def test_any_other_change_is_no_ttl_delete(event_name: str, identity: object) -> None:
    assert not DynamoDBRecord({**RAW, "eventName": event_name, "userIdentity": identity}).is_ttl_delete


def test_images_are_plain_python_values_without_a_type() -> None:
    record = dynamodb().parse(RAW)
    assert record.new_image == {"Message": "This item has changed", "Id": Decimal(101)}
    assert record.old_image == {"Message": "New item!", "Id": Decimal(101)}


def test_a_type_is_that_of_both_images() -> None:
    record = dynamodb(Item).parse(RAW)
    assert record.new_image == Item(Id=101, Message="This item has changed")
    assert record.old_image == Item(Id=101, Message="New item!")


def test_the_images_may_have_a_type_each() -> None:
    record = dynamodb(new=Item, old=OldItem).parse(RAW)
    assert record.new_image == Item(Id=101, Message="This item has changed")
    assert record.old_image == OldItem(Id=Decimal(101))


def test_a_function_makes_both_images_from_their_python_values() -> None:
    record = dynamodb(decode=message_of).parse(RAW)
    assert (record.new_image, record.old_image) == ("This item has changed", "New item!")


@pytest.mark.parametrize("source", [dynamodb(), dynamodb(Item), dynamodb(decode=message_of)])
@pytest.mark.parametrize("absent", [{}, {"NewImage": None, "OldImage": None}])
def test_an_absent_image_is_none(source: Source[Any, Any], absent: dict[str, Any]) -> None:
    for record in (source.parse(raw_with(**absent)), source.as_delivered(raw_with(**absent))):
        assert record.new_image is None
        assert record.old_image is None


@pytest.mark.parametrize("source", [dynamodb(), dynamodb(Item), dynamodb(decode=message_of)])
@pytest.mark.parametrize("name", ["NewImage", "OldImage"])
@pytest.mark.parametrize("image", ["text", 3, [], {"Id": 3}, {"Id": {"N": "x"}}, {"Id": {"s3cr3t": "x"}}])
def test_an_image_of_another_form_is_malformed(source: Source[Any, Any], name: str, image: object) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        source.parse(raw_with(**{name: image}))
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("name", ["NewImage", "OldImage"])
def test_an_image_that_does_not_fit_its_type_is_malformed(name: str) -> None:
    with pytest.raises(ValidationError, match="Message"):
        dynamodb(Item).parse(raw_with(**{name: {"Id": {"N": "1"}}}))


@pytest.mark.parametrize("source", [dynamodb(), dynamodb(dict[str, Any])])
def test_an_image_nested_thousands_of_levels_deep_is_malformed(source: Source[Any, Any]) -> None:
    image: dict[str, Any] = {"a": {"S": "x"}}
    for _ in range(50_000):
        image = {"a": {"M": image}}
    raw = raw_with(NewImage=image)
    with pytest.raises(RecursionError):
        source.parse(raw)
    assert source.as_delivered(raw) == source.as_delivered(raw)


def test_only_one_of_the_images_may_not_have_a_type() -> None:
    make: Any = dynamodb
    for arguments in ({"new": Item}, {"old": Item}):
        with pytest.raises(TypeError, match=r"new.*old"):
            make(**arguments)
    with pytest.raises(TypeError, match=r"new.*old"):
        make(Item, new=Item, old=Item)


IN_LISTS: list[Any] = [
    dict[str, list[int | float]],
    dict[str, list[float | int]],
    dict[str, list[bool | int]],
    dict[str, list[datetime | int]],
    dict[str, list[str | int]],
    dict[str, list[Decimal]],
    dict[str, list[JsonValue]],
]
IN_SETS: list[Any] = [dict[str, set[Decimal]], dict[str, set[int | Decimal]], dict[str, set[float | Decimal]]]


@pytest.mark.parametrize("digits", ["9007199254740993", "1", "0", "-5", "9" * 38])
@pytest.mark.parametrize("form", IN_LISTS, ids=str)
def test_a_whole_number_is_validated_as_it_would_be_in_json(form: Any, digits: str) -> None:
    """So models that take such a number from a queue take the same from a table."""
    image = {"numbers": {"L": [{"N": digits}]}}
    found = dynamodb(form).parse(raw_with(NewImage=image)).new_image
    assert repr(found) == repr(TypeAdapter(form).validate_json(f'{{"numbers": [{digits}]}}'))


@pytest.mark.parametrize("form", IN_SETS, ids=str)
def test_any_other_number_is_exact(form: Any) -> None:
    image = {"numbers": {"NS": ["0.10000000000000000000000000000000000001"]}}
    found = dynamodb(form).parse(raw_with(NewImage=image)).new_image
    assert found == {"numbers": {Decimal("0.10000000000000000000000000000000000001")}}


class StrictPrice(BaseModel, strict=True):
    price: Decimal


class StrictCount(BaseModel, strict=True):
    count: int


def test_strict_types_take_the_numbers_that_they_name() -> None:
    assert dynamodb(StrictPrice).parse(raw_with(NewImage={"price": {"N": "10"}})).new_image == StrictPrice(
        price=Decimal(10)
    )
    assert dynamodb(StrictCount).parse(raw_with(NewImage={"count": {"N": "10"}})).new_image == StrictCount(count=10)


def test_the_lowest_sequence_number_that_is_not_done_is_named() -> None:
    assert dynamodb().respond is name_lowest_sequence_number


keys = st.dictionaries(
    st.sampled_from(["pk", "sk"]),
    st.sampled_from([{"S": "1"}, {"S": "2"}, {"N": "1"}, {"N": "2"}, {"B": "MQ=="}, {"B": "Mg=="}]),
    min_size=1,
)


@given(first=keys, second=keys)
def test_an_item_is_a_lane_told_by_its_key(first: dict[str, Any], second: dict[str, Any]) -> None:
    lanes = [by_item_key({"dynamodb": {"Keys": some}}) for some in (first, second)]
    assert (lanes[0] == lanes[1]) == (first == second)
    assert (hash(lanes[0]) == hash(lanes[1])) >= (first == second)


def test_the_order_of_the_key_attributes_makes_no_other_lane() -> None:
    hash_first = {"pk": {"S": "a"}, "sk": {"N": "1"}}
    range_first = {"sk": {"N": "1.0"}, "pk": {"S": "a"}}
    assert by_item_key({"dynamodb": {"Keys": hash_first}}) == by_item_key({"dynamodb": {"Keys": range_first}})
