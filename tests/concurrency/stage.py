"""The stage: a scene's event, and a watch on who is on it at any moment."""

from typing import Any

from tests.scenes import Scene, act

from batchfold import Batch, Failed, Succeeded, Unprocessed, fold_batch


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


def assert_cut_short(stage: Stage, scene: Scene, batch: Batch[Any, Any, Any]) -> None:
    """What was started came to what it comes to in the sequential fold, the rest is unprocessed, and the first was started."""
    sequential = told(fold_batch(scene.event, act, scene.source))
    for position, (reached, expected) in enumerate(zip(told(batch), sequential, strict=True)):
        assert reached == expected or isinstance(batch.outcomes[position], Unprocessed)
        assert (position in stage.started) <= (not isinstance(batch.outcomes[position], Unprocessed))
    if scene.arrived:
        assert not isinstance(batch.outcomes[0], Unprocessed)


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
