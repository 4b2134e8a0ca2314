"""Recognising what was given up: by what a message or a document says of itself.

Everything that decides what kind of thing a message is lives in this file. A message that SQS moved to a dead-letter queue
is the original one, whatever it holds. Otherwise the attributes of `sqs_sender` count, then the document that Lambda or a
pipe sends to a destination. The pages of AWS:
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html,
https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html,
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from batchfold.cli.api_events import sqs_raw
from batchfold.cli.replay_given_up import (
    PARTS_OF_ARN,
    Content,
    GivenUp,
    Kind,
    Letter,
    OneRecord,
    OutOfReach,
    ShardRange,
    WholeEvent,
    place_of,
    region_of_arn,
    service_of,
)
from batchfold.core._guards import is_list, is_mapping
from batchfold.sources.known import source_of

_OURS = "batchfold."


def recognised(letter: Letter, *, source_arn: str | None = None) -> GivenUp:
    """Return what a message or a document is.

    `source_arn` is the source of messages that do not tell theirs.
    """
    moved_from = letter.attribute("DeadLetterQueueSourceArn")
    if moved_from is not None:
        return _dead_letter(letter, moved_from)
    if letter.message_attribute("batchfold.item_id") and letter.message_attribute("batchfold.source"):
        return _sent_record(letter, source_arn)
    document = _document(letter.body)
    told = _of_document(letter, document) if is_mapping(document) else None
    if told is None and letter.message_attribute("RequestID") and letter.message_attribute("ErrorCode"):
        told = _refused_invocation(letter, document)
    return told or _by_place(letter, document, source_arn)


def _of_document(letter: Letter, document: Mapping[str, Any]) -> GivenUp | None:
    batch = _batch(letter, document)
    if batch is None and is_mapping(document.get("requestContext")) and "requestPayload" in document:
        return _invocation(letter, document)
    return batch


def _by_place(letter: Letter, document: object, source_arn: str | None) -> GivenUp:
    """Return what something is that does not say so itself, by where it was found."""
    if letter.message is None:
        if source_of(document) is None:
            return _unknown(letter, _WHAT_WAS_EXPECTED)
        size = _size(document)
        return GivenUp(letter=letter, kind="event", source="", place="", content=WholeEvent(document), records=size)
    if source_arn is None or service_of(source_arn) != "sqs":
        return _unknown(letter, _WHERE_FROM)
    return _dead_letter(letter, source_arn)


_WHERE_FROM = "it does not say where it comes from; --source-arn ARN says that messages like it come from that queue"
_WHAT_WAS_EXPECTED = "it is neither a document of an on-failure destination nor an event"
_TOO_LARGE = "the document holds no event: Lambda leaves out one that is too large"


def _dead_letter(letter: Letter, queue_arn: str) -> GivenUp:
    raw = sqs_raw(letter.message or {}, queue_arn, region_of_arn(queue_arn))
    count = letter.attribute("ApproximateReceiveCount")
    return GivenUp(
        letter=letter,
        kind="dead letter",
        source=queue_arn,
        place=place_of(queue_arn),
        content=_message(raw, queue_arn),
        records=1,
        since=_sent_at(letter),
        why="received too often" if count is None else f"received {count} times",
    )


def _message(raw: dict[str, Any], queue_arn: str) -> OneRecord:
    group: object = raw["attributes"].get("MessageGroupId") if queue_arn.endswith(".fifo") else None
    return OneRecord(raw=raw, shape="sqs", item_id=raw["messageId"], group=group if isinstance(group, str) else None)


def _sent_record(letter: Letter, source_arn: str | None) -> GivenUp:
    """Return the record that `sqs_sender` has sent: a message's body as it came, or a raw record as JSON."""
    source, item_id = letter.message_attribute("batchfold.source") or "", letter.message_attribute("batchfold.item_id")
    if service_of(source) == "sqs":
        content: Content = _sent_message(letter, source, item_id or "")
    else:
        raw = _json(letter.body)
        content = record_of(raw, item_id) if is_mapping(raw) else OutOfReach("its body is no raw record in JSON")
    is_kafka = isinstance(content, OneRecord) and content.shape == "kafka"
    return GivenUp(
        letter=letter,
        kind="sent record",
        source=(source_arn or source) if is_kafka else source,
        place=f"topic and partition {source}" if is_kafka else place_of(source),
        content=content,
        records=1,
        since=_sent_at(letter),
        why=letter.message_attribute("batchfold.reason") or "",
    )


def _sent_message(letter: Letter, queue_arn: str, item_id: str) -> OneRecord:
    """Return the original message: its id is that of the record, and `sqs_sender`'s attributes are none of its own."""
    raw = sqs_raw(letter.message or {}, queue_arn, region_of_arn(queue_arn))
    raw.pop("md5OfMessageAttributes", None)  # it was that of all attributes
    own = {name: value for name, value in raw["messageAttributes"].items() if not name.startswith(_OURS)}
    raw |= {"messageId": item_id, "messageAttributes": own}
    return OneRecord(raw=raw, shape="sqs", item_id=item_id)  # the group stayed behind, and its order with it


def record_of(raw: Mapping[str, Any], item_id: str | None) -> OneRecord:
    """Return the record that a raw record is; `item_id` names it where it does not say that itself."""
    event_source = raw.get("eventSource")
    if event_source == "aws:kinesis" and is_mapping(raw.get("kinesis")):
        return OneRecord(raw=raw, shape="kinesis", item_id=raw["kinesis"].get("sequenceNumber"))
    if event_source == "aws:kinesis" and "sequenceNumber" in raw:
        return OneRecord(raw=raw, shape="kinesis", item_id=raw.get("eventID"), by_pipe=True)
    if event_source == "aws:dynamodb" and is_mapping(raw.get("dynamodb")):
        number = raw["dynamodb"].get("SequenceNumber")
        named = number if item_id is None else item_id
        # a pipe's records look the same, but the event's identifier names them
        by_pipe = named != number and named == raw.get("eventID")
        return OneRecord(raw=raw, shape="dynamodb", item_id=named, by_pipe=by_pipe)
    if {"topic", "partition", "offset"} <= set(raw):
        kafka_id = {"partition": f"{raw['topic']}-{raw['partition']}", "offset": raw["offset"]}
        return OneRecord(raw=raw, shape="kafka", item_id=kafka_id)
    return OneRecord(raw=raw, shape="other", item_id=item_id)


def _batch(letter: Letter, document: Mapping[str, Any]) -> GivenUp | None:
    """Return the batch of a stream or of topics that the document is about; `None` if it is about none."""
    kinds: dict[str, Kind] = {
        "KinesisBatchInfo": "Kinesis batch",
        "DDBStreamBatchInfo": "DynamoDB batch",
        "KafkaBatchInfo": "Kafka batch",
    }
    for key, kind in kinds.items():
        info: object = document.get(key)
        if not is_mapping(info):
            continue
        source = str(info.get("streamArn") or info.get("eventSourceArn") or "")
        shard = f", {info['shardId']}" if "shardId" in info else ""
        size: object = info.get("batchSize")
        payload: object = document.get("payload")
        if payload is not None:
            content = _payload(payload)
        elif kind == "Kafka batch":
            content = OutOfReach(f"{_offsets(info)}: batchfold reads no topics, and only S3 is sent the records")
        else:
            shape: Literal["kinesis", "dynamodb"] = "kinesis" if kind == "Kinesis batch" else "dynamodb"
            # a pipe's document has a context of another form
            content = _range(shape, info, by_pipe="requestContext" not in document)
        return GivenUp(
            letter=letter,
            kind=kind,
            source=source,
            place=f"{place_of(source) or 'topics of a self-managed cluster'}{shard}",
            content=content,
            records=size if isinstance(size, int) else None,
            since=_moment(document.get("timestamp")),
            why=_condition(document),
        )
    return None


def _range(shape: Literal["kinesis", "dynamodb"], info: Mapping[str, Any], *, by_pipe: bool) -> Content:
    names = ("streamArn", "shardId", "startSequenceNumber", "endSequenceNumber")
    arn, shard, start, end = (info.get(name) for name in names)
    count: object = info.get("batchSize")
    if not (isinstance(arn, str) and isinstance(shard, str) and isinstance(start, str) and isinstance(end, str)):
        return OutOfReach(f"expected the document to have {', '.join(names)} as text")
    if not (start.isdecimal() and end.isdecimal() and isinstance(count, int) and arn.count(":") >= PARTS_OF_ARN - 1):
        return OutOfReach("expected the document to have numbers for sequence numbers and batchSize, and an ARN")
    stream_arn, _, _ = arn.partition("/consumer/")  # an enhanced fan-out consumer reads the same shards
    return ShardRange(
        shape=shape, stream_arn=stream_arn, shard_id=shard, start=start, end=end, count=count, by_pipe=by_pipe
    )


def _payload(payload: object) -> Content:
    """Return the event in a document: escaped as text in S3, an object in a topic of Kafka."""
    event = _json(payload) if isinstance(payload, str) else payload
    return WholeEvent(event) if is_mapping(event) or is_list(event) else OutOfReach("its payload is no event in JSON")


def _offsets(info: Mapping[str, Any]) -> str:
    listed: object = info.get("recordsInfo")
    parts = [
        f"{name} from offset {part.get('firstRecordOffset')} to {part.get('lastRecordOffset')}"
        for name, part in (listed.items() if is_mapping(listed) else ())
        if is_mapping(part)
    ]
    return ", ".join(parts) or "the records"


def _invocation(letter: Letter, document: Mapping[str, Any]) -> GivenUp:
    context: Mapping[str, Any] = document["requestContext"]
    event: object = document["requestPayload"]
    if context.get("condition") == "Success":
        content: Content = OutOfReach("the invocation succeeded, so nothing was given up")
    else:
        content = OutOfReach(_TOO_LARGE) if event is None else WholeEvent(event, is_invocation=True)
    source = str(context.get("functionArn", ""))
    return GivenUp(
        letter=letter,
        kind="invocation",
        source=source,
        place=place_of(source),
        content=content,
        records=_size(event),
        since=_moment(document.get("timestamp")),
        why=_condition(document),
    )


def _refused_invocation(letter: Letter, event: object) -> GivenUp:
    """Return the invocation whose event lies in the function's own dead-letter queue."""
    code = letter.message_attribute("ErrorCode")
    is_event = is_mapping(event) or is_list(event)
    return GivenUp(
        letter=letter,
        kind="invocation",
        source="",
        place="",
        content=WholeEvent(event, is_invocation=True) if is_event else OutOfReach("its body is no event in JSON"),
        records=_size(event),
        since=_sent_at(letter),
        why=f"error code {code}",
    )


def _unknown(letter: Letter, why: str) -> GivenUp:
    return GivenUp(letter=letter, kind="unknown", source="", place="", content=OutOfReach(why), since=_sent_at(letter))


def _document(body: str) -> Any:
    """The document in a body. SNS wraps it, unless raw message delivery is on."""
    document = _json(body)
    if is_mapping(document) and document.get("Type") == "Notification" and "TopicArn" in document:
        wrapped: object = document.get("Message")
        inner = _json(wrapped) if isinstance(wrapped, str) else None
        if is_mapping(inner) and "timestamp" in inner and "version" in inner:
            return inner
    return document


def _json(text: str) -> Any:
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    return None


def _condition(document: Mapping[str, Any]) -> str:
    for name in ("requestContext", "context"):
        context: object = document.get(name)
        if is_mapping(context):
            condition, count = context.get("condition"), context.get("approximateInvokeCount")
            often = f" after {count} invocation{'' if count == 1 else 's'}" if isinstance(count, int) else ""
            return f"{condition}{often}"
    return ""


def _size(event: object) -> int | None:
    """Return how many records an event lists, as far as it says."""
    listed: object = event.get("Records", event.get("records")) if is_mapping(event) else event
    if is_mapping(listed):
        return sum(len(part) for part in listed.values() if is_list(part))
    return len(listed) if is_list(listed) else None


def _sent_at(letter: Letter) -> datetime | None:
    sent = letter.attribute("SentTimestamp")
    if sent is None or not sent.isdecimal():
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(sent))


def _moment(text: object) -> datetime | None:
    with suppress(ValueError, TypeError):
        found = datetime.fromisoformat(str(text))
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return None
