"""`sqs_sender`: send failed records to an SQS queue, for `dead_letter`.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from returns.result import Result, safe
from typing_extensions import TypeVar

from batchfold.core.outcomes import Failed
from batchfold.core.records import Record
from batchfold.core.redaction import describe
from batchfold.shell.sqs_client import SendsMessages, sqs_client
from batchfold.sources.fields import bytes_of
from batchfold.sources.sqs import SqsRecord

D = TypeVar("D", bound=Record, default=Record)

Sender: TypeAlias = Callable[[Failed[object, D]], Result[str, Exception]]
"""`Failed` in; out comes the id of the message that was sent, or why it could not be sent."""

_MOST_ATTRIBUTES = 10
_MOST_BYTES = 1_048_576


def sqs_sender(
    queue_url: str,
    *,
    message_group_id: Callable[[Failed[object, D]], str] | None = None,
    client: SendsMessages | None = None,
) -> Sender[D]:
    """Make a `send` for `dead_letter` that sends each failed record to an SQS queue, as one message.

    Make it when the module is loaded, not in each invocation: without a `client` it makes one with boto3
    (`pip install "batchfold[sqs]"`). The function's role needs `sqs:SendMessage` on the queue and, if the queue is
    encrypted with a key of yours, `kms:GenerateDataKey` and `kms:Decrypt` on it.

    Args:
        queue_url: the queue that dead letters go to.
        message_group_id: from a failed record to the message group that it joins. A FIFO queue (its name ends in
            `.fifo`) needs it, and it is a choice to be made: the dead letters no longer stand between their neighbours,
            so the exact order is broken. The deduplication id is the original message's id, or of any other record a
            digest of all of it: one that is sent twice within five minutes arrives once. Inside `dead_letter(...)`, mypy
            needs a function with annotations for it: it cannot tell what a lambda there takes.
        client: boto3's SQS client, or any object with its `send_message`.

    The message:
        - body: of an SQS message, its body as it came. Of any other record, the raw record as JSON, which is how Lambda
          delivered it: payloads of Kinesis and Kafka are base64 in it, DynamoDB images are attribute values.
        - `batchfold.item_id`: the item identifier, for the message has an id of its own.
        - `batchfold.source`: the ARN of the queue or stream that the record came from; of a Kafka record, which tells no
          ARN, topic and partition. Keep it: `StartMessageMoveTask` does not take back what a function sent.
        - `batchfold.reason`: the fault and the type of its error, and of an error in a payload the rules that were broken
          and where. Never what stood there.
        - the attributes of the original message, as many as there is room for beside ours: ten in all is what SQS takes.

    The sender returns `Success(message_id)`, or a `Failure` with what went wrong: a record larger than the 1 MiB that SQS
    takes (attributes included) is a `ValueError`, and boto3's errors are as boto3 raises them. It waits for SQS; in an
    async run, have a thread wait: `async def send(failed): return await asyncio.to_thread(send_and_wait, failed)`.

    Raises `ValueError` for a FIFO queue without `message_group_id`, `ImportError` without boto3.
    """
    is_fifo = queue_url.endswith(".fifo")
    if is_fifo and message_group_id is None:
        raise ValueError(
            "a FIFO dead-letter queue needs message_group_id=: from a failed record to the group that it joins. "
            "The exact order is broken either way, for the dead letters no longer stand between their neighbours"
        )
    sqs: SendsMessages = sqs_client("sqs_sender") if client is None else client

    def send_or_raise(failed: Failed[object, D]) -> str:
        body, attributes = _body(failed), _attributes(failed)
        _refuse_oversize(body, attributes)
        more: dict[str, str] = {}
        if message_group_id is not None:
            more["MessageGroupId"] = message_group_id(failed)
        if is_fifo:
            more["MessageDeduplicationId"] = _deduplication_id(failed, body)
        sent = sqs.send_message(QueueUrl=queue_url, MessageBody=body, MessageAttributes=attributes, **more)
        message_id: str = sent["MessageId"]
        return message_id

    return safe(send_or_raise)


def _body(failed: Failed[object, Record]) -> str:
    raw = failed.raw
    body = raw.get("body") if isinstance(failed.record, SqsRecord) else None
    return body if isinstance(body, str) else json.dumps(raw)


def _attributes(failed: Failed[object, Record]) -> dict[str, Any]:
    ours = {
        "batchfold.item_id": _id_of(failed),
        "batchfold.source": _source_of(failed.raw),
        "batchfold.reason": _reason(failed),
    }
    attributes: dict[str, Any] = {name: {"DataType": "String", "StringValue": value} for name, value in ours.items()}
    given: Mapping[str, Mapping[str, Any]] = failed.raw.get("messageAttributes") or {}
    for name, value in given.items():
        if len(attributes) == _MOST_ATTRIBUTES:
            break
        if name not in attributes:
            attributes[name] = _as_sent(value)
    return attributes


def _as_sent(value: Mapping[str, Any]) -> dict[str, Any]:
    data_type: str = value["dataType"]
    if data_type.partition(".")[0] == "Binary":
        return {"DataType": data_type, "BinaryValue": bytes_of(value["binaryValue"], "binaryValue")}
    return {"DataType": data_type, "StringValue": value["stringValue"]}


def _id_of(failed: Failed[object, Record]) -> str:
    item_id = failed.item_id
    return item_id if isinstance(item_id, str) else f"{item_id['partition']}-{item_id['offset']}"


def _source_of(raw: Mapping[str, Any]) -> str:
    return str(raw["eventSourceARN"] if "eventSourceARN" in raw else f"{raw.get('topic')}-{raw.get('partition')}")


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
        raise ValueError(f"the dead letter has {size} bytes, its attributes included, and SQS takes {_MOST_BYTES}")


def _deduplication_id(failed: Failed[object, Record], body: str) -> str:
    if isinstance(failed.record, SqsRecord):
        return _id_of(failed)
    # sequence numbers and offsets are those of one stream or cluster, which an identifier does not tell
    from hashlib import sha256  # noqa: PLC0415  # for FIFO queues that streams and topics fail into

    return sha256(body.encode()).hexdigest()
