"""Keeping payloads out of what is written: validation errors that say which rule was broken and where, but not by what.

A pydantic `ValidationError` prints the input that it is about, and the keys of free-form mappings, which are input too.
`hide_input_in_errors` would have to be set on every model of the user's, and leaves the keys.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, LiteralString

from typing_extensions import TypeIs

from batchfold.core.forms import is_mapping, is_several

if TYPE_CHECKING:
    from pydantic_core import InitErrorDetails, ValidationError
else:
    # pydantic is imported only by those who use it; at run time these only describe
    InitErrorDetails = dict
    ValidationError = ValueError

HIDDEN = "[...]"

_WITHOUT_QUOTE: dict[str, LiteralString] = {
    "bytes_invalid_encoding": "Data should be valid {encoding}",
    "byte_size_unit": "could not interpret byte unit",
    "datetime_object_invalid": "Invalid datetime object",
    "get_attribute_error": "Error extracting attribute",
    "import_error": "Invalid python path",
    "iteration_error": "Error iterating over object",
    "mapping_type": "Input should be a valid mapping",
    "timezone_offset": "Timezone offset of {tz_expected} required",
    "union_tag_invalid": (
        "Input tag found using {discriminator} does not match any of the expected tags: {expected_tags}"
    ),
    "uuid_parsing": "Input should be a valid UUID",
    "zoneinfo_str": "invalid timezone",
}
"""The rules of pydantic's whose message quotes the input, and the same messages without it."""

_EMAIL = "value is not a valid email address"
"""Begins the message of a rule of pydantic's that says behind it, quoting, what is wrong with the address."""


def without_input(error: ValidationError, names: Collection[str] = ()) -> ValidationError:
    """The same error (title, rules, positions) without its input.

    A name in a position is shown if it is one of `names`, those of the schema. Any other name is a key that the payload
    brought along. What a validator of the user's says is kept: it is the user's.
    """
    from pydantic_core import ValidationError  # noqa: PLC0415  # as above

    details: list[InitErrorDetails] = []
    for problem in error.errors(include_url=False, include_input=False):
        detail = _rule(problem["type"], problem["msg"], problem.get("ctx", {}))
        detail["loc"] = tuple(part if isinstance(part, int) or part in names else HIDDEN for part in problem["loc"])
        details.append(detail)
    return ValidationError.from_exception_data(error.title, details, hide_input=True)


def is_validation_error(error: BaseException) -> TypeIs[ValidationError]:
    """Whether it is pydantic's, asked by name: whoever raised one has paid for the import, and nobody else should."""
    kind = type(error)
    return kind.__name__ == "ValidationError" and kind.__module__.partition(".")[0] == "pydantic_core"


def _rule(name: Any, message: str, context: dict[str, Any]) -> InitErrorDetails:
    from pydantic_core import PydanticCustomError, PydanticKnownError  # noqa: PLC0415  # as above

    if template := _WITHOUT_QUOTE.get(name):
        told = {key: value for key, value in context.items() if f"{{{key}}}" in template}
        return {"type": PydanticCustomError(name, template, told), "input": None}
    try:
        PydanticKnownError(name, context or None)  # asks whether the rule is pydantic's own, with a context of its own
    except (KeyError, TypeError):
        said = _EMAIL if message.startswith(_EMAIL) else message
        return {"type": PydanticCustomError(name, "{said}", {"said": said}), "input": None}
    return {"type": name, "input": None, "ctx": context} if context else {"type": name, "input": None}


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
