"""SQS behind an event source mapping: receive, hide, delete what is done, let the rest become visible again.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html and, for a group
that waits for its message in flight,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from batchfold.testing.context import Seconds
from batchfold.testing.event_parts import deterministic_id
from batchfold.testing.model.answer import (
    Answer,
    CompleteFailure,
    CompleteSuccess,
    PartialFailure,
    Reading,
    read_answer,
)
from batchfold.testing.model.delivery import Delivery, Removal
from batchfold.testing.model.source_record import SourceRecord
from batchfold.testing.queue_events import SqsMessage, sqs_event
from batchfold.testing.refuse import refuse_other_numbers, refuse_other_seconds

_LARGEST_STANDARD_BATCH = 10_000
_LARGEST_FIFO_BATCH = 10
_LARGEST_RECEIVE_COUNT = 1_000
_LONGEST_VISIBILITY_SECONDS = 12 * 60 * 60


@dataclass(frozen=True, kw_only=True)
class SqsQueue:
    """An SQS queue and its event source mapping, in AWS's words.

    `fifo=True` makes its message groups be delivered in order: while a message is in flight, the rest of its group
    waits. A message that has been received `max_receive_count` times goes to the dead-letter queue instead of being
    received again; with `None` there is no dead-letter queue and it comes back for ever.

    Not modelled: that a standard queue may deliver a message twice, and what happens when a function outlasts the
    visibility timeout (AWS asks for six times the function's timeout).

    Raises:
        ValueError: A setting is outside of what AWS allows.
    """

    fifo: bool = False
    batch_size: int = 10
    visibility_timeout_seconds: Seconds = 30.0
    max_receive_count: int | None = None
    report_batch_item_failures: bool = True

    def __post_init__(self) -> None:
        largest = _LARGEST_FIFO_BATCH if self.fifo else _LARGEST_STANDARD_BATCH
        refuse_other_numbers(
            f"batch_size of {'a FIFO' if self.fifo else 'a standard'} queue", self.batch_size, 1, largest
        )
        if self.max_receive_count is not None:
            refuse_other_numbers("max_receive_count", self.max_receive_count, 1, _LARGEST_RECEIVE_COUNT)
        refuse_other_seconds(
            "visibility_timeout_seconds", self.visibility_timeout_seconds, 0, _LONGEST_VISIBILITY_SECONDS
        )

    @property
    def most_deliveries(self) -> int | None:
        """How often a record that never succeeds is delivered before it leaves the queue; `None`: for ever."""
        return self.max_receive_count

    def default_payload(self, name: str) -> object:
        """The body of the message with this name: the name."""
        return name

    def lane_of(self, record: SourceRecord) -> Hashable | None:
        """The lane in which the queue itself keeps order: the message group, or none on a standard queue."""
        return record.key if self.fifo else None

    def comes_back_after(self, _earlier: SourceRecord, _later: SourceRecord, /) -> bool:
        """Whether a record comes back because one before it does: never, each message is deleted by itself."""
        return False

    def deliver(
        self, records: tuple[SourceRecord, ...], *, at: Seconds, receive_counts: Mapping[int, int] | None = None
    ) -> Delivery:
        """The batch that holds these records; each is received for the first time if nothing else is said."""
        counts = receive_counts or {}
        event = sqs_event(
            *(self._message(record, counts.get(record.position, 1)) for record in records), fifo=self.fifo
        )
        identifiers: dict[Hashable, int] = {
            f"{raw['messageId']}": record.position for raw, record in zip(event["Records"], records, strict=True)
        }
        return Delivery(at, records, event, identifiers)

    def raw_records(self, delivery: Delivery) -> tuple[dict[str, Any], ...]:
        """The raw records of a delivery, one for each of its records."""
        return tuple(delivery.event["Records"])

    def begin(self, records: tuple[SourceRecord, ...]) -> "QueueState":
        """The queue with these messages sent to it, and its first batch on the way."""
        return QueueState(queue=self, messages=tuple(Message(record) for record in records)).receive()

    def _message(self, record: SourceRecord, receive_count: int) -> SqsMessage:
        return SqsMessage(
            record.payload,
            message_group_id=record.key if self.fifo else None,
            message_id=deterministic_id("orders", record.position),
            message_deduplication_id=record.name,
            approximate_receive_count=receive_count,
        )


@dataclass(frozen=True)
class Message:
    """A message in the queue: since when, or from when on, it can be received, and how often it has been."""

    record: SourceRecord
    visible_at: Seconds = 0.0
    receive_count: int = 0


@dataclass(frozen=True, kw_only=True)
class QueueState:
    """The queue at one moment. `delivery` is the batch that the function has been given, `None` when all is over.

    `removed` says of each record that is no longer in the queue what took it out.
    """

    queue: SqsQueue
    messages: tuple[Message, ...]
    now: Seconds = 0.0
    removed: Mapping[int, Removal] = field(default_factory=dict[int, Removal])
    delivery: Delivery | None = None

    def step(self, answer: Answer, *, ended_at: Seconds) -> tuple[Reading, "QueueState"]:
        """What the mapping makes of the answer, and the queue with its next batch on the way.

        Raises:
            ValueError: No batch is on its way, or it was not yet when the function is said to have ended.
        """
        if self.delivery is None:
            raise ValueError("The queue is drained: there is no batch that this could be the answer to.")
        refuse_other_seconds("ended_at, which comes after the delivery,", ended_at, self.delivery.at)
        reading = read_answer(
            answer, self.delivery.identifiers, report_batch_item_failures=self.queue.report_batch_item_failures
        )
        done = frozenset(self.delivery.positions) - _not_done(reading, self.delivery)
        left = tuple(message for message in self.messages if message.record.position not in done)
        removed: dict[int, Removal] = {**self.removed, **dict.fromkeys(done, "done")}
        return reading, replace(self, messages=left, removed=removed, now=ended_at, delivery=None).receive()

    def receive(self) -> "QueueState":
        """Receive the next batch, after waiting until a message is visible."""
        if not self.messages:
            return self
        received, dead = self._receivable()
        removed: dict[int, Removal] = {**self.removed, **dict.fromkeys(dead, "dead-letter")}
        state = replace(
            self,
            messages=tuple(message for message in self.messages if message.record.position not in dead),
            removed=removed,
        )
        if received:
            return _deliver(state, received)
        if dead:
            return state.receive()
        later = (message.visible_at for message in self.messages if message.visible_at > self.now)
        return replace(state, now=min(later)).receive()

    def _receivable(self) -> tuple[frozenset[int], frozenset[int]]:
        """The positions of what is received now, and of what goes to the dead-letter queue instead."""
        received: list[int] = []
        dead: list[int] = []
        waiting_groups: set[str] = set()
        limit = self.queue.max_receive_count
        in_order = self.messages if self.queue.fifo else sorted(self.messages, key=lambda message: message.visible_at)
        for message in in_order:
            if self.queue.fifo and message.record.key in waiting_groups:
                continue
            if message.visible_at > self.now:
                waiting_groups.add(message.record.key)
            elif limit is not None and message.receive_count >= limit:
                dead.append(message.record.position)
            elif len(received) < self.queue.batch_size:
                received.append(message.record.position)
        return frozenset(received), frozenset(dead)


def _deliver(state: QueueState, positions: frozenset[int]) -> QueueState:
    """Put these messages on their way; until the visibility timeout is over nobody else receives them."""
    hidden_until = state.now + state.queue.visibility_timeout_seconds
    messages = tuple(
        replace(message, visible_at=hidden_until, receive_count=message.receive_count + 1)
        if message.record.position in positions
        else message
        for message in state.messages
    )
    received = [message for message in messages if message.record.position in positions]
    counts = {message.record.position: message.receive_count for message in received}
    delivery = state.queue.deliver(tuple(message.record for message in received), at=state.now, receive_counts=counts)
    return replace(state, messages=messages, delivery=delivery)


def _not_done(reading: Reading, delivery: Delivery) -> frozenset[int]:
    match reading:
        case CompleteSuccess():
            return frozenset()
        case CompleteFailure():
            return frozenset(delivery.positions)
        case PartialFailure(named):
            return named
