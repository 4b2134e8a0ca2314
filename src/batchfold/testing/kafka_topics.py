"""The models of Kafka: a topic with partitions in order, and a share group, which has no order.

The share group is the "Queue" mode of a mapping: https://docs.aws.amazon.com/lambda/latest/dg/polling-kafka-queue.html.
The events of both look the same.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar, Literal, TypeAlias, get_args

from batchfold.core.lanes import Lane
from batchfold.core.records import RawRecord
from batchfold.sources.kafka import by_message_key, by_topic_partition
from batchfold.testing.context import Seconds
from batchfold.testing.event_source import Delivery, Removal, SourceRecord
from batchfold.testing.refuse import refuse_other_numbers, refuse_other_words
from batchfold.testing.sqs_queue import Queue
from batchfold.testing.stream_events import KafkaMessage, kafka_event
from batchfold.testing.stream_retries import ENDLESS, StreamSettings, StreamState

KafkaRedelivery: TypeAlias = Literal["named", "from_lowest_offset"]
"""Which records of a partition come again after a partial response."""

_TOPIC = "orders"


@dataclass(frozen=True, kw_only=True)
class KafkaTopic(StreamSettings):
    """A Kafka topic and its event source mapping (provisioned mode); the settings are those of `StreamSettings`.

    A record's key decides its partition, and one batch holds records of several. AWS says that Lambda retries the
    records that the response names, but not whether those behind them in the partition come again too: `redelivery`
    has it either way. With an on-failure destination, endless retries are ten.

    Not modelled: the documents that go to the destination.
    """

    source_name: ClassVar[str] = "Kafka"
    lanes: ClassVar[tuple[Lane, ...]] = (by_topic_partition, by_message_key)
    payload_at: ClassVar[str] = "record.value"

    partitions: int = 2
    redelivery: KafkaRedelivery = "named"
    self_managed: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_other_numbers("partitions", self.partitions, 1)
        refuse_other_words("redelivery", self.redelivery, get_args(KafkaRedelivery))

    @property
    def retry_limit(self) -> int:
        """How often a batch is retried: ten times when `maximum_retry_attempts` is endless and there is a destination."""
        is_endless = self.maximum_retry_attempts == ENDLESS
        return 10 if is_endless and self.on_failure_destination else self.maximum_retry_attempts

    def lane_of(self, record: SourceRecord, /) -> Hashable | None:
        """Return the partition: Kafka keeps order within it."""
        return _partition(record, self.partitions)

    def comes_back_after(self, earlier: SourceRecord, later: SourceRecord, /) -> bool:
        """Return whether a record behind another one in its partition comes back with it: as `redelivery` says."""
        return self.redelivery == "from_lowest_offset" and self.lane_of(earlier) == self.lane_of(later)

    def deliver(self, records: tuple[SourceRecord, ...], *, at: Seconds) -> Delivery:
        """Return the batch that holds these records, listed by partition."""
        return _deliver(records, at, self.partitions, self_managed=self.self_managed)

    def begin(self, records: tuple[SourceRecord, ...]) -> StreamState:
        """Return the topic with these records written to it, and its first batch on the way."""
        return StreamState(mapping=self, unread=records).read()


@dataclass(frozen=True, kw_only=True)
class KafkaShareGroup(Queue):
    """A Kafka share group and its event source mapping in "Queue" mode, on a self-managed cluster.

    There is no order, not within a partition either. A record that is not done is released and can be delivered again
    at once; after `delivery_limit` deliveries it is archived, that is, given up. So a lane that stops at a failure costs
    the records behind it a delivery each time, and they may be archived without having been started: use
    `kafka(lane=each_record)`, and ask `assert_safe` with `must_start=True`.
    """

    source_name: ClassVar[str] = "Kafka"
    payload_at: ClassVar[str] = "record.value"
    removal: ClassVar[Removal] = "archived"

    batch_size: int = 100
    delivery_limit: int = 5
    partitions: int = 2

    def __post_init__(self) -> None:
        refuse_other_numbers("batch_size", self.batch_size, 1, 10_000)
        refuse_other_numbers("delivery_limit", self.delivery_limit, 1)
        refuse_other_numbers("partitions", self.partitions, 1)

    @property
    def most_deliveries(self) -> int | None:
        """How often a record that never succeeds is delivered: up to the delivery limit."""
        return self.delivery_limit

    @property
    def hidden_seconds(self) -> Seconds:
        """None: a record belongs to its batch until the function ends, and is released then."""
        return 0.0

    @property
    def is_released_at_once(self) -> bool:
        """Return whether a record that is not done can be delivered again when the function ends: always."""
        return True

    def deliver(
        self,
        records: tuple[SourceRecord, ...],
        *,
        at: Seconds,
        receive_counts: Mapping[int, int] | None = None,  # noqa: ARG002  # an event of Kafka does not tell them
    ) -> Delivery:
        """Return the batch that holds these records, listed by partition."""
        in_order = tuple(sorted(records, key=lambda record: record.position))
        return _deliver(in_order, at, self.partitions, self_managed=True)


def _deliver(records: tuple[SourceRecord, ...], at: Seconds, partitions: int, *, self_managed: bool) -> Delivery:
    # An offset is the position in the whole topic: offsets may have gaps, and so they have some here.
    event = kafka_event(
        *(
            KafkaMessage(
                record.payload,
                key=record.key,
                topic=_TOPIC,
                partition=_partition(record, partitions),
                offset=record.position,
            )
            for record in records
        ),
        self_managed=self_managed,
    )
    # The event lists the records partition by partition, and that is the order in which they are there.
    raws: tuple[RawRecord, ...] = tuple(chain.from_iterable(event["records"].values()))
    by_position = {record.position: record for record in records}
    identifiers: dict[Hashable, int] = {(f"{_TOPIC}-{raw['partition']}", raw["offset"]): raw["offset"] for raw in raws}
    return Delivery(at, tuple(by_position[raw["offset"]] for raw in raws), event, raws, identifiers)


def _partition(record: SourceRecord, partitions: int) -> int:
    return sum(record.key.encode()) % partitions
