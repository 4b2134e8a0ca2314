"""Handlers: their types, when a handler is async, and what may count as its `Result`.

A handler is async if it is a coroutine function (or an object whose `__call__` is one), made by `@future_safe`, or if its
return annotation says awaitable. Nothing is found out by calling it. Whoever knows better gives `max_concurrency=`.

Checkers refuse most of what `result_of` refuses, but a handler typed to return `Any` passes them all, and what is lost
then is somebody's message.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from functools import lru_cache, partial
from inspect import iscoroutinefunction, isfunction
from types import AsyncGeneratorType, GeneratorType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeAlias, Union, cast, get_args, get_origin

from returns.interfaces.specific.result import ResultLikeN
from returns.primitives.container import BaseContainer
from returns.primitives.hkt import Kind2
from returns.result import Failure, Result, Success
from typing_extensions import TypeVar

from batchfold.core._guards import is_mapping, is_plain_dict, is_several
from batchfold.core.faults import Crashed

R = TypeVar("R")
T = TypeVar("T")
V = TypeVar("V")
E = TypeVar("E")

# `Kind2` is what the checkers make of `returns.pointfree` functions. It does not stand alone: pyright needs the union.
# Never `Coroutine` for `Awaitable`: beside `Kind2` it crashes mypy inside returns' plugin.
if TYPE_CHECKING:
    from returns.future import FutureResult
    from returns.io import IOResult

    AnyResult: TypeAlias = Union[Result[V, E], IOResult[V, E], Kind2[Union[Result[Any, Any], IOResult[Any, Any]], V, E]]
    AnyFuture: TypeAlias = Union[Awaitable[AnyResult[V, E]], Kind2[FutureResult[Any, Any], V, E]]
else:
    # returns.io and returns.future would cost every cold start 10 ms; at run time these names only describe
    AnyResult = Union[Result[V, E], Kind2[Any, V, E]]
    AnyFuture = Union[Awaitable[Kind2[Any, V, E]], Kind2[Any, V, E]]

Handler: TypeAlias = Callable[[R], AnyResult[V, E]]
"""Record in, `Result` or `IOResult` out."""

AsyncHandler: TypeAlias = Callable[[R], Awaitable[AnyResult[V, E]]]
"""Record in, an awaitable of `Result` or `IOResult` out; `FutureResult` is one.

Use `AnyFuture` for parameters and `AsyncHandler` for return types; mypy infers `Any` the other way round.
"""

_AWAITABLES = frozenset(
    (
        "AnyFuture",
        "Awaitable",
        "Coroutine",
        "Future",
        "FutureResult",
        "FutureResultE",
        "ReaderFutureResult",
        "ReaderFutureResultE",
        "RequiresContextFutureResult",
        "RequiresContextFutureResultE",
        "Task",
    )
)
_AROUND = frozenset(("Annotated", "Optional", "Union"))


def is_coroutine_function(function: object) -> bool:
    """Return whether it is an `async def`, or an object whose `__call__` is one."""
    return iscoroutinefunction(function) or (not isfunction(function) and iscoroutinefunction(type(function).__call__))


def must_be_awaited(function: object) -> bool:
    """Return whether calling it does nothing until the result is awaited: an `async def`, or `@future_safe`."""
    function = _inside(function)
    # future_safe hands on the annotations of what it wraps
    return is_coroutine_function(function) or getattr(function, "__globals__", {}).get("__name__") == "returns.future"


def is_async_function(function: object) -> bool:
    """Return whether it is async by the rule at the top of this module.

    >>> async def later(): ...
    >>> is_async_function(later), is_async_function(len), is_async_function(lambda: later())
    (True, False, False)
    """
    return must_be_awaited(function) or _is_awaitable_type(_return_annotation(_inside(function)))


def is_awaitable(value: object) -> bool:
    """Return whether `value` can be awaited, as its type says."""
    return hasattr(_kind_of(value), "__await__")


class Giver(NamedTuple):
    """Somebody who returned what should be a `Result`, and what is special about that."""

    name: str
    hands_on: bool = False
    """Another step is given the value, and may run through a generator."""
    closes: bool = True
    """Coroutines that nobody will await are closed. One who only watches leaves them to others."""


_HANDLER = Giver("the handler")


def result_of(returned: object, giver: Giver = _HANDLER) -> Result[Any, Any] | Crashed:
    """Return the `Result` that a handler (or `giver`) returned, taken out of an `IOResult`, or `Crashed` for anything else.

    The `TypeError` in `Crashed` says what came back and how to mend it. `None`, a bare value and an awaitable are refused,
    and so is a `Success` that holds what may still fail: another `Result` (`@safe` on a function that returns one makes
    it), a collection of them, an awaitable, or a generator.
    """
    kind = type(returned)
    if kind is Success:
        success: Any = returned  # the line above says it, but not to the checkers
        value: Any = success._inner_value  # noqa: SLF001  # named in its `__match_args__`; `unwrap` takes as long as all the rest
        if value is None or (hint := _not_over(value)) is None or (giver.hands_on and hint is _NOT_RUN):
            return success  # type: ignore[no-any-return]  # a Success, as the comparison above says
        if giver.closes:
            close_unawaited(value)
        return _refused(
            f"{giver.name} returned a Success that holds a {type(value).__name__}, whose own outcome would be lost: {hint}"
        )
    if kind is Failure:
        return cast("Failure[Any]", returned)  # the line above says it, but not to the checkers
    if _is_io_result(returned):
        from returns.unsafe import unsafe_perform_io  # noqa: PLC0415  # whoever made an IOResult has paid for returns.io

        return result_of(unsafe_perform_io(cast("Any", returned)), giver)
    if giver.closes:
        close_unawaited(returned)
    return _refused(_complaint(returned, giver.name))


def holds(predicate: Callable[[T], object], value: T) -> bool:
    """Return the answer of the user's predicate.

    Records are dropped or given up on its word, so only `True` and `False` count. An awaitable would always be a yes, a
    forgotten `return` always a no: `TypeError`, and the record comes back.
    """
    answer = predicate(value)
    if isinstance(answer, bool):
        return answer
    close_unawaited(answer)
    kind = _kind_of(answer)
    hint = ": a predicate cannot be async" if is_awaitable(answer) else ""
    raise TypeError(f"the predicate returned a {kind.__name__}, expected True or False{hint}")


def close_unawaited(value: object) -> None:
    """Close a coroutine that nobody will await, so that Python does not warn; one in a `FutureResult` too.

    Errors from `close()` are ignored: the caller is told that an awaitable came back.
    """
    coroutine = value
    for name in ("_inner_value", "_coro"):  # a FutureResult holds a ReAwaitable, which holds the coroutine
        if type(coroutine).__module__ in _HOLD_A_COROUTINE:
            coroutine = getattr(coroutine, name, coroutine)
    close = getattr(coroutine, "close", None)
    if hasattr(_kind_of(coroutine), "cr_await") and close is not None:
        with suppress(Exception):
            close()


_HOLD_A_COROUTINE = frozenset(("returns.future", "returns.primitives.reawaitable"))

_NOT_FLAT = (
    "a Result inside comes of `@safe` on a function that returns a Result, so take `@safe` off, "
    "or flatten it with returns.converters.flatten"
)
_NOT_JOINED = "join the Results into one, with returns.iterables.Fold.collect say, or return the first Failure"
_NOT_AWAITED = "await it in the handler; if it comes of `@safe` on an async function, make that `@future_safe`"
_NOT_RUN = "nothing of it has run yet, so run through it in the handler, with a `for` loop say"
_NOT_WAITED_FOR = "it may still fail, so ask for its result() in the handler"


def _not_over(value: object) -> str | None:
    """Return what to do about a value that may still fail; `None` for any other value.

    Of a collection, the types of its elements are asked as well: one message may stand for several objects.
    """
    hint = _of_kind(_kind_of(value))
    if hint is not None:
        return hint
    elements: Collection[object] = ()
    if is_plain_dict(value):
        elements = value.values()
    elif is_several(value):
        elements = value
    for kind in set(map(_kind_of, elements)):
        if issubclass(kind, ResultLikeN):
            return _NOT_JOINED
        if (hint := _of_kind(kind)) is not None and hint is not _NOT_FLAT:
            return hint
    return None


def _kind_of(value: object) -> type[object]:
    return type(value)


def _of_kind(kind: type) -> str | None:
    try:
        return _not_over_yet(kind)
    except TypeError:  # its metaclass takes the hash away
        return _not_over_yet.__wrapped__(kind)


@lru_cache(maxsize=64)
def _not_over_yet(kind: type) -> str | None:
    # kept, for asking takes as long as everything else that batchfold does for a record
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
        return (
            f"{giver} returned an awaitable ({name}), expected a Result, for nothing said that it is async: write "
            "`async def`, annotate what it returns (`-> Awaitable[...]`), or give max_concurrency= to as_lambda_handler; "
            "elsewhere async handlers go to process_batch_async and fold_batch_async"
        )
    return (
        f"{giver} returned a {name}, expected a Result: return Success(value) or Failure(error), "
        "or decorate a function that raises with returns.result.safe"
    )


def _refused(complaint: str) -> Crashed:
    return Crashed(TypeError(complaint))


def _inside(function: object) -> object:
    while isinstance(function, partial):
        function = function.func
    return function


def _return_annotation(function: object) -> object:
    annotations = getattr(function, "__annotations__", None)
    if not is_mapping(annotations) or "return" not in annotations:  # an object whose `__call__` says it
        annotations = getattr(type(function).__call__, "__annotations__", {})
    return annotations.get("return")


def _is_awaitable_type(annotation: object) -> bool:
    if isinstance(annotation, str):  # only its name is known
        return _outermost_name(annotation) in _AWAITABLES
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is_awaitable_type(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return any(map(_is_awaitable_type, get_args(annotation)))
    kind = origin or annotation
    # returns' containers that make an awaitable of the Lambda context cannot be awaited themselves
    is_of_returns = str(getattr(kind, "__module__", "")).startswith("returns.")
    return hasattr(kind, "__await__") or (is_of_returns and getattr(kind, "__name__", "") in _AWAITABLES)


def _outermost_name(annotation: str) -> str:
    """Return `FutureResult` of `returns.future.FutureResult[int, str]`."""
    head, _, rest = annotation.strip(" '\"").partition("[")
    name = head.rpartition(".")[2].strip()
    return _outermost_name(rest) if name in _AROUND else name
