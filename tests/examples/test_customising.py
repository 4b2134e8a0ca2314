"""Each item of Powertools' documentation that customises has its counterpart here, in at most 25 lines, and it runs."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from aws_xray_sdk import global_sdk_config
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.context import Context
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from batchfold import by_hash_key, dynamodb, fold_batch, of_record
from batchfold.testing import (
    DynamoDBChange,
    KplRecord,
    LambdaContext,
    SqsMessage,
    dynamodb_event,
    kinesis_event,
    kpl_aggregate,
    sqs_event,
)

FOLDER = Path(__file__).parent / "customising"
EXAMPLES = sorted(FOLDER.glob("*.py"))


Load = Callable[[str], Any]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_an_example_has_at_most_25_lines(example: Path) -> None:
    lines = [line for line in example.read_text().splitlines() if line.strip()]
    assert len(lines) <= 25, f"{example.stem} has {len(lines)}"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_an_example_is_run(example: Path) -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert f'load("{example.stem}")' in tests


def named(response: Any) -> list[str]:
    return [entry["itemIdentifier"] for entry in response["batchItemFailures"]]


def ids(event: dict[str, Any]) -> list[str]:
    return [raw["messageId"] for raw in event["Records"]]


TWO = sqs_event("3", "many")


def test_success_and_failure_handlers(load: Load) -> None:
    app = load("success_and_failure_handlers")
    assert named(app.lambda_handler(TWO, None)) == ids(TWO)[1:]
    assert app.seen == {"reserved": 3, "ValueError in orders": 1}


def test_prepare_and_clean(load: Load) -> None:
    app = load("prepare_and_clean")
    assert named(app.lambda_handler(sqs_event(3, "many", 4), LambdaContext())) == ids(sqs_event(1, 2))[1:]
    assert app.table == [3, 4]


def test_the_lambda_context(load: Load) -> None:
    app = load("lambda_context")
    event = sqs_event(1_000, 60_000)
    assert named(app.lambda_handler(event, LambdaContext(timeout_seconds=30))) == ids(event)[1:]


# ------------------------------------------------------------ KPL
def test_the_user_records_of_an_aggregate_are_counted_once(load: Load) -> None:
    app = load("kpl_aggregates")
    readings = [KplRecord({"value": 1}, "a"), KplRecord({"value": "no"}, "b"), KplRecord({"value": 2}, "a")]
    event = kinesis_event({"value": 4}, kpl_aggregate(*readings), kpl_aggregate(*readings)[:-1])
    number = event["Records"][1]["kinesis"]["sequenceNumber"]
    for _ in range(2):
        assert named(app.lambda_handler(event, None)) == [number]
    assert app.totals == {"1": 4, "a": 3}


# ------------------------------------------------------------ Sentry
class Collecting(Transport):
    """Keeps what it should send."""

    def __init__(self) -> None:
        super().__init__({})
        self.events: list[Any] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.events.append(envelope.get_event())


def test_sentry_is_told_of_each_failure_once(load: Load) -> None:
    app = load("sentry")
    transport = Collecting()
    sentry_sdk.init(dsn="https://key@sentry.test/1", transport=transport)
    try:
        app.lambda_handler(TWO, None)
    finally:
        sentry_sdk.get_client().close()
        sentry_sdk.init()
    (event,) = transport.events
    assert event["exception"]["values"][-1]["type"] == "ValueError"
    assert event["tags"] == {"item_id": ids(TWO)[1]}


# ------------------------------------------------------------ Powertools
def test_the_tracer_sees_the_exception(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    app = load("tracer")
    entities: list[Any] = []

    class Provider:
        """What Tracer asks of X-Ray, kept in memory."""

        def in_subsegment(self, name: str) -> Any:
            entities.append({"name": name})
            return self

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_raised: object) -> None:
            pass

        def put_annotation(self, key: str, value: object) -> None:
            entities[-1][key] = value

        def put_metadata(self, key: str, value: object, namespace: str) -> None:
            entities[-1]["metadata"] = (key, type(value).__name__, namespace)

    monkeypatch.setattr(app.tracer, "disabled", False)
    monkeypatch.setattr(app.tracer, "provider", Provider())
    assert named(app.lambda_handler(TWO, None)) == ids(TWO)[1:]
    assert [entity["message_id"] for entity in entities] == ids(TWO)
    assert "metadata" not in entities[0]
    assert entities[1]["metadata"][1] == "ValueError"


def test_the_logger_writes_keys_and_batchfold_s_lines(load: Load) -> None:
    stream = io.StringIO()
    before: Any = logging.getLogger("batchfold")
    kept = (before.handlers[:], before.level, before.propagate)
    try:
        app = load("logger")
        for handler in {*app.logger.handlers, *before.handlers}:
            handler.setStream(stream)
        app.lambda_handler(sqs_event(3, "many"), None)
    finally:
        before.handlers[:], before.level, before.propagate = kept
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["message_id"] for line in lines if line["message"] == "reserving"] == ids(TWO)[:1]
    assert [line["service"] for line in lines if ids(TWO)[1] in line["message"]] == ["orders"]


# ------------------------------------------------------------ OpenTelemetry
def test_opentelemetry_has_a_span_of_each_record(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    event = sqs_event(3, 0, "many")
    with provider.get_tracer("function").start_as_current_span("invocation") as invocation:
        assert named(load("opentelemetry_spans").lambda_handler(event, None)) == ids(event)[1:2]
    *spans, _ = exporter.get_finished_spans()
    assert [(span.name, (span.attributes or {})["messaging.message.id"], span.status.is_ok) for span in spans] == [
        ("process orders", ids(event)[0], True),
        ("process orders", ids(event)[1], False),
        ("process orders", ids(event)[2], False),
        ("settle orders", ids(event)[2], True),
    ]
    assert all(span.parent == invocation.get_span_context() for span in spans)


# ------------------------------------------------------------ X-Ray
class Daemon:
    """Stands for X-Ray's daemon: keeps the segments that are sent to it."""

    def __init__(self) -> None:
        self.segments: list[Any] = []

    def send_entity(self, entity: Any) -> None:
        self.segments.append(entity)


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    daemon, was_enabled = Daemon(), global_sdk_config.sdk_enabled()
    for name, value in {"_emitter": daemon, "_sampling": False, "_context": Context()}.items():
        monkeypatch.setattr(xray_recorder, name, value)
    global_sdk_config.set_sdk_enabled(True)  # Powertools' Tracer turns it off outside Lambda
    yield daemon
    global_sdk_config.set_sdk_enabled(was_enabled)


def test_subsegments_in_threads_hang_under_the_invocation_s(load: Load, daemon: Daemon) -> None:
    app = load("xray_in_threads")
    event = sqs_event(*map(str, range(24)), "many")
    with app.pool:
        for _ in range(2):  # warm invocations, each with a segment of its own
            with xray_recorder.in_segment("function"), xray_recorder.in_subsegment("invocation"):
                assert named(app.lambda_handler(event, None)) == ids(event)[-1:]
    assert len(daemon.segments) == 2
    for segment in daemon.segments:
        (invocation,) = segment.subsegments
        assert [subsegment.name for subsegment in invocation.subsegments] == ["reserve"] * 25
        assert [getattr(subsegment, "fault", False) for subsegment in invocation.subsegments].count(True) == 1


# ------------------------------------------------------------ with what is there
def test_what_returns_has(load: Load) -> None:
    event = sqs_event("pen", "ink", "paper")
    assert named(load("what_returns_has").lambda_handler(event, None)) == ids(event)[2:]


class Sqs:
    def __init__(self) -> None:
        self.sent: list[str] = []
        self.timeouts: list[int] = []

    def send_message(self, **message: Any) -> Any:
        self.sent.append(message["MessageBody"])
        return {"MessageId": "dead-1"}

    def change_message_visibility_batch(self, **request: Any) -> Any:
        self.timeouts += [entry["VisibilityTimeout"] for entry in request["Entries"]]
        return {}


def test_settling(load: Load) -> None:
    client = Sqs()
    event = sqs_event(1, "many", 0, SqsMessage(0, approximate_receive_count=3))
    assert named(load("settling").make(client)(event, None)) == ids(event)[2:3]
    assert client.sent == ["many"]


def test_bulk_writes(load: Load) -> None:
    app = load("bulk_writes")
    event = kinesis_event("1", "-1", "2")
    assert named(app.lambda_handler(event, None)) == [event["Records"][1]["kinesis"]["sequenceNumber"]]
    assert app.written == [[1, -1, 2]]


# ------------------------------------------------------------ a single table
def change(pk: str, sk: str, **item: object) -> DynamoDBChange:
    return DynamoDBChange(keys={"pk": pk, "sk": sk}, new_image={"pk": pk, "sk": sk, **item} if item else None)


def test_items_of_other_kinds_do_not_block_a_single_table(load: Load) -> None:
    event = dynamodb_event(
        change("c#1", "CUSTOMER#1", name="Ada"),
        change("c#1", "COUNTER", next=7),
        change("c#1", "ORDER#1", quantity=3),
        change("c#1", "ORDER#0"),
        change("c#2", "ORDER#2", quantity="many"),
        change("c#2", "ORDER#3", quantity=1),
        change("c#3", "ORDER#4", quantity=2),
    )
    app = load("single_table")
    batch = fold_batch(event, app.follow, dynamodb(decode=of_record(app.by_sort_key), lane=by_hash_key("pk")))
    assert [succeeded.value for succeeded in batch.succeeded] == [
        "hello Ada",
        "nothing to do",
        "3 ordered",
        "nothing to do",
        "2 ordered",
    ]
    assert [type(outcome).__name__ for outcome in batch.not_done] == ["Failed", "Unprocessed"]
    assert named(app.lambda_handler(event, None)) == [event["Records"][4]["dynamodb"]["SequenceNumber"]]
