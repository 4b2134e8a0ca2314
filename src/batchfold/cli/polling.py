"""One invocation of a poller, of whatever source: the function is called, its answer read, and the outcome told.

How an answer is read, the model of Lambda decides. Why a record is not done, batchfold's folds know; of a function without
them, its answer says which records are named, and no more.
"""

import time
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchfold.cli.account import Call, CutOff, Outcome, Raised
from batchfold.cli.call import Interrupted
from batchfold.cli.environment import Environment, reading_of, state_of
from batchfold.cli.event_file import key_of
from batchfold.cli.poll_board import Board
from batchfold.cli.shard import Window
from batchfold.cli.stopping import Stopping
from batchfold.cli.verdict import outcomes_of
from batchfold.core._guards import is_mapping
from batchfold.testing.answers import CompleteFailure, PartialFailure, Reading
from batchfold.testing.tumbling_windows import with_state

_MOST_REASONS = 3


@dataclass(frozen=True)
class Invoked:
    """An invocation that is over. `positions` are those of the records, by item identifier, as `reading` names them."""

    positions: Mapping[str, int]
    call: Call
    reading: Reading
    state: Mapping[str, Any] | None = None
    """The state in the response to a window."""

    def item_ids(self, positions: Collection[int]) -> frozenset[str]:
        """Return the item identifiers of the records at these positions."""
        return frozenset(item_id for item_id, position in self.positions.items() if position in positions)

    @property
    def is_unhandled(self) -> bool:
        """Return whether it ended in an error, rather than in a response that Lambda cannot read."""
        return isinstance(self.call.ending, Raised | CutOff)


@dataclass
class Poller:
    """The part that the pollers of all sources share. `most_batches` are invoked, `None` for as many as there are.

    It ends where the source is drained, if that is asked for.
    """

    board: Board
    stopping: Stopping
    report_batch_item_failures: bool
    most_batches: int | None
    until_empty: bool
    not_done: set[str] = field(default_factory=set[str])
    """The item identifiers of the records that were delivered and are not done."""
    environment: Environment | None = None
    ended: int = 0
    """The records of an invocation that a signal ended."""
    _has_noted: bool = False

    @property
    def has_invoked_enough(self) -> bool:
        """Return whether no more batches are to be invoked."""
        return self.most_batches is not None and self.board.invocations >= self.most_batches

    def invoke(self, place: str, event: Any, positions: Mapping[str, int]) -> Invoked:
        """Call the function on the event of a batch. Raises `Interrupted` if it is not to begin, or was ended."""
        tally = self.board.tally(place)
        identifiers: dict[Hashable, int] = dict(positions.items())
        if self.environment is None:
            raise RuntimeError("the environment has not been started")
        with self.stopping.running():
            tally.in_flight = len(positions)
            self.board.doing = f"invoking with {len(positions):,} of {place}"
            try:
                call = self.environment.invoke(event)
            except Interrupted:
                self.ended = len(positions)
                raise
            finally:
                tally.in_flight = 0
                self.board.doing = ""
        reading = reading_of(call, identifiers, report_batch_item_failures=self.report_batch_item_failures)
        state = state_of(call)
        if is_mapping(event) and "window" in event:
            reading = with_state(reading, state)
        self.board.invocations += 1
        self.board.failed_invocations += isinstance(reading, CompleteFailure)
        return Invoked(positions, call, reading, state)

    def settle(
        self,
        place: str,
        invoked: Invoked,
        *,
        done: frozenset[str],
        back: frozenset[str],
        gone: frozenset[str] = frozenset(),
        comes_back: str,
        window: Window | None = None,
    ) -> None:
        """Count what became of the records, and tell it. `done`, `back` and `gone` are item identifiers.

        `comes_back` says when the ones come back that do; the ones that are `gone` were given up. Once a window is finished,
        those of earlier invocations are done, too.
        """
        tally, outcomes = self.board.tally(place), outcomes_of(invoked.call.folds)
        kept = [item_id for item_id in invoked.positions if item_id not in back | gone]
        lost = [item_id for item_id in kept if not _may_be_done(outcomes.get(key_of(item_id)))]
        counted = frozenset[str]() if window is None else window.counted
        tally.done += len(done.difference(lost))
        tally.came_back += len(back)
        tally.lost += len(lost)
        self.not_done = (self.not_done - done) | back | counted | set(lost)
        is_unfinished = not invoked.positions and bool(counted)
        counts = _counts(window, len(done.difference(lost)), len(counted.intersection(kept).difference(lost)))
        counts += [f"{len(back):,} {'comes' if len(back) == 1 else 'come'} back {comes_back}".rstrip()] if back else []
        counts += [f"the end of the window comes back {comes_back}"] if is_unfinished else []
        counts += [f"{len(gone):,} given up"] if gone else []
        counts += [f"{len(lost):,} lost"] if lost else []
        self._tell_call(invoked.call)
        text = f"{_clock()}  {place}: {len(invoked.positions):,} delivered, {', '.join(counts)}"
        if back or gone or lost or is_unfinished:
            style = "bold red" if gone or lost else "yellow"
            self.board.line(text, *_reasons(invoked, outcomes, back | gone, lost), style=style)
        elif not self.board.is_live:
            self.board.line(text)

    def note_signals(self) -> None:
        """Tell once, while the function runs, that a signal has come and what it does."""
        if self.stopping.is_asked and not self._has_noted:
            self._has_noted = True
            self.tell("stopping once the function has ended; a second signal ends it at once")

    def give_up(self, place: str, item_ids: Sequence[str], why: str) -> None:
        """Count and tell that records were given up."""
        self.board.tally(place).given_up += len(item_ids)
        self.not_done.update(item_ids)
        which = item_ids[0] if len(item_ids) == 1 else f"{len(item_ids):,} records, {item_ids[0]} to {item_ids[-1]}"
        self.tell(f"{place}: gave up {which}: {why}", style="bold red")

    def tell(self, text: str, style: str = "") -> None:
        """Tell something that happened, with the time."""
        self.board.line(f"{_clock()}  {text}", style=style)

    def _tell_call(self, call: Call) -> None:
        """Show what the function raised, or where it was when its time was over, as Lambda's log does."""
        match call.ending:
            case Raised(says=says, is_ours=False) | Raised(says=says, kind="UnexpectedEventError"):
                self.board.printed(f"{says}\n".encode())
            case CutOff(was_at=was_at) if was_at:
                self.board.printed(f"The function was here when its time was over:\n{was_at.rstrip()}\n".encode())
            case _:
                pass
        for aside in dict.fromkeys(call.asides):
            self.tell(f"batchfold logged: {aside}")
        for thread in call.threads:
            self.tell(f"the function returned while its thread {thread!r} still worked: Lambda would freeze it")


def _reasons(
    invoked: Invoked, outcomes: Mapping[str, Outcome], not_done: frozenset[str], lost: Sequence[str]
) -> list[str]:
    reasons: list[str] = []
    if isinstance(invoked.reading, CompleteFailure):
        reasons.append(f"the whole batch: {invoked.reading.reason}")
    named = invoked.item_ids(invoked.reading.named) if isinstance(invoked.reading, PartialFailure) else frozenset[str]()
    each: list[str] = []
    for item_id in [item_id for item_id in invoked.positions if item_id in not_done]:
        outcome = outcomes.get(key_of(item_id))
        if outcome is not None and outcome.kind == "failed":
            each.append(f"{item_id}: {outcome.why}")
        elif outcome is None and item_id in named:
            each.append(f"{item_id}: the response names it")
    each += [f"{item_id}: it is not done, and the response does not bring it back" for item_id in lost]
    more = len(each) - _MOST_REASONS
    return [*reasons, *each[:_MOST_REASONS], *([f"and {more} more"] if more > 0 else [])]


def _counts(window: Window | None, done: int, in_window: int) -> list[str]:
    """Say how many records are done, or in the state of a window that is not finished."""
    if window is None:
        return [f"{done:,} done"]
    if window.is_finished:
        return [f"{window.name} {'ended early' if window.ended_early else 'finished'}", f"{done:,} done"]
    return [f"{in_window:,} in {window.name}"] if in_window else []


def _may_be_done(outcome: Outcome | None) -> bool:
    return outcome is None or outcome.kind in {"succeeded", "settled"}


def _clock() -> str:
    return time.strftime("%H:%M:%S")
