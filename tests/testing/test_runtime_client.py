"""AWS's own runtime client runs functions in a process of their own, and what crosses the wire is what the model reads.

A small Runtime API (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html) on 127.0.0.1 hands out the events.
"""

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from types import ModuleType
from typing import Any, cast

import pytest

from batchfold.testing import (
    DynamoDBStream,
    EventSource,
    KafkaTopic,
    KinesisStream,
    LambdaContext,
    Raised,
    Returned,
    SqsQueue,
    name_records,
    sqs_event,
)

FUNCTIONS = Path(__file__).with_name("deployed")
EXAMPLES = Path(__file__).parents[1] / "examples"
PATIENCE_SECONDS = 30


class RuntimeApi(ThreadingHTTPServer):
    """Hands out one event after the other, and takes what the runtime client posts back."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Endpoint)
        self.events: Queue[tuple[str, dict[str, str]] | None] = Queue()
        self.answers: Queue[Returned | Raised] = Queue()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def invoke(self, event: Mapping[str, Any], *, timeout_seconds: float = 60) -> Returned | Raised:
        """What the function answers, read from the wire."""
        headers = {
            "Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + timeout_seconds) * 1_000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:orders-function",
        }
        self.events.put((json.dumps(event), headers))
        return self.answers.get(timeout=PATIENCE_SECONDS)


class _Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def api(self) -> RuntimeApi:
        return cast("RuntimeApi", self.server)  # no other server has this endpoint

    def do_GET(self) -> None:
        following = self.api.events.get()
        if following is None:
            self.close_connection = True
            return
        event, headers = following
        self.send_response(200)
        for name, value in {**headers, "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self._end(event.encode())

    def do_POST(self) -> None:
        posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        failed = self.path.endswith("/error")
        self.api.answers.put(Raised(f"{posted['errorType']}: {posted['errorMessage']}") if failed else Returned(posted))
        self.send_response(202)
        self._end(b"{}")

    def _end(self, body: bytes) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class has named it
        """Say nothing."""


def deployed(
    function: str, effects: Path, **environment: str
) -> AbstractContextManager[tuple[RuntimeApi, Callable[[], str]]]:
    """One of the functions in the folder `deployed`, which appends to the file `effects`; else as `running`."""
    return running(f"functions.{function}", FUNCTIONS, EFFECTS=str(effects), **environment)


@contextmanager
def running(
    handler: str, task_root: Path, **environment: str
) -> Generator[tuple[RuntimeApi, Callable[[], str]], None, None]:
    """The handler in a process of AWS's runtime client; and a way to end it and read what it logged."""
    api = RuntimeApi()
    server = Thread(target=api.serve_forever, daemon=True)
    server.start()
    process = subprocess.Popen(
        [sys.executable, "-m", "awslambdaric", handler],
        cwd=task_root,
        env={
            **os.environ,
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "orders-function",
            "PYTHONWARNINGS": "ignore",
            "PYTHONPATH": str(task_root),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def end_and_read() -> str:
        process.kill()
        return process.communicate()[0]

    try:
        yield api, end_and_read
    finally:
        if process.stdout is not None and not process.stdout.closed:
            end_and_read()
        api.events.put(None)
        api.shutdown()
        api.server_close()
        server.join()


CASES: list[tuple[str, EventSource, list[str]]] = [
    ("sqs_function", SqsQueue(), ["A1", "B1", "B2", "A2"]),
    ("sqs_function", SqsQueue(fifo=True), ["A1", "A2", "B1", "B2"]),
    ("kinesis_function", KinesisStream(), ["A1", "A2", "B1", "B2"]),
    ("dynamodb_function", DynamoDBStream(), ["A1", "A2", "B1", "B2"]),
    ("kafka_function", KafkaTopic(), ["A1", "B1", "B2", "A2"]),
]


@pytest.mark.parametrize(
    ("function", "source", "effects"), CASES, ids=lambda case: str(case) if isinstance(case, str) else ""
)
def test_a_deployed_function_drains_its_source_and_repeats_nothing(
    function: str, source: EventSource, effects: list[str], tmp_path: Path
) -> None:
    fails = {"A2": 2, "B2": 1}
    records = name_records(["A1", "A2", "B1", "B2"], lambda name: {"id": name, "fails": fails.get(name, 0)})
    state = source.begin(records)
    performed = tmp_path / "effects"
    with deployed(function, performed) as (api, _):
        for _ in range(20):
            if state.delivery is None:
                break
            _, state = state.step(api.invoke(cast("dict[str, Any]", state.delivery.event)), ended_at=state.now)
    assert state.delivery is None
    assert state.removed == dict.fromkeys(range(4), "done")
    assert performed.read_text().split() == effects


def test_a_batch_of_which_nothing_was_done_fails_the_invocation_and_leaves_the_environment_warm(tmp_path: Path) -> None:
    with deployed("sqs_function", tmp_path / "effects") as (api, end_and_read):
        failed = api.invoke(sqs_event({"id": "A1", "fails": 1}, {"id": "A2", "fails": 1}))
        assert isinstance(failed, Raised)
        assert failed.error.startswith("BatchProcessingError")
        assert api.invoke(sqs_event({"id": "A1"}, {"id": "A2"})) == Returned({"batchItemFailures": []})
        assert "OutOfStockError" in end_and_read()


def test_a_payload_that_will_not_parse_comes_back_and_is_not_printed(tmp_path: Path) -> None:
    event = sqs_event({"id": "A1"}, '{"id": "A2", "fails": "secret"}')
    with deployed("sqs_function", tmp_path / "effects") as (api, end_and_read):
        answer = api.invoke(event)
        assert answer == Returned({"batchItemFailures": [{"itemIdentifier": event["Records"][1]["messageId"]}]})
        logged = end_and_read()
    assert event["Records"][1]["messageId"] in logged
    assert "secret" not in logged


def test_with_the_json_log_format_each_failure_is_a_line_of_json(tmp_path: Path) -> None:
    event = sqs_event({"id": "A1"}, {"id": "A2", "fails": 1})
    with deployed("sqs_function", tmp_path / "effects", AWS_LAMBDA_LOG_FORMAT="JSON", AWS_LAMBDA_LOG_LEVEL="INFO") as (
        api,
        end_and_read,
    ):
        assert isinstance(api.invoke(event), Returned)
        lines = [json.loads(line) for line in end_and_read().splitlines() if line.startswith("{")]
    told = [line for line in lines if line.get("logger") == "batchfold"]
    assert any(event["Records"][1]["messageId"] in line["message"] for line in told), lines


def test_the_deadline_that_lambda_sends_keeps_records_from_being_started(tmp_path: Path) -> None:
    event = sqs_event({"id": "A1"}, {"id": "A2"}, {"id": "A3"})
    ids = [raw["messageId"] for raw in event["Records"]]
    with deployed("sqs_function_in_time", tmp_path / "effects") as (api, _):
        # Less is left than the function reserves, so there is progress by the first record and no more.
        answer = api.invoke(event, timeout_seconds=5)
        assert answer == Returned({"batchItemFailures": [{"itemIdentifier": item_id} for item_id in ids[1:]]})
        assert api.invoke(event, timeout_seconds=60) == Returned({"batchItemFailures": []})


def application_of(folder: Path) -> ModuleType:
    """The module of an example, fresh, for the applications keep what they learn in it."""
    spec = importlib.util.spec_from_file_location(f"deployed_{folder.name}", folder / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # here pydantic looks up what a type names
    spec.loader.exec_module(module)
    return module


# None of them needs a client: where one would be asked, they say so and keep what they learn in a variable.
@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in EXAMPLES.glob("*/app.py")), ids=lambda folder: folder.name
)
def test_a_deployed_example_answers_each_of_its_events_as_it_does_when_called(folder: Path) -> None:
    application = application_of(folder)
    events = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    assert events
    with running("app.lambda_handler", folder) as (api, _):
        answers = [api.invoke(event) for event in events]
    assert answers == [Returned(application.lambda_handler(event, LambdaContext())) for event in events]
