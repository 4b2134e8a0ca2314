"""The base of batchfold's values: equal by content, read-only, and shown without a payload."""

from __future__ import annotations

from typing import Any


class Value:
    """A value keeps its content in private slots and offers it through properties, so it cannot be changed.

    Frozen dataclasses would say the same in fewer lines, but they cost a cold start 0.7 ms for each class, and an
    instance three times as much to make: more than handling a record may cost in all.
    """

    __slots__ = ()

    def _content(self) -> tuple[Any, ...]:
        """What makes two values of one kind equal."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, Value)  # noqa: S101  # the line above says it in a way that the checkers do not read
        return self._content() == other._content()

    def __hash__(self) -> int:
        return hash((type(self), self._content()))
