"""`stop_when`, and observers beside it: what was started before the stop is finished, nothing else is started or lost.

Held against a model in sequential, threaded and async runs.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.test_settle_properties import (
    TOLD,
    Run,
    Told,
    User,
    event_of,
    every_way,
    kinds_of,
    model,
    sequentially,
    unchanged,
)

from batchfold import Failed, SqsRecord

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")

AT_ONCE = 3
"""How many records threads and tasks handle at a time in these runs."""


class Watching(User):
    """A user who notes the order of things, and whose `stop_when` picks some of the failures."""

    def __init__(self, told: list[Told], picks: set[int]) -> None:
        super().__init__(told)
        self.picks = picks
        self.asked: list[int] = []
        self.started_after: list[int] = []

    def handle(self, record: SqsRecord[int]) -> Any:
        if self.asked and self.asked[-1] in self.picks:
            self.started_after.append(record.body)
        return super().handle(record)

    def picked(self, failed: Failed[Any, SqsRecord]) -> bool:
        position = int(failed.record.body.lstrip("x"))
        self.asked.append(position)
        return position in self.picks


picked = st.sets(st.integers(0, 7))


@every_way
@given(told=TOLD, picks=picked, settles=st.booleans())
def test_what_was_started_before_the_stop_is_finished_and_the_rest_comes_back(
    *, run: Run, told: list[Told], picks: set[int], settles: bool
) -> None:
    user = Watching(told, picks)
    settle = user.settle if settles else None
    batch = run(event_of(told), user, unchanged, stop_when=user.picked, settle=settle, observe=user.observe)
    as_if = model(told, settling=settles)
    started = [position for position, kind in enumerate(kinds_of(batch)) if kind != "Unprocessed"]
    # each has the outcome that it has without a stop, so no record of another lane was touched
    assert all(kinds_of(batch)[position] == as_if[position] for position in started)
    assert sorted(user.handled) == [position for position in started if told[position].fate != "malformed"]
    stops = [position for position in user.asked if position in picks]
    if stops:
        assert user.asked[-1] == stops[0] == batch.stopped_at, "nobody is asked again after the stop"
        assert len(user.started_after) < AT_ONCE, "only what was under way already"
        assert str(batch.why_stopped).startswith("stop_when= picked record ")
    else:
        assert kinds_of(batch) == as_if
        assert batch.stopped_at is None
    assert len(user.observed) == len(told)


@given(told=TOLD, picks=picked)
def test_one_at_a_time_exactly_the_records_before_the_stop_were_started(told: list[Told], picks: set[int]) -> None:
    user = Watching(told, picks)
    batch = sequentially(event_of(told), user, unchanged, stop_when=user.picked)
    expected = model(told, settling=False)
    stop = next((at for at, kind in enumerate(expected) if kind == "Failed" and at in picks), len(told))
    assert kinds_of(batch) == expected[: stop + 1] + ["Unprocessed"] * (len(told) - stop - 1)
    assert not user.started_after


def raising(error: BaseException) -> Callable[[object], Any]:
    def function(_outcome: object) -> Any:
        raise error

    return function


@every_way
@given(told=TOLD, error=st.sampled_from([OSError, asyncio.CancelledError]))
def test_an_observer_that_raises_even_a_stray_cancellation_changes_nothing(
    run: Run, told: list[Told], error: type[BaseException]
) -> None:
    assert kinds_of(run(event_of(told), User(told), unchanged, observe=raising(error()))) == model(told, settling=False)


@every_way
@given(told=TOLD, error=st.sampled_from([OSError, asyncio.CancelledError]))
def test_a_stop_when_that_raises_even_a_stray_cancellation_loses_nothing(
    run: Run, told: list[Told], error: type[BaseException]
) -> None:
    user = User(told)
    batch = run(event_of(told), user, unchanged, stop_when=raising(error()))
    expected = model(told, settling=False)
    for before, after in zip(expected, kinds_of(batch), strict=True):
        assert after in {before, "Unprocessed"}
    assert ("Failed" in kinds_of(batch)) == ("Failed" in expected)
