"""The fold: record after record in arrival order, as far as the schedule lets them start."""

from __future__ import annotations

from typing import Any

from returns.result import Success
from typing_extensions import TypeVar

from batchfold.core.attempt import Attempt
from batchfold.core.batch import Batch
from batchfold.core.outcomes import Settled
from batchfold.core.progress import Progress
from batchfold.core.record import Record

V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)


def fold(progress: Progress[Any, V, E, D], attempt: Attempt[V, E, D]) -> Batch[V, E, D]:
    """Handle one record at a time until none may start. `attempt` tells the observer, if there is one.

    This is `progress.start()` and `progress.finish()` in a loop, written out: as calls they would cost each record as
    much as all the rest of what batchfold does for it.
    """
    raws, item_ids, endings, schedule = progress.raws, progress.item_ids, progress.endings, progress.schedule
    remaining_ms, reserve_ms, any_started = progress.remaining_ms, progress.reserve_ms, False
    for position in schedule.one_by_one():
        if remaining_ms is not None:
            if any_started and remaining_ms() <= reserve_ms:
                break
            any_started = True
        ending = endings[position] = attempt(raws[position], item_ids[position])
        kind = type(ending)
        if kind is not Success and kind is not Settled:
            schedule.finish(position, done=False)
    return progress.batch()
