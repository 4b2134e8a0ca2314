"""Payloads that services of AWS send: notifications of S3, lines of CloudWatch Logs, changes of a table in Kinesis.

Give them to `sqs_event` or `kinesis_event`. https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html and
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/kds.html describe them.
"""

import gzip
import json
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from batchfold.testing.change_events import DynamoDBChange, Item, dynamodb_event
from batchfold.testing.event_parts import (
    ACCOUNT,
    REGION,
    as_text,
    deterministic_id,
    in_ms,
    iso,
    moment_at,
    refuse_other_moments,
)
from batchfold.testing.refuse import refuse_other_kinds


def s3_notification(
    *keys: str,
    bucket: str = "uploads",
    event_name: str = "ObjectCreated:Put",
    size: int | None = 1024,
    version_id: str | None = None,
    event_time: datetime | None = None,
    region: str = REGION,
) -> dict[str, Any]:
    """Build the body of a notification of S3, with a record for each of `keys`.

    A key is given as it is, and URL-encoded in the notification. `size=None` leaves out size and entity tag, as it is
    for removed objects.

    >>> [record] = s3_notification("red flower.jpg")["Records"]
    >>> record["s3"]["object"]["key"]
    'red+flower.jpg'
    """
    refuse_other_moments("event_time", event_time)
    for position, key in enumerate(keys):
        refuse_other_kinds(f"keys[{position}]", key, str, "the key of an object, text")
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": region,
                "eventTime": iso(event_time or moment_at(position)),
                "eventName": event_name,
                "userIdentity": {"principalId": "AWS:AIDAEXAMPLE"},
                "requestParameters": {"sourceIPAddress": "192.0.2.1"},
                "responseElements": {
                    "x-amz-request-id": "C3D13FE58DE4C810",
                    "x-amz-id-2": "FMyUVURIY8IgAtTv8xRjskZQpcIZ9KG4",
                },
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": "uploads",
                    "bucket": {
                        "name": bucket,
                        "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                        "arn": f"arn:aws:s3:::{bucket}",
                    },
                    "object": _s3_object(key, position, size, version_id),
                },
            }
            for position, key in enumerate(keys)
        ]
    }


def _s3_object(key: str, position: int, size: int | None, version_id: str | None) -> dict[str, Any]:
    content = {} if size is None else {"size": size, "eTag": deterministic_id(f"s3/{key}", position).replace("-", "")}
    version = {} if version_id is None else {"versionId": version_id}
    return {"key": quote_plus(key, safe="/"), **content, **version, "sequencer": f"0055AED6DCD90281{position:02X}"}


def s3_test_event(bucket: str = "uploads") -> dict[str, Any]:
    """Build the body of the test event that S3 sends when notifications are set up.

    >>> s3_test_event()["Event"]
    's3:TestEvent'
    """
    return {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": iso(moment_at(0)),
        "Bucket": bucket,
        "RequestId": "5582815E1AEA5ADF",
        "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR",
    }


def cloudwatch_logs(
    *messages: object,
    log_group: str = "/aws/lambda/orders",
    log_stream: str = "2026/01/01/[$LATEST]0a1b2c3d",
    subscription_filter: str = "to-kinesis",
    control: bool = False,
) -> bytes:
    """Build the data of a record that a subscription filter of CloudWatch Logs sends to Kinesis: lines, compressed by gzip.

    Each of `messages` is a line: text as it is, anything else as JSON. With `control=True` it is the control message that
    checks whether the stream is there, and takes no lines.

    >>> json.loads(gzip.decompress(cloudwatch_logs("START")))["logEvents"][0]["message"]
    'START'
    """
    if control and messages:
        raise ValueError("A control message has no lines of yours: leave them out.")
    lines = ("CWL CONTROL MESSAGE: Checking health of destination Kinesis stream.",) if control else messages
    logs = {
        "messageType": "CONTROL_MESSAGE" if control else "DATA_MESSAGE",
        "owner": "CloudwatchLogs" if control else ACCOUNT,
        "logGroup": "" if control else log_group,
        "logStream": "" if control else log_stream,
        "subscriptionFilters": [] if control else [subscription_filter],
        "logEvents": [
            {
                "id": ""
                if control
                else f"{31_953_106_606_966_983_378_809_025_079_804_211_143_289_615_424_298_221_568 + position}",
                "timestamp": in_ms(moment_at(position)),
                "message": as_text(line),
            }
            for position, line in enumerate(lines)
        ],
    }
    return gzip.compress(json.dumps(logs).encode(), mtime=0)


def table_change(
    change: DynamoDBChange | Item, *, table_name: str = "orders", key: str = "id", microseconds: bool = False
) -> dict[str, Any]:
    """Build the change that a DynamoDB table sends to a Kinesis data stream.

    `change` is a `DynamoDBChange`, or the new image of an item that was inserted, whose attribute named by `key` is its
    key. With `microseconds=True` the table is set to that precision. One that comes from a DynamoDB stream is made by
    `dynamodb_event`.

    >>> table_change({"id": "a"})["dynamodb"]["NewImage"]
    {'id': {'S': 'a'}}
    """
    [raw] = dynamodb_event(change, table_name=table_name, key=key)["Records"]
    forwarded = {"SequenceNumber", "StreamViewType"}
    part = {name: value for name, value in raw["dynamodb"].items() if name not in forwarded}
    if "ApproximateCreationDateTime" in part:
        part["ApproximateCreationDateTime"] = round(
            part["ApproximateCreationDateTime"] * (1_000_000 if microseconds else 1_000)
        )
        if microseconds:
            part["ApproximateCreationDateTimePrecision"] = "MICROSECOND"
    return {
        "awsRegion": raw["awsRegion"],
        "eventID": raw["eventID"],
        "eventName": raw["eventName"],
        "userIdentity": raw.get("userIdentity"),
        "recordFormat": "application/json",
        "tableName": table_name,
        "dynamodb": part,
        "eventSource": "aws:dynamodb",
    }
