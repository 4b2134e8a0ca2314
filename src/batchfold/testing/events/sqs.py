"""SQS events, standard and FIFO.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html shows both; the attributes are described at
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from batchfold.testing.events.identity import ACCOUNT, REGION, SENT_AT_MS, arn, deterministic_id
from batchfold.testing.events.payload import as_text
from batchfold.testing.refuse import refuse_other_kinds, refuse_other_numbers


@dataclass(frozen=True)
class SqsMessage:
    """A message for `sqs_event`, where its body alone does not say enough.

    `body` is text, or anything that JSON knows. `message_attributes` maps names to text, numbers (`int`, `Decimal`) or
    bytes. `message_group_id` is required on a FIFO queue and allowed on a standard one (fair queues). `message_id` is
    made up from the message's position when it is `None`.

    Raises:
        TypeError: A message attribute is none of these.
        ValueError: `approximate_receive_count` is below 1.
    """

    body: object
    message_group_id: str | None = None
    message_id: str | None = None
    message_attributes: Mapping[str, str | int | Decimal | bytes] = field(default_factory=dict[str, Any])
    approximate_receive_count: int = 1
    message_deduplication_id: str | None = None

    def __post_init__(self) -> None:
        refuse_other_kinds("message_attributes", self.message_attributes, Mapping, 'a mapping, such as {"tenant": "a"}')
        for name, value in self.message_attributes.items():
            kinds = () if isinstance(value, bool) else (str, int, Decimal, bytes)
            refuse_other_kinds(f"message_attributes[{name!r}]", value, kinds, "text, int, Decimal or bytes")
        refuse_other_numbers("approximate_receive_count", self.approximate_receive_count, 1)


def sqs_event(*messages: object, queue_name: str = "orders", fifo: bool = False) -> dict[str, Any]:
    """The event of one batch of SQS messages.

    Each of `messages` is an `SqsMessage` or a body: text as it is, anything else as JSON. With `fifo=True` the queue's
    name ends in `.fifo`, and a message without a group gets the group `"default"`.

    >>> event = sqs_event("first", {"id": "second"})
    >>> [record["body"] for record in event["Records"]]
    ['first', '{"id": "second"}']
    >>> sqs_event("first", fifo=True)["Records"][0]["eventSourceARN"]
    'arn:aws:sqs:eu-west-1:123456789012:orders.fifo'
    """
    name = f"{queue_name}.fifo" if fifo and not queue_name.endswith(".fifo") else queue_name
    as_messages = [message if isinstance(message, SqsMessage) else SqsMessage(message) for message in messages]
    return {"Records": _raw_records(as_messages, name, fifo=name.endswith(".fifo"))}


def _raw_records(messages: Sequence[SqsMessage], queue_name: str, *, fifo: bool) -> list[dict[str, Any]]:
    return [_raw_record(message, position, queue_name, fifo=fifo) for position, message in enumerate(messages)]


def _raw_record(message: SqsMessage, position: int, queue_name: str, *, fifo: bool) -> dict[str, Any]:
    message_id = message.message_id or deterministic_id(queue_name, position)
    body = as_text(message.body)
    sent_at = SENT_AT_MS + position * 1_000
    attributes = {
        "ApproximateReceiveCount": str(message.approximate_receive_count),
        "SentTimestamp": str(sent_at),
        "SenderId": "AIDAIENQZJOLO23YVJ4VO",
        "ApproximateFirstReceiveTimestamp": str(sent_at + 5),
    }
    group = message.message_group_id or ("default" if fifo else None)
    if group is not None:
        attributes["MessageGroupId"] = group
    if fifo:
        attributes["SequenceNumber"] = str(18_849_496_460_467_696_128 + position * 256)
        attributes["MessageDeduplicationId"] = (
            message.message_deduplication_id or hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
        )
    return {
        "messageId": message_id,
        # A handle names one receipt of the message, not the message: it is another one each time.
        "receiptHandle": _receipt_handle(message_id, message.approximate_receive_count),
        "body": body,
        "attributes": attributes,
        "messageAttributes": {name: _attribute(value) for name, value in message.message_attributes.items()},
        "md5OfBody": hashlib.md5(body.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn("sqs", queue_name),
        "awsRegion": REGION,
    }


def _receipt_handle(message_id: str, receive_count: int) -> str:
    return "AQEB" + base64.b64encode(f"{ACCOUNT}/{message_id}/{receive_count}".encode()).decode("ascii")


def _attribute(value: str | int | Decimal | bytes) -> dict[str, Any]:
    lists: dict[str, Any] = {"stringListValues": [], "binaryListValues": []}
    if isinstance(value, bytes):
        return {"binaryValue": base64.b64encode(value).decode("ascii"), **lists, "dataType": "Binary"}
    data_type = "String" if isinstance(value, str) else "Number"
    return {"stringValue": str(value), **lists, "dataType": data_type}
