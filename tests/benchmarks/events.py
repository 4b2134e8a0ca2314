"""The events that are measured with, the same for all sides."""

import base64
import json
from typing import Any

from batchfold.testing import KplRecord, kpl_aggregate

BODY = json.dumps({"id": "order-1", "quantity": 3})


def sqs_event(count: int, *, groups: int | None = None) -> dict[str, Any]:
    """Messages of a standard queue, or of a FIFO queue with so many groups."""
    return {"Records": [_sqs_record(number, groups) for number in range(count)]}


def kinesis_event(count: int) -> dict[str, Any]:
    """Records of one shard."""
    data = base64.b64encode(BODY.encode()).decode()
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": f"key-{number % 7}",
                    "sequenceNumber": str(49590338271490256608559692538361571095921575989136588898 + number),
                    "data": data,
                    "approximateArrivalTimestamp": 1545084650.987,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"shardId-000000000006:{number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
                "awsRegion": "us-east-2",
                "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/orders",
            }
            for number in range(count)
        ]
    }


def aggregated_event(count: int) -> dict[str, Any]:
    """One record of a shard, in which the KPL has aggregated so many."""
    (raw,) = kinesis_event(1)["Records"]
    data = kpl_aggregate(*(KplRecord(BODY, f"key-{number % 7}") for number in range(count)))
    return {"Records": [{**raw, "kinesis": {**raw["kinesis"], "data": base64.b64encode(data).decode()}}]}


def dynamodb_event(count: int) -> dict[str, Any]:
    """Changes of one shard of a table's stream."""
    image = {"id": {"S": "order-1"}, "quantity": {"N": "3"}}
    return {
        "Records": [
            {
                "eventID": f"{number:032x}",
                "eventName": "INSERT",
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": "us-east-2",
                "dynamodb": {
                    "ApproximateCreationDateTime": 1545084650.0,
                    "Keys": {"id": {"S": "order-1"}},
                    "NewImage": image,
                    "SequenceNumber": str(111000000000000000000000 + number),
                    "SizeBytes": 26,
                    "StreamViewType": "NEW_IMAGE",
                },
                "eventSourceARN": "arn:aws:dynamodb:us-east-2:123456789012:table/orders/stream/2024",
            }
            for number in range(count)
        ]
    }


def _sqs_record(number: int, groups: int | None) -> dict[str, Any]:
    attributes = {
        "ApproximateReceiveCount": "1",
        "SentTimestamp": "1545082649183",
        "SenderId": "AIDAIENQZJOLO23YVJ4VO",
        "ApproximateFirstReceiveTimestamp": "1545082649185",
    }
    if groups is not None:
        attributes |= {
            "MessageGroupId": f"group-{number % groups}",
            "SequenceNumber": str(18849496460467696128 + number),
            "MessageDeduplicationId": str(number),
        }
    return {
        "messageId": f"059f36b4-87a3-44ab-83d2-{number:012d}",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": BODY,
        "attributes": attributes,
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-2:123456789012:orders{'' if groups is None else '.fifo'}",
        "awsRegion": "us-east-2",
    }
