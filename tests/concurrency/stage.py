"""The stage: a scene's event, and a watch on who is on it at any moment."""

from typing import Any

from tests.scenes import Scene

from batchfold import Batch, Failed, Succeeded


class Stage:
    """Notes which records are being handled, and whatever happens out of order.

    It raises nothing meanwhile: whoever calls it is a handler, and what a handler raises is caught.
    """

    def __init__(self, scene: Scene) -> None:
        self.event = scene.event
        self.source = scene.source
        self._lanes = scene.lanes
        raws, _ = self.source.read(self.event)
        self._positions = {id(raw): position for position, raw in enumerate(raws)}
        self.started: list[int] = []
        self.running: set[int] = set()
        self.most_running = 0
        self._disorder: list[str] = []

    def position_of(self, record: Any) -> int:
        """Where the record stands in arrival order."""
        return self._positions[id(record.raw)]

    def enter(self, record: Any) -> int:
        """The handler of this record begins."""
        position = self.position_of(record)
        lane = self._lanes[position]
        if lane is not None:
            if lane in {self._lanes[other] for other in self.running}:
                self._disorder.append(f"{position} was started while another one of its lane ran")
            if any(self._lanes[other] == lane and other > position for other in self.started):
                self._disorder.append(f"{position} was started after a later one of its lane")
        if position in self.started:
            self._disorder.append(f"{position} was started twice")
        self.started.append(position)
        self.running.add(position)
        self.most_running = max(self.most_running, len(self.running))
        return position

    def leave(self, position: int) -> None:
        """The handler of this record has ended."""
        self.running.remove(position)

    def assert_in_order(self) -> None:
        """Nothing happened out of order, and nobody is left on the stage."""
        assert not self._disorder
        assert not self.running


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
