"""A Kafka topic and its event source mapping, Amazon MSK or self-managed."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from batchfold.testing.context import Seconds
from batchfold.testing.model.delivery import Delivery
from batchfold.testing.model.source_record import SourceRecord
from batchfold.testing.model.stream import ENDLESS, StreamSettings, StreamState
from batchfold.testing.refuse import refuse_other_numbers, refuse_other_words
from batchfold.testing.stream_events import KafkaMessage, kafka_event

KafkaRedelivery: TypeAlias = Literal["named", "from_lowest_offset"]
"""Which records of a partition come again after a partial response."""

_TOPIC = "orders"
_RETRIES_BEFORE_THE_DESTINATION = 10


@dataclass(frozen=True, kw_only=True)
class KafkaTopic(StreamSettings):
    """A Kafka topic and its event source mapping (provisioned mode); the settings are those of `StreamSettings`.

    A record's key decides its partition, and one batch holds records of several. AWS says that Lambda retries the
    records that the response names, but not whether those behind them in the partition come again too: `redelivery`
    has it either way. With an on-failure destination, endless retries are ten.
    """

    partitions: int = 2
    redelivery: KafkaRedelivery = "named"
    self_managed: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_other_numbers("partitions", self.partitions, 1)
        refuse_other_words("redelivery", self.redelivery, get_args(KafkaRedelivery))

    @property
    def settings(self) -> StreamSettings:
        """The mapping's settings."""
        return self

    @property
    def retry_limit(self) -> int:
        """How often a batch is retried: ten times when `maximum_retry_attempts` is endless and there is a destination."""
        if self.maximum_retry_attempts == ENDLESS and self.on_failure_destination:
            return _RETRIES_BEFORE_THE_DESTINATION
        return self.maximum_retry_attempts

    def default_payload(self, name: str) -> object:
        """The value of the record with this name: the name."""
        return name

    def lane_of(self, record: SourceRecord) -> Hashable | None:
        """The lane in which Kafka itself keeps order: the partition."""
        return self._partition(record)

    def comes_back_after(self, earlier: SourceRecord, later: SourceRecord, /) -> bool:
        """Whether a record comes back because one before it does: if it is behind it in its partition, and so set."""
        return self.redelivery == "from_lowest_offset" and self._partition(earlier) == self._partition(later)

    def deliver(self, records: tuple[SourceRecord, ...], *, at: Seconds) -> Delivery:
        """The batch that holds these records."""
        event = kafka_event(*(self._message(record) for record in records), self_managed=self.self_managed)
        identifiers: dict[Hashable, int] = {
            (f"{_TOPIC}-{self._partition(record)}", record.position): record.position for record in records
        }
        # The event lists the records partition by partition, and that is the order in which they are there.
        listed = {identifiers[at_offset]: raw for at_offset, raw in _by_offset(event)}
        by_position = {record.position: record for record in records}
        return Delivery(at, tuple(by_position[position] for position in listed), event, identifiers)

    def raw_records(self, delivery: Delivery) -> tuple[dict[str, Any], ...]:
        """The raw records of a delivery, one for each of its records."""
        return tuple(raw for _, raw in _by_offset(delivery.event))

    def begin(self, records: tuple[SourceRecord, ...]) -> StreamState:
        """The topic with these records written to it, and its first batch on the way."""
        return StreamState(mapping=self, unread=records).read()

    def _partition(self, record: SourceRecord) -> int:
        return sum(record.key.encode()) % self.partitions

    def _message(self, record: SourceRecord) -> KafkaMessage:
        # An offset is the position in the whole topic: offsets may have gaps, and so they have some here.
        return KafkaMessage(
            record.payload, key=record.key, topic=_TOPIC, partition=self._partition(record), offset=record.position
        )


def _by_offset(event: dict[str, Any]) -> list[tuple[tuple[str, int], dict[str, Any]]]:
    return [((listed, raw["offset"]), raw) for listed, raws in event["records"].items() for raw in raws]
