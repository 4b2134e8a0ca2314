"""`observe_all`: several observers as one."""

from __future__ import annotations

from collections.abc import Callable

from typing_extensions import TypeVar

from batchfold.core.coroutine import must_be_awaited

T = TypeVar("T")


def observe_all(*observers: Callable[[T], object]) -> Callable[[T], None]:
    """Tell every outcome to each of these observers, in the order given.

    One that raises keeps none of the others from being told. What it raised is raised once all have been told (as an
    `ExceptionGroup` if several have), is logged as that of any observer, and changes nothing.

    Raises `TypeError` at once for an async observer: nobody would await it.

    >>> observe_all(print, lambda outcome: print(len(outcome)))("text")
    text
    4
    """
    if any(map(must_be_awaited, observers)):
        raise TypeError("observe_all got an async function, expected functions that return at once")

    def observe(outcome: T) -> None:
        errors: list[Exception] = []
        for each in observers:
            try:
                each(outcome)
            except Exception as error:  # noqa: BLE001  # raised again below
                errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ExceptionGroup("several observers raised", errors)

    return observe
