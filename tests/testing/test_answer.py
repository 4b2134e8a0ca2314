"""How the model reads a response: the tables of complete success and complete failure."""

import json
import sys
from collections import OrderedDict
from collections.abc import Hashable
from decimal import Decimal
from enum import Enum
from http import HTTPStatus
from importlib import import_module
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from batchfold.testing.answers import as_written

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


class Identified(NamedTuple):
    itemIdentifier: str  # noqa: N815  # it stands in the response


ENTRIES: list[Any] = [
    Identified("b"),
    {"itemIdentifier": b"b"},
    {b"itemIdentifier": "b"},
    OrderedDict({"itemIdentifier": "b"}),
]


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("listed", [list, tuple])
def test_an_entry_that_lambda_s_client_can_write_is_read(entry: Any, listed: Any) -> None:
    assert read({"batchItemFailures": listed([entry]), "seconds": Decimal("1.5")}) == PartialFailure(frozenset({1}))


def test_a_decimal_is_a_number() -> None:
    identifier = {"partition": "orders-0", "offset": Decimal(7)}
    assert read({"batchItemFailures": [{"itemIdentifier": identifier}]}) == PartialFailure(frozenset({2}))


@pytest.mark.parametrize("written", [b'{"batchItemFailures": [{"itemIdentifier": "b"}]}'])
def test_bytes_go_out_as_they_are(written: bytes) -> None:
    assert read(written) == PartialFailure(frozenset({1}))
    assert read(b"") == CompleteSuccess()


@pytest.mark.parametrize("number", [float("nan"), float("-inf"), Decimal("NaN"), Decimal("Infinity")])
def test_a_number_that_json_does_not_have_is_a_complete_failure(number: Any) -> None:
    assert isinstance(read({"batchItemFailures": [], "seconds": number}), CompleteFailure)


def test_a_lone_surrogate_fails_the_invocation_from_python_3_12_on() -> None:
    reading = read({"batchItemFailures": [], "said": "\ud800"})
    assert isinstance(reading, CompleteFailure if sys.version_info >= (3, 12) else CompleteSuccess)


class Color(Enum):
    RED = "red"


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "another text"


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary(max_size=3)
    | st.sampled_from([HTTPStatus.OK, Text("text"), Color.RED, {1}, bytearray(b"1"), object(), range(2)])
)
_KEYS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["a", b"b", Text("c"), (1,), Decimal(1)])
)
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(_KEYS, inner, max_size=3)
        | inner.map(Identified)
    ),
    max_leaves=6,
)


@given(response=_ANYTHING)
def test_what_is_read_is_what_lambda_s_client_writes(response: Any) -> None:
    marshaller: Any = import_module("awslambdaric.lambda_runtime_marshaller")  # it has no types
    try:
        body, _ = marshaller.LambdaMarshaller().marshal_response(response)
        expected: object = json.loads(body) if body else None
    except Exception:  # noqa: BLE001  # whatever it raises: then the invocation fails
        with pytest.raises((TypeError, ValueError)):
            as_written(response)
    else:
        assert as_written(response) == expected


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
