"""SQS events, standard and FIFO, and the envelopes of SNS and EventBridge in them.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html shows both kinds of queue; the attributes are described at
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html, the envelopes at
https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html and
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from batchfold.testing.event_parts import (
    ACCOUNT,
    REGION,
    arn,
    as_text,
    base64_of,
    deterministic_id,
    in_ms,
    iso,
    moment_at,
    refuse_other_moments,
    refuse_other_sequence_numbers,
)
from batchfold.testing.refuse import refuse_other_kinds, refuse_other_numbers, refuse_text

MessageAttribute: TypeAlias = str | int | Decimal | bytes
"""The value of a message attribute, whose data type is `String`, `Number` or `Binary`."""

_SUCH_ATTRIBUTES = 'a mapping, such as {"tenant": "a"}'


@dataclass(frozen=True)
class SqsMessage:
    """A message for `sqs_event`, where its body alone does not say enough.

    `body` is text, or anything that JSON knows. `message_attributes` maps names to text, numbers (`int`, `Decimal`) or
    bytes. `message_group_id` is required on a FIFO queue and allowed on a standard one (fair queues). Whatever is `None`
    follows from the position of the message in the event and from its body, or is left out where it may be absent.

    Raises:
        TypeError: A message attribute is none of these, or a time is no `datetime`.
        ValueError: `approximate_receive_count` is below 1, a time has no zone, or `sequence_number` is not of digits.
    """

    body: object
    message_group_id: str | None = None
    message_id: str | None = None
    message_attributes: Mapping[str, MessageAttribute] = field(default_factory=dict[str, Any])
    approximate_receive_count: int = 1
    message_deduplication_id: str | None = None
    sent_at: datetime | None = None
    first_received_at: datetime | None = None
    sender_id: str = "AIDAIENQZJOLO23YVJ4VO"
    sequence_number: str | None = None
    trace_header: str | None = None
    dead_letter_queue_source_arn: str | None = None

    def __post_init__(self) -> None:
        refuse_other_kinds("message_attributes", self.message_attributes, Mapping, _SUCH_ATTRIBUTES)
        for name, value in self.message_attributes.items():
            kinds = () if isinstance(value, bool) else (str, int, Decimal, bytes)
            refuse_other_kinds(f"message_attributes[{name!r}]", value, kinds, "text, int, Decimal or bytes")
        refuse_other_numbers("approximate_receive_count", self.approximate_receive_count, 1)
        refuse_other_moments("sent_at", self.sent_at)
        refuse_other_moments("first_received_at", self.first_received_at)
        refuse_other_sequence_numbers(self.sequence_number)


def sqs_event(
    *messages: object,
    queue_name: str = "orders",
    fifo: bool = False,
    region: str = REGION,
    with_nulls: bool = False,
) -> dict[str, Any]:
    """Build the event of one batch of SQS messages.

    Each of `messages` is an `SqsMessage` or a body: text as it is, anything else as JSON. With `fifo=True` the queue's
    name ends in `.fifo`, and a message without a group gets the group `"default"`. With `with_nulls=True`, fields that
    may be absent are null instead, as they often are.

    >>> event = sqs_event("first", {"id": "second"})
    >>> [record["body"] for record in event["Records"]]
    ['first', '{"id": "second"}']
    >>> sqs_event("first", fifo=True)["Records"][0]["eventSourceARN"]
    'arn:aws:sqs:eu-west-1:123456789012:orders.fifo'
    """
    name = f"{queue_name}.fifo" if fifo and not queue_name.endswith(".fifo") else queue_name
    raws: list[dict[str, Any]] = []
    for position, given in enumerate(messages):
        message = given if isinstance(given, SqsMessage) else SqsMessage(given)
        raws.append(_raw_message(message, position, name, region, with_nulls=with_nulls))
    return {"Records": raws}


def _raw_message(
    message: SqsMessage, position: int, queue_name: str, region: str, *, with_nulls: bool
) -> dict[str, Any]:
    message_id = message.message_id or deterministic_id(queue_name, position)
    body = as_text(message.body)
    attributes = message.message_attributes
    raw: dict[str, Any] = {
        "messageId": message_id,
        # a handle names one receipt of the message, not the message: it is another one each time
        "receiptHandle": "AQEB" + base64_of(f"{ACCOUNT}/{message_id}/{message.approximate_receive_count}".encode()),
        "body": body,
        "attributes": _system_attributes(message, position, body, fifo=queue_name.endswith(".fifo")),
        "messageAttributes": {name: _raw_attribute(value, with_nulls=with_nulls) for name, value in attributes.items()},
        "md5OfBody": _md5(_utf_8(body)),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn("sqs", queue_name, region),
        "awsRegion": region,
    }
    if attributes or with_nulls:
        raw["md5OfMessageAttributes"] = _md5_of_attributes(attributes) if attributes else None
    return raw


def _system_attributes(message: SqsMessage, position: int, body: str, *, fifo: bool) -> dict[str, str]:
    sent_at = message.sent_at or moment_at(position)
    received_at = message.first_received_at or sent_at + timedelta(milliseconds=5)
    number = str(18_849_496_460_467_696_128 + position * 256)
    digest = hashlib.sha256(_utf_8(body)).hexdigest()
    optional = {
        "MessageGroupId": message.message_group_id or ("default" if fifo else None),
        "SequenceNumber": message.sequence_number or (number if fifo else None),
        "MessageDeduplicationId": message.message_deduplication_id or (digest if fifo else None),
        "AWSTraceHeader": message.trace_header,
        "DeadLetterQueueSourceArn": message.dead_letter_queue_source_arn,
    }
    return {
        "ApproximateReceiveCount": str(message.approximate_receive_count),
        "SentTimestamp": str(in_ms(sent_at)),
        "SenderId": message.sender_id,
        "ApproximateFirstReceiveTimestamp": str(in_ms(received_at)),
        **{name: value for name, value in optional.items() if value is not None},
    }


def _data_type(value: object) -> str:
    return "String" if isinstance(value, str) else "Binary" if isinstance(value, bytes) else "Number"


def _raw_attribute(value: MessageAttribute, *, with_nulls: bool) -> dict[str, Any]:
    nulls: dict[str, Any] = {"stringValue": None, "binaryValue": None} if with_nulls else {}
    own = {"binaryValue": base64_of(value)} if isinstance(value, bytes) else {"stringValue": str(value)}
    return {**nulls, **own, "stringListValues": [], "binaryListValues": [], "dataType": _data_type(value)}


def _md5_of_attributes(attributes: Mapping[str, MessageAttribute]) -> str:
    """Return the digest that SQS makes of message attributes.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html describes it.
    """
    digested = b""
    for name, value in sorted(attributes.items()):
        content = value if isinstance(value, bytes) else _utf_8(str(value))
        digested += _with_length(name.encode()) + _with_length(_data_type(value).encode())
        digested += (b"\x02" if isinstance(value, bytes) else b"\x01") + _with_length(content)
    return _md5(digested)


def _utf_8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _with_length(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def sns_envelope(
    message: object,
    *,
    topic_name: str = "orders",
    subject: str | None = None,
    message_attributes: Mapping[str, str | Mapping[str, str]] | None = None,
    message_id: str | None = None,
    timestamp: datetime | None = None,
    sequence_number: str | None = None,
    signature_version: str = "1",
) -> dict[str, Any]:
    """Build the body of a message that SNS delivered to a queue (without raw message delivery).

    `message` is text, or anything that JSON knows: it travels as text inside the envelope, so it is encoded twice in
    the body. A message attribute is text; of another type, it is given as SNS writes it, `{"Type": "Number", "Value":
    "3"}`. A message of a FIFO topic has a `sequence_number`. Give the result to `sqs_event`.

    Raises:
        TypeError: The message is nothing that JSON knows, or an attribute's value is something else than text.

    >>> sns_envelope({"id": "a"})["Message"]
    '{"id": "a"}'
    """
    text = as_text(message)
    refuse_other_moments("timestamp", timestamp)
    envelope: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": message_id or deterministic_id(f"sns/{topic_name}/{text}", 0),
        "TopicArn": arn("sns", topic_name),
        "Message": text,
        "Timestamp": iso(timestamp or moment_at(0)),
        "SignatureVersion": signature_version,
        "Signature": "EXAMPLEw6JRN",
        "SigningCertURL": f"https://sns.{REGION}.amazonaws.com/SimpleNotificationService-0000.pem",
        "UnsubscribeURL": f"https://sns.{REGION}.amazonaws.com/?Action=Unsubscribe",
    }
    if subject is not None:
        envelope["Subject"] = subject
    if sequence_number is not None:
        refuse_other_sequence_numbers(sequence_number)
        envelope["SequenceNumber"] = sequence_number
    if message_attributes is not None:
        refuse_other_kinds("message_attributes", message_attributes, Mapping, _SUCH_ATTRIBUTES)
    if message_attributes:
        attributes: dict[str, Mapping[str, str]] = {}
        for name, value in message_attributes.items():
            if not isinstance(value, Mapping):
                refuse_other_kinds(f"message_attributes[{name!r}]", value, str, "text")
            attributes[name] = {"Type": "String", "Value": value} if isinstance(value, str) else dict(value)
        envelope["MessageAttributes"] = attributes
    return envelope


def eventbridge_envelope(
    detail: object,
    *,
    detail_type: str = "Order Placed",
    source: str = "com.example.orders",
    resources: Sequence[str] | None = (),
    event_id: str | None = None,
    time: datetime | None = None,
    region: str = REGION,
    version: str | None = "0",
    replay_name: str | None = None,
) -> dict[str, Any]:
    """Build the body of a message that an EventBridge rule sent to a queue. Give the result to `sqs_event`.

    `detail` is anything that JSON knows, a mapping as a rule. `None` leaves out `resources`, `version` or `replay_name`.

    Raises:
        TypeError: The detail is nothing that JSON knows, or `resources` is a text instead of a list of ARNs.

    >>> eventbridge_envelope({"id": "a"})["detail"]
    {'id': 'a'}
    """
    if resources is not None:
        refuse_text("resources", resources, "a list of ARNs")
    refuse_other_moments("time", time)
    envelope: dict[str, Any] = {
        "version": version,
        "id": event_id or deterministic_id(f"events/{source}/{detail_type}/{as_text(detail)}", 0),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": iso(time or moment_at(0), "seconds"),
        "region": region,
        "resources": None if resources is None else list(resources),
        "replay-name": replay_name,
    }
    return {**{name: value for name, value in envelope.items() if value is not None}, "detail": detail}


def s3_pointer(key: str, *, bucket: str = "payloads", size: int = 300_000, legacy: bool = False) -> SqsMessage:
    """Build a message whose body is in S3, as AWS's extended client sends it. Give the result to `sqs_event`.

    `size` is the number of bytes that the message says its body has; with `legacy=True` it is of an older client.

    >>> sqs_event(s3_pointer("order-1"))["Records"][0]["body"]
    '["software.amazon.payloadoffloading.PayloadS3Pointer", {"s3BucketName": "payloads", "s3Key": "order-1"}]'
    """
    kind, attribute = (
        ("com.amazon.sqs.javamessaging.MessageS3Pointer", "SQSLargePayloadSize")
        if legacy
        else ("software.amazon.payloadoffloading.PayloadS3Pointer", "ExtendedPayloadSize")
    )
    return SqsMessage([kind, {"s3BucketName": bucket, "s3Key": key}], message_attributes={attribute: size})
