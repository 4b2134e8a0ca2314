"""A record whose handling was begun before it was known that the handler is async."""

from collections.abc import Awaitable
from contextvars import Context
from typing import Any, NamedTuple

from batchfold.core.outcomes import Failed


class Begun(NamedTuple):
    """A started record, and what is still to be awaited for it."""

    position: int
    awaitable: Awaitable[Any]
    """What the handler returned, or what `settle` did."""
    failed: Failed[Any, Any] | None
    """The record as it was given to `settle`; `None` if the awaitable is the handler's."""
    context: Context
    """The context variables as the handler left them when it returned the awaitable."""
