"""EventBridge Pipes: its events, and the models of a pipe from SQS, Kinesis or DynamoDB Streams to a Lambda function.

A pipe polls its source as an event source mapping does; three things differ. The event is a list, records are named by
`messageId` or `eventID`, and of a stream only the records that are named come back:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html. When it gives up is said by
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-error-troubleshooting.html.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from batchfold.core._guards import is_mapping, is_plain_list
from batchfold.sources.pipes import THROUGH_PIPES
from batchfold.testing.context import Seconds
from batchfold.testing.event_source import Delivery, EventSource, SourceRecord
from batchfold.testing.refuse import refuse_other_kinds, refuse_other_words
from batchfold.testing.sqs_queue import SqsQueue
from batchfold.testing.stream_retries import StreamSettings
from batchfold.testing.streams import DynamoDBStream, KinesisStream
from batchfold.testing.tumbling_windows import WindowSettings

_LONGEST_SECONDS = 300


def pipes_event(event: Mapping[str, Any], /) -> list[dict[str, Any]]:
    """Build the event with which a pipe delivers the records of an event of `sqs_event`, `kinesis_event` or `dynamodb_event`.

    Raises:
        TypeError: The event is no mapping.
        ValueError: It does not list its records under `Records`, as one of Kafka.

    >>> from batchfold.testing import kinesis_event, sqs_event
    >>> [raw["body"] for raw in pipes_event(sqs_event("first", "second"))]
    ['first', 'second']
    >>> pipes_event(kinesis_event("first"))[0]["partitionKey"]
    '1'
    """
    refuse_other_kinds("event", event, Mapping, 'an event of an event source mapping, such as sqs_event("a")')
    listed: object = event.get("Records")
    if not is_plain_list(listed):
        raise ValueError("event lists its records under 'Records', as sqs_event, kinesis_event and dynamodb_event do.")
    return [flat(raw) for raw in listed]


def flat(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a raw record as a pipe delivers it: the fields under `kinesis`, if it has any, beside the others."""
    part: object = raw.get("kinesis")
    others = {key: value for key, value in raw.items() if key != "kinesis"}
    return {**part, **others} if is_mapping(part) else others


def _piped(delivery: Delivery, id_key: str) -> Delivery:
    event = pipes_event(delivery.event)
    identifiers: dict[Hashable, int] = {
        raw[id_key]: position for raw, position in zip(event, delivery.positions, strict=True)
    }
    return replace(delivery, event=event, identifiers=identifiers)


def _check_pipe(source: EventSource) -> None:
    if not source.report_batch_item_failures:
        raise ValueError(
            "A pipe reads every response of a function that it waits for: leave report_batch_item_failures out."
        )


def _check_timeout(timeout_seconds: Seconds) -> None:
    if timeout_seconds > _LONGEST_SECONDS:
        raise ValueError(
            f"timeout_seconds is at most {_LONGEST_SECONDS} with a pipe, which waits no longer, not {timeout_seconds:g}."
        )


@dataclass(frozen=True, kw_only=True)
class SqsPipe(SqsQueue):
    """An SQS queue and a pipe that reads it; the settings are those of `SqsQueue`.

    Messages that the response leaves out are deleted, those that it names become visible again. The dead-letter queue is
    that of the queue.

    Raises:
        ValueError: AWS does not allow a setting.
    """

    source_name: ClassVar[str] = SqsQueue.source_name + THROUGH_PIPES

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_pipe(self)

    def check_timeout(self, timeout_seconds: Seconds, /) -> None:
        """Raise `ValueError` for a function's timeout of more than five minutes, or than the visibility timeout."""
        _check_timeout(timeout_seconds)
        super().check_timeout(timeout_seconds)

    def deliver(
        self, records: tuple[SourceRecord, ...], *, at: Seconds, receive_counts: Mapping[int, int] | None = None
    ) -> Delivery:
        """Return the batch that holds these records, whose event is a list."""
        return _piped(super().deliver(records, at=at, receive_counts=receive_counts), "messageId")


@dataclass(frozen=True, kw_only=True)
class PipedStream(StreamSettings):
    """The settings of a pipe that reads a stream, beside those of `StreamSettings`.

    Only the records that the response names come back. With `automatic_bisect` (`AUTOMATIC_BISECT` in AWS's words) the
    batch is halved instead and both halves come back, whatever the response names: AWS says that the records that are
    named are retried alone only without it.

    Not modelled: the documents that go to the dead-letter queue of the pipe.
    """

    automatic_bisect: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_pipe(self)
        if self.bisect_batch_on_function_error:
            raise ValueError("A pipe has automatic_bisect instead of bisect_batch_on_function_error.")
        if isinstance(self, WindowSettings) and self.is_windowed:
            raise ValueError("A pipe has no tumbling windows: leave tumbling_window_in_seconds out.")
        if not isinstance(self.on_failure_destination, bool):
            refuse_other_words("on_failure_destination", self.on_failure_destination, ("SQS", "SNS"))

    @property
    def halves_on_error(self) -> bool:
        """Return whether a batch that failed is halved."""
        return self.automatic_bisect

    @property
    def brings_all_back(self) -> bool:
        """Return whether all records come back if one is not done: if the batch is halved."""
        return self.automatic_bisect

    def comes_back_after(self, _earlier: SourceRecord, _later: SourceRecord, /) -> bool:
        """Return False: a pipe goes back to no checkpoint."""
        return False

    def check_timeout(self, timeout_seconds: Seconds, /) -> None:
        """Raise `ValueError` for a function's timeout of more than five minutes."""
        _check_timeout(timeout_seconds)

    def batch_info(self, _records: Sequence[SourceRecord], /) -> Mapping[str, Any] | None:
        """Return `None`: these documents are not modelled."""
        return None


@dataclass(frozen=True, kw_only=True)
class KinesisPipe(PipedStream, KinesisStream):
    """A Kinesis data stream and a pipe that reads it; the settings are those of `KinesisStream` and `PipedStream`."""

    source_name: ClassVar[str] = KinesisStream.source_name + THROUGH_PIPES

    def deliver(self, records: tuple[SourceRecord, ...], *, at: Seconds) -> Delivery:
        """Return the batch that holds these records, whose event is a list of flat records."""
        return _piped(KinesisStream.deliver(self, records, at=at), "eventID")


@dataclass(frozen=True, kw_only=True)
class DynamoDBPipe(PipedStream, DynamoDBStream):
    """A DynamoDB stream and a pipe that reads it; the settings are those of `DynamoDBStream` and `PipedStream`."""

    source_name: ClassVar[str] = DynamoDBStream.source_name + THROUGH_PIPES

    def deliver(self, records: tuple[SourceRecord, ...], *, at: Seconds) -> Delivery:
        """Return the batch that holds these records, whose event is a list."""
        return _piped(DynamoDBStream.deliver(self, records, at=at), "eventID")
