"""A shard of a DynamoDB stream and its event source mapping."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from batchfold.testing.change_events import DynamoDBChange, dynamodb_event, dynamodb_sequence_number
from batchfold.testing.context import Seconds
from batchfold.testing.model.delivery import Delivery
from batchfold.testing.model.source_record import SourceRecord
from batchfold.testing.model.stream import StreamSettings, StreamState, raw_records


@dataclass(frozen=True, kw_only=True)
class DynamoDBStream(StreamSettings):
    """A shard of a DynamoDB stream and its event source mapping; the settings are those of `StreamSettings`.

    Each record is the insertion of an item. Its key is the attribute `pk`, which holds the record's key; its new image
    holds `pk` and the payload, a mapping. From the lowest sequence number that the response names on, everything is
    delivered again.
    """

    @property
    def settings(self) -> StreamSettings:
        """The mapping's settings."""
        return self

    def default_payload(self, name: str) -> object:
        """What the new image of the item holds beside its key: the name, under `id`."""
        return {"id": name}

    def lane_of(self, _record: SourceRecord) -> Hashable | None:
        """The lane in which the stream itself keeps order: the shard."""
        return "shard"

    def comes_back_after(self, _earlier: SourceRecord, _later: SourceRecord, /) -> bool:
        """Whether a record comes back because one before it does: always."""
        return True

    def deliver(self, records: tuple[SourceRecord, ...], *, at: Seconds) -> Delivery:
        """The batch that holds these records.

        Raises:
            TypeError: A payload is not a mapping, so it is no item.
        """
        numbers = {dynamodb_sequence_number(record.position): record for record in records}
        event = dynamodb_event(*(_change(record, number) for number, record in numbers.items()))
        return Delivery(at, records, event, {number: record.position for number, record in numbers.items()})

    def raw_records(self, delivery: Delivery) -> tuple[dict[str, Any], ...]:
        """The raw records of a delivery, one for each of its records."""
        return raw_records(delivery)

    def begin(self, records: tuple[SourceRecord, ...]) -> StreamState:
        """The shard with these changes written to it, and its first batch on the way."""
        return StreamState(mapping=self, unread=records).read()


def _change(record: SourceRecord, sequence_number: str) -> DynamoDBChange:
    payload = record.payload
    if not isinstance(payload, Mapping):
        raise TypeError(
            f"The payload of a DynamoDB record is a mapping, the attributes of its item; that of {record.name} is "
            f"of type {type(payload).__name__}. Give payload= a function from name to mapping."
        )
    keys = {"pk": record.key}
    attributes = cast("Mapping[str, object]", payload)  # a narrowed Mapping forgets its types
    return DynamoDBChange(keys=keys, new_image={**keys, **attributes}, sequence_number=sequence_number)
