"""The fold: record after record in arrival order, as far as the schedule lets them start."""

from typing import Any

from typing_extensions import TypeVar

from batchfold.core.attempt import Attempt
from batchfold.core.batch import Batch
from batchfold.core.ending import is_done
from batchfold.core.progress import Progress
from batchfold.core.record import Record

V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)


def fold(progress: Progress[Any, V, E, D], attempt: Attempt[V, E, D]) -> Batch[V, E, D]:
    """Handle one record at a time until none may start.

    This is `progress.start()` and `progress.finish()` in a loop, written out: as calls they would cost each record as
    much as all the rest of what batchfold does for it.
    """
    raws, item_ids, endings, schedule = progress.raws, progress.item_ids, progress.endings, progress.schedule
    observe, may_start, lanes = progress.observe, progress.may_start, schedule.lanes
    for position in schedule.one_by_one():
        if may_start is not None and progress.any_started and not may_start():
            break
        progress.any_started = True
        ending = attempt(raws[position], item_ids[position])
        if observe is not None:
            ending = progress.observed(position, ending)
        endings[position] = ending
        if lanes[position] is not None:
            schedule.finish(position, done=is_done(ending))
    return progress.batch()
