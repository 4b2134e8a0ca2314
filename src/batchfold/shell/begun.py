"""A record whose handling was begun before it was known that the handler is async."""

from __future__ import annotations

from collections.abc import Awaitable
from contextvars import Context
from typing import Any

from batchfold.core.outcomes import Failed


class Begun:
    """A started record, and what is still to be awaited for it.

    `awaitable` is what the handler returned; or, where `failed` is given, what `settle` returned for it. `context` has
    the context variables as they were left when the awaitable was returned.
    """

    __slots__ = ("awaitable", "context", "failed", "position")

    def __init__(
        self, position: int, awaitable: Awaitable[Any], failed: Failed[Any, Any] | None, context: Context
    ) -> None:
        self.position = position
        self.awaitable = awaitable
        self.failed = failed
        self.context = context
