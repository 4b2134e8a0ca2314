"""Events, raw records and records: the words in which everything else is said.

Lambda hands over an event; its elements are raw records, mappings that are never changed. A `Record` is a typed,
read-only view of one. An item identifier names a record to Lambda.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypedDict, Union

Event: TypeAlias = Mapping[str, Any]
"""The mapping that Lambda passes to the function."""

RawRecord: TypeAlias = Mapping[str, Any]
"""One element of the event. It is never changed."""

AnyEvent: TypeAlias = Union[Event, Sequence[RawRecord]]
"""An event, or the list of records that EventBridge Pipes passes to the function."""


class UnexpectedEventError(ValueError):
    """The event cannot be read as its source says, so nothing of it was handled.

    Raised before the first record is handled, and meant to leave the Lambda function: the invocation fails and Lambda
    delivers every record again. Answering instead would delete the records that cannot be named.

    The message says what was expected, what was found and where. It never holds a payload.
    """


class KafkaItemId(TypedDict):
    """The position of a Kafka record. Lambda expects this mapping as its item identifier."""

    partition: str
    """`"<topic>-<partition>"`, the key under which the event lists the record."""
    offset: int


ItemId: TypeAlias = str | KafkaItemId
"""The name of a record to Lambda: message id, sequence number, or topic, partition and offset."""


class ItemFailure(TypedDict):
    """One entry of the partial response."""

    itemIdentifier: ItemId


class PartialResponse(TypedDict):
    """The answer of the Lambda function. An empty list says that every record is done."""

    batchItemFailures: list[ItemFailure]


def item_name(item_id: ItemId) -> str:
    r"""Return an item identifier as it reads in a message; control characters are escaped.

    >>> item_name({"partition": "orders-0", "offset": 15})
    'orders-0 at offset 15'
    >>> item_name("m1\n")
    'm1\\n'
    """
    name = item_id if isinstance(item_id, str) else f"{item_id['partition']} at offset {item_id['offset']}"
    return name if name.isprintable() else name.encode("unicode_escape").decode("ascii")


class Record:
    """The common base of the records of all sources.

    A record reads its raw record on access, copies nothing, and is immutable. Records are equal when their raw records
    and their payloads are. `repr` shows what identifies a record, never its payload. They can be pickled.
    """

    __slots__ = ("_raw",)

    _raw: RawRecord

    @property
    def raw(self) -> RawRecord:
        """The raw record, as Lambda delivered it."""
        return self._raw

    @property
    def raw_event(self) -> RawRecord:
        """The raw record, under the name by which Powertools' `idempotent_function` looks for the data of an argument.

        Without it, the idempotency key would be made of the record's `repr`.
        """
        return self._raw

    @property
    def span_attributes(self) -> Mapping[str, str | int | bool]:
        """The attributes of a span about the record, by the names of OpenTelemetry's semantic conventions.

        `messaging.destination.name` is part of the span's name too. Nothing of the payload, and no key. Every source's
        records say what they can; these say nothing.
        """
        return {}

    @property
    def trace_context(self) -> Mapping[str, str]:
        """The sender's trace context, by the names of HTTP headers: `X-Amzn-Trace-Id`, `traceparent`, `tracestate`."""
        return {}

    def _payload(self) -> Any:
        """Return the parsed payload, which takes part in equality."""
        raise NotImplementedError

    def _identity(self) -> str:
        """Return what `repr` shows."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record) or type(self) is not type(other):
            return NotImplemented
        return self._raw == other._raw and self._payload() == other._payload()

    __hash__ = None  # type: ignore[assignment]  # a raw record is a mapping, and mappings have no hash

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._identity()})"


# tracebacks show the public name
UnexpectedEventError.__module__ = "batchfold"
