"""The stage: a scene's event, and a watch on who is on it at any moment."""

from collections.abc import Hashable
from typing import Any

from tests.scenes import Scene

from batchfold import Batch, Failed, Succeeded


class Stage:
    """Notes which records are being handled, and asserts the order of each lane while it does."""

    def __init__(self, scene: Scene) -> None:
        self.event = scene.event
        self.source = scene.source
        self._lanes = scene.lanes
        raws, _ = self.source.read(self.event)
        self._positions = {id(raw): position for position, raw in enumerate(raws)}
        self.started: list[int] = []
        self.running: set[int] = set()
        self.most_running = 0

    def position_of(self, record: Any) -> int:
        """Where the record stands in arrival order."""
        return self._positions[id(record.raw)]

    def enter(self, record: Any) -> int:
        """The handler of this record begins."""
        position = self.position_of(record)
        lane = self._lanes[position]
        if lane is not None:
            assert lane not in self._lanes_of(self.running), "two records of a lane at a time"
            assert all(self._lanes[other] != lane or other < position for other in self.started), "out of order"
        assert position not in self.started, "started twice"
        self.started.append(position)
        self.running.add(position)
        self.most_running = max(self.most_running, len(self.running))
        return position

    def leave(self, position: int) -> None:
        """The handler of this record has ended."""
        self.running.remove(position)

    def _lanes_of(self, positions: set[int]) -> set[Hashable]:
        return {self._lanes[position] for position in positions}


def told(batch: Batch[Any, Any, Any]) -> list[tuple[object, ...]]:
    """What became of each record, in terms that two runs can be compared by: exceptions are equal only to themselves."""
    return [
        (
            type(outcome).__name__,
            outcome.item_id,
            outcome.value if isinstance(outcome, Succeeded) else None,
            (type(outcome.fault), type(outcome.fault.error)) if isinstance(outcome, Failed) else None,
        )
        for outcome in batch.outcomes
    ]
