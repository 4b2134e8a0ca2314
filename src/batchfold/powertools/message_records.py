"""`SQSRecord`: a message of an SQS queue, as handlers of Powertools know it. Its attributes stay text, as delivered."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

from batchfold.powertools.nested_messages import S3Event, SNSMessage
from batchfold.powertools.record_view import DictWrapper

NestedT = TypeVar("NestedT", bound=DictWrapper)


class SQSRecordAttributes(DictWrapper):
    """The system attributes of a message."""

    @property
    def aws_trace_header(self) -> str | None:
        """The X-Ray trace header."""
        return self._optional_text("AWSTraceHeader")

    @property
    def approximate_receive_count(self) -> str:
        """The number of times that the message was received, this time included, as digits."""
        return self._text("ApproximateReceiveCount")

    @property
    def sent_timestamp(self) -> str:
        """When the message was sent: milliseconds since the epoch, as digits."""
        return self._text("SentTimestamp")

    @property
    def sender_id(self) -> str:
        """The sender's user or role ID."""
        return self._text("SenderId")

    @property
    def approximate_first_receive_timestamp(self) -> str:
        """When the message was received for the first time: milliseconds since the epoch, as digits."""
        return self._text("ApproximateFirstReceiveTimestamp")

    @property
    def sequence_number(self) -> str | None:
        """The place of a message in its FIFO queue."""
        return self._optional_text("SequenceNumber")

    @property
    def message_group_id(self) -> str | None:
        """The message group."""
        return self._optional_text("MessageGroupId")

    @property
    def message_deduplication_id(self) -> str | None:
        """The token by which a FIFO queue recognises a repeated send."""
        return self._optional_text("MessageDeduplicationId")

    @property
    def dead_letter_queue_source_arn(self) -> str | None:
        """The queue from which the message was moved to this dead-letter queue."""
        return self._optional_text("DeadLetterQueueSourceArn")


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
        return self._text("dataType")


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
        return self._text("messageId")

    @property
    def receipt_handle(self) -> str:
        """The handle that deletes this delivery of the message, or changes its visibility timeout."""
        return self._text("receiptHandle")

    @property
    def body(self) -> str:
        """The body, text."""
        return self._text("body")

    @cached_property
    def json_body(self) -> Any:
        """The value of the body's JSON. Raises `ValueError` for a body that is no JSON."""
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
        return self._text("md5OfBody")

    @property
    def event_source(self) -> str:
        """`aws:sqs`."""
        return self._text("eventSource")

    @property
    def event_source_arn(self) -> str:
        """The queue's ARN."""
        return self._text("eventSourceARN")

    @property
    def aws_region(self) -> str:
        """The queue's region."""
        return self._text("awsRegion")

    @property
    def queue_url(self) -> str:
        """The queue's address, put together from its ARN."""
        _, _, _, region, account, name = self.event_source_arn.split(":")
        return f"https://sqs.{region}.amazonaws.com/{account}/{name}"

    @property
    def decoded_nested_s3_event(self) -> S3Event:
        """The body as a notification of S3, unchecked."""
        return self._decode_nested_event(S3Event)

    @property
    def decoded_nested_sns_event(self) -> SNSMessage:
        """The body as a message of SNS, unchecked."""
        return self._decode_nested_event(SNSMessage)

    def _decode_nested_event(self, nested_event_class: Callable[[Any], NestedT]) -> NestedT:
        """Read the body's JSON as an event of another class."""
        return nested_event_class(self.json_body)
