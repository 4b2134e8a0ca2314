"""Amazon Data Firehose: events for the function that transforms records, and the model that retries and gives records up.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesisfirehose.html shows the event of a delivery stream, and
https://github.com/aws/aws-lambda-java-libs (`MSKFirehoseEvent`) that of one which reads from Amazon MSK.
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html says what an answer must hold,
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html what becomes of the rest. Where
AWS says nothing, the model does what AWS was measured to do (https://github.com/floci-io/floci/pull/3393): an answer that
leaves a record out, or names it twice, fails that record alone, and no answer is asked for a second time.
"""

from binascii import a2b_base64
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from json import dumps
from typing import Any, ClassVar, Literal, TypeAlias, cast, get_args

from batchfold.core.records import RawRecord
from batchfold.sources.firehose import MOST_RESPONSE_BYTES
from batchfold.testing.answers import Answer, CompleteFailure, CompleteSuccess, PartialFailure, Reading, response_of
from batchfold.testing.context import Seconds
from batchfold.testing.event_parts import (
    REGION,
    Moment,
    arn,
    as_base64,
    deterministic_id,
    in_ms,
    moment_at,
    refuse_other_moments,
)
from batchfold.testing.event_source import Delivery, EventSource, Removal, SourceRecord, SourceState
from batchfold.testing.refuse import refuse_other_numbers, refuse_other_words
from batchfold.testing.stream_events import kinesis_sequence_number, msk_cluster_arn

_RESULTS = ("Ok", "Dropped", "ProcessingFailed")
_SECONDS_BETWEEN_RETRIES = 1.0

FirehoseOrigin: TypeAlias = Literal["put", "kinesis", "msk"]
"""Where a delivery stream has its records from: producers that put them, a Kinesis stream, or a topic of Amazon MSK."""


@dataclass(frozen=True)
class FirehoseData:
    """A record for `firehose_event`, where its data alone do not say enough.

    `data` is bytes, text, or anything that JSON knows. `record_id` and `approximate_arrival_time` follow from the record's
    position where they are `None`. `partition_key` is told only by a delivery stream that reads from a Kinesis stream.

    Raises:
        TypeError: `approximate_arrival_time` is neither a `datetime` nor `"absent"`.
        ValueError: A time has no zone.
    """

    data: object
    record_id: str | None = None
    approximate_arrival_time: Moment = None
    partition_key: str = "1"

    def __post_init__(self) -> None:
        refuse_other_moments("approximate_arrival_time", self.approximate_arrival_time, may_be_absent=True)


def firehose_event(
    *records: object,
    origin: FirehoseOrigin = "put",
    stream_name: str = "orders",
    region: str = REGION,
) -> dict[str, Any]:
    """Build the event of one batch of a delivery stream.

    Each of `records` is a `FirehoseData` or data: bytes as they are, text as UTF-8, anything else as JSON. `origin` says
    where the delivery stream has its records from; the events differ.

    >>> event = firehose_event("first", FirehoseData({"id": 7}, record_id="r7"))
    >>> [(raw["recordId"][-3:], raw["data"]) for raw in event["records"]]
    [('000', 'Zmlyc3Q='), ('r7', 'eyJpZCI6IDd9')]
    """
    refuse_other_words("origin", origin, get_args(FirehoseOrigin))
    event: dict[str, Any] = {
        "invocationId": deterministic_id("firehose", len(records)),
        "deliveryStreamArn": arn("firehose", f"deliverystream/{stream_name}", region),
        "region": region,
    }
    if origin == "kinesis":
        event["sourceKinesisStreamArn"] = arn("kinesis", f"stream/{stream_name}", region)
    if origin == "msk":
        event["sourceMSKArn"] = msk_cluster_arn(stream_name, region)
    event["records"] = [
        _raw_record(given if isinstance(given, FirehoseData) else FirehoseData(given), position, origin)
        for position, given in enumerate(records)
    ]
    return event


def _record_id(position: int) -> str:
    return f"{kinesis_sequence_number(0)}{position:06}000000"


def _raw_record(record: FirehoseData, position: int, origin: FirehoseOrigin) -> dict[str, Any]:
    arrived_at = record.approximate_arrival_time or moment_at(position)
    arrival: dict[str, Any] = {} if arrived_at == "absent" else {"approximateArrivalTimestamp": in_ms(arrived_at)}
    raw: dict[str, Any] = {"recordId": record.record_id or _record_id(position), **arrival}
    payload = as_base64(record.data)
    if origin == "msk":
        metadata = {"offset": str(position), "partitionId": "0", **arrival}
        return {**raw, "mskRecordMetadata": metadata, "kafkaRecordValue": payload}
    raw["data"] = payload
    if origin == "kinesis":
        raw["kinesisRecordMetadata"] = {
            "sequenceNumber": kinesis_sequence_number(position),
            "subsequenceNumber": 0,
            "partitionKey": record.partition_key,
            "shardId": "shardId-000000000000",
            **arrival,
        }
    return raw


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
    response = response_of(answer)
    if isinstance(response, CompleteFailure):
        return response
    size = len(dumps(response))
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
            *(FirehoseData(record.payload, _record_id(record.position)) for record in records),
            origin=self.origin,
        )
        identifiers: dict[Hashable, int] = {_record_id(record.position): record.position for record in records}
        return Delivery(at, records, event, tuple(event["records"]), identifiers)

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
        delivery = self.delivered(ended_at)
        read = read_transformation(answer, delivery.raws)
        if isinstance(read, CompleteFailure):
            if self.retries < self.stream.number_of_retries:
                at = ended_at + _SECONDS_BETWEEN_RETRIES
                again = self.stream.deliver(delivery.records, at=at)
                return read, replace(self, now=at, retries=self.retries + 1, delivery=again)
            reading: Reading = read
            failed = frozenset(delivery.positions)
        else:
            results = zip(delivery.positions, read.results, strict=True)
            failed = frozenset(position for position, result in results if result == "ProcessingFailed")
            reading = PartialFailure(failed) if failed else CompleteSuccess()
        removed: dict[int, Removal] = {
            position: "error output" if position in failed else "done" for position in delivery.positions
        }
        state = replace(self, now=ended_at, removed={**self.removed, **removed}, retries=0, delivery=None)
        return reading, state.read()

    def read(self) -> "FirehoseState":
        """Return the delivery stream with its next batch on the way."""
        if not self.unread:
            return self
        batch, rest = self.unread[: self.stream.batch_size], self.unread[self.stream.batch_size :]
        return replace(self, unread=rest, delivery=self.stream.deliver(batch, at=self.now))
