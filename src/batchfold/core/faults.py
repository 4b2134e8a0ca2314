"""Faults: why a record failed. There are exactly three."""

from __future__ import annotations

from typing import Any, Generic, TypeAlias, Union

from typing_extensions import TypeVar

E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)


class Value:
    """A value keeps its content in private slots and offers it through properties, so it cannot be changed.

    Frozen dataclasses would say the same in fewer lines, but they cost a cold start 0.7 ms for each class, and an
    instance three times as much to make: more than handling a record may cost in all.
    """

    __slots__ = ()

    def _content(self) -> tuple[Any, ...]:
        """Return what makes two values of one kind equal."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, Value)  # noqa: S101  # the line above says it in a way that the checkers do not read
        return self._content() == other._content()

    def __hash__(self) -> int:
        return hash((type(self), self._content()))


class PayloadError(ValueError):
    """A payload is missing, or has not the form in which its source delivers payloads. The message never quotes it."""


class DecodeFailure(PayloadError):  # noqa: N818  # named after what a decoder returns
    """Carries the error in a decoder's `Failure` out of parsing; `Malformed` then holds the error itself."""

    def __init__(self, error: object) -> None:
        super().__init__(f"the decoder returned a Failure that holds a {type(error).__name__}")
        self.error = error

    def __reduce__(self) -> tuple[type[DecodeFailure], tuple[object]]:
        return DecodeFailure, (self.error,)


class Malformed(Value):
    """The payload would not parse: parsing raised a `ValueError`, or a decoder returned a `Failure`.

    The errors of pydantic, JSON, Unicode and base64 are `ValueError`s. A `RecursionError` from parsing counts with
    them: it is a payload nested too deep.
    """

    __slots__ = ("_error", "_is_from_parsing")
    __match_args__ = ("error",)

    def __init__(self, error: Exception, *, is_from_parsing: bool = False) -> None:
        self._error = error
        self._is_from_parsing = is_from_parsing

    @property
    def error(self) -> Exception:
        """The exception of the parser. A pydantic `ValidationError` is kept without the input it was about."""
        return self._error

    @property
    def is_from_parsing(self) -> bool:
        """Return whether it was parsed before the handler, which was not called. A handler may read what was not parsed."""
        return self._is_from_parsing

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
        """The error in the handler's `Failure`."""
        return self._error

    def _content(self) -> tuple[Any, ...]:
        return (self._error,)

    def __repr__(self) -> str:
        return f"Rejected({type(self._error).__name__})"


class Crashed(Value):
    """Something raised: the handler, a decoder (anything but a `ValueError`), or the check of what the handler returned."""

    __slots__ = ("_error", "_is_from_parsing")
    __match_args__ = ("error",)

    def __init__(self, error: Exception, *, is_from_parsing: bool = False) -> None:
        self._error = error
        self._is_from_parsing = is_from_parsing

    @property
    def error(self) -> Exception:
        """The exception."""
        return self._error

    @property
    def is_from_parsing(self) -> bool:
        """Return whether parsing the payload raised it: a decoder, or a validator of the user's. Its text may quote the payload."""
        return self._is_from_parsing

    def _content(self) -> tuple[Any, ...]:
        return (self._error,)

    def __repr__(self) -> str:
        return f"Crashed({type(self._error).__name__})"


Fault: TypeAlias = Union[Malformed, Rejected[E], Crashed]
"""Why a record failed. `match` on it is exhaustive in both checkers."""


def crashed(error: BaseException, *, is_from_parsing: bool = False) -> Malformed | Crashed:
    """Return the fault for an exception that a handler or a decoder raised.

    A record as delivered decodes its payload on access, so a `PayloadError` may come out of a handler. `SystemExit`,
    `KeyboardInterrupt` and others that are no `Exception` are not about one record: they are raised again, the
    invocation fails and everything comes back. A `CancelledError` that nobody asked for would end the runtime's process
    if it escaped, so it becomes a fault, as the cause of a `RuntimeError`.
    """
    if isinstance(error, Exception):
        if isinstance(error, PayloadError):
            return Malformed(error)
        return Crashed(error, is_from_parsing=is_from_parsing)
    if _is_cancellation(error):
        stray = RuntimeError("a CancelledError was raised although nobody had cancelled the handling of this record")
        stray.__cause__ = error
        return Crashed(stray, is_from_parsing=is_from_parsing)
    raise error


def malformed_or_crashed(error: BaseException) -> Malformed | Crashed:
    """Return the fault for an exception that parsing a payload raised."""
    if isinstance(error, DecodeFailure) and isinstance(error.error, Exception):
        return Malformed(error.error, is_from_parsing=True)
    if isinstance(error, ValueError | RecursionError):
        return Malformed(error, is_from_parsing=True)
    return crashed(error, is_from_parsing=True)


def _is_cancellation(error: BaseException) -> bool:
    # by name: importing asyncio to ask would cost a cold start 30 ms
    return any(
        (kind.__module__, kind.__name__) == ("asyncio.exceptions", "CancelledError") for kind in type(error).__mro__
    )


# tracebacks show the public name
PayloadError.__module__ = "batchfold"
