"""How Lambda reads an answer: what its client writes of a response, and what the mapping makes of that.

Complete success, complete failure and partial failure are those of "Success and failure conditions" on
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html and
https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html. How a response is written is decided by
https://github.com/aws/aws-lambda-python-runtime-interface-client; the tests hold `as_written` to it.
"""

import json
import sys
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn, TypeAlias, assert_never, cast

from batchfold.testing.refuse import refuse_other_kinds

_WRITES_UTF_8 = sys.version_info >= (3, 12)
"""From 3.12 on the runtime writes characters as they are, so a lone surrogate cannot be encoded."""


@dataclass(frozen=True)
class Returned:
    """The function returned this."""

    response: Any


@dataclass(frozen=True)
class Raised:
    """The function raised; `error` says what."""

    error: str


@dataclass(frozen=True)
class TimedOut:
    """The function was cut off by its timeout."""


Answer: TypeAlias = Returned | Raised | TimedOut
"""How an invocation ended."""


@dataclass(frozen=True)
class CompleteSuccess:
    """Every record of the batch is done."""


@dataclass(frozen=True)
class CompleteFailure:
    """Every record of the batch comes back."""

    reason: str


@dataclass(frozen=True)
class PartialFailure:
    """The response names records of the batch: their positions in the source."""

    named: frozenset[int]


Reading: TypeAlias = CompleteSuccess | CompleteFailure | PartialFailure
"""The meaning of an answer to the mapping."""


def read_answer(answer: Answer, identifiers: Mapping[Hashable, int], *, report_batch_item_failures: bool) -> Reading:
    """Return what the mapping makes of an answer to a batch.

    `identifiers` maps each item identifier of the batch to its record's position; a Kafka identifier is the pair of
    its partition and its offset. Without `ReportBatchItemFailures` the response is ignored.

    AWS does not say how it reads a response that is neither empty nor a JSON object. Such a response is a complete
    failure here, so that a function that returns one is shown to depend on what nobody promised.

    >>> read_answer(Returned({"batchItemFailures": []}), {"a": 0}, report_batch_item_failures=True)
    CompleteSuccess()
    >>> read_answer(
    ...     Returned({"batchItemFailures": [{"itemIdentifier": ""}]}), {"a": 0}, report_batch_item_failures=True
    ... )
    CompleteFailure(reason='an item identifier is empty or null')
    """
    refuse_other_kinds(
        "answer", answer, (Returned, Raised, TimedOut), "Returned, Raised or TimedOut, such as Returned(response)"
    )
    refuse_other_kinds("identifiers", identifiers, Mapping, 'a mapping to positions, such as {"message-id": 0}')
    response = response_of(answer)
    if isinstance(response, CompleteFailure):
        return response
    if not report_batch_item_failures or not response:
        return CompleteSuccess()
    if not isinstance(response, dict):
        return CompleteFailure("the response is not a JSON object")
    return _read_failures(cast("dict[str, object]", response).get("batchItemFailures"), identifiers)


def _read_failures(failures: object, identifiers: Mapping[Hashable, int]) -> Reading:
    if not failures:
        return CompleteSuccess()
    if not isinstance(failures, list):
        return CompleteFailure("batchItemFailures is not a list")
    named: set[int] = set()
    for failure in cast("list[object]", failures):
        if not isinstance(failure, dict) or "itemIdentifier" not in failure:
            return CompleteFailure("an entry of batchItemFailures has no itemIdentifier")
        given: object = cast("dict[str, object]", failure)["itemIdentifier"]
        if not given:
            return CompleteFailure("an item identifier is empty or null")
        position = identifiers.get(_identifier(given))
        if position is None:
            return CompleteFailure("an item identifier is none of the batch's")
        named.add(position)
    return PartialFailure(frozenset(named))


def _identifier(given: object) -> Hashable:
    match given:
        case str():
            return given
        case {"partition": str(partition), "offset": int(offset)} if not isinstance(offset, bool):
            return (partition, offset)
        case _:
            return None


def not_done(reading: Reading, positions: Collection[int]) -> frozenset[int]:
    """Return which records of a batch come back to a queue: those that are named, or all of a batch that failed.

    >>> not_done(PartialFailure(frozenset({1})), (0, 1, 2))
    frozenset({1})
    """
    match reading:
        case CompleteSuccess():
            return frozenset()
        case CompleteFailure():
            return frozenset(positions)
        case PartialFailure(named):
            return named
        case _:
            assert_never(reading)


def response_of(answer: Answer) -> object:
    """Return the response as it arrives at Lambda; `CompleteFailure` if none does."""
    if isinstance(answer, Raised):
        return CompleteFailure(f"the function raised {answer.error}")
    if isinstance(answer, TimedOut):
        return CompleteFailure("the function was cut off by its timeout")
    try:
        return as_written(answer.response)
    except (TypeError, ValueError, RecursionError) as error:
        return CompleteFailure(f"the response cannot be written as JSON: {error}")


def as_written(response: object) -> object:
    """Return a response as Lambda's Python client writes it, read again.

    A `Decimal` becomes a number, bytes become text, a namedtuple an object. A response that is bytes goes out as it is.

    Raises:
        TypeError: The client cannot write it, so the invocation fails.
        ValueError: The client cannot write it, or what it writes is no JSON.

    >>> as_written({"count": Decimal("2"), "ids": (b"a", "b")})
    {'count': 2, 'ids': ['a', 'b']}
    """
    if isinstance(response, bytes):
        return _read(response) if response else None
    return _written(response)


def _written(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return _read(json.dumps(value))
        case Decimal():
            return _read(str(value))
        case str() | bytes():
            return _text(value)
        case _ if callable(as_dict := getattr(value, "_asdict", None)):
            return _written(as_dict())
        case dict():
            return {_key(key): _written(member) for key, member in cast("dict[object, object]", value).items()}
        case list() | tuple():
            # narrowed, a list or tuple forgets what it holds
            return [_written(member) for member in cast("Sequence[object]", value)]
        case _:
            raise TypeError(f"a value of type {type(value).__name__} is not JSON serializable")


def _key(key: object) -> str:
    match key:
        case str() | bytes():
            return _text(key)
        case None | bool() | int() | float():
            return json.dumps(key)
        case _:
            raise TypeError(f"a key of type {type(key).__name__} is not JSON serializable")


def _text(value: str | bytes) -> str:
    text = value.decode() if isinstance(value, bytes) else str.__str__(value)
    if _WRITES_UTF_8:
        text.encode()
    return text


def _read(text: str | bytes) -> object:
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"JSON has no {name}")
