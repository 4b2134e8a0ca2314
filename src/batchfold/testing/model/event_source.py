"""An event source of any kind, and which lanes its raw records know."""

from typing import TypeAlias

from batchfold.core.lanes import Lane
from batchfold.sources.dynamodb import by_item_key
from batchfold.sources.kafka import by_message_key, by_topic_partition
from batchfold.sources.kinesis import by_partition_key
from batchfold.sources.sqs import by_message_group
from batchfold.testing.model.dynamodb import DynamoDBStream
from batchfold.testing.model.kafka import KafkaTopic
from batchfold.testing.model.kinesis import KinesisStream
from batchfold.testing.model.queue import SqsQueue
from batchfold.testing.refuse import refuse_other_kinds, refuse_uncallable

EventSource: TypeAlias = SqsQueue | KinesisStream | DynamoDBStream | KafkaTopic
"""An event source and its mapping, with the settings that decide what comes back."""

_LANES_OF: tuple[tuple[Lane, type[EventSource]], ...] = (
    (by_message_group, SqsQueue),
    (by_partition_key, KinesisStream),
    (by_item_key, DynamoDBStream),
    (by_topic_partition, KafkaTopic),
    (by_message_key, KafkaTopic),
)


def refuse_other_sources(source: object) -> None:
    """Raise `TypeError` for what is no event source."""
    kinds = (SqsQueue, KinesisStream, DynamoDBStream, KafkaTopic)
    refuse_other_kinds("source", source, kinds, "an event source, such as SqsQueue()")


def refuse_other_lanes(lane: Lane | None, source: EventSource) -> None:
    """Raise for what is no lane, and for a lane of another source: it would not tell the records of this one apart."""
    if lane is None:
        return
    refuse_uncallable("lane", lane, "a function from raw record to lane, such as each_record")
    for other, read in _LANES_OF:
        if other is lane and not isinstance(source, read):
            name = getattr(lane, "__name__", "this")
            raise ValueError(f"lane={name} is a lane of {read.__name__}, not of {type(source).__name__}.")
