"""`S3Event`: a notification of S3, as the body of an SQS message holds it."""

from collections.abc import Iterator
from typing import Any

from batchfold.powertools.records.wrapper import DictWrapper
from batchfold.sources.fields import optional_text, text


class S3Identity(DictWrapper):
    """Who did it."""

    @property
    def principal_id(self) -> str:
        """The id of who did it."""
        return text(self, "principalId")


class S3RequestParameters(DictWrapper):
    """What is known of the request."""

    @property
    def source_ip_address(self) -> str:
        """Where the request came from."""
        return text(self, "sourceIPAddress")


class S3Bucket(DictWrapper):
    """The bucket."""

    @property
    def name(self) -> str:
        """The bucket's name."""
        return text(self, "name")

    @property
    def owner_identity(self) -> S3Identity:
        """Whose bucket it is."""
        return S3Identity(self["ownerIdentity"])

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return text(self, "arn")


class S3Object(DictWrapper):
    """The object."""

    @property
    def key(self) -> str:
        """The object's key, quoted as in an address."""
        return text(self, "key")

    @property
    def size(self) -> int:
        """The object's size in bytes."""
        return int(self["size"])

    @property
    def etag(self) -> str:
        """The object's entity tag; empty where there is none, as for deletions."""
        return self.get("eTag") or ""

    @property
    def version_id(self) -> str | None:
        """The object's version, in a bucket that keeps versions."""
        return optional_text(self, "versionId")

    @property
    def sequencer(self) -> str:
        """A hexadecimal number that tells the order of the events of one key."""
        return text(self, "sequencer")


class S3Message(DictWrapper):
    """Bucket and object."""

    @property
    def s3_schema_version(self) -> str:
        """The version of the form of this part."""
        return text(self, "s3SchemaVersion")

    @property
    def configuration_id(self) -> str:
        """The id of the notification's configuration."""
        return text(self, "configurationId")

    @property
    def bucket(self) -> S3Bucket:
        """The bucket."""
        return S3Bucket(self["bucket"])

    @property
    def get_object(self) -> S3Object:
        """The object. Notifications of Intelligent-Tiering have it under another name."""
        return S3Object(self.get("get_object") or self["object"])


class S3EventRecord(DictWrapper):
    """One thing that happened in S3."""

    @property
    def event_version(self) -> str:
        """The version of the form of the record."""
        return text(self, "eventVersion")

    @property
    def event_source(self) -> str:
        """`aws:s3`."""
        return text(self, "eventSource")

    @property
    def aws_region(self) -> str:
        """The bucket's region."""
        return text(self, "awsRegion")

    @property
    def event_time(self) -> str:
        """When it happened, as ISO 8601 text."""
        return text(self, "eventTime")

    @property
    def event_name(self) -> str:
        """What happened."""
        return text(self, "eventName")

    @property
    def user_identity(self) -> S3Identity:
        """Who did it."""
        return S3Identity(self["userIdentity"])

    @property
    def request_parameters(self) -> S3RequestParameters:
        """What is known of the request."""
        return S3RequestParameters(self["requestParameters"])

    @property
    def response_elements(self) -> Any:
        """The ids by which AWS finds the request."""
        return self["responseElements"]

    @property
    def s3(self) -> S3Message:
        """Bucket and object."""
        return S3Message(self["s3"])

    @property
    def glacier_event_data(self) -> DictWrapper | None:
        """What is known of a restored object."""
        item = self.get("glacierEventData")
        return None if item is None else DictWrapper(item)

    @property
    def intelligent_tiering_event_data(self) -> DictWrapper | None:
        """What is known of an object that changed its tier."""
        item = self.get("intelligentTieringEventData")
        return None if item is None else DictWrapper(item)


class S3Event(DictWrapper):
    """A notification of S3."""

    @property
    def records(self) -> Iterator[S3EventRecord]:
        """All that happened."""
        return map(S3EventRecord, self["Records"])

    @property
    def record(self) -> S3EventRecord:
        """The first thing that happened."""
        return next(self.records)

    @property
    def bucket_name(self) -> str:
        """The name of the first bucket."""
        return S3EventRecord(self["Records"][0]).s3.bucket.name

    @property
    def object_key(self) -> str:
        """The key of the first object, unquoted."""
        from urllib.parse import unquote_plus  # noqa: PLC0415  # few need it, and all would pay for it

        return unquote_plus(S3EventRecord(self["Records"][0]).s3.get_object.key)
