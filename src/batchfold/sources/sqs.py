"""SQS: standard and FIFO queues.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html shows the event,
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html tells how the partial response is read.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, cast, overload

from typing_extensions import TypeForm, TypeVar

from batchfold.core.faults import PayloadError
from batchfold.core.lanes import Lane, each_record, whole_batch
from batchfold.core.records import RawRecord
from batchfold.core.response import name_every_record
from batchfold.core.source import Source
from batchfold.sources.fields import (
    UNDECODED,
    bytes_of,
    moment_from_ms,
    nested,
    number,
    optional_text,
    text,
)
from batchfold.sources.listed_record import ListedRecord
from batchfold.sources.payload import from_function, from_json
from batchfold.sources.reading import reader

_NAME = "SQS"

T = TypeVar("T")
Body_co = TypeVar("Body_co", covariant=True, default=str)


class SqsRecord(ListedRecord, Generic[Body_co]):
    """A message of an SQS queue.

    `SqsRecord(raw)` shows the body as delivered, `SqsRecord(raw, body)` a parsed one.
    """

    __slots__ = ("_body",)

    _body: Any

    @overload
    def __init__(self: SqsRecord[str], raw: RawRecord) -> None: ...
    @overload
    def __init__(self, raw: RawRecord, body: Body_co) -> None: ...
    def __init__(self, raw: RawRecord, body: Any = UNDECODED) -> None:
        self._raw = raw
        self._body = body

    @property
    def body(self) -> Body_co:
        """The body: the text as delivered, or what it was parsed into."""
        if self._body is UNDECODED:
            return cast("Body_co", body_text(self._raw))  # as delivered it is text, as the constructor's overload says
        return self._body  # type: ignore[no-any-return]  # what the constructor was given, as its second overload says

    @property
    def message_id(self) -> str:
        """The id of the message, which names it to Lambda."""
        return text(self._raw, "messageId")

    @property
    def receipt_handle(self) -> str:
        """What deletes this delivery of the message, or changes its visibility timeout."""
        return text(self._raw, "receiptHandle")

    @property
    def attributes(self) -> Mapping[str, str]:
        """The system attributes, all text; the properties below give them useful types."""
        return nested(self._raw, "attributes")

    @property
    def approximate_receive_count(self) -> int:
        """How often the message was received, this time included."""
        return int(self.attributes["ApproximateReceiveCount"])

    @property
    def sent_at(self) -> datetime:
        """When the message was sent (`SentTimestamp`), in UTC."""
        return moment_from_ms(self.attributes["SentTimestamp"])

    @property
    def first_received_at(self) -> datetime:
        """When the message was received for the first time (`ApproximateFirstReceiveTimestamp`), in UTC."""
        return moment_from_ms(self.attributes["ApproximateFirstReceiveTimestamp"])

    @property
    def sender_id(self) -> str:
        """Who sent the message: an IAM user's id, a role's id with its session, or a service."""
        return self.attributes["SenderId"]

    @property
    def message_group_id(self) -> str | None:
        """The message group: what orders a FIFO queue. A standard queue may carry it too, for fairness only."""
        return self.attributes.get("MessageGroupId")

    @property
    def message_deduplication_id(self) -> str | None:
        """What a FIFO queue knows a repeated send by."""
        return self.attributes.get("MessageDeduplicationId")

    @property
    def sequence_number(self) -> str | None:
        """The place of a message in its FIFO queue: a decimal number."""
        return self.attributes.get("SequenceNumber")

    @property
    def trace_header(self) -> str | None:
        """The X-Ray trace header (`AWSTraceHeader`)."""
        return self.attributes.get("AWSTraceHeader")

    @property
    def dead_letter_queue_source_arn(self) -> str | None:
        """The queue from which the message was moved to this dead-letter queue."""
        return self.attributes.get("DeadLetterQueueSourceArn")

    @property
    def message_attributes(self) -> Mapping[str, str | bytes | int | Decimal]:
        """The user's attributes by name: `String` as `str`, `Binary` as `bytes`, `Number` as `int` or `Decimal`.

        A label behind the data type (`Number.float`) is the user's own and changes nothing.
        """
        return {name: _attribute(value) for name, value in nested(self._raw, "messageAttributes").items()}

    @property
    def md5_of_body(self) -> str:
        """The MD5 digest of the body, in hexadecimal."""
        return text(self._raw, "md5OfBody")

    @property
    def md5_of_message_attributes(self) -> str | None:
        """The MD5 digest of the user's attributes, in hexadecimal."""
        return optional_text(self._raw, "md5OfMessageAttributes")

    @property
    def queue_name(self) -> str:
        """The queue's name, the last part of its ARN."""
        return self.event_source_arn.rpartition(":")[2]

    def _payload(self) -> Any:
        return self._body if self._body is not UNDECODED else self._raw.get("body")

    def _identity(self) -> str:
        return f"message_id={self._raw.get('messageId')!r}"


def body_text(raw: RawRecord) -> str:
    """The body as delivered. Raises `ValueError` if it is no text, without quoting it."""
    body = raw.get("body")
    if isinstance(body, str):
        return body
    raise PayloadError(f"expected 'body' to be text, found a value of type {type(body).__name__}")


def by_message_group(raw: RawRecord, /) -> Hashable | None:
    """Messages of one group are one lane: the order that SQS promises, and no more.

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
        raise ValueError(
            "by_message_group orders messages of SQS, and this is no record of SQS: on Kinesis there is by_partition_key, "
            "on DynamoDB Streams by_item_key, on Kafka by_topic_partition and by_message_key"
        )
    return "" if _is_fifo(raw) else None


@overload
def sqs(*, lane: Lane | None = None) -> Source[SqsRecord[str], SqsRecord[str]]: ...
@overload
def sqs(body: TypeForm[T], /, *, lane: Lane | None = None) -> Source[SqsRecord[T], SqsRecord[str]]: ...
@overload
def sqs(*, decode: Callable[[str], T], lane: Lane | None = None) -> Source[SqsRecord[T], SqsRecord[str]]: ...
def sqs(
    body: Any = UNDECODED, /, *, decode: Callable[[str], Any] | None = None, lane: Lane | None = None
) -> Source[SqsRecord[Any], SqsRecord[str]]:
    """Read events of an SQS queue.

    Without arguments the body stays text. With a type, pydantic validates the body's JSON into it. With `decode`, that
    function makes the body from its text. A body that will not parse (a `ValueError`) is `Malformed`.

    Every record that is not done is named in the response. A FIFO queue, recognised by `.fifo` at the end of
    `eventSourceARN`, is one lane (`whole_batch`), as AWS asks; `lane=by_message_group` keeps the order that SQS promises
    and lets the other groups go on. A standard queue has no order (`each_record`), message groups or not.

    >>> event = {"Records": [{"messageId": "m1", "eventSource": "aws:sqs", "body": "[1, 2]"}]}
    >>> raws, item_ids = sqs(list[int]).read(event)
    >>> item_ids, sqs(list[int]).parse(raws[0]).body
    (['m1'], [1, 2])
    """
    return Source(
        name=_NAME,
        read=_read,
        parse=_parser(body, decode),
        as_delivered=SqsRecord,
        lane_of=_lane_of_queue if lane is None else lambda _raws: lane,
        respond=name_every_record,
    )


def _parser(form: Any, decode: Callable[[str], Any] | None) -> Callable[[RawRecord], SqsRecord[Any]]:
    if form is UNDECODED and decode is None:
        return SqsRecord
    if decode is not None:
        decoded = from_function(decode, form)
        return lambda raw: SqsRecord(raw, decoded(body_text(raw)))
    validator = from_json(form)
    validate, hidden = validator.validate, validator.hidden

    def parse(raw: RawRecord) -> SqsRecord[Any]:
        try:
            return SqsRecord(raw, validate(raw["body"]))  # pydantic refuses what is no text, by itself
        except ValueError as error:
            clean = hidden(error)
        except KeyError:
            body_text(raw)  # says that there is none; if there is one, the error is a validator's
            raise
        try:  # not inside `except`: the error with the input would be its context, and be printed with it
            raise clean
        finally:
            del clean  # a cycle otherwise: the error keeps this frame

    return parse


_read = reader(
    _NAME,
    event_source="aws:sqs",
    id_path=("messageId",),
    is_number=False,
    id_form="text that is not empty",
)


def _is_fifo(raw: RawRecord) -> bool:
    return str(raw.get("eventSourceARN")).endswith(_FIFO)


_FIFO = ".fifo"


def _lane_of_queue(raws: Sequence[RawRecord]) -> Lane:
    # the records of a batch come from one queue: an event source mapping has one
    if raws and str(raws[0].get("eventSourceARN")).endswith(_FIFO):
        return whole_batch
    return each_record


def _attribute(value: Mapping[str, Any]) -> str | bytes | int | Decimal:
    data_type = text(value, "dataType").partition(".")[0]
    if data_type == "Binary":
        return bytes_of(value.get("binaryValue"), "binaryValue")
    content = text(value, "stringValue")
    return number(content) if data_type == "Number" else content
