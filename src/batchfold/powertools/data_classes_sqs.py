"""`SQSRecord`: a message of an SQS queue, as handlers of Powertools know it. Its attributes stay text, as delivered."""

from functools import cached_property
from typing import Any

from batchfold.powertools.data_classes_base import DictWrapper, anything, optional_text, part, text
from batchfold.powertools.data_classes_sns_s3 import S3Event, SNSMessage


class SQSRecordAttributes(DictWrapper):
    """The system attributes of a message."""

    aws_trace_header = optional_text("AWSTraceHeader", "The X-Ray trace header.")
    approximate_receive_count = text(
        "ApproximateReceiveCount", "The number of times that the message was received, this time included, as digits."
    )
    sent_timestamp = text("SentTimestamp", "When the message was sent: milliseconds since the epoch, as digits.")
    sender_id = text("SenderId", "The sender's user or role ID.")
    approximate_first_receive_timestamp = text(
        "ApproximateFirstReceiveTimestamp",
        "When the message was received for the first time: milliseconds since the epoch, as digits.",
    )
    sequence_number = optional_text("SequenceNumber", "The place of a message in its FIFO queue.")
    message_group_id = optional_text("MessageGroupId", "The message group.")
    message_deduplication_id = optional_text(
        "MessageDeduplicationId", "The token by which a FIFO queue recognises a repeated send."
    )
    dead_letter_queue_source_arn = optional_text(
        "DeadLetterQueueSourceArn", "The queue from which the message was moved to this dead-letter queue."
    )


class SQSMessageAttribute(DictWrapper):
    """An attribute that the sender gave the message."""

    string_value = anything("stringValue", "The value of a `String` or a `Number`, as text.")
    binary_value = anything("binaryValue", "The value of a `Binary`, in base64.")
    data_type = text("dataType", "`String`, `Number` or `Binary`, perhaps with a label of the sender's behind a dot.")


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

    message_id = text("messageId", "The id of the message, which names it to Lambda.")
    receipt_handle = text("receiptHandle", "Deletes this delivery of the message, or changes its visibility timeout.")
    body = text("body", "The body, text.")

    @cached_property
    def json_body(self) -> Any:
        """The value of the body's JSON. Raises `ValueError` for a body that is no JSON."""
        return self._json_deserializer(self["body"])

    attributes = part("attributes", SQSRecordAttributes, "The system attributes.")
    message_attributes = part("messageAttributes", SQSMessageAttributes, "The sender's attributes.")
    md5_of_body = text("md5OfBody", "The MD5 digest of the body, in hexadecimal.")
    event_source = text("eventSource", "`aws:sqs`.")
    event_source_arn = text("eventSourceARN", "The queue's ARN.")
    aws_region = text("awsRegion", "The queue's region.")

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
