"""Envelopes: the types of what is inside them, and of what may be absent."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, assert_type

from pydantic import BaseModel
from returns.result import Result, Success

from batchfold import (
    CloudWatchLogEvent,
    CloudWatchLogs,
    DynamoDBChange,
    EventBridge,
    Item,
    KafkaRecord,
    KinesisRecord,
    S3Notification,
    Sns,
    Source,
    SqsRecord,
    kafka,
    kinesis,
    process_batch,
    sqs,
)


class Order(BaseModel):
    id: str


class Legacy(BaseModel):
    name: str


class Key(BaseModel):
    pk: str


class Line(BaseModel):
    level: str


event: dict[str, object] = {}

# --- S3
assert_type(sqs(S3Notification), Source[SqsRecord[S3Notification], SqsRecord])
assert_type(sqs(Sns[S3Notification]), Source[SqsRecord[Sns[S3Notification]], SqsRecord])
assert_type(sqs(EventBridge[S3Notification]), Source[SqsRecord[EventBridge[S3Notification]], SqsRecord])


def index(record: SqsRecord[S3Notification]) -> Result[None, str]:
    assert_type(record.body.is_test, bool)
    for each in record.body.records:
        assert_type(each.event_time, datetime)
        assert_type(each.bucket.name, str)
        assert_type(each.object.key, str)
        assert_type(each.object.size, int | None)
        assert_type(each.object.version_id, str | None)
        assert_type(each.object.sequencer, str | None)
        each.object.size + 1  # BAD absent for removed objects
        each.object.nonsense  # BAD attribute
    return Success(None)


def index_by_topic(record: SqsRecord[Sns[S3Notification]]) -> Result[int, str]:
    return Success(len(record.body.message.records))


process_batch(event, index, sqs(S3Notification))
process_batch(event, index_by_topic, sqs(Sns[S3Notification]))
process_batch(event, index_by_topic, sqs(S3Notification))  # BAD the topic is missing
process_batch(event, index, sqs(Sns[S3Notification]))  # BAD by way of a topic

# --- CloudWatch Logs
assert_type(kinesis(CloudWatchLogs), Source[KinesisRecord[CloudWatchLogs[str]], KinesisRecord])
assert_type(kinesis(CloudWatchLogs[Line]), Source[KinesisRecord[CloudWatchLogs[Line]], KinesisRecord])
assert_type(kafka(CloudWatchLogs[Line]), Source[KafkaRecord[CloudWatchLogs[Line]], KafkaRecord])


class ShortLogs(CloudWatchLogs[Line]):
    max_bytes: ClassVar[int] = 1_000_000


assert_type(kinesis(ShortLogs), Source[KinesisRecord[ShortLogs], KinesisRecord])


def count(record: KinesisRecord[CloudWatchLogs[Line]]) -> Result[int, str]:
    logs = record.data
    assert_type(logs.is_control, bool)
    assert_type(logs.policy_level, str | None)
    assert_type(logs.log_events, tuple[CloudWatchLogEvent[Line], ...])
    assert_type([each.message.level for each in logs.log_events], list[str])
    return Success(len(logs.log_events))


def count_text(record: KinesisRecord[CloudWatchLogs]) -> Result[int, str]:
    assert_type(record.data.log_events[0].message, str)
    return Success(0)


process_batch(event, count, kinesis(CloudWatchLogs[Line]))
process_batch(event, count, kinesis(ShortLogs))
process_batch(event, count_text, kinesis(CloudWatchLogs))
process_batch(event, lambda record: Success(record.data.log_events[0].message.level), kinesis(CloudWatchLogs[Line]))
process_batch(event, count, kinesis(CloudWatchLogs))  # BAD lines are text
process_batch(event, count_text, kinesis(CloudWatchLogs[Line]))  # BAD lines are parsed
process_batch(event, lambda record: Success(record.data.log_events[0].message.level), kinesis(CloudWatchLogs))  # BAD lines are text
kinesis(CloudWatchLogs[Line, Line])  # BAD one type

# --- changes of a table
assert_type(kinesis(DynamoDBChange), Source[KinesisRecord[DynamoDBChange[Item, Item, Item]], KinesisRecord])
assert_type(kinesis(DynamoDBChange[Order]), Source[KinesisRecord[DynamoDBChange[Order, Order, Item]], KinesisRecord])
assert_type(kinesis(DynamoDBChange[Order, Legacy]), Source[KinesisRecord[DynamoDBChange[Order, Legacy, Item]], KinesisRecord])
assert_type(kinesis(DynamoDBChange[Order, Item, Key]), Source[KinesisRecord[DynamoDBChange[Order, Item, Key]], KinesisRecord])
assert_type(sqs(Sns[DynamoDBChange[Order]]), Source[SqsRecord[Sns[DynamoDBChange[Order]]], SqsRecord])
assert_type(sqs(EventBridge[DynamoDBChange[Order]]), Source[SqsRecord[EventBridge[DynamoDBChange[Order]]], SqsRecord])


def follow(record: KinesisRecord[DynamoDBChange[Order, Legacy, Key]]) -> Result[str, str]:
    change = record.data
    assert_type(change.new_image, Order | None)
    assert_type(change.old_image, Legacy | None)
    assert_type(change.keys, Key)
    assert_type(change.approximate_creation_time, datetime | None)
    assert_type(change.table_name, str | None)
    assert_type(change.sequence_number, str | None)
    change.new_image.id  # BAD absent for a removal
    match change.event_name:
        case "INSERT" | "MODIFY":
            return Success("there")
        case "REMOVE":
            return Success("gone")


def follow_plain(record: SqsRecord[DynamoDBChange]) -> Result[str, str]:
    assert_type(record.body.new_image, Item | None)
    return Success(str(record.body.keys["id"]))


process_batch(event, follow, kinesis(DynamoDBChange[Order, Legacy, Key]))
process_batch(event, follow_plain, sqs(DynamoDBChange))
process_batch(event, follow, kinesis(DynamoDBChange[Order]))  # BAD the old image and the keys are others
process_batch(event, follow_plain, sqs(DynamoDBChange[Order]))  # BAD the image is parsed
kinesis(DynamoDBChange[Order, Legacy, Key, Key])  # BAD three types
made: DynamoDBChange[Order, Order, Any] = DynamoDBChange(event_name="INSERT", keys={}, new_image=Order(id="a"))
DynamoDBChange[Order](event_name="NOTHING", keys={}, new_image=Order(id="a"))  # BAD no such kind
