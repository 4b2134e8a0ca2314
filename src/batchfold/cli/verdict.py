"""The verdict: what Lambda makes of a call, record by record."""

import inspect
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, assert_never

from batchfold import Batch, BatchProcessingError, Failed, Settled, Succeeded, Unprocessed
from batchfold.cli.call import Call
from batchfold.cli.delivery import Delivery, key_of
from batchfold.cli.told import Told
from batchfold.core.response import item_name
from batchfold.shell.redact import redacted, told
from batchfold.testing import CompleteFailure, CompleteSuccess, PartialFailure, Raised, Returned, TimedOut, read_answer

Fate: TypeAlias = Literal["done", "comes back", "lost"]
"""Lost is a record that is not done, and that the response does not bring back."""

_NOT_STARTED = "not started"


@dataclass(frozen=True)
class Row:
    """What becomes of one record, and why, as far as that is known."""

    item: str
    fate: Fate
    why: str


@dataclass(frozen=True)
class Verdict:
    """What becomes of the batch."""

    rows: tuple[Row, ...]
    says: tuple[str, ...]
    """What Lambda does, in sentences."""
    exit_status: Literal[0, 1, 2]
    """Success, partial failure, or error."""


def judge(delivery: Delivery, call: Call, heard: Told) -> Verdict:
    """What Lambda makes of the call, with `ReportBatchItemFailures` on the event source mapping."""
    distinct = list(dict.fromkeys(map(key_of, delivery.item_ids)))
    reading = read_answer(
        call.answer,
        {key: position for position, key in enumerate(distinct)},
        report_batch_item_failures=True,
    )
    match reading:
        case CompleteSuccess():
            returning: set[Hashable] = set()
        case CompleteFailure():
            returning = set(distinct)
        case PartialFailure(named):
            returning = _returning({distinct[position] for position in named}, distinct, delivery)
        case _:
            assert_never(reading)
    rows = _rows(delivery, returning, heard, call.error, whole_batch=isinstance(reading, CompleteFailure))
    lost = _lost(rows, heard, call)
    if isinstance(reading, CompleteFailure):
        return Verdict(rows, _of_complete_failure(reading, call), 2)
    if lost:
        return Verdict(rows, _of_lost(lost), 2)
    if not returning:
        return Verdict(rows, _of_success(delivery, call), 0)
    return Verdict(rows, _of_partial_failure(rows, delivery), 1)


def _returning(named: set[Hashable], all_keys: list[Hashable], delivery: Delivery) -> set[Hashable]:
    if delivery.kind != "stream":
        return named
    lowest = min(map(_number, named))
    return {key for key in all_keys if _number(key) >= lowest}


def _number(key: Hashable) -> int:
    return int(str(key))  # a stream's identifiers are sequence numbers


def _rows(
    delivery: Delivery, returning: set[Hashable], heard: Told, error: BaseException | None, *, whole_batch: bool
) -> tuple[Row, ...]:
    names = [item_name(item_id) for item_id in delivery.item_ids]
    keys = [key_of(item_id) for item_id in delivery.item_ids]
    known = _known_from_batch(error.batch) if isinstance(error, BatchProcessingError) else {}
    known |= heard.settled | heard.failed  # the log's sentences say more
    if heard.first_not_started is not None:
        known.setdefault(heard.first_not_started, _NOT_STARTED)
    unexplained = sum(key in returning and name not in known for name, key in zip(names, keys, strict=True))
    rest = _of_the_rest(unexplained, delivery, heard, whole_batch=whole_batch)

    def row(name: str, key: Hashable) -> Row:
        if key in returning:
            return Row(name, "comes back", known.get(name, rest))
        is_lost = name in heard.failed or name == heard.first_not_started
        return Row(name, "lost" if is_lost else "done", known.get(name, ""))

    return tuple(map(row, names, keys))


def _of_the_rest(unexplained: int, delivery: Delivery, heard: Told, *, whole_batch: bool) -> str:
    """Why those come back of which neither the log nor the exception says anything."""
    if heard.not_started - 1 == unexplained:
        return _NOT_STARTED
    if whole_batch:
        return "with the whole batch"
    if delivery.kind == "stream" and heard.failed and heard.not_started <= 1:
        return "handled, comes back all the same: it follows the one that is named"
    if delivery.kind == "stream":
        return "handled or not: it is or follows the one that is named"
    return ""


def _known_from_batch(batch: Batch[Any, Any, Any]) -> dict[str, str]:
    known: dict[str, str] = {}
    for outcome in batch.outcomes:
        match outcome:
            case Succeeded():
                why = "handled, comes back with the whole batch"
            case Settled():
                why = f"settled, comes back with the whole batch ({_fault(outcome.fault)})"
            case Failed():
                why = _fault(outcome.fault)
            case Unprocessed():
                why = _NOT_STARTED
            case _:
                assert_never(outcome)
        known[item_name(outcome.item_id)] = why
    return known


def _fault(fault: Any) -> str:
    error: object = fault.error
    clean = redacted(error) if isinstance(error, BaseException) else error
    return f"{type(fault).__name__}: {told(clean)}"


def _lost(rows: tuple[Row, ...], heard: Told, call: Call) -> int:
    """How many records batchfold said are not done that the response does not bring back."""
    if call.error is not None:
        return 0
    failed = sum(row.fate == "lost" and row.item in heard.failed for row in rows)
    back = sum(row.fate == "comes back" for row in rows)
    return failed + max(0, heard.not_started - back)


def _of_complete_failure(reading: CompleteFailure, call: Call) -> tuple[str, ...]:
    says = [f"The whole batch comes back: {reading.reason}."]
    match call.answer:
        case Raised():
            pass
        case TimedOut():
            says.append("It ran on here, longer than --timeout allows.")
        case Returned(response) if inspect.iscoroutine(response):
            says.append("Lambda does not await: as_lambda_handler makes a function of an async handler.")
        case Returned():
            says.append("Lambda takes a response that it cannot read for a failed invocation.")
        case _:
            assert_never(call.answer)
    return tuple(says)


def _of_lost(lost: int) -> tuple[str, ...]:
    were, them = ("was", "it") if lost == 1 else ("were", "them")
    fate = f"the response does not bring {them} back: Lambda takes {them} for done"
    return (
        f"{_records(lost)} failed or {were} not started, and {fate}.",
        "Return what process_batch, respond or the function of as_lambda_handler returns.",
    )


def _of_success(delivery: Delivery, call: Call) -> tuple[str, ...]:
    does = {
        "queue": "Lambda deletes them from the queue",
        "FIFO queue": "Lambda deletes them from the queue",
        "stream": "Lambda goes on behind them",
        "topic": "Lambda goes on behind them",
    }[delivery.kind]
    count = len(delivery.item_ids)
    says = [f"All {_records(count)} are done: {does}." if count != 1 else f"The record is done: {does}."]
    if call.response and "batchItemFailures" not in call.response:
        says.append("The response has no batchItemFailures: whatever happened, Lambda takes that for success.")
    return tuple(says)


def _of_partial_failure(rows: tuple[Row, ...], delivery: Delivery) -> tuple[str, ...]:
    fates = Counter(row.fate for row in rows)
    back = fates["comes back"]
    counted = f"{fates['done']} of {_records(len(rows))} {'is' if fates['done'] == 1 else 'are'} done, {back}"
    counted += " comes back" if back == 1 else " come back"
    does = {
        "queue": "Lambda deletes what is done; the rest is received again after the visibility timeout",
        "FIFO queue": "Lambda deletes what is done; the rest is received again after the visibility timeout, and its "
        "message groups wait for it",
        "stream": "Lambda delivers everything from the lowest sequence number named on again, handled or not",
        "topic": "Lambda delivers what the response names again",
    }[delivery.kind]
    return (
        f"{counted}: {does}.",
        "With ReportBatchItemFailures on the event source mapping; without it, none comes back.",
    )


def _records(count: int) -> str:
    return f"{count} record{'' if count == 1 else 's'}"
