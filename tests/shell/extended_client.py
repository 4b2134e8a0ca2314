"""AWS's extended client for SQS, which stores large messages in S3, against a simulated AWS."""

from importlib import import_module
from typing import Any

import boto3
import pytest

BUCKET = "large"

with pytest.MonkeyPatch.context() as patch:  # to import it replaces boto3's session, for everybody
    patch.setattr(boto3.session, "Session", boto3.session.Session)
    patch.setattr(boto3, "Session", boto3.Session)
    patch.setattr(boto3, "DEFAULT_SESSION", None)
    _module: Any = import_module("sqs_extended_client.client")


def extended_client() -> Any:
    """Make one that stores in `BUCKET`, which it creates."""
    session = _module.SQSExtendedClientSession(region_name="eu-west-1")
    session.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    client: Any = session.client("sqs")
    client.large_payload_support = BUCKET
    return client
