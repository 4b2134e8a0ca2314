"""The examples that call AWS, with moto in its place."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from moto import mock_aws

from batchfold import BatchProcessingError
from batchfold.testing import LambdaContext, SqsMessage, s3_pointer, sqs_event

Load = Callable[[str], Any]


class Sqs:
    """Keeps the visibility timeouts that it is given."""

    def __init__(self) -> None:
        self.timeouts: dict[str, int] = {}

    def change_message_visibility_batch(self, **request: Any) -> dict[str, object]:
        assert request["QueueUrl"] == "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
        self.timeouts |= {entry["ReceiptHandle"]: entry["VisibilityTimeout"] for entry in request["Entries"]}
        return {}


def test_backing_off(load: Load) -> None:
    client = Sqs()
    event = sqs_event("3", "busy", SqsMessage("many", approximate_receive_count=3))
    response = load("backing_off").make(client)(event, None)
    _, busy, many = event["Records"]
    assert response == {"batchItemFailures": [{"itemIdentifier": raw["messageId"]} for raw in (busy, many)]}
    assert client.timeouts[busy["receiptHandle"]] == 300
    assert 0 <= client.timeouts[many["receiptHandle"]] <= 120


def test_payloads_in_s3(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        make: Any = boto3.client  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # stubs are missing
        s3 = make("s3", region_name="eu-west-1")
        s3.create_bucket(Bucket="large", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        bodies = {"good": {"quantity": 3}, "bad": {"quantity": "many"}}
        for key, body in bodies.items():
            s3.put_object(Bucket="large", Key=key, Body=json.dumps(body).encode())
        event = sqs_event(*(s3_pointer(key, bucket="large") for key in (*bodies, "gone")))
        response = load("payloads_in_s3").make(s3)(event, LambdaContext())
        assert response == {"batchItemFailures": [{"itemIdentifier": raw["messageId"]} for raw in event["Records"][1:]]}
        assert [each["Key"] for each in s3.list_objects_v2(Bucket="large")["Contents"]] == ["bad"]


class Breaking:
    """The service behind the breaker: it is down, and counts who asks."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_down = True

    def __call__(self, order: str) -> int:
        self.asked.append(order)
        if self.is_down:
            raise ConnectionError
        return int(order)


def test_a_circuit_breaker_hides_what_it_did_not_try(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    app, service = load("circuit_breaker"), Breaking()
    monkeypatch.setattr(app, "charge", service)
    with mock_aws():
        make: Any = boto3.client  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # stubs are missing
        client = make("sqs", region_name="eu-west-1")
        url = client.create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
        for order in range(8):
            client.send_message(QueueUrl=url, MessageBody=str(order))

        def receive() -> dict[str, Any]:
            """The event that Lambda would make of what it receives."""
            received = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
            event = sqs_event(*(SqsMessage(message["Body"], message_id=message["MessageId"]) for message in received))
            for raw, message in zip(event["Records"], received, strict=True):
                raw["receiptHandle"] = message["ReceiptHandle"]
            return event

        handler = app.lambda_handler
        event = receive()
        with pytest.raises(BatchProcessingError, match="3 failed, 5 not started"):
            handler(event, None)
        assert service.asked == [raw["body"] for raw in event["Records"][:3]]
        visible = receive()["Records"]
        # the two that failed before it opened wait for a random time, which may be none; the others for a minute
        assert {raw["messageId"] for raw in visible} <= {raw["messageId"] for raw in event["Records"][:2]}

        client.send_message(QueueUrl=url, MessageBody="8")
        client.send_message(QueueUrl=url, MessageBody="9")
        with pytest.raises(BatchProcessingError, match="1 failed"):
            handler(receive(), None)
        assert len(service.asked) == 3, "the breaker is open: the service is not asked"

        service.is_down = False
        app.breaker.half_open()
        assert handler(event, None) == {"batchItemFailures": []}
        assert app.breaker.current_state == "closed"


class AsyncDynamo:
    """moto's client, as an async one, which leaves some orders unwritten."""

    def __init__(self, client: Any, leaves: set[str]) -> None:
        self.client = client
        self.leaves = leaves
        self.sizes: list[int] = []

    async def batch_write_item(self, **request: Any) -> Any:
        puts = request["RequestItems"]["orders"]
        self.sizes.append(len(puts))
        written = [put for put in puts if put["PutRequest"]["Item"]["id"]["S"] not in self.leaves]
        await asyncio.to_thread(self.client.batch_write_item, RequestItems={"orders": written})
        left = [put for put in puts if put not in written]
        return {"UnprocessedItems": {"orders": left} if left else {}}


def test_bulk_writes_by_an_async_client(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        make: Any = boto3.client  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # stubs are missing
        dynamo = make("dynamodb", region_name="eu-west-1")
        dynamo.create_table(
            TableName="orders",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        client = AsyncDynamo(dynamo, leaves={"o-7", "o-28"})
        event = sqs_event(*({"id": f"o-{number}"} for number in range(30)), {"name": "no order"})
        response = load("bulk_writes_async").make(client)(event, None)
        not_written = [event["Records"][at]["messageId"] for at in (7, 28, 30)]
        assert [entry["itemIdentifier"] for entry in response["batchItemFailures"]] == not_written
        assert sorted(client.sizes) == [5, 25]
        assert dynamo.scan(TableName="orders")["Count"] == 28
