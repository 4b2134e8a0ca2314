"""What SNS and EventBridge put around a payload on its way into an SQS queue.

https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html and
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from batchfold.testing.events.identity import ACCOUNT, REGION, arn, deterministic_id
from batchfold.testing.events.payload import as_text
from batchfold.testing.refuse import refuse_other_kinds, refuse_text


def sns_envelope(
    message: object,
    *,
    topic_name: str = "orders",
    subject: str | None = None,
    message_attributes: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The body of a message that SNS delivered to a queue (without raw message delivery).

    `message` is text, or anything that JSON knows: it travels as text inside the envelope, so it is encoded twice in
    the body. Give the result to `sqs_event`.

    Raises:
        TypeError: The message is nothing that JSON knows, or an attribute's value is something else than text.

    >>> sns_envelope({"id": "a"})["Message"]
    '{"id": "a"}'
    """
    text = as_text(message)
    message_id = deterministic_id(f"sns/{topic_name}/{text}", 0)
    envelope: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": arn("sns", topic_name),
        "Message": text,
        "Timestamp": "2023-11-14T22:13:20.000Z",
        "SignatureVersion": "1",
        "Signature": "EXAMPLEw6JRN",
        "SigningCertURL": f"https://sns.{REGION}.amazonaws.com/SimpleNotificationService-0000.pem",
        "UnsubscribeURL": f"https://sns.{REGION}.amazonaws.com/?Action=Unsubscribe",
    }
    if subject is not None:
        envelope["Subject"] = subject
    if message_attributes is not None:
        refuse_other_kinds("message_attributes", message_attributes, Mapping, 'a mapping, such as {"tenant": "a"}')
        for name, value in message_attributes.items():
            refuse_other_kinds(f"message_attributes[{name!r}]", value, str, "text")
    if message_attributes:
        envelope["MessageAttributes"] = {
            name: {"Type": "String", "Value": value} for name, value in message_attributes.items()
        }
    return envelope


def eventbridge_envelope(
    detail: object,
    *,
    detail_type: str = "Order Placed",
    source: str = "com.example.orders",
    resources: Sequence[str] = (),
) -> dict[str, Any]:
    """The body of a message that an EventBridge rule sent to a queue. Give the result to `sqs_event`.

    `detail` is anything that JSON knows, a mapping as a rule.

    Raises:
        TypeError: The detail is nothing that JSON knows, or `resources` is a text instead of a list of ARNs.

    >>> eventbridge_envelope({"id": "a"})["detail"]
    {'id': 'a'}
    """
    refuse_text("resources", resources, "a list of ARNs")
    return {
        "version": "0",
        "id": deterministic_id(f"events/{source}/{detail_type}/{as_text(detail)}", 0),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": "2023-11-14T22:13:20Z",
        "region": REGION,
        "resources": list(resources),
        "detail": detail,
    }
