"""What the tests of `batchfold replay` share: moto's server in AWS's place, and a function that keeps what it did."""

import json
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from batchfold.cli.command import app

boto3: Any = import_module("boto3")
moto_server: Any = import_module("moto.server")

REGION = "eu-central-1"  # of its own: in one process, moto keeps the queues of all its servers in one place
ACCOUNT = "123456789012"
QUEUES = f"arn:aws:sqs:{REGION}:{ACCOUNT}"

PROGRAM = """
import json
from pathlib import Path
from returns.result import Failure, Success
from batchfold import *

HERE = Path(__file__).parent

def keep(name, what):
    with (HERE / name).open("a") as file:
        file.write(json.dumps(what) + "\\n")

def payload(record):
    for name in ("body", "data", "value", "new_image"):
        if (found := getattr(record, name, None)) is not None:
            break
    return found["id"] if isinstance(found, dict) else found if isinstance(found, str) else found.decode()

def reserve(record):
    text = payload(record)
    if "fail" in text:
        return Failure(OSError("the shelf is out of reach"))
    keep("handled", text)
    return Success(None)

HANDLE = as_lambda_handler(reserve, SOURCE)

def handle(event, context):
    keep("events", event)
    return HANDLE(event, context)
"""


class Server:
    """moto's server, with a client of each service."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clients: dict[str, Any] = {}

    def of(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = boto3.client(service, region_name=REGION, endpoint_url=self.url)
        return self.clients[service]

    def queue(self, name: str, **attributes: str) -> str:
        fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        url: str = self.of("sqs").create_queue(QueueName=name, Attributes={**fifo, **attributes})["QueueUrl"]
        return url

    def send(self, queue_url: str, *bodies: object, attributes: Mapping[str, str] | None = None, **more: str) -> None:
        for body in bodies:
            self.of("sqs").send_message(
                QueueUrl=queue_url,
                MessageBody=body if isinstance(body, str) else json.dumps(body),
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in (attributes or {}).items()
                },
                **more,
            )

    def left_in(self, queue_url: str) -> tuple[int, int]:
        """How many messages are visible, and how many are hidden."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.of("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
        return int(found[names[0]]), int(found[names[1]])


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    # moto has one server, which answers at once: an empty answer says that nothing is there
    monkeypatch.setattr("batchfold.cli.replay_aws._WAIT_SECONDS", 0)
    server = Server(moto)
    yield server
    for client in server.clients.values():
        client.close()


class Function:
    """A Lambda function in a file, which keeps what it was given and what it handled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, source: str = "sqs()", program: str = PROGRAM) -> str:
        (self.folder / "app.py").write_text(program.replace("SOURCE", source))
        return f"{self.folder}/app.py:handle"

    @property
    def handled(self) -> list[str]:
        return self._kept("handled")

    @property
    def events(self) -> list[Any]:
        return self._kept("events")

    def _kept(self, name: str) -> list[Any]:
        file = self.folder / name
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def function(tmp_path: Path) -> Function:
    return Function(tmp_path)


Replayed = Callable[..., Result]


def replayed(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["replay", *arguments])


def from_queue(aws: Server, target: str, queue_url: str, *options: str) -> Result:
    return replayed(target, "--from", queue_url, "--endpoint-url", aws.url, "--region", REGION, *options)


def told(result: Result) -> list[tuple[str, str]]:
    """The fates of all records and the reasons, of a replay with `--json`."""
    messages = json.loads(result.stdout)["messages"]
    return [(each["fate"], each["why"]) for message in messages for each in message["told"]]
