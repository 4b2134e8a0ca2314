"""The effect called with what is the name of no record: it is the test that is wrong, and the failure says so first."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel
from returns.result import safe

from batchfold import Source, as_lambda_handler, dynamodb, kafka, kinesis, sqs
from batchfold.testing import (
    DynamoDBStream,
    Effect,
    EventSource,
    KafkaTopic,
    KinesisStream,
    LambdaFunction,
    MakeFunction,
    SqsQueue,
    UnsafeFunctionError,
    assert_safe,
    drain,
)

CARD = "4242 4242 4242 4242"


class Order(BaseModel):
    id: str
    card: str


def order(name: str) -> dict[str, str]:
    return {"id": name, "card": CARD}


CASES: list[tuple[Source[Any, Any], EventSource, Callable[[str], object] | None, Callable[[Any], Any], str, str]] = [
    (sqs(), SqsQueue(), None, lambda record: record, "a value of type SqsRecord", "effect(record.body)."),
    (sqs(), SqsQueue(), None, lambda record: record.body.lower(), "'a1'", "effect(record.body)."),
    (sqs(), SqsQueue(), order, lambda record: record.body, "a text of 43 characters", "effect(record.body.id)."),
    (sqs(dict[str, str]), SqsQueue(), order, lambda record: record.body, "a value of type dict", "effect(record.body.id)."),
    (sqs(Order), SqsQueue(), order, lambda record: record.body, "a value of type Order", "effect(record.body.id)."),
    (sqs(Order), SqsQueue(), order, lambda record: len(record.body.id), "a value of type int", "effect(record.body.id)."),
    (sqs(Order), SqsQueue(), order, lambda record: record.raw.get("nothing"), "None", "effect(record.body.id)."),
    (kinesis(), KinesisStream(), None, lambda record: bytearray(record.data), "a value of type bytearray", "effect(record.data)."),
    (kinesis(), KinesisStream(), order, lambda record: record.data, "a text of 43 characters", "effect(record.data.id)."),
    (dynamodb(), DynamoDBStream(), None, lambda record: record.new_image, "a value of type dict", 'effect(record.new_image["id"]).'),
    (kafka(), KafkaTopic(), None, lambda record: [record.value], "a value of type list", "effect(record.value)."),
]  # fmt: skip


def calling_it_with(part: Callable[[Any], Any], read: Source[Any, Any]) -> MakeFunction:
    """A function that calls the effect with this part of the record."""

    def make(effect: Effect) -> LambdaFunction:
        @safe
        def handle(record: Any) -> None:
            effect(part(record))

        return as_lambda_handler(handle, read)

    return make


def failure_of(make: MakeFunction, source: EventSource, payload: Callable[[str], object] | None) -> UnsafeFunctionError:
    with pytest.raises(UnsafeFunctionError) as caught:
        assert_safe(make, source=source, payload=payload)
    return caught.value


@pytest.mark.parametrize(("read", "source", "payload", "part", "came", "instead"), CASES)
def test_what_came_is_told_first_by_its_type_and_then_what_to_call_it_with(
    read: Source[Any, Any],
    source: EventSource,
    payload: Callable[[str], object] | None,
    part: Callable[[Any], Any],
    came: str,
    instead: str,
) -> None:
    shown = failure_of(calling_it_with(part, read), source, payload)
    first, second, last = str(shown).splitlines()
    assert first == (
        f"Call the effect with the name of a record, such as 'A1': it was called with {came}, which is the name of no "
        "record."
    )
    assert second.endswith(instead)
    assert last == "Until then nothing else that the function does can be judged."
    assert set(shown.history.strangers) == {came}


def test_the_effect_says_it_where_it_is_called_and_never_tells_a_payload(caplog: pytest.LogCaptureFixture) -> None:
    failure_of(calling_it_with(lambda record: record.body, sqs(dict[str, str])), SqsQueue(), order)
    assert "LookupError: The effect was called with a value of type dict, but the records are A1." in caplog.text
    assert CARD not in caplog.text


def test_what_it_is_settled_with_is_told_the_same() -> None:
    def make(effect: Effect) -> LambdaFunction:
        def settles(event: Any, _context: Any) -> None:
            for raw in event["Records"]:
                effect.settle(raw)

        return settles

    shown = failure_of(make, SqsQueue(), None)
    assert "it was called with a value of type dict, which is the name of no record" in shown.complaints[0]


def test_a_short_text_is_told_as_it_is_for_it_may_be_a_name_misspelt() -> None:
    make = calling_it_with(lambda record: f"{record.body}!", sqs())
    history = drain(make, source=SqsQueue(max_receive_count=2), records=["A1", "A2"])
    assert set(history.strangers) == {"'A1!'", "'A2!'"}


def test_an_effect_that_was_never_called_is_told_with_what_the_function_raised() -> None:
    shown = failure_of(calling_it_with(lambda record: record.body["nr"], sqs(dict[str, str])), SqsQueue(), order)
    (complaint,) = shown.complaints
    assert complaint.startswith("After 2 invocations A1 is still in the source, although nothing stands in its way.")
    assert complaint.endswith(" The function never called the effect for it.")
    assert "KeyError (1 sub-exception); the first is KeyError: 'nr'" in str(shown)
