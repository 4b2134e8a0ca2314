"""S3 notifications: the message in which a bucket tells a queue, directly or by way of a topic, about its objects.

`sqs(S3Notification)` and `sqs(Sns[S3Notification])` read them. This module imports pydantic.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html describes the fields. The level
`s3` of the message is left out here: `record.object` instead of `record.s3.object`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote_plus

from pydantic import AfterValidator, AliasChoices, AliasPath, AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from batchfold.sources.envelopes import Envelope


class S3Bucket(Envelope):
    """A bucket."""

    name: str
    """The name of the bucket."""
    arn: str | None = None
    """The ARN of the bucket."""
    owner_id: Annotated[str | None, Field(validation_alias=AliasPath("ownerIdentity", "principalId"))] = None
    """The customer id of the owner of the bucket."""


def _decodable(encoded_key: str) -> str:
    try:
        unquote_plus(encoded_key, errors="strict")
    except UnicodeDecodeError:
        pass
    else:
        return encoded_key
    raise PydanticCustomError("object_key", "expected the key to be UTF-8 in URL encoding, found other bytes in it")


class S3Object(Envelope):
    """An object, as it was when the notification was made. Of a removed object, size and entity tag are absent."""

    encoded_key: Annotated[str, AfterValidator(_decodable), Field(alias="key")]
    """The key as S3 sends it: URL-encoded."""
    size: int | None = None
    """The size in bytes."""
    e_tag: Annotated[str | None, Field(alias="eTag")] = None
    """The entity tag."""
    version_id: Annotated[str | None, Field(alias="versionId")] = None
    """The version, where the bucket keeps versions."""
    sequencer: str | None = None
    """Orders the events of one key: hexadecimal numbers, to be compared as text after filling the shorter up with `0`
    on the right."""

    @property
    def key(self) -> str:
        """The key, as other calls of S3 take it."""
        return unquote_plus(self.encoded_key)


class S3NotificationRecord(Envelope):
    """The notification about one object."""

    event_name: Annotated[str, Field(alias="eventName")]
    """The kind of the event, such as `ObjectCreated:Put`, without `s3:` in front."""
    event_time: Annotated[AwareDatetime, Field(alias="eventTime")]
    """The time at which S3 finished the request."""
    event_source: Annotated[Literal["aws:s3"], Field(alias="eventSource")]
    """`aws:s3`."""
    event_version: Annotated[str, Field(alias="eventVersion")]
    """The version of the form of the record, such as `2.1`."""
    aws_region: Annotated[str, Field(alias="awsRegion")]
    """The region of the bucket."""
    bucket: Annotated[S3Bucket, Field(validation_alias=AliasPath("s3", "bucket"))]
    """The bucket."""
    object: Annotated[
        S3Object,
        Field(validation_alias=AliasChoices(AliasPath("s3", "object"), AliasPath("s3", "get_object"))),
    ]
    """The object; events of Intelligent-Tiering have it under another name in the message."""
    configuration_id: Annotated[str | None, Field(validation_alias=AliasPath("s3", "configurationId"))] = None
    """The id of the notification in the configuration of the bucket."""
    principal_id: Annotated[str | None, Field(validation_alias=AliasPath("userIdentity", "principalId"))] = None
    """Who caused the event."""
    source_ip_address: Annotated[
        str | None, Field(validation_alias=AliasPath("requestParameters", "sourceIPAddress"))
    ] = None
    """The address that the request came from, or the name of a service of AWS."""
    request_id: Annotated[str | None, Field(validation_alias=AliasPath("responseElements", "x-amz-request-id"))] = None
    """The id of the request, for AWS's support."""
    host_id: Annotated[str | None, Field(validation_alias=AliasPath("responseElements", "x-amz-id-2"))] = None
    """The id of the host that answered the request, for AWS's support."""
    glacier_event_data: Annotated[Mapping[str, Any] | None, Field(alias="glacierEventData")] = None
    """More on a restored object."""
    lifecycle_event_data: Annotated[Mapping[str, Any] | None, Field(alias="lifecycleEventData")] = None
    """More on a transition to another storage class."""
    intelligent_tiering_event_data: Annotated[Mapping[str, Any] | None, Field(alias="intelligentTieringEventData")] = (
        None
    )
    """More on a move to another access tier."""
    replication_event_data: Annotated[Mapping[str, Any] | None, Field(alias="replicationEventData")] = None
    """More on a replication that failed or took long."""


class S3Notification(Envelope):
    """A notification of a bucket: `records` says what happened to its objects.

    When notifications are set up, S3 sends one test event, in which nothing happened: it has no records, and `is_test`
    is true. So a handler that goes through the records does the right thing with it.

    >>> created = (
    ...     '{"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1",'
    ...     ' "eventTime": "2026-01-01T00:00:00.000Z", "eventName": "ObjectCreated:Put", "s3": {'
    ...     ' "bucket": {"name": "photos"}, "object": {"key": "red+flower.jpg", "size": 1024}}}]}'
    ... )
    >>> [record] = S3Notification.model_validate_json(created).records
    >>> record.bucket.name, record.object.key, record.object.version_id
    ('photos', 'red flower.jpg', None)
    >>> test = S3Notification.model_validate_json(
    ...     '{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "photos"}'
    ... )
    >>> test.is_test, test.records
    (True, ())
    """

    records: Annotated[tuple[S3NotificationRecord, ...], Field(alias="Records")] = ()
    """The notifications, about one object each; empty in the test event, and never otherwise."""
    event: Annotated[Literal["s3:TestEvent"] | None, Field(alias="Event")] = None
    """`s3:TestEvent` in the test event."""
    test_bucket: Annotated[str | None, Field(alias="Bucket")] = None
    """The name of the bucket in the test event."""

    @property
    def is_test(self) -> bool:
        """Return whether this is the test event that S3 sends when notifications are set up."""
        return self.event is not None

    @model_validator(mode="after")
    def _refuse_other_messages(self) -> Self:
        # both fields have defaults: without this, any JSON object would be a notification in which nothing happened
        if self.records or self.is_test:
            return self
        raise PydanticCustomError(
            "s3_notification",
            "expected a notification of S3, with 'Records' or the 'Event' s3:TestEvent, found neither",
        )
