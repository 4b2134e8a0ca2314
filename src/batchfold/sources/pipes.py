"""`pipes`: an adapter for EventBridge Pipes, which delivers the records of SQS, Kinesis and DynamoDB Streams in its own way.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html says how a pipe calls a Lambda
function and reads its response. Three things differ from an event source
mapping: the event is the list of records itself, a Kinesis record is flat, and a record that is not done is named by its
`messageId` or `eventID`. A pipe retries the records that are named and goes back to no checkpoint, so all are named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from typing_extensions import TypeIs, TypeVar

from batchfold.core._guards import add_note, is_list, is_mapping
from batchfold.core.records import ItemId, RawRecord, UnexpectedEventError
from batchfold.core.response import name_every_record
from batchfold.core.source import AsyncSource, ReadEvent, Source
from batchfold.sources.fields import ListedRecord
from batchfold.sources.reading import a_kind_of, quoted, refuse

R = TypeVar("R")
L = TypeVar("L", bound=ListedRecord)

THROUGH_PIPES = " through EventBridge Pipes"
"""Added to the name of a source that is read through a pipe."""

_ID_KEYS = {"aws:sqs": "messageId", "aws:kinesis": "eventID", "aws:dynamodb": "eventID"}
"""The field that names a record to the pipe, by its event source."""

_KINESIS_KEYS = (
    "kinesisSchemaVersion",
    "partitionKey",
    "sequenceNumber",
    "data",
    "approximateArrivalTimestamp",
    "encryptionType",
)
"""The fields that an event source mapping delivers under `kinesis`, and a pipe beside the others."""


@overload
def pipes(source: Source[R, L], /) -> Source[R, L]: ...
@overload
def pipes(source: AsyncSource[R, L], /) -> AsyncSource[R, L]: ...
def pipes(source: Any, /) -> AsyncSource[Any, Any]:
    """Make a source that reads the events of an EventBridge pipe, whose target is the Lambda function.

    Args:
        source: `sqs(...)`, `kinesis(...)` or `dynamodb(...)`, or any source that reads an event with its records listed
            under `Records`. Payloads, lanes and records stay as they are: a FIFO queue keeps its order, and the batch of
            a stream is one lane.

    Handlers, lanes and outcomes see raw records in the form in which an event source mapping delivers them. The item
    identifier is the `messageId` of an SQS message and the `eventID` of a Kinesis or DynamoDB record. A record without
    an `eventSource`, which an enrichment may return, has the one or the other. The response names every record that is
    not done, on streams too.

    Raises `TypeError` for a source that does not read records under `Records`, such as `kafka()`: AWS documents no
    identifier by which a pipe can be told of a Kafka record.

    >>> from batchfold import sqs
    >>> source = pipes(sqs(list[int]))
    >>> raws, item_ids = source.read([{"messageId": "m1", "eventSource": "aws:sqs", "body": "[1, 2]"}])
    >>> item_ids, source.parse(raws[0]).body
    (['m1'], [1, 2])
    """
    if not _is_source(source):
        raise TypeError(f"pipes() got {a_kind_of(source)}, expected a source, such as sqs(Order)")
    read_listed = source.read
    try:
        read_listed({"Records": []})
    except Exception as error:
        raise TypeError(
            f"pipes() got a source of {source.name}, expected one that reads records listed under 'Records', such as "
            "sqs(), kinesis() or dynamodb(): a pipe is told of a record that is not done by its 'messageId' or 'eventID', "
            "and AWS documents no such identifier for Kafka"
        ) from error
    return source.replace(name=source.name + THROUGH_PIPES, read=_reader(read_listed), respond=name_every_record)


def _is_source(value: object) -> TypeIs[AsyncSource[Any, Any]]:
    return isinstance(value, AsyncSource)


def _reader(read_listed: ReadEvent) -> ReadEvent:
    def read(delivered: object) -> tuple[Sequence[RawRecord], Sequence[ItemId]]:
        listed = _checked_list(delivered)
        try:
            raws, own_ids = read_listed({"Records": [_as_mapped(raw) for raw in listed]})
        except UnexpectedEventError as error:
            add_note(error, "batchfold: pipes() read the event, so Records[0] is the first record of the list")
            raise
        if listed and not raws:
            refuse(f"expected the source to read the {len(listed)} records of the event, but it found none of them")
        item_ids = [_checked_id(position, raw) for position, raw in enumerate(raws)]
        if len(set(item_ids)) < len(item_ids):
            _refuse_shared_ids(item_ids, own_ids)
        return raws, item_ids

    return read


def _checked_list(delivered: object) -> Sequence[Any]:
    if is_list(delivered):
        return delivered
    found = a_kind_of(delivered)
    if is_mapping(delivered) and ("Records" in delivered or "records" in delivered):
        found += ", as an event source mapping of Lambda passes its records: use the source itself, without pipes(...)"
    refuse(f"expected the list of records that EventBridge Pipes passes, found {found}")


def _as_mapped(raw: Any) -> Any:
    """Return a raw record in the form in which an event source mapping delivers it."""
    if not is_mapping(raw) or raw.get("eventSource") != "aws:kinesis" or "kinesis" in raw:
        return raw
    others = dict(raw)
    return {"kinesis": {key: others.pop(key) for key in _KINESIS_KEYS if key in others}, **others}


def _checked_id(position: int, raw: RawRecord) -> str:
    key = _ID_KEYS.get(str(raw.get("eventSource"))) or ("messageId" if "messageId" in raw else "eventID")
    found = raw.get(key)
    if type(found) is str and found:
        return found
    shown = quoted(found) if key in raw else "none"
    refuse(
        f"expected {key!r} of the record at position {position}, which names it to the pipe, to be text that is not "
        f"empty, found {shown}"
    )


def _refuse_shared_ids(item_ids: Sequence[str], own_ids: Sequence[ItemId]) -> None:
    """Refuse an identifier that two different records share: one of them could not be named without the other.

    The same record may be there twice, as a queue may deliver a message, or in parts, as an aggregate has them.
    """
    first: dict[str, ItemId] = {}
    for position, (item_id, own_id) in enumerate(zip(item_ids, own_ids, strict=True)):
        if first.setdefault(item_id, own_id) != own_id:
            refuse(
                f"expected each record to have an identifier of its own, found {quoted(item_id)} again, at position "
                f"{position}, for another record: the pipe could not be told which of them is not done"
            )
