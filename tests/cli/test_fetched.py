"""`batchfold run` and `batchfold simulate` of a function whose payloads lie in S3: the client is the program's own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from batchfold.cli.command import app
from batchfold.testing import pipes_event, s3_pointer, sqs_event

PROGRAM = """
import io
from returns.result import Failure, Success
from batchfold import as_lambda_handler, delete_fetched, fetched, pipes, process_batch, s3_pointers, sqs

class NoSuchKey(Exception):
    response = {"Error": {"Code": "NoSuchKey"}}

class SlowDown(Exception):
    response = {"Error": {"Code": "SlowDown"}}

class Client:
    def get_object(self, *, Bucket, Key):
        if Key == "missing":
            raise NoSuchKey("no such key")
        if Key == "slow":
            raise SlowDown("slow down")
        return {"Body": io.BytesIO(b'{"id": "%s"}' % Key.encode())}

    def delete_objects(self, *, Bucket, Delete):
        print("deleted", *[each["Key"] for each in Delete["Objects"]])
        return {}

class AsyncBody:
    def __init__(self, content):
        self.content = content

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        return None

    async def read(self, _size=-1):
        content, self.content = self.content, b""
        return content

    def close(self):
        return None

class AsyncClient:
    async def get_object(self, *, Bucket, Key):
        return {"Body": AsyncBody(Client().get_object(Bucket=Bucket, Key=Key)["Body"].read())}

def reserve(record):
    return Failure(OSError("out of reach")) if record.body["id"] == "fail" else Success(None)

async def reserve_later(record):
    return reserve(record)

source = fetched(sqs(dict[str, str]), s3_pointers(Client()))
handle = as_lambda_handler(reserve, source, then=delete_fetched(Client()))
piped = as_lambda_handler(reserve, pipes(source))
handle_later = as_lambda_handler(reserve_later, fetched(sqs(dict[str, str]), s3_pointers(AsyncClient())))

def inside(event, context):
    return process_batch(event, reserve, fetched(sqs(dict[str, str]), s3_pointers(Client())))
"""

Command = Callable[..., Result]
POINTERS = ("one", "fail", "missing", "slow")
EVENT = sqs_event(*map(s3_pointer, POINTERS), {"id": "without a pointer"})


@pytest.fixture(name="command")
def command_on_the_program(tmp_path: Path) -> Command:
    def command(name: str, function: str, *options: str, event: object = None) -> Result:
        program = tmp_path / "app.py"
        program.write_text(PROGRAM)
        if event is not None:
            file = tmp_path / "event.json"
            file.write_text(json.dumps(event))
            options = (*options, "--event", str(file))
        return CliRunner().invoke(app, [name, f"{program}:{function}", *options])

    return command


def rows(result: Result) -> list[str]:
    ids = [raw["messageId"] for raw in EVENT["Records"]]
    return [
        " ".join(line.split()[1:]) for line in result.stdout.splitlines() if line.split()[:1] and line.split()[0] in ids
    ]


@pytest.mark.parametrize(
    ("function", "event"),
    [("handle", EVENT), ("inside", EVENT), ("handle_later", EVENT), ("piped", pipes_event(EVENT))],
)
def test_run_fetches_and_says_why_a_record_comes_back(command: Command, function: str, event: object) -> None:
    result = command("run", function, event=event)
    assert result.exit_code == 1
    done, failed, missing, slow, without = rows(result)
    assert (done, without) == ("done", "done")
    assert failed == "comes back the handler returned a Failure (OSError)"
    assert missing.startswith("comes back its payload would not parse")
    assert slow.startswith("comes back ")
    assert "SlowDown" in slow


def test_run_deletes_the_objects_of_what_is_done(command: Command) -> None:
    assert "deleted one\n" in command("run", "handle", event=EVENT).stderr


def told(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


POINTER = '["software.amazon.payloadoffloading.PayloadS3Pointer", {"s3BucketName": "payloads", "s3Key": "{name}"}]'


@pytest.mark.parametrize("function", ["handle", "handle_later"])
@pytest.mark.parametrize("payload", [POINTER, '{"id": "{name}"}'])
def test_simulate_fails_a_record_when_its_pointer_is_read(command: Command, function: str, payload: str) -> None:
    history = told(command("simulate", function, "--payload", payload, "--records", "3", "--fail", "2", "--json"))
    assert history["notes"] == []
    ends = [{record["name"]: record["end"] for record in each["records"]} for each in history["invocations"]]
    assert ends == [{"A1": "performed", "B1": "failed", "C1": "performed"}, {"B1": "performed"}]


def test_simulate_takes_the_pointers_of_an_event(command: Command) -> None:
    history = told(command("simulate", "handle", "--json", event=sqs_event(s3_pointer("one"), s3_pointer("two"))))
    assert [record["fate"] for record in history["records"]] == ["done", "done"]
