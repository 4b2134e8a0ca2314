"""Lanes: records that must be handled in order. There is no other idea of order in batchfold."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeAlias

from batchfold.core.event import RawRecord
from batchfold.core.note import add_note

Lane: TypeAlias = Callable[[RawRecord], Hashable | None]
"""From a raw record to the lane it belongs to. `None` gives the record a lane of its own."""


def each_record(_raw: RawRecord, /) -> None:
    """Every record has a lane of its own: nothing that happens to one keeps another from being started.

    On a stream this handles every record after a failure too, and Lambda delivers all of them again from the lowest
    sequence number that is not done: their effects repeat.
    """


def whole_batch(_raw: RawRecord, /) -> str:
    """All records share one lane: nothing is started after the first record that is not done."""
    return _WHOLE_BATCH


_WHOLE_BATCH = "the whole batch"


def assign_lanes(lane: Lane, raws: Sequence[RawRecord]) -> Sequence[Hashable | None]:
    """The lane of each raw record.

    It is asked for all before any record is handled, so that a lane function that raises, or returns what cannot be
    hashed, fails the invocation as a whole and everything comes back.

    >>> assign_lanes(whole_batch, [{}, {}])
    ['the whole batch', 'the whole batch']
    """
    if lane is each_record:
        return [None] * len(raws)
    if lane is whole_batch:
        return [_WHOLE_BATCH] * len(raws)
    try:
        lanes = list(map(lane, raws))
        set(lanes)
    except Exception:  # noqa: BLE001  # asked again one by one, to say where
        return [_lane_of(lane, position, raw) for position, raw in enumerate(raws)]
    return lanes


def _lane_of(lane: Lane, position: int, raw: RawRecord) -> Hashable | None:
    try:
        assigned = lane(raw)
        hash(assigned)
    except Exception as error:
        add_note(
            error,
            f"batchfold: the lane of the record at position {position} could not be told. No record was handled, all "
            "come back. A lane is a function from raw record to a hashable value or None.",
        )
        raise
    return assigned
