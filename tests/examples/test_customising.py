"""Each item of Powertools' documentation that customises has its counterpart here, in at most 25 lines, and it runs."""

import importlib.util
import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from returns.result import Result, safe
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from batchfold import fold_batch, sqs
from batchfold.testing import LambdaContext, SqsMessage, kinesis_event, sqs_event

FOLDER = Path(__file__).parent / "customising"
EXAMPLES = sorted(FOLDER.glob("*.py"))


@pytest.fixture
def load() -> Iterator[Callable[[str], Any]]:
    """Loads an example, fresh for each test."""
    loaded: list[str] = []

    def load(name: str) -> Any:
        spec = importlib.util.spec_from_file_location(f"customising_{name}", FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        loaded.append(spec.name)
        spec.loader.exec_module(module)
        return module

    yield load
    for name in loaded:
        del sys.modules[name]


Load = Callable[[str], Any]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_an_example_has_at_most_25_lines(example: Path) -> None:
    lines = [line for line in example.read_text().splitlines() if line.strip()]
    assert len(lines) <= 25, f"{example.stem} has {len(lines)}"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_an_example_is_run(example: Path) -> None:
    assert f'load("{example.stem}")' in Path(__file__).read_text()


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


def test_the_metrics_are_flushed(load: Load, capsys: pytest.CaptureFixture[str]) -> None:
    load("metrics").lambda_handler(TWO, LambdaContext())
    metrics = json.loads(capsys.readouterr().out)
    assert metrics["succeeded"] == [1.0]
    assert metrics["rejected"] == [1.0]
    assert len(metrics["latency"]) == 2


class InMemory(BasePersistenceLayer):
    """A persistence layer in a dictionary."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # it has no annotations
        self.records: dict[str, DataRecord] = {}

    def _get_record(self, idempotency_key: str) -> DataRecord:
        try:
            return self.records[idempotency_key]
        except KeyError:
            raise IdempotencyItemNotFoundError from None

    def _put_record(self, data_record: DataRecord) -> None:
        if data_record.idempotency_key in self.records:
            raise IdempotencyItemAlreadyExistsError
        self.records[data_record.idempotency_key] = data_record

    def _update_record(self, data_record: DataRecord) -> None:
        self.records[data_record.idempotency_key] = data_record

    def _delete_record(self, data_record: DataRecord) -> None:
        del self.records[data_record.idempotency_key]


class FailsOnce:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, order_id: str) -> int:
        self.calls.append(order_id)
        if self.calls.count(order_id) == 1:
            raise TimeoutError
        return 3


def test_under_safe_a_failed_record_is_tried_again_and_a_done_one_is_not(load: Load) -> None:
    reserve = FailsOnce()
    lambda_handler = load("idempotency").make(InMemory(), reserve)
    event = sqs_event("order-1", "order-2")
    event["Records"].append(sqs_event("order-1")["Records"][0] | {"messageId": "again"})
    assert named(lambda_handler(event, LambdaContext())) == ids(event)[:2]
    for _ in range(2):
        assert lambda_handler(event, LambdaContext()) == {"batchItemFailures": []}
    assert reserve.calls == ["order-1", "order-2", "order-1", "order-2"]


def test_over_safe_a_record_that_failed_would_not_be_tried_again() -> None:
    charge, config = FailsOnce(), IdempotencyConfig()
    context: Any = LambdaContext()  # Powertools asks for a class of its own
    config.register_lambda_context(context)

    def reserve(order_id: str) -> Result[int, Exception]:
        return safe(charge)(order_id)

    reserve_once: Any = idempotent_function(
        reserve, data_keyword_argument="order_id", persistence_store=InMemory(), config=config
    )
    for _ in range(3):
        batch = fold_batch(sqs_event("order-1"), lambda record: reserve_once(order_id=record.body), sqs())
        assert len(batch.failed) == 1
    assert charge.calls == ["order-1"]


# ------------------------------------------------------------ OpenTelemetry
def test_opentelemetry_has_a_span_of_each_record(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    load("opentelemetry_spans").lambda_handler(TWO, None)
    spans = exporter.get_finished_spans()
    assert [(span.attributes or {})["messaging.message.id"] for span in spans] == ids(TWO)
    assert [span.status.is_ok for span in spans] == [True, False]
    assert [event.name for event in spans[1].events] == ["exception"]


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


def test_backing_off(load: Load) -> None:
    client = Sqs()
    assert named(load("backing_off").make(client)(TWO, None)) == ids(TWO)[1:]
    assert len(client.timeouts) == 1


def test_bulk_writes(load: Load) -> None:
    app = load("bulk_writes")
    event = kinesis_event("1", "-1", "2")
    assert named(app.lambda_handler(event, None)) == [event["Records"][1]["kinesis"]["sequenceNumber"]]
    assert app.written == [[1, -1, 2]]
