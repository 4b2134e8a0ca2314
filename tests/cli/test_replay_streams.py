"""`batchfold replay` of what streams gave up: the document tells a range, and the records are still in the shard."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.replay_scenes import ACCOUNT, REGION, Function, Server, aws, from_queue, function, moto, replayed, told

from batchfold.testing import KinesisStream, drain

__all__ = ["aws", "function", "moto"]  # fixtures

STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream"


def document(key: str, stream_arn: str, shard_id: str, numbers: list[str], **more: Any) -> dict[str, Any]:
    """What Lambda sends to a queue: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html."""
    return {
        "requestContext": {
            "requestId": "c9b8fa9f-5a7f-4e4c-af9c-0c604cde93a5",
            "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:orders",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 4,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2026-11-14T00:38:06.021Z",
        key: {
            "shardId": shard_id,
            "startSequenceNumber": numbers[0],
            "endSequenceNumber": numbers[-1],
            "approximateArrivalOfFirstRecord": "2026-11-14T00:38:04.835Z",
            "approximateArrivalOfLastRecord": "2026-11-14T00:38:05.580Z",
            "batchSize": len(numbers),
            "streamArn": stream_arn,
            **more,
        },
    }


def put(aws: Server, stream: str, *data: str) -> tuple[str, list[str]]:
    """Write records to a stream of one shard, and return the shard and the sequence numbers."""
    kinesis = aws.of("kinesis")
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    placed = [kinesis.put_record(StreamName=stream, Data=each.encode(), PartitionKey="k") for each in data]
    return placed[0]["ShardId"], [each["SequenceNumber"] for each in placed]


@pytest.fixture
def readings(aws: Server) -> tuple[str, str, list[str]]:
    """A stream of five records, the same for each test: nobody changes it."""
    shard, numbers = put(aws, "readings", "r0", "r1", "r2", "r3", "r4") if not _has(aws, "readings") else _known(aws)
    return f"{STREAM}/readings", shard, numbers


def _has(aws: Server, stream: str) -> bool:
    return stream in aws.of("kinesis").list_streams()["StreamNames"]


def _known(aws: Server) -> tuple[str, list[str]]:
    kinesis = aws.of("kinesis")
    [shard] = kinesis.list_shards(StreamName="readings")["Shards"]
    where = {"StreamName": "readings", "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    found = kinesis.get_records(ShardIterator=kinesis.get_shard_iterator(**where)["ShardIterator"])
    return shard["ShardId"], [record["SequenceNumber"] for record in found["Records"]]


def test_records_of_kinesis_are_fetched_replayed_and_their_document_is_deleted(
    aws: Server, function: Function, readings: tuple[str, str, list[str]]
) -> None:
    stream, shard, numbers = readings
    queue = aws.queue("kinesis-done")
    aws.send(queue, document("KinesisBatchInfo", stream, shard, numbers[1:4]))
    result = from_queue(aws, function.write("kinesis()"), queue, "--delete")
    assert result.exit_code == 0, result.output
    assert function.handled == ["r1", "r2", "r3"]
    [event] = function.events
    first = event["Records"][0]
    assert (first["eventSource"], first["eventSourceARN"], first["awsRegion"]) == ("aws:kinesis", stream, REGION)
    assert first["eventID"] == f"{shard}:{numbers[1]}"
    assert aws.left_in(queue) == (0, 0)
    assert "Kinesis batch, stream readings, shardId-000000000000: 1 message" in result.stdout
    assert "3 done." in result.stdout
    assert "1 message deleted; 0 messages left in the queue." in result.stderr


def test_a_record_that_still_fails_stays_with_its_batch(aws: Server, function: Function) -> None:
    shard, numbers = put(aws, "failing", "good", "fail", "never")
    queue = aws.queue("kinesis-failing")
    aws.send(queue, document("KinesisBatchInfo", f"{STREAM}/failing", shard, numbers))
    result = from_queue(aws, function.write("kinesis()"), queue, "--delete", "--json")
    assert result.exit_code == 1
    assert [fate for fate, _ in told(result)] == ["done", "failed", "not started"]
    assert "OSError" in told(result)[1][1]
    assert aws.left_in(queue) == (1, 0)


def test_with_a_batch_size_the_rest_of_a_batch_waits_for_what_failed(aws: Server, function: Function) -> None:
    shard, numbers = put(aws, "parts", "good", "fail", "never", "never")
    queue = aws.queue("kinesis-parts")
    aws.send(queue, document("KinesisBatchInfo", f"{STREAM}/parts", shard, numbers))
    result = from_queue(aws, function.write("kinesis()"), queue, "--json", "--batch-size", "2")
    assert [fate for fate, _ in told(result)] == ["done", "failed", "not started", "not started"]
    assert len(function.events) == 1


def test_what_the_stream_no_longer_has_is_told_and_left(
    aws: Server, function: Function, readings: tuple[str, str, list[str]]
) -> None:
    stream, shard, numbers = readings
    queue = aws.queue("kinesis-trimmed")
    lost = document("KinesisBatchInfo", stream, shard, ["0", numbers[0]])  # the first is older than what is there
    gone = document("KinesisBatchInfo", stream, "shardId-000000000042", numbers)
    aws.send(queue, lost, gone)
    result = from_queue(aws, function.write("kinesis()"), queue, "--delete", "--json")
    assert result.exit_code == 1
    fates = told(result)
    assert [fate for fate, _ in fates] == ["done", "left", "left"]
    assert all("no longer in the stream" in why for fate, why in fates if fate == "left")
    assert aws.left_in(queue) == (2, 0)


def test_a_range_with_records_of_others_is_left_unless_it_is_asked_for(
    aws: Server, function: Function, readings: tuple[str, str, list[str]]
) -> None:
    stream, shard, numbers = readings
    queue = aws.queue("kinesis-others")
    aws.send(queue, document("KinesisBatchInfo", stream, shard, numbers, batchSize=2))
    target = function.write("kinesis()")
    result = from_queue(aws, target, queue, "--delete", "--json")
    [(fate, why)] = told(result)
    assert (fate, function.events) == ("left", [])
    assert "holds 5 records and the batch had 2" in why
    assert from_queue(aws, target, queue, "--delete", "--whole-range").exit_code == 0
    assert len(function.handled) == 5


def test_a_pipe_gets_its_records_in_a_list(
    aws: Server, function: Function, readings: tuple[str, str, list[str]]
) -> None:
    stream, shard, numbers = readings
    queue = aws.queue("pipe-dead-letters")
    given_up = document("KinesisBatchInfo", stream, shard, numbers[:2])
    pipe = f"arn:aws:pipes:{REGION}:{ACCOUNT}:pipe/orders"
    given_up |= {"context": {"partnerResourceArn": pipe, "condition": "RetryAttemptsExhausted"}}
    del given_up["requestContext"], given_up["responseContext"]
    aws.send(queue, given_up)
    program = """
import json
from pathlib import Path
from batchfold import Record, Source

def read(event):
    return event, [raw["eventID"] for raw in event]

LINES = Source(
    name="a pipe", read=read, parse=lambda raw: raw, as_delivered=lambda raw: Record(),
    lane_of=lambda raws: lambda raw: None, respond=lambda batch: {"batchItemFailures": []},
)

def handle(event, context):
    (Path(__file__).parent / "events").write_text(json.dumps(event) + "\\n")
    return {"batchItemFailures": [{"itemIdentifier": event[1]["eventID"]}]}
"""
    result = from_queue(aws, function.write(program=program), queue, "--json")
    assert [fate for fate, _ in told(result)] == ["done", "failed"], result.output
    [event] = function.events
    assert (event[0]["sequenceNumber"], event[0]["partitionKey"]) == (numbers[0], "k")
    assert "kinesis" not in event[0]


def test_changes_of_a_table_are_fetched_and_replayed(aws: Server, function: Function) -> None:
    table = aws.of("dynamodb").create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    for name in ("o1", "o2", "o3"):
        aws.of("dynamodb").put_item(TableName="orders", Item={"id": {"S": name}, "photo": {"B": b"\x00\xff"}})
    stream = table["LatestStreamArn"]
    api = aws.of("dynamodbstreams")
    [shard] = api.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    where = {"StreamArn": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    records = api.get_records(ShardIterator=api.get_shard_iterator(**where)["ShardIterator"])["Records"]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    queue = aws.queue("changes-done")
    aws.send(queue, document("DDBStreamBatchInfo", stream, shard["ShardId"], numbers[1:]))
    result = from_queue(aws, function.write("dynamodb()"), queue, "--delete")
    assert result.exit_code == 0, result.output
    assert function.handled == ["o2", "o3"]
    assert function.events[0]["Records"][0]["eventSourceARN"] == stream
    assert aws.left_in(queue) == (0, 0)
    assert "DynamoDB batch, table orders" in result.stdout


def test_the_models_own_document_in_s3_is_replayed_from_its_file(function: Function, tmp_path: Path) -> None:
    """The model of Lambda gives up a record that never succeeds; the object in S3 holds its event."""

    def refuse(event: object, context: object) -> Any:
        del event, context
        raise OSError

    stream = KinesisStream(maximum_retry_attempts=1, on_failure_destination="S3")
    [given_up] = drain(lambda _effect: refuse, source=stream, records=["fine"]).destination
    as_s3_has_it = {**given_up, "payload": json.dumps(given_up["payload"])}  # escaped as text
    folder = tmp_path / "bucket" / "aws" / "lambda"
    folder.mkdir(parents=True)
    (folder / "2026-11-14T00.38.06-c9b8fa9f").write_text(json.dumps(as_s3_has_it))
    result = replayed(function.write("kinesis()"), "--from", str(tmp_path / "bucket"))
    assert result.exit_code == 0, result.output
    assert function.handled == ["fine"]
