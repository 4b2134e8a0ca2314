"""The verdict: what becomes of each record after a call, and why.

The response decides what comes back. The outcomes that batchfold's folds came to say why, and show what is lost: a record
that is not done, and that the response does not bring back.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from batchfold.cli.account import (
    Answered,
    Call,
    CutOff,
    Delivered,
    Died,
    Ending,
    Folded,
    Outcome,
    OutcomeKind,
    Raised,
)

Fate: TypeAlias = Literal["done", "not done", "comes back", "delivered", "dropped", "error output", "lost"]
"""The fate of a record. Delivered, dropped and in the error output are the records of a Firehose delivery stream. Lost is one
that batchfold knows not to be done, and that is not brought back. Not done is said where the source answers in its own
way, which says what happens to such records."""

_Return: TypeAlias = Literal["named", "follows", "whole batch"]
"""The reason why a record comes back: the response names it, on a stream it follows one that is named, or the call failed."""

_ALL_THE_SAME: dict[_Return, str] = {
    "named": "comes back all the same: the response names it",
    "follows": "comes back all the same: it follows the one that is named",
    "whole batch": "comes back with the whole batch",
}
"""Added to a record that is done."""

_UNSEEN: dict[_Return, str] = {
    "named": "",
    "follows": "it follows the one that is named",
    "whole batch": "with the whole batch",
}
"""Why a record comes back of which nothing else is known."""

WORST_LAST: Sequence[OutcomeKind] = ("succeeded", "settled", "unprocessed", "failed")

_MOST_TOLD = 5
"""The strangers, asides and records of the function's own that are told one by one."""


_Outcomes: TypeAlias = Sequence[Outcome | None]
"""The outcome of each record of the event, in its order; `None` where no fold had it."""


@dataclass(frozen=True)
class Row:
    """The fate of one record, and the reason, as far as it is known."""

    item: str
    fate: Fate
    why: str
    outcome: OutcomeKind | None = None
    """The outcome that batchfold came to, as far as it was seen."""


@dataclass(frozen=True)
class Verdict:
    """The fate of the whole batch."""

    rows: tuple[Row, ...]
    says: tuple[str, ...]
    """The consequences, in sentences."""
    exit_status: Literal[0, 1, 2]
    """Success, partial failure, or error."""


def judge(call: Call) -> Verdict:
    """Say what becomes of each record, with `ReportBatchItemFailures` on the event source mapping."""
    verdict = _judged(call, _outcomes(call.delivered, call.folds))
    says = (
        *verdict.says,
        *_of_stops(call.folds),
        *_of_threads(call.threads),
        *_of_asides(call.asides),
        *_of_own(call.folds),
    )
    return Verdict(verdict.rows, says, 2 if call.threads else verdict.exit_status)


def _judged(call: Call, outcomes: _Outcomes) -> Verdict:
    delivered, ending = call.delivered, call.ending
    if isinstance(ending, Answered) and ending.failed_because is None:
        if ending.results is not None:
            return _judged_by_results(delivered, ending.results, ending.problems, outcomes)
        if not delivered.answers_partially:
            return _judged_by_source(delivered, ending, outcomes)
        return _judged_by_response(delivered, ending, outcomes)
    rows = _rows(delivered, outcomes, dict.fromkeys(delivered.keys, "whole batch"))
    says = _of_complete_failure(ending)
    return Verdict(rows, (*says, _OF_RETRIES) if delivered.keeps == "delivery stream" else says, 2)


def _judged_by_response(delivered: Delivered, ending: Answered, outcomes: _Outcomes) -> Verdict:
    returns = _returns(delivered, ending.named)
    rows = _rows(delivered, outcomes, returns)
    if lost := sum(row.fate == "lost" for row in rows):
        return Verdict(rows, _of_lost(lost), 2)
    says = _of_partial_failure(rows, delivered) if returns else _of_success(delivered, ending)
    if rows and not any(outcomes):
        says += ("The command saw no fold of batchfold's: that a record is done, it has from the response alone.",)
    return Verdict(rows, says, 1 if returns else 0)


_FATES: dict[str, Fate] = {"Ok": "delivered", "Dropped": "dropped", "ProcessingFailed": "error output"}
_OF_RETRIES = "Firehose tries three more times by default, and then writes all of its records to the error output."


def _judged_by_results(
    delivered: Delivered, results: Sequence[str], problems: Sequence[str | None], outcomes: _Outcomes
) -> Verdict:
    """Judge the answer to a Firehose delivery stream, which has a result for each record."""
    rows = tuple(
        _row_of_result(item, outcome, _FATES[result], problem)
        for item, outcome, result, problem in zip(_items(delivered), outcomes, results, problems, strict=True)
    )
    fates = Counter(row.fate for row in rows)
    if lost := fates["lost"]:
        were = "was" if lost == 1 else "were"
        says = f"{_records(lost)} failed or {were} not started, and the response says Ok or Dropped all the same."
        return Verdict(rows, (says, _RETURN_IT), 2)
    counted = ", ".join(f"{fates[fate]} {said}" for fate, said in _OF_FATES.items() if fates[fate])
    says = f"Of {_records(len(rows))}: {counted or 'none'}."
    if any(problems):
        return Verdict(
            rows, (says, "Firehose cannot use the whole response, and does not ask for another one.", _RETURN_IT), 2
        )
    return Verdict(rows, (says,), 1 if fates["error output"] else 0)


_OF_FATES: dict[Fate, str] = {
    "delivered": "delivered",
    "dropped": "dropped",
    "error output": "written to the error output, and not tried again",
}


def _row_of_result(item: str, outcome: Outcome | None, fate: Fate, problem: str | None) -> Row:
    if problem is not None:
        return Row(item, fate, problem)
    if outcome is not None and not _is_done(outcome) and fate != "error output":
        return Row(item, "lost", outcome.why)
    return Row(item, fate, "" if outcome is None else _why(outcome))


def _judged_by_source(delivered: Delivered, ending: Answered, outcomes: _Outcomes) -> Verdict:
    """Judge a response in the way of a source that does not answer with `batchItemFailures`: it must be the source's."""
    if ending.is_as_source_says is None:
        says = (
            f"The command cannot read the response: it is for {delivered.source}, and no fold of batchfold's was seen."
        )
        return Verdict(_rows(delivered, outcomes, {}), (says,), 2)
    rows = tuple(
        Row(item, "done" if _is_done(outcome) else "not done", _why(outcome), None if outcome is None else outcome.kind)
        for item, outcome in zip(_items(delivered), outcomes, strict=True)
    )
    if not ending.is_as_source_says:
        says = f"The response is not the one that {delivered.source} makes of these outcomes."
        return Verdict(rows, (says, _RETURN_IT), 2)
    not_done = sum(row.fate != "done" for row in rows)
    if not not_done:
        return Verdict(rows, (f"{_all_done(len(rows))}: the response says so.",), 0)
    counted = f"{len(rows) - not_done} of {_records(len(rows))} {_are(len(rows) - not_done)} done, {not_done} not"
    return Verdict(rows, (f"{counted}: the response says so to {delivered.source}.",), 1)


def outcomes_of(folds: Sequence[Folded]) -> dict[str, Outcome]:
    """The outcome of each item identifier: of a record that is folded twice, that of the last fold.

    Of records that share an identifier, one that is not done counts: whoever names one of them names them all.
    """
    outcomes: dict[str, Outcome] = {}
    for fold in folds:
        if fold.is_of_event:
            in_order = sorted(fold.outcomes, key=lambda outcome: WORST_LAST.index(outcome.kind))
            outcomes.update((outcome.key, outcome) for outcome in in_order)
    return outcomes


def _outcomes(delivered: Delivered, folds: Sequence[Folded]) -> _Outcomes:
    """The outcome of each record of the event: of one that is folded twice, that of the last fold.

    Records may share an identifier, as the user records of a KPL aggregate do. A fold that has as many of them as the
    event has them in the same order. Of any other fold, one that is not done counts for all that share its identifier:
    whoever names one of them names them all.
    """
    outcomes: list[Outcome | None] = [None] * len(delivered.keys)
    for fold in folds:
        if not fold.is_of_event:
            continue
        if [outcome.key for outcome in fold.outcomes] == delivered.keys:
            outcomes = [*fold.outcomes]
            continue
        by_key = outcomes_of([fold])
        outcomes = [by_key.get(key, before) for key, before in zip(delivered.keys, outcomes, strict=True)]
    return outcomes


def _items(delivered: Delivered) -> list[str]:
    """The records as they are shown: by their identifiers, and by a number where several share one."""
    counts, seen, items = Counter(delivered.names), Counter[str](), list[str]()
    for name in delivered.names:
        seen[name] += 1
        items.append(name if counts[name] == 1 else f"{name} ({seen[name]} of {counts[name]})")
    return items


def _returns(delivered: Delivered, named: Sequence[int]) -> dict[str, _Return]:
    keys = delivered.keys
    returns: dict[str, _Return] = dict.fromkeys((keys[position] for position in named), "named")
    if named and delivered.keeps == "stream":
        order = _order(delivered.names)
        lowest = min(order[position] for position in named)
        follow: dict[str, _Return] = {key: "follows" for key, place in zip(keys, order, strict=True) if place >= lowest}
        return follow | returns
    return returns


def _order(names: Sequence[str]) -> Sequence[int]:
    """The place of each record in its stream: its sequence number, which is compared as a number."""
    return list(map(int, names)) if all(map(str.isdecimal, names)) else range(len(names))


def _rows(delivered: Delivered, outcomes: _Outcomes, returns: Mapping[str, _Return]) -> tuple[Row, ...]:
    any_seen = any(outcomes)
    return tuple(
        _row(item, outcome, returns.get(key), any_seen=any_seen)
        for item, key, outcome in zip(_items(delivered), delivered.keys, outcomes, strict=True)
    )


def _row(item: str, outcome: Outcome | None, returns: _Return | None, *, any_seen: bool) -> Row:
    if outcome is None:
        if returns is None:
            return Row(item, "done", "batchfold did not handle it" if any_seen else "")
        return Row(item, "comes back", _UNSEEN[returns])
    if returns is None:
        return Row(item, "done" if _is_done(outcome) else "lost", _why(outcome), outcome.kind)
    if not _is_done(outcome):
        return Row(item, "comes back", _why(outcome), outcome.kind)
    return Row(item, "comes back", f"{_why(outcome) or 'handled'}, {_ALL_THE_SAME[returns]}", outcome.kind)


def _is_done(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.kind in ("succeeded", "settled")


def _why(outcome: Outcome | None) -> str:
    if outcome is None:
        return "batchfold did not handle it"
    return f"failed and was settled: {outcome.why}" if outcome.kind == "settled" else outcome.why


_RETURN_IT = "Return what process_batch, respond or the function of as_lambda_handler returns."


def why_it_failed(ending: Ending) -> str:
    """Return why Lambda takes an invocation for failed."""
    match ending:
        case Raised(kind=kind):
            return f"the function raised {kind}"
        case CutOff():
            return "the function was cut off by its timeout"
        case Died(how=how):
            return f"the function {how} before it returned"
        case Answered():
            return str(ending.failed_because)
        case _:
            assert_never(ending)


def _of_complete_failure(ending: Ending) -> tuple[str, ...]:
    says = [f"The whole batch comes back: {why_it_failed(ending)}."]
    if isinstance(ending, CutOff):
        says.append(f"It had not returned after {ending.seconds:g} s; --timeout gives it another time.")
    elif isinstance(ending, Died):
        says.append("Lambda takes that for a failed invocation, whatever the exit status.")
    elif isinstance(ending, Answered):
        if ending.is_awaitable:
            says.append("Lambda does not await: as_lambda_handler makes a function of an async handler.")
        else:
            says.append("Lambda takes a response that it cannot read for a failed invocation.")
        if ending.strangers:
            those = "that is" if len(ending.strangers) == 1 else "they are"
            own = f"{_some(ending.strangers)} {_are(len(ending.strangers))} the function's own"
            says.append(f"{own}: {those} no identifier of a record of the event.")
    return tuple(says)


def _of_lost(lost: int) -> tuple[str, ...]:
    were, them = ("was", "it") if lost == 1 else ("were", "them")
    fate = f"the response does not bring {them} back: Lambda takes {them} for done"
    return (f"{_records(lost)} failed or {were} not started, and {fate}.", _RETURN_IT)


def _of_success(delivered: Delivered, ending: Answered) -> tuple[str, ...]:
    count = len(delivered.names)
    them = "it" if count == 1 else "them"
    who = _who(delivered)
    does = f"does not deliver {them} again"
    if delivered.keeps in ("queue", "FIFO queue"):
        does = f"deletes {them} from the queue"
    elif delivered.keeps in ("stream", "topic"):
        does = f"goes on behind {them}"
    says = [f"{_all_done(count)}: {who} {does}." if count else "The event has no records, as a window's last one."]
    if not ending.has_failures:
        says.append("The response has no batchItemFailures: whatever happened, Lambda takes that for success.")
    return tuple(says)


def _of_partial_failure(rows: tuple[Row, ...], delivered: Delivered) -> tuple[str, ...]:
    fates = Counter(row.fate for row in rows)
    back = fates["comes back"]
    counted = f"{fates['done']} of {_records(len(rows))} {_are(fates['done'])} done, {back}"
    counted += " comes back" if back == 1 else " come back"
    does = "delivers what the response names again"
    if delivered.keeps == "stream":
        does = "delivers everything from the lowest sequence number named on again, handled or not"
    elif delivered.keeps in ("queue", "FIFO queue"):
        does = "deletes what is done; the rest is received again after the visibility timeout"
    if delivered.keeps == "FIFO queue":
        does += ", and its message groups wait for it"
    says = [f"{counted}: {_who(delivered)} {does}."]
    if not delivered.by_pipe:
        says.append("With ReportBatchItemFailures on the event source mapping; without it, none comes back.")
    return tuple(says)


def _of_stops(folds: Sequence[Folded]) -> tuple[str, ...]:
    whys = dict.fromkeys(fold.why_stopped for fold in folds if fold.is_of_event and fold.why_stopped)
    return tuple(f"No further record was started: {why}." for why in whys)


def _of_threads(threads: Sequence[str]) -> tuple[str, ...]:
    if not threads:
        return ()
    were = "its thread" if len(threads) == 1 else "its threads"
    frozen = "Lambda freezes a thread there, and it goes on in a later invocation or never"
    return (
        f"The function returned while {were} {_some(threads)} still worked: {frozen}.",
        "Wait for it before returning, or make it a daemon if no record depends on it.",
    )


def _of_asides(asides: Sequence[str]) -> tuple[str, ...]:
    """Tell the log messages that are about no record: they change no fate, and still something went wrong."""
    counts = Counter(asides)
    says = [
        f"batchfold logged: {message}{'' if count == 1 else f' ({count} times)'}."
        for message, count in counts.most_common(_MOST_TOLD)
    ]
    if len(counts) > _MOST_TOLD:
        says.append(f"batchfold logged {len(counts) - _MOST_TOLD} messages more; --traceback shows them all.")
    return tuple(says)


def _of_own(folds: Sequence[Folded]) -> tuple[str, ...]:
    """Tell failures of records that the function brought along: their identifiers are its own."""
    says: list[str] = []
    for fold in folds:
        failures = [outcome for outcome in fold.outcomes if not _is_done(outcome)]
        if fold.is_of_event or not failures:
            continue
        first = failures[0]
        says.append(
            f"The function also folded {_records(len(fold.outcomes))} of its own ({fold.source}), and "
            f"{len(failures)} {_are(len(failures))} not done: the first is {first.name}, an identifier of the function's own "
            f"({first.why})."
        )
    return tuple(says[:_MOST_TOLD])


def _who(delivered: Delivered) -> str:
    return "the pipe" if delivered.by_pipe else "Lambda"


def _some(names: Sequence[str]) -> str:
    told = ", ".join(f"'{name}'" for name in names[:_MOST_TOLD])
    return f"{told} and {len(names) - _MOST_TOLD} more" if len(names) > _MOST_TOLD else told


def _all_done(count: int) -> str:
    return "The record is done" if count == 1 else f"All {_records(count)} are done"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _records(count: int) -> str:
    return f"{count} record{'' if count == 1 else 's'}"
