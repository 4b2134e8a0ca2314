"""The records of a modelled source. Short names carry their key: `A1` and `A2` belong together, `B1` does not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from batchfold.testing.refuse import refuse_other_kinds, refuse_text, refuse_uncallable

Payload: TypeAlias = Callable[[str], object]
"""From a record's name to its payload."""


@dataclass(frozen=True)
class SourceRecord:
    """One record of a modelled source.

    `position` is its place among all, counted from 0. `key` is its message group, partition key, item key or Kafka
    key: its `name` without the digits at the end.
    """

    position: int
    name: str
    key: str
    payload: object = field(compare=False)


def name_records(names: Sequence[str], payload: Payload) -> tuple[SourceRecord, ...]:
    """The records with these names, in this order.

    Raises:
        TypeError: `names` is a text, which would be read letter by letter, or holds something else than text.
        ValueError: There are none, two share a name, or a name has nothing before its digits.

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
    records = tuple(
        SourceRecord(position, name, name.rstrip("0123456789"), payload(name)) for position, name in enumerate(names)
    )
    for record in records:
        if not record.key:
            raise ValueError(
                f"A record's name is its key and a number, such as 'A1'; {record.name!r} has nothing before its digits."
            )
    return records
