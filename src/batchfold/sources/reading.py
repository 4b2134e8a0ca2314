"""Reading an event: finding its raw records and their item identifiers, and refusing an event of another source.

Everything here raises `UnexpectedEventError` before a record is handled: leaving out of the response a record that
cannot be named would delete it. A healthy event is checked all at once, which takes a quarter of the time; only where
something is off, its records are checked one by one, to say where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from batchfold.core._guards import is_list, is_mapping
from batchfold.core.records import Event, RawRecord, UnexpectedEventError
from batchfold.core.source import ReadEvent

_LONGEST_QUOTE = 60


def reader(
    name: str, event_source: str, id_path: tuple[str, str] | tuple[str], *, is_number: bool = False
) -> ReadEvent:
    """Return what reads events that list their raw records under `Records`: those of SQS, Kinesis, DynamoDB Streams.

    `id_path` leads from a raw record to its item identifier, a text that is not empty, or a decimal number as text. Every
    record must carry `event_source`.
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
            # Lambda counts a response without `state` as a failed invocation there, and delivers the window again and
            # again: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html
            refuse(
                "the event is one of a tumbling window (it has 'window' and 'state'), and the response has to carry the "
                "window's state: read it with windowed(...) around the source, or take TumblingWindowInSeconds off the "
                "event source mapping"
            )
        raws = listed(event, "Records", name)
        return raws, ids_if_all_is_well(raws) or [
            _checked_id(f"Records[{position}]", raw, name, event_source, id_path, is_number=is_number)
            for position, raw in enumerate(raws)
        ]

    return read


def _checked_id(
    where: str, raw: object, name: str, event_source: str, id_path: tuple[str, ...], *, is_number: bool
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
        form = "a decimal number, as text" if is_number else "text that is not empty"
        refuse(f"expected {path!r} of {where} to be {form}, found {quoted(found)}")
    return found


def _are_digits(item_ids: Sequence[str]) -> bool:
    # all in one and as bytes: `isdecimal` on each of them takes ten times as long
    return "".join(item_ids).encode("ascii", "replace").isdigit()


def checked_event(delivered: object, name: str) -> Event:
    """Return the event if it is a mapping."""
    if is_mapping(delivered):
        return delivered
    found = a_kind_of(delivered)
    if is_list(delivered):
        found += ", as EventBridge Pipes passes records of SQS, Kinesis and DynamoDB: wrap the source in pipes(...) to read those"
    refuse(f"expected an event of {name}, a mapping, found {found}")


def listed(event: Event, key: str, name: str) -> Sequence[Any]:
    """Return the list under `key`, with anything in it."""
    raws = event.get(key)
    if is_list(raws):
        return raws
    found = a_kind_of(raws) if key in event else f"an event without {key!r}"
    if "eventSource" in event:  # of Kafka, Amazon MQ and DocumentDB
        found += f", with the eventSource {quoted(event['eventSource'])}"
    refuse(f"expected an event of {name}, with its records listed under {key!r}, found {found}")


def check_event_source(holder: Mapping[str, Any], expected: tuple[str, ...], name: str, where: str) -> None:
    """Refuse the event or the record of another source."""
    found = holder.get("eventSource")
    if found not in expected:
        shown = quoted(found) if "eventSource" in holder else "none"
        refuse(
            f"expected {where} to have the eventSource of {name}, {' or '.join(map(repr, expected))}, found {shown}; "
            "the function seems to be mapped to another kind of source than it reads"
        )


def refuse(complaint: str) -> NoReturn:
    """Raise `UnexpectedEventError`: the invocation fails, and the message says why."""
    raise UnexpectedEventError(f"{complaint}. No record was handled; if this invocation fails, all of them come back.")


def quoted(found: object) -> str:
    """Describe a value found where an identifier or a name was expected, with at most a few words of it."""
    return repr(found) if isinstance(found, str) and len(found) <= _LONGEST_QUOTE else a_kind_of(found)


def a_kind_of(found: object) -> str:
    """Describe a value by its type."""
    return f"a value of type {type(found).__name__}"
