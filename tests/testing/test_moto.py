"""Against the HTTP APIs of SQS, Kinesis and DynamoDB Streams, as moto serves them on 127.0.0.1.

A small poller of ours stands in for Lambda's: it receives, calls the function, and does what the response allows, until
the source is drained. Nobody waits: what comes back is made visible, or read, again at once.
"""

import base64
import json
from collections.abc import Callable, Hashable, Iterator, Mapping
from decimal import Decimal
from importlib import import_module
from typing import Any, cast

import pytest
from returns.result import safe

from batchfold import as_lambda_handler, by_message_group, dynamodb, kinesis, sqs
from batchfold.testing import (
    CompleteFailure,
    CompleteSuccess,
    LambdaContext,
    LambdaFunction,
    PartialFailure,
    Raised,
    Reading,
    Returned,
    read_answer,
)

boto3: Any = import_module("boto3")
moto_server: Any = import_module("moto.server")

MOST_INVOCATIONS = 50
REGION = "eu-west-1"


@pytest.fixture(scope="module")
def client() -> Iterator[Callable[[str], Any]]:
    """A client of each service."""
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    clients: dict[str, Any] = {}

    def client_of(service: str) -> Any:
        if service not in clients:
            clients[service] = boto3.client(
                service,
                endpoint_url=f"http://{host}:{port}",
                region_name=REGION,
                aws_access_key_id="testing",
                aws_secret_access_key="testing",  # noqa: S106  # nobody's
            )
        return clients[service]

    yield client_of
    for each in clients.values():
        each.close()
    server.stop()


class Effects:
    """What was performed, in order; some names fail as often as is said."""

    def __init__(self, failures: Mapping[str, int]) -> None:
        self.performed: list[str] = []
        self._failures = dict(failures)

    def __call__(self, name: str) -> None:
        if self._failures.get(name, 0) > 0:
            self._failures[name] -= 1
            raise ValueError(name)
        self.performed.append(name)


def read(function: LambdaFunction, event: dict[str, Any], identifiers: Mapping[Hashable, int]) -> Reading:
    """Call the function and read its answer as Lambda does."""
    try:
        answer = Returned(function(event, LambdaContext()))
    except Exception as error:  # noqa: BLE001  # whatever a function raises fails the invocation
        return read_answer(Raised(repr(error)), identifiers, report_batch_item_failures=True)
    return read_answer(answer, identifiers, report_batch_item_failures=True)


def not_done(reading: Reading, batch_size: int) -> set[int]:
    match reading:
        case CompleteSuccess():
            return set()
        case CompleteFailure():
            return set(range(batch_size))
        case PartialFailure(named):
            return set(named)


def poll_queue(api: Any, queue_url: str, queue_arn: str, function: LambdaFunction) -> int:
    """Receive until nothing comes; delete what is done, make the rest visible. Returns how often it was invoked."""
    for invocations in range(MOST_INVOCATIONS):
        received = api.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=10,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
            VisibilityTimeout=60,
        ).get("Messages", [])
        if not received:
            return invocations
        event = {"Records": [raw_message(message, queue_arn) for message in received]}
        identifiers: dict[Hashable, int] = {message["MessageId"]: at for at, message in enumerate(received)}
        back = not_done(read(function, event, identifiers), len(received))
        for at, message in enumerate(received):
            handle = {"QueueUrl": queue_url, "ReceiptHandle": message["ReceiptHandle"]}
            if at in back:
                api.change_message_visibility(**handle, VisibilityTimeout=0)
            else:
                api.delete_message(**handle)
    raise AssertionError(f"the queue was not drained after {MOST_INVOCATIONS} invocations")


def raw_message(message: Mapping[str, Any], queue_arn: str) -> dict[str, Any]:
    """A message as SQS hands it out, as Lambda puts it into the event."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    }


def poll_shard(
    read_from: Callable[[str | None], list[dict[str, Any]]],
    number_of: Callable[[dict[str, Any]], str],
    function: LambdaFunction,
) -> int:
    """Read from the checkpoint on until nothing comes. Returns how often the function was invoked."""
    checkpoint: str | None = None
    for invocations in range(MOST_INVOCATIONS):
        raws = read_from(checkpoint)
        if not raws:
            return invocations
        numbers = [number_of(raw) for raw in raws]
        identifiers: dict[Hashable, int] = {number: at for at, number in enumerate(numbers)}
        back = not_done(read(function, {"Records": raws}, identifiers), len(raws))
        # Everything from the lowest number on is read again; the others are the checkpoint, and those behind it.
        done = [int(number) for number in numbers if not back or int(number) < min(int(numbers[at]) for at in back)]
        if done:
            highest = max(done)
            checkpoint = next(number for number in numbers if int(number) == highest)
    raise AssertionError(f"the shard was not drained after {MOST_INVOCATIONS} invocations")


def queue(api: Any, name: str, attributes: Mapping[str, str]) -> tuple[str, str]:
    url = api.create_queue(QueueName=name, Attributes=dict(attributes))["QueueUrl"]
    arn = api.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, arn


FIFO = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}


def reserving(effects: Effects, source: Any) -> LambdaFunction:
    @safe
    def handle(record: Any) -> None:
        effects(record.body)

    return as_lambda_handler(handle, source)


def test_a_standard_queue_is_drained_and_nothing_is_repeated(client: Callable[[str], Any]) -> None:
    api = client("sqs")
    url, arn = queue(api, "standard", {})
    names = [f"m{number}" for number in range(25)]
    for name in names:
        api.send_message(QueueUrl=url, MessageBody=name)
    effects = Effects({"m3": 2, "m11": 1, "m24": 1})
    assert poll_queue(api, url, arn, reserving(effects, sqs())) > 3
    assert sorted(effects.performed) == sorted(names)


@pytest.mark.parametrize("source", [sqs(), sqs(lane=by_message_group)], ids=["whole_batch", "by_message_group"])
def test_a_fifo_queue_keeps_the_order_of_its_groups(client: Callable[[str], Any], source: Any, request: Any) -> None:
    api = client("sqs")
    url, arn = queue(api, f"{request.node.callspec.id}.fifo", FIFO)
    names = [f"{group}{number}" for number in range(4) for group in "ABC"]
    for name in names:
        api.send_message(QueueUrl=url, MessageBody=name, MessageGroupId=name[0])
    effects = Effects({"A1": 2, "B0": 1, "C3": 1})
    poll_queue(api, url, arn, reserving(effects, source))
    for group in "ABC":
        assert [name for name in effects.performed if name[0] == group] == [f"{group}{number}" for number in range(4)]


def test_a_message_that_never_succeeds_ends_in_the_dead_letter_queue(client: Callable[[str], Any]) -> None:
    api = client("sqs")
    dead_url, dead_arn = queue(api, "dead", {})
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": "3"})
    url, arn = queue(api, "redriven", {"RedrivePolicy": redrive})
    for name in ("good", "poison"):
        api.send_message(QueueUrl=url, MessageBody=name)
    effects = Effects({"poison": 1_000})
    poll_queue(api, url, arn, reserving(effects, sqs()))
    assert effects.performed == ["good"]
    (dead,) = api.receive_message(QueueUrl=dead_url)["Messages"]
    assert dead["Body"] == "poison"


def test_a_kinesis_shard_is_drained_in_order_and_nothing_is_repeated(client: Callable[[str], Any]) -> None:
    api = client("kinesis")
    api.create_stream(StreamName="orders", ShardCount=1)
    names = [f"k{number}" for number in range(12)]
    for name in names:
        api.put_record(StreamName="orders", Data=name.encode(), PartitionKey=name)
    shard = api.list_shards(StreamName="orders")["Shards"][0]["ShardId"]

    def read_from(checkpoint: str | None) -> list[dict[str, Any]]:
        after = {"ShardIteratorType": "TRIM_HORIZON"}
        if checkpoint is not None:
            after = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": checkpoint}
        iterator = api.get_shard_iterator(StreamName="orders", ShardId=shard, **after)["ShardIterator"]
        return [raw_data(record, shard) for record in api.get_records(ShardIterator=iterator)["Records"]]

    effects = Effects({"k2": 1, "k9": 2, "k11": 1})

    @safe
    def handle(record: Any) -> None:
        effects(record.data.decode())

    invocations = poll_shard(
        read_from, lambda raw: raw["kinesis"]["sequenceNumber"], as_lambda_handler(handle, kinesis())
    )
    assert effects.performed == names
    assert invocations == 1 + 4


def raw_data(record: Mapping[str, Any], shard: str) -> dict[str, Any]:
    """A record as Kinesis hands it out, as Lambda puts it into the event."""
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": record["SequenceNumber"],
            "data": base64.b64encode(record["Data"]).decode("ascii"),
            "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"].timestamp(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{record['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
        "awsRegion": REGION,
        "eventSourceARN": f"arn:aws:kinesis:{REGION}:123456789012:stream/orders",
    }


def test_a_dynamodb_stream_is_drained_in_order_and_nothing_is_repeated(client: Callable[[str], Any]) -> None:
    tables, streams = client("dynamodb"), client("dynamodbstreams")
    arn = tables.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]["LatestStreamArn"]
    names = [f"d{number}" for number in range(12)]
    for name in names:
        tables.put_item(TableName="orders", Item={"id": {"S": name}, "price": {"N": "9.5"}, "raw": {"B": b"\xff"}})
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]

    def read_from(checkpoint: str | None) -> list[dict[str, Any]]:
        after = {"ShardIteratorType": "TRIM_HORIZON"}
        if checkpoint is not None:
            after = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": checkpoint}
        iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, **after)["ShardIterator"]
        return [raw_change(record, arn) for record in streams.get_records(ShardIterator=iterator)["Records"]]

    effects = Effects({"d0": 1, "d9": 2, "d10": 1})

    @safe
    def handle(record: Any) -> None:
        assert record.new_image["price"] == Decimal("9.5")
        assert record.new_image["raw"] == b"\xff"
        effects(record.new_image["id"])

    function = as_lambda_handler(handle, dynamodb())
    invocations = poll_shard(read_from, lambda raw: raw["dynamodb"]["SequenceNumber"], function)
    assert effects.performed == names
    assert invocations == 1 + 4


def raw_change(record: Mapping[str, Any], stream_arn: str) -> dict[str, Any]:
    """A change as DynamoDB Streams hand it out, as Lambda puts it into the event: bytes are base64 there."""
    change: dict[str, Any] = dict(record["dynamodb"])
    change["ApproximateCreationDateTime"] = change["ApproximateCreationDateTime"].timestamp()
    return {**record, "dynamodb": _in_base64(change), "eventSourceARN": stream_arn}


def _in_base64(value: object) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, dict):
        return {name: _in_base64(member) for name, member in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_in_base64(member) for member in cast("list[object]", value)]
    return value
