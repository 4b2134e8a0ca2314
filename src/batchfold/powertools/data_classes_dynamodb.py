"""`DynamoDBRecord`: the change of an item, from a DynamoDB stream, as handlers of Powertools know it.

The images' values are those of Powertools: numbers are `Decimal` with at most 38 digits, and binary values stay in the
base64 text in which Lambda delivers them.
"""

from collections.abc import Callable, Mapping
from decimal import Clamped, Context, Decimal, Inexact, Overflow, Rounded, Underflow
from functools import cached_property
from typing import Any

from batchfold.powertools.data_classes_base import DictWrapper, optional_part, optional_text
from batchfold.powertools.enumerations import DynamoDBRecordEventName, StreamViewType


class StreamRecord(DictWrapper):
    """The item that was changed, as plain Python values. An image that the stream does not carry is empty."""

    approximate_creation_date_time = optional_part(
        "ApproximateCreationDateTime", int, "When the item was changed: seconds since the epoch."
    )

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

    sequence_number = optional_text(
        "SequenceNumber", "The change's place in its shard, which names the record to Lambda."
    )
    size_bytes = optional_part("SizeBytes", int, "The size of the change.")
    stream_view_type = optional_part(
        "StreamViewType", lambda name: StreamViewType[str(name)], "The images that the stream carries."
    )


class DynamoDBRecord(DictWrapper):
    """A change of an item, from a DynamoDB stream. batchfold's own has the same name."""

    aws_region = optional_text("awsRegion", "The stream's region.")
    dynamodb = optional_part("dynamodb", StreamRecord, "The item that was changed.")
    event_id = optional_text("eventID", "The id of the change, unique everywhere.")
    event_name = optional_part(
        "eventName", lambda name: DynamoDBRecordEventName[name], "The change: inserted, modified or removed."
    )
    event_source = optional_text("eventSource", "`aws:dynamodb`.")
    event_source_arn = optional_text("eventSourceARN", "The stream's ARN.")
    event_version = optional_text("eventVersion", "The version of the form of the raw record.")

    @property
    def user_identity(self) -> Any:
        """The service that changed the item: DynamoDB itself, after a time to live. Empty for all other changes."""
        return self.get("userIdentity") or {}


_MOST_DIGITS = 38
_EXACT = Context(
    prec=_MOST_DIGITS, Emin=-128, Emax=126, traps=[Clamped, Overflow, Inexact, Rounded, Underflow]
)  # DynamoDB's numbers
_WITHOUT_TRAILING_ZEROS = Context(prec=_MOST_DIGITS, traps=[Inexact])


def plain_values(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain Python values of an image or of the keys, by name.

    Raises `TypeError` for a type that DynamoDB does not have, and `ArithmeticError` for a number that does not fit.
    """
    return {name: _plain_value(attribute_value) for name, attribute_value in attributes.items()}


def _plain_value(attribute_value: Any) -> Any:
    tag, content = list(attribute_value.items())[0]  # noqa: RUF015  # `next` raises StopIteration, which loops swallow
    try:
        convert = _CONVERTERS[tag.lower()]
    except KeyError:
        raise TypeError(f"Dynamodb type {tag} is not supported") from None
    return convert(content)


def _number(digits: Any) -> Decimal:
    if digits in {"", "."}:
        return Decimal(0)
    number = Decimal(digits)
    if len(number.as_tuple().digits) > _MOST_DIGITS:
        number = number.normalize(_WITHOUT_TRAILING_ZEROS)
    return _EXACT.create_decimal(number)


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "null": lambda _: None,
    "bool": lambda content: content,
    "n": _number,
    "s": lambda content: content,
    "b": lambda content: content,
    "ns": lambda content: set(map(_number, content)),
    "ss": set,
    "bs": set,
    "l": lambda content: [_plain_value(element) for element in content],
    "m": plain_values,
}
