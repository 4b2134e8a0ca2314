"""The model of Amazon Data Firehose: how it reads a transformation's answer, retries an invocation, and gives records up.

https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html says what an answer must hold,
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html what becomes of the rest. Where
AWS says nothing, the model does what AWS was measured to do (https://github.com/floci-io/floci/pull/3393): an answer that
leaves a record out, or names it twice, fails that record alone, and no answer is asked for a second time.
"""

from binascii import a2b_base64
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from json import dumps
from typing import Any, ClassVar, cast, get_args

from batchfold.core.records import RawRecord
from batchfold.sources.firehose import MOST_RESPONSE_BYTES
from batchfold.testing.answers import (
    Answer,
    CompleteFailure,
    CompleteSuccess,
    PartialFailure,
    Raised,
    Reading,
    TimedOut,
    as_written,
)
from batchfold.testing.context import Seconds
from batchfold.testing.event_source import Delivery, EventSource, Removal, SourceRecord, SourceState
from batchfold.testing.firehose_events import FirehoseData, FirehoseOrigin, firehose_event, firehose_record_id
from batchfold.testing.refuse import refuse_other_numbers, refuse_other_seconds, refuse_other_words

_RESULTS = ("Ok", "Dropped", "ProcessingFailed")
_SECONDS_BETWEEN_RETRIES = 1.0


@dataclass(frozen=True)
class Transformed:
    """The results that Firehose reads in an answer, for each record of the event in order.

    `results` are `Ok`, `Dropped` or `ProcessingFailed`; `problems` say why the answer is wrong, where it is: that record
    counts as failed.
    """

    results: tuple[str, ...]
    problems: tuple[str | None, ...]


def read_transformation(answer: Answer, raws: Sequence[RawRecord]) -> Transformed | CompleteFailure:
    """Return what Firehose reads in the answer to these raw records; `CompleteFailure` if the invocation is retried.

    >>> from batchfold.testing import Returned
    >>> answered = {"recordId": "1", "result": "Ok", "data": "eA=="}
    >>> read_transformation(
    ...     Returned({"records": [answered]}), [{"recordId": "1", "data": ""}, {"recordId": "2", "data": ""}]
    ... )
    Transformed(results=('Ok', 'ProcessingFailed'), problems=(None, 'the response does not name it'))
    """
    if isinstance(answer, Raised):
        return CompleteFailure(f"the function raised {answer.error}")
    if isinstance(answer, TimedOut):
        return CompleteFailure("the function was cut off by its timeout")
    try:
        response = as_written(answer.response)
        size = len(dumps(response))
    except (TypeError, ValueError, RecursionError) as error:
        return CompleteFailure(f"the response cannot be written as JSON: {error}")
    if size > MOST_RESPONSE_BYTES:
        return CompleteFailure(f"the response has {size:,} bytes, and {MOST_RESPONSE_BYTES:,} are allowed")
    return _read_records(response, raws)


def _read_records(response: object, raws: Sequence[RawRecord]) -> Transformed:
    entries = cast("dict[str, object]", response).get("records") if isinstance(response, dict) else None
    if not isinstance(entries, list):
        return _all_wrong("the response has no list of records", raws)
    by_id: dict[object, list[Mapping[str, Any]]] = {raw["recordId"]: [] for raw in raws}
    for entry in cast("list[object]", entries):
        record_id = cast("dict[str, object]", entry).get("recordId") if isinstance(entry, dict) else None
        if not isinstance(record_id, str) or record_id not in by_id:
            return _all_wrong("the response names a record that is none of the event's", raws)
        by_id[record_id].append(cast("dict[str, Any]", entry))
    read = [_read_record(by_id[raw["recordId"]], raw) for raw in raws]
    return Transformed(tuple(result for result, _ in read), tuple(problem for _, problem in read))


def _read_record(entries: Sequence[Mapping[str, Any]], raw: RawRecord) -> tuple[str, str | None]:
    if len(entries) != 1:
        said = "does not name it" if not entries else f"names it {len(entries)} times"
        return "ProcessingFailed", f"the response {said}"
    (entry,) = entries
    result: object = entry.get("result")
    if not isinstance(result, str) or result not in _RESULTS:
        return "ProcessingFailed", f"its result is none of {', '.join(_RESULTS)}"
    key = "kafkaRecordValue" if "kafkaRecordValue" in raw else "data"
    if result == "Ok" and not _is_base64(entry.get(key)):
        return "ProcessingFailed", f"its {key!r} is no base64 text"
    return result, None


def _is_base64(data: object) -> bool:
    if not isinstance(data, str):
        return False
    try:
        a2b_base64(data, strict_mode=True)
    except ValueError:
        return False
    return True


def _all_wrong(problem: str, raws: Sequence[RawRecord]) -> Transformed:
    return Transformed(("ProcessingFailed",) * len(raws), (problem,) * len(raws))


@dataclass(frozen=True, kw_only=True)
class FirehoseStream(EventSource):
    """A delivery stream of Amazon Data Firehose whose records a function transforms.

    An invocation that fails is retried `number_of_retries` times; after that all its records go to the error output, and
    so does at once each record that is not answered with `Ok` or `Dropped`. `batch_size` is how many records its buffer
    holds, which in AWS's settings is a size in megabytes.

    Not modelled: the destination, and what becomes of the records there.

    Raises:
        ValueError: AWS does not allow a setting, or `report_batch_item_failures` is off, which Firehose does not have.
    """

    source_name: ClassVar[str] = "Firehose"
    payload_at: ClassVar[str] = "record.data"

    origin: FirehoseOrigin = "put"
    number_of_retries: int = 3

    def __post_init__(self) -> None:
        refuse_other_numbers("batch_size", self.batch_size, 1, 10_000)
        refuse_other_words("origin", self.origin, get_args(FirehoseOrigin))
        refuse_other_numbers("number_of_retries", self.number_of_retries, 0, 300)
        if not self.report_batch_item_failures:
            raise ValueError("Firehose has no ReportBatchItemFailures: leave report_batch_item_failures out.")

    @property
    def most_deliveries(self) -> int | None:
        """How often a record that never succeeds is delivered, at most: once, and with each retry."""
        return self.number_of_retries + 1

    def deliver(self, records: tuple[SourceRecord, ...], *, at: Seconds) -> Delivery:
        """Return the batch that holds these records."""
        event = firehose_event(
            *(FirehoseData(record.payload, firehose_record_id(record.position)) for record in records),
            origin=self.origin,
        )
        raws = tuple(event["records"])
        identifiers: dict[Hashable, int] = {
            raw["recordId"]: record.position for raw, record in zip(raws, records, strict=True)
        }
        return Delivery(at, records, event, raws, identifiers)

    def begin(self, records: tuple[SourceRecord, ...]) -> "FirehoseState":
        """Return the delivery stream with these records in it, and its first batch on the way."""
        return FirehoseState(stream=self, unread=records).read()


@dataclass(frozen=True, kw_only=True)
class FirehoseState(SourceState):
    """A delivery stream at one moment: what it has not sent to the function yet, and the retries that are used up."""

    stream: FirehoseStream
    unread: tuple[SourceRecord, ...]
    retries: int = 0

    def step(self, answer: Answer, *, ended_at: Seconds) -> "tuple[Reading, FirehoseState]":
        """Deliver or give up each record, or send the batch once more. See `SourceState`."""
        if self.delivery is None:
            raise ValueError("The source is drained: there is no batch that this could be the answer to.")
        refuse_other_seconds("ended_at, which comes after the delivery,", ended_at, self.delivery.at)
        delivered = self.delivery.positions
        read = read_transformation(answer, self.delivery.raws)
        if isinstance(read, CompleteFailure):
            if self.retries < self.stream.number_of_retries:
                again = replace(self, now=ended_at + _SECONDS_BETWEEN_RETRIES, retries=self.retries + 1)
                return read, replace(again, delivery=self.stream.deliver(self.delivery.records, at=again.now))
            failed, reading = frozenset(delivered), cast("Reading", read)
        else:
            results = zip(delivered, read.results, strict=True)
            failed = frozenset(position for position, result in results if result == "ProcessingFailed")
            reading = PartialFailure(failed) if failed else CompleteSuccess()
        removed: dict[int, Removal] = {
            position: "error output" if position in failed else "done" for position in delivered
        }
        state = replace(self, now=ended_at, removed={**self.removed, **removed}, retries=0, delivery=None)
        return reading, state.read()

    def read(self) -> "FirehoseState":
        """Return the delivery stream with its next batch on the way."""
        if not self.unread:
            return self
        batch, rest = self.unread[: self.stream.batch_size], self.unread[self.stream.batch_size :]
        return replace(self, unread=rest, delivery=self.stream.deliver(batch, at=self.now))
