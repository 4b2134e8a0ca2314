"""The child process of a simulation: it plays a Lambda function through a model of its event source until that is drained.

A failure that is asked for is raised when the function reads the record's payload, so it reaches a function of any kind
where a failure of a handler would. What became of a record is what batchfold's folds say of it. Of a function that is not
made with batchfold, the records count as handled whose payload it has read, except those that it names or raises for.
"""

import logging
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal

from batchfold.cli.account import Invoking, OutcomeKind, Played, Progressed, write_step
from batchfold.cli.child import outcome_of, serve
from batchfold.cli.event_file import hashable, read_event
from batchfold.cli.injection import Watched, is_before_handling, with_watched
from batchfold.cli.load import Function, loaded
from batchfold.cli.scene import PoisonError, Scene, SceneError, scene_of, with_lane
from batchfold.cli.verdict import WORST_LAST
from batchfold.core._guards import is_mapping, is_plain_list
from batchfold.core.batch import AnyBatch
from batchfold.core.lanes import Lane
from batchfold.core.progress import watch_batches
from batchfold.core.redaction import escape, why
from batchfold.testing import Effect, EffectFailed, FailureSchedule, Fate, History, LambdaFunction, drain

_MOST_REASONS = 3
_MOST_INVOCATIONS = 1_000

_PATIENCE = 20
"""Invocations in which nothing more gets done, after which a simulation is over."""


def main(name: str) -> None:
    """Play the simulation that the request in this folder speaks of, and end the process."""
    serve(name, _play)


def _play(folder: Path, *, target: str, timeout: float, lane: str | None, log_aloud: bool, **asked: Any) -> None:
    logging.getLogger("batchfold").addHandler(logging.StreamHandler() if log_aloud else logging.NullHandler())
    with loaded(target) as function:
        scene = scene_of(function, **asked)
        if lane is not None:
            with_lane(scene.source, lane)

        player = _Player(function, scene, folder)
        most_invocations = _MOST_INVOCATIONS if scene.most_invocations is None else scene.most_invocations
        history: History | None = None
        try:
            history = _drained(scene, player.play, most_invocations, timeout)
        except ValueError as error:
            raise SceneError(f"the simulation cannot begin: {error}") from None
        except _StalledError:
            pass  # the answers that there are tell the story so far
        if player.lane is not None:
            # the lane shows once the function has run: the same answers are judged again, by the order that they keep
            with suppress(ValueError):  # the model cannot tell the records apart by a lane of another payload
                history = _replayed(scene, player.turns, timeout, player.lane)
        if history is None:
            history = _replayed(scene, player.turns, timeout)
        write_step(folder, Played(history=_as_json(history, scene), notes=player.notes()))


def _drained(
    scene: Scene, play: "Callable[[Any, Any], _Turn]", most_invocations: int, timeout: float, lane: Lane | None = None
) -> History:
    schedule = _AsItWent()

    def make(effect: Effect) -> LambdaFunction:
        def invoke(event: Any, context: Any) -> Any:
            turn = play(event, context)
            _tell(effect, schedule.failing, turn)
            if turn.raised is not None:
                raise turn.raised
            return turn.response

        return invoke

    return drain(
        make,
        source=scene.source,
        records=scene.names,
        schedule=schedule,
        payload=scene.payloads.__getitem__,
        lane=lane,
        timeout_seconds=timeout,
        most_invocations=most_invocations,
    )


def _replayed(scene: Scene, turns: "Sequence[_Turn]", timeout: float, lane: Lane | None = None) -> History:
    """Have the same answers judged again, without calling the function."""
    left = iter(turns)
    return _drained(scene, lambda _event, _context: next(left), len(turns), timeout, lane)


class _StalledError(BaseException):
    """Nothing more gets done. Neither the function nor the model handles it."""


@dataclass(frozen=True)
class _AsItWent(FailureSchedule):
    """Failures are told to the model when they have happened: an attempt at a record fails while it is `failing`."""

    failing: set[str] = field(default_factory=set[str])

    def attempt(self, name: str, number: int) -> Literal["succeeds", "fails", "overruns"]:
        del number
        return "fails" if name in self.failing else "succeeds"


@dataclass
class _Turn:
    """One invocation: how each record that was started ended, and what the function returned or raised."""

    number: int
    names: list[str]
    read: dict[str, Exception | None] = field(default_factory=dict[str, Exception | None])
    """The records whose payload was read, in that order, with the failure that was raised."""
    ends: list[tuple[str, OutcomeKind]] = field(default_factory=list[tuple[str, OutcomeKind]])
    response: Any = None
    raised: BaseException | None = None
    finished: list[str] = field(default_factory=list[str])
    """The records that were counted in the window that was finished."""
    is_windowed: bool = False


@dataclass
class _Player:
    """Plays the function in the model's stead, and tells the model what it has done."""

    function: Function
    scene: Scene
    folder: Path
    turns: list[_Turn] = field(default_factory=list[_Turn])
    lane: Lane | None = None
    attempts: dict[str, int] = field(default_factory=dict[str, int])
    done: set[str] = field(default_factory=set[str])
    counted: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """The records in the state of each shard's window, as far as Lambda has taken it."""
    reasons: Counter[str] = field(default_factory=Counter[str])
    """Why records failed that were not to fail."""
    without_progress: int = 0

    @property
    def is_stalled(self) -> bool:
        """True once nothing more gets done, unless the number of invocations was given."""
        return self.scene.most_invocations is None and self.without_progress >= _PATIENCE + self.scene.outage

    def play(self, event: Any, context: Any) -> _Turn:
        """Call the function once, and say how far the simulation is."""
        if self.is_stalled:
            raise _StalledError
        number = len(self.turns) + 1
        write_step(self.folder, Invoking(invocation=number))
        turn = self._played(number, event, context)
        self.turns.append(turn)
        done = {name for name, end in turn.ends if end != "failed"} - self.done
        self.without_progress = 0 if done else self.without_progress + 1
        self.done |= done
        write_step(self.folder, Progressed(invocation=number, done=len(self.done), records=len(self.scene.names)))
        return turn

    def notes(self) -> list[str]:
        """Return remarks to the history."""
        notes: list[str] = []
        if self.is_stalled:
            notes.append(
                f"Nothing more was done in {self.without_progress} invocations, so the simulation was ended there; "
                "--most-invocations plays on."
            )
        asked = [name for name in (*self.scene.fail, *self.scene.poison) if name not in self.attempts]
        if asked:
            notes.append(
                f"The function never read the payload of {', '.join(asked)}, so the failure asked for did not happen."
            )
        for reason, count in self.reasons.most_common(_MOST_REASONS):
            notes.append(f"{count} time{'' if count == 1 else 's'}, the function failed of its own accord: {reason}.")
        return notes

    def _played(self, number: int, event: Any, context: Any) -> _Turn:
        read = read_event(event)
        raws, item_ids = read.source.read(event)
        names = [self.scene.by_item_id[hashable(item_id)] for item_id in item_ids]
        turn = _Turn(number, names)
        # a record that its source re-shapes is watched in both forms: the function may read the one or the other
        listed: Sequence[Any] = event if is_plain_list(event) and len(event) == len(raws) else raws
        watched = {
            id(one): self._watched(raw if one is raw else {**one, **raw}, name, turn)
            for one, raw, name in zip(listed, raws, names, strict=True)
        }
        batches: list[AnyBatch] = []
        with watch_batches(batches.append):
            try:
                turn.response = self.function(with_watched(event, watched), context)
            except BaseException as error:  # noqa: BLE001  # the model says what that means
                turn.raised = error
        folded = self._folded(batches, turn)
        if turn.raised is not None and not folded and not any(turn.read.values()):
            said = next(iter(str(turn.raised).splitlines()), "")
            self.reasons[f"it raised {type(turn.raised).__name__}: {escape(said)}"] += 1
        turn.ends = _ends(turn, folded) if folded else _ends_without_fold(turn, self.scene.by_item_id)
        if is_mapping(event) and "window" in event:
            self._count(turn, event)
        return turn

    def _count(self, turn: _Turn, event: Mapping[str, Any]) -> None:
        """Take note of what is in the state of a window. The state itself is the function's own, and not looked into."""
        turn.is_windowed = True
        if turn.raised is not None:
            return
        counted = self.counted.setdefault(event["shardId"], [])
        counted += [name for name, end in turn.ends if end == "succeeded"]
        if event["isFinalInvokeForWindow"] and not any(end == "failed" for _, end in turn.ends):
            turn.finished = self.counted.pop(event["shardId"])

    def _watched(self, raw: Any, name: str, turn: _Turn) -> "Watched":
        def on_read() -> None:
            if name in turn.read or is_before_handling():
                return
            attempt = self.attempts.get(name, 0)
            self.attempts[name] = attempt + 1
            turn.read[name] = failure = self._failure(name, attempt, turn.number)
            if failure is not None:
                raise failure

        return Watched(raw, on_read)

    def _failure(self, name: str, attempt: int, invocation: int) -> Exception | None:
        scene = self.scene
        if name in scene.poison:
            return PoisonError(f"{name} is poison: its payload does not parse")
        # from the name and the attempt, so that no other record's luck changes with the order of handling
        is_unlucky = Random(f"{scene.seed}/{name}/{attempt}").random() < scene.fail_rate  # noqa: S311  # no secret
        if invocation <= scene.outage or (attempt == 0 and name in scene.fail) or is_unlucky:
            return scene.error(f"attempt {attempt + 1} at {name} fails, as the simulation was asked for")
        return None

    def _folded(self, batches: Sequence[AnyBatch], turn: _Turn) -> dict[str, OutcomeKind]:
        """Return the end of each record in the last fold that had it. Folds of other records are the function's own."""
        ends: dict[str, OutcomeKind] = {}
        for batch in batches:
            found: list[tuple[str | None, OutcomeKind]] = [
                (self._name(outcome.item_id), outcome_of(outcome).kind) for outcome in batch.outcomes
            ]
            if any(name is None for name, _ in found):
                continue
            self.lane = batch.source.lane_of(batch.raws)
            self.reasons.update(
                why(failed.fault) for failed in batch.failed if turn.read.get(str(self._name(failed.item_id))) is None
            )
            # of user records that share an identifier, one that is not done counts
            for name, end in sorted(found, key=lambda each: WORST_LAST.index(each[1])):
                ends[str(name)] = end
        return ends

    def _name(self, item_id: Any) -> str | None:
        try:
            return self.scene.by_item_id.get(hashable(item_id))
        except (LookupError, TypeError):
            return None


def _tell(effect: Effect, failing: set[str], turn: _Turn) -> None:
    for name, end in turn.ends:
        if end == "settled":
            effect.settle(name)
            continue
        failing.clear()
        if end == "failed":
            failing.add(name)
        with suppress(EffectFailed):  # it is told what has happened already
            effect.step(name) if turn.is_windowed else effect(name)
    failing.clear()
    effect.finish(turn.finished)


def _ends(turn: _Turn, folded: Mapping[str, OutcomeKind]) -> list[tuple[str, OutcomeKind]]:
    """The records that were started, in the order in which their payloads were read."""
    in_order = dict.fromkeys((*turn.read, *turn.names))
    return [(name, folded[name]) for name in in_order if folded.get(name, "unprocessed") != "unprocessed"]


def _ends_without_fold(turn: _Turn, by_item_id: Mapping[Hashable, str]) -> list[tuple[str, OutcomeKind]]:
    named = _named(turn.response, by_item_id)
    last = next(reversed(turn.read), None) if turn.raised is not None else None
    return [
        (name, "failed" if failure is not None or name in named or name == last else "succeeded")
        for name, failure in turn.read.items()
    ]


def _named(response: Any, by_item_id: Mapping[Hashable, str]) -> set[str]:
    named: set[str] = set()
    failures: object = response.get("batchItemFailures") if is_mapping(response) else None
    for entry in failures if is_plain_list(failures) else ():
        with suppress(LookupError, TypeError):  # the model says what a response that cannot be read means
            named.add(by_item_id[hashable(entry["itemIdentifier"])])
    return named


def _as_json(history: History, scene: Scene) -> dict[str, Any]:
    """The history as JSON: what stands behind the grid, the pictures and `--json`."""
    repeated = {(repeat.name, repeat.invocation) for repeat in history.repeats}
    late = {(violation.name, violation.invocation) for violation in history.order_violations}
    gone = dict(history.removed_at_once)
    invocations: list[dict[str, Any]] = []
    for invocation in history.invocations:
        # a record that is counted in a window is handled, as far as this invocation goes
        ends = {
            attempted.name: "performed" if attempted.came_to == "counted" else attempted.came_to
            for attempted in invocation.attempted
        }
        gone.update(invocation.removed)
        invocations.append(
            {
                "number": invocation.number,
                "at_seconds": invocation.at,
                "answer": invocation.shown_answer,
                "records": [
                    {
                        "name": name,
                        "delivery": count,
                        "end": ends.get(name, "not started"),
                        "is_repeated": (name, invocation.number) in repeated,
                        "is_out_of_order": (name, invocation.number) in late,
                    }
                    for name, count in zip(invocation.delivered, invocation.receive_counts, strict=True)
                ],
                "removed": dict(invocation.removed),
            }
        )
    return {
        "source": scene.title,
        "records": [{"name": name, "fate": _fate(fate, gone.get(name))} for name, fate in history.fates.items()],
        "invocations": invocations,
        "totals": _totals(history),
        "is_drained": history.drained,
    }


def _fate(fate: Fate, removal: str | None) -> str:
    """Describe the end of a record; one that is done and left as a dead letter all the same is both."""
    is_done = fate in (Fate.DONE, Fate.SETTLED)
    return f"{fate.value}, and {removal}" if is_done and removal not in (None, "done") else fate.value


def _totals(history: History) -> dict[str, int | float]:
    fates = list(history.fates.values())
    return {
        "records": len(fates),
        "invocations": history.invocation_count,
        "seconds": history.invocations[-1].ended_at if history.invocations else 0,
        "done": fates.count(Fate.DONE),
        "settled": fates.count(Fate.SETTLED),
        "repeated effects": history.repeated_effects,
        "needless repeats": len(history.needless_repeats),
        "out of order": len(history.order_violations),
        "dead letters": len(history.with_fate(Fate.DEAD_LETTER, Fate.DEAD_LETTER_UNSTARTED)),
        "discarded": len(history.with_fate(Fate.DISCARDED, Fate.DISCARDED_UNSTARTED)),
        "error output": len(history.with_fate(Fate.ERROR_OUTPUT, Fate.ERROR_OUTPUT_UNSTARTED, Fate.UNDELIVERED)),
        "never started": len(history.never_started),
        "still there": fates.count(Fate.STILL_THERE),
        "lost": len(history.lost),
    }
