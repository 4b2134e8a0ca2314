"""The model of Firehose: what it reads in an answer, what it retries, and which functions are shown to do harm."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Result, Success

from batchfold import (
    BatchProcessingError,
    Dropped,
    FirehoseOut,
    FirehoseRecord,
    PartialResponse,
    as_lambda_handler,
    caused_by,
    dead_letter,
    firehose,
    process_batch,
)
from batchfold.testing import (
    CompleteFailure,
    Effect,
    EffectFailed,
    FailureSchedule,
    Fate,
    FirehoseOrigin,
    FirehoseStream,
    LambdaFunction,
    Raised,
    Returned,
    TimedOut,
    Transformed,
    UnsafeFunctionError,
    assert_safe,
    drain,
    firehose_event,
    read_transformation,
)
from batchfold.testing import strategies as bst

# Under beartype the checks of containers take a sample, with a random number that changes nothing drawn.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")

NEVER = frozenset({"A1"})


def transforming(effect: Effect) -> LambdaFunction:
    def transform(record: FirehoseRecord) -> Result[FirehoseOut | Dropped, Exception]:
        try:
            effect(record.data)
        except EffectFailed as error:
            return Failure(error)
        return Success(FirehoseOut(record.data))

    return as_lambda_handler(transform, firehose())


AnswerRecord = Callable[[dict[str, Any], bool], list[dict[str, Any]]]
"""From a raw record, and whether it succeeded, to the entries of the response about it."""


def by_hand(answer: AnswerRecord) -> Callable[[Effect], LambdaFunction]:
    """Make functions without batchfold, whose answers to a record are made of it and of whether it succeeded."""

    def make(effect: Effect) -> LambdaFunction:
        def function(event: dict[str, Any], _context: object) -> dict[str, Any]:
            answers: list[dict[str, Any]] = []
            for raw in event["records"]:
                try:
                    effect(FirehoseRecord(raw).data)
                except EffectFailed:
                    answers += answer(raw, False)  # noqa: FBT003  # it reads like the annotation
                else:
                    answers += answer(raw, True)  # noqa: FBT003  # as above
            return {"records": answers}

        return function

    return make


def answered(raw: dict[str, Any], result: str) -> dict[str, Any]:
    return {"recordId": raw["recordId"], "result": result, "data": raw["data"]}


@pytest.mark.parametrize("origin", ["put", "kinesis", "msk"])
def test_a_function_that_answers_every_record_is_safe(origin: FirehoseOrigin) -> None:
    tried = assert_safe(transforming, source=FirehoseStream(origin=origin), max_examples=30)
    assert tried.failures > 0
    assert_safe(transforming, source=FirehoseStream(origin=origin), overruns=True, max_examples=30)


def test_a_function_that_settles_what_fails_is_safe() -> None:
    def make(effect: Effect) -> LambdaFunction:
        def transform(record: FirehoseRecord) -> Result[FirehoseOut, Exception]:
            try:
                effect(record.data)
            except EffectFailed as error:
                return Failure(error)
            return Success(FirehoseOut(record.data))

        def send(failed: Any) -> Result[None, str]:
            effect.settle(failed.record.data)
            return Success(None)

        return as_lambda_handler(transform, firehose(), settle=dead_letter(send, when=caused_by(EffectFailed)))

    assert_safe(make, source=FirehoseStream(), max_examples=30)


WRONG_ANSWERS: list[tuple[AnswerRecord, str]] = [
    (lambda raw, _: [answered(raw, "Ok")], "A1 is lost"),
    (lambda raw, _: [answered(raw, "Dropped")], "A1 is lost"),
    (lambda raw, done: [answered(raw, "Ok")] if done else [answered(raw, "Dropped")], "A1 is lost"),
    (lambda _raw, _: [], "A1 is not delivered: its effect was performed"),
    (lambda raw, _: [answered(raw, "Ok")] * 2, "A1 is not delivered"),
    (lambda raw, _: [answered(raw, "OK")], "A1 is not delivered"),
    (lambda raw, _: [{"recordId": raw["recordId"], "result": "Ok"}], "A1 is not delivered"),
    (lambda raw, _: [{**answered(raw, "Ok"), "recordId": "another"}], "A1 is not delivered"),
    (lambda raw, _: [{**answered(raw, "Ok"), "data": "no base64"}], "A1 is not delivered"),
]


@pytest.mark.parametrize(("answer", "says"), WRONG_ANSWERS)
def test_a_function_that_answers_wrongly_is_caught(answer: AnswerRecord, says: str) -> None:
    with pytest.raises(UnsafeFunctionError, match=says):
        assert_safe(by_hand(answer), source=FirehoseStream(), max_examples=30)


def test_the_partial_response_of_other_sources_is_caught() -> None:
    def make(effect: Effect) -> LambdaFunction:
        def function(event: dict[str, Any], _context: object) -> PartialResponse:
            for raw in event["records"]:
                effect(FirehoseRecord(raw).data)
            return {"batchItemFailures": []}

        return function

    with pytest.raises(UnsafeFunctionError, match="A1 is not delivered"):
        assert_safe(make, source=FirehoseStream(), max_examples=10)


def test_a_function_that_raises_for_one_record_repeats_the_others() -> None:
    def make(effect: Effect) -> LambdaFunction:
        def transform(record: FirehoseRecord) -> Result[FirehoseOut, Exception]:
            try:
                effect(record.data)
            except EffectFailed as error:
                return Failure(error)
            return Success(FirehoseOut(record.data))

        return as_lambda_handler(transform, firehose(), raise_on="any_failure")

    with pytest.raises(UnsafeFunctionError, match="was performed again in invocation 2"):
        assert_safe(make, source=FirehoseStream(), max_examples=30)


def test_a_failed_record_goes_to_the_error_output_at_once_and_alone() -> None:
    schedule = FailureSchedule({"A1": ("fails",)})
    history = drain(transforming, source=FirehoseStream(), records=["A1", "A2"], schedule=schedule)
    assert history.invocation_count == 1
    assert history.fates == {"A1": Fate.ERROR_OUTPUT, "A2": Fate.DONE}
    assert history.removed_as("error output") == ("A1",)


def test_an_invocation_that_fails_is_retried_and_then_given_up() -> None:
    def make(_effect: Effect) -> LambdaFunction:
        def function(_event: object, _context: object) -> None:
            raise RuntimeError

        return function

    history = drain(make, source=FirehoseStream(number_of_retries=2, batch_size=1), records=["A1", "A2"])
    assert history.invocation_count == 6
    assert history.fates == {"A1": Fate.ERROR_OUTPUT_UNSTARTED, "A2": Fate.ERROR_OUTPUT_UNSTARTED}
    assert history.never_started == ("A1", "A2")


def test_a_later_attempt_may_succeed() -> None:
    calls: list[object] = []

    def make(effect: Effect) -> LambdaFunction:
        safe = transforming(effect)

        def function(event: object, context: object) -> object:
            calls.append(event)
            if len(calls) == 1:
                raise RuntimeError
            return safe(event, context)

        return function

    history = drain(make, source=FirehoseStream(), records=["A1"])
    assert history.fates == {"A1": Fate.DONE}
    assert calls[0] == calls[1]


def test_an_answer_without_records_is_not_asked_for_again() -> None:
    history = drain(lambda _effect: lambda _event, _context: None, source=FirehoseStream(), records=["A1"])
    assert history.invocation_count == 1
    assert history.fates == {"A1": Fate.ERROR_OUTPUT_UNSTARTED}


RAWS = firehose_event("a", "b")["records"]


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        (None, "the response has no list of records"),
        ({"records": 3}, "the response has no list of records"),
        ({"records": [3]}, "the response names a record that is none of the event's"),
        ({"records": [{"recordId": "x"}]}, "the response names a record that is none of the event's"),
        ({"records": [answered(RAWS[0], "Ok")]}, "the response does not name it"),
        ({"records": [answered(RAWS[1], "Ok")] * 3}, "the response names it 3 times"),
        ({"records": [answered(RAWS[1], "Failed")]}, "its result is none of Ok, Dropped, ProcessingFailed"),
        ({"records": [{**answered(RAWS[1], "Ok"), "data": 3}]}, "its 'data' is no base64 text"),
        ({"records": [answered(RAWS[1], "Dropped")]}, None),
    ],
)
def test_a_wrong_answer_says_what_is_wrong(response: object, problem: str | None) -> None:
    read = read_transformation(Returned(response), RAWS)
    assert isinstance(read, Transformed)
    assert read.problems[1] == problem
    assert read.results[1] == ("Dropped" if problem is None else "ProcessingFailed")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Raised("KeyError"), "the function raised KeyError"),
        (TimedOut(), "cut off by its timeout"),
        (Returned({"records": {1, 2}}), "cannot be written as JSON"),
        (Returned({"records": ["x" * 7_000_000]}), "7,000,017 bytes, and 6,291,456 are allowed"),
    ],
)
def test_an_invocation_that_failed_is_retried(answer: Any, reason: str) -> None:
    read = read_transformation(answer, RAWS)
    assert isinstance(read, CompleteFailure)
    assert reason in read.reason


@given(event=bst.firehose_events(), fails=st.sets(st.integers(0, 9)))
def test_the_model_reads_what_batchfold_answers(event: dict[str, Any], fails: set[int]) -> None:
    ids = [raw["recordId"] for raw in event["records"]]

    def transform(record: FirehoseRecord) -> Result[FirehoseOut | Dropped, str]:
        at = ids.index(record.record_id)
        return Failure("no") if at in fails else Success(Dropped() if at % 3 else FirehoseOut(record.data * 2))

    read = read_transformation(Returned(process_batch(event, transform, firehose())), event["records"])
    assert isinstance(read, Transformed)
    assert set(read.problems) <= {None}
    assert [at for at, result in enumerate(read.results) if result == "ProcessingFailed"] == sorted(
        fails & set(range(len(ids)))
    )


@given(source=bst.firehose_streams(), data=st.data())
def test_every_record_is_delivered_or_in_the_error_output(source: FirehoseStream, data: st.DataObject) -> None:
    scenario = data.draw(bst.scenarios(source))
    history = drain(transforming, source=scenario.source, records=scenario.records, schedule=scenario.schedule)
    assert history.drained
    assert set(history.fates.values()) <= {Fate.DONE, Fate.ERROR_OUTPUT}
    assert history.invocation_count == -(-len(scenario.records) // scenario.source.batch_size)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"number_of_retries": 301}, "number_of_retries"),
        ({"report_batch_item_failures": False}, "Firehose has no ReportBatchItemFailures"),
    ],
)
def test_a_setting_that_firehose_does_not_have_is_refused(setting: dict[str, Any], says: str) -> None:
    with pytest.raises((ValueError, TypeError), match=says):
        FirehoseStream(**setting)


def test_an_answer_is_refused_once_the_source_is_drained() -> None:
    state = FirehoseStream().begin(())
    with pytest.raises(ValueError, match="drained"):
        state.step(Returned(None), ended_at=0.0)


def test_batchfolds_own_error_is_an_invocation_that_fails() -> None:
    with pytest.raises(BatchProcessingError):
        process_batch(firehose_event("a"), lambda _record: Failure("no"), firehose(), raise_on="entire_batch")
