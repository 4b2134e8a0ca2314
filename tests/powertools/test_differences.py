"""Where this and Powertools differ on purpose, and why. Each test shows both sides."""

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel, Json, ValidationError, field_validator

from batchfold.powertools import (
    AsyncBatchProcessor,
    BasePartialProcessor,
    BatchProcessor,
    EventType,
    SqsFifoPartialProcessor,
    SQSRecord,
    async_process_partial_response,
    process_partial_response,
)
from batchfold.testing import KafkaMessage, SqsMessage, dynamodb_event, kafka_event, sqs_event


def fail(record: Any) -> None:
    raise ConnectionError(f"no way through for a {type(record).__name__}")


def do_nothing(record: Any) -> None:
    del record


def fail_if_told(record: SQSRecord) -> str:
    if "fail" in record.body:
        raise ConnectionError
    return record.body


def names(response: Any) -> list[Any]:
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


def fifo_event(*bodies_and_groups: tuple[str, str]) -> dict[str, Any]:
    return sqs_event(*(SqsMessage(body, group) for body, group in bodies_and_groups), fifo=True)


class TestFifoQueues:
    """Powertools' own processor for them lacks an option, async handlers, and two cases of care."""

    def test_total_failure_need_not_raise(self, theirs: Any) -> None:
        event = fifo_event(("fail", "a"), ("", "a"))
        processor = SqsFifoPartialProcessor(raise_on_entire_batch_failure=False)
        response = process_partial_response(event, fail_if_told, processor)
        assert names(response) == [raw["messageId"] for raw in event["Records"]]
        with pytest.raises(TypeError):
            theirs.SqsFifoPartialProcessor(raise_on_entire_batch_failure=False)

    def test_async_handlers_keep_the_order(self, theirs: Any) -> None:
        started: list[str] = []

        async def transfer(record: SQSRecord) -> None:
            started.append(record.body)
            await asyncio.sleep(0)
            fail_if_told(record)

        event = fifo_event(("a1", "a"), ("b1 fail", "b"), ("a2", "a"), ("b2", "b"), ("a3", "a"))
        response = async_process_partial_response(event, transfer, SqsFifoPartialProcessor(skip_group_on_error=True))
        assert [body for body in started if body[0] == "a"] == ["a1", "a2", "a3"]
        assert "b2" not in started
        assert names(response) == [event["Records"][at]["messageId"] for at in (1, 3)]
        with pytest.raises(NotImplementedError):
            theirs.async_process_partial_response(event, transfer, theirs.SqsFifoPartialProcessor())

    def test_async_handlers_run_one_at_a_time_where_groups_wait_for_each_other(self) -> None:
        running: list[str] = []
        most: list[int] = []

        async def transfer(record: SQSRecord) -> None:
            running.append(record.body)
            most.append(len(running))
            await asyncio.sleep(0)
            running.remove(record.body)

        event = fifo_event(("a1", "a"), ("b1", "b"), ("a2", "a"))
        assert names(async_process_partial_response(event, transfer, SqsFifoPartialProcessor())) == []
        assert most == [1, 1, 1]

    def test_a_message_that_was_not_started_and_would_not_validate_comes_back(self, ours: Any, theirs: Any) -> None:
        """Theirs validates it all the same, and what that raises ends the invocation."""
        event = fifo_event(("1", "a"), ("no number", "a"), ("also none", "a"))

        def processor_of(library: Any) -> Any:
            model = type("Number", (library.SqsRecordModel,), {"__annotations__": {"body": Json[int]}})
            return library.SqsFifoPartialProcessor(model=model)

        response = ours.process_partial_response(event, do_nothing, processor_of(ours))
        assert names(response) == [raw["messageId"] for raw in event["Records"][1:]]
        with pytest.raises(ValidationError):
            theirs.process_partial_response(event, do_nothing, processor_of(theirs))

    def test_a_failure_that_a_hook_notes_by_hand_stops_its_group(self, ours: Any, theirs: Any) -> None:
        """Theirs stops the group only if the hook calls `super()`, so an order breaks where one appends by hand."""
        event = fifo_event(("fail", "a"), ("not before the first", "a"), ("", "b"))
        handled: dict[str, list[str]] = {}
        for library in (ours, theirs):
            seen = handled[library.__name__] = []

            def by_hand(self: Any, record: Any, exception: Any) -> None:
                self.fail_messages.append(record)
                self.exceptions.append(exception)

            base: Any = library.SqsFifoPartialProcessor
            processor: Any = type("ByHand", (base,), {"failure_handler": by_hand})(skip_group_on_error=True)

            def note(record: Any, seen: list[str] = seen) -> None:
                seen.append(record.body)
                fail_if_told(record)

            library.process_partial_response(event, note, processor)
        assert handled[ours.__name__] == ["fail", ""]
        assert handled[theirs.__name__] == ["fail", "not before the first", ""]

    def test_a_process_of_ones_own_must_call_the_one_that_keeps_the_order(self) -> None:
        """Theirs asks for each record whether it may start; here `process` does, and nobody passes it by unnoticed."""

        class Own(SqsFifoPartialProcessor):
            def process(self) -> list[Any]:
                return [self._process_record(record) for record in self.records]

        with pytest.raises(RuntimeError, match=r"call process\(\)"):
            process_partial_response(fifo_event(("", "a")), fail_if_told, Own())


class TestModels:
    """A record that a model refuses, in whatever way, is a failed record."""

    def test_any_model_will_do_for_the_item_identifier_comes_from_the_raw_record(self, theirs: Any) -> None:
        """Theirs reads it from the instance, and a model without it makes the invocation fail."""

        class Body(BaseModel):
            body: str

        event = sqs_event("fail", "")
        response = process_partial_response(event, fail_if_told, BatchProcessor(EventType.SQS, model=Body))
        assert names(response) == [event["Records"][0]["messageId"]]
        with pytest.raises(AttributeError):
            theirs.process_partial_response(
                event, fail_if_told, theirs.BatchProcessor(theirs.EventType.SQS, model=Body)
            )

    def test_a_model_that_raises_what_is_no_validation_error_fails_its_record(self, ours: Any, theirs: Any) -> None:
        """Theirs forgets which record it was, calls the hook with `None`, and then fails the invocation."""

        class Looked(BaseModel):
            body: str

            @field_validator("body")
            @classmethod
            def look_up(cls, value: str) -> Any:
                return {"known": 1}[value]

        event = sqs_event("known", "unknown")

        response = ours.process_partial_response(
            event, do_nothing, ours.BatchProcessor(ours.EventType.SQS, model=Looked)
        )
        assert names(response) == [event["Records"][1]["messageId"]]
        with pytest.raises(AttributeError):
            theirs.process_partial_response(
                event, do_nothing, theirs.BatchProcessor(theirs.EventType.SQS, model=Looked)
            )

    def test_the_event_stays_as_it_was_delivered(self, ours: Any, theirs: Any) -> None:
        """Their model of a Kafka record writes decoded headers into the event."""
        for library, headers in ((ours, [{"h": [0, -1]}]), (theirs, [{"h": b"\x00\xff"}])):
            event = kafka_event(KafkaMessage("value"))
            (raw,) = event["records"]["orders-0"]
            raw["headers"] = [{"h": [0, -1]}]
            processor = library.BatchProcessor(library.EventType.Kafka, model=library.KafkaRecordModel)
            library.process_partial_response(event, do_nothing, processor)
            assert raw["headers"] == headers


def test_a_change_without_a_sequence_number_fails_the_invocation(ours: Any, theirs: Any) -> None:
    """Theirs answers with a null identifier, which Lambda takes for total failure: the same, told less clearly."""
    event = dynamodb_event({"id": "a"}, {"id": "b"})
    del event["Records"][1]["dynamodb"]["SequenceNumber"]

    def fail_second(record: Any) -> None:
        if record.dynamodb.keys["id"] == "b":
            raise ConnectionError

    with pytest.raises(KeyError, match="SequenceNumber"):
        ours.process_partial_response(event, fail_second, ours.BatchProcessor(ours.EventType.DynamoDBStreams))
    processor = theirs.BatchProcessor(theirs.EventType.DynamoDBStreams)
    assert names(theirs.process_partial_response(event, fail_second, processor)) == [None]


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


def test_a_handler_that_cancels_itself_fails_the_invocation_and_not_the_process(ours: Any, theirs: Any) -> None:
    """A `CancelledError` is no `Exception`: where it leaves the Lambda function, it ends the runtime's process."""

    async def cancel(record: Any) -> None:
        raise asyncio.CancelledError(str(record.body))

    event = sqs_event("one")
    with pytest.raises(RuntimeError):
        ours.async_process_partial_response(event, cancel, ours.AsyncBatchProcessor(ours.EventType.SQS))
    with pytest.raises(asyncio.CancelledError):
        theirs.async_process_partial_response(event, cancel, theirs.AsyncBatchProcessor(theirs.EventType.SQS))


def test_clients_bound_to_the_loop_survive_an_invocation_outside_lambda_too(ours: Any, theirs: Any) -> None:
    """Theirs keeps the loop only where `LAMBDA_TASK_ROOT` is set, so tests run otherwise than production."""
    loops: dict[str, list[asyncio.AbstractEventLoop]] = {}
    for library in (ours, theirs):
        seen = loops[library.__name__] = []

        async def note(record: Any, seen: list[asyncio.AbstractEventLoop] = seen) -> None:
            del record
            seen.append(asyncio.get_running_loop())

        processor = library.AsyncBatchProcessor(library.EventType.SQS)
        for _ in range(2):
            library.async_process_partial_response(sqs_event("one"), note, processor)
    first, second = loops[ours.__name__]
    assert first is second
    first, second = loops[theirs.__name__]
    assert first is not second


@pytest.mark.parametrize("name", ["AsyncBatchProcessor", "BatchProcessor"])
def test_the_wrong_kind_of_processor_is_refused_by_both(name: str, library: Any) -> None:
    processor: Any = getattr(library, name)(library.EventType.SQS)
    process = processor.async_process if name == "BatchProcessor" else processor.process
    with pytest.raises(NotImplementedError), processor(sqs_event("one")["Records"], fail):
        process()


@pytest.mark.parametrize(
    "event", [{}, {"Records": []}, {"Records": None}, {"Records": {}}, {"records": {"orders-0": []}}]
)
def test_an_event_of_another_kind_is_refused_by_both(event: dict[str, Any], library: Any) -> None:
    with pytest.raises(library.UnexpectedBatchTypeError):
        library.process_partial_response(event, fail, library.BatchProcessor(library.EventType.SQS))


NO_KAFKA_EVENTS: list[dict[str, Any]] = [{}, {"records": []}, {"records": {}}, {"Records": [{}]}]


@pytest.mark.parametrize("event", NO_KAFKA_EVENTS)
def test_an_event_of_another_kind_than_kafka_is_refused_by_both(event: dict[str, Any], library: Any) -> None:
    with pytest.raises(library.UnexpectedBatchTypeError):
        library.process_partial_response(event, fail, library.BatchProcessor(library.EventType.Kafka))


def test_what_is_no_mapping_is_no_event_for_both(library: Any) -> None:
    with pytest.raises(ValueError, match=r"event"):
        library.process_partial_response(["no event"], fail, library.BatchProcessor(library.EventType.SQS))


def test_kinds_of_processor_are_what_they_are_there(ours: Any, theirs: Any) -> None:
    """`isinstance` and `except` of code that moves over keep their meaning."""
    for name in ("BatchProcessor", "AsyncBatchProcessor", "SqsFifoPartialProcessor", "UnexpectedBatchTypeError"):
        bases = [
            [base.__name__ for base in getattr(library, name).__mro__ if base.__name__ in ours.__all__]
            for library in (ours, theirs)
        ]
        assert bases[0] == bases[1]
    assert issubclass(AsyncBatchProcessor, BasePartialProcessor)
