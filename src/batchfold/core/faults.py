"""Faults: why a record failed. There are exactly three."""

from __future__ import annotations

from typing import Any, Generic, TypeAlias, Union

from typing_extensions import TypeVar

from batchfold.core.value import Value

E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)


class PayloadError(ValueError):
    """A payload is missing, or has not the form in which its source delivers payloads. The message never quotes it."""


class Malformed(Value):
    """The payload would not parse: parsing raised a `ValueError`, and so it would the next time.

    The errors of pydantic, JSON, Unicode and base64 are `ValueError`s. A `RecursionError` from parsing counts with
    them: it is a payload nested too deep.
    """

    __slots__ = ("_error",)
    __match_args__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self._error = error

    @property
    def error(self) -> Exception:
        """What parsing raised. A pydantic `ValidationError` is kept without the input it was about."""
        return self._error

    def _content(self) -> tuple[Any, ...]:
        return (self._error,)

    def __repr__(self) -> str:
        return f"Malformed({type(self._error).__name__})"


class Rejected(Value, Generic[E_co]):
    """The handler returned `Failure(error)`."""

    __slots__ = ("_error",)
    __match_args__ = ("error",)

    def __init__(self, error: E_co) -> None:
        self._error = error

    @property
    def error(self) -> E_co:
        """What the handler's `Failure` holds."""
        return self._error

    def _content(self) -> tuple[Any, ...]:
        return (self._error,)

    def __repr__(self) -> str:
        return f"Rejected({type(self._error).__name__})"


class Crashed(Value):
    """Something raised: the handler, a decoder (anything but a `ValueError`), or the check of what the handler returned."""

    __slots__ = ("_error",)
    __match_args__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self._error = error

    @property
    def error(self) -> Exception:
        """What was raised."""
        return self._error

    def _content(self) -> tuple[Any, ...]:
        return (self._error,)

    def __repr__(self) -> str:
        return f"Crashed({type(self._error).__name__})"


Fault: TypeAlias = Union[Malformed, Rejected[E], Crashed]
"""Why a record failed. `match` on it is exhaustive in both checkers."""


def crashed(error: BaseException) -> Malformed | Crashed:
    """The fault for what a handler or a decoder raised.

    A record as delivered decodes its payload when it is asked for it, so a `PayloadError` may come out of a handler.
    `SystemExit`, `KeyboardInterrupt` and their like are no record's business: they are raised again, the invocation
    fails and everything comes back. A `CancelledError` that nobody asked for would end the runtime's process if it
    escaped, so it is a fault, as the cause of a `RuntimeError` (it is no `Exception` itself).
    """
    if isinstance(error, Exception):
        return Malformed(error) if isinstance(error, PayloadError) else Crashed(error)
    if _is_cancellation(error):
        stray = RuntimeError("a CancelledError was raised although nobody had cancelled the handling of this record")
        stray.__cause__ = error
        return Crashed(stray)
    raise error


def malformed_or_crashed(error: BaseException) -> Malformed | Crashed:
    """The fault for what parsing a payload raised."""
    return Malformed(error) if isinstance(error, ValueError | RecursionError) else crashed(error)


def _is_cancellation(error: BaseException) -> bool:
    # by name: importing asyncio to ask would cost a cold start 30 ms
    return any(
        (kind.__module__, kind.__name__) == ("asyncio.exceptions", "CancelledError") for kind in type(error).__mro__
    )
