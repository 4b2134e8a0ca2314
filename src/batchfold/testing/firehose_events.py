"""Events of Amazon Data Firehose, which a delivery stream sends to the function that transforms its records.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesisfirehose.html shows the event of a delivery stream, and
https://github.com/aws/aws-lambda-java-libs (`MSKFirehoseEvent`) that of one which reads from Amazon MSK.
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from batchfold.testing.event_parts import (
    REGION,
    Moment,
    arn,
    as_base64,
    deterministic_id,
    in_ms,
    moment_at,
    refuse_other_moments,
)
from batchfold.testing.refuse import refuse_other_words
from batchfold.testing.stream_events import kinesis_sequence_number

FirehoseOrigin: TypeAlias = Literal["put", "kinesis", "msk"]
"""Where a delivery stream has its records from: producers that put them, a Kinesis stream, or a topic of Amazon MSK."""


@dataclass(frozen=True)
class FirehoseData:
    """A record for `firehose_event`, where its data alone do not say enough.

    `data` is bytes, text, or anything that JSON knows. `record_id` and `approximate_arrival_time` follow from the record's
    position where they are `None`. `partition_key` is told only by a delivery stream that reads from a Kinesis stream.

    Raises:
        TypeError: `approximate_arrival_time` is neither a `datetime` nor `"absent"`.
        ValueError: A time has no zone.
    """

    data: object
    record_id: str | None = None
    approximate_arrival_time: Moment = None
    partition_key: str = "1"

    def __post_init__(self) -> None:
        refuse_other_moments("approximate_arrival_time", self.approximate_arrival_time, may_be_absent=True)


def firehose_event(
    *records: object,
    origin: FirehoseOrigin = "put",
    stream_name: str = "orders",
    region: str = REGION,
) -> dict[str, Any]:
    """Build the event of one batch of a delivery stream.

    Each of `records` is a `FirehoseData` or data: bytes as they are, text as UTF-8, anything else as JSON. `origin` says
    where the delivery stream has its records from; the events differ.

    >>> event = firehose_event("first", FirehoseData({"id": 7}, record_id="r7"))
    >>> [(raw["recordId"][-3:], raw["data"]) for raw in event["records"]]
    [('000', 'Zmlyc3Q='), ('r7', 'eyJpZCI6IDd9')]
    """
    refuse_other_words("origin", origin, get_args(FirehoseOrigin))
    event: dict[str, Any] = {
        "invocationId": deterministic_id("firehose", len(records)),
        "deliveryStreamArn": arn("firehose", f"deliverystream/{stream_name}", region),
        "region": region,
    }
    if origin == "kinesis":
        event["sourceKinesisStreamArn"] = arn("kinesis", f"stream/{stream_name}", region)
    if origin == "msk":
        event["sourceMSKArn"] = arn("kafka", f"cluster/{stream_name}/3f1a2b4c-0d5e-4f60-8a7b-9c0d1e2f3a4b-4", region)
    raws = [
        _raw_record(given if isinstance(given, FirehoseData) else FirehoseData(given), position, origin)
        for position, given in enumerate(records)
    ]
    return {**event, "records": raws}


def firehose_record_id(position: int) -> str:
    """Return the record id of the record at this position of the event, counted from 0."""
    return f"{kinesis_sequence_number(0)}{position:06}000000"


def _raw_record(record: FirehoseData, position: int, origin: FirehoseOrigin) -> dict[str, Any]:
    arrived_at = record.approximate_arrival_time or moment_at(position)
    arrival: dict[str, Any] = {} if arrived_at == "absent" else {"approximateArrivalTimestamp": in_ms(arrived_at)}
    raw: dict[str, Any] = {"recordId": record.record_id or firehose_record_id(position), **arrival}
    payload = as_base64(record.data)
    if origin == "msk":
        metadata = {"offset": str(position), "partitionId": "0", **arrival}
        return {**raw, "mskRecordMetadata": metadata, "kafkaRecordValue": payload}
    raw["data"] = payload
    if origin == "kinesis":
        raw["kinesisRecordMetadata"] = {
            "sequenceNumber": kinesis_sequence_number(position),
            "subsequenceNumber": 0,
            "partitionKey": record.partition_key,
            "shardId": "shardId-000000000000",
            **arrival,
        }
    return raw
