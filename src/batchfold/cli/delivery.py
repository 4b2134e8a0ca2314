"""A delivery: which source an event is from, and what names its records to Lambda."""

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from batchfold import (
    DynamoDBRecord,
    Event,
    ItemId,
    KinesisRecord,
    RawRecord,
    Source,
    SqsRecord,
    dynamodb,
    kafka,
    kinesis,
    sqs,
)
from batchfold.sources.reading import quoted

Kind: TypeAlias = Literal["queue", "FIFO queue", "stream", "topic"]
"""What the source keeps its records in, as far as that changes what a response means."""


class UnreadableEventError(Exception):
    """There is no event, or none of the four sources."""


@dataclass(frozen=True)
class Delivery:
    """What Lambda hands over: the event, and what can be told of it before it is handled."""

    event: Event
    kind: Kind
    origin: str
    """The source and the name of the queue, stream, table or topics, such as `SQS queue orders`."""
    item_ids: tuple[ItemId, ...]


def delivery_of(text: str) -> Delivery:
    """Read the JSON of an event.

    Raises `UnreadableEventError` if it is of none of the sources, and `UnexpectedEventError` if it is of one of them, but
    cannot be read as such.
    """
    event = _parsed(text)
    first = _first_raw_record(event)
    event_source: object = event.get("eventSource") or first.get("eventSource")
    if not isinstance(event_source, str) or event_source not in _READERS:
        raise UnreadableEventError(_not_recognised(event_source))
    source, describe = _READERS[event_source]
    raws, item_ids = source.read(event)
    kind, origin = describe(raws)
    return Delivery(event, kind, origin, tuple(item_ids))


def key_of(item_id: ItemId) -> Hashable:
    """An item identifier as something to look it up by."""
    return item_id if isinstance(item_id, str) else (item_id["partition"], item_id["offset"])


def _parsed(text: str) -> Event:
    try:
        event: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableEventError(f"the event is not JSON: {error}") from None
    if not isinstance(event, dict):
        raise UnreadableEventError(f"expected the event to be a JSON object, found a {type(event).__name__}")
    return cast("Event", event)  # the keys of a JSON object are text


def _first_raw_record(event: Event) -> Mapping[str, Any]:
    raws: object = event.get("Records")
    first: object = cast("list[object]", raws)[0] if isinstance(raws, list) and raws else None
    return cast("Mapping[str, Any]", first) if isinstance(first, dict) else {}


def _not_recognised(event_source: object) -> str:
    found = "it has no eventSource" if event_source is None else f"its eventSource is {quoted(event_source)}"
    return (
        f"the event is of none of the sources that batchfold knows ({', '.join(_READERS)}): {found}; "
        "Lambda puts it into each of the Records, Kafka's into the event"
    )


def _queue(raws: Sequence[RawRecord]) -> tuple[Kind, str]:
    name = SqsRecord(raws[0]).queue_name if _has_arn(raws) else ""
    kind: Kind = "FIFO queue" if name.endswith(".fifo") else "queue"
    return kind, f"SQS {kind} {name}".rstrip()


def _kinesis_stream(raws: Sequence[RawRecord]) -> tuple[Kind, str]:
    name = KinesisRecord(raws[0]).stream_name if _has_arn(raws) else ""
    return "stream", f"Kinesis stream {name}".rstrip()


def _table_stream(raws: Sequence[RawRecord]) -> tuple[Kind, str]:
    name = DynamoDBRecord(raws[0]).table_name if _has_arn(raws) else ""
    return "stream", f"DynamoDB stream of table {name}".removesuffix(" of table ")


def _has_arn(raws: Sequence[RawRecord]) -> bool:
    """Whether the first record says where it comes from; one that is written by hand need not."""
    if not raws or "eventSourceARN" not in raws[0]:
        return False
    arn: object = raws[0]["eventSourceARN"]
    if isinstance(arn, str):
        return True
    raise UnreadableEventError(f"expected 'eventSourceARN' of Records[0] to be text, found {quoted(arn)}")


def _topics(raws: Sequence[RawRecord]) -> tuple[Kind, str]:
    names = dict.fromkeys(str(raw["topic"]) for raw in raws)
    return "topic", f"Kafka topic{'s' if len(names) > 1 else ''} {', '.join(names)}".rstrip()


_Reader: TypeAlias = tuple[Source[Any, Any], Callable[[Sequence[RawRecord]], tuple[Kind, str]]]

_READERS: dict[str, _Reader] = {
    "aws:sqs": (sqs(), _queue),
    "aws:kinesis": (kinesis(), _kinesis_stream),
    "aws:dynamodb": (dynamodb(), _table_stream),
    "aws:kafka": (kafka(), _topics),
    "aws:SelfManagedKafka": (kafka(), _topics),
}
