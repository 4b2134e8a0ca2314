"""The report of a replay: what is there, and what became of each record, for people and as JSON."""

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from batchfold.cli.replay_given_up import GivenUp, OutOfReach
from batchfold.cli.replay_run import Replayed, ReplayFate, Told
from batchfold.cli.report import READABLE, fates, fits, longest, plain

T = TypeVar("T")

_STYLES: dict[ReplayFate, str] = {
    "done": "green",
    "failed": "bold red",
    "not started": "yellow",
    "not done": "yellow",
    "left": "yellow",
}

_MOST_SHOWN = 20
"""Records of one source that are told one by one, even if they are done."""


def what_is_there(found: Sequence[GivenUp], console: Console, now: datetime) -> str:
    """Tell what was given up: messages of one kind, source and reason share a line."""
    lines = [_line(group, now) for group in _grouped(found, lambda given_up: (*_title(given_up), _why(given_up)))]
    with console.capture() as captured:
        if lines:
            table = _table(lines)
            console.print(table if fits(table, console) else _list(lines))
        console.print(
            plain(f"{_count(len(found), 'message')}: {_count_of_records(found)}.") if found else plain(_NOTHING)
        )
    return captured.get()


_NOTHING = "Nothing was given up: no message was received."
_HEADS = ("kind", "from", "messages", "records", "age", "why")


def _line(group: Sequence[GivenUp], now: datetime) -> tuple[str, ...]:
    kind, place = _title(group[0])
    known = [given_up.records for given_up in group]
    records = str(sum(filter(None, known))) if None not in known else "?"
    since = [given_up.since for given_up in group if given_up.since is not None]
    return (kind, place or "?", str(len(group)), records, _age(min(since), now) if since else "?", _why(group[0]))


def _why(given_up: GivenUp) -> str:
    if not isinstance(given_up.content, OutOfReach):
        return given_up.why
    return "; ".join(filter(None, (given_up.why, f"cannot be replayed: {given_up.content.why}")))


def _table(lines: Sequence[tuple[str, ...]]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for position, head in enumerate(_HEADS):
        texts = [line[position] for line in lines]
        if head == "why":
            table.add_column(head, overflow="fold", min_width=min(READABLE, longest(*texts)))
        else:
            right = "right" if head in ("messages", "records", "age") else "left"
            table.add_column(head, width=longest(head, *texts), justify=right)  # type: ignore[arg-type]
    for line in lines:
        table.add_row(*map(plain, line))
    return table


def _list(lines: Sequence[tuple[str, ...]]) -> Group:
    def listed(line: tuple[str, ...]) -> Group:
        kind, place, messages, records, age, why = line
        counted = f"{_count(int(messages), 'message')}, {records} records, age {age}"
        return Group(plain(f"{kind}: {place}"), *(Padding.indent(plain(text), 2) for text in (counted, why) if text))

    return Group(*map(listed, lines), "")


def what_became(replayed: Sequence[Replayed], console: Console, *, all_rows: bool) -> str:
    """Tell what became of the records: all of a small number, and otherwise those that are not done."""
    with console.capture() as captured:
        for group in _grouped(replayed, lambda each: _title(each.of)):
            told = [told for each in group for told in each.told]
            shown = told if all_rows or len(told) <= _MOST_SHOWN else [each for each in told if each.fate != "done"]
            kind, place = _title(group[0].of)
            title = f"{kind}, {place}" if place else kind
            console.print(plain(f"{title}: {_count(len(group), 'message')}", "bold"))
            if shown:
                console.print(fates(list(map(_fate, shown)), console))
            if len(shown) < len(told):
                console.print(plain(f"{_count(len(told) - len(shown), 'record')} more, done. --all shows them."))
        if not replayed:
            console.print(plain(_NOTHING))
        else:
            console.print(plain(_totals(replayed)))
    return captured.get()


def _fate(told: Told) -> tuple[str, Text, str]:
    return told.record, Text(told.fate, _STYLES[told.fate]), told.why


def _totals(replayed: Sequence[Replayed]) -> str:
    counts = Counter(told.fate for each in replayed for told in each.told)
    order: tuple[ReplayFate, ...] = ("done", "failed", "not started", "not done", "left")
    return f"{', '.join(f'{counts[fate]} {fate}' for fate in order if counts[fate])}."


def as_json(replayed: Sequence[Replayed], now: datetime) -> str:
    """Return what is there and what became of it, as JSON."""
    totals = Counter(told.fate for each in replayed for told in each.told)
    return json.dumps({"messages": [_message(each, now) for each in replayed], "totals": dict(totals)})


def _message(replayed: Replayed, now: datetime) -> dict[str, Any]:
    of = replayed.of
    return {
        "name": of.letter.name,
        "kind": of.kind,
        "source": of.source,
        "records": of.records,
        "since": None if of.since is None else of.since.isoformat(),
        "age_seconds": None if of.since is None else round((now - of.since).total_seconds()),
        "why": of.why,
        "cannot_be_replayed": of.content.why if isinstance(of.content, OutOfReach) else None,
        "told": [{"record": told.record, "fate": told.fate, "why": told.why} for told in replayed.told],
        "is_done": replayed.is_done,
        "is_deleted": replayed.is_deleted,
    }


def _title(given_up: GivenUp) -> tuple[str, str]:
    return given_up.kind, given_up.place


def _grouped(each: Iterable[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    groups: dict[Hashable, list[T]] = {}
    for one in each:
        groups.setdefault(key(one), []).append(one)
    return list(groups.values())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _count_of_records(found: Sequence[GivenUp]) -> str:
    known = [given_up.records for given_up in found if given_up.records is not None]
    unknown = len(found) - len(known)
    told = _count(sum(known), "record")
    return told if not unknown else f"{told}, and {_count(unknown, 'message')} that may hold any number"


def _age(since: datetime, now: datetime) -> str:
    seconds = max(0, round((now - since).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def now() -> datetime:
    """Return the time of this machine."""
    return datetime.now(UTC)
