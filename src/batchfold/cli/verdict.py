"""The verdict: what Lambda makes of a call, record by record."""

import inspect
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, assert_never

from batchfold import Outcome, Settled, Succeeded
from batchfold.cli.call import Call
from batchfold.cli.delivery import Delivery, key_of
from batchfold.cli.why import why_of
from batchfold.cli.witness import Witness
from batchfold.core.records import item_name
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

Fate: TypeAlias = Literal["done", "comes back", "lost"]
"""What Lambda makes of a record. Lost is one that batchfold knows not to be done, and that is not brought back."""

_Return: TypeAlias = Literal["named", "follows", "whole batch"]
"""What brings a record back: the response names it, on a stream it follows one that is named, or the call failed."""

_ALL_THE_SAME: dict[_Return, str] = {
    "named": "comes back all the same: the response names it",
    "follows": "comes back all the same: it follows the one that is named",
    "whole batch": "comes back with the whole batch",
}
"""What is added of a record that is done."""

_UNSEEN: dict[_Return, str] = {
    "named": "",
    "follows": "it follows the one that is named",
    "whole batch": "with the whole batch",
}
"""Why a record comes back of which nothing else is known."""


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


def judge(delivery: Delivery, call: Call, witness: Witness) -> Verdict:
    """What Lambda makes of the call, with `ReportBatchItemFailures` on the event source mapping."""
    keys = list(dict.fromkeys(map(key_of, delivery.item_ids)))
    reading = read_answer(
        call.answer,
        {key: position for position, key in enumerate(keys)},
        report_batch_item_failures=True,
    )
    returns = _returns(reading, keys, delivery)
    seen = any(witness.outcome_of(item_id) is not None for item_id in delivery.item_ids)
    rows = tuple(
        _row(item_name(item_id), witness.outcome_of(item_id), returns.get(key_of(item_id)), any_seen=seen)
        for item_id in delivery.item_ids
    )
    if isinstance(reading, CompleteFailure):
        return Verdict(rows, _of_complete_failure(reading, call), 2)
    if lost := sum(row.fate == "lost" for row in rows):
        return Verdict(rows, _of_lost(lost), 2)
    says = _of_partial_failure(rows, delivery) if returns else _of_success(delivery, call)
    if rows and not seen:
        says += ("The command saw no fold of batchfold's: that a record is done, it has from the response alone.",)
    return Verdict(rows, says, 1 if returns else 0)


def _returns(reading: Reading, keys: Sequence[Hashable], delivery: Delivery) -> dict[Hashable, _Return]:
    """The records that come back, and what brings each of them back."""
    match reading:
        case CompleteSuccess():
            return {}
        case CompleteFailure():
            return dict.fromkeys(keys, "whole batch")
        case PartialFailure(positions):
            named: dict[Hashable, _Return] = dict.fromkeys((keys[position] for position in positions), "named")
            if delivery.kind != "stream":
                return named
            lowest = min(map(_number, named))
            follow: dict[Hashable, _Return] = {key: "follows" for key in keys if _number(key) >= lowest}
            return follow | named
        case _:
            assert_never(reading)


def _number(key: Hashable) -> int:
    return int(str(key))  # a stream's identifiers are sequence numbers


def _row(item: str, outcome: Outcome[Any, Any] | None, returns: _Return | None, *, any_seen: bool) -> Row:
    """Whether a record comes back is for the response to say, and why is for its outcome."""
    if outcome is None:
        if returns is None:
            return Row(item, "done", "batchfold did not handle it" if any_seen else "")
        return Row(item, "comes back", _UNSEEN[returns])
    is_done = isinstance(outcome, Succeeded | Settled)
    if returns is None:
        return Row(item, "done" if is_done else "lost", "" if isinstance(outcome, Succeeded) else why_of(outcome))
    return Row(item, "comes back", f"{why_of(outcome)}, {_ALL_THE_SAME[returns]}" if is_done else why_of(outcome))


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
    count = len(delivery.item_ids)
    done, them = ("The record is done", "it") if count == 1 else (f"All {_records(count)} are done", "them")
    does = {
        "queue": f"Lambda deletes {them} from the queue",
        "FIFO queue": f"Lambda deletes {them} from the queue",
        "stream": f"Lambda goes on behind {them}",
        "topic": f"Lambda goes on behind {them}",
    }[delivery.kind]
    says = [f"{done}: {does}."]
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
