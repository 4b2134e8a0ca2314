"""What a handler returned: a `Result`, or the reason why it cannot count as one.

Checkers refuse most of what is refused here, but a handler typed to return `Any` passes them all, and what is lost
then is somebody's message.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from types import AsyncGeneratorType, GeneratorType
from typing import Any, cast

from returns.primitives.container import BaseContainer
from returns.result import Failure, Result, Success

from batchfold.core.faults import Crashed


def result_of(
    returned: object, giver: str = "the handler", *, goes_to_another_step: bool = False
) -> Result[Any, Any] | Crashed:
    """The `Result` that a handler (or whoever `giver` names) returned, taken out of its `IOResult` if it stands in one.

    Anything else is `Crashed` with a `TypeError` that says what came back and how to mend it: `None`, a bare value, an
    awaitable, and a `Success` that holds what may still fail, such as another `Result` (`@safe` on a function that
    returns one makes it), an awaitable or a generator. What goes to another step may be a generator: that runs it.
    """
    kind = type(returned)
    if kind is Success:
        success: Any = returned  # the line above says it, but not to the checkers
        value: Any = success.unwrap()
        if value is None or (hint := _not_over(value)) is None or (goes_to_another_step and hint is _NOT_RUN):
            return success  # type: ignore[no-any-return]  # as above
        close_unawaited(value)
        return _refused(
            f"{giver} returned a Success that holds a {type(value).__name__}, whose own outcome would be lost: {hint}"
        )
    if kind is Failure:
        return cast("Failure[Any]", returned)  # as above
    if _is_io_result(returned):
        from returns.unsafe import unsafe_perform_io  # noqa: PLC0415  # as below

        inside = unsafe_perform_io(cast("Any", returned))
        return result_of(inside, giver, goes_to_another_step=goes_to_another_step)
    return _refused(_complaint(returned, giver))


def is_awaitable(value: object) -> bool:
    """Whether `value` can be awaited, asked of its type alone."""
    return hasattr(type(value), "__await__")


_NOT_FLAT = (
    "a Result inside comes of `@safe` on a function that returns a Result, so take `@safe` off, "
    "or flatten it with returns.converters.flatten"
)
_NOT_AWAITED = "await it in the handler; if it comes of `@safe` on an async function, make that `@future_safe`"
_NOT_RUN = "nothing of it has run yet, so run through it in the handler, with a `for` loop say"
_NOT_WAITED_FOR = "it may still fail, so ask for its result() in the handler"


def _not_over(value: object) -> str | None:
    """What to do about a value that may still fail, asked of its type alone; `None` for any other value."""
    kind: type = type(value)
    try:
        return _not_over_yet(kind)
    except TypeError:  # its metaclass takes the hash away
        return _not_over_yet.__wrapped__(kind)


@lru_cache(maxsize=64)
def _not_over_yet(kind: type) -> str | None:
    # kept, for to ask takes as long as all the rest that batchfold does for a record
    if hasattr(kind, "__await__"):
        return _NOT_AWAITED
    if BaseContainer in kind.__mro__:
        return _NOT_FLAT
    if issubclass(kind, (GeneratorType, AsyncGeneratorType, map, filter)):
        return _NOT_RUN
    if ("concurrent.futures._base", "Future") in {(base.__module__, base.__name__) for base in kind.__mro__}:
        return _NOT_WAITED_FOR
    return None


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
