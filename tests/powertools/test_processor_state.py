"""A processor's records and results are its attributes: threads share them, and the next call replaces them."""

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from typing import Any

import pytest

from batchfold.testing import SqsMessage, sqs_event

POOL = ThreadPoolExecutor(2)
"""Kept by the module across invocations, as in many functions."""


def names(response: Any) -> list[Any]:
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


def ids(event: dict[str, Any], *positions: int) -> list[str]:
    return [event["Records"][at]["messageId"] for at in positions]


def fail_if_told(record: Any) -> str:
    body: str = record.body
    if body.startswith("fail"):
        raise ConnectionError(body)
    return body


def in_threads(base: Any) -> Any:
    """The usual recipe for a processor that handles its records in a pool."""

    def process(self: Any) -> list[Any]:
        return list(POOL.map(self._process_record, self.records))

    return type("Threaded", (base,), {"process": process})


def test_a_pool_that_is_kept_handles_the_records_of_this_invocation(library: Any) -> None:
    processor = in_threads(library.BatchProcessor)(library.EventType.SQS)
    for bodies in (("fail", "a", "b"), ("a", "b"), ("a", "fail", "fail 2"), ("a", "b", "fail")):
        event = sqs_event(*bodies)
        response = library.process_partial_response(event, fail_if_told, processor)
        failed = [at for at, body in enumerate(bodies) if body.startswith("fail")]
        assert sorted(names(response)) == sorted(ids(event, *failed))


def test_a_thread_that_called_the_processor_itself_handles_the_records_of_a_later_call(library: Any) -> None:
    processor = in_threads(library.BatchProcessor)(library.EventType.SQS)

    def call_it(record: Any) -> None:
        with processor(sqs_event("inside")["Records"], fail_if_told) as batch:
            batch._process_record(batch.records[0])
        fail_if_told(record)

    library.process_partial_response(sqs_event("a", "b"), call_it, processor)
    event = sqs_event("a", "fail", "b", "fail 2")
    assert sorted(names(library.process_partial_response(event, fail_if_told, processor))) == sorted(ids(event, 1, 3))


def test_a_forgotten_call_acknowledges_nothing(library: Any) -> None:
    processor = library.BatchProcessor(library.EventType.SQS)
    with pytest.raises(AttributeError, match="records"), processor as batch:
        batch.process()


def test_a_handler_may_append_to_the_records(library: Any) -> None:
    event = sqs_event("first")
    again = {**event["Records"][0], "messageId": "appended", "body": "fail"}

    def handle(record: Any) -> str:
        if record.body == "first":
            event["Records"].append(again)
        return fail_if_told(record)

    processor = library.BatchProcessor(library.EventType.SQS)
    assert names(library.process_partial_response(event, handle, processor)) == ["appended"]


def test_the_next_invocation_starts_anew_after_one_that_failed_as_a_whole(library: Any) -> None:
    processor = library.BatchProcessor(library.EventType.SQS)
    with pytest.raises(library.BatchProcessingError):
        library.process_partial_response(sqs_event("fail"), fail_if_told, processor)
    event = sqs_event("a", "fail")
    assert names(library.process_partial_response(event, fail_if_told, processor)) == ids(event, 1)
    assert [str(value) for _, value, _ in processor.exceptions] == ["fail"]


def test_a_group_that_failed_is_handled_again_in_the_next_invocation(library: Any) -> None:
    processor = library.SqsFifoPartialProcessor(skip_group_on_error=True)
    event = sqs_event(SqsMessage("fail", "a"), SqsMessage("", "b"), SqsMessage("", "a"), fifo=True)
    for _ in range(2):
        assert names(library.process_partial_response(event, fail_if_told, processor)) == ids(event, 0, 2)
    event = sqs_event(SqsMessage("", "a"), fifo=True)
    assert names(library.process_partial_response(event, fail_if_told, processor)) == []


def test_one_thread_may_call_another_process_and_a_third_read(library: Any) -> None:
    processor = library.BatchProcessor(library.EventType.SQS)
    event = sqs_event("", "fail")
    with processor(event["Records"], fail_if_told):
        POOL.submit(processor.process).result()
    assert names(POOL.submit(processor.response).result()) == ids(event, 1)


def test_attributes_can_be_changed_in_the_block(library: Any) -> None:
    processor = library.BatchProcessor(library.EventType.SQS)
    event = sqs_event("a", "fail", "fail 2")
    with processor(event["Records"], str) as batch:
        batch.handler = fail_if_told
        batch.records = batch.records[:2]
        batch.process()
    assert names(processor.response()) == ids(event, 1)


def attributes_of(processor: object) -> list[str]:
    return sorted(vars(processor))


@pytest.mark.parametrize("name", ["BatchProcessor", "AsyncBatchProcessor", "SqsFifoPartialProcessor"])
def test_both_keep_the_same_attributes(name: str, ours: Any, theirs: Any) -> None:
    arguments = () if name == "SqsFifoPartialProcessor" else (ours.EventType.SQS,)
    our, their = (attributes_of(getattr(library, name)(*arguments)) for library in (ours, theirs))
    assert our == their


def pickled(processor: Any) -> Any:
    return pickle.loads(pickle.dumps(processor))  # noqa: S301  # it was pickled in this line


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_a_copy_has_results_of_its_own(copied: Callable[[Any], Any], library: Any) -> None:
    processor = library.BatchProcessor(library.EventType.SQS, model=library.SqsRecordModel)
    with processor(sqs_event("a", "b")["Records"], fail_if_told):
        processor.process()
    other = copied(processor)
    assert other.success_messages == processor.success_messages
    event = sqs_event("a", "fail")
    with other(event["Records"], fail_if_told):
        other.process()
    assert names(other.response()) == ids(event, 1)
    assert names(processor.response()) == []


def name_mine(processor: Any) -> list[Any]:
    del processor
    return [{"itemIdentifier": "mine"}]


def no(processor: Any) -> bool:
    del processor
    return False


def yes(processor: Any) -> bool:
    del processor
    return True


def do_nothing(processor: Any) -> None:
    del processor


def skip(processor: Any, record: Any) -> Any:
    return processor.success_handler(record, "skipped")


def fail_without_an_exception(processor: Any, record: Any) -> Any:
    return processor.failure_handler(record, (None, None, None))


def hand_over_a_tuple(processor: Any, record: Any, event_type: Any, model: Any = None) -> Any:
    del processor
    return (record, event_type, model)


@pytest.mark.parametrize(
    ("overridden", "by"),
    [
        ("_collect_sqs_failures", name_mine),
        ("_get_messages_to_report", name_mine),
        ("_has_messages_to_report", no),
        ("_entire_batch_failed", yes),
        ("_entire_batch_failed", no),
        ("_prepare", do_nothing),
        ("_clean", do_nothing),
        ("_process_record", skip),
        ("_process_record", fail_without_an_exception),
        ("_register_model_validation_error_record", skip),
        ("_to_batch_type", hand_over_a_tuple),
        ("DEFAULT_RESPONSE", {"batchItemFailures": [], "mine": 1}),
    ],
)
@pytest.mark.parametrize("bodies", [("a", "fail"), ("fail", "fail 2"), ("a", "b")])
def test_what_a_subclass_overrides_has_the_effect_that_it_has_there(
    overridden: str, by: Any, bodies: tuple[str, ...], ours: Any, theirs: Any
) -> None:
    def answers_of(library: Any) -> list[Any]:
        processor = type("Customised", (library.BatchProcessor,), {overridden: by})(library.EventType.SQS)
        answers: list[Any] = []
        for _ in range(2):
            try:
                answers.append(library.process_partial_response(sqs_event(*bodies), fail_if_told, processor))
            except Exception as error:  # noqa: BLE001  # it is compared
                answers.append((type(error).__name__, str(error).partition("\n")[0]))
            answers += [len(processor.success_messages), len(processor.fail_messages), len(processor.exceptions)]
        return answers

    assert answers_of(ours) == answers_of(theirs)


def test_mappings_of_a_processor_can_be_replaced(library: Any) -> None:
    seen: list[str] = []
    processor = library.BatchProcessor(library.EventType.SQS)
    processor._DATA_CLASS_MAPPING[library.EventType.SQS] = itemgetter("body")
    processor._COLLECTOR_MAPPING[library.EventType.SQS] = lambda: [{"itemIdentifier": "mine"}]

    def handle(record: str) -> None:
        seen.append(record)
        if record == "fail":
            raise ConnectionError

    assert names(library.process_partial_response(sqs_event("a", "fail"), handle, processor)) == ["mine"]
    assert seen == ["a", "fail"]
