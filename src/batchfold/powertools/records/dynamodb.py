"""`DynamoDBRecord`: a change of an item, from a DynamoDB stream."""

from collections.abc import Mapping
from enum import Enum
from functools import cached_property
from typing import Any

from batchfold.powertools.records.wrapper import DictWrapper
from batchfold.sources.attribute_values import python_value
from batchfold.sources.fields import optional_text


class StreamViewType(Enum):
    """Which images the stream carries."""

    KEYS_ONLY = 0
    NEW_IMAGE = 1
    OLD_IMAGE = 2
    NEW_AND_OLD_IMAGES = 3


class DynamoDBRecordEventName(Enum):
    """What became of the item."""

    INSERT = 0
    MODIFY = 1
    REMOVE = 2


class StreamRecord(DictWrapper):
    """The item that was changed, as plain Python values. An image that the stream does not carry is empty."""

    @property
    def approximate_creation_date_time(self) -> int | None:
        """When the item was changed: seconds since the epoch."""
        item = self.get("ApproximateCreationDateTime")
        return None if item is None else int(item)

    @cached_property
    def keys(self) -> dict[str, Any]:  # type: ignore[override]  # Powertools' name, which a mapping's method has too
        """The primary key of the item."""
        return plain_values(self.get("Keys") or {})

    @cached_property
    def new_image(self) -> dict[str, Any]:
        """The item after the change."""
        return plain_values(self.get("NewImage") or {})

    @cached_property
    def old_image(self) -> dict[str, Any]:
        """The item before the change."""
        return plain_values(self.get("OldImage") or {})

    @property
    def sequence_number(self) -> str | None:
        """The place of the change in its shard, which names the record to Lambda."""
        return optional_text(self, "SequenceNumber")

    @property
    def size_bytes(self) -> int | None:
        """The size of the change."""
        item = self.get("SizeBytes")
        return None if item is None else int(item)

    @property
    def stream_view_type(self) -> StreamViewType | None:
        """Which images the stream carries."""
        item = self.get("StreamViewType")
        return None if item is None else StreamViewType[item]


class DynamoDBRecord(DictWrapper):
    """A change of an item, from a DynamoDB stream. batchfold's own has the same name."""

    @property
    def aws_region(self) -> str | None:
        """The stream's region."""
        return optional_text(self, "awsRegion")

    @property
    def dynamodb(self) -> StreamRecord | None:
        """The item that was changed."""
        item = self.get("dynamodb")
        return None if item is None else StreamRecord(item)

    @property
    def event_id(self) -> str | None:
        """The id of the change, unique everywhere."""
        return optional_text(self, "eventID")

    @property
    def event_name(self) -> DynamoDBRecordEventName | None:
        """Whether the item was inserted, modified or removed."""
        item = self.get("eventName")
        return None if item is None else DynamoDBRecordEventName[item]

    @property
    def event_source(self) -> str | None:
        """`aws:dynamodb`."""
        return optional_text(self, "eventSource")

    @property
    def event_source_arn(self) -> str | None:
        """The stream's ARN."""
        return optional_text(self, "eventSourceARN")

    @property
    def event_version(self) -> str | None:
        """The version of the form of the raw record."""
        return optional_text(self, "eventVersion")

    @property
    def user_identity(self) -> Any:
        """Who changed the item. Only there when DynamoDB did it itself, else empty."""
        return self.get("userIdentity") or {}


def plain_values(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Plain Python values by name, of an image or of the keys."""
    return {name: _plain_value(attribute_value) for name, attribute_value in attributes.items()}


def _plain_value(attribute_value: Any) -> Any:
    """As the core's `python_value`, except that binary values stay in base64, as Powertools leaves them."""
    match attribute_value:
        case {"B": content}:
            return content
        case {"BS": content}:
            return set(content)
        case {"L": content}:
            return [_plain_value(element) for element in content]
        case {"M": content}:
            return plain_values(content)
        case _:
            return python_value(attribute_value)
