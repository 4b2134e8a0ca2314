"""The fold: record after record in arrival order, as far as the schedule lets them start."""

from typing import Any

from typing_extensions import TypeVar

from batchfold.core.attempt import Attempt
from batchfold.core.batch import Batch
from batchfold.core.progress import Progress
from batchfold.core.record import Record

V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)


def fold(progress: Progress[Any, V, E, D], attempt: Attempt[V, E, D]) -> Batch[V, E, D]:
    """Handle one record at a time until none may start."""
    raws, item_ids = progress.raws, progress.item_ids
    while (position := progress.start()) is not None:
        progress.finish(position, attempt(raws[position], item_ids[position]))
    return progress.batch()
