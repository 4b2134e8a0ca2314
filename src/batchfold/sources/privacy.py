"""Keeping payloads out of what is written: validation errors that say which rule was broken and where, but not by what.

A pydantic `ValidationError` prints the input that it is about, and the keys of free-form mappings, which are input too.
`hide_input_in_errors` would have to be set on every model of the user's, and leaves the keys.
"""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from batchfold.sources.forms import is_mapping, is_several

if TYPE_CHECKING:
    from pydantic_core import InitErrorDetails, ValidationError
else:
    ValidationError = ValueError  # pydantic is imported only by those who use it; at run time this only describes

HIDDEN = "[...]"

NOTE = "batchfold: shown without its input, which stands in the raw record"

_QUOTES_INPUT = {
    "uuid_parsing": "error",
    "union_tag_invalid": "tag",
    "get_attribute_error": "error",
    "iteration_error": "error",
    "mapping_type": "error",
}
"""The rules whose message quotes the input, and where in their context it stands."""


def without_input(error: ValidationError, names: Collection[str] = ()) -> ValidationError:
    """The same error (title, rules, positions) without its input.

    A name in a position is shown if it is one of `names`, those of the schema. Any other name is a key that the payload
    brought along. What a validator of the user's says is kept: it is the user's.
    """
    from pydantic_core import PydanticCustomError, PydanticKnownError, ValidationError  # noqa: PLC0415  # as above

    details: list[InitErrorDetails] = []
    for problem in error.errors(include_url=False, include_input=False):
        rule: Any = problem["type"]
        place = tuple(part if isinstance(part, int) or part in names else HIDDEN for part in problem["loc"])
        context: dict[str, Any] = dict(problem.get("ctx", {}))
        if rule in _QUOTES_INPUT:
            context[_QUOTES_INPUT[rule]] = HIDDEN
        try:
            PydanticKnownError(rule, context or None)  # asks whether the rule is pydantic's own
        except KeyError:
            custom = PydanticCustomError(rule, "{said}", {"said": problem["msg"]})
            details.append({"type": custom, "loc": place, "input": None})
        else:
            details.append({"type": rule, "loc": place, "input": None, "ctx": context})
    hidden = ValidationError.from_exception_data(error.title, details, hide_input=True)
    hidden.add_note(NOTE)
    return hidden


def is_without_input(error: BaseException) -> bool:
    """Whether the error came out of `without_input`."""
    return NOTE in getattr(error, "__notes__", ())


def names_in(schema: object) -> frozenset[str]:
    """Every text in a pydantic core schema: the names of its fields, aliases, tags and types, among others."""
    return frozenset(_texts(schema)) | {"[key]"}


def _texts(schema: object) -> Iterator[str]:
    if isinstance(schema, str):
        yield schema
    elif is_mapping(schema):
        for key, value in schema.items():
            yield from _texts(key)
            yield from _texts(value)
    elif is_several(schema):
        for value in schema:
            yield from _texts(value)
