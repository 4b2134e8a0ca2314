"""The partial response, and the two ways in which it names the records that must come back.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html and its siblings for Kinesis, DynamoDB
Streams and Kafka describe how Lambda reads it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeAlias, TypedDict


class KafkaItemId(TypedDict):
    """Where a Kafka record stands: Lambda expects this mapping as its item identifier."""

    partition: str
    """`"<topic>-<partition>"`, the key under which the event lists the record."""
    offset: int


ItemId: TypeAlias = str | KafkaItemId
"""What names a record to Lambda: message id, sequence number, or topic, partition and offset."""


class ItemFailure(TypedDict):
    """One entry of the partial response."""

    itemIdentifier: ItemId


class PartialResponse(TypedDict):
    """What the Lambda function returns. An empty list says that every record is done."""

    batchItemFailures: list[ItemFailure]


def item_name(item_id: ItemId) -> str:
    """An item identifier as it reads in a message.

    >>> item_name({"partition": "orders-0", "offset": 15})
    'orders-0 at offset 15'
    """
    return item_id if isinstance(item_id, str) else f"{item_id['partition']} at offset {item_id['offset']}"


def name_every_record(not_done: Sequence[ItemId]) -> PartialResponse:
    """Name each record that is not done, once, in arrival order: what SQS and Kafka need."""
    if not not_done:
        return {"batchItemFailures": []}
    named: dict[Hashable, ItemFailure] = {}
    for item_id in not_done:
        key = item_id if isinstance(item_id, str) else (item_id["partition"], item_id["offset"])
        named.setdefault(key, {"itemIdentifier": item_id})
    return {"batchItemFailures": list(named.values())}


def name_lowest_sequence_number(not_done: Sequence[str]) -> PartialResponse:
    """Name the lowest sequence number that is not done: Lambda delivers a stream again from there on.

    Sequence numbers are decimal numbers of differing length, so they are compared as numbers.
    """
    if not not_done:
        return {"batchItemFailures": []}
    return {"batchItemFailures": [{"itemIdentifier": min(not_done, key=int)}]}
