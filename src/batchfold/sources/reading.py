"""Reading an event: finding its raw records and what names them, and refusing an event that is not the source's.

Everything here raises `UnexpectedEventError` before a single record is handled: a record that cannot be named cannot
be reported, and leaving it out of the response would delete it.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NoReturn

from batchfold.core.event import Event, RawRecord, UnexpectedEventError
from batchfold.core.source import ReadEvent
from batchfold.sources.forms import is_list, is_mapping

_LONGEST_QUOTE = 60


def reader(
    name: str,
    *,
    event_source: str,
    id_path: tuple[str, ...],
    is_id: Callable[[str], bool],
    id_form: str,
) -> ReadEvent:
    """Read events that list their raw records under `Records`: those of SQS, Kinesis and DynamoDB Streams.

    `id_path` leads from a raw record to its item identifier, a text for which `is_id` holds; `id_form` says in words
    what `is_id` wants. Every record must carry `event_source`.
    """
    steps = tuple(map(itemgetter, id_path))
    event_source_of = itemgetter("eventSource")

    def checked_id(position: int, raw: object) -> str:
        where = f"Records[{position}]"
        if not is_mapping(raw):
            refuse(f"expected {where} of an event of {name} to be a mapping, found {a_kind_of(raw)}")
        check_event_source(raw, (event_source,), name, where)
        try:
            item_id = _at(id_path, raw)
        except (KeyError, TypeError, IndexError):
            refuse(f"expected {where} to have {'.'.join(id_path)!r}, which names the record to Lambda, found none")
        if not isinstance(item_id, str) or not is_id(item_id):
            refuse(f"expected {'.'.join(id_path)!r} of {where} to be {id_form}, found {quoted(item_id)}")
        return item_id

    def ids_if_all_is_well(raws: Sequence[Any]) -> Sequence[str] | None:
        try:
            item_ids = raws
            for step in steps:
                item_ids = list(map(step, item_ids))
            event_sources = set(map(event_source_of, raws))
        except (KeyError, TypeError, IndexError):
            return None
        well = {*map(type, raws)} <= {dict} and {*map(type, item_ids)} <= {str} and event_sources <= {event_source}
        return item_ids if well and all(map(is_id, item_ids)) else None

    def read(delivered: object) -> tuple[Sequence[RawRecord], Sequence[str]]:
        event = checked_event(delivered, name)
        refuse_tumbling_window(event)
        raws = listed(event, "Records", name)
        # all at once first, one by one only where something is off: a third of the time on a healthy event
        item_ids = ids_if_all_is_well(raws)
        return raws, item_ids or [checked_id(position, raw) for position, raw in enumerate(raws)]

    return read


def _at(path: tuple[str, ...], found: Any) -> object:
    for key in path:
        found = found[key]
    return found


def checked_event(delivered: object, name: str) -> Event:
    """The event, if it is a mapping."""
    if not is_mapping(delivered):
        refuse(f"expected an event of {name}, a mapping, found {a_kind_of(delivered)}")
    return delivered


def refuse_tumbling_window(event: Event) -> None:
    """Refuse the event of a tumbling window.

    Lambda counts a response without `state` as a failed invocation there and delivers the window again and again:
    https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html
    """
    if "window" in event or "state" in event:
        refuse(
            "the event is one of a tumbling window (it has 'window' and 'state'), which batchfold does not support yet: "
            "the response would have to carry 'state'. Take TumblingWindowInSeconds off the event source mapping"
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
            f"expected {where} to have the eventSource of {name}, {' or '.join(map(repr, expected))}, found {shown}: "
            "is the function mapped to another kind of source than it reads?"
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
