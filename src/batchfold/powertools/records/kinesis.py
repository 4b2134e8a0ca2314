"""`KinesisStreamRecord`: a record of a Kinesis data stream."""

import json
from binascii import a2b_base64
from typing import Any

from batchfold.powertools.records.wrapper import DictWrapper
from batchfold.sources.fields import text


class KinesisStreamRecordPayload(DictWrapper):
    """What the producer sent, and what the stream made of it."""

    @property
    def approximate_arrival_timestamp(self) -> float:
        """When the stream took the record in: seconds since the epoch."""
        return float(self["approximateArrivalTimestamp"])

    @property
    def data(self) -> str:
        """The data, in base64."""
        return text(self, "data")

    @property
    def kinesis_schema_version(self) -> str:
        """The version of the form of this part."""
        return text(self, "kinesisSchemaVersion")

    @property
    def partition_key(self) -> str:
        """The producer's key, which chose the shard."""
        return text(self, "partitionKey")

    @property
    def sequence_number(self) -> str:
        """The place of the record in its shard, which names the record to Lambda."""
        return text(self, "sequenceNumber")

    def data_as_bytes(self) -> bytes:
        """The data. This method and the next three raise `ValueError` for what is not in the form that they read."""
        return a2b_base64(self.data)

    def data_as_text(self) -> str:
        """The data as UTF-8 text."""
        return self.data_as_bytes().decode("utf-8")

    def data_as_json(self) -> Any:
        """What the data's JSON stands for."""
        return json.loads(self.data_as_text())

    def data_zlib_compressed_as_json(self) -> Any:
        """What the JSON stands for that the data hold compressed, by gzip or zlib. Raises `zlib.error` for other data."""
        import zlib  # noqa: PLC0415  # few need it, and all would pay for it in their cold start

        return json.loads(zlib.decompress(self.data_as_bytes(), zlib.MAX_WBITS | 32))


class KinesisStreamRecord(DictWrapper):
    """A record of a Kinesis data stream. batchfold's own is `KinesisRecord`."""

    @property
    def aws_region(self) -> str:
        """The stream's region."""
        return text(self, "awsRegion")

    @property
    def event_id(self) -> str:
        """The shard's id and the sequence number, joined by a colon."""
        return text(self, "eventID")

    @property
    def event_name(self) -> str:
        """`aws:kinesis:record`."""
        return text(self, "eventName")

    @property
    def event_source(self) -> str:
        """`aws:kinesis`."""
        return text(self, "eventSource")

    @property
    def event_source_arn(self) -> str:
        """The ARN of the stream, or of the stream's consumer with enhanced fan-out."""
        return text(self, "eventSourceARN")

    @property
    def event_version(self) -> str:
        """The version of the form of the raw record."""
        return text(self, "eventVersion")

    @property
    def invoke_identity_arn(self) -> str:
        """The role with which Lambda reads the stream."""
        return text(self, "invokeIdentityArn")

    @property
    def kinesis(self) -> KinesisStreamRecordPayload:
        """What the producer sent, and what the stream made of it."""
        return KinesisStreamRecordPayload(self["kinesis"])
