"""`respond`: what is logged, what is raised, what is returned, and that no payload is in any of it."""

import base64
import io
import json
import logging
import subprocess
import sys
import traceback
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from returns.result import Failure, Result, Success
from tests.scenes import HandlerError, RejectionError, Scene, act, scenes

from batchfold import (
    Batch,
    BatchProcessingError,
    RejectedError,
    Settled,
    SqsRecord,
    UnprocessedError,
    by_message_group,
    fold_batch,
    kafka,
    process_batch,
    respond,
    sqs,
    whole_batch,
)
from batchfold.core.records import item_name
from batchfold.testing import Clock, KafkaMessage, LambdaContext, SqsMessage, kafka_event, sqs_event

SECRET = "s3cr3t"  # noqa: S105  # stands for a payload


class Order(BaseModel):
    id: str
    by_name: dict[str, int] = {}


def fold(*bodies: str, handler: Callable[[Any], Any] = act, **options: Any) -> Batch[Any, Any, Any]:
    return fold_batch(sqs_event(*bodies), handler, sqs(), **options)


def fails(*bodies: str, handler: Callable[[Any], Any] = act, **options: Any) -> BatchProcessingError:
    with pytest.raises(BatchProcessingError) as raised:
        process_batch(sqs_event(*bodies), handler, sqs(), **options)
    return raised.value


# ------------------------------------------------------------ raising
@given(scenes())
def test_entire_batch_raises_exactly_if_no_record_was_done(scene: Scene) -> None:
    batch = fold_batch(scene.event, act, scene.source)
    if scene.expected and "Succeeded" not in scene.expected:
        with pytest.raises(BatchProcessingError) as raised:
            respond(batch)
        assert raised.value.batch is batch
    else:
        assert respond(batch) == batch.response


@given(scenes())
def test_any_failure_raises_exactly_if_something_comes_back(scene: Scene) -> None:
    batch = fold_batch(scene.event, act, scene.source)
    if set(scene.expected) - {"Succeeded"}:
        with pytest.raises(BatchProcessingError):
            respond(batch, raise_on="any_failure")
    else:
        assert respond(batch, raise_on="any_failure") == {"batchItemFailures": []}


@given(scenes())
def test_never_returns_the_response_whatever_happened(scene: Scene) -> None:
    batch = fold_batch(scene.event, act, scene.source)
    assert respond(batch, raise_on="never") == batch.response


def test_an_unknown_raise_on_is_refused_before_anything_is_handled() -> None:
    handled: list[Any] = []
    with pytest.raises(ValueError, match="raise_on is one of 'entire_batch', 'any_failure', 'never', got 'all'"):
        process_batch(sqs_event("succeeds"), handled.append, sqs(), raise_on="all")  # type: ignore[arg-type]  # the point
    assert not handled


def test_an_empty_batch_is_a_success() -> None:
    assert process_batch({"Records": []}, act, sqs(), raise_on="any_failure") == {"batchItemFailures": []}


def test_settled_records_count_as_done() -> None:
    event = sqs_event("rejected", "rejected", "malformed")

    def settle_the_first(failed: Any) -> Result[None, None]:
        return Success(None) if failed.item_id == event["Records"][0]["messageId"] else Failure(None)

    batch = fold_batch(event, act, sqs(), settle=settle_the_first)
    assert len(batch.settled) == 1
    assert len(respond(batch)["batchItemFailures"]) == 2


def test_the_group_holds_the_records_exceptions_with_a_note_for_each() -> None:
    error = fails("rejected", "raises")
    event = sqs_event("rejected", "raises")
    assert [type(exception) for exception in error.exceptions] == [RejectionError, HandlerError]
    for exception, raw in zip(error.exceptions, event["Records"], strict=True):
        assert exception.__notes__ == [f"batchfold: record {raw['messageId']} failed"]
    assert "2 of 2 records are not done and the whole batch comes back (2 failed, 0 not started)" in str(error)
    assert "RejectionError, HandlerError" in str(error)


def test_except_star_picks_out_one_kind() -> None:
    picked: list[str] = []
    try:
        raise fails("rejected", "raises")
    except* RejectionError:
        picked.append("rejected")
    except* HandlerError:
        picked.append("raises")
    assert picked == ["rejected", "raises"]


@pytest.mark.parametrize("value", ["text", 3, None, {"a": 1}, SystemExit(3)])
def test_an_error_that_is_no_exception_stands_in_the_group(value: Any) -> None:
    (exception,) = fails("x", handler=lambda _record: Failure(value)).exceptions
    assert isinstance(exception, RejectedError)
    assert exception.error is value
    assert str(exception).startswith(f"the handler returned a Failure ({type(value).__name__}")


def test_one_exception_for_many_records_stands_in_the_group_once_and_notes_do_not_pile_up() -> None:
    shared = Failure(RejectionError("shared"))
    for _ in range(3):
        error = fails("a", "b", handler=lambda _record: shared)
        (exception,) = error.exceptions
        assert len(exception.__notes__) == 2


def test_a_users_own_notes_stay() -> None:
    shared = RejectionError("shared")
    shared.add_note("mine")
    (exception,) = fails("a", handler=lambda _record: Failure(shared)).exceptions
    assert exception.__notes__[0] == "mine"


def test_any_failure_raises_for_records_that_were_only_not_started() -> None:
    clock = Clock()
    context = LambdaContext(clock=clock, timeout_seconds=10)

    def slow(_record: Any) -> Result[None, str]:
        clock.advance(9.5)
        return Success(None)

    batch = fold_batch(sqs_event("a", "b"), slow, sqs(), context=context, reserve_ms=1_000)
    assert len(respond(batch)["batchItemFailures"]) == 1
    with pytest.raises(BatchProcessingError) as raised:
        respond(batch, raise_on="any_failure")
    (exception,) = raised.value.exceptions
    assert isinstance(exception, UnprocessedError)
    assert str(exception) == "1 records were not started: only the reserve of 1000 ms was left of the invocation's time"


def test_both_causes_are_in_the_group_if_settling_failed_too() -> None:
    def settle(_failed: Any) -> Result[None, OSError]:
        return Failure(OSError("queue is down"))

    error = fails("rejected", settle=settle)
    assert [type(exception) for exception in error.exceptions] == [RejectionError, OSError]
    assert error.exceptions[1].__notes__[0].endswith("could not be settled")


def settled(_failed: Any) -> Result[None, Any]:
    return Success(None)


def cannot_settle(error: object) -> Callable[[Any], Result[None, Any]]:
    return lambda _failed: Failure(error)


def bad_observer(_outcome: Any) -> None:
    raise ZeroDivisionError


# ------------------------------------------------------------ logging
def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "batchfold"]


def test_each_failure_is_logged_with_its_identifier(caplog: pytest.LogCaptureFixture) -> None:
    batch = fold("succeeds", "rejected", "raises", "returns none")
    respond(batch)
    ids = [outcome.item_id for outcome in batch.outcomes]
    assert lines(caplog) == [
        f"record {ids[1]} failed and comes back: the handler returned a Failure (RejectionError)",
        f"record {ids[2]} failed and comes back: handling it raised HandlerError",
        f"record {ids[3]} failed and comes back: handling it raised TypeError",
    ]
    assert all(record.levelno == logging.ERROR for record in caplog.records)
    assert "HandlerError: raises" in caplog.text


def test_successes_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    respond(fold("succeeds", "succeeds"))
    assert not caplog.records


def test_one_line_tells_of_all_that_were_not_started(caplog: pytest.LogCaptureFixture) -> None:
    batch = fold_batch(sqs_event("succeeds", "rejected", "a", "b", "c"), act, sqs(lane=whole_batch))
    respond(batch)
    assert (
        lines(caplog)[-1] == f"3 of 5 records were not started and come back, the first is {batch.outcomes[2].item_id}"
    )


def test_settled_records_are_logged_as_warnings(caplog: pytest.LogCaptureFixture) -> None:
    batch = fold("rejected", settle=settled)
    respond(batch)
    assert isinstance(batch.outcomes[0], Settled)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "was settled" in lines(caplog)[0]


def test_a_failure_to_settle_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    respond(fold("rejected", settle=cannot_settle(OSError("queue is down"))), raise_on="never")
    assert lines(caplog)[1].endswith("could not be settled: OSError")
    respond(fold("rejected", settle=cannot_settle("queue is down")), raise_on="never")
    assert lines(caplog)[3].endswith("could not be settled: str: queue is down")


def test_a_kafka_record_is_named_by_partition_and_offset(caplog: pytest.LogCaptureFixture) -> None:
    respond(fold_batch(kafka_event(KafkaMessage(value="x")), lambda _r: Failure("no"), kafka()), raise_on="never")
    assert " at offset " in lines(caplog)[0]


class Unwritable(logging.Handler):
    """A logging handler that cannot serialise, as the runtime's cannot lone surrogates."""

    def __init__(self, *, but_plain_lines: bool) -> None:
        super().__init__()
        self.but_plain_lines = but_plain_lines
        self.written: list[str] = []

    def handle(self, record: logging.LogRecord) -> bool:
        if record.exc_info or not self.but_plain_lines:
            raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")
        self.written.append(record.getMessage())
        return True


@pytest.mark.parametrize("but_plain_lines", [True, False])
def test_a_logging_handler_that_raises_does_not_fail_the_invocation(*, but_plain_lines: bool) -> None:
    handler = Unwritable(but_plain_lines=but_plain_lines)
    logger = logging.getLogger("batchfold")
    logger.addHandler(handler)
    try:
        response = process_batch(sqs_event("succeeds", "raises"), act, sqs(), observe=bad_observer)
    finally:
        logger.removeHandler(handler)
    assert len(response["batchItemFailures"]) == 1
    assert any("failed and comes back" in line for line in handler.written) == but_plain_lines


def test_an_observer_that_raises_is_logged_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    batch = fold("succeeds", observe=bad_observer)
    assert batch.response == {"batchItemFailures": []}
    assert lines(caplog) == ["an observer raised; the outcome that it was called with stands"]


class Falsy(Exception):  # noqa: N818  # it is what it is called
    """Has nothing in it, as a group of errors of the user's own may have."""

    def __len__(self) -> int:
        return 0


class Undecided(Exception):  # noqa: N818  # as above
    def __bool__(self) -> bool:
        raise RuntimeError("neither true nor false")


@pytest.mark.parametrize("error", [Falsy("x"), Undecided("x")])
def test_whatever_an_exception_is_like_it_brings_back_its_record_and_no_other(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def rejects(record: SqsRecord[str]) -> Result[None, Exception]:
        return Failure(error) if record.body == "bad" else Success(None)

    def cannot_settle(_failed: object) -> Result[None, Exception]:
        return Failure(error)

    event = sqs_event("a", "bad", "b")
    response = process_batch(event, rejects, sqs(), settle=cannot_settle)
    assert response == {"batchItemFailures": [{"itemIdentifier": event["Records"][1]["messageId"]}]}
    assert f"the handler returned a Failure ({type(error).__name__})" in caplog.text
    assert f"could not be settled: {type(error).__name__}" in caplog.text
    assert ("Falsy: x" in caplog.text) == isinstance(error, Falsy)  # of the other, Python cannot print the traceback


# ------------------------------------------------------------ privacy
def validate_inside(record: SqsRecord[str]) -> Result[Order, Exception]:
    return Success(Order.model_validate_json(record.body))


def reject_with_validation_error(record: SqsRecord[str]) -> Result[Order, Exception]:
    try:
        return validate_inside(record)
    except ValidationError as error:
        return Failure(error)


def raise_from_validation_error(record: SqsRecord[str]) -> Result[Order, Exception]:
    try:
        return validate_inside(record)
    except ValidationError as error:
        raise HandlerError("wrapped") from error


def raise_beside_validation_error(record: SqsRecord[str]) -> Result[Order, Exception]:
    try:
        return validate_inside(record)
    except ValidationError:
        raise HandlerError("wrapped")  # noqa: B904  # the context is the point


def raise_group_with_validation_error(record: SqsRecord[str]) -> Result[Order, Exception]:
    try:
        return validate_inside(record)
    except ValidationError as error:
        raise ExceptionGroup("several", [HandlerError("other"), error]) from None


HANDLERS = [
    validate_inside,
    reject_with_validation_error,
    raise_from_validation_error,
    raise_beside_validation_error,
    raise_group_with_validation_error,
]
BAD_BODIES = [f'{{"id": {{"x": "{SECRET}"}}, "by_name": {{"{SECRET}": "{SECRET}"}}}}', f'{{"{SECRET}": 1}}', SECRET]


@pytest.mark.parametrize("body", BAD_BODIES)
@pytest.mark.parametrize("handler", HANDLERS)
def test_a_validation_error_in_a_handler_shows_no_payload(
    handler: Callable[[Any], Any], body: str, caplog: pytest.LogCaptureFixture
) -> None:
    error = fails(body, handler=handler)
    written = caplog.text + str(error) + "".join(traceback.format_exception(error))
    assert SECRET not in written
    assert "ValidationError" in written


@pytest.mark.parametrize("body", BAD_BODIES)
def test_a_payload_that_will_not_parse_is_not_shown(body: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(BatchProcessingError) as raised:
        process_batch(sqs_event(SqsMessage(body=body)), act, sqs(Order))
    written = caplog.text + "".join(traceback.format_exception(raised.value))
    assert SECRET not in written
    assert "its payload would not parse (ValidationError: " in caplog.text


def test_the_fields_that_broke_a_rule_are_named(caplog: pytest.LogCaptureFixture) -> None:
    body = f'{{"id": 1, "by_name": {{"{SECRET}": "x"}}}}'
    process_batch(sqs_event(SqsMessage(body=body)), act, sqs(Order), raise_on="never")
    assert "(ValidationError: id string_type, by_name.[...] int_parsing)" in lines(caplog)[0]


def test_many_broken_rules_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    process_batch(sqs_event("[1,2,3,4,5,6,7]"), act, sqs(list[str]), raise_on="never")
    assert "4 string_type and 2 more" in lines(caplog)[0]


def test_a_decoders_own_words_are_not_written(caplog: pytest.LogCaptureFixture) -> None:
    process_batch(sqs_event(SECRET), act, sqs(decode=int), raise_on="never")
    assert lines(caplog)[0].endswith("its payload would not parse (ValueError)")
    assert SECRET not in caplog.text


def encoded_and_decoded(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode()


@pytest.mark.parametrize(
    ("decode", "said"),
    [
        (encoded_and_decoded, "UnicodeDecodeError: invalid continuation byte"),
        (json.loads, "JSONDecodeError: Expecting value)"),
        (base64.b64decode, "Error: Incorrect padding)"),
    ],
)
def test_what_the_standard_library_says_of_a_payload_is_told(
    decode: Any, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = "\ud800ab" if "Unicode" in said else "abc"
    process_batch(sqs_event(SqsMessage(body=body)), act, sqs(decode=decode), raise_on="never")
    assert said in caplog.text


def test_an_error_value_is_the_handlers_words_and_is_logged_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    error = fails("a", handler=lambda _record: Failure("stock is empty\n" + 600 * "x"))
    said = f"stock is empty\\n{481 * 'x'}..."
    assert len(said) == 500
    assert lines(caplog)[0].endswith(f"the handler returned a Failure (str: {said})")
    assert str(error.exceptions[0]) == f"the handler returned a Failure (str: {said})"


def test_a_chain_of_causes_that_goes_in_a_circle_ends() -> None:
    first, second = HandlerError("first"), HandlerError("second")
    first.__cause__, second.__cause__ = second, first
    assert fails("a", handler=lambda _record: Failure(first)).exceptions == (first,)


def test_suppressed_contexts_stay_suppressed() -> None:
    def handler(record: SqsRecord[str]) -> Result[Order, Exception]:
        try:
            return validate_inside(record)
        except ValidationError:
            raise HandlerError("wrapped") from None

    (exception,) = fails(SECRET, handler=handler).exceptions
    assert exception.__suppress_context__
    assert SECRET not in str(exception.__context__)


# ------------------------------------------------------------ how much is written
class DownError(Exception):
    """Fails many records."""


def written_by(caplog: pytest.LogCaptureFixture) -> str:
    formatter = logging.Formatter()
    return "\n".join(formatter.format(record) for record in caplog.records if record.name == "batchfold")


def test_an_exception_object_that_fails_every_record_has_its_traceback_written_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    connection = Future[int]()
    connection.set_exception(DownError("the database is down"))

    def ask(record: SqsRecord[str]) -> Result[int, Exception]:
        return Success(connection.result() if record.body else 0)

    batch = fold("", *["x"] * 400, handler=ask)
    respond(batch)
    written = written_by(caplog)
    assert written.count("Traceback (most recent call last)") == 1
    assert written.count("DownError: the database is down") == 100
    assert len(written) < 200_000
    assert lines(caplog)[-1] == "99 more of DownError without a traceback: of a kind, the first 3 have one"


def test_a_traceback_that_has_grown_in_a_cause_is_cut_too(caplog: pytest.LogCaptureFixture) -> None:
    down = DownError("the database is down")

    def ask(_record: SqsRecord[str]) -> Result[int, Exception]:
        try:
            raise down
        except DownError as error:
            raise HandlerError("could not write") from error

    respond(fold(*["x"] * 1_000, handler=ask), raise_on="never")
    written = written_by(caplog)
    assert written.count("The above exception was the direct cause") == 3
    assert len(written) < 200_000


def test_of_a_kind_three_tracebacks_are_written_and_a_kind_is_a_type_and_a_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def here(record: SqsRecord[str]) -> Result[int, Exception]:
        if record.body == "a":
            raise KeyError(record.body)
        raise KeyError(record.body)

    batch = fold(*["a"] * 5, *["b"] * 2, handler=here)
    respond(batch, raise_on="never")
    with_traceback = [bool(record.exc_info) for record in caplog.records]
    assert with_traceback == [True, True, True, False, False, True, True, False]
    assert lines(caplog)[3].endswith("handling it raised KeyError: 'a'")
    assert lines(caplog)[-1] == "2 more of KeyError without a traceback: of a kind, the first 3 have one"


def test_however_many_records_fail_each_is_named_and_the_log_is_short(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(record: SqsRecord[str]) -> Result[int, Exception]:
        if record.body == "value":
            return Failure(DownError("x" * 400))
        raise DownError("x" * 400)

    batch = fold(*["value", "raise"] * 600, handler=refuse)
    respond(batch, raise_on="never")
    written = written_by(caplog)
    assert all(str(failed.item_id) in written for failed in batch.failed)
    assert len(lines(caplog)) == 2 * (100 + 5) + 1
    assert len(written) < 300_000
    together = [record for record in caplog.records if isinstance(vars(record)["batchfold_item_id"], list)]
    assert [len(vars(record)["batchfold_item_id"]) for record in together] == [100] * 10
    assert "100 more records failed and come back (Crashed: DownError): " in written


def test_settled_records_are_named_together_too(caplog: pytest.LogCaptureFixture) -> None:
    batch = fold(*["rejected"] * 250, settle=settled)
    respond(batch)
    written = written_by(caplog)
    assert len(lines(caplog)) == 100 + 2
    assert all(str(each.item_id) in written for each in batch.settled)
    assert "50 more records failed and were settled (Rejected: RejectionError): " in written


def test_ten_thousand_failures_of_a_kind_take_little_time() -> None:
    handler = logging.StreamHandler(io.StringIO())
    logger = logging.getLogger("batchfold")
    batch = fold(*["raises"] * 10_000)
    logger.addHandler(handler)
    logger.propagate = False
    began = process_time()
    try:
        with pytest.raises(BatchProcessingError):
            respond(batch)
    finally:
        logger.removeHandler(handler)
        logger.propagate = True
    assert process_time() - began < 1.5  # under beartype; a third of that without
    assert len(handler.stream.getvalue()) < 1_000_000


def test_once_no_time_is_left_records_are_named_together(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    context = LambdaContext(clock=clock, timeout_seconds=10)

    def refuse(_record: Any) -> Result[None, str]:
        clock.advance(1)
        return Failure("no")

    batch = fold(*["x"] * 5, handler=refuse, context=context, reserve_ms=1_000)
    clock.advance(9)
    respond(batch, raise_on="never")
    assert len(batch.failed) == 5
    (line,) = lines(caplog)
    assert line.startswith("5 more records failed and come back (Rejected: str): ")


def test_of_an_exception_that_failed_many_records_a_hundred_are_noted_and_the_others_counted() -> None:
    shared = Failure(RejectionError("shared"))
    for _ in range(2):
        (exception,) = fails(*["x"] * 250, handler=lambda _record: shared).exceptions
        assert len(exception.__notes__) == 101
        assert exception.__notes__[-1] == "batchfold: records that are not named here: 150"


def test_all_exceptions_stand_in_the_group() -> None:
    assert len(fails(*["raises"] * 250).exceptions) == 250


def test_an_observer_that_is_down_is_logged_three_times_and_then_counted(caplog: pytest.LogCaptureFixture) -> None:
    fold(*["succeeds"] * 150, observe=bad_observer)
    said = "an observer raised; the outcome that it was called with stands"
    assert lines(caplog) == [
        *[said] * 3,
        f"{said} (10 times so far, now ZeroDivisionError)",
        f"{said} (100 times so far, now ZeroDivisionError)",
    ]
    assert [bool(record.exc_info) for record in caplog.records] == [True, True, True, False, False]
    caplog.clear()
    fold("succeeds", observe=bad_observer)
    assert lines(caplog) == [said]


# ------------------------------------------------------------ what a log can be queried by
FIELDS = {"batchfold_item_id", "batchfold_fault", "batchfold_error", "batchfold_source", "batchfold_lane"}


class Kept(logging.Handler):
    """Keeps the records of a log."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def handle(self, record: logging.LogRecord) -> bool:
        self.records.append(record)
        return True


@contextmanager
def kept() -> Generator[list[logging.LogRecord]]:
    handler, logger = Kept(), logging.getLogger("batchfold")
    logger.addHandler(handler)
    try:
        yield handler.records
    finally:
        logger.removeHandler(handler)


@given(scenes())
def test_every_line_of_a_log_can_be_queried_by_the_same_fields_in_json(scene: Scene) -> None:
    batch = fold_batch(scene.event, act, scene.source)
    with kept() as records:
        respond(batch, raise_on="never")
    for record in records:
        fields = {name: value for name, value in vars(record).items() if name.startswith("batchfold_")}
        assert fields.keys() == FIELDS
        assert json.loads(json.dumps(fields)) == fields
    about_failed = [vars(record) for record in records if record.getMessage().endswith(")") or "raised" in record.msg]
    named = {each["batchfold_item_id"] for each in about_failed}
    assert {item_name(failed.item_id) for failed in batch.failed} <= named


def test_the_fields_say_which_record_failed_and_how(caplog: pytest.LogCaptureFixture) -> None:
    event = sqs_event(SqsMessage(body="rejected", message_group_id="group A"), SqsMessage(body="raises"))
    respond(fold_batch(event, act, sqs(lane=by_message_group)), raise_on="never")
    first, second = (
        {name: value for name, value in vars(record).items() if name in FIELDS} for record in caplog.records
    )
    assert first == {
        "batchfold_item_id": event["Records"][0]["messageId"],
        "batchfold_fault": "Rejected",
        "batchfold_error": "RejectionError",
        "batchfold_source": "SQS",
        "batchfold_lane": "group A",
    }
    assert second["batchfold_fault"] == "Crashed"
    assert second["batchfold_lane"] == "1"


def test_a_line_that_is_not_about_a_record_has_the_same_fields(caplog: pytest.LogCaptureFixture) -> None:
    fold("succeeds", observe=bad_observer)
    assert {vars(caplog.records[0])[name] for name in FIELDS} == {None}


anything = st.text(st.characters(codec=None, exclude_categories=()))


@given(message_id=anything, group=anything, error=anything)
def test_nothing_in_a_line_controls_the_log(message_id: str, group: str, error: str) -> None:
    event = sqs_event(SqsMessage(body="x"), SqsMessage(body="y"))
    for raw in event["Records"]:
        raw["messageId"] = message_id or "m"
        raw["attributes"]["MessageGroupId"] = group
    source = sqs(lane=by_message_group)
    with kept() as records:
        respond(fold_batch(event, lambda _record: Failure(error), source), raise_on="never")
    assert len(records) == 2
    for record in records:
        assert record.getMessage().isprintable()
        assert str(vars(record)["batchfold_lane"]).isprintable()
        assert vars(record)["batchfold_item_id"].isprintable()


def test_a_lane_function_that_fails_later_takes_nothing_from_the_log(caplog: pytest.LogCaptureFixture) -> None:
    asked: list[Any] = []

    def lane(raw: Any) -> str:
        asked.append(raw)
        return ["a", "a"][len(asked) - 1]

    respond(fold_batch(sqs_event("rejected", "x"), act, sqs(lane=lane)), raise_on="never")
    assert len(lines(caplog)) == 2
    assert vars(caplog.records[0])["batchfold_lane"] is None


# ------------------------------------------------------------ sources of users' own, and decoders
def test_a_source_of_a_users_own_shows_no_payload_that_its_parse_raised(caplog: pytest.LogCaptureFixture) -> None:
    own = sqs().replace(parse=lambda raw: Order.model_validate_json(raw["body"]), name="orders")
    with pytest.raises(BatchProcessingError) as raised:
        process_batch(sqs_event(f'{{"id": {{"{SECRET}": 1}}}}'), act, own)
    written = written_by(caplog) + "".join(traceback.format_exception(raised.value))
    assert "string_type" in written
    assert SECRET not in written
    assert vars(caplog.records[0])["batchfold_source"] == "orders"


def test_whatever_a_decoder_raises_is_logged_without_its_text_and_as_parsing(caplog: pytest.LogCaptureFixture) -> None:
    def decode(body: str) -> int:
        raise LookupError(body)

    with pytest.raises(BatchProcessingError) as raised:
        process_batch(sqs_event(SECRET), act, sqs(decode=decode))
    assert "failed and comes back: parsing its payload raised LookupError at test_respond.py:" in lines(caplog)[0]
    assert SECRET not in written_by(caplog) + "".join(traceback.format_exception(raised.value))


# ------------------------------------------------------------ the recipe for JSON loggers
RECIPE = """
{imports}
import json
logger = Logger(service="orders")
copy_config_to_registered_loggers(logger, include={{"batchfold"}})
from batchfold import process_batch, sqs
from batchfold.testing import sqs_event
from returns.result import Failure, Success
handle = lambda record: Success(None) if record.body == "good" else Failure("stock is empty")
process_batch(sqs_event("good", "bad"), handle, sqs())
"""
IMPORTS = [
    "import batchfold",
    "from aws_lambda_powertools import Logger",
    "from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers",
]


@pytest.mark.parametrize("imports", [IMPORTS, IMPORTS[::-1]], ids=["batchfold first", "Powertools first"])
def test_powertools_logger_writes_batchfolds_lines_in_a_fresh_process(imports: list[str]) -> None:
    program = RECIPE.format(imports="\n".join(imports))
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    (line,) = ran.stdout.splitlines()
    told = json.loads(line)
    assert told["service"] == "orders"
    assert told["level"] == "ERROR"
    assert told["message"].endswith("failed and comes back: the handler returned a Failure (str: stock is empty)")
    assert (told["batchfold_fault"], told["batchfold_source"]) == ("Rejected", "SQS")
    assert told["batchfold_item_id"] in told["message"]
