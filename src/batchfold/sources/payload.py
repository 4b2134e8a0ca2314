"""Payloads: from what was delivered to the type that a handler wants.

Three ways, the same for every source: as delivered, validated by pydantic into a type, or through a function.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

from typing_extensions import TypeVar

from batchfold.sources.fields import UNDECODED
from batchfold.sources.privacy import is_validation_error, names_in, without_input

T = TypeVar("T")

_Method = Literal["validate_json", "validate_python"]


def from_json(form: Any) -> Callable[[Any], Any]:
    """Validate JSON into a type, straight from its text.

    What comes back raises pydantic's `ValidationError` (a `ValueError`) without the input that it is about.
    """
    return _validator(form, "validate_json")


def from_python(form: Any) -> Callable[[Any], Any]:
    """Validate a Python value into a type; fails as `from_json` does."""
    return _validator(form, "validate_python")


def from_function(decode: Callable[[Any], T]) -> Callable[[Any], T]:
    """Let a function make the payload. What it raises is raised, a `ValidationError` of pydantic's without its input.

    The names in that error's positions are hidden too: from here, those of the user's fields look like the payload's.
    """

    def decoded(delivered: Any) -> T:
        try:
            return decode(delivered)
        except ValueError as error:
            if not is_validation_error(error):
                raise
            hidden = without_input(error)
        raise hidden  # not inside `except`, for the reason given below

    return decoded


def parser_of(
    form: Any, decode: Callable[[Any], Any] | None, validator: Callable[[Any], Callable[[Any], Any]]
) -> Callable[[Any], Any] | None:
    """What parses a payload: `decode`, or the validator of a type, or nothing where it stays as delivered."""
    if decode is None:
        return None if form is UNDECODED else validator(form)
    if form is not UNDECODED:
        raise TypeError("a payload is parsed into a type or by a function: give the one or the other, not both")
    return from_function(decode)


def _validator(form: Any, method: _Method) -> Callable[[Any], Any]:
    # unions of the same members in another order are equal, but their order decides between members that fit alike
    order = "" if isinstance(form, type) else repr(form)
    try:
        return _cached_validator(form, order, method)
    except TypeError:
        return _new_validator(form, method)


@lru_cache(maxsize=256)
def _cached_validator(form: Any, _order: str, method: _Method) -> Callable[[Any], Any]:
    # `sqs(Order)` may stand inside the Lambda function: a new TypeAdapter for each invocation costs up to milliseconds
    return _new_validator(form, method)


def _new_validator(form: Any, method: _Method) -> Callable[[Any], Any]:
    # pydantic costs a cold start 85 ms, and only those who name a type pay for it
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415

    adapter = TypeAdapter(form)
    # the validator itself: the adapter's own method around it takes half as long again
    validate: Callable[[Any], Any] = getattr(adapter.validator, method)

    @lru_cache(maxsize=1)
    def names() -> frozenset[str]:
        return names_in(adapter.core_schema)

    def validated(delivered: Any) -> Any:
        try:
            return validate(delivered)
        except ValidationError as error:
            hidden = without_input(error, names())
        raise hidden  # not inside `except`: the error with the input would be its context, and be printed with it

    return validated
