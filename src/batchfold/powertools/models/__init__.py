"""Pydantic models of raw records under Powertools' names, to inherit from: `class OrderRecord(SqsRecordModel): ...`.

Importing this package imports pydantic; `batchfold.powertools` does so when one of these names is first asked for. A
processor's `model=` needs none of them: any model will do, for the item identifier comes from the raw record.
"""

from batchfold.powertools.models.dynamodb import (
    DynamoDBStreamChangedRecordModel,
    DynamoDBStreamRecordModel,
    UserIdentity,
)
from batchfold.powertools.models.kafka import KafkaRecordModel, KafkaRecordSchemaMetadata
from batchfold.powertools.models.kinesis import KinesisDataStreamRecord, KinesisDataStreamRecordPayload
from batchfold.powertools.models.sqs import SqsAttributesModel, SqsMsgAttributeModel, SqsRecordModel

__all__ = [
    "DynamoDBStreamChangedRecordModel",
    "DynamoDBStreamRecordModel",
    "KafkaRecordModel",
    "KafkaRecordSchemaMetadata",
    "KinesisDataStreamRecord",
    "KinesisDataStreamRecordPayload",
    "SqsAttributesModel",
    "SqsMsgAttributeModel",
    "SqsRecordModel",
    "UserIdentity",
]
