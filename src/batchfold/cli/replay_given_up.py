"""Records that were given up, and how they are brought back: the words of the rest of a replay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

Shape: TypeAlias = Literal["sqs", "kinesis", "dynamodb", "kafka", "other"]
"""How an event lists the records, and what names them."""

Kind: TypeAlias = Literal[
    "dead letter",
    "sent record",
    "Kinesis batch",
    "DynamoDB batch",
    "Kafka batch",
    "invocation",
    "event",
    "unknown",
]

PARTS_OF_ARN = 6


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message of a queue, or a document of a file."""

    name: str
    """The message id, or the file."""
    body: str
    message: Mapping[str, Any] | None = None
    """The message as `ReceiveMessage` returns it."""
    handle: str | None = None
    """The receipt handle, of what was received from a queue."""

    def attribute(self, name: str) -> str | None:
        """Return a system attribute of the message."""
        found: object = (self.message or {}).get("Attributes", {}).get(name)
        return found if isinstance(found, str) else None

    def message_attribute(self, name: str) -> str | None:
        """Return a text that the sender has put beside the body."""
        found: object = (self.message or {}).get("MessageAttributes", {}).get(name, {}).get("StringValue")
        return found if isinstance(found, str) else None


@dataclass(frozen=True, kw_only=True)
class OneRecord:
    """A raw record, ready to be delivered."""

    raw: Mapping[str, Any]
    shape: Shape
    item_id: object
    group: str | None = None
    """The message group of a FIFO queue, whose order is kept."""
    by_pipe: bool = False


@dataclass(frozen=True, kw_only=True)
class ShardRange:
    """Records that are still in the shard, from one sequence number to another."""

    shape: Literal["kinesis", "dynamodb"]
    stream_arn: str
    shard_id: str
    start: str
    end: str
    count: int
    by_pipe: bool = False


@dataclass(frozen=True)
class WholeEvent:
    """An event as the function got it. Lambda ignores the response to an asynchronous invocation."""

    event: Any
    is_invocation: bool = False


@dataclass(frozen=True)
class OutOfReach:
    """It cannot be brought back, for this reason."""

    why: str


Content: TypeAlias = OneRecord | ShardRange | WholeEvent | OutOfReach


@dataclass(frozen=True, kw_only=True)
class GivenUp:
    """The content of a message or a document about records that were given up."""

    letter: Letter
    kind: Kind
    source: str
    """The ARN of the queue, stream, cluster or function; topics of Kafka; empty if it is unknown."""
    place: str
    """The source in a few words."""
    content: Content
    records: int | None = None
    since: datetime | None = None
    why: str = ""


def region_of_arn(arn: str) -> str:
    """Return the region that an ARN names, empty for text that is none."""
    return _part(arn, 3)


def service_of(arn: str) -> str:
    """Return the service that an ARN names, empty for text that is none."""
    return _part(arn, 2)


def _part(arn: str, position: int) -> str:
    parts: Sequence[str] = arn.split(":")
    return parts[position] if len(parts) >= PARTS_OF_ARN and parts[0] == "arn" else ""


def place_of(arn: str) -> str:
    """Return the source in a few words, such as `stream orders`; text that is no ARN as it is."""
    service = service_of(arn)
    resource = arn.split(":", 5)[5] if service else ""
    kind, _, name = resource.partition(":" if service == "lambda" else "/")
    match service:
        case "":
            return arn
        case "sqs":
            return f"queue {resource}"
        case "dynamodb":
            return f"table {name.partition('/')[0]}"
        case "kinesis" | "kafka":
            return f"{kind} {name.partition('/')[0]}"
        case _:
            return f"{kind} {name}"
