"""Raw records that tell when their payload is read: the place where a simulation raises the failures it was asked for.

Every function reads payloads, whatever it is made with, and no code has to be replaced for it.
"""

import sys
from collections.abc import Callable, Collection, Mapping
from types import FrameType
from typing import Any

from batchfold.core._guards import is_plain_dict, is_plain_list
from batchfold.core.lanes import assign_lanes
from batchfold.core.progress import Progress

_PAYLOADS = frozenset(("body", "data", "value"))
"""The keys of raw records under which payloads stand."""

_INNER_PAYLOADS = {"kinesis": frozenset(("data",)), "dynamodb": frozenset(("NewImage", "OldImage"))}
"""The same of what stands inside of raw records."""


_BEFORE_HANDLING: frozenset[object] = frozenset((vars(Progress)["__init__"].__code__, assign_lanes.__code__))
"""The code that a source takes user records out of aggregates by, and that asks for lanes."""


class Watched(dict[str, Any]):
    """A raw record that tells when its payload is read. A copy of it is an ordinary one."""

    __slots__ = ("_on_read", "_payloads")

    def __init__(
        self, raw: Mapping[str, Any], on_read: Callable[[], None], payloads: Collection[str] = _PAYLOADS
    ) -> None:
        super().__init__(raw)
        self._on_read = on_read
        self._payloads = payloads
        for key, inner in _INNER_PAYLOADS.items():
            held = raw.get(key)
            if is_plain_dict(held):
                super().__setitem__(key, Watched(held, on_read, inner))

    def __getitem__(self, key: str, /) -> Any:
        value = super().__getitem__(key)
        if key in self._payloads:
            self._on_read()
        return value

    def get(self, key: str, default: Any = None, /) -> Any:
        """Return the value under the key; reading the payload like this is told too."""
        return self[key] if key in self else default  # noqa: SIM401  # this is `get`

    def __reduce__(self) -> tuple[Any, ...]:
        return (dict, (dict(self),))


def with_watched(event: Any, watched: Mapping[int, Any]) -> Any:
    """The event with its raw records replaced, wherever they stand in it."""
    if id(event) in watched:
        return watched[id(event)]
    if is_plain_dict(event):
        return {key: with_watched(value, watched) for key, value in event.items()}
    if is_plain_list(event):
        return [with_watched(value, watched) for value in event]
    return event


def is_before_handling() -> bool:
    """Return whether a source or a lane function reads the payload: before any record is handled, and it must not fail."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # documented, whatever its name says
    while frame is not None:
        if frame.f_code in _BEFORE_HANDLING:
            return True
        frame = frame.f_back
    return False
