"""Typed access to the fields of a raw record: where its `Any` becomes a type.

Lambda vouches for the form of what it delivers, so these functions read and convert, and do not validate.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from math import inf
from typing import Any, Final, NoReturn

from batchfold.core.faults import PayloadError
from batchfold.core.records import Record

_LARGEST_EXPONENT = 128
"""More than SQS and DynamoDB allow. A text of ten characters can name a number that fills the memory."""


class Undecoded:
    """The payload of a record that decodes it on access."""

    def __repr__(self) -> str:
        return "..."  # in signatures, where a type may be left out

    def __reduce__(self) -> str:
        return "UNDECODED"  # there is one, also after a record was pickled or copied


UNDECODED: Final = Undecoded()


class ListedRecord(Record):
    """A record that names its source itself: of SQS, Kinesis and DynamoDB Streams."""

    __slots__ = ()

    @property
    def event_source(self) -> str:
        """The service: `aws:sqs`, `aws:kinesis` or `aws:dynamodb`."""
        return text(self._raw, "eventSource")

    @property
    def event_source_arn(self) -> str | None:
        """The ARN of the queue or stream; of a stream's consumer with enhanced fan-out."""
        return optional_text(self._raw, "eventSourceARN")

    @property
    def aws_region(self) -> str:
        """The region of the queue or stream."""
        return text(self._raw, "awsRegion")


def text(fields: Mapping[str, Any], key: str) -> str:
    """Return a text that Lambda always delivers; fails as `required` does."""
    found: str = required(fields, key)
    return found


def required(fields: Mapping[str, Any], key: str) -> Any:
    """Return a value that Lambda always delivers. Raises `KeyError` for a raw record that was written without it."""
    try:
        return fields[key]
    except KeyError:
        raise KeyError(f"the raw record has no {key!r}") from None


def optional_text(fields: Mapping[str, Any], key: str) -> str | None:
    """Return a text that may be absent."""
    found: str | None = fields.get(key)
    return found


def nested(fields: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a mapping inside; empty where it is absent or null."""
    found: Mapping[str, Any] = fields.get(key) or {}
    return found


def present(**attributes: str | int | None) -> Mapping[str, str | int]:
    """Return the attributes that have a value, neither `None` nor empty text.

    >>> present(**{"messaging.system": "kafka", "messaging.kafka.offset": 0, "messaging.destination.name": ""})
    {'messaging.system': 'kafka', 'messaging.kafka.offset': 0}
    """
    return {name: value for name, value in attributes.items() if value is not None and value != ""}


def moment_from_ms(ms: str | float) -> datetime:
    """Return the moment, in UTC, of milliseconds since the epoch."""
    return _EPOCH + timedelta(milliseconds=int(ms))


def moment_from(since_epoch: float) -> datetime:
    """Return the moment, in UTC, of a number since the epoch whose size tells its unit.

    Raises `ValueError` for a number that is not finite, as a change in a payload may have it.

    >>> moment_from(1_700_000_000.5) == moment_from(1_700_000_000_500) == moment_from(1_700_000_000_500_000)
    True
    """
    microseconds = since_epoch * 1_000_000
    if not -inf < microseconds < inf:
        raise PayloadError("expected a time since the epoch, found a number that is not finite")
    while abs(microseconds) >= _LARGEST_US:  # whole numbers stay whole: a float holds 16 digits of the 19
        microseconds = microseconds // 1_000 if isinstance(microseconds, int) else microseconds / 1_000
    return _EPOCH + timedelta(microseconds=round(microseconds))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST_US = 10**17
"""The year 5138 in microseconds, 1973 in milliseconds."""


def number(digits: str) -> int | Decimal:
    """Return a number, exactly as written: a whole one as `int`. Raises `ValueError` for other text, without quoting it."""
    try:
        return whole_or_exact(Decimal(digits))
    except InvalidOperation:
        pass
    raise PayloadError("expected a number, found another text")


def whole_or_exact(exact: Decimal) -> int | Decimal:
    """Return a whole number as `int`, another one as it is."""
    if exact.is_finite() and exact.adjusted() <= _LARGEST_EXPONENT and exact == exact.to_integral_value():
        return int(exact)
    return exact


def bytes_of(base64: Any, name: str) -> bytes:
    """Return the bytes that base64 text stands for. Raises `ValueError` for anything else, without quoting it."""
    try:
        return a2b_base64(base64, strict_mode=True)
    except TypeError:
        found = type(base64).__name__
    raise PayloadError(f"expected {name!r} to be base64 text, found a value of type {found}")


def refuse_other_record(lane: str, service: str) -> NoReturn:
    """Raise `ValueError` for a record of another service: any lane for it would lose its order, or all others', in silence."""
    others = ", ".join(f"on {name} there is {lanes}" for name, lanes in _LANES.items() if name != service)
    raise ValueError(f"{lane} orders records of {service}, and this is no record of {service}: {others}")


_LANES = {
    "SQS": "by_message_group",
    "Kinesis": "by_partition_key",
    "DynamoDB Streams": "by_item_key and by_hash_key(...)",
    "Kafka": "by_topic_partition and by_message_key",
}
