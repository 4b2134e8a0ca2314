"""The replay: give the function back what was given up, and say what becomes of each record.

Everything that decides whether a record is done, and so whether its message may be deleted, lives in this file. A record is
done if the verdict on the call says so; one that the account of the call does not know is not. A message is done if all
its records are. On doubt it is not.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeAlias, assert_never, cast, runtime_checkable

from batchfold.cli.account import Answered, Call
from batchfold.cli.call import CannotCallError, Interrupted, RefusedEventError
from batchfold.cli.replay_aws import AwsError, as_piped
from batchfold.cli.replay_batches import Piece, batches, event_of, in_parts
from batchfold.cli.replay_given_up import GivenUp, OneRecord, OutOfReach, ShardRange, WholeEvent
from batchfold.cli.replay_recognised import record_of
from batchfold.cli.replay_windows import by_window, event_in_window, goes_in_windows, window_of, with_fresh_state
from batchfold.cli.shard import StreamMapping
from batchfold.cli.verdict import Row, judge, why_it_failed
from batchfold.core._guards import is_list, is_mapping
from batchfold.core.records import ItemId, item_name

ReplayFate: TypeAlias = Literal["done", "failed", "not started", "not done", "left"]
"""The fate of a record. Left is one that was not given to the function; not done is one that the function handled, or
may have handled, and that is not certain to be done."""

CallFunction: TypeAlias = Callable[[Any, bool], Call]
"""Calls the function on an event; true says that it is one of an asynchronous invocation."""


@runtime_checkable
class Fetches(Protocol):
    """Reads ranges of shards."""

    def fetched(self, wanted: ShardRange) -> list[OneRecord]:
        """Return what is still there. Raises `AwsError`."""
        ...


@dataclass(frozen=True)
class Told:
    """The fate of one record, and the reason."""

    record: str
    fate: ReplayFate
    why: str = ""


@dataclass
class Replayed:
    """The fates of the records of one message or document."""

    of: GivenUp
    told: list[Told] = field(default_factory=list[Told])
    is_complete: bool = False
    """True once each of its records is told."""
    is_deleted: bool = False

    @property
    def is_done(self) -> bool:
        """True if it can be deleted: all its records are done."""
        return self.is_complete and bool(self.told) and all(told.fate == "done" for told in self.told)


@dataclass
class Replay:
    """The state of a replay. It goes on from round to round, and keeps which groups wait for a failed message."""

    call: CallFunction
    streams: Fetches
    before_call: Callable[[], bool]
    """Called before each call of the function; says whether to go on."""
    is_held: Callable[[GivenUp], bool]
    after_call: Callable[[Sequence[Replayed]], None]
    """Called with the messages that a call has completed."""
    on_call: Callable[[Call], None]
    batch_size: int | None = None
    by_pipe: bool = False
    whole_ranges: bool = False
    windows: StreamMapping = field(default_factory=StreamMapping)
    """How long the windows are in which records of streams are delivered; by default there are none."""
    is_windowed: Callable[[], bool] = lambda: False
    """Returns whether the function's source has windows."""
    has_made_windows: bool = False
    interrupted: Interrupted | None = None
    was_called: bool = False
    has_failed: bool = False
    """True if AWS failed to answer, so that nobody knows."""
    waiting: set[Hashable] = field(default_factory=set[Hashable])

    def run(self, found: Sequence[GivenUp]) -> list[Replayed]:
        """Give everything to the function that it can be given, and return what became of it, in the same order."""
        all_ = {id(given_up): Replayed(given_up) for given_up in found}
        alone = [
            Piece(given_up, self._as_delivered(given_up.content))
            for given_up in found
            if isinstance(given_up.content, OneRecord)
        ]
        for batch in batches(alone, self.batch_size):
            for part in self._by_window(batch):
                self._deliver(part, all_)
            self._complete(all_[id(piece.of)] for piece in batch)
        for replayed in all_.values():
            content = replayed.of.content
            match content:
                case OneRecord():
                    continue
                case ShardRange():
                    self._replay_range(content, replayed, all_)
                case WholeEvent():
                    self._replay_event(content, replayed, all_)
                case OutOfReach(why):
                    replayed.told.append(Told(replayed.of.letter.name, "left", why))
            self._complete([replayed])
        return list(all_.values())

    def _complete(self, replayed: Iterable[Replayed]) -> None:
        complete = list({id(each): each for each in replayed}.values())
        for each in complete:
            each.is_complete = True
        self.after_call(complete)

    def _as_delivered(self, record: OneRecord) -> OneRecord:
        return as_piped(record) if self.by_pipe or record.by_pipe else record

    def _deliver(self, batch: Sequence[Piece], all_: dict[int, Replayed]) -> None:
        """Deliver records to the function in one event, and tell what became of each."""
        if not self._may_call():
            self._tell(batch, all_, "not started", _INTERRUPTED)
            return
        held = [piece for piece in batch if self.is_held(piece.of)]
        gone = [piece for piece in batch if piece not in held]
        self._tell(gone, all_, "left", "its visibility timeout could not be extended: somebody else may have it by now")
        behind = [piece for piece in held if piece.order in self.waiting and piece.order is not None]
        self._tell(behind, all_, "not started", "an earlier message of its group is not done")
        rest = [piece for piece in held if piece not in behind]
        if not rest:
            return
        try:
            call = self._called(self._event_of(rest), is_invocation=False)
        except _NotCalledError as error:
            self._tell(rest, all_, error.fate, error.why)
        else:
            fates = _Fates(call)
            for piece in rest:
                all_[id(piece.of)].told.append(fates.of(piece))
        self.waiting |= {
            piece.order for piece in batch if piece.order is not None and all_[id(piece.of)].told[-1].fate != "done"
        }

    @staticmethod
    def _tell(pieces: Sequence[Piece], all_: dict[int, Replayed], fate: ReplayFate, why: str) -> None:
        for piece in pieces:
            all_[id(piece.of)].told.append(Told(_name(piece), fate, why))

    def _replay_range(self, wanted: ShardRange, replayed: Replayed, all_: dict[int, Replayed]) -> None:
        name = replayed.of.letter.name
        if not self._may_call():
            replayed.told.append(Told(name, "not started", _INTERRUPTED))
            return
        try:
            records = self.streams.fetched(wanted)
        except AwsError as error:
            self.has_failed |= not error.is_gone
            replayed.told.append(Told(name, "left", f"{_TRIMMED} ({error})" if error.is_gone else str(error)))
            return
        if not self._may_call():
            replayed.told.append(Told(name, "not started", _INTERRUPTED))
            return
        missing = wanted.count - len(records)
        if missing < 0 and not self.whole_ranges:
            replayed.told.append(Told(name, "left", _others(len(records), wanted.count)))
            return
        records = [replace(record, by_pipe=wanted.by_pipe) for record in records]
        self._deliver_in_order(records, replayed, all_)
        if missing > 0:
            of = f"{missing} of {wanted.count} records" if records else _all(wanted.count)
            replayed.told.append(Told(name, "left", f"{of}: {_TRIMMED}"))

    def _deliver_in_order(self, records: Iterable[OneRecord], replayed: Replayed, all_: dict[int, Replayed]) -> None:
        """Deliver the records of one batch, in parts, as long as all is done."""
        pieces = [Piece(replayed.of, self._as_delivered(record)) for record in records]
        is_stopped = False
        for part in (part for some in in_parts(pieces, self.batch_size) for part in self._by_window(some)):
            if is_stopped:
                self._tell(part, all_, "not started", "an earlier record of its batch is not done")
                continue
            self._deliver(part, all_)
            is_stopped = any(told.fate != "done" for told in replayed.told)

    def _by_window(self, batch: list[Piece]) -> list[list[Piece]]:
        is_split = self.windows.is_windowed and all(map(goes_in_windows, batch))
        return by_window(batch, self.windows) if is_split else [batch]

    def _event_of(self, batch: Sequence[Piece]) -> Any:
        """Return the event of a batch, in its window if it has one. Raises `_NotCalledError` if that is not known."""
        if not goes_in_windows(batch[0]):
            return event_of(batch)
        if not self.windows.is_windowed:
            if self.is_windowed():
                raise _NotCalledError("left", _NO_LENGTH)
            return event_of(batch)
        start = window_of(batch[0], self.windows)
        if start is None:
            raise _NotCalledError("left", "it does not tell when it arrived, so its window is not known")
        self.has_made_windows = True
        return event_in_window(batch, start, self.windows)

    def _replay_event(self, content: WholeEvent, replayed: Replayed, all_: dict[int, Replayed]) -> None:
        event = content.event
        if replayed.of.kind in ("Kinesis batch", "DynamoDB batch") and is_mapping(event):
            if "window" in event:
                self.has_made_windows = True
                event = with_fresh_state(event)
            elif (self.windows.is_windowed or self.is_windowed()) and is_list(raws := event.get("Records")):
                self._deliver_in_order((record_of(raw, None) for raw in raws), replayed, all_)
                return
        name = replayed.of.letter.name
        if not self._may_call():
            replayed.told.append(Told(name, "not started", _INTERRUPTED))
            return
        if not self.is_held(replayed.of):
            replayed.told.append(Told(name, "left", "its visibility timeout could not be extended"))
            return
        try:
            call = self._called(event, is_invocation=content.is_invocation)
        except _NotCalledError as error:
            replayed.told.append(Told(name, error.fate, error.why))
        else:
            replayed.told += _Fates(call).all()

    def _may_call(self) -> bool:
        return self.interrupted is None and self.before_call()

    def _called(self, event: Any, *, is_invocation: bool) -> Call:
        """Call the function. Raises `_NotCalledError` with the fate of the event's records if there is no account."""
        try:
            call = self.call(event, is_invocation)
        except Interrupted as interrupted:
            self.interrupted = interrupted
            raise _NotCalledError("not done", _INTERRUPTED_IN) from None
        except RefusedEventError as error:
            raise _NotCalledError("left", f"the function cannot be given it: {error}") from None
        except CannotCallError as error:
            if not self.was_called:
                raise  # nothing has happened yet, and it would fail again and again
            self.has_failed = True
            raise _NotCalledError("not done", f"the function could not be called: {error}") from None
        self.was_called = True
        self.on_call(call)
        return call


class _NotCalledError(Exception):
    """There is no account of a call."""

    def __init__(self, fate: ReplayFate, why: str) -> None:
        super().__init__(why)
        self.fate: ReplayFate = fate
        self.why = why


_TRIMMED = "no longer in the stream, whose retention is over, or which was deleted"
_NO_LENGTH = (
    "the function has tumbling windows, and nothing tells how long they are: -m TumblingWindowInSeconds=60 does"
)
_THREAD = "the function returned while a thread of its own still worked"
_INTERRUPTED = "the replay was interrupted"
_INTERRUPTED_IN = "the replay was interrupted while the function had it"


def _all(count: int) -> str:
    return "the record is" if count == 1 else f"all {count} records are"


def _others(found: int, count: int) -> str:
    return (
        f"its range of the shard holds {found} records and the batch had {count}: others lie between them, which a "
        "filter or ParallelizationFactor gave to nobody or to another invocation; --whole-range replays them all"
    )


def _name(piece: Piece) -> str:
    item_id: Any = piece.record.item_id
    return (
        item_name(cast("ItemId", item_id)) if isinstance(item_id, str) or is_mapping(item_id) else piece.of.letter.name
    )


class _Fates:
    """The fates of the records of one call."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._rows: dict[str, list[Told]] = {}
        verdict = judge(call)
        for row, key in zip(verdict.rows, call.delivered.keys, strict=True):
            self._rows.setdefault(key, []).append(self._told(row))

    def all(self) -> list[Told]:
        """Return the fate of each record that the function's source found in the event."""
        return [told for rows in self._rows.values() for told in rows]

    def of(self, piece: Piece) -> Told:
        """Return the fate of a record: of several that share its identifier, the worst."""
        rows = self._rows.get(piece.key)
        if rows is None:
            return Told(_name(piece), "not done", "the function's source does not name it, so nobody can tell")
        return next((told for told in rows if told.fate != "done"), rows[0])

    def _told(self, row: Row) -> Told:
        if row.fate in ("done", "delivered", "dropped"):  # the last two say so of a record of Firehose
            return Told(row.item, "not done", _THREAD) if self._call.threads else Told(row.item, "done", row.why)
        match row.outcome:
            case "unprocessed":
                return Told(row.item, "not started", self._why_stopped())
            case "failed":
                lost = "; the response does not bring it back, so Lambda would lose it" if row.fate == "lost" else ""
                return Told(row.item, "failed", f"{row.why}{lost}")
            case "succeeded" | "settled":
                return Told(row.item, "not done", f"it was handled, and yet {self._why_back()}")
            case None:
                # of a function without batchfold, the response is all that is known
                is_sure = self._whole_failure() is not None or not row.why
                return Told(row.item, "failed" if is_sure else "not done", self._why_back() if is_sure else row.why)
            case _:
                assert_never(row.outcome)

    def _why_stopped(self) -> str:
        whys = [fold.why_stopped for fold in self._call.folds if fold.is_of_event and fold.why_stopped]
        return whys[0] if whys else "an earlier record of its lane is not done"

    def _why_back(self) -> str:
        return self._whole_failure() or "the response brings it back"

    def _whole_failure(self) -> str | None:
        ending = self._call.ending
        is_read = isinstance(ending, Answered) and ending.failed_because is None
        return None if is_read else why_it_failed(ending)
