"""Envelopes: the generic models of the messages in which SNS and EventBridge deliver a payload to a queue.

`sqs(Sns[Order])` and `sqs(EventBridge[Order])` read them. What other envelopes share is here too: they are read-only, and
take a payload from the JSON in a text. This module imports pydantic.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from batchfold.sources.payload import kinds_of_text

# pydantic asks for the type variable that `typing` makes
T = TypeVar("T")


class FromText:
    """Validates the payload from the JSON in a text, straight from the text. A payload that is text itself stays as it is.

    Where an envelope is made in Python, as in a test, its payload may also be given as a value of its type.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        wanted = handler(source)
        if kinds_of_text(wanted):
            return wanted
        text = core_schema.json_schema(wanted)
        text_or_value = core_schema.tagged_union_schema({"text": text, "value": wanted}, discriminator=_text_or_value)
        return core_schema.json_or_python_schema(json_schema=text, python_schema=text_or_value)


def _text_or_value(given: object) -> str:
    return "text" if isinstance(given, str | bytes) else "value"


def none_as_nothing(given: object) -> object:
    """Return the empty tuple for a list that is null."""
    return () if given is None else given


def _none_as_no_attributes(given: object) -> object:
    return {} if given is None else given


class Envelope(BaseModel):
    """Read-only. Fields that AWS may add are ignored; in Python the fields go by their own names."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class SnsMessageAttribute(Envelope):
    """An attribute that the publisher put on a message."""

    type: Annotated[str, Field(alias="Type")]
    """`String`, `String.Array`, `Number` or `Binary`."""
    value: Annotated[str, Field(alias="Value")]
    """The value as text: an array as JSON, bytes in base64."""


class Sns(Envelope, Generic[T]):
    """A notification of an SNS topic that a queue is subscribed to, without raw message delivery.

    `message` is the publisher's payload: its JSON validated into `T`, or the text itself in `Sns[str]`.
    https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html describes the fields.

    >>> body = (
    ...     '{"Type": "Notification", "MessageId": "m-1", "TopicArn": "arn:aws:sns:eu-west-1:123456789012:orders",'
    ...     ' "Message": "[1, 2]", "Timestamp": "2026-01-01T00:00:00.000Z"}'
    ... )
    >>> Sns[list[int]].model_validate_json(body).message
    [1, 2]
    >>> Sns[str].model_validate_json(body).message
    '[1, 2]'
    """

    type: Annotated[Literal["Notification"], Field(alias="Type")]
    """`Notification`."""
    message_id: Annotated[str, Field(alias="MessageId")]
    """The id of the message, the same for every delivery of it."""
    topic_arn: Annotated[str, Field(alias="TopicArn")]
    """The ARN of the topic."""
    message: Annotated[T, FromText(), Field(alias="Message")]
    """The payload."""
    timestamp: Annotated[AwareDatetime, Field(alias="Timestamp")]
    """The time at which the message was published."""
    subject: Annotated[str | None, Field(alias="Subject")] = None
    """The subject, if the publisher gave one."""
    message_attributes: Annotated[
        Mapping[str, SnsMessageAttribute], BeforeValidator(_none_as_no_attributes), Field(alias="MessageAttributes")
    ] = {}
    """The attributes that the publisher put on the message."""
    sequence_number: Annotated[str | None, Field(alias="SequenceNumber")] = None
    """The position of the message in a FIFO topic: a decimal number."""
    signature_version: Annotated[str | None, Field(alias="SignatureVersion")] = None
    """The algorithm of the signature: `1` is SHA1withRSA, `2` is SHA256withRSA."""
    signature: Annotated[str | None, Field(alias="Signature")] = None
    """The signature, in base64."""
    signing_cert_url: Annotated[str | None, Field(alias="SigningCertURL")] = None
    """The URL of the certificate that the message was signed with."""
    unsubscribe_url: Annotated[str | None, Field(alias="UnsubscribeURL")] = None
    """The URL that ends the subscription."""


class EventBridge(Envelope, Generic[T]):
    """An event that a rule of an EventBridge bus sent to a queue. `detail` is its payload.

    https://docs.aws.amazon.com/eventbridge/latest/ref/events-structure.html describes the fields.

    >>> body = (
    ...     '{"version": "0", "id": "e-1", "detail-type": "OrderPlaced", "source": "shop", "account": "123456789012",'
    ...     ' "time": "2026-01-01T00:00:00Z", "region": "eu-west-1", "resources": [], "detail": {"quantity": 3}}'
    ... )
    >>> event = EventBridge[dict[str, int]].model_validate_json(body)
    >>> event.detail_type, event.detail
    ('OrderPlaced', {'quantity': 3})
    """

    version: str | None = None
    """The version of the form of the event, `0`."""
    id: str
    """The id of the event."""
    detail_type: Annotated[str, Field(alias="detail-type")]
    """The kind of the event; with `source` it says what `detail` holds."""
    source: str
    """The sender of the event. The names of AWS's own services begin with `aws.`."""
    account: str
    """The AWS account that sent it."""
    time: AwareDatetime
    """The time of the event, as the sender has it."""
    region: str
    """The region that it was sent from."""
    resources: Annotated[tuple[str, ...], BeforeValidator(none_as_nothing)] = ()
    """The ARNs of the resources that it is about."""
    detail: T
    """The payload."""
    replay_name: Annotated[str | None, Field(alias="replay-name")] = None
    """The replay that sent the event again out of an archive."""
