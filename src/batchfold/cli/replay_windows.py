"""The windows of a replay: records of a stream that go to a function with tumbling windows.

A document about a batch tells neither the window nor its length; the records tell when they arrived. The window that they
were in has been finished long ago without them, and its state is gone. So they get their window anew, with an empty state,
as the next invocation of a window that ended early would; and it is the final one, for nothing comes after it:
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from batchfold.cli.replay_batches import Piece
from batchfold.cli.replay_given_up import ShardRange
from batchfold.cli.shard import StreamMapping
from batchfold.cli.stream_apis import StreamRecord
from batchfold.testing import kinesis_event, window_event
from batchfold.testing.event_source import SourceRecord

_FRESH: Mapping[str, Any] = {"state": {}, "isFinalInvokeForWindow": True, "isWindowTerminatedEarly": True}

TOLD = (
    "Each window began with an empty state and was finished with the records that were given up (isWindowTerminatedEarly): "
    "the function must add what comes of them to the window's earlier result, not replace it."
)


def goes_in_windows(piece: Piece) -> bool:
    """Return whether a record is one of a stream, and not of a pipe, which has no windows."""
    return piece.record.shape in ("kinesis", "dynamodb") and not piece.record.by_pipe


def by_window(pieces: Sequence[Piece], mapping: StreamMapping) -> list[list[Piece]]:
    """Return the records in parts, each of one window."""
    return [list(part) for _, part in groupby(pieces, lambda piece: window_of(piece, mapping))]


def window_of(piece: Piece, mapping: StreamMapping) -> datetime | None:
    """Return the beginning of the window of a record; `None` if it does not tell when it arrived."""
    raw = piece.record.raw
    part: Mapping[str, Any] = raw.get(piece.record.shape, {})
    arrived_at: object = part.get("approximateArrivalTimestamp", part.get("ApproximateCreationDateTime"))
    if not isinstance(arrived_at, int | float):
        return None
    record = StreamRecord(str(piece.record.item_id), raw, float(arrived_at))
    return mapping.window_of(SourceRecord(0, record.sequence_number, _shard_id(piece), record))


def event_in_window(pieces: Sequence[Piece], start: datetime, mapping: StreamMapping) -> dict[str, Any]:
    """Return the event that delivers records of one window."""
    seconds = mapping.tumbling_window_in_seconds
    event = window_event(kinesis_event(), start=start, seconds=seconds, shard_id=_shard_id(pieces[0]))
    raws = [piece.record.raw for piece in pieces]
    return {**event, "Records": raws, "eventSourceARN": pieces[0].of.source, **_FRESH}


def with_fresh_state(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event of a window as one that begins with an empty state, and is finished with its own records."""
    return {**event, **_FRESH}


def _shard_id(piece: Piece) -> str:
    content = piece.of.content
    if isinstance(content, ShardRange):
        return content.shard_id
    shard_id, colon, _ = str(piece.record.raw.get("eventID", "")).partition(":")
    return shard_id if colon else "unknown"
