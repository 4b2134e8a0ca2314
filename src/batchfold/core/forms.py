"""Telling what form a value of unknown type has, so that the checkers learn it too."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from typing_extensions import TypeIs


def is_mapping(value: object) -> TypeIs[Mapping[Any, Any]]:
    """Whether it is a mapping."""
    # JSON's own first: an abstract class takes five times as long
    return type(value) is dict or isinstance(value, Mapping)


def is_list(value: object) -> TypeIs[Sequence[Any]]:
    """Whether it is a sequence, text and bytes apart."""
    return type(value) is list or (isinstance(value, Sequence) and not isinstance(value, (str, bytes)))  # as above


def is_plain_list(value: object) -> TypeIs[list[Any]]:
    """Whether it is a list, as JSON makes them."""
    return isinstance(value, list)


def is_several(value: object) -> TypeIs[Collection[Any]]:
    """Whether it is a collection of values, text, bytes and mappings apart."""
    return isinstance(value, list | tuple | set | frozenset)
