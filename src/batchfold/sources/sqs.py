"""SQS: standard and FIFO queues.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html shows the event,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html describes the attributes,
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html says how Lambda reads the partial response.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeAlias, cast, overload

from returns.result import Result
from typing_extensions import TypeForm, TypeVar

from batchfold.core._guards import is_mapping
from batchfold.core.faults import PayloadError
from batchfold.core.lanes import Lane, each_record, refuse_async_lane, whole_batch
from batchfold.core.records import RawRecord
from batchfold.core.response import name_every_record
from batchfold.core.source import Source
from batchfold.sources.fields import (
    UNDECODED,
    ListedRecord,
    bytes_of,
    moment_from_ms,
    nested,
    number,
    optional_text,
    present,
    refuse_other_record,
    text,
)
from batchfold.sources.payload import OfRecord, Unspecified, payload_parser
from batchfold.sources.reading import reader

_NAME = "SQS"

T = TypeVar("T")
Body_co = TypeVar("Body_co", covariant=True, default=str)


class SqsRecord(ListedRecord, Generic[Body_co]):
    """A message of an SQS queue.

    `SqsRecord(raw)` shows the body as delivered, `SqsRecord(raw, body)` a parsed one.
    """

    __slots__ = ("_body",)

    @overload
    def __init__(self: "SqsRecord[str]", raw: RawRecord) -> None: ...
    @overload
    def __init__(self, raw: RawRecord, body: Body_co) -> None: ...
    def __init__(self, raw: RawRecord, body: Any = UNDECODED) -> None:
        self._raw = raw
        self._body = body

    @property
    def body(self) -> Body_co:
        """The body: the text as delivered, or the value that it was parsed into."""
        if self._body is UNDECODED:
            return cast("Body_co", body_text(self._raw))  # text as delivered, as the constructor's first overload says
        return self._body  # type: ignore[no-any-return]  # the constructor's argument, as its second overload says

    @property
    def message_id(self) -> str:
        """The id of the message, which names it to Lambda."""
        return text(self._raw, "messageId")

    @property
    def receipt_handle(self) -> str:
        """The handle of this delivery, for deleting the message or changing its visibility timeout."""
        return text(self._raw, "receiptHandle")

    @property
    def attributes(self) -> Mapping[str, str]:
        """The system attributes, all text; the properties below give them useful types."""
        return nested(self._raw, "attributes")

    @property
    def approximate_receive_count(self) -> int:
        """The number of times the message was received, this time included."""
        return int(text(self.attributes, "ApproximateReceiveCount"))

    @property
    def sent_at(self) -> datetime:
        """The time at which the message was sent (`SentTimestamp`), in UTC."""
        return moment_from_ms(text(self.attributes, "SentTimestamp"))

    @property
    def first_received_at(self) -> datetime:
        """The time at which it was received for the first time (`ApproximateFirstReceiveTimestamp`), in UTC."""
        return moment_from_ms(text(self.attributes, "ApproximateFirstReceiveTimestamp"))

    @property
    def sender_id(self) -> str:
        """The sender: an IAM user's id, a role's id with its session, or a service."""
        return text(self.attributes, "SenderId")

    @property
    def message_group_id(self) -> str | None:
        """The message group, by which a FIFO queue is ordered. A standard queue may carry it too, for fairness only."""
        return optional_text(self.attributes, "MessageGroupId")

    @property
    def message_deduplication_id(self) -> str | None:
        """The id by which a FIFO queue recognises a repeated send."""
        return optional_text(self.attributes, "MessageDeduplicationId")

    @property
    def sequence_number(self) -> str | None:
        """The position of a message in its FIFO queue: a decimal number."""
        return optional_text(self.attributes, "SequenceNumber")

    @property
    def trace_header(self) -> str | None:
        """The X-Ray trace header (`AWSTraceHeader`)."""
        return optional_text(self.attributes, "AWSTraceHeader")

    @property
    def dead_letter_queue_source_arn(self) -> str | None:
        """The ARN of the queue from which the message was moved to this dead-letter queue."""
        return optional_text(self.attributes, "DeadLetterQueueSourceArn")

    @property
    def message_attributes(self) -> Mapping[str, str | bytes | int | Decimal]:
        """The sender's attributes by name: `String` as `str`, `Binary` as `bytes`, `Number` as `int` or `Decimal`.

        A label behind the data type (`Number.float`) is the sender's own and changes nothing. An attribute without a
        value that can be read is left out; `raw` has it.
        """
        attributes = nested(self._raw, "messageAttributes").items()
        return {name: value for name, each in attributes if (value := _attribute(each)) is not None}

    @property
    def md5_of_body(self) -> str:
        """The MD5 digest of the body, in hexadecimal."""
        return text(self._raw, "md5OfBody")

    @property
    def md5_of_message_attributes(self) -> str | None:
        """The MD5 digest of the sender's attributes, in hexadecimal."""
        return optional_text(self._raw, "md5OfMessageAttributes")

    @property
    def event_source_arn(self) -> str:
        """The ARN of the queue; empty in an event that was written by hand without it."""
        return optional_text(self._raw, "eventSourceARN") or ""

    @property
    def queue_name(self) -> str:
        """The queue's name, the last part of its ARN."""
        return self.event_source_arn.rpartition(":")[2]

    @property
    def queue_url(self) -> str:
        """The queue's URL, for calls to SQS; made of its ARN, and empty without one.

        >>> SqsRecord({"eventSourceARN": "arn:aws-cn:sqs:cn-north-1:123456789012:orders"}).queue_url
        'https://sqs.cn-north-1.amazonaws.com.cn/123456789012/orders'
        """
        parts = self.event_source_arn.split(":")
        if len(parts) != _PARTS_OF_ARN:
            return ""
        _, partition, _, region, account, name = parts
        return f"https://sqs.{region}.{_DOMAINS.get(partition, _DOMAINS['aws'])}/{account}/{name}"

    @property
    def span_attributes(self) -> Mapping[str, str | int]:
        """The attributes of a span about the message.

        https://opentelemetry.io/docs/specs/semconv/messaging/sqs/ and
        https://opentelemetry.io/docs/specs/semconv/faas/aws-lambda/#sqs-message name them.
        """
        return present(
            **{
                "messaging.system": "aws_sqs",
                "faas.trigger": "pubsub",
                "messaging.destination.name": self.queue_name,
                "messaging.message.id": optional_text(self._raw, "messageId"),
                "aws.sqs.queue.url": self.queue_url,
            }
        )

    @property
    def trace_context(self) -> Mapping[str, str]:
        """The sender's trace context: X-Ray's out of the system attributes, W3C's out of the sender's own."""
        own = nested(self._raw, "messageAttributes")
        found = {name: _attribute(own.get(name)) for name in ("traceparent", "tracestate")}
        found["X-Amzn-Trace-Id"] = self.trace_header
        return {name: header for name, header in found.items() if isinstance(header, str)}

    def _payload(self) -> Any:
        return self._body if self._body is not UNDECODED else self._raw.get("body")

    def _identity(self) -> str:
        return f"message_id={self._raw.get('messageId')!r}"


_PARTS_OF_ARN = 6
_DOMAINS = {
    "aws": "amazonaws.com",
    "aws-us-gov": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
}
"""The domain of the endpoints of each partition, as in botocore's list of endpoints."""


def body_text(raw: RawRecord) -> str:
    """Return the body as delivered. Raises `ValueError` if it is no text, without quoting it."""
    body = raw.get("body")
    if isinstance(body, str):
        return body
    raise PayloadError(f"expected 'body' to be text, found a value of type {type(body).__name__}")


def by_message_group(raw: RawRecord, /) -> Hashable | None:
    """Make one lane of the messages of a group: the order that SQS promises, and no more.

    A message of a FIFO queue without a group joins one common lane; on a standard queue it has a lane of its own. Raises
    `ValueError` for a record of another source: without groups, each would have a lane of its own, and no order.
    """
    try:
        group: str | None = raw["attributes"]["MessageGroupId"]
    except (KeyError, TypeError):
        group = None
    if group is not None:
        return group
    if "messageId" not in raw:
        refuse_other_record("by_message_group", _NAME)
    return "" if _is_fifo(raw) else None


_Source: TypeAlias = Source[SqsRecord[T], SqsRecord[str]]


@overload
def sqs(*, lane: Lane | None = None) -> _Source[str]: ...
@overload
def sqs(body: type[dict[Unspecified, Unspecified]], /, *, lane: Lane | None = None) -> _Source[dict[str, object]]: ...
@overload
def sqs(body: type[list[Unspecified]], /, *, lane: Lane | None = None) -> _Source[list[object]]: ...
@overload
def sqs(body: TypeForm[T], /, *, lane: Lane | None = None) -> _Source[T]: ...
@overload
def sqs(*, decode: Callable[[str], Result[T, object]], lane: Lane | None = None) -> _Source[T]: ...
@overload
def sqs(*, decode: Callable[[str], T] | OfRecord[SqsRecord, T], lane: Lane | None = None) -> _Source[T]: ...
def sqs(
    body: Any = UNDECODED,
    /,
    *,
    decode: Callable[[str], Any] | OfRecord[SqsRecord, Any] | None = None,
    lane: Lane | None = None,
) -> _Source[Any]:
    """Read events of an SQS queue.

    Without arguments the body stays text. With a type, pydantic validates the body's JSON into it; `str` and `bytes`,
    with constraints or without, take the body as it is. With `decode`, that function makes the body from its text, or,
    wrapped in `of_record`, from the record. A body that will not parse is `Malformed`: a `ValueError` was raised, or the
    function returned a `Failure`.

    Every record that is not done is named in the response. A FIFO queue, recognised by `.fifo` at the end of
    `eventSourceARN`, is one lane (`whole_batch`), as AWS asks; `lane=by_message_group` keeps the order that SQS promises
    and lets the other groups go on. A standard queue has no order (`each_record`), message groups or not.

    >>> event = {"Records": [{"messageId": "m1", "eventSource": "aws:sqs", "body": "[1, 2]"}]}
    >>> raws, item_ids = sqs(list[int]).read(event)
    >>> item_ids, sqs(list[int]).parse(raws[0]).body
    (['m1'], [1, 2])
    """
    refuse_async_lane(lane)
    is_as_delivered = body is UNDECODED and decode is None
    # what is no text, pydantic refuses by itself
    payload_of = _body if decode is None else body_text
    return Source(
        name=_NAME,
        read=reader(_NAME, "aws:sqs", ("messageId",)),
        parse=SqsRecord if is_as_delivered else payload_parser(SqsRecord, SqsRecord, payload_of, body, decode),
        as_delivered=SqsRecord,
        lane_of=_lane_of_queue if lane is None else lambda _raws: lane,
        respond=name_every_record,
    )


def _body(raw: RawRecord) -> Any:
    try:
        return raw["body"]
    except KeyError:
        return body_text(raw)  # it raises, and says that there is none


def _is_fifo(raw: RawRecord) -> bool:
    return str(raw.get("eventSourceARN")).endswith(".fifo")


def _lane_of_queue(raws: Sequence[RawRecord]) -> Lane:
    # the records of a batch come from one queue: an event source mapping has one
    return whole_batch if raws and _is_fifo(raws[0]) else each_record


def _attribute(attribute: object) -> str | bytes | int | Decimal | None:
    """Return the value of a message attribute, `None` where none can be read: a sender's odd one hides no other."""
    if not is_mapping(attribute):
        return None
    data_type = str(attribute.get("dataType")).partition(".")[0]
    content = attribute.get("stringValue")
    try:
        if data_type == "Binary":
            return bytes_of(attribute.get("binaryValue"), "binaryValue")
        if data_type == "Number" and isinstance(content, str):
            return number(content)
    except ValueError:
        pass
    return content if isinstance(content, str) else None
