"""The event source of a model: its records, the batches that it delivers, and how a model of your own is made.

`EventSource` is the base of every model. It ties the model to the batchfold source that reads its events (`source_name`,
`lanes`), and says what a function owes to it (`lane_of`, `comes_back_after`). `assert_safe` and `drain` know nothing else
of a source, so a model of your own is a subclass: a frozen dataclass with `deliver` and `begin`. Most are short, for
`QueueState` and `StreamState` play what queues and streams have in common.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self, TypeAlias

from batchfold.core.lanes import Lane
from batchfold.core.records import RawRecord
from batchfold.testing.answers import Answer, Reading, read_answer
from batchfold.testing.context import Seconds
from batchfold.testing.refuse import refuse_other_kinds, refuse_other_seconds, refuse_text, refuse_uncallable

Payload: TypeAlias = Callable[[str], object]
"""From a record's name to its payload."""

Removal: TypeAlias = Literal["done", "dead-letter", "discarded", "archived", "error output"]
"""Why a record is no longer in the source. *done*: Lambda was told so. *dead-letter*: SQS moved it to the dead-letter
queue. *discarded*: the mapping gave it up, because its retries ran out or it was too old. *archived*: the Kafka share
group gave it up, because it reached the delivery limit. *error output*: Firehose wrote it there, untransformed."""


@dataclass(frozen=True)
class SourceRecord:
    """One record of a modelled source.

    `position` is its place among all, counted from 0. `key` is its message group, partition key, item key or Kafka
    key: its `name` without the digits at the end. `age` is how old it is when the run begins.
    """

    position: int
    name: str
    key: str
    payload: object = field(compare=False)
    age: Seconds = 0.0


@dataclass(frozen=True)
class Delivery:
    """One batch on its way to the function.

    `at` is the model's time in seconds. `raws` are the raw records of `event` as its source reads them, one for each of
    `records`.
    `identifiers` maps each item identifier to the position of its record; that of Kafka is a pair of partition and
    offset. `repeated` are the positions of records that the source delivers again although they are done.
    """

    at: Seconds
    records: tuple[SourceRecord, ...]
    event: Any
    raws: tuple[RawRecord, ...]
    identifiers: Mapping[Hashable, int]
    repeated: frozenset[int] = frozenset()

    @property
    def positions(self) -> tuple[int, ...]:
        """The positions of the delivered records in the source."""
        return tuple(record.position for record in self.records)


@dataclass(frozen=True, kw_only=True)
class SourceState(ABC):
    """A source at one moment. `delivery` is the batch that the function has been given; `None` when all is over.

    `removed` says of each record that has left the source why it did. `destination` are the documents that went to the
    on-failure destination. A state is never changed: `step` returns the next one.
    """

    now: Seconds = 0.0
    removed: Mapping[int, Removal] = field(default_factory=dict[int, Removal])
    delivery: Delivery | None = None
    destination: tuple[Mapping[str, Any], ...] = ()

    @abstractmethod
    def step(self, answer: Answer, *, ended_at: Seconds) -> "tuple[Reading, SourceState]":
        """Return what the mapping makes of the answer, and the source with its next batch on the way.

        Raises:
            ValueError: No batch is on its way, or `ended_at` is before the batch was delivered.
        """

    def answered(
        self, answer: Answer, *, ended_at: Seconds, report_batch_item_failures: bool
    ) -> tuple[Delivery, Reading]:
        """Return the batch that is answered, and the answer as the mapping reads it."""
        delivery = self.delivered(ended_at)
        reading = read_answer(answer, delivery.identifiers, report_batch_item_failures=report_batch_item_failures)
        return delivery, reading

    def delivered(self, ended_at: Seconds) -> Delivery:
        """Return the batch whose invocation ended at this time."""
        if self.delivery is None:
            raise ValueError("The source is drained: there is no batch that this could be the answer to.")
        refuse_other_seconds("ended_at, which comes after the delivery,", ended_at, self.delivery.at)
        return self.delivery


@dataclass(frozen=True, kw_only=True)
class EventSource(ABC):
    """An event source and its event source mapping, with the settings that decide what comes back.

    Subclass it for a source of your own. `source_name` is the `name` of the batchfold source that reads the events, and
    `lanes` are the lane functions that know only its raw records. `payload_at` is where a handler finds the payload; messages
    say so. Every other method has a default that is right for a queue without order.
    """

    source_name: ClassVar[str] = "an unnamed source"
    lanes: ClassVar[tuple[Lane, ...]] = ()
    payload_at: ClassVar[str] = "record.payload"
    name_at: ClassVar[str | None] = None
    """Where a handler finds the name in the default payload, if that is not the whole of it."""

    batch_size: int = 10
    report_batch_item_failures: bool = True

    @abstractmethod
    def deliver(self, records: tuple[SourceRecord, ...], *, at: Seconds) -> Delivery:
        """Return the batch that holds these records."""

    @abstractmethod
    def begin(self, records: tuple[SourceRecord, ...]) -> SourceState:
        """Return the source with these records in it, and its first batch on the way."""

    @property
    def most_deliveries(self) -> int | None:
        """How often a record that never succeeds is delivered before it leaves the source; `None`: for ever."""
        return None

    @property
    def brings_all_back(self) -> bool:
        """Return whether all records of a batch come back if one is not done: without `ReportBatchItemFailures`."""
        return not self.report_batch_item_failures

    def default_payload(self, name: str) -> object:
        """Return the payload of the record with this name: the name itself."""
        return name

    def lane_of(self, _record: SourceRecord, /) -> Hashable | None:
        """Return the lane in which the source promises order, or `None` where it promises none."""
        return None

    def default_lane_of(self, record: SourceRecord, /) -> Hashable | None:
        """Return the lane in which a function reads the source where the test gives none: that of the source."""
        return self.lane_of(record)

    def delivered_as(self, record: SourceRecord, /) -> Hashable:
        """Return what the source delivers and names when it does so with this record: the record itself.

        Another source may hold several records in one, which share its item identifier.
        """
        return record.position

    def comes_back_after(self, _earlier: SourceRecord, _later: SourceRecord, /) -> bool:
        """Return whether `later` comes back because `earlier`, before it in the batch, was named."""
        return False

    @property
    def is_windowed(self) -> bool:
        """Return whether a record is done when its window is finished, and not before."""
        return False

    def variations(self) -> "tuple[EventSource, ...]":
        """Return the source in each of the ways that AWS leaves open, which `assert_safe` tries; itself comes first."""
        return (self,)

    def check_timeout(self, _timeout_seconds: Seconds, /) -> None:  # noqa: B027  # most sources allow any
        """Raise `ValueError` for a function's timeout that AWS does not allow for this mapping."""

    def delivering_twice(self, _names: Collection[str], /) -> Self:
        """Return the source that delivers these records once more after they are done; itself if it never does that."""
        return self


def comes_back_with(source: EventSource, other: SourceRecord, record: SourceRecord) -> bool:
    """Return whether a record comes back with another one of its batch that is not done."""
    if source.delivered_as(other) == source.delivered_as(record):
        return True
    return other.position < record.position and source.comes_back_after(other, record)


def refuse_other_sources(source: object) -> None:
    """Raise `TypeError` for anything but an event source."""
    refuse_other_kinds("source", source, EventSource, "an event source, such as SqsQueue()")


def refuse_other_lanes(lane: Lane | None, source: EventSource) -> None:
    """Raise `TypeError` for anything but a lane, and `ValueError` for one that belongs to another source.

    A lane of another source would not tell the records of this one apart.
    """
    if lane is None:
        return
    refuse_uncallable("lane", lane, "a function from raw record to lane, such as each_record")
    if lane in source.lanes:
        return
    for other in _kinds_of(EventSource):  # type: ignore[type-abstract]  # none is made
        if lane in other.lanes and other.source_name != source.source_name:
            name = getattr(lane, "__name__", "this")
            raise ValueError(f"lane={name} is a lane of {other.__name__}, not of {type(source).__name__}.")


def _kinds_of(kind: type[EventSource]) -> list[type[EventSource]]:
    return [each for child in kind.__subclasses__() for each in (child, *_kinds_of(child))]


def name_records(
    names: Sequence[str], payload: Payload, ages: Mapping[str, Seconds] | None = None
) -> tuple[SourceRecord, ...]:
    """Return the records with these names, in this order; `ages` says which of them are older than the run.

    Raises:
        TypeError: `names` is text, which would be read letter by letter, or holds something other than text.
        ValueError: There are none, two share a name, a name has nothing before its digits, or an age is negative or of
            no record.

    >>> [record.key for record in name_records(["A1", "A2", "B1"], payload=str)]
    ['A', 'A', 'B']
    """
    refuse_text("records", names, 'a list of names, such as ["A1", "A2"]', kind=Sequence)
    for name in names:
        refuse_other_kinds("A record's name", name, str, "text, such as 'A1'")
    refuse_uncallable("payload", payload, "a function from a record's name to its payload")
    if not names or len(set(names)) != len(names):
        raise ValueError(
            f"A source holds at least one record, each with a name of its own; it was given {list(names)}."
        )
    for name in names:
        if not key_of(name):
            raise ValueError(
                f"A record's name is its key and a number, such as 'A1'; {name!r} has nothing before its digits."
            )
    refuse_other_kinds("ages", ages, (Mapping, type(None)), 'a mapping from names to seconds, such as {"A1": 61}')
    given = ages or {}
    if strangers := [name for name in given if name not in names]:
        raise ValueError(
            f"ages has {', '.join(map(repr, strangers))}, but the records are {', '.join(map(repr, names))}."
        )
    for name, age in given.items():
        refuse_other_seconds(f"ages[{name!r}]", age, 0)
    return tuple(
        SourceRecord(position, name, key_of(name), payload(name), given.get(name, 0.0))
        for position, name in enumerate(names)
    )


def key_of(name: str) -> str:
    """Return a record's name without its number."""
    return name.rstrip("0123456789")
