"""How the mapping reads what an invocation came to: the table of complete successes and complete failures.

The cases are those of "Success and failure conditions" on
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html and
https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html.
"""

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from batchfold.testing.refuse import refuse_other_kinds


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
"""What an invocation came to."""


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
"""What the mapping makes of an answer."""


def read_answer(answer: Answer, identifiers: Mapping[Hashable, int], *, report_batch_item_failures: bool) -> Reading:
    """What the mapping makes of an answer to a batch.

    `identifiers` maps each item identifier of the batch to its record's position; a Kafka identifier is the pair of
    its partition and its offset. Without `ReportBatchItemFailures` what a function returns is not looked at.

    Where AWS's text leaves a response open (one that is neither empty nor a JSON object), it is read as a complete
    failure, so that a function that returns such a thing is shown to depend on what nobody promised.

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
    if isinstance(answer, Raised):
        return CompleteFailure(f"the function raised {answer.error}")
    if isinstance(answer, TimedOut):
        return CompleteFailure("the function was cut off by its timeout")
    try:
        # What is read is what crossed the wire: tuples became lists, and what JSON does not know fails the invocation.
        response: object = json.loads(json.dumps(answer.response))
    except (TypeError, ValueError, RecursionError) as error:
        return CompleteFailure(f"the response cannot be written as JSON: {error}")
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
        position = _read_failure(failure, identifiers)
        if isinstance(position, CompleteFailure):
            return position
        named.add(position)
    return PartialFailure(frozenset(named))


def _read_failure(failure: object, identifiers: Mapping[Hashable, int]) -> int | CompleteFailure:
    if not isinstance(failure, dict) or "itemIdentifier" not in failure:
        return CompleteFailure("an entry of batchItemFailures has no itemIdentifier")
    given: object = cast("dict[str, object]", failure)["itemIdentifier"]
    if not given:
        return CompleteFailure("an item identifier is empty or null")
    if isinstance(given, dict):
        position = identifiers.get(_kafka_identifier(cast("dict[str, object]", given)))
    else:
        position = identifiers.get(given) if isinstance(given, str) else None
    return CompleteFailure("an item identifier is none of the batch's") if position is None else position


def _kafka_identifier(given: Mapping[str, object]) -> tuple[object, object] | None:
    partition, offset = given.get("partition"), given.get("offset")
    if isinstance(partition, str) and isinstance(offset, int) and not isinstance(offset, bool):
        return (partition, offset)
    return None
