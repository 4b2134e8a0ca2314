"""Right functions that are done with a record without its effect: they tell, and the message of those that do not says how."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from returns.result import Result, safe

from batchfold import (
    Failed,
    Outcome,
    Settled,
    SqsRecord,
    as_lambda_handler,
    caused_by,
    discard,
    only,
    pipe,
    sqs,
)
from batchfold.testing import (
    Effect,
    EffectFailed,
    EventSource,
    KinesisStream,
    LambdaFunction,
    SqsQueue,
    UnsafeFunctionError,
    assert_safe,
)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.getLogger("batchfold").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("batchfold").setLevel(logging.NOTSET)


def handler(effect: Effect) -> Callable[[SqsRecord[str]], Result[None, Exception]]:
    @safe
    def handle(record: SqsRecord[str]) -> None:
        effect(record.body)

    return handle


def passing_by(effect: Effect, *, tells: bool) -> LambdaFunction:
    """Handles the records of key A, and lets the others pass."""

    def is_wanted(record: SqsRecord[str]) -> bool:
        wanted = record.body.startswith("A")
        if tells and not wanted:
            effect.settle(record.body)
        return wanted

    return as_lambda_handler(pipe(handler(effect), only(is_wanted)), sqs())


def discarding(effect: Effect, *, tells: bool) -> LambdaFunction:
    """Discards a record that failed twice."""

    def tell(outcome: Outcome[None, Exception, SqsRecord]) -> None:
        if isinstance(outcome, Settled) and tells:
            effect.settle(outcome.record.body)

    def has_failed_twice(failed: Failed[Exception, SqsRecord]) -> bool:
        return failed.record.approximate_receive_count >= 2

    return as_lambda_handler(handler(effect), sqs(), settle=discard(when=has_failed_twice), observe=tell)


@pytest.mark.parametrize("make", [passing_by, discarding])
@pytest.mark.parametrize("source", [SqsQueue(), SqsQueue(fifo=True), SqsQueue(max_receive_count=3)])
def test_a_function_that_tells_what_else_it_did_is_accepted(make: Any, source: EventSource) -> None:
    assert_safe(lambda effect: make(effect, tells=True), source=source, max_examples=50)


@pytest.mark.parametrize(("make", "name"), [(passing_by, "B1"), (discarding, "A1")])
def test_the_message_of_one_that_does_not_tell_says_how_to(make: Any, name: str) -> None:
    with pytest.raises(UnsafeFunctionError) as caught:
        assert_safe(lambda effect: make(effect, tells=False), source=SqsQueue(), max_examples=50)
    lost, hint = caught.value.complaints
    assert lost.startswith(f"{name} is lost")
    for word in ("only(...)", "discard(...)", "dead_letter(...)", "effect.settle(record.body)."):
        assert word in hint


def test_the_hint_names_the_part_of_the_payload_that_holds_the_name() -> None:
    def forgets(_effect: Effect) -> LambdaFunction:
        return lambda _event, _context: None

    with pytest.raises(UnsafeFunctionError, match=r"effect\.settle\(record\.data\.id\)"):
        assert_safe(forgets, source=KinesisStream(), payload=lambda name: {"id": name})


def test_a_circuit_breaker_that_refuses_everything_in_three_invocations_is_accepted() -> None:
    def make(effect: Effect) -> LambdaFunction:
        refused = 0

        def function(event: Any, _context: Any) -> Any:
            nonlocal refused
            failed: list[Any] = []
            if refused:
                refused -= 1
                failed = event["Records"]
            else:
                for position, raw in enumerate(event["Records"]):
                    try:
                        effect(raw["body"])
                    except EffectFailed:
                        refused = 3
                        failed = event["Records"][position:]
                        break
            return {"batchItemFailures": [{"itemIdentifier": raw["messageId"]} for raw in failed]}

        return function

    assert_safe(make, source=SqsQueue(), max_examples=100)
    assert_safe(make, source=SqsQueue(fifo=True), max_examples=100)


def test_the_circuit_breaker_of_the_options_is_accepted() -> None:
    def make(effect: Effect) -> LambdaFunction:
        return as_lambda_handler(handler(effect), sqs(), stop_when=caused_by(EffectFailed))

    assert_safe(make, source=SqsQueue(), max_examples=100)


def test_a_function_that_does_one_record_in_each_invocation_is_accepted() -> None:
    def make(effect: Effect) -> LambdaFunction:
        def function(event: Any, _context: Any) -> Any:
            first, *others = event["Records"]
            failed = [raw["messageId"] for raw in others]
            try:
                effect(first["body"])
            except EffectFailed:
                failed.insert(0, first["messageId"])
            return {"batchItemFailures": [{"itemIdentifier": item_id} for item_id in failed]}

        return function

    assert_safe(make, source=SqsQueue(), max_examples=100)


def test_a_handler_that_retries_by_itself_is_accepted() -> None:
    def make(effect: Effect) -> LambdaFunction:
        @safe
        def handle(record: SqsRecord[str]) -> None:
            try:
                effect(record.body)
            except EffectFailed:
                effect(record.body)

        return as_lambda_handler(handle, sqs())

    assert_safe(make, source=SqsQueue(), max_examples=100)


def test_a_function_that_calls_the_effect_twice_for_a_record_is_told_to_call_it_once() -> None:
    def make(effect: Effect) -> LambdaFunction:
        @safe
        def handle(record: SqsRecord[str]) -> None:
            effect(record.body)
            effect(record.body)

        return as_lambda_handler(handle, sqs())

    with pytest.raises(UnsafeFunctionError, match="call it once for each record"):
        assert_safe(make, source=SqsQueue())
