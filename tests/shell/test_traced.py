"""`traced`: each record that is handled has one span, with the SDK's exporter and X-Ray's propagator, and nothing changes."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.propagators.aws import AwsXRayPropagator  # pyright: ignore[reportMissingTypeStubs]  # has none
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from returns.context import RequiresContextFutureResult, RequiresContextIOResult, RequiresContextResult
from returns.future import FutureResult, future_safe
from returns.io import IOResult
from returns.result import Failure, Result, Success, safe
from tests.core.test_settle_properties import TOLD, Run, Told, User, event_of, every_way, kinds_of, model

from batchfold import (
    Record,
    SqsRecord,
    as_lambda_handler,
    by_item_key,
    caused_by,
    chain,
    dynamodb,
    each_record,
    fold_batch,
    fold_batch_async,
    in_chunks,
    kafka,
    kinesis,
    pipe,
    process_batch,
    sqs,
    traced,
)
from batchfold.shell.spans import _in_xray_header  # pyright: ignore[reportPrivateUsage]  # a test may look inside
from batchfold.testing import (
    Clock,
    KafkaMessage,
    LambdaContext,
    SqsMessage,
    dynamodb_event,
    kafka_event,
    kinesis_event,
    sqs_event,
)

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")


class Telemetry:
    """A tracer of the SDK's, and the spans that have ended."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = provider.get_tracer("tests")

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self.exporter.get_finished_spans()

    def of(self, operation: str) -> dict[str, list[ReadableSpan]]:
        """The spans of an operation by the id of their message."""
        found: dict[str, list[ReadableSpan]] = {}
        for span in self.spans:
            if told(span)["messaging.operation.type"] == operation:
                found.setdefault(str(told(span)["messaging.message.id"]), []).append(span)
        return found


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


def told(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def ids(event: dict[str, Any]) -> list[str]:
    return [raw["messageId"] for raw in event["Records"]]


def named(response: Any) -> list[str]:
    return [entry["itemIdentifier"] for entry in response["batchItemFailures"]]


def is_error(span: ReadableSpan) -> bool:
    assert ("error.type" in told(span)) == (span.status.status_code is StatusCode.ERROR)
    assert span.status.status_code is not StatusCode.OK
    return span.status.status_code is StatusCode.ERROR


def done(_record: object) -> Result[None, str]:
    return Success(None)


def reserve(record: SqsRecord[int]) -> Result[int, str]:
    if record.body == 0:
        raise TimeoutError
    return Success(record.body) if record.body > 0 else Failure("negative")


# ------------------------------------------------------------ whatever happens
@every_way
@given(records=TOLD)
def test_every_record_that_was_started_has_one_span_and_no_other_has_one(run: Run, records: list[Told]) -> None:
    telemetry, user, event = Telemetry(), User(records), event_of(records)
    spans = traced(telemetry.tracer)
    batch = run(event, user, spans, settle=user.settle, observe=spans.observe)
    assert kinds_of(batch) == model(records)
    processed, settled = telemetry.of("process"), telemetry.of("settle")
    assert sum(map(len, processed.values())) + sum(map(len, settled.values())) == len(telemetry.spans)
    for record, kind, item_id in zip(records, kinds_of(batch), ids(event), strict=True):
        assert [is_error(span) for span in processed.get(item_id, [])] == (
            [] if kind == "Unprocessed" else [record.fate != "done"]
        )
        ends_badly = {"settles": [False], "leaves": []}.get(record.last_word, [True])
        assert [is_error(span) for span in settled.get(item_id, [])] == (
            ends_badly if kind in {"Settled", "Failed"} else []
        )


class BrokenSpan(trace.NonRecordingSpan):
    """A span one of whose functions raises."""

    def __init__(self, fails_at: str) -> None:
        super().__init__(trace.INVALID_SPAN_CONTEXT)
        self.fails_at = fails_at

    def fail_at(self, name: str) -> None:
        if self.fails_at == name:
            raise OSError("the collector is down")

    def set_attribute(self, *_given: Any, **_named: Any) -> None:
        self.fail_at("set_attribute")

    def set_status(self, *_given: Any, **_named: Any) -> None:
        self.fail_at("set_status")

    def end(self, *_given: Any, **_named: Any) -> None:
        self.fail_at("end")


class Broken(trace.NoOpTracer):
    """A tracer that raises, or whose spans do."""

    def __init__(self, fails_at: str) -> None:
        self.fails_at = fails_at

    def start_span(self, *_given: Any, **_named: Any) -> BrokenSpan:
        if self.fails_at == "start_span":
            raise OSError("the collector is down")
        return BrokenSpan(self.fails_at)


@every_way
@given(records=TOLD, fails_at=st.sampled_from(["start_span", "set_attribute", "set_status", "end"]))
def test_a_tracer_that_raises_changes_nothing(run: Run, records: list[Told], fails_at: str) -> None:
    tracer = Broken(fails_at)
    user = User(records)
    batch = run(event_of(records), user, traced(tracer), settle=user.settle, observe=traced(tracer).observe)
    assert kinds_of(batch) == model(records)
    assert not any("collector" in str(failed.fault.error) for failed in batch.failed)


def test_what_the_tracer_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    tracer = Broken("end")
    process_batch(sqs_event(1), pipe(reserve, traced(tracer)), sqs(int))
    assert [record.getMessage() for record in caplog.records] == [
        "traced: the tracer raised; the outcome of the record stands"
    ]


def test_without_an_sdk_nothing_happens() -> None:
    spans = traced(trace.NoOpTracer())
    assert len(fold_batch(sqs_event(1, -1), pipe(reserve, spans), sqs(int), observe=spans.observe).succeeded) == 1


@pytest.mark.parametrize("wrong", [None, "orders", object()])
def test_what_is_no_tracer_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="traced takes a tracer, such as"):
        traced(wrong)


def test_a_record_that_was_not_tried_after_stop_when_has_no_span(telemetry: Telemetry) -> None:
    spans, event = traced(telemetry.tracer), sqs_event(1, 0, 2, 3)
    fold_batch(event, pipe(reserve, spans), sqs(int), stop_when=caused_by(TimeoutError), observe=spans.observe)
    assert list(telemetry.of("process")) == ids(event)[:2]


async def forever(_record: object) -> Result[None, str]:
    await asyncio.sleep(3_600)
    raise NotImplementedError


def test_a_record_that_is_cancelled_at_the_reserve_has_its_span(telemetry: Telemetry) -> None:
    event, clock = sqs_event(1, 2, 3), Clock()

    async def too_long(record: SqsRecord[int]) -> Result[None, str]:
        clock.advance(1)
        return await forever(record)

    batch = asyncio.run(
        fold_batch_async(
            event,
            pipe(too_long, traced(telemetry.tracer)),
            sqs(int),
            context=LambdaContext(clock=clock, timeout_seconds=1),
            reserve_ms=990,
            max_concurrency=2,
            cancel_at_reserve=True,
        )
    )
    assert kinds_of(batch) == ["Failed", "Failed", "Unprocessed"]
    assert sorted(telemetry.of("process")) == sorted(ids(event)[:2])
    assert {told(span)["error.type"] for span in telemetry.spans} == {"asyncio.exceptions.CancelledError"}


def test_a_run_that_is_cancelled_ends_its_spans(telemetry: Telemetry) -> None:
    async def run() -> None:
        running = asyncio.create_task(
            fold_batch_async(sqs_event(1, 2), pipe(forever, traced(telemetry.tracer)), sqs(int))
        )
        await asyncio.sleep(0.01)
        running.cancel()
        await running

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert [is_error(span) for span in telemetry.spans] == [True, True]


def test_no_record_is_started_after_the_reserve_and_none_has_a_span(telemetry: Telemetry) -> None:
    clock = Clock()

    def slow(record: SqsRecord[int]) -> Result[int, str]:
        clock.advance(6)
        return Success(record.body)

    context = LambdaContext(clock=clock, timeout_seconds=10)
    event = sqs_event(1, 2, 3)
    batch = fold_batch(event, pipe(slow, traced(telemetry.tracer)), sqs(int), context=context, reserve_ms=5_000)
    assert kinds_of(batch) == ["Succeeded", "Unprocessed", "Unprocessed"]
    assert list(telemetry.of("process")) == ids(event)[:1]


# ------------------------------------------------------------ the current span
def current_message() -> str:
    current: Any = get_current_span()
    return str(current.attributes["messaging.message.id"])


def test_records_on_a_loop_never_share_a_span(telemetry: Telemetry) -> None:
    event = sqs_event(*range(1, 9))

    async def handle(record: SqsRecord[int]) -> Result[int, str]:
        for _ in range(record.body):
            await asyncio.sleep(0)
            assert current_message() == record.message_id
        with telemetry.tracer.start_as_current_span(
            "inside", attributes={"messaging.operation.type": "", "of": record.body}
        ):
            await asyncio.sleep(0)
        return Success(record.body)

    with telemetry.tracer.start_as_current_span("invocation") as invocation:
        batch = asyncio.run(fold_batch_async(event, pipe(handle, traced(telemetry.tracer)), sqs(int)))
    assert len(batch.succeeded) == 8
    by_id = {span.context.span_id: span for span in telemetry.spans if span.context is not None}
    for span in telemetry.spans:
        if span.name == "inside":
            assert span.parent is not None
            parent = by_id[span.parent.span_id]
            assert told(parent)["messaging.message.id"] == ids(event)[told(span)["of"] - 1]
        elif span.name == "process orders":
            assert span.parent == invocation.get_span_context()


def test_records_in_threads_never_share_a_span(telemetry: Telemetry) -> None:
    barrier, event = Barrier(4, timeout=30), sqs_event(*range(1, 9))

    def handle(record: SqsRecord[int]) -> Result[int, str]:
        barrier.wait()
        assert current_message() == record.message_id
        return Success(record.body)

    with ThreadPoolExecutor(4) as executor, telemetry.tracer.start_as_current_span("invocation") as invocation:
        batch = fold_batch(event, pipe(handle, traced(telemetry.tracer)), sqs(int), executor=executor)
    assert len(batch.succeeded) == 8
    *processed, _ = telemetry.spans
    assert [span.parent for span in processed] == [invocation.get_span_context()] * 8


def test_the_span_before_is_current_again_after_each_record(telemetry: Telemetry) -> None:
    current: list[Any] = []
    with telemetry.tracer.start_as_current_span("invocation") as invocation:
        fold_batch(
            sqs_event(1, 0, -1),
            pipe(reserve, traced(telemetry.tracer)),
            sqs(int),
            observe=lambda _outcome: current.append(get_current_span()),
        )
        current.append(get_current_span())
    assert current == [invocation] * 4


# ------------------------------------------------------------ every kind of handler
class Later:
    """An object whose `__call__` is async."""

    async def __call__(self, record: SqsRecord[int]) -> Result[int, str]:
        await asyncio.sleep(0)
        assert current_message() == record.message_id
        return reserve(record)


async def later(record: SqsRecord[int]) -> Result[int, str]:
    return await Later()(record)


def undeclared(record: Any) -> Any:
    return later(record)


def as_future(record: SqsRecord[int]) -> FutureResult[int, str]:
    async def inner() -> Result[int, str]:
        return await Later()(record)

    return FutureResult(inner())


@future_safe
async def later_or_raise(record: SqsRecord[int]) -> int:
    return (await Later()(record)).unwrap()


@safe
def or_raise(record: SqsRecord[int]) -> int:
    return reserve(record).unwrap()


def with_effects(record: SqsRecord[int]) -> IOResult[int, str]:
    return IOResult.from_result(reserve(record))


def in_time(record: SqsRecord[int], context: LambdaContext) -> Result[int, str]:
    assert context.get_remaining_time_in_millis() > 0
    assert current_message() == record.message_id
    return reserve(record)


async def in_time_later(record: SqsRecord[int], context: LambdaContext) -> Result[int, str]:
    await asyncio.sleep(0)
    return in_time(record, context)


def needs_context(record: SqsRecord[int]) -> RequiresContextResult[int, str, LambdaContext]:
    return RequiresContextResult(lambda context: in_time(record, context))


def needs_context_for_effects(record: SqsRecord[int]) -> RequiresContextIOResult[int, str, LambdaContext]:
    return RequiresContextIOResult(lambda context: IOResult.from_result(in_time(record, context)))


def needs_context_later(record: SqsRecord[int]) -> RequiresContextFutureResult[int, str, LambdaContext]:
    def inner(context: LambdaContext) -> FutureResult[int, str]:
        return FutureResult(in_time_later(record, context))

    return RequiresContextFutureResult(inner)


@pytest.mark.parametrize(
    ("handler", "options"),
    [
        (reserve, {}),
        (or_raise, {}),
        (with_effects, {}),
        (in_time, {}),
        (needs_context, {}),
        (needs_context_for_effects, {}),
        (later, {}),
        (Later(), {}),
        (later_or_raise, {}),
        (as_future, {}),
        (undeclared, {"max_concurrency": 2}),
        (in_time_later, {}),
        (needs_context_later, {}),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_every_kind_of_handler_is_spanned_once(handler: Any, options: dict[str, Any], telemetry: Telemetry) -> None:
    event = sqs_event(1, -1, 0)
    make: Any = as_lambda_handler
    spanned: Any = make(pipe(handler, traced(telemetry.tracer)), sqs(int), **options)
    assert named(spanned(event, LambdaContext())) == ids(event)[1:]
    assert list(map(is_error, telemetry.spans)) == [False, True, True]
    assert sorted(telemetry.of("process")) == sorted(ids(event))


def test_a_handler_that_returns_no_result_fails_and_so_does_its_span(telemetry: Telemetry) -> None:
    returned: list[Any] = [None, 3, Success(Success(1)), Success([Failure("no")])]

    def handle(record: SqsRecord[int]) -> Any:
        return returned[record.body]

    batch = fold_batch(sqs_event(0, 1, 2, 3), pipe(handle, traced(telemetry.tracer)), sqs(int))
    assert len(batch.failed) == 4
    assert [told(span)["error.type"] for span in telemetry.spans] == ["TypeError"] * 4


def test_a_step_of_a_chain_can_have_a_span_too(telemetry: Telemetry) -> None:
    def lines(record: SqsRecord) -> Result[Any, str]:
        return Success(map(int, record.body.split()))

    def total(numbers: Any) -> Result[int, str]:
        return Success(sum(numbers))

    spans = traced(telemetry.tracer)
    batch = fold_batch(sqs_event("1 2 3"), chain(spans(lines), spans(total)), sqs())
    assert batch.succeeded[0].value == 6
    assert [(span.name, is_error(span)) for span in telemetry.spans] == [("process orders", False), ("process", False)]


def test_a_coroutine_in_a_success_is_left_to_the_layer_that_awaits_it(telemetry: Telemetry) -> None:
    def inner(record: SqsRecord[int]) -> Result[Any, str]:
        return Success(later(record))

    spanned = traced(telemetry.tracer)(inner)

    async def outer(record: SqsRecord[int]) -> Result[int, str]:
        with telemetry.tracer.start_as_current_span("", attributes={"messaging.message.id": record.message_id}):
            awaited: Result[int, str] = await spanned(record).unwrap()
            return awaited

    assert len(asyncio.run(fold_batch_async(sqs_event(1), outer, sqs(int))).succeeded) == 1


# ------------------------------------------------------------ chunks
def reserve_all(records: list[SqsRecord[int]]) -> list[Result[int, str]]:
    found = list(map(reserve, records))
    records.clear()
    return found


async def reserve_all_later(records: list[SqsRecord[int]]) -> list[Result[int, str]]:
    await asyncio.sleep(0)
    return reserve_all(records)


@pytest.mark.parametrize("write_all", [reserve_all, reserve_all_later])
def test_a_chunk_has_one_span_with_a_link_for_each_record(write_all: Any, telemetry: Telemetry) -> None:
    header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    spans, event = traced(telemetry.tracer), sqs_event(1, SqsMessage(2, trace_header=header), 3, -1, "?")
    make: Any = as_lambda_handler
    chunks_of: Any = in_chunks
    handler: Any = spans(chunks_of(write_all, size=2))
    response: Any = make(handler, sqs(int), observe=spans.observe)(event, None)
    assert named(response) == ids(event)[3:]
    chunks = [span for span in telemetry.spans if "messaging.batch.message_count" in told(span)]
    assert sorted((told(span)["messaging.batch.message_count"], is_error(span)) for span in chunks) == [
        (2, False),
        (2, True),
    ]
    assert sorted(str((link.attributes or {})["messaging.message.id"]) for span in chunks for link in span.links) == (
        sorted(ids(event)[:4])
    )
    linked = [link.context for span in chunks for link in span.links if link.context.is_valid]
    assert [hex(context.span_id) for context in linked] == ["0x53995c3f42cd8ad8"]
    assert all("messaging.message.id" not in told(span) for span in chunks)
    (unparsed,) = (span for span in telemetry.spans if span not in chunks)
    assert told(unparsed)["messaging.message.id"] == ids(event)[4]


@pytest.mark.parametrize("returned", [None, [], [Success(1)], TimeoutError()])
def test_a_chunk_that_fails_as_one_has_a_span_that_says_so(returned: Any, telemetry: Telemetry) -> None:
    def write_all(_records: list[SqsRecord[int]]) -> Any:
        if isinstance(returned, Exception):
            raise returned
        return returned

    batch = fold_batch(sqs_event(1, 2), pipe(in_chunks(write_all, size=2), traced(telemetry.tracer)), sqs(int))
    assert len(batch.failed) == 2
    assert [told(span)["error.type"] for span in telemetry.spans] == [
        "TimeoutError" if isinstance(returned, Exception) else "TypeError"
    ]


# ------------------------------------------------------------ what a span tells
ARN = "arn:aws:sqs:eu-west-1:123456789012:orders"


@pytest.mark.parametrize(
    ("event", "source", "name", "attributes"),
    [
        (
            sqs_event(SqsMessage("1", message_id="m1")),
            sqs(),
            "process orders",
            {
                "messaging.system": "aws_sqs",
                "messaging.destination.name": "orders",
                "messaging.message.id": "m1",
                "faas.trigger": "pubsub",
                "aws.sqs.queue.url": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders",
            },
        ),
        (
            kafka_event(KafkaMessage(None, partition=3, offset=15)),
            kafka(),
            "process orders",
            {
                "messaging.system": "kafka",
                "messaging.destination.name": "orders",
                "messaging.destination.partition.id": "3",
                "messaging.kafka.offset": 15,
                "messaging.kafka.message.tombstone": True,
                "faas.trigger": "pubsub",
            },
        ),
    ],
)
def test_a_span_has_the_attributes_of_the_conventions(
    event: Any, source: Any, name: str, attributes: dict[str, Any], telemetry: Telemetry
) -> None:
    fold_batch(event, pipe(done, traced(telemetry.tracer)), source)
    (span,) = telemetry.spans
    assert (span.name, span.kind) == (name, SpanKind.CONSUMER)
    operation = {"messaging.operation.name": "process", "messaging.operation.type": "process"}
    assert told(span) == {**attributes, **operation}
    assert not span.events
    assert not span.links


def test_streams_tell_their_name_and_the_sequence_number(telemetry: Telemetry) -> None:
    spanned = pipe(done, traced(telemetry.tracer))
    for event, source in ((kinesis_event(b"1"), kinesis()), (dynamodb_event({"id": "1"}), dynamodb())):
        batch = fold_batch(event, spanned, source)
        found = told(telemetry.spans[-1])
        assert found["messaging.message.id"] == batch.outcomes[0].item_id
        assert telemetry.spans[-1].name == f"process {found['messaging.destination.name']}"
    data, change = map(told, telemetry.spans)
    assert (data["messaging.system"], data["faas.trigger"]) == ("aws_kinesis", "pubsub")
    assert data["messaging.destination.partition.id"].startswith("shardId-")
    assert data["aws.kinesis.stream_name"] == data["messaging.destination.name"]
    assert (change["messaging.system"], change["faas.trigger"]) == ("aws_dynamodb", "datasource")


class Line(Record):
    """A record of a user's own source, which says nothing of spans."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw


@pytest.mark.parametrize("record", [Line({}), "a line", None])
def test_a_record_that_says_nothing_has_a_plain_span(record: object, telemetry: Telemetry) -> None:
    assert traced(telemetry.tracer)(done)(record) == Success(None)
    (span,) = telemetry.spans
    assert span.name == "process"
    assert told(span) == {"messaging.operation.name": "process", "messaging.operation.type": "process"}


SECRET = "pay-the-ransom"  # noqa: S105  # a payload


def fails_with_secret(_record: object) -> Result[None, ValueError]:
    return Failure(ValueError(SECRET))


def raises_secret(_record: object) -> Result[None, str]:
    raise ValueError(SECRET)


@pytest.mark.parametrize("handler", [fails_with_secret, raises_secret])
@pytest.mark.parametrize(
    ("event", "source"),
    [
        (
            sqs_event(SqsMessage(SECRET, message_group_id=SECRET, message_attributes={"a": SECRET, SECRET: "a"})),
            sqs(),
        ),
        (sqs_event(SECRET), sqs(int)),
        (kinesis_event(SECRET.encode()), kinesis(lane=each_record)),
        (dynamodb_event({"id": SECRET, SECRET: SECRET}), dynamodb(lane=by_item_key)),
        (kafka_event(KafkaMessage(SECRET, key=SECRET, headers={"a": SECRET.encode(), SECRET: b""})), kafka()),
    ],
)
def test_no_payload_no_key_and_no_text_of_an_error_is_in_a_span(
    handler: Any, event: Any, source: Any, telemetry: Telemetry
) -> None:
    def settle(_failed: object) -> Result[None, ValueError]:
        return Failure(ValueError(SECRET))

    spans = traced(telemetry.tracer)
    fold_batch(event, pipe(handler, spans), source, settle=settle, observe=spans.observe)
    assert len(telemetry.spans) == 2
    for span in telemetry.spans:
        assert SECRET not in span.to_json()


def test_the_type_of_an_error_has_its_module_unless_it_is_built_in(telemetry: Telemetry) -> None:
    class OutOfStockError(Exception): ...

    def handle(record: SqsRecord[int]) -> Result[None, object]:
        return Failure([OutOfStockError(), KeyError(), "sold out"][record.body])

    fold_batch(sqs_event(0, 1, 2), pipe(handle, traced(telemetry.tracer)), sqs(int))
    own = f"{__name__}.test_the_type_of_an_error_has_its_module_unless_it_is_built_in.<locals>.OutOfStockError"
    assert [told(span)["error.type"] for span in telemetry.spans] == [own, "KeyError", "str"]


# ------------------------------------------------------------ the sender's span
def test_a_span_links_to_the_sender_by_x_ray_s_header_and_by_w3c_s(telemetry: Telemetry) -> None:
    carriers: list[dict[str, str]] = [{}, {}]
    senders: list[Any] = []
    for carrier, propagator in zip(carriers, (AwsXRayPropagator(), TraceContextTextMapPropagator()), strict=True):
        with telemetry.tracer.start_as_current_span("send") as sender:
            propagator.inject(carrier)
            senders.append(sender.get_span_context())
    telemetry.exporter.clear()
    of_xray, of_w3c = carriers
    header = of_xray["X-Amzn-Trace-Id"]
    w3c: Any = {**of_w3c, "tracestate": "rojo=1"}
    event = sqs_event(
        "none",
        SqsMessage("x-ray", trace_header=header),
        SqsMessage("w3c", message_attributes=w3c),
        SqsMessage("both", trace_header=header, message_attributes=w3c),
        SqsMessage("binary", message_attributes={"traceparent": b"\xff"}),
    )
    fold_batch(event, pipe(done, traced(telemetry.tracer)), sqs())
    headers = {name: value.encode() for name, value in w3c.items()}
    fold_batch(
        kafka_event(KafkaMessage("w3c", headers=headers), KafkaMessage("odd", headers={"traceparent": b"\xff"})),
        pipe(done, traced(telemetry.tracer)),
        kafka(),
    )
    linked = [[(link.context.trace_id, link.context.span_id) for link in span.links] for span in telemetry.spans]
    by_xray, by_w3c = ((context.trace_id, context.span_id) for context in senders)
    assert linked == [[], [by_xray], [by_w3c], [by_xray, by_w3c], [], [by_w3c], []]
    assert all(link.context.is_remote for span in telemetry.spans for link in span.links)
    assert telemetry.spans[2].links[0].context.trace_state.get("rojo") == "1"


def test_the_same_sender_told_twice_has_one_link(telemetry: Telemetry) -> None:
    xray: dict[str, str] = {}
    w3c: dict[str, Any] = {}
    with telemetry.tracer.start_as_current_span("send"):
        AwsXRayPropagator().inject(xray)
        TraceContextTextMapPropagator().inject(w3c)
    event = sqs_event(SqsMessage("1", trace_header=xray["X-Amzn-Trace-Id"], message_attributes=w3c))
    fold_batch(event, pipe(done, traced(telemetry.tracer)), sqs())
    assert len(telemetry.spans[-1].links) == 1


hexadecimal = st.text("0123456789abcdefABCDEF", min_size=24, max_size=24)
roots = st.builds("1-{}-{}".format, hexadecimal.map(lambda digits: digits[:8]), hexadecimal) | st.text(max_size=40)
parents = hexadecimal.map(lambda digits: digits[:16]) | st.text(max_size=18)
fields = st.lists(
    st.one_of(
        st.builds("Root={}".format, roots),
        st.builds("Parent={}".format, parents),
        st.builds("Sampled={}".format, st.sampled_from(["0", "1", "?", ""])),
        st.builds("Self={}".format, roots),
        st.just("Lineage=1:a87bd80c:1"),
        st.text(max_size=5),
    ),
    max_size=6,
)


@given(header=fields.map(";".join))
def test_where_x_ray_s_propagator_finds_a_sender_the_same_one_is_found(header: str) -> None:
    theirs = get_current_span(AwsXRayPropagator().extract({"X-Amzn-Trace-Id": header})).get_span_context()
    ours = _in_xray_header({"X-Amzn-Trace-Id": header})
    if theirs.is_valid and header.isascii():
        assert (ours.trace_id, ours.span_id, ours.trace_flags) == (theirs.trace_id, theirs.span_id, theirs.trace_flags)
    assert not ours.is_valid or ours.is_remote
