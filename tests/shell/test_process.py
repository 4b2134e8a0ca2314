"""`fold_batch` and `process_batch`: bad input, bad handlers, time, and what passes through."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.io import IOFailure, IOResult, IOSuccess, impure_safe
from returns.result import Failure, Result, Success, safe

from batchfold import (
    Crashed,
    Malformed,
    Source,
    SqsRecord,
    UnexpectedEventError,
    dynamodb,
    fold_batch,
    kafka,
    kinesis,
    process_batch,
    sqs,
    whole_batch,
)
from batchfold.testing import Clock, LambdaContext, SqsMessage, sqs_event

SOURCES: list[Source[Any, Any]] = [sqs(), kinesis(), dynamodb(), kafka()]


def refuses(event: Any, source: Source[Any, Any] = SOURCES[0]) -> str:
    handled: list[Any] = []
    with pytest.raises(UnexpectedEventError) as raised:
        process_batch(event, handled.append, source)  # type: ignore[arg-type]  # never called
    assert not handled
    return str(raised.value)


def fault_of(handler: Callable[[Any], Any], body: str = "x", source: Source[Any, Any] = SOURCES[0]) -> Any:
    (failed,) = fold_batch(sqs_event(SqsMessage(body=body)), handler, source).failed
    return failed.fault


# ------------------------------------------------------------ events
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("event", [None, 3, "text", [], {}, {"Records": None}, {"Records": "x"}, {"records": 3}])
def test_an_event_without_records_is_refused(event: Any, source: Source[Any, Any]) -> None:
    message = refuses(event, source)
    assert "expected" in message
    assert "No record was handled" in message


@pytest.mark.parametrize("source", [kinesis(), dynamodb()])
def test_a_tumbling_window_is_refused(source: Source[Any, Any]) -> None:
    assert "TumblingWindowInSeconds" in refuses({"Records": [], "window": {}, "state": {}}, source)


def test_a_record_that_cannot_be_named_fails_everything_before_any_is_handled() -> None:
    event = sqs_event("a", "b", "c")
    del event["Records"][2]["messageId"]
    assert "Records[2]" in refuses(event)


# ------------------------------------------------------------ payloads
NOT_JSON = ["", "{", "nonsense", '{"a": }', "[" * 5_000, '{"a":' * 5_000]
NOT_A_MAPPING_OF_NUMBERS = ["\ud800", '"\\ud800"', "null", "[1]", '{"a": "b"}']


@pytest.mark.parametrize("body", [*NOT_JSON, *NOT_A_MAPPING_OF_NUMBERS])
def test_a_payload_that_is_not_what_it_should_be_is_malformed(body: str) -> None:
    assert isinstance(fault_of(lambda _record: Success(None), body, sqs(dict[str, int])), Malformed)


@pytest.mark.parametrize("body", NOT_JSON)
def test_a_payload_that_a_decoder_cannot_read_is_malformed(body: str) -> None:
    assert isinstance(fault_of(lambda _record: Success(None), body, sqs(decode=json.loads)), Malformed)


def test_a_decoder_that_raises_anything_else_has_crashed() -> None:
    def registry_is_down(_text: str) -> str:
        raise ConnectionError("registry")

    assert isinstance(fault_of(lambda _record: Success(None), source=sqs(decode=registry_is_down)), Crashed)


def test_the_rest_of_the_batch_goes_on_after_a_malformed_record() -> None:
    batch = fold_batch(sqs_event("1", "x", "3"), lambda record: Success(record.body), sqs(int))
    assert [succeeded.value for succeeded in batch.succeeded] == [1, 3]
    assert batch.failed[0].record.body == "x"


# ------------------------------------------------------------ handlers
def raising(error: BaseException) -> Callable[[Any], Any]:
    def handler(_record: Any) -> Any:
        raise error

    return handler


@pytest.mark.parametrize("error", [ValueError("x"), RecursionError(), MemoryError(), StopIteration(), ExceptionGroup("x", [OSError()])])  # fmt: skip
def test_a_handler_that_raises_has_crashed(error: Exception) -> None:
    assert fault_of(raising(error)) == Crashed(error)


def test_a_stray_cancellation_has_crashed_and_stays_inside() -> None:
    error = asyncio.CancelledError()
    fault = fault_of(raising(error))
    assert isinstance(fault, Crashed)
    assert fault.error.__cause__ is error


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
def test_what_ends_the_process_passes_through(error: BaseException) -> None:
    with pytest.raises(type(error)):
        process_batch(sqs_event("a"), raising(error), sqs())


def test_every_container_of_returns_is_understood() -> None:
    def io(record: SqsRecord[str]) -> IOResult[int, str]:
        return IOSuccess(1) if record.body == "ok" else IOFailure("no")

    @safe
    def raises(record: SqsRecord[str]) -> int:
        return int(record.body)

    @impure_safe
    def raises_impure(record: SqsRecord[str]) -> int:
        return int(record.body)

    def kinds(handler: Any, *bodies: str) -> list[str]:
        return [type(outcome).__name__ for outcome in fold_batch(sqs_event(*bodies), handler, sqs()).outcomes]

    assert kinds(io, "ok", "x") == ["Succeeded", "Failed"]
    assert kinds(raises, "1", "x") == ["Succeeded", "Failed"]
    assert kinds(raises_impure, "1", "x") == ["Succeeded", "Failed"]


def test_an_async_handler_is_told_where_to_go() -> None:
    async def handler(_record: Any) -> Result[int, str]:
        return Success(1)

    assert "process_batch_async" in str(fault_of(handler).error)


# ------------------------------------------------------------ time
@given(st.integers(1, 10), st.integers(1, 10))
def test_with_the_reserve_reached_after_some_records_exactly_those_were_started(count: int, reached_after: int) -> None:
    clock = Clock()
    started: list[str] = []

    def handler(record: SqsRecord[str]) -> Result[None, str]:
        started.append(record.message_id)
        if len(started) == reached_after:
            clock.advance(9)
        return Success(None)

    context = LambdaContext(clock=clock, timeout_seconds=10)
    event = sqs_event(*map(str, range(count)))
    batch = fold_batch(event, handler, sqs(), context=context, reserve_ms=1_000)
    assert started == [raw["messageId"] for raw in event["Records"][:reached_after]]
    assert len(batch.succeeded) == min(count, reached_after)
    assert len(batch.unprocessed) == max(count - reached_after, 0)


def test_the_first_record_is_started_however_little_time_is_left() -> None:
    context = LambdaContext(clock=Clock(), timeout_seconds=0)
    batch = fold_batch(sqs_event("a", "b"), lambda _r: Success(None), sqs(), context=context, reserve_ms=1_000)
    assert [type(outcome).__name__ for outcome in batch.outcomes] == ["Succeeded", "Unprocessed"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"reserve_ms": 1}, "reserve_ms= was given without context="),
        ({"context": LambdaContext()}, "context= was given without reserve_ms="),
        ({"observer": print}, "unexpected option observer=, expected one of observe, reserve_ms, settle"),
    ],
)
def test_options_that_make_no_sense_are_type_errors(options: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said.replace("(", r"\(")):
        process_batch(sqs_event("a"), lambda _r: Success(None), sqs(), **options)


def test_a_negative_reserve_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 0 or more, got -1"):
        process_batch(sqs_event("a"), lambda _r: Success(None), sqs(), context=LambdaContext(), reserve_ms=-1)


# ------------------------------------------------------------ the README's rule: respond after fold_batch, nothing more
def test_process_batch_takes_every_option_of_fold_batch() -> None:
    seen: list[str] = []
    with ThreadPoolExecutor(2) as executor:
        response = process_batch(
            sqs_event("a", "b"),
            lambda _record: Failure("no"),
            sqs(lane=whole_batch),
            settle=lambda _failed: Success(None),
            observe=lambda outcome: seen.append(type(outcome).__name__),
            executor=executor,
            context=LambdaContext(),
            reserve_ms=1,
        )
    assert response == {"batchItemFailures": []}
    assert seen == ["Settled", "Settled"]
