"""The model of an SQS message."""

# ruff: noqa: N815  # the fields have the names that they have in the event

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class SqsAttributesModel(BaseModel):
    """The system attributes, their moments as `datetime`."""

    ApproximateReceiveCount: str
    ApproximateFirstReceiveTimestamp: datetime
    MessageDeduplicationId: str | None = None
    MessageGroupId: str | None = None
    SenderId: str
    SentTimestamp: datetime
    SequenceNumber: str | None = None
    AWSTraceHeader: str | None = None
    DeadLetterQueueSourceArn: str | None = None


class SqsMsgAttributeModel(BaseModel):
    """An attribute that the sender gave the message."""

    stringValue: str | None = None
    binaryValue: str | None = None
    stringListValues: list[str] = Field(default_factory=list[str])
    binaryListValues: list[str] = Field(default_factory=list[str])
    dataType: str


class SqsRecordModel(BaseModel):
    """An SQS message. Inherit from it to type the body: `body: Json[Order]`."""

    messageId: str
    receiptHandle: str
    body: str | type[BaseModel] | BaseModel
    attributes: SqsAttributesModel
    messageAttributes: dict[str, SqsMsgAttributeModel]
    md5OfBody: str
    md5OfMessageAttributes: str | None = None
    eventSource: Literal["aws:sqs"]
    eventSourceARN: str
    awsRegion: str
