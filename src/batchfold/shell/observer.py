"""Observers, kept from doing harm."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, overload

T = TypeVar("T")


@overload
def harmless(observe: None) -> None: ...
@overload
def harmless(observe: Callable[[T], object]) -> Callable[[T], None]: ...
@overload
def harmless(observe: Callable[[T], object] | None) -> Callable[[T], None] | None: ...
def harmless(observe: Callable[[T], object] | None) -> Callable[[T], None] | None:
    """The same observer, except that what it raises is logged. `None` stays `None`."""
    if observe is None:
        return None

    def observe_safely(outcome: T) -> None:
        try:
            observe(outcome)
        except Exception as error:  # noqa: BLE001  # whatever it is: an observer changes nothing
            log_observer_error(error)

    return observe_safely


def log_observer_error(error: Exception) -> None:
    """Write that an observer raised."""
    from batchfold.shell.log import log_observer  # noqa: PLC0415  # logging costs a cold start 7 ms

    log_observer(error)
