"""The schedule keeps the lane rule, whatever the order in which records finish."""

from collections.abc import Hashable

from hypothesis import given
from hypothesis import strategies as st

from batchfold.core.lanes import Schedule

LANES = st.lists(st.none() | st.sampled_from("abc"), max_size=12)


def interleaved(
    lanes: list[Hashable | None], done: list[bool], data: st.DataObject, most: int
) -> tuple[list[int], list[set[int]]]:
    """Run a schedule, finishing the started records in an order that Hypothesis picks.

    Returns the order of starts, and what was in flight after each start.
    """
    schedule = Schedule(lanes)
    order: list[int] = []
    in_flight: set[int] = set()
    seen: list[set[int]] = []
    while True:
        while len(in_flight) < most and (position := schedule.start()) is not None:
            order.append(position)
            in_flight.add(position)
            seen.append(set(in_flight))
        if not in_flight:
            return order, seen
        finished = data.draw(st.sampled_from(sorted(in_flight)))
        in_flight.remove(finished)
        schedule.finish(finished, done=done[finished])


def allowed(lanes: list[Hashable | None], done: list[bool]) -> set[int]:
    """Which records are started in the end: those of a lane up to the first one that is not done."""
    stopped: set[Hashable] = set()
    started: set[int] = set()
    for position, lane in enumerate(lanes):
        if lane is None or lane not in stopped:
            started.add(position)
            if lane is not None and not done[position]:
                stopped.add(lane)
    return started


@given(LANES, st.data(), st.integers(1, 5))
def test_the_same_records_are_started_in_every_interleaving(
    lanes: list[Hashable | None], data: st.DataObject, most: int
) -> None:
    done = data.draw(st.lists(st.booleans(), min_size=len(lanes), max_size=len(lanes)))
    order, _ = interleaved(lanes, done, data, most)
    assert set(order) == allowed(lanes, done)
    assert len(order) == len(set(order))


@given(LANES, st.data(), st.integers(1, 5))
def test_records_of_a_lane_start_in_order_and_one_at_a_time(
    lanes: list[Hashable | None], data: st.DataObject, most: int
) -> None:
    done = data.draw(st.lists(st.booleans(), min_size=len(lanes), max_size=len(lanes)))
    order, seen = interleaved(lanes, done, data, most)
    for lane in set(lanes) - {None}:
        of_lane = [position for position in order if lanes[position] == lane]
        assert of_lane == sorted(of_lane)
    for in_flight in seen:
        busy = [lanes[position] for position in in_flight if lanes[position] is not None]
        assert len(busy) == len(set(busy))


@given(LANES, st.data())
def test_one_at_a_time_starts_in_arrival_order(lanes: list[Hashable | None], data: st.DataObject) -> None:
    done = data.draw(st.lists(st.booleans(), min_size=len(lanes), max_size=len(lanes)))
    order, _ = interleaved(lanes, done, data, 1)
    assert order == sorted(order)


@given(LANES)
def test_whoever_may_start_is_started(lanes: list[Hashable | None]) -> None:
    schedule = Schedule(lanes)
    in_flight: set[int] = set()
    while (position := schedule.start()) is not None:
        in_flight.add(position)
    waiting = set(range(len(lanes))) - in_flight
    busy = {lanes[position] for position in in_flight}
    assert all(lanes[position] is not None and lanes[position] in busy for position in waiting)


def test_a_closed_schedule_starts_nothing_more() -> None:
    schedule = Schedule(["a", "a", None])
    assert schedule.start() == 0
    schedule.close()
    schedule.finish(0, done=True)
    assert schedule.start() is None


def test_what_was_kept_waiting_goes_before_what_arrived_later() -> None:
    schedule = Schedule(["a", "a", None, None])
    assert (schedule.start(), schedule.start()) == (0, 2)
    schedule.finish(0, done=True)
    assert (schedule.start(), schedule.start()) == (1, 3)
