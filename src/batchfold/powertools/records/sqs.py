"""`SQSRecord`: a message of an SQS queue. Its attributes stay text, as Lambda delivers them."""

from functools import cached_property
from typing import Any

from batchfold.powertools.records.s3 import S3Event
from batchfold.powertools.records.sns import SNSMessage
from batchfold.powertools.records.wrapper import DictWrapper
from batchfold.sources.fields import optional_text, text


class SQSRecordAttributes(DictWrapper):
    """The system attributes of a message."""

    @property
    def aws_trace_header(self) -> str | None:
        """The X-Ray trace header."""
        return optional_text(self, "AWSTraceHeader")

    @property
    def approximate_receive_count(self) -> str:
        """How often the message was received, this time included: digits."""
        return text(self, "ApproximateReceiveCount")

    @property
    def sent_timestamp(self) -> str:
        """When the message was sent: milliseconds since the epoch, as digits."""
        return text(self, "SentTimestamp")

    @property
    def sender_id(self) -> str:
        """Who sent the message."""
        return text(self, "SenderId")

    @property
    def approximate_first_receive_timestamp(self) -> str:
        """When the message was received for the first time: milliseconds since the epoch, as digits."""
        return text(self, "ApproximateFirstReceiveTimestamp")

    @property
    def sequence_number(self) -> str | None:
        """The place of a message in its FIFO queue."""
        return optional_text(self, "SequenceNumber")

    @property
    def message_group_id(self) -> str | None:
        """The message group."""
        return optional_text(self, "MessageGroupId")

    @property
    def message_deduplication_id(self) -> str | None:
        """What a FIFO queue knows a repeated send by."""
        return optional_text(self, "MessageDeduplicationId")

    @property
    def dead_letter_queue_source_arn(self) -> str | None:
        """The queue from which the message was moved to this dead-letter queue."""
        return optional_text(self, "DeadLetterQueueSourceArn")


class SQSMessageAttribute(DictWrapper):
    """An attribute that the sender gave the message."""

    @property
    def string_value(self) -> Any:
        """The value of a `String` or a `Number`, as text."""
        return self["stringValue"]

    @property
    def binary_value(self) -> Any:
        """The value of a `Binary`, in base64."""
        return self["binaryValue"]

    @property
    def data_type(self) -> str:
        """`String`, `Number` or `Binary`, perhaps with a label of the sender's behind a dot."""
        return text(self, "dataType")


class SQSMessageAttributes(dict[str, Any]):
    """The sender's attributes by name. One that is absent reads as `None`."""

    def __getitem__(self, key: str) -> Any:
        item = super().get(key)
        return None if item is None else SQSMessageAttribute(item)

    def items(self) -> Any:
        """The names and attributes."""
        return {name: SQSMessageAttribute(item) for name, item in super().items()}.items()


class SQSRecord(DictWrapper):
    """A message of an SQS queue. batchfold's own is `SqsRecord`."""

    @property
    def message_id(self) -> str:
        """The id of the message, which names it to Lambda."""
        return text(self, "messageId")

    @property
    def receipt_handle(self) -> str:
        """What deletes this delivery of the message, or changes its visibility timeout."""
        return text(self, "receiptHandle")

    @property
    def body(self) -> str:
        """The body, text."""
        return text(self, "body")

    @cached_property
    def json_body(self) -> Any:
        """What the body's JSON stands for. Raises `ValueError` for a body that is no JSON."""
        return self._json_deserializer(self["body"])

    @property
    def attributes(self) -> SQSRecordAttributes:
        """The system attributes."""
        return SQSRecordAttributes(self["attributes"])

    @property
    def message_attributes(self) -> SQSMessageAttributes:
        """The sender's attributes."""
        return SQSMessageAttributes(self["messageAttributes"])

    @property
    def md5_of_body(self) -> str:
        """The MD5 digest of the body, in hexadecimal."""
        return text(self, "md5OfBody")

    @property
    def event_source(self) -> str:
        """`aws:sqs`."""
        return text(self, "eventSource")

    @property
    def event_source_arn(self) -> str:
        """The queue's ARN."""
        return text(self, "eventSourceARN")

    @property
    def aws_region(self) -> str:
        """The queue's region."""
        return text(self, "awsRegion")

    @property
    def queue_url(self) -> str:
        """The queue's address, put together from its ARN."""
        _, _, _, region, account, name = self.event_source_arn.split(":")
        return f"https://sqs.{region}.amazonaws.com/{account}/{name}"

    @property
    def decoded_nested_s3_event(self) -> S3Event:
        """The body as a notification of S3, unchecked."""
        return S3Event(self.json_body)

    @property
    def decoded_nested_sns_event(self) -> SNSMessage:
        """The body as a message of SNS, unchecked."""
        return SNSMessage(self.json_body)
