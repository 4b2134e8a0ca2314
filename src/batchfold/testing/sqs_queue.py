"""The model of SQS: receive, hide, delete what is done, let the rest become visible again, give up into dead letters.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html
and, for a group that waits for its message in flight and for how a receive is filled,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html.
"""

from abc import abstractmethod
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from batchfold.core.lanes import Lane
from batchfold.sources.sqs import by_message_group
from batchfold.testing.answers import Answer, Reading, not_done
from batchfold.testing.context import Seconds
from batchfold.testing.event_parts import deterministic_id, moment_at
from batchfold.testing.event_source import Delivery, EventSource, Removal, SourceRecord, SourceState
from batchfold.testing.queue_events import SqsMessage, sqs_event
from batchfold.testing.refuse import refuse_other_numbers, refuse_other_seconds, refuse_text

_FIRST_SEQUENCE_NUMBER = 18_849_496_460_467_696_128
_HIDDEN_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Queue(EventSource):
    """A source that hands out each message by itself, hides it meanwhile, and counts how often it did."""

    removal: ClassVar[Removal] = "dead-letter"
    """How a message leaves that was received too often."""

    @property
    def hidden_seconds(self) -> Seconds:
        """How long a message that was received stays hidden: half a minute, where nothing else is said."""
        return _HIDDEN_SECONDS

    @property
    def is_released_at_once(self) -> bool:
        """Return whether a message that is not done is visible again when the function ends, not when its time is over."""
        return False

    @property
    def ordered_by_key(self) -> bool:
        """Return whether messages of one key are delivered in order, so that they wait for each other."""
        return False

    @property
    def delivered_once_more(self) -> AbstractSet[str]:
        """The names of the messages that are delivered once more after they are done."""
        return frozenset()

    @abstractmethod
    def deliver(
        self, records: tuple[SourceRecord, ...], *, at: Seconds, receive_counts: Mapping[int, int] | None = None
    ) -> Delivery:
        """Return the batch that holds these records; each is received for the first time if nothing else is said."""

    def begin(self, records: tuple[SourceRecord, ...]) -> "QueueState":
        """Return the queue with these messages in it, and its first batch on the way."""
        messages = tuple(Message(record, once_more=record.name in self.delivered_once_more) for record in records)
        return QueueState(queue=self, messages=messages).receive()


@dataclass(frozen=True, kw_only=True)
class SqsQueue(Queue):
    """An SQS queue and its event source mapping, in AWS's words.

    `fifo=True` makes its message groups be delivered in order: while a message is in flight, the rest of its group
    waits. A message that has been received `max_receive_count` times goes to the dead-letter queue instead of being
    received again; with `None` there is no dead-letter queue and it comes back for ever.

    A standard queue delivers at least once. The messages named in `delivered_twice` come once more after they are done.

    Not modelled: that a batching window waits (it only allows larger batches), and the retention period.

    Raises:
        ValueError: AWS does not allow a setting. A batch of more than 10 needs `maximum_batching_window_in_seconds`, and
            a FIFO queue has no such window.
    """

    source_name: ClassVar[str] = "SQS"
    lanes: ClassVar[tuple[Lane, ...]] = (by_message_group,)
    payload_at: ClassVar[str] = "record.body"

    fifo: bool = False
    visibility_timeout_seconds: Seconds = _HIDDEN_SECONDS
    max_receive_count: int | None = None
    maximum_batching_window_in_seconds: int = 0
    delivered_twice: AbstractSet[str] = frozenset()

    def __post_init__(self) -> None:
        window = self.maximum_batching_window_in_seconds
        refuse_other_numbers("maximum_batching_window_in_seconds", window, 0, 300)
        if self.fifo:
            refuse_other_numbers("batch_size of a FIFO queue", self.batch_size, 1, 10)
            if window:
                raise ValueError("A FIFO queue has no batching window: leave maximum_batching_window_in_seconds out.")
        elif window:
            refuse_other_numbers("batch_size of a standard queue", self.batch_size, 1, 10_000)
        else:
            what = "batch_size of a standard queue without maximum_batching_window_in_seconds"
            refuse_other_numbers(what, self.batch_size, 1, 10)
        if self.max_receive_count is not None:
            refuse_other_numbers("max_receive_count", self.max_receive_count, 1, 1_000)
        refuse_other_seconds("visibility_timeout_seconds", self.visibility_timeout_seconds, 0, 12 * 60 * 60)
        refuse_text("delivered_twice", self.delivered_twice, 'a set of names, such as {"A1"}')
        if self.fifo and self.delivered_twice:
            raise ValueError("A FIFO queue delivers no message again that is done: leave delivered_twice out.")

    @property
    def most_deliveries(self) -> int | None:
        """How often a record that never succeeds is delivered before it leaves the queue; `None`: for ever."""
        return self.max_receive_count

    @property
    def hidden_seconds(self) -> Seconds:
        """The visibility timeout."""
        return self.visibility_timeout_seconds

    @property
    def ordered_by_key(self) -> bool:
        """Return whether message groups are delivered in order: on a FIFO queue."""
        return self.fifo

    @property
    def delivered_once_more(self) -> AbstractSet[str]:
        """The messages named in `delivered_twice`."""
        return self.delivered_twice

    def lane_of(self, record: SourceRecord, /) -> Hashable | None:
        """Return the message group on a FIFO queue; a standard queue promises no order."""
        return record.key if self.fifo else None

    def check_timeout(self, timeout_seconds: Seconds, /) -> None:
        """Raise `ValueError` for a function's timeout that is longer than the visibility timeout."""
        if timeout_seconds > self.visibility_timeout_seconds:
            raise ValueError(
                f"visibility_timeout_seconds={self.visibility_timeout_seconds:g} is shorter than the function's "
                f"timeout_seconds={timeout_seconds:g}: AWS refuses such a mapping, and advises six times the timeout."
            )

    def delivering_twice(self, names: Collection[str], /) -> Self:
        """Return the queue that delivers these messages twice; a FIFO queue stays as it is."""
        return self if self.fifo else replace(self, delivered_twice=frozenset(names))

    def deliver(
        self, records: tuple[SourceRecord, ...], *, at: Seconds, receive_counts: Mapping[int, int] | None = None
    ) -> Delivery:
        """Return the batch that holds these records; each is received for the first time if nothing else is said."""
        counts = receive_counts or {}
        event = sqs_event(
            *(self._message(record, counts.get(record.position, 1)) for record in records), fifo=self.fifo
        )
        identifiers: dict[Hashable, int] = {_message_id(record): record.position for record in records}
        return Delivery(at, records, event, tuple(event["Records"]), identifiers)

    def _message(self, record: SourceRecord, receive_count: int) -> SqsMessage:
        return SqsMessage(
            record.payload,
            message_group_id=record.key if self.fifo else None,
            message_id=_message_id(record),
            message_deduplication_id=record.name,
            approximate_receive_count=receive_count,
            sent_at=moment_at(record.position),
            sequence_number=str(_FIRST_SEQUENCE_NUMBER + record.position) if self.fifo else None,
        )


def _message_id(record: SourceRecord) -> str:
    return deterministic_id("orders", record.position)


@dataclass(frozen=True)
class Message:
    """A message in the queue: from when on it can be received, and how often it has been.

    `once_more` says that it will be delivered again after it is done, `is_duplicate` that it is about to be.
    """

    record: SourceRecord
    visible_at: Seconds = 0.0
    receive_count: int = 0
    once_more: bool = False
    is_duplicate: bool = False


@dataclass(frozen=True, kw_only=True)
class QueueState(SourceState):
    """A queue at one moment, with the messages that are in it, in flight or not."""

    queue: Queue
    messages: tuple[Message, ...]

    def step(self, answer: Answer, *, ended_at: Seconds) -> "tuple[Reading, QueueState]":
        """Delete what the answer leaves out, release the rest, and receive the next batch. See `SourceState`."""
        delivery, reading = self.answered(
            answer, ended_at=ended_at, report_batch_item_failures=self.queue.report_batch_item_failures
        )
        back = not_done(reading, delivery.positions)
        done = frozenset(delivery.positions) - back
        once_more = {message.record.position for message in self.messages if message.once_more} & done
        removed: dict[int, Removal] = {**self.removed, **dict.fromkeys(done - once_more, "done")}
        messages: list[Message] = []
        for message in self.messages:
            if message.record.position in once_more:
                messages.append(replace(message, once_more=False, is_duplicate=True, visible_at=ended_at))
            elif message.record.position in back and self.queue.is_released_at_once:
                messages.append(replace(message, visible_at=ended_at))
            elif message.record.position not in removed:
                messages.append(message)
        state = replace(self, messages=tuple(messages), removed=removed, now=ended_at, delivery=None)
        return reading, state.receive()

    def receive(self) -> "QueueState":
        """Return the queue after its next receive, which waits until a message is visible."""
        if not self.messages:
            return self
        received, given_up = self._receivable()
        removed: dict[int, Removal] = {**self.removed, **dict.fromkeys(given_up, self.queue.removal)}
        messages = tuple(message for message in self.messages if message.record.position not in removed)
        state = replace(self, messages=messages, removed=removed)
        if received:
            return state.in_flight(received)
        if given_up:
            return state.receive()
        later = (message.visible_at for message in self.messages if message.visible_at > self.now)
        return replace(state, now=min(later)).receive()

    def in_flight(self, received: Sequence[Message]) -> "QueueState":
        """Return the queue with these messages delivered, and hidden until their time is over."""
        hidden_until = self.now + self.queue.hidden_seconds
        counts = {message.record.position: message.receive_count + 1 for message in received}
        records = tuple(message.record for message in received)
        delivery = self.queue.deliver(records, at=self.now, receive_counts=counts)
        repeated = frozenset(message.record.position for message in received if message.is_duplicate)
        messages = tuple(
            replace(message, visible_at=hidden_until, receive_count=message.receive_count + 1, is_duplicate=False)
            if message.record.position in counts
            else message
            for message in self.messages
        )
        return replace(self, messages=messages, delivery=replace(delivery, repeated=repeated))

    def _receivable(self) -> tuple[list[Message], list[int]]:
        """Return what is received now, and the positions of what is given up instead of being received once more."""
        received: list[Message] = []
        given_up: list[int] = []
        limit = self.queue.most_deliveries
        for message in self._visible():
            if limit is not None and message.receive_count >= limit:
                given_up.append(message.record.position)
            elif len(received) < self.queue.batch_size:
                received.append(message)
        return received, given_up

    def _visible(self) -> Iterator[Message]:
        """Yield the messages that can be received now, in the order in which a receive takes them."""
        if not self.queue.ordered_by_key:
            in_order = sorted(self.messages, key=lambda message: message.visible_at)
            yield from (message for message in in_order if message.visible_at <= self.now)
            return
        # A receive takes as many messages of one group as it can before it goes on to another one.
        for group in dict.fromkeys(message.record.key for message in self.messages):
            for message in self.messages:
                if message.record.key == group:
                    if message.visible_at > self.now:
                        break  # it is in flight, and the rest of its group waits
                    yield message
