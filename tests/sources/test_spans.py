"""What the records of each source tell a tracer: attributes by the names of OpenTelemetry, and the sender's trace context."""

from typing import Any

import pytest

from batchfold import DynamoDBRecord, FirehoseRecord, KafkaRecord, KinesisRecord, Record, SqsRecord
from batchfold.testing import (
    KafkaMessage,
    SqsMessage,
    dynamodb_event,
    firehose_event,
    kafka_event,
    kinesis_event,
    sqs_event,
)

HEADER = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def of_kafka(message: KafkaMessage) -> KafkaRecord:
    return KafkaRecord(kafka_event(message)["records"][f"orders-{message.partition}"][0])


def test_a_message_tells_its_queue() -> None:
    assert SqsRecord(sqs_event(SqsMessage("1", message_id="m1"))["Records"][0]).span_attributes == {
        "messaging.system": "aws_sqs",
        "faas.trigger": "pubsub",
        "messaging.destination.name": "orders",
        "messaging.message.id": "m1",
        "aws.sqs.queue.url": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders",
    }


def test_a_record_of_a_stream_tells_its_stream_its_shard_and_its_sequence_number() -> None:
    raw = kinesis_event(b"1")["Records"][0]
    assert KinesisRecord(raw).span_attributes == {
        "messaging.system": "aws_kinesis",
        "faas.trigger": "pubsub",
        "messaging.destination.name": "orders",
        "messaging.destination.partition.id": raw["eventID"].partition(":")[0],
        "messaging.message.id": raw["kinesis"]["sequenceNumber"],
        "aws.kinesis.stream_name": "orders",
    }


def test_a_change_tells_its_table() -> None:
    raw = dynamodb_event({"id": "1"})["Records"][0]
    assert DynamoDBRecord(raw).span_attributes == {
        "messaging.system": "aws_dynamodb",
        "faas.trigger": "datasource",
        "messaging.destination.name": DynamoDBRecord(raw).table_name,
        "messaging.message.id": raw["dynamodb"]["SequenceNumber"],
    }


def test_a_record_of_a_topic_tells_where_it_stands_and_whether_it_is_a_tombstone() -> None:
    attributes = {
        "messaging.system": "kafka",
        "faas.trigger": "pubsub",
        "messaging.destination.name": "orders",
        "messaging.destination.partition.id": "0",
        "messaging.kafka.offset": 0,
    }
    assert of_kafka(KafkaMessage("1", offset=0)).span_attributes == attributes
    tombstone = of_kafka(KafkaMessage(None, key="a", offset=0)).span_attributes
    assert tombstone == {**attributes, "messaging.kafka.message.tombstone": True}


def test_a_record_of_a_delivery_stream_tells_its_id() -> None:
    raw = firehose_event(b"1")["records"][0]
    assert FirehoseRecord(raw).span_attributes == {
        "messaging.system": "aws_firehose",
        "faas.trigger": "other",
        "messaging.message.id": raw["recordId"],
    }


@pytest.mark.parametrize("kind", [FirehoseRecord, SqsRecord, KinesisRecord, DynamoDBRecord, KafkaRecord])
def test_a_record_that_was_written_by_hand_tells_what_it_can(kind: Any) -> None:
    assert set(kind({}).span_attributes) <= {"messaging.system", "faas.trigger", "messaging.kafka.message.tombstone"}
    assert kind({}).trace_context == {}


def test_a_record_of_another_source_tells_nothing_unless_it_says_so() -> None:
    assert Record().span_attributes == {}
    assert Record().trace_context == {}


def test_the_sender_is_told_by_x_ray_s_header_and_by_w3c_s() -> None:
    attributes: dict[str, Any] = {"traceparent": PARENT, "tracestate": "rojo=1", "kind": "order"}
    message = SqsMessage("1", trace_header=HEADER, message_attributes=attributes)
    assert SqsRecord(sqs_event(message)["Records"][0]).trace_context == {
        "X-Amzn-Trace-Id": HEADER,
        "traceparent": PARENT,
        "tracestate": "rojo=1",
    }
    odd = SqsMessage("1", message_attributes={"traceparent": b"1", "tracestate": 1})
    assert SqsRecord(sqs_event(odd)["Records"][0]).trace_context == {}


def test_of_headers_that_repeat_the_first_counts() -> None:
    message = KafkaMessage(
        "1", headers={"traceparent": [PARENT.encode(), b"later"], "tracestate": b"\xff", "kind": b"a"}
    )
    assert of_kafka(message).trace_context == {"traceparent": PARENT, "tracestate": "\ufffd"}
