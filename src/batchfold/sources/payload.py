"""Payloads: from what was delivered to the type that a handler wants.

Three ways, the same for every source: as delivered, validated by pydantic into a type, or through a function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from inspect import currentframe
from types import FrameType
from typing import Any, Literal

from typing_extensions import TypeVar

from batchfold.core.redaction import is_validation_error, names_in, redact_validation_error
from batchfold.sources.fields import UNDECODED
from batchfold.sources.type_adapter import type_adapter

T = TypeVar("T")

_Method = Literal["validate_json", "validate_python"]


class Validator:
    """What validates payloads into a type, and what takes the input out of the errors that it raises.

    Called, it does both. Sources call the two apart: one around the other costs as much as making the record.
    """

    __slots__ = ("hidden", "validate")

    def __init__(self, validate: Callable[[Any], Any], hidden: Callable[[ValueError], ValueError]) -> None:
        self.validate = validate
        self.hidden = hidden

    def __call__(self, delivered: Any) -> Any:
        """Validate; what comes back raises pydantic's `ValidationError` without the input that it is about."""
        try:
            return self.validate(delivered)
        except ValueError as error:
            clean = self.hidden(error)
        try:  # not inside `except`: the error with the input would be its context, and be printed with it
            raise clean
        finally:
            del clean  # a cycle otherwise: the error keeps this frame


def from_json(form: Any) -> Validator:
    """Validate JSON into a type, straight from its text."""
    return _validator(form, "validate_json")


def from_python(form: Any) -> Validator:
    """Validate a Python value into a type."""
    return _validator(form, "validate_python")


def from_function(decode: Callable[[Any], T], form: Any = UNDECODED) -> Callable[[Any], T]:
    """Let a function make the payload. What it raises is raised, a `ValidationError` of pydantic's without its input.

    The names in that error's positions are hidden too: from here, those of the user's fields look like the payload's.
    Raises `TypeError` if a type is given beside the function.
    """
    if form is not UNDECODED:
        raise TypeError("a payload is parsed into a type or by a function: give the one or the other, not both")

    def decoded(delivered: Any) -> T:
        try:
            return decode(delivered)
        except ValueError as error:
            if not is_validation_error(error):
                raise
            clean = redact_validation_error(error)
        raise clean  # not inside `except`, as above

    return decoded


def parser_of(
    form: Any, decode: Callable[[Any], Any] | None, validator: Callable[[Any], Callable[[Any], Any]]
) -> Callable[[Any], Any] | None:
    """What parses a payload: `decode`, or the validator of a type, or nothing where it stays as delivered."""
    if decode is not None:
        return from_function(decode, form)
    if form is UNDECODED:
        return None
    return validator(form)


def _validator(form: Any, method: _Method) -> Validator:
    # unions of the same members in another order are equal, but their order decides between members that fit alike
    order = "" if isinstance(form, type) else repr(form)
    try:
        return _cached_validator(form, order, method)
    except (_NamesMissingError, TypeError):  # what its names mean depends on who asks; or it has no hash to be kept by
        return _new_validator(form, method, _names_of_the_user())


class _NamesMissingError(Exception):
    """A type speaks of others by names that are to be looked up where the user wrote it: `list["Order"]`."""


def _names_of_the_user() -> dict[str, Any]:
    """What can be named where the user's code asks for a source; as pydantic's own functions find it for their callers."""
    frame: FrameType | None = currentframe()
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == _PACKAGE:
        frame = frame.f_back
    return {} if frame is None else {**frame.f_globals, **frame.f_locals}


_PACKAGE = __name__.partition(".")[0]


@lru_cache(maxsize=256)
def _cached_validator(form: Any, _order: str, method: _Method) -> Validator:
    # `sqs(Order)` may stand inside the Lambda function: a new TypeAdapter for each invocation costs up to milliseconds
    return _new_validator(form, method)


def _new_validator(form: Any, method: _Method, names: Mapping[str, Any] | None = None) -> Validator:
    adapter = type_adapter(form)
    if not adapter.pydantic_complete:
        if names is None:
            raise _NamesMissingError
        adapter.rebuild(_types_namespace=names)

    @lru_cache(maxsize=1)
    def shown() -> frozenset[str]:
        return names_in(adapter.core_schema)

    def hidden(error: ValueError) -> ValueError:
        return redact_validation_error(error, shown()) if is_validation_error(error) else error

    # the validator itself: the adapter's own method around it takes half as long again
    return Validator(getattr(adapter.validator, method), hidden)
