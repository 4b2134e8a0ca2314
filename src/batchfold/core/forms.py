"""Telling what form a value of unknown type has, so that the checkers learn it too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typing_extensions import TypeIs


def is_list(value: object) -> TypeIs[Sequence[Any]]:
    """Whether it is a sequence, text and bytes apart."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
