"""Messages that travel in the body of an SQS message: `SNSMessage`, and `S3Event` with its parts."""

from collections.abc import Iterator
from typing import Any

from batchfold.powertools.data_classes_base import DictWrapper, anything, optional_part, optional_text, part, text


class SNSMessageAttribute(DictWrapper):
    """An attribute that the publisher gave the message."""

    get_type = text("Type", "`String`, `String.Array`, `Number` or `Binary`.")
    value = text("Value", "The value.")


class SNSMessage(DictWrapper):
    """A message of SNS. batchfold's own is `Sns[...]`, an envelope: `sqs(Sns[Order])`."""

    signature_version = text("SignatureVersion", "The version of the signature.")
    timestamp = text("Timestamp", "When the message was published.")
    signature = text("Signature", "The signature, in base64.")
    signing_cert_url = text(
        "SigningCertUrl",
        "The certificate's address. SNS itself spells the field `SigningCertURL`, which raises `KeyError` here.",
    )
    message_id = text("MessageId", "The id of the message.")
    message = text("Message", "The message, text.")

    @property
    def message_attributes(self) -> dict[str, Any]:
        """The publisher's attributes by name."""
        return {name: SNSMessageAttribute(item) for name, item in self["MessageAttributes"].items()}

    get_type = text("Type", "`Notification` for one.")
    unsubscribe_url = text(
        "UnsubscribeUrl",
        "The address to unsubscribe at. SNS itself spells the field `UnsubscribeURL`, which raises `KeyError` here.",
    )
    topic_arn = text("TopicArn", "The topic's ARN.")
    subject = text("Subject", "The subject.")


class S3Identity(DictWrapper):
    """A user or a service."""

    principal_id = text("principalId", "The id of the user or the service.")


class S3RequestParameters(DictWrapper):
    """The origin of a request."""

    source_ip_address = text("sourceIPAddress", "The IP address that the request came from.")


class S3Bucket(DictWrapper):
    """The bucket."""

    name = text("name", "The bucket's name.")
    owner_identity = part("ownerIdentity", S3Identity, "The bucket's owner.")
    arn = text("arn", "The bucket's ARN.")


class S3Object(DictWrapper):
    """The object."""

    key = text("key", "The object's key, quoted as in an address.")
    size = part("size", int, "The object's size in bytes.")

    @property
    def etag(self) -> str:
        """The object's entity tag; empty where there is none, as for deletions."""
        return self.get("eTag") or ""

    version_id = optional_text("versionId", "The object's version, in a bucket that keeps versions.")
    sequencer = text("sequencer", "A hexadecimal number that tells the order of the events of one key.")


class S3Message(DictWrapper):
    """Bucket and object."""

    s3_schema_version = text("s3SchemaVersion", "The version of the form of this part.")
    configuration_id = text("configurationId", "The id of the notification's configuration.")
    bucket = part("bucket", S3Bucket, "The bucket.")

    @property
    def get_object(self) -> S3Object:
        """The object. Notifications of Intelligent-Tiering have it under another name."""
        return S3Object(self.get("get_object") or self["object"])


class S3EventRecordGlacierRestoreEventData(DictWrapper):
    """The restored copy of an object."""

    lifecycle_restoration_expiry_time = text(
        "lifecycleRestorationExpiryTime", "When the copy expires, as ISO 8601 text."
    )
    lifecycle_restore_storage_class = text(
        "lifecycleRestoreStorageClass", "The storage class that the object was restored from."
    )


class S3EventRecordGlacierEventData(DictWrapper):
    """A restore from Glacier."""

    restore_event_data = part("restoreEventData", S3EventRecordGlacierRestoreEventData, "The restored copy.")


class S3EventRecordIntelligentTieringEventData(DictWrapper):
    """A change of tier."""

    destination_access_tier = text("destinationAccessTier", "The new tier.")


class S3EventRecord(DictWrapper):
    """One thing that happened in S3."""

    event_version = text("eventVersion", "The version of the form of the record.")
    event_source = text("eventSource", "`aws:s3`.")
    aws_region = text("awsRegion", "The bucket's region.")
    event_time = text("eventTime", "When it happened, as ISO 8601 text.")
    event_name = text("eventName", "The kind of event, such as `ObjectCreated:Put`.")
    user_identity = part("userIdentity", S3Identity, "The user or the service that caused the event.")
    request_parameters = part("requestParameters", S3RequestParameters, "The origin of the request.")
    response_elements = anything("responseElements", "The ids by which AWS finds the request.")
    s3 = part("s3", S3Message, "Bucket and object.")
    glacier_event_data = optional_part(
        "glacierEventData",
        S3EventRecordGlacierEventData,
        "The restored object. Only there in `s3:ObjectRestore:Completed`.",
    )
    intelligent_tiering_event_data = optional_part(
        "intelligentTieringEventData",
        S3EventRecordIntelligentTieringEventData,
        "The object that changed its tier. Only there in notifications of Intelligent-Tiering.",
    )


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
