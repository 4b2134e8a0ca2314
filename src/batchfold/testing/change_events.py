"""DynamoDB Streams events, and attribute values from Python values.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html shows the event,
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_AttributeValue.html names the types of
attributes, and https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html their
limits.
"""

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias, cast, get_args

from batchfold.sources.dynamodb import EventName, StreamViewType
from batchfold.testing.event_parts import (
    REGION,
    Moment,
    arn,
    base64_of,
    deterministic_id,
    in_seconds,
    moment_at,
    refuse_other_moments,
    refuse_other_sequence_numbers,
)
from batchfold.testing.refuse import refuse_other_kinds, refuse_other_words

_MOST_DIGITS = 38
_SMALLEST_EXPONENT, _LARGEST_EXPONENT = -130, 125

# The numbers of a shard grow and may gain a digit: compared as text, the third record would come before the first.
_FIRST_SEQUENCE_NUMBER = 10**21 - 2

_BY_TIME_TO_LIVE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}

Item: TypeAlias = Mapping[str, object]
"""Attributes by name, as plain Python values; numbers are `int` or `Decimal`."""

_IN_WORDS = {
    (True, True): "new_image and old_image",
    (True, False): "new_image",
    (False, True): "old_image",
    (False, False): "no image",
}
"""The images of a change, the new one and the old one."""

# Of those that fit all changes of an event, the first is taken.
_VIEW_TYPES: tuple[StreamViewType, ...] = ("NEW_AND_OLD_IMAGES", "KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE")


@dataclass(frozen=True)
class DynamoDBChange:
    """The change of one item: its keys and its images before and after.

    With a new image alone it is an `INSERT`, with both a `MODIFY`, else a `REMOVE`; `event_name` overrules that, for a
    stream whose view type leaves images out. `expired=True` makes it the removal of an item whose time to live was
    over, with DynamoDB itself as the identity; `user_identity` names another one. Whatever is `None` follows from the
    position of the change and from its images, or is left out where it may be absent.

    Raises:
        TypeError: `approximate_creation_time` is neither a `datetime` nor `"absent"`.
        ValueError: `event_name` is none of the three, an image is given that such a change does not have (the old one
            of an `INSERT`, the new one of a `REMOVE`), `sequence_number` has something else than digits, or a time has
            no zone.
    """

    keys: Item
    new_image: Item | None = None
    old_image: Item | None = None
    event_name: EventName | None = None
    sequence_number: str | None = None
    expired: bool = False
    approximate_creation_time: Moment = None
    size_bytes: int | None = None
    event_id: str | None = None
    user_identity: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if self.event_name is not None:
            refuse_other_words("event_name", self.event_name, get_args(EventName))
        if self.expired and self.event_name not in {None, "REMOVE"}:
            raise ValueError(
                f"An expiry is a REMOVE, not a change of event_name={self.event_name!r}. Leave one of the two out."
            )
        event_name = _event_name(self)
        if event_name == "REMOVE" and self.new_image is not None:
            raise ValueError("A REMOVE has no new image: the item is gone. Give what it was as old_image.")
        if event_name == "INSERT" and self.old_image is not None:
            raise ValueError("An INSERT has no old image: there was no item. If there was one, it is a MODIFY.")
        refuse_other_sequence_numbers(self.sequence_number)
        refuse_other_moments("approximate_creation_time", self.approximate_creation_time, may_be_absent=True)


def images_of(event_name: EventName, view_type: StreamViewType) -> tuple[bool, bool]:
    """Return whether a stream of this view type carries the new image of such a change, and whether the old one.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_StreamSpecification.html says so.

    >>> images_of("INSERT", "NEW_AND_OLD_IMAGES"), images_of("MODIFY", "NEW_IMAGE"), images_of("REMOVE", "NEW_IMAGE")
    ((True, False), (True, False), (False, False))
    """
    new = view_type in {"NEW_IMAGE", "NEW_AND_OLD_IMAGES"} and event_name != "REMOVE"
    old = view_type in {"OLD_IMAGE", "NEW_AND_OLD_IMAGES"} and event_name != "INSERT"
    return new, old


def dynamodb_event(
    *changes: DynamoDBChange | Item,
    table_name: str = "orders",
    key: str = "id",
    region: str = REGION,
    with_nulls: bool = False,
) -> dict[str, Any]:
    """Build the event of one batch of changes, all of one shard and in the order of their sequence numbers.

    Each of `changes` is a `DynamoDBChange` or the new image of an item that was inserted; its attribute named by `key`
    is its key. A stream has one view type, which is read off the images that are there: `NEW_AND_OLD_IMAGES` if nothing
    contradicts it, else `KEYS_ONLY`, `NEW_IMAGE` or `OLD_IMAGE`. With `with_nulls=True`, fields that may be absent are
    null instead.

    Raises:
        TypeError: One of them is neither, or DynamoDB has no type for an attribute.
        KeyError: A new image does not have the attribute named by `key`.
        ValueError: No view type fits all of them, or DynamoDB cannot hold a value, as in `attribute_value`.

    >>> dynamodb_event({"id": "a", "quantity": 1})["Records"][0]["dynamodb"]["NewImage"]
    {'id': {'S': 'a'}, 'quantity': {'N': '1'}}
    >>> without_old_image = DynamoDBChange({"id": "a"}, new_image={"id": "a", "quantity": 2}, event_name="MODIFY")
    >>> dynamodb_event(without_old_image)["Records"][0]["dynamodb"]["StreamViewType"]
    'NEW_IMAGE'
    """
    as_changes = [_change(given, key) for given in changes]
    view_type = _view_type(as_changes)
    of_stream: dict[str, Any] = {
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "eventSourceARN": arn("dynamodb", f"table/{table_name}/stream/2023-11-14T22:13:20.000", region),
    }
    raws: list[dict[str, Any]] = []
    for position, change in enumerate(as_changes):
        raw = {
            "eventID": change.event_id or deterministic_id(f"stream/{table_name}", position).replace("-", ""),
            "eventName": _event_name(change),
            **of_stream,
            "dynamodb": _stream_record(change, position, view_type, with_nulls=with_nulls),
        }
        identity = _BY_TIME_TO_LIVE if change.expired else change.user_identity
        if identity is not None or with_nulls:
            raw["userIdentity"] = identity if identity is None else dict(identity)
        raws.append(raw)
    return {"Records": raws}


def _change(given: DynamoDBChange | Item, key: str) -> DynamoDBChange:
    if isinstance(given, DynamoDBChange):
        return given
    refuse_other_kinds("A change", given, Mapping, "a DynamoDBChange or the new image, a mapping")
    if key not in given:
        raise KeyError(
            f"An image has its key among its attributes; {key!r} is not there. "
            "Name the key with dynamodb_event(..., key=...) or give a DynamoDBChange."
        )
    return DynamoDBChange(keys={key: given[key]}, new_image=given)


def _stream_record(
    change: DynamoDBChange, position: int, view_type: StreamViewType, *, with_nulls: bool
) -> dict[str, Any]:
    items = {"Keys": change.keys, "NewImage": change.new_image, "OldImage": change.old_image}
    images = {name: attribute_values(item) for name, item in items.items() if item is not None}
    changed_at = change.approximate_creation_time or moment_at(position)
    created: dict[str, Any] = {"ApproximateCreationDateTime": None} if with_nulls else {}
    if changed_at != "absent":
        created["ApproximateCreationDateTime"] = in_seconds(changed_at)
    return {
        **created,
        **(dict.fromkeys(items) if with_nulls else {}),
        **images,
        "SequenceNumber": change.sequence_number or str(_FIRST_SEQUENCE_NUMBER + position),
        "SizeBytes": len(json.dumps(images)) if change.size_bytes is None else change.size_bytes,
        "StreamViewType": view_type,
    }


def _event_name(change: DynamoDBChange) -> EventName:
    if change.event_name is not None:
        return change.event_name
    if change.expired or change.new_image is None:
        return "REMOVE"
    return "INSERT" if change.old_image is None else "MODIFY"


def _view_type(changes: Sequence[DynamoDBChange]) -> StreamViewType:
    given: set[tuple[EventName, tuple[bool, bool]]] = {
        (_event_name(change), (change.new_image is not None, change.old_image is not None)) for change in changes
    }
    for view_type in _VIEW_TYPES:
        if all(images_of(event_name, view_type) == images for event_name, images in given):
            return view_type
    found = ", ".join(sorted(f"{event_name} with {_IN_WORDS[images]}" for event_name, images in given))
    raise ValueError(
        f"A stream has one view type, and none of the four fits all of these changes: {found}. Give each of them what "
        "one stream carries; one of new and old images has the new image of an INSERT, both of a MODIFY and the old "
        "one of a REMOVE."
    )


def attribute_value(value: object) -> dict[str, Any]:  # noqa: PLR0911  # one return for each of DynamoDB's types
    """Return an attribute value as DynamoDB Streams deliver it to Lambda: `{"S": "a"}`, `{"N": "1.5"}`, ...

    Text becomes `S`, `int` and `Decimal` `N`, bytes `B` (in base64), `bool` `BOOL`, `None` `NULL`, mappings `M`, lists
    and tuples `L`, sets of one kind `SS`, `NS` or `BS`.

    Raises:
        TypeError: DynamoDB has no such type. `float` is among what is refused: it cannot hold DynamoDB's numbers.
        ValueError: A set is empty, or a number has more than 38 digits, is not finite, or is too large or too small.

    >>> attribute_value({"id": "a", "price": Decimal("9.50"), "tags": {"new"}})
    {'M': {'id': {'S': 'a'}, 'price': {'N': '9.50'}, 'tags': {'SS': ['new']}}}
    """
    match value:
        case bool():
            return {"BOOL": value}
        case None:
            return {"NULL": True}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": _number(value)}
        case bytes() | bytearray():
            return {"B": base64_of(value)}
        case Mapping():  # narrowed, it forgets what it holds; so do the others
            return {"M": attribute_values(cast("Mapping[str, object]", value))}
        case AbstractSet():
            return _set(cast("AbstractSet[object]", value))
        case Sequence():
            return {"L": [attribute_value(item) for item in cast("Sequence[object]", value)]}
        case _:
            raise TypeError(
                "DynamoDB knows text, int, Decimal, bytes, bool, None, mappings, lists and sets; "
                f"{type(value).__name__} is none of them. A float is written as Decimal."
            )


def attribute_values(item: Mapping[str, object]) -> dict[str, Any]:
    """Return an item or a key as its attribute values by name.

    Raises:
        TypeError: `item` is no mapping, a name is no text, or DynamoDB has no such type.
        ValueError: DynamoDB cannot hold a value, as in `attribute_value`.
    """
    refuse_other_kinds("An item of DynamoDB", item, Mapping, "a mapping from the names of attributes to their values")
    for name in item:
        refuse_other_kinds("The name of a DynamoDB attribute", name, str, "text")
    return {name: attribute_value(value) for name, value in item.items()}


def _number(value: int | Decimal) -> str:
    number = Decimal(value)
    digits = len(number.as_tuple().digits)
    if not number.is_finite() or digits > _MOST_DIGITS:
        found = f"has {digits} digits" if number.is_finite() else "is not finite"
        raise ValueError(f"A DynamoDB number is finite and has at most {_MOST_DIGITS} digits; this one {found}.")
    if number and not _SMALLEST_EXPONENT <= number.adjusted() <= _LARGEST_EXPONENT:
        raise ValueError(
            f"A DynamoDB number is of the order 1E{_SMALLEST_EXPONENT} to 1E+{_LARGEST_EXPONENT}; "
            f"this one is of 1E{number.adjusted():+}."
        )
    return str(number)


def _set(members: AbstractSet[object]) -> dict[str, Any]:
    if not members:
        raise ValueError("DynamoDB has no empty set. Leave the attribute out.")
    for name, encoded in (
        ("SS", [member for member in members if isinstance(member, str)]),
        (
            "NS",
            [
                _number(member)
                for member in members
                if isinstance(member, int | Decimal) and not isinstance(member, bool)
            ],
        ),
        ("BS", [base64_of(member) for member in members if isinstance(member, bytes)]),
    ):
        if len(encoded) == len(members):
            return {name: sorted(encoded)}
    found = ", ".join(sorted({type(member).__name__ for member in members}))
    raise TypeError(f"A DynamoDB set holds only text, only numbers or only bytes; this one holds {found}.")
