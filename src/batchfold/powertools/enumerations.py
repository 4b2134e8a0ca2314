"""Powertools' enumerations. Their members equal Powertools' own of the same class and name, in both directions.

A program may move its processor and keep an old import of `DynamoDBRecordEventName`. If members of the two libraries were
unequal, its handler would quietly skip every record, and the batch would count as done. Only `is` tells them apart.
"""

from enum import Enum


class NamedEnum(Enum):
    """The base of enumerations that equal Powertools' by name.

    >>> from aws_lambda_powertools.utilities.batch import EventType as Theirs
    >>> EventType.SQS == Theirs.SQS, Theirs.SQS == EventType.SQS, Theirs.Kafka in {EventType.Kafka: 1}
    (True, True, True)
    """

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Enum)
            and type(other).__name__ == type(self).__name__
            and type(other).__module__.startswith("aws_lambda_powertools.")
            and other.name == self.name
        )

    def __hash__(self) -> int:
        return hash(self._name_)  # as every enumeration does, so that equal members share a place in a set


class EventType(NamedEnum):
    """The kind of event that a processor is for. batchfold's own word is a source: `sqs()`, `kinesis()`, ..."""

    SQS = "SQS"
    KinesisDataStreams = "KinesisDataStreams"
    DynamoDBStreams = "DynamoDBStreams"
    Kafka = "Kafka"


class StreamViewType(NamedEnum):
    """The images that a DynamoDB stream carries."""

    KEYS_ONLY = 0
    NEW_IMAGE = 1
    OLD_IMAGE = 2
    NEW_AND_OLD_IMAGES = 3


class DynamoDBRecordEventName(NamedEnum):
    """The change that an item went through."""

    INSERT = 0
    MODIFY = 1
    REMOVE = 2
