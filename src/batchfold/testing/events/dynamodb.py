"""DynamoDB Streams events: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

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

EventName: TypeAlias = Literal["INSERT", "MODIFY", "REMOVE"]
"""What was done to an item."""


@dataclass(frozen=True)
class DynamoDBChange:
    """What happened to one item: its keys and its images before and after.

    Without an old image it is an `INSERT`, without a new one a `REMOVE`, with both a `MODIFY`; `event_name` overrules
    that, for a stream whose view type leaves images out. `expired=True` makes it the removal of an item whose time to
    live was over, with DynamoDB itself as the identity.

    Raises:
        ValueError: `event_name` is none of the three, or `sequence_number` has something else than digits.
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
        refuse_other_sequence_numbers(self.sequence_number)


def dynamodb_sequence_number(position: int) -> str:
    """The sequence number of the change at this position of the shard, counted from 0. Their lengths differ."""
    return str(_FIRST_SEQUENCE_NUMBER + position)


def dynamodb_event(*changes: DynamoDBChange | Item, table_name: str = "orders", key: str = "id") -> dict[str, Any]:
    """The event of one batch of changes, all of one shard and in the order of their sequence numbers.

    Each of `changes` is a `DynamoDBChange` or the new image of an item that was inserted; its attribute named by `key`
    is its key.

    Raises:
        TypeError: One of them is neither, or DynamoDB has no type for an attribute.
        KeyError: A new image does not have the attribute named by `key`.

    >>> dynamodb_event({"id": "a", "quantity": 1})["Records"][0]["dynamodb"]["NewImage"]
    {'id': {'S': 'a'}, 'quantity': {'N': '1'}}
    """
    return {"Records": [_raw_record(_change(given, key), at, table_name) for at, given in enumerate(changes)]}


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


def _raw_record(change: DynamoDBChange, position: int, table_name: str) -> dict[str, Any]:
    images: dict[str, Any] = {"Keys": attribute_values(change.keys)}
    if change.new_image is not None:
        images["NewImage"] = attribute_values(change.new_image)
    if change.old_image is not None:
        images["OldImage"] = attribute_values(change.old_image)
    raw: dict[str, Any] = {
        "eventID": deterministic_id(f"stream/{table_name}", position).replace("-", ""),
        "eventName": change.event_name or _event_name(change),
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": {
            "ApproximateCreationDateTime": SENT_AT_MS / 1_000 + position,
            **images,
            "SequenceNumber": change.sequence_number or dynamodb_sequence_number(position),
            "SizeBytes": len(json.dumps(images)),
            "StreamViewType": _view_type(change),
        },
        "eventSourceARN": arn("dynamodb", f"table/{table_name}/stream/2023-11-14T22:13:20.000"),
    }
    if change.expired:
        raw["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    return raw


def _event_name(change: DynamoDBChange) -> str:
    if change.expired or change.new_image is None:
        return "REMOVE"
    return "INSERT" if change.old_image is None else "MODIFY"


def _view_type(change: DynamoDBChange) -> str:
    if change.new_image is None and change.old_image is None:
        return "KEYS_ONLY"
    return "NEW_AND_OLD_IMAGES"
