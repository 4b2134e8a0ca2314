"""`KinesisStreamRecord` and `KafkaEventRecord`: records of streams, as handlers of Powertools know them."""

import json
from base64 import b64decode
from functools import cached_property
from typing import Any

from batchfold.powertools.record_view import CaseInsensitiveDict, DictWrapper


class KinesisStreamRecordPayload(DictWrapper):
    """The data of a record, its key, and its place in the stream."""

    @property
    def approximate_arrival_timestamp(self) -> float:
        """When the stream took the record in: seconds since the epoch."""
        return float(self["approximateArrivalTimestamp"])

    @property
    def data(self) -> str:
        """The data, in base64."""
        return self._text("data")

    @property
    def kinesis_schema_version(self) -> str:
        """The version of the form of this part."""
        return self._text("kinesisSchemaVersion")

    @property
    def partition_key(self) -> str:
        """The producer's key, which chose the shard."""
        return self._text("partitionKey")

    @property
    def sequence_number(self) -> str:
        """The place of the record in its shard, which names the record to Lambda."""
        return self._text("sequenceNumber")

    def data_as_bytes(self) -> bytes:
        """Return the data. This method and the next three raise `ValueError` for data of another form."""
        return b64decode(self.data)

    def data_as_text(self) -> str:
        """Return the data as UTF-8 text."""
        return self.data_as_bytes().decode("utf-8")

    def data_as_json(self) -> Any:
        """Return the value of the data's JSON."""
        return json.loads(self.data_as_text())

    def data_zlib_compressed_as_json(self) -> Any:
        """Return the value of JSON that was compressed by gzip or zlib. Raises `zlib.error` for other data."""
        import zlib  # noqa: PLC0415  # few need it, and all would pay for it in their cold start

        return json.loads(zlib.decompress(self.data_as_bytes(), zlib.MAX_WBITS | 32))


class KinesisStreamRecord(DictWrapper):
    """A record of a Kinesis data stream. batchfold's own is `KinesisRecord`."""

    @property
    def aws_region(self) -> str:
        """The stream's region."""
        return self._text("awsRegion")

    @property
    def event_id(self) -> str:
        """The shard's id and the sequence number, joined by a colon."""
        return self._text("eventID")

    @property
    def event_name(self) -> str:
        """`aws:kinesis:record`."""
        return self._text("eventName")

    @property
    def event_source(self) -> str:
        """`aws:kinesis`."""
        return self._text("eventSource")

    @property
    def event_source_arn(self) -> str:
        """The ARN of the stream, or of the stream's consumer with enhanced fan-out."""
        return self._text("eventSourceARN")

    @property
    def event_version(self) -> str:
        """The version of the form of the raw record."""
        return self._text("eventVersion")

    @property
    def invoke_identity_arn(self) -> str:
        """The role with which Lambda reads the stream."""
        return self._text("invokeIdentityArn")

    @property
    def kinesis(self) -> KinesisStreamRecordPayload:
        """The data of the record, its key, and its place in the stream."""
        return KinesisStreamRecordPayload(self["kinesis"])


class KafkaEventRecordSchemaMetadata(DictWrapper):
    """The schema of a key or a value, from a schema registry."""

    @property
    def data_format(self) -> str | None:
        """`AVRO`, `JSON` or `PROTOBUF`."""
        return self._optional_text("dataFormat")

    @property
    def schema_id(self) -> str | None:
        """The schema's id in the registry."""
        return self._optional_text("schemaId")


class KafkaEventRecord(DictWrapper):
    """A record of a Kafka topic. batchfold's own is `KafkaRecord`."""

    @property
    def topic(self) -> str:
        """The topic."""
        return self._text("topic")

    @property
    def partition(self) -> int:
        """The partition of the topic."""
        found: int = self["partition"]
        return found

    @property
    def offset(self) -> int:
        """The place of the record in its partition."""
        found: int = self["offset"]
        return found

    @property
    def timestamp(self) -> int:
        """When the record was made or appended: milliseconds since the epoch."""
        found: int = self["timestamp"]
        return found

    @property
    def timestamp_type(self) -> str:
        """`CREATE_TIME` or `LOG_APPEND_TIME`."""
        return self._text("timestampType")

    @property
    def key_schema_metadata(self) -> KafkaEventRecordSchemaMetadata | None:
        """The key's schema, from a schema registry."""
        item = self.get("keySchemaMetadata")
        return None if item is None else KafkaEventRecordSchemaMetadata(item)

    @property
    def value_schema_metadata(self) -> KafkaEventRecordSchemaMetadata | None:
        """The value's schema, from a schema registry."""
        item = self.get("valueSchemaMetadata")
        return None if item is None else KafkaEventRecordSchemaMetadata(item)

    @property
    def key(self) -> str | None:
        """The key, in base64."""
        return self._optional_text("key")

    @property
    def decoded_key(self) -> bytes | None:
        """The key."""
        return None if self.key is None else b64decode(self.key)

    @property
    def value(self) -> str:
        """The value, in base64."""
        return self._text("value")

    @property
    def decoded_value(self) -> bytes:
        """The value. Raises `ValueError` for what is not base64, `TypeError` where there is no value (a tombstone)."""
        return b64decode(self.value)

    @cached_property
    def json_value(self) -> Any:
        """The value of the value's JSON. Raises as `decoded_value` does, and `ValueError` for a value that is no JSON."""
        return self._json_deserializer(self.decoded_value.decode("utf-8"))

    @property
    def headers(self) -> Any:
        """The headers in order: mappings of one name to the numbers of its value's bytes, which may be signed."""
        return self["headers"]

    @cached_property
    def decoded_headers(self) -> CaseInsensitiveDict:
        """The headers by name, whatever its case, with their values' bytes. Of a name that comes twice, the last."""
        return CaseInsensitiveDict(
            {name: bytes(byte & 0xFF for byte in value) for header in self.headers for name, value in header.items()}
        )
