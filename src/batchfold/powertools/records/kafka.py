"""`KafkaEventRecord`: a record of a Kafka topic."""

from binascii import a2b_base64
from functools import cached_property
from typing import Any

from batchfold.powertools.records.case_insensitive import CaseInsensitiveDict
from batchfold.powertools.records.wrapper import DictWrapper
from batchfold.sources.fields import optional_text, text


class KafkaEventRecordSchemaMetadata(DictWrapper):
    """What a schema registry says of a key or a value."""

    @property
    def data_format(self) -> str | None:
        """`AVRO`, `JSON` or `PROTOBUF`."""
        return optional_text(self, "dataFormat")

    @property
    def schema_id(self) -> str | None:
        """The schema's id in the registry."""
        return optional_text(self, "schemaId")


class KafkaEventRecord(DictWrapper):
    """A record of a Kafka topic. batchfold's own is `KafkaRecord`."""

    @property
    def topic(self) -> str:
        """The topic."""
        return text(self, "topic")

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
        return text(self, "timestampType")

    @property
    def key_schema_metadata(self) -> KafkaEventRecordSchemaMetadata | None:
        """What the schema registry says of the key."""
        item = self.get("keySchemaMetadata")
        return None if item is None else KafkaEventRecordSchemaMetadata(item)

    @property
    def value_schema_metadata(self) -> KafkaEventRecordSchemaMetadata | None:
        """What the schema registry says of the value."""
        item = self.get("valueSchemaMetadata")
        return None if item is None else KafkaEventRecordSchemaMetadata(item)

    @property
    def key(self) -> str | None:
        """The key, in base64."""
        return optional_text(self, "key")

    @property
    def decoded_key(self) -> bytes | None:
        """The key."""
        return None if self.key is None else a2b_base64(self.key)

    @property
    def value(self) -> str:
        """The value, in base64."""
        return text(self, "value")

    @property
    def decoded_value(self) -> bytes:
        """The value. Raises `ValueError` for what is not base64, `TypeError` where there is no value (a tombstone)."""
        return a2b_base64(self.value)

    @cached_property
    def json_value(self) -> Any:
        """What the value's JSON stands for. Raises as `decoded_value`, and `ValueError` for a value that is no JSON."""
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
