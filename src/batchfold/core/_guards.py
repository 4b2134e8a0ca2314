"""Type guards for values of unknown type, and notes on exceptions of any kind."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from typing_extensions import TypeIs


def is_mapping(value: object) -> TypeIs[Mapping[Any, Any]]:
    """Return whether it is a mapping."""
    # a dict, as JSON makes it, is told at sight: an abstract class takes five times as long
    return type(value) is dict or isinstance(value, Mapping)


def is_list(value: object) -> TypeIs[Sequence[Any]]:
    """Return whether it is a sequence other than text and bytes."""
    return type(value) is list or (isinstance(value, Sequence) and not isinstance(value, (str, bytes)))


def is_plain_list(value: object) -> TypeIs[list[Any]]:
    """Return whether it is a list, as JSON makes them."""
    return isinstance(value, list)


def is_plain_dict(value: object) -> TypeIs[dict[Any, Any]]:
    """Return whether it is a dict, as JSON makes it."""
    return isinstance(value, dict)


def is_several(value: object) -> TypeIs[Collection[Any]]:
    """Return whether it is a list, tuple or set."""
    return isinstance(value, list | tuple | set | frozenset)


def add_note(error: BaseException, note: str) -> None:
    """Add a note to an exception; for frozen dataclasses too, where `error.add_note` raises."""
    notes = getattr(error, "__notes__", None)
    if is_plain_list(notes):
        notes.append(note)
    else:
        object.__setattr__(error, "__notes__", [note])
