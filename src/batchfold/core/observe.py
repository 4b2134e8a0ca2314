"""Observing: being told every outcome as it is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from typing_extensions import TypeVar

from batchfold.core.outcomes import Outcome
from batchfold.core.record import Record

V = TypeVar("V")
E = TypeVar("E")
D_any = TypeVar("D_any", bound=Record, default=Record)

Observe: TypeAlias = Callable[[Outcome[V, E, D_any]], object]
"""Called once with every outcome, as soon as it is known."""
