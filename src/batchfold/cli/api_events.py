"""Raw records of what the APIs of SQS, Kinesis and DynamoDB Streams return: the form that Lambda gives them in an event.

What boto3 returns differs from Lambda's events in names, in times (`datetime`, not seconds) and in bytes (not base64).
https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html, https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
and https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html show the events.
"""

import base64
from collections.abc import Mapping
from typing import Any, cast

_ROLE = "lambda-role"
"""The role of the function, of which a Kinesis record tells and which nobody has given this one."""


def sqs_raw(message: Mapping[str, Any], queue_arn: str, region: str) -> dict[str, Any]:
    """Return the raw record of a message as `ReceiveMessage` returns it.

    >>> sqs_raw({"MessageId": "1", "ReceiptHandle": "h", "Body": "b", "MD5OfBody": "9"}, "arn:q", "eu-west-1")["body"]
    'b'
    """
    raw: dict[str, Any] = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message.get("Body", ""),
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {
            name: _message_attribute(value) for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message.get("MD5OfBody", ""),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }
    if "MD5OfMessageAttributes" in message:
        raw["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return raw


def kinesis_raw(record: Mapping[str, Any], shard_id: str, stream_arn: str, region: str) -> dict[str, Any]:
    """Return the raw record of a record as Kinesis' `GetRecords` returns it."""
    _, partition, _, _, account, *_ = stream_arn.split(":")
    part = {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": record["PartitionKey"],
        "sequenceNumber": record["SequenceNumber"],
        "data": _base64(record["Data"]),
    }
    if "ApproximateArrivalTimestamp" in record:
        part["approximateArrivalTimestamp"] = record["ApproximateArrivalTimestamp"].timestamp()
    if "EncryptionType" in record:
        part["encryptionType"] = record["EncryptionType"]
    return {
        "kinesis": part,
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard_id}:{record['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:{partition}:iam::{account}:role/{_ROLE}",
        "awsRegion": region,
        "eventSourceARN": stream_arn,
    }


def dynamodb_raw(record: Mapping[str, Any], stream_arn: str, region: str) -> dict[str, Any]:
    """Return the raw record of a change as `GetRecords` of DynamoDB Streams returns it."""
    change: dict[str, Any] = dict(record["dynamodb"])
    if "ApproximateCreationDateTime" in change:
        change["ApproximateCreationDateTime"] = change["ApproximateCreationDateTime"].timestamp()
    for image in ("Keys", "NewImage", "OldImage"):
        if image in change:
            change[image] = _in_base64(change[image])
    raw: dict[str, Any] = {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventVersion": record["eventVersion"],
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": change,
        "eventSourceARN": stream_arn,
    }
    if identity := record.get("userIdentity"):
        # the API writes these names with capitals, Lambda without
        raw["userIdentity"] = {name[:1].lower() + name[1:]: value for name, value in identity.items()}
    return raw


def _message_attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = {}
    if "StringValue" in value:
        own["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        own["binaryValue"] = _base64(value["BinaryValue"])
    return {**own, "stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}


def _in_base64(value: object) -> Any:
    """Return attribute values with their bytes in base64, as JSON has them."""
    if isinstance(value, bytes):
        return _base64(value)
    if isinstance(value, dict):
        return {name: _in_base64(member) for name, member in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_in_base64(member) for member in cast("list[object]", value)]
    return value


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
