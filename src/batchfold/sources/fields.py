"""Reading fields of a raw record: the one place where its `Any` becomes a type.

Lambda vouches for the form of what it delivers, so these read and convert, and do not validate.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from batchfold.core.faults import PayloadError


class Undecoded:
    """Stands where a payload goes in a record that shows it as delivered: it is decoded when it is asked for."""

    def __reduce__(self) -> str:
        return "UNDECODED"  # there is one, also after a record was pickled or copied


UNDECODED: Final = Undecoded()


def text(fields: Mapping[str, Any], key: str) -> str:
    """A text that is always there."""
    found: str = fields[key]
    return found


def optional_text(fields: Mapping[str, Any], key: str) -> str | None:
    """A text that may be absent."""
    found: str | None = fields.get(key)
    return found


def nested(fields: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A mapping inside; empty where it is absent or null."""
    found: Mapping[str, Any] = fields.get(key) or {}
    return found


def moment_from_ms(ms: str | int) -> datetime:
    """A moment, in UTC, from milliseconds since the epoch."""
    return datetime.fromtimestamp(int(ms) / 1000, tz=UTC)


def moment_from_s(seconds: float) -> datetime:
    """A moment, in UTC, from seconds since the epoch."""
    return datetime.fromtimestamp(seconds, tz=UTC)


def number(digits: str) -> int | Decimal:
    """A number, exactly as written: whole ones as `int`."""
    exact = Decimal(digits)
    return int(exact) if exact.is_finite() and exact == exact.to_integral_value() else exact


def bytes_of(base64: Any, name: str) -> bytes:
    """The bytes that base64 text stands for. Raises `ValueError` for anything else, without quoting it."""
    try:
        return a2b_base64(base64, strict_mode=True)
    except TypeError:
        found = type(base64).__name__
    raise PayloadError(f"expected {name!r} to be base64 text, found a value of type {found}")
