"""Pydantic models of raw records under Powertools' names, to inherit from: `class OrderRecord(SqsRecordModel): ...`.

Importing this module imports pydantic; `batchfold.powertools` does so when one of these names is first asked for. A
processor's `model=` takes a subclass of one of them, because the response reads the item identifier from its instances.
"""

# ruff: noqa: N815  # the fields have the names that they have in the event

import json
import zlib
from base64 import b64decode
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator

from batchfold.powertools.data_classes_dynamodb import plain_values


def _decoded(base64: Any) -> bytes:
    """Decode base64 text. Raises `ValueError`, which pydantic makes a validation error, for anything else."""
    try:
        return b64decode(base64)
    except (ValueError, TypeError):
        raise ValueError("base64 decode failed - is this base64 encoded string?") from None


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


class KinesisDataStreamRecordPayload(BaseModel):
    """The data of a record, its key, and its place in the stream. Inherit from it to type the data: `data: Json[Order]`."""

    kinesisSchemaVersion: str
    partitionKey: str
    sequenceNumber: str
    data: bytes | type[BaseModel] | BaseModel
    approximateArrivalTimestamp: float

    @field_validator("data", mode="before")
    @classmethod
    def data_base64_decode(cls, value: Any) -> bytes:
        """Decode the base64 in which Lambda delivers the data."""
        return _decoded(value)


class KinesisDataStreamRecord(BaseModel):
    """A record of a Kinesis data stream."""

    eventSource: Literal["aws:kinesis"]
    eventVersion: str
    eventID: str
    eventName: Literal["aws:kinesis:record"]
    invokeIdentityArn: str
    awsRegion: str
    eventSourceARN: str
    kinesis: KinesisDataStreamRecordPayload

    def decompress_zlib_record_data_as_json(self) -> Any:
        """Return the value of the JSON that the data hold, compressed by gzip or zlib.

        Raises `ValueError` for data that were validated into a model, `zlib.error` for data that are not compressed.
        """
        if not isinstance(self.kinesis.data, bytes):
            raise ValueError("We can only decompress bytes data, not custom models.")  # noqa: TRY004  # Powertools' error
        return json.loads(zlib.decompress(self.kinesis.data, zlib.MAX_WBITS | 32))


class DynamoDBStreamChangedRecordModel(BaseModel):
    """The item that was changed. Inherit from it to type the images: `NewImage: Order | None`."""

    ApproximateCreationDateTime: datetime | None = None
    Keys: dict[str, Any]
    NewImage: dict[str, Any] | type[BaseModel] | BaseModel | None = None
    OldImage: dict[str, Any] | type[BaseModel] | BaseModel | None = None
    SequenceNumber: str
    SizeBytes: int
    StreamViewType: Literal["NEW_AND_OLD_IMAGES", "KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE"]

    @field_validator("Keys", "NewImage", "OldImage", mode="before")
    @classmethod
    def deserialize_field(cls, value: Any) -> dict[str, Any]:
        """Make plain Python values of DynamoDB's attribute values."""
        return plain_values(value)


class UserIdentity(BaseModel):
    """DynamoDB itself, which removed the item after its time to live."""

    type: Literal["Service"]
    principalId: Literal["dynamodb.amazonaws.com"]


class DynamoDBStreamRecordModel(BaseModel):
    """A change of an item."""

    eventID: str
    eventName: Literal["INSERT", "MODIFY", "REMOVE"]
    eventVersion: float
    eventSource: Literal["aws:dynamodb"]
    awsRegion: str
    eventSourceARN: str
    dynamodb: DynamoDBStreamChangedRecordModel
    userIdentity: UserIdentity | None = None


class KafkaRecordSchemaMetadata(BaseModel):
    """The schema of a key or a value, from a schema registry."""

    dataFormat: str
    schemaId: str


class KafkaRecordModel(BaseModel):
    """A record of a Kafka topic. Inherit from it to type the value: `value: Json[Order]`."""

    topic: str
    partition: int
    offset: int
    timestamp: datetime
    timestampType: str
    key: bytes | None = None
    value: str | type[BaseModel] | BaseModel
    headers: list[dict[str, bytes]]
    keySchemaMetadata: KafkaRecordSchemaMetadata | None = None
    valueSchemaMetadata: KafkaRecordSchemaMetadata | None = None

    @field_validator("key", mode="before")
    @classmethod
    def decode_key(cls, value: Any) -> bytes | None:
        """Decode the base64 in which Lambda delivers the key."""
        return None if value is None else _decoded(value)

    @field_validator("value", mode="before")
    @classmethod
    def data_base64_decode(cls, value: Any) -> str:
        """Decode the base64 in which Lambda delivers the value, and the UTF-8 in it."""
        return _decoded(value).decode("utf-8")

    @field_validator("headers", mode="before")
    @classmethod
    def decode_headers_list(cls, value: Any) -> list[dict[str, bytes]]:
        """Make bytes of the numbers, perhaps signed, in which Lambda delivers them."""
        return [{name: bytes(byte & 0xFF for byte in listed) for name, listed in header.items()} for header in value]
