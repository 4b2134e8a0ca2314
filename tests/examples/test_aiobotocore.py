"""The async client of AWS (aioboto3 is made of it), bound to the loop that async handlers keep, against moto's server."""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from batchfold.shell.loop import run_on_loop
from batchfold.testing import sqs_event

Load = Callable[[str], Any]

AIOBOTOCORE: Any = import_module("aiobotocore.session")  # it has no types


class Dynamo:
    """A client that is opened when it is first used: on the loop that it is used on."""

    def __init__(self, url: str) -> None:
        self.opens = AIOBOTOCORE.get_session().create_client("dynamodb", region_name="eu-west-1", endpoint_url=url)
        self.client: Any = None
        self.opened = 0

    async def batch_write_item(self, **request: Any) -> dict[str, Any]:
        if self.client is None:
            self.opened += 1
            self.client = await self.opens.__aenter__()
        answer: dict[str, Any] = await self.client.batch_write_item(**request)
        return answer

    async def close(self) -> None:
        await self.opens.__aexit__(None, None, None)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_bulk_writes_by_aiobotocore_in_warm_invocations(load: Load, server: str) -> None:
    make: Any = boto3.client  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # stubs are missing
    dynamo = make("dynamodb", region_name="eu-west-1", endpoint_url=server)
    dynamo.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client = Dynamo(server)
    lambda_function = load("bulk_writes_async").make(client)
    try:
        for invocation in range(3):
            event = sqs_event(*({"id": f"o-{invocation}-{number}"} for number in range(30)), {"name": "no order"})
            named = [entry["itemIdentifier"] for entry in lambda_function(event, None)["batchItemFailures"]]
            assert named == [event["Records"][30]["messageId"]]
    finally:
        run_on_loop(client.close())
    assert dynamo.scan(TableName="orders")["Count"] == 90
    assert client.opened == 1, "the loop is kept, and the client with it"
    dynamo.delete_table(TableName="orders")
    dynamo.close()
