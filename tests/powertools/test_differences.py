"""Where this and Powertools differ on purpose, and why; and what both refuse. Each test shows both sides."""

import asyncio
from typing import Any

import pytest

from batchfold.powertools import (
    AsyncBatchProcessor,
    BasePartialProcessor,
    SqsFifoPartialProcessor,
    SQSRecord,
    process_partial_response,
)
from batchfold.testing import KafkaMessage, SqsMessage, kafka_event, sqs_event


def fail(record: Any) -> None:
    raise ConnectionError(f"no connection for a {type(record).__name__}")


def do_nothing(record: Any) -> None:
    del record


def fail_if_told(record: SQSRecord) -> str:
    if "fail" in record.body:
        raise ConnectionError
    return record.body


def names(response: Any) -> list[Any]:
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


def test_total_failure_of_a_fifo_queue_need_not_raise(theirs: Any) -> None:
    """Theirs has the attribute, and no argument for it."""
    event = sqs_event(SqsMessage("fail", "a"), SqsMessage("", "a"), fifo=True)
    processor = SqsFifoPartialProcessor(raise_on_entire_batch_failure=False)
    response = process_partial_response(event, fail_if_told, processor)
    assert names(response) == [raw["messageId"] for raw in event["Records"]]
    with pytest.raises(TypeError):
        theirs.SqsFifoPartialProcessor(raise_on_entire_batch_failure=False)


def test_the_event_stays_as_it_was_delivered(ours: Any, theirs: Any) -> None:
    """Their model of a Kafka record writes decoded headers into the event."""
    for library, headers in ((ours, [{"h": [0, -1]}]), (theirs, [{"h": b"\x00\xff"}])):
        event = kafka_event(KafkaMessage("value"))
        (raw,) = event["records"]["orders-0"]
        raw["headers"] = [{"h": [0, -1]}]
        processor = library.BatchProcessor(library.EventType.Kafka, model=library.KafkaRecordModel)
        library.process_partial_response(event, do_nothing, processor)
        assert raw["headers"] == headers


def test_a_processor_without_an_event_type_can_be_handed_to_the_function(ours: Any, theirs: Any) -> None:
    """Their documentation does so, and their function asks it for its event type."""
    event = sqs_event("one")

    def nothing(self: Any) -> None:
        del self

    def process_record(self: Any, record: Any) -> Any:
        return self.success_handler(record, self.handler(record))

    def response(self: Any) -> Any:
        return {"batchItemFailures": [], "seen": self.success_messages}

    def own(library: Any) -> Any:
        methods = {"_prepare": nothing, "_clean": nothing, "_process_record": process_record, "response": response}
        return type("Own", (library.BasePartialProcessor,), {**methods, "_async_process_record": process_record})()

    assert ours.process_partial_response(event, do_nothing, own(ours))["seen"] == event["Records"]
    with pytest.raises(AttributeError):
        theirs.process_partial_response(event, do_nothing, own(theirs))


@pytest.mark.parametrize("name", ["AsyncBatchProcessor", "BatchProcessor"])
def test_the_wrong_kind_of_processor_is_refused_by_both(name: str, library: Any) -> None:
    processor: Any = getattr(library, name)(library.EventType.SQS)
    process = processor.async_process if name == "BatchProcessor" else processor.process
    with pytest.raises(NotImplementedError), processor(sqs_event("one")["Records"], fail):
        process()


def test_async_handlers_of_a_fifo_queue_are_refused_by_both(library: Any) -> None:
    async def handle(record: Any) -> None:
        del record

    event = sqs_event(SqsMessage("one", "a"), fifo=True)
    with pytest.raises(NotImplementedError):
        library.async_process_partial_response(event, handle, library.SqsFifoPartialProcessor())


@pytest.mark.parametrize(
    "event", [{}, {"Records": []}, {"Records": None}, {"Records": {}}, {"records": {"orders-0": []}}]
)
def test_an_event_of_another_kind_is_refused_by_both_in_the_same_words(event: dict[str, Any], library: Any) -> None:
    with pytest.raises(library.UnexpectedBatchTypeError) as raised:
        library.process_partial_response(event, fail, library.BatchProcessor(library.EventType.SQS))
    assert str(raised.value) == (
        "Unexpected batch event type. Possible values are: SQS, KinesisDataStreams, DynamoDBStreams, Kafka\n"
    )


NO_KAFKA_EVENTS: list[dict[str, Any]] = [{}, {"records": []}, {"records": {}}, {"Records": [{}]}]


@pytest.mark.parametrize("event", NO_KAFKA_EVENTS)
def test_an_event_of_another_kind_than_kafka_is_refused_by_both(event: dict[str, Any], library: Any) -> None:
    with pytest.raises(library.UnexpectedBatchTypeError, match="Invalid Kafka event structure"):
        library.process_partial_response(event, fail, library.BatchProcessor(library.EventType.Kafka))


@pytest.mark.parametrize("kind", ["SQS", "Kafka"])
def test_what_is_no_mapping_is_no_event_for_both(kind: str, library: Any) -> None:
    with pytest.raises(ValueError, match=rf"Invalid event format\. .* is a valid {kind} event"):
        library.process_partial_response(["no event"], fail, library.BatchProcessor(library.EventType[kind]))


def test_texts_that_alarms_match_on_are_the_same(library: Any) -> None:
    event = sqs_event("one", "two")
    with pytest.raises(library.BatchProcessingError) as raised:
        library.process_partial_response(event, fail, library.BatchProcessor(library.EventType.SQS))
    assert raised.value.msg == "All records failed processing. 2 individual errors logged separately below."
    assert str(raised.value).startswith(f"{raised.value.msg}\n\nTraceback")


def test_deprecations_are_of_the_class_that_tests_import(library: Any) -> None:
    processor = library.BatchProcessor(library.EventType.SQS)

    def answer(_event: Any, _context: Any) -> Any:
        return processor.response()

    lambda_handler = library.batch_processor(record_handler=do_nothing, processor=processor)(answer)
    with pytest.warns(library.PowertoolsDeprecationWarning, match="`batch_processor` decorator is deprecated") as told:
        assert lambda_handler(sqs_event("one"), None) == {"batchItemFailures": []}
    assert issubclass(library.PowertoolsDeprecationWarning, DeprecationWarning)
    warning: Any = told[0].message
    assert warning.message == str(warning)


def test_kinds_of_processor_are_what_they_are_there(ours: Any, theirs: Any) -> None:
    """`isinstance` and `except` of code that moves over keep their meaning."""
    for name in ("BatchProcessor", "AsyncBatchProcessor", "SqsFifoPartialProcessor", "UnexpectedBatchTypeError"):
        bases = [
            [base.__name__ for base in getattr(library, name).__mro__ if base.__name__ in ours.__all__]
            for library in (ours, theirs)
        ]
        assert bases[0] == bases[1]
    assert issubclass(AsyncBatchProcessor, BasePartialProcessor)


def test_outside_lambda_each_call_has_a_loop_and_inside_one_is_kept(
    library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def note(record: Any) -> None:
        del record
        loops.append(asyncio.get_running_loop())

    processor = library.AsyncBatchProcessor(library.EventType.SQS)
    for _ in range(2):
        library.async_process_partial_response(sqs_event("one"), note, processor)
    monkeypatch.setenv("LAMBDA_TASK_ROOT", "/var/task")
    try:
        for _ in range(2):
            library.async_process_partial_response(sqs_event("one"), note, processor)
    finally:
        kept = loops[-1]
        kept.close()
        asyncio.set_event_loop(None)
    first, second, third, fourth = loops
    assert first is not second
    assert third is fourth
