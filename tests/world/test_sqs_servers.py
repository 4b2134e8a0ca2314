"""SQS as it is on a bad day: real sockets that never answer, refuse, reset, and answer slowly; and moto's server.

Each test states how long a Lambda function may be held up.
"""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from mypy_boto3_sqs import SQSClient
from returns.result import Failure, Result, Success

from batchfold import (
    SqsRecord,
    as_lambda_handler,
    caused_by,
    dead_letter,
    fold_batch,
    process_batch,
    respond,
    sqs,
    sqs_backoff,
    sqs_sender,
)
from batchfold.testing import sqs_event

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"


class OutOfStockError(Exception): ...


def reserve(record: SqsRecord) -> Result[None, OutOfStockError]:
    return Success(None) if record.body == "good" else Failure(OutOfStockError())


@contextmanager
def taking_at_most(seconds: float) -> Generator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)  # the queue's URL tells it
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@pytest.fixture
def at_endpoint(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def point(port: int) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", f"http://127.0.0.1:{port}")

    return point


class Accepting:
    """Accepts connections, counts them, and does something with each, or nothing at all."""

    def __init__(self, does: Callable[[socket.socket], object]) -> None:
        self.connections: list[socket.socket] = []
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port: int = self.socket.getsockname()[1]
        self.does = does
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:  # the test has ended
                return
            self.connections.append(connection)
            self.does(connection)

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread
        self.thread.join()
        for each in (self.socket, *self.connections):
            each.close()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@contextmanager
def silent() -> Generator[int]:
    with closing(Accepting(lambda _connection: None)) as server:
        yield server.port


@contextmanager
def resetting() -> Generator[int]:
    with closing(Accepting(reset)) as server:
        yield server.port


@contextmanager
def refusing() -> Generator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
    yield port  # nobody listens there any more


BAD_DAYS = pytest.mark.parametrize(
    ("server", "seconds"), [(silent, 30), (refusing, 20), (resetting, 20)], ids=["silent", "refusing", "resetting"]
)


@BAD_DAYS
def test_backoff_of_ten_thousand_failures_gives_up_soon_and_the_response_stands(
    server: Any, seconds: float, at_endpoint: Callable[[int], None], caplog: pytest.LogCaptureFixture
) -> None:
    event = sqs_event("good", *["bad"] * 10_000)
    back_off = sqs_backoff()
    batch = fold_batch(event, reserve, sqs())
    threads = set(threading.enumerate())
    with server() as port:
        at_endpoint(port)
        with taking_at_most(seconds):
            assert back_off(batch) is batch
        left = set(threading.enumerate()) - threads
    assert not [thread for thread in left if thread.name.startswith("batchfold-")]
    assert len(batch.response["batchItemFailures"]) == 10_000
    assert "could not be reached" in caplog.text
    assert len(caplog.text) < 50_000


@BAD_DAYS
def test_a_sender_gives_up_once_for_all_dead_letters_of_a_batch(
    server: Any, seconds: float, at_endpoint: Callable[[int], None]
) -> None:
    settle = dead_letter(sqs_sender(QUEUE), when=caused_by(OutOfStockError))
    with server() as port:
        at_endpoint(port)
        with taking_at_most(seconds):
            batch = fold_batch(sqs_event("good", *["bad"] * 500), reserve, sqs(), settle=settle)
    assert len(batch.failed) == 500
    assert all(failed.settle_error is not None for failed in batch.failed)


class Context:
    """A Lambda context of a real clock."""

    aws_request_id = "1"

    def __init__(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round(1_000 * (self.ends - time.monotonic())))


def test_a_function_of_three_seconds_ends_in_time_though_sqs_never_answers(
    at_endpoint: Callable[[int], None],
) -> None:
    lambda_handler = as_lambda_handler(reserve, sqs(), then=sqs_backoff(), reserve_ms=1_000)
    with silent() as port:
        at_endpoint(port)
        with taking_at_most(3):  # Lambda would end it
            response = lambda_handler(sqs_event("good", "bad", "bad"), Context(3))
    assert len(response["batchItemFailures"]) == 2


def test_a_silent_server_sees_two_attempts_of_each_call_and_ten_calls_at_most(
    at_endpoint: Callable[[int], None],
) -> None:
    with closing(Accepting(lambda _connection: None)) as server:
        at_endpoint(server.port)
        sqs_backoff()(fold_batch(sqs_event(*["bad"] * 500), reserve, sqs()))
        assert len(server.connections) == 20


# ------------------------------------------------------------ one that answers, slowly
class Slow(BaseHTTPRequestHandler):
    """Answers `ChangeMessageVisibilityBatch` after a while."""

    protocol_version = "HTTP/1.1"
    seconds = 0.1
    seen: list[tuple[str, dict[str, Any]]]

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).seen.append((request["QueueUrl"], request))
        time.sleep(self.seconds)
        answer = json.dumps({"Successful": [{"Id": entry["Id"]} for entry in request["Entries"]]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  # the base class's name
        pass


@contextmanager
def slow(seconds: float) -> Generator[tuple[int, Sequence[tuple[str, dict[str, Any]]]]]:
    handler: Any = type("SlowHandler", (Slow,), {"seconds": seconds, "seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, handler.seen
    finally:
        server.shutdown()
        server.server_close()


def test_the_calls_of_backoff_take_a_tenth_of_their_time_in_all(
    at_endpoint: Callable[[int], None], caplog: pytest.LogCaptureFixture
) -> None:
    batch = fold_batch(sqs_event(*["bad"] * 1_000), reserve, sqs())  # 100 calls of 0.2 s
    with slow(0.2) as (port, seen):
        at_endpoint(port)
        with taking_at_most(15):  # one after the other, they take 20 s
            sqs_backoff()(batch)
    handles = [entry["ReceiptHandle"] for _url, request in seen for entry in request["Entries"]]
    assert sorted(handles) == sorted(failed.record.receipt_handle for failed in batch.failed)
    assert not caplog.records


def test_the_next_invocation_reaches_sqs_again(at_endpoint: Callable[[int], None]) -> None:
    back_off = sqs_backoff()
    batch = fold_batch(sqs_event("bad"), reserve, sqs())
    with slow(0) as (port, seen):
        at_endpoint(port)
        back_off(batch)
        back_off(batch)
        assert len(seen) == 2


# ------------------------------------------------------------ moto's server
@pytest.fixture(scope="module")
def moto_port() -> Iterator[int]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture
def simulated(moto_port: int, monkeypatch: pytest.MonkeyPatch) -> SQSClient:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{moto_port}")
    return boto3.client("sqs", region_name="eu-west-1")  # pyright: ignore[reportUnknownMemberType]  # stubs of the other services are missing


def received_from(client: SQSClient, queue: str) -> list[dict[str, Any]]:
    """Receive what there is, as Lambda would hand it over."""
    url = client.get_queue_url(QueueName=queue)["QueueUrl"]
    messages: list[Any] = list(
        client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=1).get("Messages", [])
    )
    records: list[dict[str, Any]] = sqs_event(*(each["Body"] for each in messages), queue_name=queue)["Records"]
    for record, message in zip(records, messages, strict=True):
        record |= {"messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"]}
    return records


def hidden_in(client: SQSClient, queue: str) -> int:
    url = client.get_queue_url(QueueName=queue)["QueueUrl"]
    counts = client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])
    return int(counts["Attributes"]["ApproximateNumberOfMessagesNotVisible"])


def test_backoff_hides_the_failed_messages_of_each_queue(simulated: SQSClient) -> None:
    back_off = sqs_backoff(seconds=lambda _failed: 600)
    records: list[dict[str, Any]] = []
    for queue in ("late-orders", "late-refunds"):
        url = simulated.create_queue(QueueName=queue)["QueueUrl"]
        for body in ("bad", "good", "bad"):
            simulated.send_message(QueueUrl=url, MessageBody=body)
        records += received_from(simulated, queue)
    respond(back_off(fold_batch({"Records": records}, reserve, sqs())))
    time.sleep(1.1)  # the visibility timeout of the good ones ends
    assert [hidden_in(simulated, queue) for queue in ("late-orders", "late-refunds")] == [2, 2]


def test_a_dead_letter_arrives(simulated: SQSClient) -> None:
    dead = simulated.create_queue(QueueName="arrivals")[
        "QueueUrl"
    ]  # moto keeps the queues of all its servers in one place
    send = sqs_sender("https://sqs.eu-west-1.amazonaws.com/123456789012/arrivals")
    process_batch(sqs_event("good", "bad"), reserve, sqs(), settle=dead_letter(send, when=caused_by(OutOfStockError)))
    (message,) = simulated.receive_message(QueueUrl=dead, MessageAttributeNames=["All"])["Messages"]
    assert message.get("Body") == "bad"
    assert (
        message.get("MessageAttributes", {})["batchfold.reason"]
        .get("StringValue", "")
        .startswith("Rejected: OutOfStock")
    )
