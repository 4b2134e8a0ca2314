"""The search plays outages first, in a fixed order, so that these functions are caught however few examples are drawn."""

import base64
import logging
from collections.abc import Callable, Collection, Sequence
from typing import Any

import pytest

from batchfold import each_record
from batchfold.testing import (
    DynamoDBStream,
    Effect,
    EventSource,
    KinesisStream,
    LambdaFunction,
    MakeFunction,
    SqsQueue,
    Tried,
    UnsafeFunctionError,
    assert_safe,
)


def handling(handle: Callable[[Sequence[Any], Effect], Any]) -> MakeFunction:
    """A function that hands raw records and effect to `handle`."""

    def make(effect: Effect) -> LambdaFunction:
        return lambda event, _context: handle(event["Records"], effect)

    return make


def response(identifiers: Collection[Any]) -> Any:
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


def failures_of(raws: Sequence[Any], effect: Effect) -> list[Any]:
    """Handle every record, and return those that failed."""
    failed: list[Any] = []
    for raw in raws:
        try:
            effect(name_of(raw))
        except Exception:  # noqa: BLE001  # whatever the effect raises
            failed.append(raw)
    return failed


def name_of(raw: Any) -> str:
    if "body" in raw:
        return str(raw["body"])
    if "kinesis" in raw:
        return base64.b64decode(raw["kinesis"]["data"]).decode()
    return str(raw["dynamodb"]["NewImage"]["id"]["S"])


def number_of(raw: Any) -> str:
    return str(raw["kinesis"]["sequenceNumber"] if "kinesis" in raw else raw["dynamodb"]["SequenceNumber"])


def names_every_failure(raws: Sequence[Any], effect: Effect) -> Any:
    return response([raw["messageId"] for raw in failures_of(raws, effect)])


def caught(handle: Callable[[Sequence[Any], Effect], Any], source: EventSource, **asked: Any) -> UnsafeFunctionError:
    """The error of a search that draws no more than one example: what is caught, the outages have caught."""
    with pytest.raises(UnsafeFunctionError) as error:
        assert_safe(handling(handle), source=source, max_examples=1, **asked)
    return error.value


def losing_when_all_fail(least: int) -> Callable[[Sequence[Any], Effect], Any]:
    """Forgets the failures where none of so many messages succeeded, as `if done and failed:` does."""

    def handle(raws: Sequence[Any], effect: Effect) -> Any:
        failed = failures_of(raws, effect)
        return {} if len(failed) == len(raws) >= least else response([raw["messageId"] for raw in failed])

    return handle


@pytest.mark.parametrize("least", range(1, 7))
def test_a_function_that_loses_what_it_was_given_when_all_of_it_fails_is_caught(least: int) -> None:
    shown = caught(losing_when_all_fail(least), SqsQueue())
    assert len(shown.history.lost) == len(shown.history.records) == least


def test_a_full_batch_of_which_everything_fails_is_tried_too() -> None:
    shown = caught(losing_when_all_fail(10), SqsQueue(batch_size=10), max_records=6)
    assert len(shown.history.lost) == 10


@pytest.mark.parametrize("source", [SqsQueue(), SqsQueue(fifo=True), SqsQueue(max_receive_count=10)])
def test_a_function_that_gives_up_at_the_fifth_receive_is_caught(source: SqsQueue) -> None:
    def gives_up(raws: Sequence[Any], effect: Effect) -> Any:
        failed = failures_of(raws, effect)
        return response([raw["messageId"] for raw in failed if int(raw["attributes"]["ApproximateReceiveCount"]) < 5])

    shown = caught(gives_up, source)
    assert shown.history.lost == ("A1",)
    assert shown.history.invocation_count == 5


@pytest.mark.parametrize("source", [KinesisStream(), DynamoDBStream()])
def test_a_function_that_compares_sequence_numbers_as_text_is_caught(source: EventSource) -> None:
    def compares_as_text(raws: Sequence[Any], effect: Effect) -> Any:
        for position, raw in enumerate(raws):
            try:
                effect(name_of(raw))
            except Exception:  # noqa: BLE001  # whatever the effect raises
                return response([min(number_of(left) for left in raws[position:])])
        return None

    shown = caught(compares_as_text, source)
    assert "is lost" in shown.complaints[0]
    assert len(shown.history.records) == 3


@pytest.mark.parametrize(("batch_size", "handled"), [(10, 7), (100, 10), (100, 64)])
def test_a_function_that_handles_only_the_beginning_of_a_large_batch_is_caught(batch_size: int, handled: int) -> None:
    def handles_the_first(raws: Sequence[Any], effect: Effect) -> Any:
        return response([number_of(raw) for raw in failures_of(raws[:handled], effect)][:1])

    shown = caught(handles_the_first, KinesisStream(batch_size=batch_size), lane=each_record)
    assert len(shown.history.records) == handled + 1
    assert len(shown.history.lost) == 1


def test_a_function_that_forgets_a_late_failure_of_a_large_batch_is_caught() -> None:
    def names_up_to_ten(raws: Sequence[Any], effect: Effect) -> Any:
        return response([raw["messageId"] for raw in failures_of(raws, effect) if raw in raws[:10]])

    source = SqsQueue(batch_size=1_000, maximum_batching_window_in_seconds=1)
    assert len(caught(names_up_to_ten, source).history.records) == 11


def test_a_function_that_repeats_what_is_done_because_another_record_overran_is_told_by_its_first_cut_off() -> None:
    def acknowledges_first(raws: Sequence[Any], effect: Effect) -> Any:
        for raw in raws:
            effect(name_of(raw))
            effect.settle(name_of(raw))

    assert caught(acknowledges_first, SqsQueue()).complaints[0].startswith("A1 was performed again in invocation 1")


def idempotent(effect: Effect) -> LambdaFunction:
    """Remembers by the message's id what it has done, and handles a message that it does not remember."""
    done: set[str] = set()

    def function(event: Any, _context: Any) -> Any:
        failed: list[str] = []
        for raw in event["Records"]:
            if raw["messageId"] in done:
                continue
            try:
                effect(raw["body"])
                done.add(raw["messageId"])
            except Exception:  # noqa: BLE001  # whatever the effect raises
                failed.append(raw["messageId"])
        return response(failed)

    return function


def test_the_repeats_of_duplicates_are_needed() -> None:
    tried = assert_safe(handling(names_every_failure), source=SqsQueue(), duplicates=True, max_examples=30)
    assert tried.outages > assert_safe(handling(names_every_failure), source=SqsQueue(), max_examples=30).outages


def test_a_function_that_may_never_repeat_is_shown_a_duplicate() -> None:
    shown = caught(names_every_failure, SqsQueue(), repeats="never")
    assert shown.history.records == ("A1",)
    assert shown.complaints[0].startswith("A1 was performed again in invocation 2.")
    assert [invocation.delivered for invocation in shown.history.invocations] == [("A1",), ("A1",)]
    assert "SqsQueue(delivered_twice=frozenset({'A1'})) holds A1; nothing fails" in str(shown)
    assert "! A1 is performed again, which it must" in str(shown)


@pytest.mark.parametrize("source", [SqsQueue(), SqsQueue(fifo=True), SqsQueue(max_receive_count=3)])
def test_an_idempotent_function_may_be_asked_never_to_repeat(source: SqsQueue) -> None:
    if not source.fifo:
        assert_safe(idempotent, source=source, repeats="never", max_examples=50)
    assert_safe(handling(names_every_failure), source=SqsQueue(), repeats="never", duplicates=False, max_examples=50)


def test_without_duplicates_only_the_repeats_that_a_stream_leaves_no_choice_about_are_shown_when_none_may_be() -> None:
    def handles_everything(raws: Sequence[Any], effect: Effect) -> Any:
        return response([number_of(raw) for raw in failures_of(raws, effect)])

    assert_safe(handling(handles_everything), source=KinesisStream(), lane=each_record, max_examples=20)
    shown = caught(handles_everything, KinesisStream(), lane=each_record, repeats="never")
    assert 'repeats="never"' in shown.complaints[0]


def test_a_search_that_finds_nothing_says_how_much_it_tried(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="batchfold.testing"):
        tried = assert_safe(handling(names_every_failure), source=SqsQueue(), max_examples=25)
    assert isinstance(tried, Tried)
    assert tried.outages > 40
    assert 1 <= tried.drawn <= 25
    assert tried.invocations > tried.outages + tried.drawn
    assert tried.failures > 0
    assert tried.most_records == 10
    assert str(tried) == (
        f"No harm found in {tried.outages + tried.drawn} scenarios ({tried.outages} outages, {tried.drawn} drawn) of up to "
        f"10 records: {tried.invocations} invocations, {tried.failures} failed attempts."
    )
    assert [record.getMessage() for record in caplog.records] == [str(tried)]
