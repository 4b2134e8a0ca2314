"""Predicates: the user's yes or no, taken for nothing else."""

from __future__ import annotations

from collections.abc import Callable

from typing_extensions import TypeVar

from batchfold.core.returned import close_unawaited, is_awaitable

T = TypeVar("T")


def holds(predicate: Callable[[T], object], value: T) -> bool:
    """Whether the predicate says yes.

    Records are dropped or given up on its word, so what merely looks like a yes or a no does not count. An awaitable
    would always be a yes, a forgotten `return` always a no: `TypeError`, and the record comes back.
    """
    answer = predicate(value)
    if isinstance(answer, bool):
        return answer
    close_unawaited(answer)
    hint = ": a predicate cannot be async" if is_awaitable(answer) else ""
    raise TypeError(f"the predicate returned a {type(answer).__name__}, expected True or False{hint}")
