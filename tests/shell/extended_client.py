"""AWS's extended client for SQS, which stores large messages in S3, against a simulated AWS."""

from importlib import import_module
from typing import Any

import boto3
import pytest

BUCKET = "large"


def extended_client(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make one that stores in `BUCKET`, which it creates."""
    # to import it replaces boto3's session for the whole process
    monkeypatch.setattr(boto3.session, "Session", boto3.session.Session)
    monkeypatch.setattr(boto3, "Session", boto3.Session)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    session: Any = import_module("sqs_extended_client.client").SQSExtendedClientSession(region_name="eu-west-1")
    session.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    client: Any = session.client("sqs")
    client.large_payload_support = BUCKET
    return client
