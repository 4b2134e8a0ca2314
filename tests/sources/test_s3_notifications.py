"""Notifications of S3: every field that AWS documents, and the test event."""

import json
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, assert_type

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from returns.result import Success

from batchfold import EventBridge, Malformed, S3Notification, Sns, Source, SqsRecord, fold_batch, sqs
from batchfold.testing import eventbridge_envelope, s3_notification, s3_test_event, sns_envelope, sqs_event

# its types are more than the strict checkers can follow, and only what it reads matters here
powertools: Any = import_module("aws_lambda_powertools.utilities.parser.models")
data_classes: Any = import_module("aws_lambda_powertools.utilities.data_classes")

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def parsed(body: object) -> S3Notification:
    return sqs(S3Notification).parse({"messageId": "m-1", "body": json.dumps(body)}).body


def test_a_source_of_notifications_has_their_type() -> None:
    assert_type(sqs(S3Notification), Source[SqsRecord[S3Notification], SqsRecord])
    assert_type(sqs(Sns[S3Notification]), Source[SqsRecord[Sns[S3Notification]], SqsRecord])
    assert_type(parsed(s3_notification("a")).records[0].object.version_id, str | None)


@given(st.lists(KEYS, min_size=1), st.none() | st.integers(0))
def test_each_record_has_its_object_with_the_key_decoded(keys: list[str], size: int | None) -> None:
    notification = parsed(s3_notification(*keys, bucket="photos", size=size))
    assert [record.object.key for record in notification.records] == keys
    assert {record.bucket.name for record in notification.records} == {"photos"}
    assert {record.object.size for record in notification.records} == {size}
    assert not notification.is_test


@given(st.lists(KEYS, min_size=1))
def test_powertools_reads_the_same_of_every_notification(keys: list[str]) -> None:
    body = s3_notification(*keys, version_id="v1")
    for ours, theirs in zip(parsed(body).records, data_classes.S3Event(body).records, strict=True):
        assert ours.object.encoded_key == theirs.s3.get_object.key
        assert ours.object.e_tag == theirs.s3.get_object.etag
        assert (ours.object.size, ours.object.version_id) == (
            theirs.s3.get_object.size,
            theirs.s3.get_object.version_id,
        )
        assert ours.bucket.name == theirs.s3.bucket.name
        assert ours.event_time == datetime.fromisoformat(theirs.event_time)
    assert parsed(body).records[0].object.key == data_classes.S3Event(body).object_key
    [message] = powertools.S3SqsEventNotificationModel.model_validate(sqs_event(body)).Records
    assert [record.s3.object.key for record in message.body.Records] == [
        record.object.encoded_key for record in parsed(body).records
    ]


FULL = {
    "eventVersion": "2.3",
    "eventSource": "aws:s3",
    "awsRegion": "us-west-2",
    "eventTime": "1970-01-01T00:00:00.000Z",
    "eventName": "ObjectRestore:Completed",
    "userIdentity": {"principalId": "AIDAJDPLRKLG7UEXAMPLE"},
    "requestParameters": {"sourceIPAddress": "127.0.0.1"},
    "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8"},
    "s3": {
        "s3SchemaVersion": "1.0",
        "configurationId": "testConfigRule",
        "bucket": {
            "name": "amzn-s3-demo-bucket",
            "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
            "arn": "arn:aws:s3:::amzn-s3-demo-bucket",
        },
        "object": {
            "key": "Happy%20Face+%28%C3%A4%29.jpg",
            "size": 1024,
            "eTag": "d41d8cd98f00b204e9800998ecf8427e",
            "versionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
            "sequencer": "0055AED6DCD90281E5",
        },
    },
    "glacierEventData": {"restoreEventData": {"lifecycleRestoreStorageClass": "GLACIER"}},
    "lifecycleEventData": {"transitionEventData": {"destinationStorageClass": "GLACIER"}},
    "intelligentTieringEventData": {"destinationAccessTier": "ARCHIVE_ACCESS"},
    "replicationEventData": {"destinationBucket": "arn:aws:s3:::other"},
}


def test_a_record_has_every_field() -> None:
    [record] = parsed({"Records": [FULL]}).records
    assert record.event_version == "2.3"
    assert record.event_source == "aws:s3"
    assert record.aws_region == "us-west-2"
    assert record.event_time == datetime(1970, 1, 1, tzinfo=UTC)
    assert record.event_name == "ObjectRestore:Completed"
    assert record.principal_id == "AIDAJDPLRKLG7UEXAMPLE"
    assert record.source_ip_address == "127.0.0.1"
    assert (record.request_id, record.host_id) == ("C3D13FE58DE4C810", "FMyUVURIY8")
    assert record.configuration_id == "testConfigRule"
    assert record.bucket.name == "amzn-s3-demo-bucket"
    assert record.bucket.owner_id == "A3NL1KOZZKExample"
    assert record.bucket.arn == "arn:aws:s3:::amzn-s3-demo-bucket"
    assert record.object.key == "Happy Face (ä).jpg"
    assert record.object.encoded_key == "Happy%20Face+%28%C3%A4%29.jpg"
    assert record.object.size == 1024
    assert record.object.e_tag == "d41d8cd98f00b204e9800998ecf8427e"
    assert record.object.version_id == "096fKKXTRTtl3on89fVO.nfljtsv6qko"
    assert record.object.sequencer == "0055AED6DCD90281E5"
    assert record.glacier_event_data == {"restoreEventData": {"lifecycleRestoreStorageClass": "GLACIER"}}
    assert record.lifecycle_event_data == {"transitionEventData": {"destinationStorageClass": "GLACIER"}}
    assert record.intelligent_tiering_event_data == {"destinationAccessTier": "ARCHIVE_ACCESS"}
    assert record.replication_event_data == {"destinationBucket": "arn:aws:s3:::other"}


SHORTEST = {
    "eventVersion": "2.1",
    "eventSource": "aws:s3",
    "awsRegion": "us-west-2",
    "eventTime": "1970-01-01T00:00:00.000Z",
    "eventName": "ObjectRemoved:Delete",
    "s3": {"bucket": {"name": "b"}, "object": {"key": "k"}},
}
NULLS = {
    **dict.fromkeys(
        ("userIdentity", "requestParameters", "responseElements", "glacierEventData", "replicationEventData")
    ),
    "s3": {"bucket": {"name": "b", "arn": None}, "object": {"key": "k", "size": None, "eTag": None, "versionId": None}},
}


@pytest.mark.parametrize("lacking", [SHORTEST, {**SHORTEST, **NULLS}])
def test_what_is_optional_may_be_absent_or_null(lacking: dict[str, Any]) -> None:
    [record] = parsed({"Records": [lacking]}).records
    assert (record.principal_id, record.source_ip_address, record.request_id, record.host_id) == (
        None,
        None,
        None,
        None,
    )
    assert (record.object.size, record.object.e_tag, record.object.version_id, record.object.sequencer) == (None,) * 4
    assert (record.bucket.arn, record.bucket.owner_id, record.configuration_id) == (None, None, None)
    assert (record.glacier_event_data, record.lifecycle_event_data) == (None, None)
    assert (record.intelligent_tiering_event_data, record.replication_event_data) == (None, None)


def test_intelligent_tiering_has_the_object_under_another_name() -> None:
    s3 = {"bucket": {"name": "b"}, "get_object": {"key": "my+object"}}
    assert parsed({"Records": [{**FULL, "s3": s3}]}).records[0].object.key == "my object"


def test_the_test_event_has_no_records() -> None:
    notification = parsed(s3_test_event("photos"))
    assert (notification.is_test, notification.records, notification.test_bucket) == (True, (), "photos")


def test_a_notification_may_come_by_way_of_a_topic() -> None:
    source = sqs(Sns[S3Notification])
    event = sqs_event(sns_envelope(s3_notification("red flower.jpg")), sns_envelope(s3_test_event()))
    first, second = (source.parse(raw).body.message for raw in event["Records"])
    assert (first.records[0].object.key, second.is_test) == ("red flower.jpg", True)


def test_an_event_of_eventbridge_may_hold_one() -> None:
    body = json.dumps(eventbridge_envelope(s3_notification("a")))
    assert sqs(EventBridge[S3Notification]).parse({"body": body}).body.detail.records[0].object.key == "a"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"Records": []},
        {"Records": None},
        {"id": "s3cr3t"},
        {"Event": "s3:s3cr3t"},
        {"Records": [{"eventSource": "aws:sqs", "body": "s3cr3t"}]},
        {"Records": [{**FULL, "s3": {"bucket": {"name": "b"}}}]},
        {"Records": [{**FULL, "s3": {"bucket": {"name": "b"}, "object": {"key": "s3cr3t%FF"}}}]},
        {"Records": [{**FULL, "s3cr3t": 1, "eventTime": "s3cr3t"}]},
        ["s3cr3t"],
        None,
    ],
)
def test_another_message_is_malformed_and_not_quoted(body: object) -> None:
    [outcome] = fold_batch(sqs_event(json.dumps(body)), Success, sqs(S3Notification)).failed
    assert isinstance(outcome.fault, Malformed)
    assert "s3cr3t" not in str(outcome.fault.error)


def test_a_notification_is_a_value_that_comes_back_out_of_its_own_fields() -> None:
    notification = parsed({"Records": [FULL]})
    assert S3Notification.model_validate(notification.model_dump()) == notification
    with pytest.raises(ValidationError, match="frozen"):
        setattr(notification, "records", ())  # noqa: B010  # the checkers refuse the plain assignment
