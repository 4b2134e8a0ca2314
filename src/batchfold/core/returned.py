"""What a handler returned: a `Result`, or the reason why it cannot count as one.

Checkers refuse most of what is refused here, but a handler typed to return `Any` passes them all, and what is lost
then is somebody's message.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import Any, cast

from returns.primitives.container import BaseContainer
from returns.result import Failure, Result, Success

from batchfold.core.faults import Crashed


def result_of(returned: object, giver: str = "the handler") -> Result[Any, Any] | Crashed:
    """The `Result` that a handler (or whoever `giver` names) returned, taken out of its `IOResult` if it stands in one.

    Anything else is `Crashed` with a `TypeError` that says what came back and how to mend it: `None`, a bare value, an
    awaitable, and a `Success` that holds a container or an awaitable (`@safe` on a function that returns a `Result`
    makes one: a failure inside would be lost).
    """
    kind = type(returned)
    if kind is Success:
        success: Any = returned  # the line above says it, but not to the checkers
        value: Any = success.unwrap()
        if value is None or not _has_an_outcome(value):
            return success  # type: ignore[no-any-return]  # as above
        close_unawaited(value)
        return _refused(
            f"{giver} returned a Success that holds a {type(value).__name__}, whose own outcome would be lost; "
            "a Result inside comes of `@safe` on a function that returns a Result: take `@safe` off, "
            "or flatten it with returns.converters.flatten; an awaitable must be awaited first"
        )
    if kind is Failure:
        return cast("Failure[Any]", returned)  # as above
    if _is_io_result(returned):
        from returns.unsafe import unsafe_perform_io  # noqa: PLC0415  # as below

        return result_of(unsafe_perform_io(cast("Any", returned)), giver)
    return _refused(_complaint(returned, giver))


def is_awaitable(value: object) -> bool:
    """Whether `value` can be awaited, asked of its type alone."""
    return hasattr(type(value), "__await__")


def _has_an_outcome(value: object) -> bool:
    """Whether a value is a container or an awaitable, asked of its type alone."""
    kind: type = type(value)
    try:
        return _is_container_or_awaitable(kind)
    except TypeError:  # its metaclass takes the hash away
        return _is_container_or_awaitable.__wrapped__(kind)


@lru_cache(maxsize=64)
def _is_container_or_awaitable(kind: type) -> bool:
    # kept, for to ask takes as long as all the rest that batchfold does for a record
    return BaseContainer in kind.__mro__ or hasattr(kind, "__await__")


def _is_io_result(value: object) -> bool:
    # by name: returns.io costs a cold start 6 ms
    return any((kind.__module__, kind.__name__) == ("returns.io", "IOResult") for kind in type(value).__mro__)


def _complaint(returned: object, giver: str) -> str:
    name = type(returned).__name__
    if returned is None:
        return (
            f"{giver} returned None, expected a Result: a `return` may be missing; "
            "return Success(None) for a record that is done"
        )
    if type(returned).__module__.startswith("returns.context"):
        return (
            f"{giver} returned a {name}, which needs the Lambda context: only as_lambda_handler passes it on; "
            "elsewhere call the handler with the context yourself"
        )
    if is_awaitable(returned):
        close_unawaited(returned)
        return (
            f"{giver} returned an awaitable ({name}), expected a Result: "
            "async handlers go to process_batch_async, fold_batch_async or as_lambda_handler"
        )
    return (
        f"{giver} returned a {name}, expected a Result: return Success(value) or Failure(error), "
        "or decorate a function that raises with returns.result.safe"
    )


def close_unawaited(value: object) -> None:
    """Spare the user a warning about a coroutine that was never awaited. One that will not be closed is let be."""
    close = getattr(value, "close", None)
    if hasattr(type(value), "cr_await") and close is not None:
        with suppress(Exception):  # that it came back unawaited is what the user must hear
            close()


def _refused(complaint: str) -> Crashed:
    return Crashed(TypeError(complaint))
