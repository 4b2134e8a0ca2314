"""Kinesis Data Streams events: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html."""

from dataclasses import dataclass
from typing import Any

from batchfold.testing.events.identity import ACCOUNT, REGION, SENT_AT_MS, arn, refuse_other_sequence_numbers
from batchfold.testing.events.payload import as_base64

_FIRST_SEQUENCE_NUMBER = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898


@dataclass(frozen=True)
class KinesisData:
    """A record for `kinesis_event`, where its data alone does not say enough.

    `data` is bytes, text, or anything that JSON knows. `sequence_number` is made up from the record's position when it
    is `None`.

    Raises:
        ValueError: `sequence_number` has something else than digits.
    """

    data: object
    partition_key: str = "1"
    sequence_number: str | None = None

    def __post_init__(self) -> None:
        refuse_other_sequence_numbers(self.sequence_number)


def kinesis_sequence_number(position: int) -> str:
    """The sequence number of the record at this position of the shard, counted from 0."""
    return str(_FIRST_SEQUENCE_NUMBER + position)


def kinesis_event(
    *records: object, stream_name: str = "orders", shard_id: str = "shardId-000000000006"
) -> dict[str, Any]:
    """The event of one batch of Kinesis records, all of one shard and in the order of their sequence numbers.

    Each of `records` is a `KinesisData` or data: bytes as they are, text as UTF-8, anything else as JSON.

    >>> kinesis_event("first", KinesisData(b"second", partition_key="b"))["Records"][1]["kinesis"]["data"]
    'c2Vjb25k'
    """
    return {
        "Records": [
            _raw_record(
                record if isinstance(record, KinesisData) else KinesisData(record), position, stream_name, shard_id
            )
            for position, record in enumerate(records)
        ]
    }


def _raw_record(record: KinesisData, position: int, stream_name: str, shard_id: str) -> dict[str, Any]:
    sequence_number = record.sequence_number or kinesis_sequence_number(position)
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record.partition_key,
            "sequenceNumber": sequence_number,
            "data": as_base64(record.data),
            "approximateArrivalTimestamp": SENT_AT_MS / 1_000 + position,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard_id}:{sequence_number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/lambda-role",
        "awsRegion": REGION,
        "eventSourceARN": arn("kinesis", f"stream/{stream_name}"),
    }
