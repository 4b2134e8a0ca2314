"""Tumbling windows: the builder of their events, and the model of a shard that has them.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html describes them. The state goes from invocation
to invocation; a response without one is a failed invocation; the last one of a window is marked, and has records or none.
AWS leaves open which state follows a partial failure, so the model plays both readings (`partial_failure_state`).
"""

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any, Literal, TypeAlias, cast, get_args

from batchfold.testing.answers import (
    Answer,
    CompleteFailure,
    CompleteSuccess,
    PartialFailure,
    Raised,
    Reading,
    TimedOut,
    response_of,
)
from batchfold.testing.context import Seconds
from batchfold.testing.event_parts import SENT_AT_MS
from batchfold.testing.event_source import Delivery, SourceRecord
from batchfold.testing.refuse import refuse_other_kinds, refuse_other_numbers, refuse_other_words
from batchfold.testing.stream_retries import PendingBatch, StreamSettings, StreamState

StateAfterPartialFailure: TypeAlias = Literal["returned", "before"]
"""The state that follows a partial failure: the one that the response has, or the one from before."""

LARGEST_STATE_BYTES = 1_000_000
"""Lambda ends a window early whose state is larger."""

_LONGEST_WINDOW_SECONDS = 900

_FIRST_WINDOW = datetime.fromtimestamp(SENT_AT_MS / 1_000, UTC)


def window_event(
    event: Mapping[str, Any],
    *,
    state: Mapping[str, Any] | None = None,
    is_final: bool = False,
    is_terminated_early: bool = False,
    start: datetime = _FIRST_WINDOW,
    seconds: int = 60,
    shard_id: str = "shardId-000000000000",
) -> dict[str, Any]:
    """Build the event of a tumbling window of the event of a stream: `kinesis_event(...)` or `dynamodb_event(...)`.

    The final invocation of a window may have no records: `window_event(kinesis_event(), is_final=True)`.

    >>> from batchfold.testing import kinesis_event
    >>> event = window_event(kinesis_event("a"), state={"count": 3})
    >>> event["window"], event["state"], len(event["Records"])
    ({'start': '2023-11-14T22:13:20Z', 'end': '2023-11-14T22:14:20Z'}, {'count': 3}, 1)
    """
    refuse_other_kinds("event", event, Mapping, "an event of a stream, such as kinesis_event(...) builds")
    raws: Sequence[Mapping[str, Any]] = event["Records"]
    return {
        **event,
        "window": {"start": _zulu(start), "end": _zulu(start + timedelta(seconds=seconds))},
        "state": {} if state is None else dict(state),
        "shardId": shard_id,
        "eventSourceARN": raws[0]["eventSourceARN"] if raws else None,
        "isFinalInvokeForWindow": is_final,
        "isWindowTerminatedEarly": is_terminated_early,
    }


def _zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, kw_only=True)
class WindowSettings(StreamSettings):
    """The settings of a stream whose records are folded in tumbling windows, and what AWS leaves open about them.

    Without `tumbling_window_in_seconds` there are none. Records of a shard arrive a second apart, so a window of two
    seconds has two. `partial_failure_state` is the state that follows a partial failure: `assert_safe` tries both if it is
    `None`, and `drain` plays `"returned"`. `final_records` says whether the final invocation of a window has its last
    records or none, and `ends_early_after` is the number of records after which a window ends early, as one does whose
    state exceeds 1 MB (0: none does); `assert_safe` tries others too.

    Raises:
        ValueError: AWS does not allow a setting.
    """

    tumbling_window_in_seconds: int = 0
    partial_failure_state: StateAfterPartialFailure | None = None
    final_records: bool = True
    ends_early_after: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_other_numbers("tumbling_window_in_seconds", self.tumbling_window_in_seconds, 0, _LONGEST_WINDOW_SECONDS)
        if self.partial_failure_state is not None:
            refuse_other_words("partial_failure_state", self.partial_failure_state, get_args(StateAfterPartialFailure))
        refuse_other_numbers("ends_early_after", self.ends_early_after, 0)

    @property
    def is_windowed(self) -> bool:
        """Return whether a record is done when its window is finished, and not before."""
        return self.tumbling_window_in_seconds > 0

    def shard_with(self, unread: tuple[SourceRecord, ...]) -> StreamState:
        """Return a shard with these records, none of which is on the way."""
        if self.is_windowed:
            return WindowsState(mapping=self, unread=unread, state={})
        return StreamState(mapping=self, unread=unread)

    def window_of(self, record: SourceRecord, /) -> datetime:
        """Return the beginning of the window of a record: windows begin at multiples of their length."""
        arrived_at = self.arrival_of(record)
        seconds = int(arrived_at.timestamp())
        return datetime.fromtimestamp(seconds - seconds % self.tumbling_window_in_seconds, UTC)

    def arrival_of(self, record: SourceRecord, /) -> datetime:
        """Return when a record arrived: a second after the one before it, or a millisecond where there are no windows."""
        apart = timedelta(seconds=1) if self.tumbling_window_in_seconds else timedelta(milliseconds=1)
        return _FIRST_WINDOW - timedelta(seconds=record.age) + record.position * apart

    def shard_id_of(self, record: SourceRecord, /) -> str:
        """Return the id of the shard of a record."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class WindowsState(StreamState):
    """A shard with tumbling windows at one moment.

    `folded` are the records that the open window's state holds so far, as Lambda sees it. They have left the shard when the
    window is finished, not before: until then nothing has come of them. `more_may_come` says that the open window is not
    known to be over with the records that are `unread`: it is finished later, once that is known.
    """

    mapping: WindowSettings
    state: Mapping[str, Any]
    folded: tuple[SourceRecord, ...] = ()
    ends_early: bool = False
    more_may_come: bool = False

    def step(self, answer: Answer, *, ended_at: Seconds) -> "tuple[Reading, WindowsState]":
        """Take the state, and move on or retry. A response without state is a failed invocation. See `SourceState`."""
        _, reading = self.answered(
            answer, ended_at=ended_at, report_batch_item_failures=self.mapping.report_batch_item_failures
        )
        state = state_in(answer)
        reading = with_state(reading, state)
        is_unhandled = isinstance(answer, Raised | TimedOut)
        return reading, self.after(reading, ended_at=ended_at, is_unhandled=is_unhandled, state=state)

    def after(
        self, reading: Reading, *, ended_at: Seconds, is_unhandled: bool, state: Mapping[str, Any] | None = None
    ) -> "WindowsState":
        """Return the shard after its batch was answered like this, as `with_state` reads it. See `StreamState`."""
        following_state, taken = self._moved_on(reading, ended_at=ended_at, is_unhandled=is_unhandled)
        folded = (*self.folded, *taken)
        keeps = isinstance(reading, CompleteSuccess) or (
            isinstance(reading, PartialFailure) and self.mapping.partial_failure_state != "before"
        )
        is_final = self.delivery is not None and self.delivery.event["isFinalInvokeForWindow"]
        ended = isinstance(reading, CompleteSuccess) and is_final
        following_state = replace(
            following_state,
            state={} if ended else state if keeps and state is not None else self.state,
            folded=() if ended else folded,
            ends_early=False if ended else self.ends_early,
            removed={**self.removed, **({record.position: "done" for record in folded} if ended else {})},
        )
        return following_state.read()

    def read(self) -> "WindowsState":
        """Return the shard with its next batch on the way: the last one of a window is marked, and may have no records."""
        if self.pending:
            if not self.pending[0].records:  # it waits for a success, however long
                return replace(self, delivery=self.to_deliver())
            lasting = cast("WindowsState", super().read())  # `replace` keeps the class
            return lasting if lasting.delivery is None else replace(lasting, delivery=lasting.to_deliver())
        if self.folded and self._is_to_end_early():
            return replace(self, ends_early=True, pending=(PendingBatch(()),)).read()
        records, _ = self._divided(self.of_window(self.unread), self._room())
        if not records and (self.more_may_come or not self.folded):
            return self
        return replace(self, pending=(PendingBatch(records),), unread=self.unread[len(records) :]).read()

    @property
    def window(self) -> datetime | None:
        """The beginning of the window that is open; `None` if none is."""
        held = (*self.folded, *(record for batch in self.pending for record in batch.records))
        return max(map(self.mapping.window_of, held), default=None)

    def of_window(self, following: Iterable[SourceRecord]) -> tuple[SourceRecord, ...]:
        """Return the first ones of these records: those of the window that is open, or that the first of them opens.

        A window is over with the first record that arrived beyond its end. Arrival times are approximate, and a record
        that follows with an earlier one counts in the window that is open.
        """
        records = tuple(following)
        window = self.window or max(map(self.mapping.window_of, records[:1]), default=_FIRST_WINDOW)
        return tuple(takewhile(lambda record: self.mapping.window_of(record) <= window, records))

    def _is_to_end_early(self) -> bool:
        most = self.mapping.ends_early_after
        return 0 < most <= len(self.folded) or len(json.dumps(self.state)) > LARGEST_STATE_BYTES

    def _room(self) -> int:
        most = self.mapping.ends_early_after
        return min(self.mapping.batch_size, most - len(self.folded)) if most else self.mapping.batch_size

    def to_deliver(self) -> Delivery:
        """Return the batch that is pending, with the state of its window."""
        records = self.pending[0].records
        anchor = (*records, *self.folded)[0]
        window = self.window or self.mapping.window_of(anchor)
        delivery = self.mapping.deliver(records or (anchor,), at=self.now)
        is_last = not records or (
            self.mapping.final_records
            and len(self.pending) == 1
            and not self.of_window(self.unread)
            and not self.more_may_come
            and not self.ends_early
            and not self._will_end_early(records)
        )
        event = window_event(
            delivery.event,
            state=self.state,
            is_final=is_last,
            is_terminated_early=self.ends_early,
            start=window,
            seconds=self.mapping.tumbling_window_in_seconds,
            shard_id=self.mapping.shard_id_of(anchor),
        )
        if records:
            return replace(delivery, event=event)
        none: dict[Hashable, int] = {}
        return Delivery(self.now, (), {**event, "Records": []}, (), none)

    def _will_end_early(self, records: Sequence[SourceRecord]) -> bool:
        return 0 < self.mapping.ends_early_after <= len(self.folded) + len(records)


def with_state(reading: Reading, state: Mapping[str, Any] | None) -> Reading:
    """Return what the mapping makes of a response with this state: without one, the invocation has failed.

    >>> with_state(CompleteSuccess(), None)
    CompleteFailure(reason='the response has no state')
    """
    if state is None and not isinstance(reading, CompleteFailure):
        return CompleteFailure("the response has no state")
    return reading


def state_in(answer: Answer) -> Mapping[str, Any] | None:
    """Return the state in an answer; `None` if it has none, so that the invocation counts as failed.

    >>> from batchfold.testing import Returned
    >>> state_in(Returned({"state": {"count": 1}})), state_in(Returned({"state": None})), state_in(Raised("no"))
    ({'count': 1}, None, None)
    """
    response = response_of(answer)
    if not isinstance(response, dict):
        return None
    state: object = cast("dict[str, object]", response).get("state")
    return cast("dict[str, Any]", state) if isinstance(state, dict) else None
