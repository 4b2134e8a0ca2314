"""The model of a record of a Kinesis data stream."""

# ruff: noqa: N815  # the fields have the names that they have in the event

import json
import zlib
from typing import Any, Literal

from pydantic import BaseModel, field_validator

from batchfold.powertools.models.base64 import decoded


class KinesisDataStreamRecordPayload(BaseModel):
    """What the producer sent. Inherit from it to type the data: `data: Json[Order]`."""

    kinesisSchemaVersion: str
    partitionKey: str
    sequenceNumber: str
    data: bytes | type[BaseModel] | BaseModel
    approximateArrivalTimestamp: float

    @field_validator("data", mode="before")
    @classmethod
    def data_base64_decode(cls, value: Any) -> bytes:
        """Decode the base64 in which Lambda delivers the data."""
        return decoded(value)


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
        """What the JSON stands for that the data hold compressed, by gzip or zlib.

        Raises `ValueError` for data that were validated into a model, `zlib.error` for data that are not compressed.
        """
        if not isinstance(self.kinesis.data, bytes):
            raise ValueError(  # noqa: TRY004  # Powertools raises a ValueError
                f"only bytes can be decompressed, the data were validated into a {type(self.kinesis.data).__name__}"
            )
        return json.loads(zlib.decompress(self.kinesis.data, zlib.MAX_WBITS | 32))
