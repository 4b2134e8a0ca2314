"""`batchfold poll`: what it refuses, in one line each, and how its process and its calls to AWS behave."""

import json
import signal
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.cli.moto_apis import REGION, Moto, Program, wait_until
from typer.testing import CliRunner

from batchfold.cli.account import Answered, CutOff
from batchfold.cli.aws import Persevering, endpoint_of, told
from batchfold.cli.call import CannotCallError, Interrupted
from batchfold.cli.command import app
from batchfold.cli.environment import Environment
from batchfold.cli.hiding import Hiding
from batchfold.cli.stopping import Stopping
from batchfold.testing import sqs_event

botocore: Any = import_module("botocore.exceptions")


def nothing(_given: object) -> None:
    """Stands for a search that finds nothing, and for a sleep that takes no time."""


# ------------------------------------------------------------ what is refused
def refused(*options: str, function: str = "none.py:handle") -> str:
    result = CliRunner().invoke(app, ["poll", function, *options])
    assert result.exit_code == 2, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert result.stdout == ""
    return line.removeprefix("Error: ")


QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "expected one of --queue-url, --stream and --table, got none"),
        (["--stream", "a", "--table", "b"], "expected one of --queue-url, --stream and --table, got 2"),
        (["--queue-url", "orders"], "expected --queue-url to be a queue's URL"),
        (["--queue-url", QUEUE, "--checkpoint", "x"], "--checkpoint is for --stream and --table"),
        (["--stream", "a", "--region", REGION, "--endpoint-url", "b"], "Invalid endpoint: b"),
        (["--queue-url", "http://127.0.0.1:1/1/a", "--region", REGION], "http://127.0.0.1:1 cannot be reached"),
    ],
)
def test_what_cannot_be_polled_is_said_in_one_line(options: list[str], says: str, moto: Moto) -> None:
    assert moto.endpoint_url  # with credentials
    assert refused(*options).startswith(says)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--queue-url", "{url}/123456789012/missing"], "there is no queue {url}/123456789012/missing"),
        (["--stream", "missing"], "there is no stream missing"),
        (["--table", "missing"], "there is no table missing"),
        (["--table", "without"], "table without has no stream: enable one"),
        (["--queue-url", "{url}/123456789012/there", "-m", "BatchSize=11"], "these settings cannot be"),
        (["--queue-url", "{url}/123456789012/there", "-m", "Fifo=true"], "there is no setting 'Fifo' here"),
        (["--queue-url", "{url}/123456789012/there"], "there is no file none.py"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(options: list[str], says: str, moto: Moto) -> None:
    if "without" in options:
        moto.table("without", [], StreamSpecification={"StreamEnabled": False})
    if "there" in str(options):
        moto.queue("there", [])
    where = ["--endpoint-url", moto.endpoint_url, "--region", REGION]
    filled_in = [option.replace("{url}", moto.endpoint_url) for option in options]
    assert refused(*filled_in, *where).startswith(says.replace("{url}", moto.endpoint_url))


def test_without_credentials_it_says_what_to_set(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    assert "no AWS credentials were found: set AWS_PROFILE" in refused(
        "--queue-url", f"{moto.endpoint_url}/1/a", "--region", REGION
    )


def test_without_boto3_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchfold.cli.aws.find_spec", nothing)
    assert refused("--stream", "a") == "batchfold poll needs boto3: pip install 'batchfold[poll]'"


def answer(code: str, status: int = 400) -> Exception:
    response = {"Error": {"Code": code, "Message": "no\nno"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error: Exception = botocore.ClientError(response, "ReceiveMessage")
    return error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (answer("AccessDenied"), "these credentials may not call ReceiveMessage on queue a: no\\nno"),
        (answer("ExpiredToken"), "AWS does not take these credentials (ExpiredToken): no\\nno"),
        (answer("OverLimit"), "queue a: ReceiveMessage was refused: OverLimit no\\nno"),
        (botocore.NoRegionError(), "no AWS region is set: give --region, or set AWS_DEFAULT_REGION"),
        (botocore.ReadTimeoutError(endpoint_url="http://b"), "http://b cannot be reached (ReadTimeoutError)"),
        (botocore.ProfileNotFound(profile="c"), "queue a: The config profile (c) could not be found"),
        (import_module("botocore.parsers").ResponseParserError("x"), "the endpoint does not answer as AWS does"),
        (KeyError("x"), None),
    ],
)
def test_an_error_is_told_in_one_line(error: Exception, says: str | None) -> None:
    assert told(error, "queue a") == says


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        (QUEUE, None),
        ("http://localhost:9324/000000000000/orders", "http://localhost:9324"),
        (
            "http://sqs.us-east-1.localhost.localstack.cloud:4566/000000000000/a",
            "http://sqs.us-east-1.localhost.localstack.cloud:4566",
        ),
        ("https://emulator.example/1/a", "https://emulator.example"),
        ("orders", None),
    ],
)
def test_the_url_of_a_queue_names_its_endpoint(url: str, endpoint: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert endpoint_of(url) == endpoint
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere")
    assert endpoint_of(url) is None


# ------------------------------------------------------------ calls that are made again
def failing(*errors: Exception) -> Callable[[], str]:
    left = list(errors)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "answer"

    return call


@pytest.fixture(name="persevering")
def with_no_wait(monkeypatch: pytest.MonkeyPatch) -> Persevering:
    monkeypatch.setattr("batchfold.cli.aws.time.sleep", nothing)
    monkeypatch.setattr("batchfold.cli.aws._WAITS", (0.01, 0.02))
    return Persevering(print, is_asked_to_end=lambda: False)


def test_a_call_that_found_nobody_is_made_again(persevering: Persevering, capsys: pytest.CaptureFixture[str]) -> None:
    assert persevering(failing()) == "answer"
    assert persevering(failing(answer("Throttling"), answer("InternalError", 500))) == "answer"
    assert "Throttling no\\nno; trying again in 0.01 s" in capsys.readouterr().out


@pytest.mark.parametrize("errors", [[answer("Throttling")] * 3, [answer("AccessDenied")]])
def test_a_call_is_given_up_in_the_end(persevering: Persevering, errors: list[Exception]) -> None:
    persevering(failing())
    with pytest.raises(botocore.ClientError):
        persevering(failing(*errors))


def test_the_first_call_of_all_is_made_once(persevering: Persevering) -> None:
    with pytest.raises(botocore.ClientError):
        persevering(failing(answer("Throttling")))


# ------------------------------------------------------------ messages that stay hidden
def test_messages_that_cannot_be_hidden_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    answers = [answer("AccessDenied"), {"Failed": [{"Id": "0", "Code": "Gone"}, {"Id": "1"}]}]

    class Refusing:
        def change_message_visibility_batch(self, **_asked: Any) -> Any:
            if isinstance(found := answers.pop(0), Exception):
                raise found
            return found

    hiding = Hiding(Refusing(), "url", 30, print)
    messages = [{"MessageId": name, "ReceiptHandle": name} for name in ("one", "two")]
    with hiding:
        hiding.hold(messages)
        hiding.let_go(messages[1:])
        hiding.hide(["one", "two"])
        hiding.hide(["one", "two"])
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("the visibility timeout could not be raised, so messages may come twice")
    assert said[1:] == ["one may come twice: its visibility timeout could not be raised (Gone)"]


# ------------------------------------------------------------ signals
def test_a_signal_ends_waiting_at_once_and_a_running_function_only_the_second_time() -> None:
    stopping = Stopping()
    with stopping.heeded():
        with stopping.running():
            signal.raise_signal(signal.SIGTERM)
            assert stopping.is_asked
            with pytest.raises(Interrupted):
                signal.raise_signal(signal.SIGINT)
        for part in (stopping.waiting, stopping.running):
            with pytest.raises(Interrupted) as raised, part():
                pass
            assert raised.value.exit_status == 128 + signal.SIGTERM
        signal.raise_signal(signal.SIGINT)  # between two parts, nothing is cut in two
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# ------------------------------------------------------------ the process
PROGRAM = """
import os, sys, threading, time
calls = []

def counts(event, context):
    calls.append(event)
    print(len(calls), sys.stdin.read() == "", flush=True)
    return {"batchItemFailures": [{"itemIdentifier": str(len(calls))}]}

def dies_afterwards(event, context):
    threading.Timer(0.05, lambda: os._exit(4)).start()

def hangs(event, context):
    time.sleep(600)
"""


def environment(folder: Path, function: str, printed: list[bytes], timeout: float = 20.0) -> Environment:
    file = folder / "app.py"
    file.write_text(PROGRAM)
    return Environment(f"{file}:{function}", timeout=timeout, log_aloud=False, take_output=printed.append)


def test_the_process_is_kept_and_its_input_is_its_own(tmp_path: Path) -> None:
    printed: list[bytes] = []
    with environment(tmp_path, "counts", printed) as warm:
        endings = [warm.invoke(sqs_event("one")).ending for _ in range(2)]
    assert b"".join(printed) == b"1 True\n2 True\n"
    responses = [json.loads(ending.response or "") for ending in endings if isinstance(ending, Answered)]
    assert [each["batchItemFailures"][0]["itemIdentifier"] for each in responses] == ["1", "2"]


def test_a_process_that_is_gone_is_replaced(tmp_path: Path) -> None:
    with environment(tmp_path, "dies_afterwards", []) as warm:
        for _ in range(2):
            assert isinstance(warm.invoke(sqs_event("one")).ending, Answered)
            wait_until(lambda: not warm.is_alive)


def test_a_function_that_overruns_its_timeout_says_where_it_was(tmp_path: Path) -> None:
    with environment(tmp_path, "hangs", [], timeout=0.2) as warm:
        ending = warm.invoke(sqs_event("one")).ending
    assert isinstance(ending, CutOff)
    assert "in hangs" in ending.was_at
    assert "warm.py" not in ending.was_at
    assert ending.was_at.count("hread 0x") <= 1  # the command's own thread is not told


def test_an_event_that_nobody_can_read_is_refused(tmp_path: Path) -> None:
    with environment(tmp_path, "counts", []) as warm:
        with pytest.raises(CannotCallError, match="is of none of the sources"):
            warm.invoke({"Records": [{"eventSource": "aws:none"}]})
        assert isinstance(warm.invoke(sqs_event("one")).ending, Answered)


def test_a_function_that_is_not_there_is_refused_before_anything_is_received(tmp_path: Path, moto: Moto) -> None:
    url = moto.queue("untouched", ["A1"])
    program = Program(tmp_path, moto)
    result = CliRunner().invoke(app, program.arguments("missing", "--queue-url", url))
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: missing of ")
    (message,) = moto.client("sqs").receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"])["Messages"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
