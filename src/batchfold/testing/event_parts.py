"""The parts of which all events are built: the account, ids, times and payloads. All of them are always the same."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias
from uuid import NAMESPACE_URL, uuid5

from batchfold.testing.refuse import refuse_other_kinds

ACCOUNT = "123456789012"
REGION = "eu-west-1"

SENT_AT_MS = 1_700_000_000_000
"""The time at which the first record of an event was sent, in milliseconds. Each further record is a second later."""

Moment: TypeAlias = datetime | Literal["absent"] | None
"""A time of a record: `None` is the one that follows from its position, `"absent"` leaves it out."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def arn(service: str, resource: str, region: str = REGION) -> str:
    """Return the ARN of a resource of the test account; the partition follows from the region.

    >>> arn("sqs", "orders"), arn("sqs", "orders", "cn-north-1")
    ('arn:aws:sqs:eu-west-1:123456789012:orders', 'arn:aws-cn:sqs:cn-north-1:123456789012:orders')
    """
    partitions = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
    partition = next((name for begin, name in partitions.items() if region.startswith(f"{begin}-")), "aws")
    return f"arn:{partition}:{service}:{region}:{ACCOUNT}:{resource}"


def deterministic_id(of: str, position: int) -> str:
    """Return a UUID that depends on its arguments alone.

    >>> deterministic_id("orders", 0) == deterministic_id("orders", 0) != deterministic_id("orders", 1)
    True
    """
    return str(uuid5(NAMESPACE_URL, f"{of}/{position}"))


def moment_at(position: int) -> datetime:
    """Return the time of the record at a position of an event, counted from 0."""
    return _EPOCH + timedelta(milliseconds=SENT_AT_MS, seconds=position)


def in_ms(moment: datetime) -> int:
    """Return a moment in milliseconds since the epoch."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def in_seconds(moment: datetime) -> float:
    """Return a moment in seconds since the epoch."""
    return (moment - _EPOCH) / timedelta(seconds=1)


def iso(moment: datetime, precision: str = "milliseconds") -> str:
    """Return a moment as AWS writes it, in UTC.

    >>> iso(moment_at(0)), iso(moment_at(0), "seconds")
    ('2023-11-14T22:13:20.000Z', '2023-11-14T22:13:20Z')
    """
    return moment.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def refuse_other_moments(what: str, given: Moment, *, may_be_absent: bool = False) -> None:
    """Raise for anything but a time of a known zone, `None`, or, where it may be left out, `"absent"`."""
    if given is None or (may_be_absent and given == "absent"):
        return
    refuse_other_kinds(what, given, datetime, "a datetime with a time zone, such as datetime(2026, 1, 1, tzinfo=UTC)")
    if isinstance(given, datetime) and given.tzinfo is None:
        raise ValueError(f"{what} is a datetime with a time zone; this one has none: give it tzinfo=UTC.")


def refuse_other_sequence_numbers(given: str | None) -> None:
    """Raise for anything but a sequence number or `None`: AWS writes them as text of digits."""
    if given is None:
        return
    refuse_other_kinds("sequence_number", given, str, "text of digits, such as '21'")
    if not (given.isascii() and given.isdigit()):
        raise ValueError(f"sequence_number is text of digits, such as '21', not {given!r}.")


def as_text(payload: object) -> str:
    """Return text as it is, anything else as JSON: the form of the body of an SQS message.

    Raises:
        TypeError: The payload is neither text nor made of what JSON knows.
        ValueError: It holds a number that is infinite or not a number, which JSON does not know, or holds itself.

    >>> as_text("plain"), as_text({"id": "a"})
    ('plain', '{"id": "a"}')
    """
    if isinstance(payload, str):
        return payload
    try:
        return json.dumps(payload, allow_nan=False)
    except TypeError as error:
        raise TypeError(
            f"A payload is text or what JSON knows (mappings, lists, text, numbers, booleans, None); it holds something "
            f"else: {error}. Encode it first, for example with a model's model_dump_json()."
        ) from error


def as_base64(payload: object) -> str:
    """Return bytes as they are, text as UTF-8, anything else as JSON, all in base64: the form of other payloads.

    >>> as_base64(b"plain"), as_base64("plain")
    ('cGxhaW4=', 'cGxhaW4=')
    """
    return base64_of(as_bytes(payload))


def as_bytes(payload: object) -> bytes:
    """Return bytes as they are, text as UTF-8, anything else as JSON."""
    return payload if isinstance(payload, bytes) else as_text(payload).encode()


def base64_of(content: bytes | bytearray) -> str:
    """Return bytes in base64."""
    return base64.b64encode(content).decode("ascii")
