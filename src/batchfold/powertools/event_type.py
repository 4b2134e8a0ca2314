"""`EventType`: which kind of event a processor is for."""

from enum import Enum


class EventType(Enum):
    """Which kind of event a processor is for. Powertools' name for what batchfold calls a source."""

    SQS = "SQS"
    KinesisDataStreams = "KinesisDataStreams"
    DynamoDBStreams = "DynamoDBStreams"
    Kafka = "Kafka"
