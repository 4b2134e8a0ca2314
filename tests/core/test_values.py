"""Outcomes and faults are values: equal by content, read-only, picklable, shown without payloads."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from returns.result import Failure, Success

from batchfold import (
    BatchProcessingError,
    Crashed,
    Failed,
    Malformed,
    Rejected,
    Settled,
    SqsRecord,
    Succeeded,
    Unprocessed,
    fold_batch,
    respond,
    sqs,
)
from batchfold.core.faults import DecodeFailure, PayloadError, Value, crashed, malformed_or_crashed
from batchfold.core.outcomes import outcome_of

RAW = {"messageId": "m1", "body": "secret", "eventSource": "aws:sqs"}
RECORD = SqsRecord(RAW)
ERROR = ValueError("secret")

FAULTS: list[Any] = [Malformed(ERROR), Rejected(ERROR), Crashed(ERROR)]
OUTCOMES: list[Any] = [
    Succeeded("m1", RECORD, "secret"),
    Settled("m1", RECORD, Rejected("secret")),
    Failed("m1", RECORD, Rejected("secret")),
    Failed("m1", RECORD, Rejected("secret"), settle_error="secret"),
    Unprocessed("m1", RECORD),
]


@pytest.mark.parametrize("value", [*FAULTS, *OUTCOMES], ids=repr)
def test_a_value_equals_its_copy_and_nothing_else(value: Value) -> None:
    assert value == copy.copy(value)
    assert [other for other in (*FAULTS, *OUTCOMES, None, "m1") if value == other] == [value]


@pytest.mark.parametrize("value", OUTCOMES, ids=repr)
def test_an_outcome_survives_pickling(value: Value) -> None:
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301  # our own


def test_a_source_cannot_be_changed_and_so_it_is_its_own_copy() -> None:
    source: Any = sqs()
    with pytest.raises(AttributeError, match="a source is immutable, so its 'parse' cannot be set"):
        source.parse = None
    assert copy.copy(source) is source
    assert copy.deepcopy(source) is source


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_batch_and_its_error_can_be_copied(copied: Callable[[Any], Any]) -> None:
    batch = fold_batch({"Records": [RAW]}, lambda _record: Failure("secret"), sqs())
    assert copied(batch).outcomes == batch.outcomes
    assert copied(batch).response == batch.response
    with pytest.raises(BatchProcessingError) as raised:
        respond(batch)
    error = copied(raised.value)
    assert str(error) == str(raised.value)
    assert error.batch.outcomes == batch.outcomes
    assert [each.__notes__ for each in error.exceptions] == [each.__notes__ for each in raised.value.exceptions]


@pytest.mark.parametrize("value", [*FAULTS, *OUTCOMES], ids=repr)
def test_no_payload_is_shown(value: Value) -> None:
    assert "secret" not in repr(value)


@pytest.mark.parametrize("outcome", OUTCOMES, ids=repr)
@pytest.mark.parametrize("name", ["item_id", "record", "raw", "fault", "value", "anything"])
def test_an_outcome_cannot_be_changed(outcome: Any, name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(outcome, name, None)


def test_faults_hash_as_they_compare() -> None:
    assert {Rejected("a"), Rejected("a"), Crashed(ERROR)} == {Rejected("a"), Crashed(ERROR)}


def test_an_outcome_is_reached_from_its_record() -> None:
    outcome = OUTCOMES[0]
    assert outcome.raw is RAW
    assert outcome.record is RECORD
    assert (outcome.item_id, outcome.value) == ("m1", "secret")


def test_a_failure_remembers_why_it_could_not_be_settled() -> None:
    assert OUTCOMES[3].settle_error == "secret"
    assert OUTCOMES[2].settle_error is None


def test_a_batch_is_equal_to_one_of_the_same_outcomes() -> None:
    event = {"Records": [RAW]}

    def run(value: int) -> Any:
        return fold_batch(event, lambda _record: Success(value), sqs())

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert run(1) != "batch"
    assert fold_batch(event, lambda _record: Failure(1), sqs()) != run(1)


def test_an_outcome_stands_for_itself() -> None:
    assert all(outcome_of("other", RECORD, outcome) is outcome for outcome in OUTCOMES)


def test_what_ends_the_process_is_no_fault() -> None:
    for error in (SystemExit(), KeyboardInterrupt(), GeneratorExit()):
        with pytest.raises(type(error)):
            crashed(error)
        with pytest.raises(type(error)):
            malformed_or_crashed(error)


def test_a_fault_knows_whether_its_record_was_parsed() -> None:
    assert all(
        malformed_or_crashed(error).is_from_parsing for error in (ValueError(), DecodeFailure(OSError()), OSError())
    )
    assert not any(crashed(error).is_from_parsing for error in (PayloadError(), OSError()))


def test_parsing_errors_are_told_from_crashes() -> None:
    assert isinstance(malformed_or_crashed(UnicodeDecodeError("utf-8", b"", 0, 1, "")), Malformed)
    assert isinstance(malformed_or_crashed(RecursionError()), Malformed)
    assert isinstance(malformed_or_crashed(KeyError()), Crashed)
