"""What Lambda hands over: the event and its raw records, and the error for an event that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Event: TypeAlias = Mapping[str, Any]
"""The mapping that Lambda passes to the function."""

RawRecord: TypeAlias = Mapping[str, Any]
"""One element of the event. It is never changed and never copied."""


class UnexpectedEventError(ValueError):
    """The event cannot be read as its source says, so nothing of it was handled.

    Raised before the first record is handled, and meant to leave the Lambda function: the invocation fails and Lambda
    delivers every record again. Answering instead would delete the records that cannot be named.

    The message says what was expected, what was found and where. It never holds a payload.
    """
