"""How the model reads a response: the tables of complete success and complete failure."""

from collections.abc import Hashable
from typing import Any

import pytest

from batchfold.testing import (
    CompleteFailure,
    CompleteSuccess,
    PartialFailure,
    Raised,
    Reading,
    Returned,
    TimedOut,
    read_answer,
)

IDENTIFIERS: dict[Hashable, int] = {"a": 0, "b": 1, ("orders-0", 7): 2}


def read(response: Any, *, report: bool = True) -> Reading:
    return read_answer(Returned(response), IDENTIFIERS, report_batch_item_failures=report)


@pytest.mark.parametrize(
    "response",
    [None, {}, "", {"batchItemFailures": []}, {"batchItemFailures": None}, {"failures": [{"itemIdentifier": "a"}]}],
)
def test_an_empty_or_null_list_or_response_is_a_complete_success(response: Any) -> None:
    assert read(response) == CompleteSuccess()


@pytest.mark.parametrize(
    "identifier",
    ["", None, "c", "A", 7, ["a"], {}, {"partition": "orders-0"}, {"partition": "orders-0", "offset": "7"}],
)
def test_an_identifier_that_is_none_of_the_batch_is_a_complete_failure(identifier: Any) -> None:
    assert isinstance(read({"batchItemFailures": [{"itemIdentifier": identifier}]}), CompleteFailure)


def test_one_bad_identifier_spoils_the_good_ones() -> None:
    response = {"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": ""}]}
    assert read(response) == CompleteFailure("an item identifier is empty or null")


@pytest.mark.parametrize("entry", [{"itemidentifier": "a"}, {"messageId": "a"}, {}, "a", None])
def test_an_identifier_under_another_key_is_a_complete_failure(entry: Any) -> None:
    assert read({"batchItemFailures": [entry]}) == CompleteFailure(
        "an entry of batchItemFailures has no itemIdentifier"
    )


@pytest.mark.parametrize("response", [{"batchItemFailures": {1, 2}}, {"batchItemFailures": [object()]}, b"bytes"])
def test_a_response_that_json_cannot_hold_is_a_complete_failure(response: Any) -> None:
    assert isinstance(read(response), CompleteFailure)


@pytest.mark.parametrize("response", ["ok", ["a"], 1, True, {"batchItemFailures": "a"}])
def test_a_response_that_aws_says_nothing_about_is_read_as_a_complete_failure(response: Any) -> None:
    assert isinstance(read(response), CompleteFailure)


def test_a_raise_and_a_timeout_are_complete_failures_with_and_without_reporting() -> None:
    for report in (True, False):
        for answer in (Raised("ValueError: no"), TimedOut()):
            reading = read_answer(answer, IDENTIFIERS, report_batch_item_failures=report)
            assert isinstance(reading, CompleteFailure)


def test_named_records_are_a_partial_failure() -> None:
    response = {"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "b"}]}
    assert read(response) == PartialFailure(frozenset({1}))


def test_a_kafka_record_is_named_by_its_partition_and_offset() -> None:
    response = {"batchItemFailures": [{"itemIdentifier": {"partition": "orders-0", "offset": 7}}]}
    assert read(response) == PartialFailure(frozenset({2}))


@pytest.mark.parametrize("response", ["ok", {"batchItemFailures": [{"itemIdentifier": "a"}]}, {"batchItemFailures": 1}])
def test_without_report_batch_item_failures_what_is_returned_is_not_looked_at(response: Any) -> None:
    assert read(response, report=False) == CompleteSuccess()
