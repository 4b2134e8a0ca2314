"""The model of a change from a DynamoDB stream."""

# ruff: noqa: N815  # the fields have the names that they have in the event

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, field_validator

from batchfold.powertools.records.dynamodb import plain_values


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
    """Who changed the item, if it was DynamoDB itself."""

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
