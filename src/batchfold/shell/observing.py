"""Observing: several observers as one, the time that each record takes, and what a batch comes to in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from batchfold.core.batch import AnyBatch
from batchfold.core.faults import crashed
from batchfold.core.handlers import must_be_awaited
from batchfold.core.outcomes import Failed, Settled
from batchfold.core.records import RawRecord, Record
from batchfold.shell.around import Call, around
from batchfold.shell.failure_log import AsideLog

H = TypeVar("H", bound=Callable[..., Any])
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")


def observe_all(*observers: Callable[[T], object]) -> Callable[[T], None]:
    """Return an observer that calls each of these with every outcome, in the order given.

    If one raises, the others are called all the same. What it raised is raised once all were called, as an `ExceptionGroup`
    if several have. Raises `TypeError` at once for an async observer: nobody would await it.

    >>> observe_all(print, lambda outcome: print(len(outcome)))("text")
    text
    4
    """
    if any(map(must_be_awaited, observers)):
        raise TypeError("observe_all got an async function, expected functions that return at once")

    def observe(outcome: T) -> None:
        errors: list[Exception] = []
        for each in observers:
            try:
                each(outcome)
            except BaseException as error:  # noqa: BLE001  # raised again, at once or below
                errors.append(crashed(error).error)
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ExceptionGroup("several observers raised", errors)

    return observe


@runtime_checkable
class Timed(Protocol[R_co]):
    """A layer that changes nothing about what its handler takes and returns; `R` is the record that `tell` takes.

    The handler's record is not checked against it: a type that did would hide the handler from mypy in a longer `pipe`.
    """

    def __call__(self, handler: H, /) -> H:
        """Return the same handler, timed."""
        ...


def timed(tell: Callable[[R, float], object], *, clock: Callable[[], float] = perf_counter) -> Timed[R]:
    """Return a layer that tells the record and the seconds that its handler took, whatever came of it.

    `tell` is a `Latencies()`, or any function with annotations, say one that adds to a histogram: the checkers cannot infer
    the record of a lambda in a layer. Like an observer it changes nothing, and what it raises is logged. Of an async handler
    the whole time is told, waiting included; of a chunk, for each of its records the time that the chunk took.

    Raises `TypeError` if `tell` is async: nobody would await it.

    >>> from batchfold import SqsRecord
    >>> from returns.result import Success
    >>> ticks = iter([10.0, 12.5])
    >>> handle = timed(lambda record, seconds: print(record, seconds), clock=lambda: next(ticks))(Success)
    >>> handle(SqsRecord({"messageId": "m1"}))
    SqsRecord(message_id='m1') 2.5
    <Success: SqsRecord(message_id='m1')>
    """
    if must_be_awaited(tell):
        raise TypeError("timed got an async function, expected one that returns at once")
    aside = partial(AsideLog().instead_of_raising, "timed: tell raised; the outcome of the record stands")

    def begin_chunk(records: Sequence[Any]) -> Call:
        kept, start = tuple(records), clock()  # a tuple, for the function may change its list

        def end() -> None:
            seconds = clock() - start
            for record in kept:
                with aside():
                    tell(record, seconds)

        return _Timing(end)

    def layer(handler: Any, /) -> Any:
        return around(handler, lambda record: begin_chunk([record]), begin_chunk)

    return layer


class _Timing(Call):
    __slots__ = ("_end",)

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end

    def returned(self, _value: object, /) -> None:
        self._end()

    raised = returned


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
        """Add the seconds that a record's handler took. Those of several attempts at a record add up."""
        _, before = self._by_raw.get(id(record.raw), (None, 0.0))
        self._by_raw[id(record.raw)] = (record.raw, before + seconds)

    def of(self, record: Record) -> float | None:
        """Return the seconds that the handler took for this record, parsed or as delivered; `None` if it was not called."""
        _, seconds = self._by_raw.get(id(record.raw), (None, None))
        return seconds


class Measures(NamedTuple):
    """The numbers of a batch. A value; nothing is kept.

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
        """Return the counts by name."""
        return {name: value for name, value in self._asdict().items() if name != "seconds"}


def measures_of(batch: AnyBatch, latencies: Latencies | None = None) -> Measures:
    """Return what a batch came to in numbers; with the `Latencies` that a `timed` handler told, if there are any.

    >>> from batchfold import SqsRecord, fold_batch, pipe, sqs, timed
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
    settled, failed, unprocessed = len(batch.settled), len(batch.failed), len(batch.unprocessed)
    faults = Counter(type(each.fault).__name__ for each in batch.outcomes if isinstance(each, Settled | Failed))
    seconds = () if latencies is None else (latencies.of(outcome.record) for outcome in batch.outcomes)
    return Measures(
        succeeded=len(batch) - settled - failed - unprocessed,
        settled=settled,
        failed=failed,
        unprocessed=unprocessed,
        malformed=faults["Malformed"],
        rejected=faults["Rejected"],
        crashed=faults["Crashed"],
        seconds=tuple(each for each in seconds if each is not None),
    )
