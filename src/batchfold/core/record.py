"""The record: a typed, cheap, read-only view of a raw record."""

from __future__ import annotations

from typing import Any

from batchfold.core.event import RawRecord


class Record:
    """What the records of all sources have in common.

    A record reads the raw record when it is asked, copies nothing, and cannot be changed. Records are equal when their
    raw records and their payloads are; `repr` shows what identifies a record, never its payload. They can be pickled.
    """

    __slots__ = ("_raw",)

    _raw: RawRecord

    @property
    def raw(self) -> RawRecord:
        """The raw record, as Lambda delivered it."""
        return self._raw

    def _payload(self) -> Any:
        """The parsed payload, by which records of one source are told apart besides their raw record."""
        raise NotImplementedError

    def _identity(self) -> str:
        """What `repr` shows."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record) or type(self) is not type(other):
            return NotImplemented
        return self._raw == other._raw and self._payload() == other._payload()

    __hash__ = None  # type: ignore[assignment]  # a raw record is a mapping, and mappings have no hash

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._identity()})"
