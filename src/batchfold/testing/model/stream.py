"""Kinesis, DynamoDB Streams and Kafka behind an event source mapping: retry the batch from its checkpoint on.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html says how a partial response
and a bisected batch are retried, https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html what
the settings mean, and https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html the same for Kafka.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from batchfold.testing.context import Seconds
from batchfold.testing.model.answer import Answer, CompleteFailure, CompleteSuccess, Reading, read_answer
from batchfold.testing.model.delivery import Delivery, Removal
from batchfold.testing.model.source_record import SourceRecord
from batchfold.testing.refuse import refuse_other_numbers, refuse_other_seconds

ENDLESS = -1
"""What AWS writes for a number of retries, or an age, without a limit."""


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """The settings that the mappings of Kinesis, DynamoDB Streams and Kafka share, in AWS's words.

    `maximum_retry_attempts` and `maximum_record_age_in_seconds` are -1 when there is no limit. What is given up goes to
    the on-failure destination if there is one. AWS does not say whether partial progress resets the count of retries;
    `retries_reset_on_progress` has it either way. `seconds_between_retries` stands for AWS's undisclosed backoff.

    Not modelled: tumbling windows, `ParallelizationFactor`, several shards (each is a model of its own).

    Raises:
        ValueError: A setting is outside of what AWS allows.
    """

    batch_size: int = 100
    maximum_retry_attempts: int = ENDLESS
    maximum_record_age_in_seconds: int = ENDLESS
    bisect_batch_on_function_error: bool = False
    on_failure_destination: bool = False
    report_batch_item_failures: bool = True
    retries_reset_on_progress: bool = False
    seconds_between_retries: Seconds = 1.0

    def __post_init__(self) -> None:
        refuse_other_numbers("batch_size", self.batch_size, 1, 10_000)
        refuse_other_numbers("maximum_retry_attempts", self.maximum_retry_attempts, ENDLESS, 10_000)
        if self.maximum_record_age_in_seconds != ENDLESS:
            refuse_other_numbers(
                "maximum_record_age_in_seconds, if it is not -1,", self.maximum_record_age_in_seconds, 60, 604_800
            )
        refuse_other_seconds("seconds_between_retries", self.seconds_between_retries, 0)

    @property
    def retry_limit(self) -> int:
        """How often a batch is retried: `maximum_retry_attempts` as a rule."""
        return self.maximum_retry_attempts

    @property
    def most_deliveries(self) -> int | None:
        """How often a record that never succeeds is delivered before it is discarded; `None`: for ever.

        Bisecting, and retries that start anew after progress, may add to it.
        """
        limits: list[int] = []
        if self.retry_limit != ENDLESS:
            limits.append(self.retry_limit + 1)
        if self.maximum_record_age_in_seconds != ENDLESS and self.seconds_between_retries > 0:
            limits.append(1 + int(self.maximum_record_age_in_seconds / self.seconds_between_retries))
        return min(limits, default=None)


@runtime_checkable
class StreamMapping(Protocol):
    """What the stream's state asks of the mapping whose stream it is."""

    @property
    def settings(self) -> StreamSettings:
        """The mapping's settings."""
        ...

    def deliver(self, records: tuple[SourceRecord, ...], *, at: Seconds) -> Delivery:
        """The batch that holds these records."""
        ...

    def comes_back_after(self, earlier: SourceRecord, later: SourceRecord, /) -> bool:
        """Whether `later` comes back because `earlier`, before it in the batch, was named."""
        ...


@dataclass(frozen=True)
class PendingBatch:
    """A batch that is not done with, and how many of its retries are used up."""

    records: tuple[SourceRecord, ...]
    retries: int = 0


@dataclass(frozen=True, kw_only=True)
class StreamState:
    """The stream at one moment. `delivery` is the batch that the function has been given, `None` when all is over.

    `pending` are the batches that are being retried, the next one first: more than one after a batch was bisected.
    `unread` has not been delivered yet. `removed` says of each record that is over what ended it.
    """

    mapping: StreamMapping
    unread: tuple[SourceRecord, ...]
    pending: tuple[PendingBatch, ...] = ()
    now: Seconds = 0.0
    removed: Mapping[int, Removal] = field(default_factory=dict[int, Removal])
    delivery: Delivery | None = None

    def step(self, answer: Answer, *, ended_at: Seconds) -> tuple[Reading, "StreamState"]:
        """What the mapping makes of the answer, and the stream with its next batch on the way.

        Raises:
            ValueError: No batch is on its way, or it was not yet when the function is said to have ended.
        """
        if self.delivery is None:
            raise ValueError("The stream is drained: there is no batch that this could be the answer to.")
        refuse_other_seconds("ended_at, which comes after the delivery,", ended_at, self.delivery.at)
        reading = read_answer(
            answer,
            self.delivery.identifiers,
            report_batch_item_failures=self.mapping.settings.report_batch_item_failures,
        )
        batch, following = self.pending[0], self.pending[1:]
        retried = self._retried(batch, reading)
        left = {record for part in retried for record in part.records}
        done = [record for record in batch.records if record not in left]
        state = replace(
            self,
            pending=(*retried, *following),
            now=ended_at + (self.mapping.settings.seconds_between_retries if retried else 0.0),
            removed=_with(self.removed, done, "done"),
            delivery=None,
        )
        return reading, state.read()

    def read(self) -> "StreamState":
        """Give up what has no retries left or is too old, and put the next batch on its way."""
        pending, unread, removed = self.pending, self.unread, self.removed
        while pending or unread:
            if not pending:
                size = self.mapping.settings.batch_size
                pending, unread = (PendingBatch(unread[:size]),), unread[size:]
            batch = pending[0]
            if not self._is_given_up(batch):
                delivery = self.mapping.deliver(batch.records, at=self.now)
                return replace(self, pending=pending, unread=unread, removed=removed, delivery=delivery)
            pending, removed = pending[1:], _with(removed, batch.records, "discarded")
        return replace(self, pending=(), unread=(), removed=removed)

    def _retried(self, batch: PendingBatch, reading: Reading) -> tuple[PendingBatch, ...]:
        settings = self.mapping.settings
        match reading:
            case CompleteSuccess():
                return ()
            case CompleteFailure():
                if settings.bisect_batch_on_function_error and len(batch.records) > 1:
                    # Splitting does not use up a retry.
                    middle = len(batch.records) // 2
                    halves = (batch.records[:middle], batch.records[middle:])
                    return tuple(PendingBatch(half, batch.retries) for half in halves)
                return (PendingBatch(batch.records, batch.retries + 1),)
            case _:
                named = [record for record in batch.records if record.position in reading.named]
        back = tuple(record for record in batch.records if self._comes_back(record, named))
        progress = len(back) < len(batch.records)
        if progress and settings.retries_reset_on_progress:
            return (PendingBatch(back, 0),)
        split = progress and settings.bisect_batch_on_function_error
        return (PendingBatch(back, batch.retries + (0 if split else 1)),)

    def _comes_back(self, record: SourceRecord, named: list[SourceRecord]) -> bool:
        return record in named or any(
            other.position < record.position and self.mapping.comes_back_after(other, record) for other in named
        )

    def _is_given_up(self, batch: PendingBatch) -> bool:
        settings = self.mapping.settings
        retries_are_over = ENDLESS < settings.retry_limit < batch.retries
        # Everything was written at the model's beginning, so one record of a batch is as old as the other.
        too_old = ENDLESS < settings.maximum_record_age_in_seconds < self.now
        return retries_are_over or too_old


def _with(removed: Mapping[int, Removal], records: Iterable[SourceRecord], why: Removal) -> dict[int, Removal]:
    return {**removed, **{record.position: why for record in records}}


def raw_records(delivery: Delivery) -> tuple[dict[str, Any], ...]:
    """The raw records of a delivery whose event lists them under `Records`."""
    return tuple(delivery.event["Records"])
