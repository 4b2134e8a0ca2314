"""`KinesisStreamRecord` and `KafkaEventRecord`: records of streams, as handlers of Powertools know them."""

import json
from base64 import b64decode
from functools import cached_property
from typing import Any

from batchfold.powertools.data_classes_base import (
    CaseInsensitiveDict,
    DictWrapper,
    anything,
    number,
    optional_part,
    optional_text,
    part,
    text,
)


class KinesisStreamRecordPayload(DictWrapper):
    """The data of a record, its key, and its place in the stream."""

    approximate_arrival_timestamp = part(
        "approximateArrivalTimestamp", float, "When the stream took the record in: seconds since the epoch."
    )
    data = text("data", "The data, in base64.")
    kinesis_schema_version = text("kinesisSchemaVersion", "The version of the form of this part.")
    partition_key = text("partitionKey", "The producer's key, which chose the shard.")
    sequence_number = text("sequenceNumber", "The place of the record in its shard, which names the record to Lambda.")

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

    aws_region = text("awsRegion", "The stream's region.")
    event_id = text("eventID", "The shard's id and the sequence number, joined by a colon.")
    event_name = text("eventName", "`aws:kinesis:record`.")
    event_source = text("eventSource", "`aws:kinesis`.")
    event_source_arn = text("eventSourceARN", "The ARN of the stream, or of its consumer with enhanced fan-out.")
    event_version = text("eventVersion", "The version of the form of the raw record.")
    invoke_identity_arn = text("invokeIdentityArn", "The role with which Lambda reads the stream.")
    kinesis = part("kinesis", KinesisStreamRecordPayload, "The record's data, its key, and its place in the stream.")


class KafkaEventRecordSchemaMetadata(DictWrapper):
    """The schema of a key or a value, from a schema registry."""

    data_format = optional_text("dataFormat", "`AVRO`, `JSON` or `PROTOBUF`.")
    schema_id = optional_text("schemaId", "The schema's id in the registry.")


class KafkaEventRecord(DictWrapper):
    """A record of a Kafka topic. batchfold's own is `KafkaRecord`."""

    topic = text("topic", "The topic.")
    partition = number("partition", "The partition of the topic.")
    offset = number("offset", "The place of the record in its partition.")
    timestamp = number("timestamp", "When the record was made or appended: milliseconds since the epoch.")
    timestamp_type = text("timestampType", "`CREATE_TIME` or `LOG_APPEND_TIME`.")
    key_schema_metadata = optional_part("keySchemaMetadata", KafkaEventRecordSchemaMetadata, "The key's schema.")
    value_schema_metadata = optional_part("valueSchemaMetadata", KafkaEventRecordSchemaMetadata, "The value's schema.")
    key = optional_text("key", "The key, in base64.")

    @property
    def decoded_key(self) -> bytes | None:
        """The key."""
        return None if self.key is None else b64decode(self.key)

    value = text("value", "The value, in base64.")

    @property
    def decoded_value(self) -> bytes:
        """The value. Raises `ValueError` for what is not base64, `TypeError` where there is no value (a tombstone)."""
        return b64decode(self.value)

    @cached_property
    def json_value(self) -> Any:
        """The value of the value's JSON. Raises as `decoded_value` does, and `ValueError` for a value that is no JSON."""
        return self._json_deserializer(self.decoded_value.decode("utf-8"))

    headers = anything(
        "headers", "The headers in order: mappings of one name to its value's bytes as numbers, perhaps signed."
    )

    @cached_property
    def decoded_headers(self) -> CaseInsensitiveDict:
        """The headers by name, whatever its case, with their values' bytes. Of a name that comes twice, the last."""
        return CaseInsensitiveDict(
            {name: bytes(byte & 0xFF for byte in value) for header in self.headers for name, value in header.items()}
        )
