"""A shard of a Kinesis data stream and its event source mapping."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from batchfold.testing.context import Seconds
from batchfold.testing.model.delivery import Delivery
from batchfold.testing.model.source_record import SourceRecord
from batchfold.testing.model.stream import StreamSettings, StreamState, raw_records
from batchfold.testing.stream_events import KinesisData, kinesis_event, kinesis_sequence_number


@dataclass(frozen=True, kw_only=True)
class KinesisStream(StreamSettings):
    """A shard of a Kinesis data stream and its event source mapping; the settings are those of `StreamSettings`.

    From the lowest sequence number that the response names on, everything is delivered again.
    """

    @property
    def settings(self) -> StreamSettings:
        """The mapping's settings."""
        return self

    def default_payload(self, name: str) -> object:
        """The data of the record with this name: the name."""
        return name

    def lane_of(self, _record: SourceRecord) -> Hashable | None:
        """The lane in which the stream itself keeps order: the shard."""
        return "shard"

    def comes_back_after(self, _earlier: SourceRecord, _later: SourceRecord, /) -> bool:
        """Whether a record comes back because one before it does: always."""
        return True

    def deliver(self, records: tuple[SourceRecord, ...], *, at: Seconds) -> Delivery:
        """The batch that holds these records."""
        numbers = {kinesis_sequence_number(record.position): record for record in records}
        event = kinesis_event(
            *(KinesisData(record.payload, record.key, number) for number, record in numbers.items()),
        )
        return Delivery(at, records, event, {number: record.position for number, record in numbers.items()})

    def raw_records(self, delivery: Delivery) -> tuple[dict[str, Any], ...]:
        """The raw records of a delivery, one for each of its records."""
        return raw_records(delivery)

    def begin(self, records: tuple[SourceRecord, ...]) -> StreamState:
        """The shard with these records written to it, and its first batch on the way."""
        return StreamState(mapping=self, unread=records).read()
