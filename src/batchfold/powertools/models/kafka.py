"""The model of a record of a Kafka topic."""

# ruff: noqa: N815  # the fields have the names that they have in the event

from datetime import datetime
from typing import Any

from pydantic import BaseModel, field_validator

from batchfold.powertools.models.base64 import decoded


class KafkaRecordSchemaMetadata(BaseModel):
    """What a schema registry says of a key or a value."""

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
        return None if value is None else decoded(value)

    @field_validator("value", mode="before")
    @classmethod
    def data_base64_decode(cls, value: Any) -> str:
        """Decode the base64 in which Lambda delivers the value, and the UTF-8 in it."""
        return decoded(value).decode("utf-8")

    @field_validator("headers", mode="before")
    @classmethod
    def decode_headers_list(cls, value: Any) -> list[dict[str, bytes]]:
        """Make bytes of the numbers, perhaps signed, in which Lambda delivers them."""
        return [{name: bytes(byte & 0xFF for byte in listed) for name, listed in header.items()} for header in value]
