"""What the mapping hands to the function, and what in the end takes a record out of the source."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from batchfold.core.records import RawRecord
from batchfold.testing.context import Seconds
from batchfold.testing.model.source_record import SourceRecord

Removal: TypeAlias = Literal["done", "dead-letter", "discarded"]
"""Why a record is no longer in the source: its batch or itself was reported as done; SQS moved it to the dead-letter
queue; the mapping gave it up, retries or age being exhausted."""


@dataclass(frozen=True)
class Delivery:
    """One batch on its way to the function.

    `at` is the model's time in seconds. `raws` are the raw records inside `event`, one for each of `records`, and
    `identifiers` maps what names a record in the response to the record's position in the source.
    """

    at: Seconds
    records: tuple[SourceRecord, ...]
    event: dict[str, Any]
    identifiers: Mapping[Hashable, int]

    @property
    def positions(self) -> tuple[int, ...]:
        """Where the delivered records stand in the source."""
        return tuple(record.position for record in self.records)


RawRecords: TypeAlias = Sequence[RawRecord]
"""The raw records of an event, in arrival order."""
