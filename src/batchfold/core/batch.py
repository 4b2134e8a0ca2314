"""The batch: all outcomes of one event in arrival order, and what follows from them.

Three classes, for the sake of types. `AnyBatch` has everything that needs no type parameter, so a function of any batch
takes it. `Answerable[A]` adds the type of the response. `Batch[V, E, D, A]` is what a fold returns.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeAlias

from typing_extensions import TypeVar

from batchfold.core.lanes import assign_lanes
from batchfold.core.outcomes import SUCCEEDED, Ending, Failed, Outcome, Settled, Succeeded, Unprocessed, outcome_of
from batchfold.core.records import ItemId, PartialResponse, RawRecord, Record

if TYPE_CHECKING:
    from batchfold.core.source import AsyncSource

    AnySource: TypeAlias = AsyncSource[object, Record, Any, object]
else:
    AnySource = Any  # a source is typed by the batch that it answers, so it imports this module

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)
E_co = TypeVar("E_co", covariant=True)
D_co = TypeVar("D_co", bound=Record, covariant=True, default=Record)
A_co = TypeVar("A_co", covariant=True, default=PartialResponse)


class AnyBatch:
    """A batch of whatever types: the outcomes of one event. A value; nothing is kept beside it.

    Outcomes are built when they are first asked for; the response does not need them.
    """

    __slots__ = (
        "_endings",
        "_item_ids",
        "_ms_left",
        "_other_outcomes",
        "_others",
        "_outcomes",
        "_raws",
        "_source",
        "_stopped_at",
        "_why_stopped",
    )

    def __init__(
        self,
        raws: Sequence[RawRecord],
        item_ids: Sequence[ItemId],
        endings: Sequence[Ending[Any, Any, Any]],
        source: Any,
        why_stopped: str | None = None,
        stopped_at: int | None = None,
        ms_left: Callable[[], int] | None = None,
    ) -> None:
        self._raws = raws
        self._item_ids = item_ids
        self._endings = endings
        self._source: Any = source
        self._why_stopped = why_stopped
        self._stopped_at = stopped_at
        self._ms_left = ms_left
        self._outcomes: tuple[Outcome[Any, Any, Any], ...] | None = None
        self._other_outcomes: tuple[Outcome[Any, Any, Any], ...] | None = None
        # all but the successes, which are most: no outcome is built for them to learn that nothing failed
        self._others: Sequence[int] = (
            ()
            if SUCCEEDED.issuperset(map(type, endings))
            else [position for position, ending in enumerate(endings) if type(ending) not in SUCCEEDED]
        )

    @property
    def outcomes(self) -> tuple[Outcome[object, object, Record], ...]:
        """The outcome of each record, in arrival order."""
        if self._outcomes is None:
            self._outcomes = self._outcomes_at(range(len(self._endings)))
        return self._outcomes

    @property
    def succeeded(self) -> tuple[Succeeded[object, Record], ...]:
        """The records whose handler returned a `Success`."""
        return tuple(outcome for outcome in self.outcomes if isinstance(outcome, Succeeded))

    @property
    def settled(self) -> tuple[Settled[object, Record], ...]:
        """The records that failed and were settled: done all the same."""
        return tuple(outcome for outcome in self._not_succeeded() if isinstance(outcome, Settled))

    @property
    def failed(self) -> tuple[Failed[object, Record], ...]:
        """The records that failed and come back."""
        return tuple(outcome for outcome in self._not_succeeded() if isinstance(outcome, Failed))

    @property
    def unprocessed(self) -> tuple[Unprocessed[Record], ...]:
        """The records that were not started and come back."""
        return tuple(outcome for outcome in self._not_succeeded() if isinstance(outcome, Unprocessed))

    @property
    def not_done(self) -> tuple[Failed[object, Record] | Unprocessed[Record], ...]:
        """The records that come back, whatever the reason, in arrival order."""
        return tuple(outcome for outcome in self._not_succeeded() if isinstance(outcome, Failed | Unprocessed))

    @property
    def ids_not_done(self) -> Sequence[ItemId]:
        """The item identifiers of the records that come back, in arrival order."""
        if not self._others:
            return []
        item_ids, endings = self._item_ids, self._endings
        return [item_ids[at] for at in self._others if type(endings[at]) is not Settled]

    @property
    def count_not_done(self) -> int:
        """The number of records that come back."""
        endings = self._endings
        return sum(type(endings[at]) is not Settled for at in self._others)

    @property
    def is_all_success(self) -> bool:
        """Return whether every handler returned a `Success`: nothing failed, not even to be settled."""
        return not self._others

    @property
    def lanes(self) -> Sequence[Hashable | None]:
        """The lane of each record, in arrival order; `None` is a lane of its own. Each access asks the lane function."""
        return assign_lanes(self._source.lane_of(self._raws), self._raws)

    @property
    def raws(self) -> Sequence[RawRecord]:
        """The raw records, in arrival order."""
        return self._raws

    @property
    def source(self) -> AnySource:
        """The source that the event was read with."""
        return self._source  # type: ignore[no-any-return]  # what the constructor was given

    @property
    def why_stopped(self) -> str | None:
        """Why records were not started though their lanes were free: time ran out, or `stop_when` said so."""
        return self._why_stopped

    @property
    def stopped_at(self) -> int | None:
        """The position of the failed record that `stop_when` picked; `None` if it picked none."""
        return self._stopped_at

    @property
    def ms_left(self) -> Callable[[], int] | None:
        """Tells the milliseconds that work after the handlers may still take; `None` where time does not matter.

        That is until the reserve, or where the reserve is reached, half of the time that was left of the invocation when
        the batch was finished.
        """
        return self._ms_left

    def _not_succeeded(self) -> tuple[Outcome[Any, Any, Any], ...]:
        if self._other_outcomes is None:
            self._other_outcomes = self._outcomes_at(self._others)
        return self._other_outcomes

    def _outcomes_at(self, positions: Iterable[int]) -> tuple[Outcome[Any, Any, Any], ...]:
        item_ids, raws, endings, as_delivered = self._item_ids, self._raws, self._endings, self._source.as_delivered
        return tuple(outcome_of(item_ids[at], as_delivered(raws[at]), endings[at]) for at in positions)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AnyBatch):
            return NotImplemented
        return self.outcomes == other.outcomes

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


class Answerable(AnyBatch, Generic[A_co]):
    """A batch of which only the type of its response is known. `respond` takes it."""

    __slots__ = ()

    @property
    def response(self) -> A_co:
        """The answer of the Lambda function for this batch."""
        answer: A_co = self._source.respond(self)
        return answer


class Batch(Answerable[A_co], Generic[V_co, E_co, D_co, A_co]):
    """The outcomes of one event, in arrival order, and the response.

    `V` is the type of the handler's values, `E` of its errors, `D` the record as delivered and `A` the response.
    """

    __slots__ = ()

    if TYPE_CHECKING:  # the properties of `AnyBatch`, with their types

        @property
        def outcomes(self) -> tuple[Outcome[V_co, E_co, D_co], ...]: ...  # noqa: D102  # `AnyBatch` says it
        @property
        def succeeded(self) -> tuple[Succeeded[V_co, D_co], ...]: ...  # noqa: D102  # `AnyBatch` says it
        @property
        def settled(self) -> tuple[Settled[E_co, D_co], ...]: ...  # noqa: D102  # `AnyBatch` says it
        @property
        def failed(self) -> tuple[Failed[E_co, D_co], ...]: ...  # noqa: D102  # `AnyBatch` says it
        @property
        def unprocessed(self) -> tuple[Unprocessed[D_co], ...]: ...  # noqa: D102  # `AnyBatch` says it
        @property
        def not_done(self) -> tuple[Failed[E_co, D_co] | Unprocessed[D_co], ...]: ...  # noqa: D102  # `AnyBatch` says it


BatchOf: TypeAlias = Batch[V, object, Record, object]
"""A batch of which only the type of the handler's values matters: for sources that answer with them."""
