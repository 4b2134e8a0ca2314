"""Measures: what a batch came to in numbers, for any metrics library."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from batchfold.core.batch import Batch
from batchfold.core.event import RawRecord
from batchfold.core.faults import Crashed, Fault, Malformed, Rejected
from batchfold.core.record import Record


class Latencies:
    """Collects what `timed` tells. Make one for each invocation: it belongs to the records of one event.

    >>> from batchfold import Record, SqsRecord
    >>> latencies, record = Latencies(), SqsRecord({"messageId": "m1"})
    >>> latencies(record, 0.25)
    >>> latencies.of(record), latencies.of(SqsRecord({"messageId": "m2"}))
    (0.25, None)
    """

    __slots__ = ("_by_raw",)

    def __init__(self) -> None:
        # by identity, for a raw record is never copied; it is kept too, or its identity could become another's
        self._by_raw: dict[int, tuple[RawRecord, float]] = {}

    def __call__(self, record: Record, seconds: float) -> None:
        """Take down the seconds that a record's handler took. Those of several attempts at a record add up."""
        _, before = self._by_raw.get(id(record.raw), (None, 0.0))
        self._by_raw[id(record.raw)] = (record.raw, before + seconds)

    def of(self, record: Record) -> float | None:
        """The seconds that the handler took for this record, parsed or as delivered; `None` if it was not called."""
        _, seconds = self._by_raw.get(id(record.raw), (None, None))
        return seconds


class Measures(NamedTuple):
    """What a batch came to in numbers: a value, and nothing is kept.

    `succeeded`, `settled`, `failed` and `unprocessed` count all records. `malformed`, `rejected` and `crashed` count the
    faults of those that failed, settled or not.
    """

    succeeded: int
    settled: int
    failed: int
    unprocessed: int
    malformed: int
    rejected: int
    crashed: int
    seconds: tuple[float, ...]
    """How long the handler took, for each record that it was called for, in arrival order. Empty without `Latencies`."""

    def counts(self) -> dict[str, int]:
        """The counts by name."""
        return {name: value for name, value in self._asdict().items() if name != "seconds"}


def measures_of(batch: Batch[Any, Any, Any], latencies: Latencies | None = None) -> Measures:
    """What a batch came to in numbers; with the `Latencies` that a `timed` handler told, if there are any.

    >>> from batchfold import SqsRecord, fold_batch, pipe, sqs
    >>> from batchfold.shell.timed import timed
    >>> from returns.result import Failure, Result, Success
    >>> def reserve(record: SqsRecord) -> Result[None, str]:
    ...     return Success(None) if record.body == "in stock" else Failure("out of stock")
    >>> bodies = {"m1": "in stock", "m2": "sold out"}
    >>> event = {"Records": [{"messageId": m, "eventSource": "aws:sqs", "body": bodies[m]} for m in bodies]}
    >>> latencies = Latencies()
    >>> measures = measures_of(fold_batch(event, pipe(reserve, timed(latencies)), sqs()), latencies)
    >>> measures.succeeded, measures.rejected, len(measures.seconds)
    (1, 1, 2)
    """
    settled, failed, unprocessed = batch.settled, batch.failed, len(batch.unprocessed)
    faults = Counter(_kind_of(each.fault) for each in settled) + Counter(_kind_of(each.fault) for each in failed)
    seconds = () if latencies is None else tuple(map(latencies.of, (outcome.record for outcome in batch.outcomes)))
    return Measures(
        succeeded=len(batch) - len(settled) - len(failed) - unprocessed,
        settled=len(settled),
        failed=len(failed),
        unprocessed=unprocessed,
        malformed=faults["malformed"],
        rejected=faults["rejected"],
        crashed=faults["crashed"],
        seconds=tuple(each for each in seconds if each is not None),
    )


def _kind_of(fault: Fault[Any]) -> str:
    match fault:
        case Malformed():
            return "malformed"
        case Rejected():
            return "rejected"
        case Crashed():
            return "crashed"
