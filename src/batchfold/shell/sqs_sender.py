"""`sqs_sender`: send failed records to an SQS queue, for `dead_letter`.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, TypeAlias

from returns.result import Failure, Result, Success
from typing_extensions import TypeVar

from batchfold.core._guards import is_mapping
from batchfold.core.outcomes import Failed
from batchfold.core.records import Record, item_name
from batchfold.core.redaction import describe
from batchfold.shell.aws_calls import is_unreachable
from batchfold.shell.sqs_client import SendsMessages, clients_of
from batchfold.sources.fields import bytes_of
from batchfold.sources.sqs import SqsRecord

D = TypeVar("D", bound=Record, default=Record)

Sender: TypeAlias = Callable[[Failed[object, D]], Result[str, Exception]]
"""`Failed` in; out comes the id of the message that was sent, or why it could not be sent."""

_MOST_ATTRIBUTES = 10
_MOST_BYTES = 1_048_576

_SECONDS_OF_REST = 10
"""How long nothing is sent after SQS could not be reached: longer than from one dead letter of a batch to the next."""

_POINTERS = frozenset(("extendedpayloadsize", "sqslargepayloadsize"))
"""Attributes of AWS's extended client, and of its older versions: the body points to an object in S3."""

_SAY_HOW_TO_READ_THE_BODY = _POINTERS | {
    "content-encoding",
    "contentencoding",
    "content-type",
    "contenttype",  # Spring Cloud AWS
    "jms_sqsmessagetype",  # AWS's Java messaging library
}


def sqs_sender(
    queue_url: str,
    *,
    message_group_id: Callable[[Failed[object, D]], str] | None = None,
    client: SendsMessages | None = None,
) -> Sender[D]:
    """Make a `send` for `dead_letter` that sends each failed record to an SQS queue, as one message.

    Make it when the module is loaded. The function's role needs `sqs:SendMessage` on the queue and, if the queue is encrypted
    with a key of yours, `kms:GenerateDataKey` and `kms:Decrypt`.

    Args:
        queue_url: the queue that dead letters go to.
        message_group_id: from a failed record to the message group that it joins. A FIFO queue (its name ends in `.fifo`)
            needs it; the exact order is broken, for dead letters no longer stand between their neighbours. The
            deduplication id is the original message's id, or of any other record a digest of all of it. mypy cannot tell
            what a lambda takes inside `dead_letter(...)`: give it a function with annotations.
        client: boto3's SQS client, or any object with its `send_message`. It has time-outs of its own; boto3's default is
            to wait for minutes. AWS's extended client stores large dead letters in S3. Without one, boto3
            (`pip install "batchfold[sqs]"`) makes it when it is first needed.

    The message:
        - body: of an SQS message, its body as it came; of any other record, the raw record as JSON, as Lambda delivered it.
        - `batchfold.item_id`: the item identifier, for the message has an id of its own.
        - `batchfold.source`: the ARN of the queue or stream that the record came from, or a Kafka record's topic and
          partition. `StartMessageMoveTask` does not take back what a function sent.
        - `batchfold.reason`: the fault and the type of its error; of a payload that would not parse, the broken rules and
          where, never what stood there.
        - the attributes of the original message, those that say how the body is read first. SQS takes ten in all; those
          that are left out are logged as a warning.

    The sender returns `Success(message_id)` or a `Failure`: a `ValueError` for more than the 1 MiB that SQS takes (unless a
    `client` was given, which may know what to do with it), or boto3's error. After an error that says that SQS could not be
    reached, it returns the same error for ten seconds and sends nothing. It waits for SQS, about 7 s at most with a client
    of its own; in an async run, have a thread wait:
    `async def send(failed): return await asyncio.to_thread(send_and_wait, failed)`.

    Raises `ValueError` for a FIFO queue without `message_group_id`, `ImportError` without boto3.
    """
    is_fifo = queue_url.endswith(".fifo")
    if is_fifo and message_group_id is None:
        raise ValueError(
            "a FIFO dead-letter queue needs message_group_id=: from a failed record to the group that it joins. "
            "The exact order is broken either way, for the dead letters no longer stand between their neighbours"
        )
    client_of = clients_of(client, "sqs_sender")
    unreachable: tuple[float, Exception] | None = None

    def send(failed: Failed[object, D]) -> str:
        sqs = client_of(queue_url)
        body = _body(failed)
        attributes, left_out = _attributes(failed, sqs)
        if client is None:
            _refuse_oversize(body, attributes)
        more: dict[str, str] = {}
        if message_group_id is not None:
            more["MessageGroupId"] = message_group_id(failed)
        if is_fifo:
            more["MessageDeduplicationId"] = _deduplication_id(failed, body)
        sent = sqs.send_message(QueueUrl=queue_url, MessageBody=body, MessageAttributes=attributes, **more)
        message_id: str = sent["MessageId"]
        if left_out:
            _log_left_out(item_name(failed.item_id), left_out)
        return message_id

    def send_unless_resting(failed: Failed[object, D]) -> Result[str, Exception]:
        nonlocal unreachable
        if unreachable is not None and monotonic() < unreachable[0]:
            return Failure(unreachable[1])
        try:
            message_id = send(failed)
        except Exception as error:  # noqa: BLE001  # the record stays failed, with it as the second cause
            unreachable = (monotonic() + _SECONDS_OF_REST, error) if is_unreachable(error) else None
            return Failure(error)
        unreachable = None
        return Success(message_id)

    return send_unless_resting


def _body(failed: Failed[object, Record]) -> str:
    raw = failed.raw
    body = raw.get("body") if isinstance(failed.record, SqsRecord) else None
    if isinstance(body, str):
        return body
    # text is sent as it is: escaped, a character of three bytes has six
    return _REFUSED_BY_SQS.sub(_escaped, json.dumps(raw, ensure_ascii=False, default=_as_json))


_REFUSED_BY_SQS = re.compile("[\ud800-\udfff\ufffe\uffff]")
"""In JSON they can stand inside strings alone. Control characters are escaped already."""


def _escaped(character: re.Match[str]) -> str:
    return f"\\u{ord(character[0]):04x}"


def _as_json(value: object) -> object:
    """Return bytes as base64 text, as Lambda does, and mappings of other types as dictionaries."""
    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode()
    if is_mapping(value):
        return dict(value)
    raise TypeError(f"the raw record holds a {type(value).__name__}, which JSON cannot express")


def _attributes(failed: Failed[object, Record], client: object) -> tuple[dict[str, Any], Sequence[str]]:
    """Return the attributes of the dead letter, and the names of those that the original had and that are left out."""
    item_id = failed.item_id
    ours = {
        "batchfold.item_id": item_id if isinstance(item_id, str) else f"{item_id['partition']}-{item_id['offset']}",
        "batchfold.source": _source_of(failed),
        "batchfold.reason": _reason(failed),
    }
    attributes: dict[str, Any] = {name: {"DataType": "String", "StringValue": value} for name, value in ours.items()}
    found: object = failed.raw.get("messageAttributes")
    originals: Mapping[str, Any] = found if is_mapping(found) else {}
    room = _MOST_ATTRIBUTES
    if getattr(client, "large_payload_support", None) and _POINTERS.isdisjoint(map(str.lower, originals)):
        room -= 1  # AWS's extended client adds one of its own, `ExtendedPayloadSize`
    left_out: list[str] = []
    for name, value in sorted(originals.items(), key=lambda each: each[0].lower() not in _SAY_HOW_TO_READ_THE_BODY):
        if name in ours:  # a dead letter that failed again: what was said the first time no longer holds
            continue
        sent = _as_sent(value) if len(attributes) < room else None
        if sent is None:
            left_out.append(name)
        else:
            attributes[name] = sent
    return attributes, left_out


def _as_sent(value: Any) -> dict[str, Any] | None:
    """Return an attribute as SQS takes it, `None` for one that it would refuse together with the message."""
    match value:
        case {"dataType": str(data_type)} if data_type.partition(".")[0] == "Binary":
            try:
                content = bytes_of(value.get("binaryValue"), "binaryValue")
            except ValueError:
                return None
            return {"DataType": data_type, "BinaryValue": content} if content else None
        case {"dataType": str(data_type), "stringValue": str(text)} if text:
            return {"DataType": data_type, "StringValue": text}
        case _:
            return None


def _source_of(failed: Failed[object, Record]) -> str:
    raw = failed.raw
    if "topic" in raw:
        return f"{raw['topic']}-{raw.get('partition')}"
    # a record of Firehose does not say which delivery stream it is of
    return str(raw.get("eventSourceARN") or type(failed.record).__name__.removesuffix("Record"))


def _reason(failed: Failed[object, Record]) -> str:
    error = failed.fault.error
    # what parsing raised comes from the source without its input, and names the fields of the user's own model
    # an error value that is no exception may be anything; whoever reads dead letters is not who reads the log
    reason = describe(error) if isinstance(error, BaseException) else type(error).__name__
    return f"{type(failed.fault).__name__}: {reason}"


def _refuse_oversize(body: str, attributes: Mapping[str, Mapping[str, Any]]) -> None:
    # the value of an attribute counts, and so do its name and its type
    texts = [body, *attributes, *(part for value in attributes.values() for part in value.values())]
    size = sum(len(part if isinstance(part, bytes) else part.encode()) for part in texts)
    if size > _MOST_BYTES:
        raise ValueError(
            f"the dead letter has {size} bytes, its attributes included, and SQS takes {_MOST_BYTES}: "
            "a client= that stores large messages in S3, such as AWS's extended client, may send it"
        )


def _deduplication_id(failed: Failed[object, Record], body: str) -> str:
    if isinstance(failed.record, SqsRecord):
        return str(failed.item_id)
    # sequence numbers and offsets are those of one stream or cluster, which an identifier does not tell
    from hashlib import sha256  # noqa: PLC0415  # for FIFO queues that streams and topics fail into

    return sha256(body.encode()).hexdigest()


def _log_left_out(name: str, attributes: Sequence[str]) -> None:
    from batchfold.shell.failure_log import log_remark  # noqa: PLC0415  # logging costs a cold start 7 ms

    shown = ", ".join(map(ascii, attributes[:_MOST_ATTRIBUTES]))
    remark = (
        f"the dead letter of record {name} leaves out {len(attributes)} of its message attributes, for which there is no "
        f"room or no value that SQS takes: {shown}"
    )
    log_remark(remark, name)
