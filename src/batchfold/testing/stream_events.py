"""Events of Kinesis and of Kafka.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html shows the event of a stream,
https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html and https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html
those of Amazon MSK and of self-managed clusters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from batchfold.testing.event_parts import (
    ACCOUNT,
    REGION,
    Moment,
    arn,
    as_base64,
    in_ms,
    in_seconds,
    moment_at,
    refuse_other_moments,
    refuse_other_sequence_numbers,
)
from batchfold.testing.refuse import refuse_other_kinds, refuse_other_numbers

_FIRST_SEQUENCE_NUMBER = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898

_BROKERS = (
    "b-1.orders.a1bcde.c1.kafka.eu-west-1.amazonaws.com:9092,b-2.orders.a1bcde.c1.kafka.eu-west-1.amazonaws.com:9092"
)


@dataclass(frozen=True)
class KinesisData:
    """A record for `kinesis_event`, where its data alone does not say enough.

    `data` is bytes, text, or anything that JSON knows. `sequence_number` and `approximate_arrival_time` follow from the
    record's position where they are `None`.

    Raises:
        TypeError: `approximate_arrival_time` is neither a `datetime` nor `"absent"`.
        ValueError: `sequence_number` has something else than digits, or a time has no zone.
    """

    data: object
    partition_key: str = "1"
    sequence_number: str | None = None
    approximate_arrival_time: Moment = None
    encryption_type: str | None = None

    def __post_init__(self) -> None:
        refuse_other_sequence_numbers(self.sequence_number)
        refuse_other_moments("approximate_arrival_time", self.approximate_arrival_time, may_be_absent=True)


def kinesis_sequence_number(position: int) -> str:
    """Return the sequence number of the record at this position of the shard, counted from 0."""
    return str(_FIRST_SEQUENCE_NUMBER + position)


def kinesis_event(
    *records: object,
    stream_name: str = "orders",
    shard_id: str = "shardId-000000000006",
    consumer_name: str | None = None,
    role_name: str = "lambda-role",
    region: str = REGION,
    with_nulls: bool = False,
) -> dict[str, Any]:
    """Build the event of one batch of Kinesis records, all of one shard and in the order of their sequence numbers.

    Each of `records` is a `KinesisData` or data: bytes as they are, text as UTF-8, anything else as JSON. With
    `consumer_name`, they come through a consumer with enhanced fan-out. With `with_nulls=True`, fields that may be absent
    are null instead.

    >>> kinesis_event("first", KinesisData(b"second", partition_key="b"))["Records"][1]["kinesis"]["data"]
    'c2Vjb25k'
    """
    consumer = "" if consumer_name is None else f"/consumer/{consumer_name}:1700000000"
    of_stream = {
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/{role_name}",
        "awsRegion": region,
        "eventSourceARN": arn("kinesis", f"stream/{stream_name}{consumer}", region),
    }
    raws: list[dict[str, Any]] = []
    for position, given in enumerate(records):
        record = given if isinstance(given, KinesisData) else KinesisData(given)
        part = _kinesis_part(record, position, with_nulls=with_nulls)
        raws.append({"kinesis": part, "eventID": f"{shard_id}:{part['sequenceNumber']}", **of_stream})
    return {"Records": raws}


def _kinesis_part(record: KinesisData, position: int, *, with_nulls: bool) -> dict[str, Any]:
    arrived_at = record.approximate_arrival_time or moment_at(position)
    part: dict[str, Any] = {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": record.partition_key,
        "sequenceNumber": record.sequence_number or kinesis_sequence_number(position),
        "data": as_base64(record.data),
    }
    if arrived_at != "absent":
        part["approximateArrivalTimestamp"] = in_seconds(arrived_at)
    if record.encryption_type is not None or with_nulls:
        part["encryptionType"] = record.encryption_type
    return part


HeaderValue: TypeAlias = bytes | Sequence[bytes | None] | None
"""The value of a header, `None` for null; several values, where its name comes several times."""


@dataclass(frozen=True)
class KafkaMessage:
    """A record for `kafka_event`, where its value alone does not say enough.

    `value` and `key` are bytes, text, or anything that JSON knows; `None` leaves them out, which for a value is a
    tombstone. `headers` maps names to bytes, to `None` (null), or to a list of them. `offset` counts up within the partition where it is
    `None`, `timestamp` with the position; `"absent"` is no timestamp, which Kafka writes as -1. `value_schema` and
    `key_schema` are what a schema registry says, such as `{"dataFormat": "AVRO", "schemaId": "7"}`.

    Raises:
        TypeError: `headers` are of another form, or `timestamp` is neither a `datetime` nor `"absent"`.
        ValueError: `partition` or `offset` is negative, or `timestamp` has no zone.
    """

    value: object
    key: object = None
    topic: str = "orders"
    partition: int = 0
    offset: int | None = None
    headers: Mapping[str, HeaderValue] = field(default_factory=dict[str, HeaderValue])
    timestamp: Moment = None
    timestamp_type: str = "CREATE_TIME"
    value_schema: Mapping[str, str] | None = None
    key_schema: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        refuse_other_kinds("headers", self.headers, Mapping, 'a mapping from names to bytes, such as {"trace": b"1"}')
        for name, value in _pairs(self.headers):
            kinds = (bytes, bytearray, type(None))
            refuse_other_kinds(f"headers[{name!r}]", value, kinds, "bytes, such as text.encode() makes")
        refuse_other_numbers("partition", self.partition, 0)
        if self.offset is not None:
            refuse_other_numbers("offset", self.offset, 0)
        refuse_other_moments("timestamp", self.timestamp, may_be_absent=True)


def kafka_event(
    *messages: object,
    self_managed: bool = False,
    cluster: str = "orders",
    region: str = REGION,
    with_nulls: bool = False,
) -> dict[str, Any]:
    """Build the event of one batch of Kafka records, listed under `"<topic>-<partition>"` in the order given.

    Each of `messages` is a `KafkaMessage` or a value: bytes as they are, text as UTF-8, anything else as JSON. With
    `with_nulls=True`, fields that may be absent are null instead.

    >>> event = kafka_event("first", KafkaMessage("second", partition=1), "third")
    >>> {listed: [raw["offset"] for raw in raws] for listed, raws in event["records"].items()}
    {'orders-0': [0, 1], 'orders-1': [0]}
    """
    records: dict[str, list[dict[str, Any]]] = {}
    for position, given in enumerate(messages):
        message = given if isinstance(given, KafkaMessage) else KafkaMessage(given)
        listed = records.setdefault(f"{message.topic}-{message.partition}", [])
        following = listed[-1]["offset"] + 1 if listed else 0
        listed.append(_raw_kafka_record(message, following, position, with_nulls=with_nulls))
    origin = (
        {"eventSource": "SelfManagedKafka"}
        if self_managed
        else {"eventSource": "aws:kafka", "eventSourceArn": msk_cluster_arn(cluster, region)}
    )
    return {**origin, "bootstrapServers": _BROKERS, "records": records}


def msk_cluster_arn(cluster: str, region: str) -> str:
    """Return the ARN of a cluster of Amazon MSK."""
    return arn("kafka", f"cluster/{cluster}/3f1a2b4c-0d5e-4f60-8a7b-9c0d1e2f3a4b-4", region)


def _raw_kafka_record(message: KafkaMessage, following: int, position: int, *, with_nulls: bool) -> dict[str, Any]:
    made_at = message.timestamp or moment_at(position)
    raw: dict[str, Any] = {
        "topic": message.topic,
        "partition": message.partition,
        "offset": following if message.offset is None else message.offset,
        "timestamp": -1 if made_at == "absent" else in_ms(made_at),
        "timestampType": message.timestamp_type,
    }
    optional = {
        "key": None if message.key is None else as_base64(message.key),
        "value": None if message.value is None else as_base64(message.value),
        "valueSchemaMetadata": message.value_schema,
        "keySchemaMetadata": message.key_schema,
    }
    raw |= {name: value for name, value in optional.items() if value is not None or with_nulls}
    raw["headers"] = [{name: None if value is None else _signed(value)} for name, value in _pairs(message.headers)]
    return raw


def _pairs(headers: Mapping[str, HeaderValue]) -> list[tuple[str, bytes | None]]:
    pairs: list[tuple[str, bytes | None]] = []
    for name, given in headers.items():
        values = given if isinstance(given, list | tuple) else [cast("bytes | None", given)]
        pairs += [(name, value) for value in values]
    return pairs


def _signed(value: bytes) -> list[int]:
    """Return the bytes of a header as Java has them, from -128 to 127: that is how they arrive."""
    return [byte - 256 if byte > 127 else byte for byte in value]  # noqa: PLR2004  # the largest signed byte
