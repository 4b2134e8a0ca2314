"""DynamoDB Streams: each property against the event that AWS shows, images, and the lane of an item."""

import pickle
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, JsonValue, TypeAdapter, ValidationError
from returns.result import Success

from batchfold import (
    Crashed,
    DynamoDBRecord,
    Malformed,
    PayloadError,
    Source,
    by_hash_key,
    by_item_key,
    caused_by,
    discard,
    dynamodb,
    fold_batch,
    from_attribute_values,
    name_lowest_sequence_number,
    of_record,
)
from batchfold.testing import DynamoDBChange, dynamodb_event

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


def test_an_image_without_a_type_stays_as_delivered_beside_one_with_a_type() -> None:
    new_only, old_only = dynamodb(new=Item).parse(RAW), dynamodb(old=OldItem).parse(RAW)
    assert new_only.new_image == Item(Id=101, Message="This item has changed")
    assert new_only.old_image == {"Message": "New item!", "Id": Decimal(101)}
    assert old_only.new_image == {"Message": "This item has changed", "Id": Decimal(101)}
    assert old_only.old_image == OldItem(Id=Decimal(101))


def test_one_type_for_both_images_and_one_for_each_are_refused_together() -> None:
    make: Any = dynamodb
    for more in ({"new": Item}, {"old": Item}, {"new": Item, "old": Item}):
        with pytest.raises(TypeError, match=r"new=.*old="):
            make(Item, **more)
    with pytest.raises(TypeError, match="not both"):
        make(new=Item, decode=message_of)


def refuse(image: Mapping[str, Any]) -> Any:
    if "Message" not in image:
        raise ValueError("of an older schema")
    return image


AN_OLDER_ITEM = {"Id": {"N": "101"}}
READ_AN_OLDER_ITEM: list[Source[Any, Any]] = [dynamodb(Item), dynamodb(new=Item, old=Item), dynamodb(decode=refuse)]


@pytest.mark.parametrize("source", READ_AN_OLDER_ITEM)
def test_a_good_new_image_is_handled_whatever_the_old_one_is(source: Source[Any, Any]) -> None:
    event = {"Records": [raw_with(NewImage=RAW["dynamodb"]["NewImage"], OldImage=AN_OLDER_ITEM)]}
    assert fold_batch(event, lambda record: Success(record.new_image), source).is_all_success


@pytest.mark.parametrize("source", READ_AN_OLDER_ITEM)
def test_a_record_is_malformed_if_its_handler_needs_an_old_image_that_would_not_parse(source: Source[Any, Any]) -> None:
    event = {"Records": [raw_with(NewImage=RAW["dynamodb"]["NewImage"], OldImage=AN_OLDER_ITEM)]}
    (failed,) = fold_batch(event, lambda record: Success(record.old_image), source).failed
    assert isinstance(failed.fault, Malformed)
    assert "the old image would not parse (" in str(failed.fault.error)


@pytest.mark.parametrize("source", READ_AN_OLDER_ITEM)
def test_a_removal_is_malformed_if_its_image_would_not_parse(source: Source[Any, Any]) -> None:
    event = {"Records": [raw_with(OldImage=AN_OLDER_ITEM)]}
    (failed,) = fold_batch(event, lambda _: Success(None), source).failed
    assert isinstance(failed.fault, Malformed)


def test_an_outage_of_a_decoder_is_no_old_image_of_an_older_schema() -> None:
    def decode(image: Mapping[str, Any]) -> str:
        if "Message" not in image:
            raise ConnectionError
        return "good"

    event = {"Records": [raw_with(NewImage=RAW["dynamodb"]["NewImage"], OldImage=AN_OLDER_ITEM)]}
    (failed,) = fold_batch(event, lambda _: Success(None), dynamodb(decode=decode)).failed
    assert isinstance(failed.fault, Crashed)


def test_a_record_with_an_old_image_that_would_not_parse_can_be_pickled() -> None:
    record = dynamodb(Item).parse(raw_with(NewImage=RAW["dynamodb"]["NewImage"], OldImage=AN_OLDER_ITEM))
    again = pickle.loads(pickle.dumps(record))  # noqa: S301  # what was just pickled
    assert again.new_image == record.new_image
    with pytest.raises(PayloadError, match="the old image would not parse"):
        _ = again.old_image


@pytest.mark.parametrize("source", [dynamodb(), dynamodb(Item), dynamodb(new=Item), dynamodb(decode=message_of)])
def test_an_empty_image_is_absent(source: Source[Any, Any]) -> None:
    """Every item has its key; emulators deliver `{}` where there is no image."""
    raw = raw_with(NewImage={}, OldImage={})
    for record in (source.parse(raw), source.as_delivered(raw)):
        assert (record.new_image, record.old_image) == (None, None)


class Key(BaseModel):
    Id: int


@pytest.mark.parametrize("images", [{}, {"NewImage": RAW["dynamodb"]["NewImage"]}])
def test_keys_may_have_a_type(images: dict[str, Any]) -> None:
    assert dynamodb(keys=Key).parse(raw_with(**images)).keys == Key(Id=101)
    assert dynamodb(Item, keys=Key).parse(raw_with(**images)).keys == Key(Id=101)


@pytest.mark.parametrize("keys", [None, {}, {"Id": {"S": "s3cr3t"}}])
def test_keys_that_do_not_fit_their_type_are_malformed(keys: object) -> None:
    (failed,) = fold_batch(
        {"Records": [raw_with(Keys=keys)]}, lambda record: Success(record.keys), dynamodb(keys=Key)
    ).failed
    assert isinstance(failed.fault, Malformed)
    assert "s3cr3t" not in str(failed.fault.error)


def test_a_function_of_the_record_is_called_for_each_image_with_that_image_as_the_new_one() -> None:
    def entity(record: DynamoDBRecord) -> str:
        assert record.old_image is None
        image = record.new_image or {}
        return f"{record.keys['Id']!s} {image['Message']!s} {record.raw['dynamodb']['NewImage']['Message']['S']}"

    record = dynamodb(decode=of_record(entity)).parse(RAW)
    assert record.new_image == "101 This item has changed This item has changed"
    assert record.old_image == "101 New item! New item!"
    assert record.raw is RAW


class User(BaseModel):
    pk: str
    email: str


def by_kind(record: DynamoDBRecord) -> User | None:
    """The payload's type, chosen by the key before anything is parsed."""
    if not str(record.keys["sk"]).startswith("USER#"):
        return None
    return from_attribute_values(record.raw["dynamodb"]["NewImage"], User)


def test_helper_items_of_a_single_table_block_no_shard() -> None:
    items: list[dict[str, object]] = [
        {"pk": "1", "sk": "UNIQUE#a@b.c"},
        {"pk": "1", "sk": "USER#1", "email": "a@b.c"},
        {"pk": "1", "sk": "USER#2"},
        {"pk": "1", "sk": "UNIQUE#x"},
    ]
    changes = [DynamoDBChange({"pk": "1", "sk": item["sk"]}, new_image=item) for item in items]
    batch = fold_batch(
        dynamodb_event(*changes),
        lambda record: Success(record.new_image),
        dynamodb(decode=of_record(by_kind)),
        settle=discard(when=caused_by(Malformed)),
    )
    assert [outcome.value for outcome in batch.succeeded] == [None, User(pk="1", email="a@b.c"), None]
    assert len(batch.settled) == 1


class UserKey(BaseModel):
    pk: str
    sk: Annotated[str, Field(pattern="^USER#")]


UserKeyOrAny: TypeAlias = Annotated[UserKey | dict[str, str], Field(union_mode="left_to_right")]


def test_keys_of_helper_items_block_no_shard_either() -> None:
    keys: list[dict[str, Any]] = [{"pk": "1", "sk": "UNIQUE#a@b.c"}, {"pk": "1", "sk": "USER#1"}]
    event = dynamodb_event(*(DynamoDBChange(key) for key in keys))
    batch = fold_batch(event, lambda record: Success(record.keys), dynamodb(keys=UserKeyOrAny))
    assert [outcome.value for outcome in batch.succeeded] == [keys[0], UserKey.model_validate(keys[1])]


@pytest.mark.parametrize(
    ("since_epoch", "microseconds"),
    [(1_700_000_000, 0), (1_700_000_000.123, 123_000), (1_700_000_000_123, 123_000), (1_700_000_000_123_456, 123_456)],
)
def test_the_time_of_a_change_is_read_in_seconds_milliseconds_and_microseconds(
    since_epoch: float, microseconds: int
) -> None:
    record = DynamoDBRecord(raw_with(ApproximateCreationDateTime=since_epoch))
    assert record.approximate_creation_time == datetime(2023, 11, 14, 22, 13, 20, microseconds, tzinfo=UTC)


def test_a_change_out_of_a_kinesis_stream_has_what_it_has() -> None:
    change = {"ApproximateCreationDateTime": 1_700_000_000_123, "Keys": {"id": {"S": "a"}}, "SizeBytes": 20}
    record = DynamoDBRecord({"eventName": "INSERT", "tableName": "orders", "userIdentity": None, "dynamodb": change})
    absent = ("event_source_arn", "event_version", "stream_view_type", "new_image", "old_image")
    assert [getattr(record, name) for name in absent] == [None] * len(absent)
    assert (record.table_name, record.size_bytes, record.user_identity) == ("orders", 20, {})
    assert not record.is_ttl_delete
    with pytest.raises(KeyError, match="the raw record has no 'SequenceNumber'"):
        _ = record.sequence_number


def test_a_change_may_have_no_time_and_no_size() -> None:
    record = DynamoDBRecord({"dynamodb": {"ApproximateCreationDateTime": None}})
    assert (record.approximate_creation_time, record.size_bytes, record.table_name) == (None, None, None)
    assert not record.is_ttl_delete


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


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy")), min_size=2, max_size=2))
def test_items_that_share_a_partition_key_are_a_lane(items: list[tuple[str, str]]) -> None:
    raws = [{"dynamodb": {"Keys": {"pk": {"S": pk}, "sk": {"S": sk}}}} for pk, sk in items]
    first, second = map(by_hash_key("pk"), raws)
    assert (first == second) == (items[0][0] == items[1][0])


def test_a_key_that_the_table_does_not_have_is_told_with_those_that_it_has() -> None:
    with pytest.raises(ValueError, match=r"by_hash_key\('id'\) found no such attribute in the key, which has pk, sk"):
        by_hash_key("id")({"dynamodb": {"Keys": {"pk": {"S": "s3cr3t"}, "sk": {"S": "b"}}}})


def test_by_hash_key_without_a_name_is_told_how_to_be_given_one() -> None:
    lane: Any = by_hash_key
    with pytest.raises(TypeError, match=r"lane=by_hash_key\('pk'\)"):
        dynamodb(lane=lane)
