"""The witness: what became of each record, as batchfold itself knew it while the function ran.

It does not ask the log, which the function may have made quiet, nor what the function returned or raised.
"""

from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from typing import Any

from batchfold import Batch, DynamoDBRecord, ItemId, KafkaRecord, KinesisRecord, Outcome, SqsRecord
from batchfold.cli.delivery import key_of
from batchfold.core.progress import Progress

_RECORDS = (SqsRecord, KinesisRecord, DynamoDBRecord, KafkaRecord)


class Witness:
    """The outcomes of the folds that were seen."""

    def __init__(self) -> None:
        self._outcomes: dict[Hashable, Outcome[Any, Any]] = {}

    def take_in(self, batch: Batch[Any, Any, Any]) -> None:
        """Remember what became of the batch's records: of one that is folded twice, what the last fold said.

        Of records that share an identifier, one that is not done counts: whoever names one of them names them all.
        """
        if not all(isinstance(outcome.record, _RECORDS) for outcome in batch.outcomes):
            return  # Powertools' words count records, and give them other identifiers
        worst_last: tuple[Outcome[Any, Any], ...] = (
            *batch.succeeded,
            *batch.settled,
            *batch.unprocessed,
            *batch.failed,
        )
        self._outcomes.update((key_of(outcome.item_id), outcome) for outcome in worst_last)

    def outcome_of(self, item_id: ItemId) -> Outcome[Any, Any] | None:
        """What became of a record; `None` if no fold had it."""
        return self._outcomes.get(key_of(item_id))


@contextmanager
def witnessed() -> Generator[Witness, None, None]:
    """See every fold that ends, whichever of batchfold's functions ran it and in whichever thread.

    Those of `batchfold.powertools` are not among them.

    They all end in `Progress.batch`, so that is what is replaced meanwhile: a function that is run without the command
    pays nothing for it.
    """
    witness = Witness()
    progress: Any = Progress
    end_fold: Callable[[Any], Batch[Any, Any, Any]] = progress.batch

    def batch(ended: Any) -> Batch[Any, Any, Any]:
        folded = end_fold(ended)
        witness.take_in(folded)
        return folded

    progress.batch = batch
    try:
        yield witness
    finally:
        progress.batch = end_fold
