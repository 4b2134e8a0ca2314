"""`checked`: hold a handler to its own annotations at run time.

Needs beartype (`pip install "batchfold[checked]"`), and imports it when the layer is used.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction, isroutine
from typing import Any, Never, NoReturn, TypeVar, cast, get_args, get_origin, get_type_hints

from returns.result import Failure

from batchfold.core.faults import Crashed
from batchfold.core.handlers import is_awaitable, result_of
from batchfold.core.layers import named_after

H = TypeVar("H", bound=Callable[..., Any])


class BrokenAnnotationError(TypeError):
    """A handler was given, or returned, what its annotations do not allow.

    The message names the function and the annotations, never a value.
    """


def checked(handler: H) -> H:
    """A layer under which a handler that is given, or returns, what its annotations do not allow has `Crashed`.

    beartype checks what is given and returned, and what stands in the `Result` against the `V` and `E` of the annotation.
    What has no annotation is not checked. A handler that returns amiss has run: its record comes back, and its effects
    repeat.

    It is the first of the layers, and goes under decorators such as `safe`, for it needs the function that the
    annotations are about. For `in_chunks`, check the function inside: `in_chunks(checked(write_all), size=25)`.

    >>> from typing import Any
    >>> from returns.result import Result, Success
    >>> def quantity(record: dict[str, Any]) -> Result[int, str]:
    ...     return Success(record["quantity"])
    >>> checked(quantity)({"quantity": 3})
    <Success: 3>
    >>> checked(quantity)({"quantity": "three"})
    Traceback (most recent call last):
    batchfold.BrokenAnnotationError: quantity() returned a Success that holds a str, which its annotation \
Result[int, str] does not allow

    Raises at once: `ImportError` if beartype is not installed, `TypeError` for what is no function or wraps another, and
    what beartype and `typing.get_type_hints` raise for annotations that cannot be read.
    """
    try:
        from beartype import BeartypeConf, beartype  # noqa: PLC0415  # costs a cold start 70 ms
        from beartype.door import is_bearable  # noqa: PLC0415  # costs a cold start 70 ms
    except ImportError as error:
        raise ImportError(
            'beartype is not installed, and checked needs it. Install the extra: pip install "batchfold[checked]"'
        ) from error
    name = _name_of(handler)
    hints = get_type_hints(handler)
    takes = ", ".join(f"{parameter}: {_shown(hint)}" for parameter, hint in hints.items() if parameter != "return")
    broken: dict[type[_Amiss], str] = {
        _GivenAmiss: f"{name}({takes}) was given what its annotations do not allow",
        _ReturnedAmiss: f"{name}() returned what its annotation {_shown(hints.get('return'))} does not allow",
    }
    conf = BeartypeConf(violation_param_type=_GivenAmiss, violation_return_type=_ReturnedAmiss, is_pep484_tower=True)
    held: Any = beartype(conf=conf)(handler)
    judge = _judge_of(name, hints.get("return"), is_bearable)

    if iscoroutinefunction(handler):

        @named_after(handler)
        async def handle_async(*given: Any, **named: Any) -> Any:
            try:
                returned = await held(*given, **named)
            except _Amiss as amiss:
                raise BrokenAnnotationError(broken[type(amiss)]) from None
            return judge(returned)

        return cast("H", handle_async)  # it takes and returns what the handler does

    @named_after(handler)
    def handle(*given: Any, **named: Any) -> Any:
        try:
            returned = held(*given, **named)
        except _Amiss as amiss:
            raise BrokenAnnotationError(broken[type(amiss)]) from None
        return returned if is_awaitable(returned) else judge(returned)

    return cast("H", handle)  # it takes and returns what the handler does


class _Amiss(Exception):  # noqa: N818  # it never leaves this module
    def __init__(self, _message: str) -> None:
        super().__init__()  # beartype's message quotes the value, so it is dropped at once


class _GivenAmiss(_Amiss): ...


class _ReturnedAmiss(_Amiss): ...


def _name_of(handler: Callable[..., Any]) -> str:
    if not isroutine(handler):
        raise TypeError(f"checked needs a function, got a {type(handler).__name__}: give it the function inside")
    name = handler.__qualname__.rpartition("<locals>.")[2]
    if hasattr(handler, "__wrapped__"):
        raise TypeError(
            f"checked needs the function that the annotations are about, but {name} wraps another: "
            "put it under the decorator, as in safe(checked(function)), and first in pipe"
        )
    return name


def _judge_of(name: str, hint: Any, is_bearable: Callable[[object, Any], bool]) -> Callable[[Any], Any]:
    """From what the handler returned to the same, unless its `Result` holds what the annotation does not allow."""
    if getattr(get_origin(hint), "__name__", "") not in {"Result", "IOResult"}:
        return lambda returned: returned
    value_hint, error_hint = get_args(hint)

    def judge(returned: Any) -> Any:
        result = result_of(returned)
        if isinstance(result, Crashed):
            return returned  # judged by who called
        held, expected = (
            (result.failure(), error_hint) if isinstance(result, Failure) else (result.unwrap(), value_hint)
        )
        if expected in {Never, NoReturn} or not is_bearable(held, expected):
            raise BrokenAnnotationError(
                f"{name}() returned a {type(result).__name__} that holds a {type(held).__name__}, "
                f"which its annotation {_shown(hint)} does not allow"
            )
        return returned

    return judge


def _shown(hint: Any) -> str:
    if get_args(hint):
        origin = get_origin(hint)
        if isinstance(origin, type):
            return f"{origin.__name__}[{', '.join(map(_shown, get_args(hint)))}]"
    return hint.__name__ if isinstance(hint, type) else str(hint)


# tracebacks show the public name
BrokenAnnotationError.__module__ = "batchfold"
