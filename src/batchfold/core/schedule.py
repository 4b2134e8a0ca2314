"""The schedule: who may start, who has started, who is done. A state machine without I/O.

The lane rule of batchfold is written here and nowhere else: the records of a lane are started one after the other in
arrival order, and once one of them is not done, the rest of the lane is not started. Sequential, threaded and async
runs all ask the same schedule.

A lane is in one of three states:

| state   | it is in                  | a record of it that arrives |
|---------|---------------------------|-----------------------------|
| free    | neither                   | may start; the lane is busy |
| busy    | `_waiting`                | waits for its turn          |
| stopped | `_stopped`                | is never started            |

A busy lane whose record is done hands the turn to the first record that waits, or is free again when none does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator, Sequence
from heapq import heappop, heappush


class Schedule:
    """Who may start, given the lane of each record (`None`: a lane of its own) in arrival order.

    >>> schedule = Schedule(["a", "a", "b"])
    >>> schedule.start(), schedule.start(), schedule.start()
    (0, 2, None)
    >>> schedule.finish(0, done=True)
    >>> schedule.start()
    1
    """

    __slots__ = ("_arrivals", "_closed", "_is_one_by_one", "_lanes", "_released", "_stopped", "_waiting")

    def __init__(self, lanes: Sequence[Hashable | None]) -> None:
        self._lanes = lanes
        self._is_one_by_one = False
        self._waiting: dict[Hashable, deque[int] | None] = {}
        self._stopped: set[Hashable] = set()
        self._released: list[int] = []
        self._closed = False
        self._arrivals: Iterator[int] | None = None

    def start(self) -> int | None:
        """The position of the next record that may start now, the earliest arrival first. It counts as started.

        `None` says that no record may start: not before another one is finished, or not at all.
        """
        if self._closed:
            return None
        if self._released:  # these arrived before all that `_arrive` has yet to look at
            return heappop(self._released)
        if self._arrivals is None:
            self._arrivals = self._arrive()
        return next(self._arrivals, None)

    def finish(self, position: int, *, done: bool) -> None:
        """Say what became of a record that was started: it is done, or it must come back."""
        lane = self._lanes[position]
        if lane is None:
            return
        waiting = self._waiting.pop(lane, None)
        if not done:
            self._stopped.add(lane)
        elif waiting:
            heappush(self._released, waiting.popleft())
            self._waiting[lane] = waiting

    def one_by_one(self) -> Iterator[int]:
        """All positions that may start, for a run in which each record is finished before the next one is asked for.

        That is `start` again and again, except that only records that are not done need a `finish`: the others are done
        by the time the next one is asked for. It saves three calls a record, as much as all else that a record costs.
        """
        if self._lanes.count(None) == len(self._lanes):  # no lanes, no order to keep
            return iter(range(len(self._lanes)))
        self._is_one_by_one = True
        return self._arrive()

    def close(self) -> None:
        """Start no further record."""
        self._closed = True

    def _arrive(self) -> Iterator[int]:
        busy, stopped, is_one_by_one = self._waiting, self._stopped, self._is_one_by_one
        for position, lane in enumerate(self._lanes):
            if lane is None:
                yield position
            elif lane in stopped:
                continue
            elif is_one_by_one:  # what was started before is finished, so no lane is busy
                yield position
            elif lane in busy:
                waiting = busy[lane]
                if waiting is None:
                    waiting = busy[lane] = deque()
                waiting.append(position)
            else:
                busy[lane] = None
                yield position
