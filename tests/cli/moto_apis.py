"""A moto server for the tests of the commands that call AWS, and queues, streams and tables in it."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from logging import WARNING, getLogger
from pathlib import Path
from typing import Any

import pytest

boto3: Any = import_module("boto3")
moto_server: Any = import_module("moto.server")
moto_sqs: Any = import_module("moto.sqs.models")

REGION = "eu-west-1"

PROGRAM = """
import os, sys, time
from pathlib import Path
from random import Random
from returns.result import Failure, Success
from batchfold import *

HERE = Path(__file__).parent
RANDOM = Random(os.getpid())
FAIL_RATE = float(os.environ.get("FAIL_RATE", "0"))
SECONDS = float(os.environ.get("SECONDS", "0"))

class OutOfStock(Exception):
    pass

def perform(name):
    (HERE / "begun").touch()
    if RANDOM.random() < FAIL_RATE:
        return Failure(OutOfStock(name))
    time.sleep(SECONDS)
    with (HERE / "effects").open("a") as effects:
        effects.write(f"{name}\\n")
    return Success(None)

on_queue = as_lambda_handler(lambda record: perform(record.body), sqs())
on_pipe = as_lambda_handler(lambda record: perform(record.body), pipes(sqs()))
on_fifo = as_lambda_handler(lambda record: perform(record.body), sqs(lane=by_message_group))
on_stream = as_lambda_handler(lambda record: perform(record.data.decode()), kinesis())
on_table = as_lambda_handler(lambda record: perform(record.new_image["id"]), dynamodb())
"""


@dataclass(frozen=True)
class Moto:
    """A server, and clients of it."""

    endpoint_url: str
    clients: dict[str, Any] = field(default_factory=dict[str, Any])

    def client(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = boto3.client(service, endpoint_url=self.endpoint_url, region_name=REGION)
        return self.clients[service]

    def queue(self, name: str, bodies: Sequence[str], *, visibility_seconds: int = 1, **attributes: str) -> str:
        """Make a queue with these messages, on a FIFO queue in the groups that their first letters name."""
        api, is_fifo = self.client("sqs"), name.endswith(".fifo")
        fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if is_fifo else {}
        settings = {"VisibilityTimeout": str(visibility_seconds), **fifo, **attributes}
        url: str = api.create_queue(QueueName=name, Attributes=settings)["QueueUrl"]
        entries = [
            {"Id": str(at), "MessageBody": body, **({"MessageGroupId": body[0]} if is_fifo else {})}
            for at, body in enumerate(bodies)
        ]
        queue: Any = self._queue(url)
        sent: list[Any] = []
        for begin in range(0, len(entries), 10):
            api.send_message_batch(QueueUrl=url, Entries=entries[begin : begin + 10])
            sent.extend(queue._messages)
            queue._messages.clear()  # moto counts all of them for each one that is sent
        queue._messages.extend(sent)
        return url

    def left_in(self, url: str) -> list[str]:
        """The bodies of the messages that are still in the queue, hidden ones too."""
        return [message.body for message in self._queue(url)._messages]

    def _queue(self, url: str) -> Any:
        account, name = url.split("/")[-2:]
        return moto_sqs.sqs_backends[account][REGION].queues[name]

    def stream(self, name: str, data: Sequence[str], *, shards: int = 1) -> str:
        """Make a stream with these records, whose partition keys are their first letters."""
        api = self.client("kinesis")
        api.create_stream(StreamName=name, ShardCount=shards)
        self.put(name, data)
        return name

    def put(self, stream: str, data: Sequence[str]) -> None:
        records = [{"Data": each.encode(), "PartitionKey": each[0]} for each in data]
        for begin in range(0, len(records), 500):
            self.client("kinesis").put_records(StreamName=stream, Records=records[begin : begin + 500])

    def shards(self, stream: str) -> list[Any]:
        """The shards of a stream, as moto holds them."""
        backend = import_module("moto.kinesis.models").kinesis_backends["123456789012"][REGION]
        return list(backend.streams[stream].shards.values())

    def table(self, name: str, ids: Sequence[str], **settings: Any) -> str:
        """Make a table with a stream, and put these items into it."""
        api = self.client("dynamodb")
        stream = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}
        api.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            **(stream | settings),
        )
        puts = [{"PutRequest": {"Item": {"id": {"S": each}}}} for each in ids]
        for begin in range(0, len(puts), 25):
            api.batch_write_item(RequestItems={name: puts[begin : begin + 25]})
        return name


@contextmanager
def moto_at_work() -> Generator[Moto]:
    """A server with the credentials for it, and with FIFO queues that keep their order.

    moto notes the groups in flight and the messages to hand out one after the other, so a message may overtake an earlier one
    whose visibility timeout ends between the two. AWS lets a group wait for as long as one of its messages is hidden.
    """

    def to_hand_out(queue: Any) -> list[Any]:
        now = time.time() * 1_000
        hidden = {message.group_id for message in queue._messages if message.visible_at >= now}
        blocked: set[str] = hidden if queue.fifo_queue else set()
        there = [message for message in queue._messages if message.visible_at < now and not message.delayed]
        return [message for message in there if message.group_id not in blocked]

    def none_of_its_own(_queue: object) -> set[str]:
        return set()

    def always(*_asked: object) -> bool:
        return True

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        patch.setattr(moto_sqs.Queue, "messages", property(to_hand_out))
        patch.setattr(moto_sqs.Queue, "pending_message_groups", property(none_of_its_own))
        # it counts all messages for each one that it hands out, by a slow clock: a thousand would take minutes
        patch.setattr(moto_sqs.SQSBackend, "is_message_valid_based_on_retention_period", always)
        patch.setattr(moto_sqs, "unix_time_millis", lambda: time.time() * 1_000)
        server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        getLogger("werkzeug").setLevel(WARNING)
        host, port = server.get_host_and_port()
        moto = Moto(f"http://{host}:{port}")
        yield moto
        for client in moto.clients.values():
            client.close()
        server.stop()


@dataclass
class Program:
    """A program in a folder of its own, and the command that polls for it."""

    folder: Path
    moto: Moto

    @property
    def effects(self) -> list[str]:
        """The names of what was performed, in order."""
        file = self.folder / "effects"
        return file.read_text().split() if file.exists() else []

    def has_performed(self, at_least: int) -> bool:
        return len(self.effects) >= at_least

    @property
    def repeats(self) -> list[str]:
        return [name for name, count in Counter(self.effects).items() if count > 1]

    def arguments(self, function: str, *options: str) -> list[str]:
        file = self.folder / "app.py"
        if not file.exists():
            file.write_text(PROGRAM)
        where = ["--endpoint-url", self.moto.endpoint_url, "--region", REGION]
        return ["poll", f"{file}:{function}", *where, *options]

    def start(self, function: str, *options: str, **environment: str) -> subprocess.Popen[str]:
        """Start the command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "batchfold.cli", *self.arguments(function, *options)],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def wait_until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it has not happened in time"
        time.sleep(0.01)


def names(groups: int, count: int) -> list[str]:
    """Names in groups that take turns: A000, B000, A001, B001."""
    letters = [chr(ord("A") + at) for at in range(groups)]
    return [f"{letters[at % groups]}{at // groups:03}" for at in range(count)]


def is_in_order(performed: Sequence[str]) -> bool:
    """Return whether each group was performed in order, each name once."""
    groups = {name[0] for name in performed}
    return all(
        [name for name in performed if name[0] == group] == sorted({name for name in performed if name[0] == group})
        for group in groups
    )
