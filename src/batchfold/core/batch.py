"""The batch: all outcomes of one event in arrival order, and what follows from them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Generic, cast

from typing_extensions import TypeVar

from batchfold.core.ending import SUCCEEDED, Ending, outcome_of
from batchfold.core.event import RawRecord
from batchfold.core.lanes import assign_lanes
from batchfold.core.outcomes import Failed, Outcome, Settled, Succeeded, Unprocessed
from batchfold.core.record import Record
from batchfold.core.response import ItemId, PartialResponse
from batchfold.core.source import Source

V_co = TypeVar("V_co", covariant=True)
E_co = TypeVar("E_co", covariant=True)
D_co = TypeVar("D_co", bound=Record, covariant=True, default=Record)


class Batch(Generic[V_co, E_co, D_co]):
    """What became of one event: every outcome in arrival order, and the partial response. A value; nothing is kept.

    Outcomes are built when they are first asked for; `response` does not need them.
    """

    __slots__ = ("_endings", "_item_ids", "_other_outcomes", "_others", "_outcomes", "_raws", "_source")

    def __init__(
        self,
        raws: Sequence[RawRecord],
        item_ids: Sequence[ItemId],
        endings: Sequence[Ending[V_co, E_co, D_co]],
        source: Source[Any, D_co],
    ) -> None:
        self._raws = raws
        self._item_ids = item_ids
        self._endings = endings
        self._source = source
        self._outcomes: tuple[Outcome[V_co, E_co, D_co], ...] | None = None
        self._other_outcomes: tuple[Outcome[V_co, E_co, D_co], ...] | None = None
        # all but the successes, which are most: no outcome is built for them to learn that nothing failed
        self._others: Sequence[int] = (
            ()
            if SUCCEEDED.issuperset(map(type, endings))
            else [position for position, ending in enumerate(endings) if type(ending) not in SUCCEEDED]
        )

    @property
    def outcomes(self) -> tuple[Outcome[V_co, E_co, D_co], ...]:
        """What became of each record, in arrival order."""
        if self._outcomes is None:
            self._outcomes = self._outcomes_at(range(len(self._endings)))
        return self._outcomes

    @property
    def succeeded(self) -> tuple[Succeeded[V_co, D_co], ...]:
        """The records whose handler returned a `Success`."""
        return tuple(outcome for outcome in self.outcomes if isinstance(outcome, Succeeded))

    @property
    def settled(self) -> tuple[Settled[E_co, D_co], ...]:
        """The records that failed and were settled: done all the same."""
        return tuple(outcome for outcome in self._not_succeeded() if isinstance(outcome, Settled))

    @property
    def failed(self) -> tuple[Failed[E_co, D_co], ...]:
        """The records that failed and come back."""
        return tuple(outcome for outcome in self._not_succeeded() if isinstance(outcome, Failed))

    @property
    def unprocessed(self) -> tuple[Unprocessed[D_co], ...]:
        """The records that were not started and come back."""
        return tuple(outcome for outcome in self._not_succeeded() if isinstance(outcome, Unprocessed))

    @property
    def not_done(self) -> tuple[Failed[E_co, D_co] | Unprocessed[D_co], ...]:
        """The records that come back, whatever the reason, in arrival order."""
        return tuple(outcome for outcome in self._not_succeeded() if isinstance(outcome, Failed | Unprocessed))

    @property
    def count_not_done(self) -> int:
        """How many records come back."""
        endings = self._endings
        return sum(type(endings[at]) is not Settled for at in self._others)

    @property
    def is_all_success(self) -> bool:
        """Whether every handler returned a `Success`: nothing failed, not even to be settled."""
        return not self._others

    @property
    def response(self) -> PartialResponse:
        """What the Lambda function returns for this batch."""
        if not self._others:
            return self._source.respond(())
        item_ids, endings = self._item_ids, self._endings
        return self._source.respond([item_ids[at] for at in self._others if type(endings[at]) is not Settled])

    @property
    def lanes(self) -> Sequence[Hashable | None]:
        """The lane of each record, in arrival order; `None` is a lane of its own. Asked of the lane function anew."""
        return assign_lanes(self._source.lane_of(self._raws), self._raws)

    def _not_succeeded(self) -> tuple[Outcome[V_co, E_co, D_co], ...]:
        if self._other_outcomes is None:
            self._other_outcomes = self._outcomes_at(self._others)
        return self._other_outcomes

    def _outcomes_at(self, positions: Iterable[int]) -> tuple[Outcome[V_co, E_co, D_co], ...]:
        item_ids, raws, endings, as_delivered = self._item_ids, self._raws, self._endings, self._source.as_delivered
        return tuple(outcome_of(item_ids[at], as_delivered(raws[at]), endings[at]) for at in positions)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Batch):
            return NotImplemented
        return self.outcomes == cast("Batch[object, object]", other).outcomes  # the line above

    __hash__ = None  # type: ignore[assignment]  # a batch holds records, and records have no hash

    def __len__(self) -> int:
        return len(self._endings)

    def __repr__(self) -> str:
        counts = {
            "succeeded": len(self) - len(self._others),
            "settled": len(self.settled),
            "failed": len(self.failed),
            "unprocessed": len(self.unprocessed),
        }
        return f"Batch({', '.join(f'{count} {kind}' for kind, count in counts.items())})"
