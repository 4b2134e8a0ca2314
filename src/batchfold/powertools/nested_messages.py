"""Messages that travel in the body of an SQS message: `SNSMessage`, and `S3Event` with its parts."""

from collections.abc import Iterator
from typing import Any

from batchfold.powertools.record_view import DictWrapper


class SNSMessageAttribute(DictWrapper):
    """An attribute that the publisher gave the message."""

    @property
    def get_type(self) -> str:
        """`String`, `String.Array`, `Number` or `Binary`."""
        return self._text("Type")

    @property
    def value(self) -> str:
        """The value."""
        return self._text("Value")


class SNSMessage(DictWrapper):
    """A message of SNS. batchfold's own is `Sns[...]`, an envelope: `sqs(Sns[Order])`."""

    @property
    def signature_version(self) -> str:
        """The version of the signature."""
        return self._text("SignatureVersion")

    @property
    def timestamp(self) -> str:
        """When the message was published."""
        return self._text("Timestamp")

    @property
    def signature(self) -> str:
        """The signature, in base64."""
        return self._text("Signature")

    @property
    def signing_cert_url(self) -> str:
        """The certificate's address. SNS itself spells the field `SigningCertURL`, which raises `KeyError` here."""
        return self._text("SigningCertUrl")

    @property
    def message_id(self) -> str:
        """The id of the message."""
        return self._text("MessageId")

    @property
    def message(self) -> str:
        """The message, text."""
        return self._text("Message")

    @property
    def message_attributes(self) -> dict[str, Any]:
        """The publisher's attributes by name."""
        return {name: SNSMessageAttribute(item) for name, item in self["MessageAttributes"].items()}

    @property
    def get_type(self) -> str:
        """`Notification` for one."""
        return self._text("Type")

    @property
    def unsubscribe_url(self) -> str:
        """The address to unsubscribe at. SNS itself spells the field `UnsubscribeURL`, which raises `KeyError` here."""
        return self._text("UnsubscribeUrl")

    @property
    def topic_arn(self) -> str:
        """The topic's ARN."""
        return self._text("TopicArn")

    @property
    def subject(self) -> str:
        """The subject."""
        return self._text("Subject")


class S3Identity(DictWrapper):
    """A user or a service."""

    @property
    def principal_id(self) -> str:
        """The id of the user or the service."""
        return self._text("principalId")


class S3RequestParameters(DictWrapper):
    """The origin of a request."""

    @property
    def source_ip_address(self) -> str:
        """The IP address that the request came from."""
        return self._text("sourceIPAddress")


class S3Bucket(DictWrapper):
    """The bucket."""

    @property
    def name(self) -> str:
        """The bucket's name."""
        return self._text("name")

    @property
    def owner_identity(self) -> S3Identity:
        """The bucket's owner."""
        return S3Identity(self["ownerIdentity"])

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return self._text("arn")


class S3Object(DictWrapper):
    """The object."""

    @property
    def key(self) -> str:
        """The object's key, quoted as in an address."""
        return self._text("key")

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
        return self._optional_text("versionId")

    @property
    def sequencer(self) -> str:
        """A hexadecimal number that tells the order of the events of one key."""
        return self._text("sequencer")


class S3Message(DictWrapper):
    """Bucket and object."""

    @property
    def s3_schema_version(self) -> str:
        """The version of the form of this part."""
        return self._text("s3SchemaVersion")

    @property
    def configuration_id(self) -> str:
        """The id of the notification's configuration."""
        return self._text("configurationId")

    @property
    def bucket(self) -> S3Bucket:
        """The bucket."""
        return S3Bucket(self["bucket"])

    @property
    def get_object(self) -> S3Object:
        """The object. Notifications of Intelligent-Tiering have it under another name."""
        return S3Object(self.get("get_object") or self["object"])


class S3EventRecordGlacierRestoreEventData(DictWrapper):
    """The restored copy of an object."""

    @property
    def lifecycle_restoration_expiry_time(self) -> str:
        """When the copy expires, as ISO 8601 text."""
        return self._text("lifecycleRestorationExpiryTime")

    @property
    def lifecycle_restore_storage_class(self) -> str:
        """The storage class that the object was restored from."""
        return self._text("lifecycleRestoreStorageClass")


class S3EventRecordGlacierEventData(DictWrapper):
    """A restore from Glacier."""

    @property
    def restore_event_data(self) -> S3EventRecordGlacierRestoreEventData:
        """The restored copy."""
        return S3EventRecordGlacierRestoreEventData(self["restoreEventData"])


class S3EventRecordIntelligentTieringEventData(DictWrapper):
    """A change of tier."""

    @property
    def destination_access_tier(self) -> str:
        """The new tier."""
        return self._text("destinationAccessTier")


class S3EventRecord(DictWrapper):
    """One thing that happened in S3."""

    @property
    def event_version(self) -> str:
        """The version of the form of the record."""
        return self._text("eventVersion")

    @property
    def event_source(self) -> str:
        """`aws:s3`."""
        return self._text("eventSource")

    @property
    def aws_region(self) -> str:
        """The bucket's region."""
        return self._text("awsRegion")

    @property
    def event_time(self) -> str:
        """When it happened, as ISO 8601 text."""
        return self._text("eventTime")

    @property
    def event_name(self) -> str:
        """The kind of event, such as `ObjectCreated:Put`."""
        return self._text("eventName")

    @property
    def user_identity(self) -> S3Identity:
        """The user or the service that caused the event."""
        return S3Identity(self["userIdentity"])

    @property
    def request_parameters(self) -> S3RequestParameters:
        """The origin of the request."""
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
    def glacier_event_data(self) -> S3EventRecordGlacierEventData | None:
        """The restored object. Only there in `s3:ObjectRestore:Completed`."""
        item = self.get("glacierEventData")
        return None if item is None else S3EventRecordGlacierEventData(item)

    @property
    def intelligent_tiering_event_data(self) -> S3EventRecordIntelligentTieringEventData | None:
        """The object that changed its tier. Only there in notifications of Intelligent-Tiering."""
        item = self.get("intelligentTieringEventData")
        return None if item is None else S3EventRecordIntelligentTieringEventData(item)


class S3Event(DictWrapper):
    """A notification of S3."""

    @property
    def records(self) -> Iterator[S3EventRecord]:
        """All that happened."""
        for record in self["Records"]:
            yield S3EventRecord(record)

    @property
    def record(self) -> S3EventRecord:
        """The first thing that happened."""
        return next(self.records)

    @property
    def bucket_name(self) -> str:
        """The name of the first bucket."""
        found: str = self["Records"][0]["s3"]["bucket"]["name"]
        return found

    @property
    def object_key(self) -> str:
        """The key of the first object, unquoted."""
        from urllib.parse import unquote_plus  # noqa: PLC0415  # few need it, and all would pay for it

        s3 = self["Records"][0]["s3"]
        return unquote_plus((s3.get("get_object") or s3["object"])["key"])
