"""The functions that the model must catch, each with its shortest history."""

import base64
import json
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import pytest

from batchfold import each_record, whole_batch
from batchfold.testing import (
    Effect,
    EventSource,
    FailureSchedule,
    History,
    KinesisStream,
    LambdaFunction,
    MakeFunction,
    SqsQueue,
    UnsafeFunctionError,
    assert_safe,
    drain,
    tell,
)

safety: Any = import_module("batchfold.testing.safety")
powertools: Any = import_module("aws_lambda_powertools.utilities.batch")  # its types are not complete


def handling(handle: Callable[[Sequence[Any], Effect], Any]) -> MakeFunction:
    """A function that hands raw records and effect to `handle`."""

    def make(effect: Effect) -> LambdaFunction:
        return lambda event, _context: handle(event["Records"], effect)

    return make


def failures_of(raws: Sequence[Any], effect: Effect) -> list[Any]:
    """Handle every message, and tell which failed."""
    failed: list[Any] = []
    for raw in raws:
        try:
            effect(raw["body"])
        except Exception:  # noqa: BLE001  # whatever the effect raises
            failed.append(raw)
    return failed


def response(identifiers: Sequence[Any], key: str = "itemIdentifier") -> Any:
    return {"batchItemFailures": [{key: identifier} for identifier in identifiers]}


def names_every_failure(raws: Sequence[Any], effect: Effect) -> Any:
    return response([raw["messageId"] for raw in failures_of(raws, effect)])


def forgets_every_failure_but_the_first(raws: Sequence[Any], effect: Effect) -> Any:
    return response([raw["messageId"] for raw in failures_of(raws, effect)[:1]])


def names_failures_under_the_wrong_key(raws: Sequence[Any], effect: Effect) -> Any:
    return response([raw["messageId"] for raw in failures_of(raws, effect)], key="messageId")


def returns_failures_under_the_wrong_name(raws: Sequence[Any], effect: Effect) -> Any:
    return {"failures": [{"itemIdentifier": raw["messageId"]} for raw in failures_of(raws, effect)]}


def names_the_receipt_handle(raws: Sequence[Any], effect: Effect) -> Any:
    return response([raw["receiptHandle"] for raw in failures_of(raws, effect)])


def swallows_every_exception(raws: Sequence[Any], effect: Effect) -> None:
    failures_of(raws, effect)


def stops_at_the_first_failure_and_names_only_that(raws: Sequence[Any], effect: Effect) -> Any:
    for raw in raws:
        try:
            effect(raw["body"])
        except Exception:  # noqa: BLE001  # whatever the effect raises
            return response([raw["messageId"]])
    return None


def raises_at_the_first_failure(raws: Sequence[Any], effect: Effect) -> None:
    for raw in raws:
        effect(raw["body"])


def refuses_everything(_raws: Sequence[Any], _effect: Effect) -> None:
    raise ValueError("no")


def names_a_stream_s_last_failure(raws: Sequence[Any], effect: Effect) -> Any:
    failed: list[str] = []
    for raw in raws:
        try:
            effect(_decoded(raw))
        except Exception:  # noqa: BLE001  # whatever the effect raises
            failed.append(raw["kinesis"]["sequenceNumber"])
    return response(failed[-1:])


def _decoded(raw: Any) -> bytes:
    return base64.b64decode(raw["kinesis"]["data"])


QUEUE = SqsQueue()
FIFO = SqsQueue(fifo=True)


def shortest_history(make: MakeFunction, source: EventSource, **asked: Any) -> UnsafeFunctionError:
    with pytest.raises(UnsafeFunctionError) as caught:
        assert_safe(make, source=source, **asked)
    return caught.value


@pytest.mark.parametrize(
    ("wrong", "source", "records", "complaint"),
    [
        (swallows_every_exception, QUEUE, 1, "A1 is lost"),
        (returns_failures_under_the_wrong_name, QUEUE, 1, "A1 is lost"),
        (names_every_failure, SqsQueue(report_batch_item_failures=False), 1, "A1 is lost"),
        (forgets_every_failure_but_the_first, QUEUE, 2, "A2 is lost"),
        (names_failures_under_the_wrong_key, QUEUE, 2, "A1 was performed again"),
        (names_the_receipt_handle, QUEUE, 2, "A1 was performed again"),
        (raises_at_the_first_failure, QUEUE, 2, "A1 was performed again"),
        (names_every_failure, FIFO, 2, "Order is broken: A2 was performed in invocation 1 while A1"),
        (stops_at_the_first_failure_and_names_only_that, FIFO, 2, "A2 is lost"),
        (refuses_everything, QUEUE, 1, "A1 is still in the source"),
    ],
)
def test_it_is_caught_with_its_shortest_history(
    wrong: Callable[[Sequence[Any], Effect], Any], source: EventSource, records: int, complaint: str
) -> None:
    shown = shortest_history(handling(wrong), source)
    assert any(each.startswith(complaint) or complaint in each for each in shown.complaints), str(shown)
    assert len(shown.history.records) == records, str(shown)


def test_a_stream_s_function_that_names_its_last_failure_is_caught() -> None:
    shown = shortest_history(handling(names_a_stream_s_last_failure), KinesisStream(), lane=each_record)
    assert shown.complaints[0].startswith("A1 is lost")
    assert shown.history.records == ("A1", "A2")


def test_a_function_that_takes_on_more_than_it_has_time_for_is_caught() -> None:
    shown = shortest_history(handling(names_every_failure), QUEUE, timeout_seconds=3, effect_seconds=1)
    assert shown.history.records == ("A1", "A2", "A3", "A4")
    assert shown.history.invocations[0].that("cut off") == ("A4",)
    assert shown.complaints[0].startswith("A1 was performed again in invocation 2")


def test_an_attempt_that_overruns_the_timeout_by_itself_is_held_against_nobody() -> None:
    assert_safe(handling(names_every_failure), source=QUEUE, overruns=True)


def test_the_error_prints_the_whole_shortest_history() -> None:
    shown = shortest_history(handling(names_every_failure), FIFO)
    assert str(shown).splitlines() == [
        "The function is not safe on this source.",
        "Order is broken: A2 was performed in invocation 1 while A1, which comes first in its lane, was still to come.",
        "",
        "SqsQueue(fifo=True) holds A1 A2; A1 fails",
        "  1. at 0 s, Lambda delivers A1 A2",
        "       attempts: A1 failed, A2 performed",
        '       the function returns {"batchItemFailures": [{"itemIdentifier": <A1>}]}',
        "       Lambda reads a partial failure, takes as done A2",
        "       ! A2 is performed before A1, which comes first in its lane",
        "  2. at 30 s, Lambda delivers A1 (delivery 2)",
        "       attempts: A1 performed",
        '       the function returns {"batchItemFailures": []}',
        "       Lambda reads a complete success, takes as done A1",
        "  in the end:",
        "       A1 A2: done",
    ]


def test_a_function_that_does_not_do_the_same_again_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    is_searched = True
    shortened = safety.shortened

    def shortened_and_no_more(*given: Any) -> Any:
        nonlocal is_searched
        found = shortened(*given)
        is_searched = False
        return found

    monkeypatch.setattr(safety, "shortened", shortened_and_no_more)

    def forgets_failures_while_it_is_searched(raws: Sequence[Any], effect: Effect) -> Any:
        failed = failures_of(raws, effect)
        return None if is_searched else response([raw["messageId"] for raw in failed])

    shown = shortest_history(handling(forgets_failures_while_it_is_searched), QUEUE)
    assert shown.history.lost == ()
    assert shown.complaints[0].startswith("It did harm in the search, and none when the same was played again")


def test_naming_every_failure_is_right_on_a_standard_queue_and_wrong_on_a_fifo_queue() -> None:
    assert_safe(handling(names_every_failure), source=QUEUE)
    shortest_history(handling(names_every_failure), FIFO)


def test_raising_at_the_first_failure_is_all_that_can_be_done_without_report_batch_item_failures() -> None:
    for source in (SqsQueue(report_batch_item_failures=False), KinesisStream(report_batch_item_failures=False)):
        payload = "body" if isinstance(source, SqsQueue) else "kinesis"

        def raises(raws: Sequence[Any], effect: Effect, payload: str = payload) -> None:
            for raw in raws:
                effect(raw["body"] if payload == "body" else _decoded(raw))

        assert_safe(handling(raises), source=source)


def test_an_effect_called_with_what_names_no_record_is_told_so() -> None:
    def calls_it_with_the_message_id(raws: Sequence[Any], effect: Effect) -> None:
        for raw in raws:
            effect(raw["messageId"])

    shown = shortest_history(handling(calls_it_with_the_message_id), QUEUE)
    assert "is the name of no record" in shown.complaints[0]


def test_repeats_of_a_function_that_handles_a_stream_to_its_end_are_needless_unless_its_lane_says_so() -> None:
    def handles_everything(raws: Sequence[Any], effect: Effect) -> Any:
        failed: list[str] = []
        for raw in raws:
            try:
                effect(_decoded(raw))
            except Exception:  # noqa: BLE001  # whatever the effect raises
                failed.append(raw["kinesis"]["sequenceNumber"])
        return response(failed)

    assert_safe(handling(handles_everything), source=KinesisStream(), lane=each_record)
    for lane in (None, whole_batch):
        shown = shortest_history(handling(handles_everything), KinesisStream(), lane=lane)
        assert shown.complaints[0].startswith("Order is broken")


def test_a_record_that_was_given_up_without_having_been_started_is_shown_when_asked() -> None:
    def stops_at_the_first_failure(raws: Sequence[Any], effect: Effect) -> Any:
        for position, raw in enumerate(raws):
            try:
                effect(raw["body"])
            except Exception:  # noqa: BLE001  # whatever the effect raises
                return response([left["messageId"] for left in raws[position:]])
        return None

    source = SqsQueue(fifo=True, max_receive_count=2)
    assert_safe(handling(stops_at_the_first_failure), source=source)
    shown = shortest_history(handling(stops_at_the_first_failure), source, must_start=True)
    assert "was given up without ever having been started" in shown.complaints[0]


def test_a_custom_payload_and_error_reach_the_function() -> None:
    class OutOfStockError(Exception): ...

    def json_function(raws: Sequence[Any], effect: Effect) -> Any:
        failed: list[str] = []
        for raw in raws:
            try:
                effect(json.loads(raw["body"])["id"])
            except OutOfStockError:
                failed.append(raw["messageId"])
        return response(failed)

    assert_safe(handling(json_function), source=QUEUE, payload=lambda name: {"id": name}, error=OutOfStockError)


def powertools_function(processor: Any, record_handler: Callable[[Any], None]) -> LambdaFunction:
    return lambda event, context: powertools.process_partial_response(
        event=event, record_handler=record_handler, processor=processor, context=context
    )


def test_a_fifo_queue_read_with_the_plain_processor_of_powertools_is_caught() -> None:
    def make(effect: Effect) -> LambdaFunction:
        return powertools_function(
            powertools.BatchProcessor(powertools.EventType.SQS), lambda record: effect(record.body)
        )

    shown = shortest_history(make, FIFO)
    assert shown.complaints[0].startswith("Order is broken: A2 was performed in invocation 1 while A1")


def test_the_fifo_processor_of_powertools_is_safe() -> None:
    def make(effect: Effect) -> LambdaFunction:
        return powertools_function(powertools.SqsFifoPartialProcessor(), lambda record: effect(record.body))

    assert_safe(make, source=FIFO)


def test_a_history_tells_what_is_needed_and_where_the_run_ended() -> None:
    def refuses(_raws: Sequence[Any], _effect: Effect) -> None:
        raise ValueError("no")

    history: History = drain(
        handling(refuses),
        source=SqsQueue(),
        records=["A1"],
        schedule=FailureSchedule(never_succeed={"A1"}),
        most_invocations=3,
    )
    story = tell(history, most_invocations=1)
    assert "A1 never succeeds" in story
    assert "raises ValueError: no" in story
    assert "... 2 more invocations" in story
    assert "the limit of 3 invocations is reached" in story
    assert "A1: still in the source" in story
