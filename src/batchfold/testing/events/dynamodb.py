"""DynamoDB Streams events: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args

from batchfold.sources.dynamodb import EventName, StreamViewType
from batchfold.testing.events.attribute_values import attribute_values
from batchfold.testing.events.identity import (
    REGION,
    SENT_AT_MS,
    arn,
    deterministic_id,
    refuse_other_sequence_numbers,
)
from batchfold.testing.refuse import refuse_other_kinds, refuse_other_words

# The numbers of a shard grow and may gain a digit: compared as text, the third record would come before the first.
_FIRST_SEQUENCE_NUMBER = 10**21 - 2

Item: TypeAlias = Mapping[str, object]
"""Attributes by name, as plain Python values; numbers are `int` or `Decimal`."""

# Of those that fit all changes of an event, the first is taken.
_VIEW_TYPES: tuple[StreamViewType, ...] = ("NEW_AND_OLD_IMAGES", "KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE")


@dataclass(frozen=True)
class DynamoDBChange:
    """What happened to one item: its keys and its images before and after.

    With a new image alone it is an `INSERT`, with both a `MODIFY`, else a `REMOVE`; `event_name` overrules that, for a
    stream whose view type leaves images out. `expired=True` makes it the removal of an item whose time to live was
    over, with DynamoDB itself as the identity.

    Raises:
        ValueError: `event_name` is none of the three, an image is given that such a change does not have (the old one
            of an `INSERT`, the new one of a `REMOVE`), or `sequence_number` has something else than digits.
    """

    keys: Item
    new_image: Item | None = None
    old_image: Item | None = None
    event_name: EventName | None = None
    sequence_number: str | None = None
    expired: bool = False

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


def dynamodb_sequence_number(position: int) -> str:
    """The sequence number of the change at this position of the shard, counted from 0. Their lengths differ."""
    return str(_FIRST_SEQUENCE_NUMBER + position)


def images_of(event_name: EventName, view_type: StreamViewType) -> tuple[bool, bool]:
    """Whether a stream of this view type carries the new image of such a change, and whether the old one.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_StreamSpecification.html says so.

    >>> images_of("INSERT", "NEW_AND_OLD_IMAGES"), images_of("MODIFY", "NEW_IMAGE"), images_of("REMOVE", "NEW_IMAGE")
    ((True, False), (True, False), (False, False))
    """
    new = view_type in {"NEW_IMAGE", "NEW_AND_OLD_IMAGES"} and event_name != "REMOVE"
    old = view_type in {"OLD_IMAGE", "NEW_AND_OLD_IMAGES"} and event_name != "INSERT"
    return new, old


def dynamodb_event(*changes: DynamoDBChange | Item, table_name: str = "orders", key: str = "id") -> dict[str, Any]:
    """The event of one batch of changes, all of one shard and in the order of their sequence numbers.

    Each of `changes` is a `DynamoDBChange` or the new image of an item that was inserted; its attribute named by `key`
    is its key. A stream has one view type, which is read off the images that are there: `NEW_AND_OLD_IMAGES` if nothing
    contradicts it, else `KEYS_ONLY`, `NEW_IMAGE` or `OLD_IMAGE`.

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
    return {"Records": [_raw_record(change, at, table_name, view_type) for at, change in enumerate(as_changes)]}


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


def _raw_record(change: DynamoDBChange, position: int, table_name: str, view_type: StreamViewType) -> dict[str, Any]:
    images: dict[str, Any] = {"Keys": attribute_values(change.keys)}
    if change.new_image is not None:
        images["NewImage"] = attribute_values(change.new_image)
    if change.old_image is not None:
        images["OldImage"] = attribute_values(change.old_image)
    raw: dict[str, Any] = {
        "eventID": deterministic_id(f"stream/{table_name}", position).replace("-", ""),
        "eventName": _event_name(change),
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": {
            "ApproximateCreationDateTime": SENT_AT_MS / 1_000 + position,
            **images,
            "SequenceNumber": change.sequence_number or dynamodb_sequence_number(position),
            "SizeBytes": len(json.dumps(images)),
            "StreamViewType": view_type,
        },
        "eventSourceARN": arn("dynamodb", f"table/{table_name}/stream/2023-11-14T22:13:20.000"),
    }
    if change.expired:
        raw["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    return raw


def _event_name(change: DynamoDBChange) -> EventName:
    if change.event_name is not None:
        return change.event_name
    if change.expired or change.new_image is None:
        return "REMOVE"
    return "INSERT" if change.old_image is None else "MODIFY"


def _view_type(changes: Sequence[DynamoDBChange]) -> StreamViewType:
    for view_type in _VIEW_TYPES:
        if all(_fits(change, view_type) for change in changes):
            return view_type
    found = ", ".join(sorted({_described(change) for change in changes}))
    raise ValueError(
        f"A stream has one view type, and none of the four fits all of these changes: {found}. Give each of them what "
        "one stream carries; one of new and old images has the new image of an INSERT, both of a MODIFY and the old "
        "one of a REMOVE."
    )


def _fits(change: DynamoDBChange, view_type: StreamViewType) -> bool:
    given = (change.new_image is not None, change.old_image is not None)
    return given == images_of(_event_name(change), view_type)


def _described(change: DynamoDBChange) -> str:
    images = [name for name in ("new_image", "old_image") if getattr(change, name) is not None]
    return f"{_event_name(change)} with {' and '.join(images) or 'no image'}"
