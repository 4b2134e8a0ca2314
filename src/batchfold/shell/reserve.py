"""The reserve: the time, in milliseconds, that must remain for another record to be started."""

from __future__ import annotations

from collections.abc import Callable

from batchfold.shell.context import LambdaContext


def clock_of(context: LambdaContext | None, reserve_ms: int | None) -> Callable[[], int] | None:
    """What tells the milliseconds that remain of the invocation; `None` if time does not matter.

    Raises `TypeError` if one of the two is given without the other, `ValueError` if the reserve is negative.
    """
    if context is None and reserve_ms is None:
        return None
    if context is None or reserve_ms is None:
        given, missing = ("context", "reserve_ms") if reserve_ms is None else ("reserve_ms", "context")
        raise TypeError(
            f"{given}= was given without {missing}=: records are started until the context has only reserve_ms left, "
            "so pass both, or neither"
        )
    refuse_negative(reserve_ms)
    # a LambdaContext has it; a test's may not
    remaining: Callable[[], int] | None = getattr(context, "get_remaining_time_in_millis", None)
    if remaining is None:
        raise TypeError(
            f"reserve_ms={reserve_ms} needs a context that has get_remaining_time_in_millis(), "
            f"got a {type(context).__name__}; batchfold.testing has one for tests"
        )
    return remaining


def refuse_negative(reserve_ms: int | None) -> None:
    """Raise `ValueError` for a reserve of less than no time."""
    if reserve_ms is not None and reserve_ms < 0:
        raise ValueError(
            f"reserve_ms is the time in milliseconds that must remain, expected 0 or more, got {reserve_ms}"
        )


def ms_before_reserve(context: LambdaContext | None, reserve_ms: int | None) -> Callable[[], int] | None:
    """What tells the milliseconds that are left until the reserve is reached; `None` if time does not matter.

    Raises what `clock_of` raises.
    """
    clock = clock_of(context, reserve_ms)
    return None if clock is None or reserve_ms is None else lambda: clock() - reserve_ms
