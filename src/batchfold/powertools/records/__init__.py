"""Records as handlers for Powertools expect them: views of a raw record under Powertools' names."""

from batchfold.powertools.records.dynamodb import DynamoDBRecord, DynamoDBRecordEventName, StreamRecord, StreamViewType
from batchfold.powertools.records.kafka import KafkaEventRecord, KafkaEventRecordSchemaMetadata
from batchfold.powertools.records.kinesis import KinesisStreamRecord, KinesisStreamRecordPayload
from batchfold.powertools.records.sqs import SQSMessageAttribute, SQSMessageAttributes, SQSRecord, SQSRecordAttributes

__all__ = [
    "DynamoDBRecord",
    "DynamoDBRecordEventName",
    "KafkaEventRecord",
    "KafkaEventRecordSchemaMetadata",
    "KinesisStreamRecord",
    "KinesisStreamRecordPayload",
    "SQSMessageAttribute",
    "SQSMessageAttributes",
    "SQSRecord",
    "SQSRecordAttributes",
    "StreamRecord",
    "StreamViewType",
]
