"""Kafka events, of Amazon MSK and of self-managed clusters.

https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html and
https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batchfold.testing.events.identity import SENT_AT_MS, arn
from batchfold.testing.events.payload import as_base64
from batchfold.testing.refuse import refuse_other_kinds, refuse_other_numbers

_BROKERS = (
    "b-1.orders.a1bcde.c1.kafka.eu-west-1.amazonaws.com:9092,b-2.orders.a1bcde.c1.kafka.eu-west-1.amazonaws.com:9092"
)


@dataclass(frozen=True)
class KafkaMessage:
    """A record for `kafka_event`, where its value alone does not say enough.

    `value` and `key` are bytes, text, or anything that JSON knows; `None` leaves them out, which for a value is a
    tombstone. `headers` maps names to bytes. `offset` counts up within the partition when it is `None`.

    Raises:
        TypeError: `headers` is no mapping, or a header's value is something else than bytes.
        ValueError: `partition` or `offset` is negative.
    """

    value: object
    key: object = None
    topic: str = "orders"
    partition: int = 0
    offset: int | None = None
    headers: Mapping[str, bytes] = field(default_factory=dict[str, bytes])

    def __post_init__(self) -> None:
        refuse_other_kinds("headers", self.headers, Mapping, 'a mapping from names to bytes, such as {"trace": b"1"}')
        for name, value in self.headers.items():
            refuse_other_kinds(f"headers[{name!r}]", value, (bytes, bytearray), "bytes, such as text.encode() makes")
        refuse_other_numbers("partition", self.partition, 0)
        if self.offset is not None:
            refuse_other_numbers("offset", self.offset, 0)


def kafka_event(*messages: object, self_managed: bool = False, cluster: str = "orders") -> dict[str, Any]:
    """The event of one batch of Kafka records, listed under `"<topic>-<partition>"` in the order given.

    Each of `messages` is a `KafkaMessage` or a value: bytes as they are, text as UTF-8, anything else as JSON.

    >>> event = kafka_event("first", KafkaMessage("second", partition=1), "third")
    >>> {listed: [raw["offset"] for raw in raws] for listed, raws in event["records"].items()}
    {'orders-0': [0, 1], 'orders-1': [0]}
    """
    records: dict[str, list[dict[str, Any]]] = {}
    for position, given in enumerate(messages):
        message = given if isinstance(given, KafkaMessage) else KafkaMessage(given)
        listed = records.setdefault(f"{message.topic}-{message.partition}", [])
        following = listed[-1]["offset"] + 1 if listed else 0
        listed.append(_raw_record(message, following if message.offset is None else message.offset, position))
    if self_managed:
        return {"eventSource": "aws:SelfManagedKafka", "bootstrapServers": _BROKERS, "records": records}
    return {
        "eventSource": "aws:kafka",
        "eventSourceArn": arn("kafka", f"cluster/{cluster}/3f1a2b4c-0d5e-4f60-8a7b-9c0d1e2f3a4b-4"),
        "bootstrapServers": _BROKERS,
        "records": records,
    }


def _raw_record(message: KafkaMessage, offset: int, position: int) -> dict[str, Any]:
    raw: dict[str, Any] = {
        "topic": message.topic,
        "partition": message.partition,
        "offset": offset,
        "timestamp": SENT_AT_MS + position * 1_000,
        "timestampType": "CREATE_TIME",
    }
    if message.key is not None:
        raw["key"] = as_base64(message.key)
    if message.value is not None:
        raw["value"] = as_base64(message.value)
    raw["headers"] = [{name: _signed(value)} for name, value in message.headers.items()]
    return raw


def _signed(value: bytes) -> list[int]:
    """A header's bytes as Java has them, from -128 to 127: that is how they arrive."""
    return [byte - 256 if byte > 127 else byte for byte in value]  # noqa: PLR2004  # the largest signed byte
