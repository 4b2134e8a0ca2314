"""The model of a stream's retries: the checkpoint, the count of retries, the growing interval, age, bisecting.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html says how a partial response
and a bisected batch are retried, https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html what
the settings mean, and https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html the same for Kafka.
Where AWS says nothing, the model does what AWS was recorded to do (tests/testing/test_recorded.py): partial progress
starts the count of retries anew, the interval between retries grows, and a record that is too old is discarded alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Literal, Self, TypeAlias, assert_never, get_args

from batchfold.testing.answers import (
    Answer,
    CompleteFailure,
    CompleteSuccess,
    PartialFailure,
    Raised,
    Reading,
    TimedOut,
)
from batchfold.testing.context import Seconds, timestamp
from batchfold.testing.event_parts import SENT_AT_MS, arn, deterministic_id
from batchfold.testing.event_source import EventSource, Removal, SourceRecord, SourceState, comes_back_with
from batchfold.testing.refuse import refuse_other_numbers, refuse_other_seconds, refuse_other_words

ENDLESS = -1
"""AWS's word for a number of retries, or an age, without a limit."""

_INTERVAL_GROWS_BY = 1.6
"""With a first interval of one second, a record of at most 60 s is delivered 8 times, as was recorded."""
_LONGEST_INTERVAL_SECONDS = 60.0

Destination: TypeAlias = Literal["SQS", "SNS", "S3"]
"""Where the documents about discarded records go. S3 gets the records too."""

_Condition: TypeAlias = Literal["RetryAttemptsExhausted", "RecordAgeExceeded"]


@dataclass(frozen=True, kw_only=True)
class StreamSettings(EventSource):
    """The settings that the mappings of Kinesis, DynamoDB Streams and Kafka share, in AWS's words.

    `maximum_retry_attempts` and `maximum_record_age_in_seconds` are -1 when there is no limit. Documents about what is
    discarded go to the on-failure destination: `True` stands for one of SQS or SNS. `seconds_between_retries` is
    the first interval; each further one is longer. `retries_reset_on_progress=False` counts on through partial
    progress, as emulators of Lambda do; AWS was recorded to start anew on Kinesis and DynamoDB Streams, and nobody has
    recorded Kafka. Nor has anybody recorded bisecting: it follows AWS's text.

    Raises:
        ValueError: AWS does not allow a setting.
    """

    batch_size: int = 100
    maximum_retry_attempts: int = ENDLESS
    maximum_record_age_in_seconds: int = ENDLESS
    bisect_batch_on_function_error: bool = False
    on_failure_destination: bool | Destination = False
    retries_reset_on_progress: bool = True
    seconds_between_retries: Seconds = 1.0

    def __post_init__(self) -> None:
        refuse_other_numbers("batch_size", self.batch_size, 1, 10_000)
        refuse_other_numbers("maximum_retry_attempts", self.maximum_retry_attempts, ENDLESS, 10_000)
        if self.maximum_record_age_in_seconds != ENDLESS:
            refuse_other_numbers(
                "maximum_record_age_in_seconds, if it is not -1,", self.maximum_record_age_in_seconds, 60, 604_800
            )
        refuse_other_seconds("seconds_between_retries", self.seconds_between_retries, 0)
        if not isinstance(self.on_failure_destination, bool):
            refuse_other_words("on_failure_destination", self.on_failure_destination, get_args(Destination))

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
            limits.append(self._deliveries_within(self.maximum_record_age_in_seconds))
        return min(limits, default=None)

    @property
    def halves_on_error(self) -> bool:
        """Return whether a batch that failed is halved: as `bisect_batch_on_function_error` says."""
        return self.bisect_batch_on_function_error

    def interval(self, retries: int) -> Seconds:
        """Return the seconds before a batch is delivered again of which so many retries are used up."""
        first = self.seconds_between_retries
        longest = max(first, _LONGEST_INTERVAL_SECONDS)
        # no more than the exponent after which the longest interval is reached, for the power would overflow
        return min(longest, first * _INTERVAL_GROWS_BY ** min(max(0, retries - 1), 100))

    def batch_info(self, _records: Sequence[SourceRecord], /) -> Mapping[str, Any] | None:
        """Return what a document about discarded records says of them; `None` if such documents are not modelled."""
        return None

    def _deliveries_within(self, seconds: Seconds) -> int:
        deliveries, at = 0, 0.0
        while at <= seconds:
            deliveries += 1
            at += self.interval(deliveries)
        return deliveries


@dataclass(frozen=True)
class PendingBatch:
    """A batch that is not done with, how many of its retries are used up, and whether the last ended in an error."""

    records: tuple[SourceRecord, ...]
    retries: int = 0
    is_unhandled: bool = False


@dataclass(frozen=True, kw_only=True)
class StreamState(SourceState):
    """A stream at one moment.

    `pending` are the batches that are being retried, the next one first: more than one after a batch was bisected.
    `unread` has not been delivered yet.
    """

    mapping: StreamSettings
    unread: tuple[SourceRecord, ...]
    pending: tuple[PendingBatch, ...] = ()

    def step(self, answer: Answer, *, ended_at: Seconds) -> "tuple[Reading, StreamState]":
        """Move the checkpoint, or retry the batch, and deliver the next one. See `SourceState`."""
        _, reading = self.answered(
            answer, ended_at=ended_at, report_batch_item_failures=self.mapping.report_batch_item_failures
        )
        return reading, self.after(reading, ended_at=ended_at, is_unhandled=isinstance(answer, Raised | TimedOut))

    def after(
        self, reading: Reading, *, ended_at: Seconds, is_unhandled: bool, state: Mapping[str, Any] | None = None
    ) -> "StreamState":
        """Return the stream after its batch was answered like this, with the next one on the way.

        `is_unhandled` says that the invocation ended in an error, of which the document about discarded records tells.
        `state` is the one in the response, which windows take.
        """
        del state
        following_state, done = self._moved_on(reading, ended_at=ended_at, is_unhandled=is_unhandled)
        return replace(following_state, removed=_with(self.removed, done, "done")).read()

    def _moved_on(
        self, reading: Reading, *, ended_at: Seconds, is_unhandled: bool
    ) -> tuple[Self, tuple[SourceRecord, ...]]:
        """Return the stream with what is left of its batch, nothing of it on the way, and the records that do not come back."""
        batch, following = self.pending[0], self.pending[1:]
        retried = self._retried(batch, reading, is_unhandled=is_unhandled)
        left = {record.position for part in retried for record in part.records}
        now = ended_at + (self.mapping.interval(retried[0].retries) if retried else 0.0)
        following_state = replace(self, pending=(*retried, *following), now=now, delivery=None)
        return following_state, tuple(record for record in batch.records if record.position not in left)

    def read(self) -> "StreamState":
        """Return the stream with its next batch on the way, and without what is too old or has no retries left."""
        if not self.pending and not self.unread:
            return self
        if not self.pending:
            batched, unread = self._divided(self.unread, self.mapping.batch_size)
            return replace(self, pending=(PendingBatch(batched),), unread=unread).read()
        batch = self.pending[0]
        if expired := [record for record in batch.records if self._is_too_old(record)]:
            return self._without(batch, expired, "RecordAgeExceeded").read()
        if ENDLESS < self.mapping.retry_limit < batch.retries:
            return self._without(batch, batch.records, "RetryAttemptsExhausted").read()
        return replace(self, delivery=self.mapping.deliver(batch.records, at=self.now))

    def _retried(self, batch: PendingBatch, reading: Reading, *, is_unhandled: bool) -> tuple[PendingBatch, ...]:
        """Return what is left of a batch: nothing, the rest of it, all of it, or its halves."""
        settings = self.mapping
        match reading:
            case CompleteSuccess():
                return ()
            case CompleteFailure():
                return self._all(batch, is_unhandled=is_unhandled)
            case PartialFailure(positions):
                if settings.brings_all_back:
                    return self._all(batch, is_unhandled=is_unhandled)
                return (self._rest(batch, positions, is_unhandled=is_unhandled),)
            case _:
                assert_never(reading)

    def _divided(
        self, records: tuple[SourceRecord, ...], count: int
    ) -> tuple[tuple[SourceRecord, ...], tuple[SourceRecord, ...]]:
        """Return the records that are delivered as the first so many, and the others."""
        first = set(list(dict.fromkeys(map(self.mapping.delivered_as, records)))[:count])
        size = sum(self.mapping.delivered_as(record) in first for record in records)
        return records[:size], records[size:]

    def _all(self, batch: PendingBatch, *, is_unhandled: bool) -> tuple[PendingBatch, ...]:
        """Return the whole batch, or its halves."""
        count = len(set(map(self.mapping.delivered_as, batch.records)))
        if self.mapping.halves_on_error and count > 1:
            # Splitting does not use up a retry.
            halves = self._divided(batch.records, count // 2)
            return tuple(PendingBatch(half, batch.retries, is_unhandled) for half in halves)
        return (PendingBatch(batch.records, batch.retries + 1, is_unhandled),)

    def _rest(self, batch: PendingBatch, positions: AbstractSet[int], *, is_unhandled: bool) -> PendingBatch:
        """Return the rest of a batch of which these records were named, and how many of its retries are used up."""
        settings = self.mapping
        named = [record for record in batch.records if record.position in positions]
        back = tuple(
            record for record in batch.records if any(comes_back_with(settings, other, record) for other in named)
        )
        if len(back) == len(batch.records):
            retries = batch.retries + 1
        elif settings.retries_reset_on_progress:
            retries = 0
        else:
            retries = batch.retries + (0 if settings.halves_on_error else 1)
        return PendingBatch(back, retries, is_unhandled)

    def _is_too_old(self, record: SourceRecord) -> bool:
        return ENDLESS < self.mapping.maximum_record_age_in_seconds < self.now + record.age

    def _without(self, batch: PendingBatch, gone: Sequence[SourceRecord], condition: _Condition) -> "StreamState":
        positions = {record.position for record in gone}
        left = tuple(record for record in batch.records if record.position not in positions)
        return replace(
            self,
            pending=((replace(batch, records=left),) if left else ()) + self.pending[1:],
            removed=_with(self.removed, gone, "discarded"),
            destination=(*self.destination, *self._documents(batch, gone, condition)),
        )

    def _documents(
        self, batch: PendingBatch, gone: Sequence[SourceRecord], condition: _Condition
    ) -> Iterable[Mapping[str, Any]]:
        """Yield the document about discarded records: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html."""
        info = self.mapping.batch_info(gone) if self.mapping.on_failure_destination else None
        if info is None:
            return
        is_expired = condition == "RecordAgeExceeded"
        document: dict[str, Any] = {
            "requestContext": {
                "requestId": deterministic_id("destination", gone[0].position),
                "functionArn": arn("lambda", "function:orders-function"),
                "condition": condition,
                # Of records that are too old it was recorded to be 1, however often they had been delivered.
                "approximateInvokeCount": 1 if is_expired else batch.retries,
            },
            "version": "1.0",
            "timestamp": timestamp(SENT_AT_MS / 1_000 + self.now),
            **info,
        }
        if not is_expired:
            document["responseContext"] = {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled" if batch.is_unhandled else None,
            }
        if self.mapping.on_failure_destination == "S3":
            document["payload"] = self.mapping.deliver(tuple(gone), at=self.now).event
        yield document


def _with(removed: Mapping[int, Removal], records: Iterable[SourceRecord], why: Removal) -> dict[int, Removal]:
    return {**removed, **{record.position: why for record in records}}
