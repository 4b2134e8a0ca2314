"""Reading an event: finding its raw records and what names them, and refusing an event that is not the source's.

Everything here raises `UnexpectedEventError` before a single record is handled: a record that cannot be named cannot
be reported, and leaving it out of the response would delete it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from batchfold.core._guards import is_list, is_mapping
from batchfold.core.records import Event, RawRecord, UnexpectedEventError
from batchfold.core.source import ReadEvent

_LONGEST_QUOTE = 60


def reader(
    name: str, *, event_source: str, id_path: tuple[str, str] | tuple[str], is_number: bool, id_form: str
) -> ReadEvent:
    """Read events that list their raw records under `Records`: those of SQS, Kinesis and DynamoDB Streams.

    `id_path` leads from a raw record to its item identifier, a text that is not empty, and a decimal number if
    `is_number`; `id_form` says so in words. Every record must carry `event_source`.
    """
    holder_key, id_key = id_path if len(id_path) > 1 else (None, *id_path)

    def ids_if_all_is_well(raws: Sequence[Any]) -> list[str] | None:
        item_ids: list[str] = []
        try:
            for raw in raws:
                item_id = raw[id_key] if holder_key is None else raw[holder_key][id_key]
                if type(item_id) is not str or not item_id or raw["eventSource"] != event_source:
                    return None
                item_ids.append(item_id)
        except (KeyError, TypeError, IndexError):
            return None
        return None if is_number and not _are_digits(item_ids) else item_ids

    def read(delivered: object) -> tuple[Sequence[RawRecord], Sequence[str]]:
        event = checked_event(delivered, name)
        if "window" in event or "state" in event:
            refuse_tumbling_window()
        raws = listed(event, "Records", name)
        # quickly first, and carefully only where something is off: a healthy event takes a quarter of the time
        item_ids = ids_if_all_is_well(raws)
        return raws, item_ids or [
            _checked_id(f"Records[{position}]", raw, name, event_source, id_path, id_form, is_number=is_number)
            for position, raw in enumerate(raws)
        ]

    return read


def _checked_id(
    where: str, raw: object, name: str, event_source: str, id_path: tuple[str, ...], id_form: str, *, is_number: bool
) -> str:
    if not is_mapping(raw):
        refuse(f"expected {where} of an event of {name} to be a mapping, found {a_kind_of(raw)}")
    check_event_source(raw, (event_source,), name, where)
    path = ".".join(id_path)
    found: Any = raw
    try:
        for key in id_path:
            found = found[key]
    except (KeyError, TypeError, IndexError):
        refuse(f"expected {where} to have {path!r}, which names the record to Lambda, found none")
    if not isinstance(found, str) or not found or (is_number and not _are_digits([found])):
        refuse(f"expected {path!r} of {where} to be {id_form}, found {quoted(found)}")
    return found


def _are_digits(item_ids: Sequence[str]) -> bool:
    # all in one and as bytes: `isdecimal` on each of them takes ten times as long
    return "".join(item_ids).encode("ascii", "replace").isdigit()


def checked_event(delivered: object, name: str) -> Event:
    """The event, if it is a mapping."""
    if not is_mapping(delivered):
        refuse(f"expected an event of {name}, a mapping, found {a_kind_of(delivered)}")
    return delivered


def refuse_tumbling_window() -> NoReturn:
    """Refuse the event of a tumbling window.

    Lambda counts a response without `state` as a failed invocation there and delivers the window again and again:
    https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html
    """
    refuse(
        "the event is one of a tumbling window (it has 'window' and 'state'), which batchfold does not support yet: the "
        "response would have to carry 'state'. Take TumblingWindowInSeconds off the event source mapping"
    )


def listed(event: Event, key: str, name: str) -> Sequence[Any]:
    """The list that stands under `key`, whatever is in it."""
    raws = event.get(key)
    if is_list(raws):
        return raws
    found = a_kind_of(raws) if key in event else f"an event without {key!r}"
    refuse(f"expected an event of {name}, with its records listed under {key!r}, found {found}")


def check_event_source(holder: Mapping[str, Any], expected: tuple[str, ...], name: str, where: str) -> None:
    """Refuse what another source sent."""
    found = holder.get("eventSource")
    if found not in expected:
        shown = quoted(found) if "eventSource" in holder else "none"
        refuse(
            f"expected {where} to have the eventSource of {name}, {' or '.join(map(repr, expected))}, found {shown}; "
            "the function seems to be mapped to another kind of source than it reads"
        )


def refuse(complaint: str) -> NoReturn:
    """Fail the invocation, and say why."""
    raise UnexpectedEventError(f"{complaint}. No record was handled; if this invocation fails, all of them come back.")


def quoted(found: object) -> str:
    """What was found where an identifier or a name was expected. Never more than a few words of it."""
    return repr(found) if isinstance(found, str) and len(found) <= _LONGEST_QUOTE else a_kind_of(found)


def a_kind_of(found: object) -> str:
    """What was found, told by its type."""
    return f"a value of type {type(found).__name__}"
