"""Redaction: what may be said of an error, and keeping payloads out of all that is printed.

Three verbs. `redact` makes an exception safe to be printed, with its causes and contexts. `describe` says what an error is
in one line. `redact_validation_error` takes the input out of one pydantic `ValidationError`, which prints the input that
it is about and the keys of free-form mappings, which are input too; `hide_input_in_errors` would have to be set on every
model of the user's, and leaves the keys.
"""

from __future__ import annotations

from binascii import Error as BinasciiError
from collections.abc import Collection, Iterator
from operator import is_
from typing import TYPE_CHECKING, Any, LiteralString, assert_never

from typing_extensions import TypeIs

from batchfold.core._guards import is_mapping, is_several
from batchfold.core.faults import Crashed, Fault, Malformed, PayloadError, Rejected

if TYPE_CHECKING:
    from pydantic_core import InitErrorDetails, ValidationError
else:
    # pydantic is imported only by those who use it; at run time these only describe
    InitErrorDetails = dict
    ValidationError = ValueError

HIDDEN = "[...]"
_MOST_RULES = 5

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


def redact_validation_error(error: ValidationError, names: Collection[str] = ()) -> ValidationError:
    """The same error (title, rules, positions) without its input.

    A name in a position is shown if it is one of `names`, those of the schema. Any other name is a key that the payload
    brought along. What a validator of the user's says is kept: it is the user's.
    """
    from pydantic_core import ValidationError  # noqa: PLC0415  # pydantic is imported only by those who use it

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
    from pydantic_core import PydanticCustomError, PydanticKnownError  # noqa: PLC0415  # pydantic is imported only by those who use it

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


def redact(error: BaseException) -> BaseException:
    """The same exception with every pydantic `ValidationError` in it replaced by one without its input.

    It looks at the exception itself, at its causes and contexts, and into groups. Where there is no `ValidationError`,
    nothing is changed; what the user's own exceptions say is theirs. It never raises an `Exception`: for one that cannot
    be made clean there is another that says so.
    """
    try:
        reached = _reached_from(error)
        if not any(map(is_validation_error, reached)):
            return error
        return _cleaned(error, reached)
    except Exception as failure:  # noqa: BLE001  # of exceptions of the user's, which may do anything when asked
        return RuntimeError(
            f"a {type(error).__name__} that is not shown: a ValidationError is among its causes, and to take out "
            f"its input raised {type(failure).__name__}"
        )


def _reached_from(error: BaseException) -> list[BaseException]:
    """The exception, its causes and contexts, the members of groups, and theirs, each once."""
    reached = {id(error): error}
    waiting = [error]
    while waiting:  # no recursion: one that ran too deep may have left a cause at each level
        each = waiting.pop()
        for linked in (each.__cause__, each.__context__, *(each.exceptions if is_group(each) else ())):
            if linked is not None and id(linked) not in reached:
                reached[id(linked)] = linked
                waiting.append(linked)
    return list(reached.values())


def _cleaned(error: BaseException, reached: list[BaseException]) -> BaseException:
    clean_ones: dict[int, BaseException] = {
        id(each): redact_validation_error(each) for each in reached if is_validation_error(each)
    }

    def clean(each: BaseException) -> BaseException:
        if id(each) not in clean_ones and is_group(each):
            parts = list(map(clean, each.exceptions))
            is_as_it_was = all(map(is_, parts, each.exceptions))
            clean_ones[id(each)] = each if is_as_it_was else each.derive(parts)
        return clean_ones.get(id(each), each)

    # past whatever `__setattr__` the user's exceptions have: that of a frozen dataclass raises
    keep = object.__setattr__
    for each in reached:
        its_clean = clean(each)
        if its_clean is not each:
            keep(its_clean, "__traceback__", each.__traceback__)
            keep(its_clean, "__notes__", list(getattr(each, "__notes__", ())))
        suppressed = each.__suppress_context__
        for name, linked in (("__cause__", each.__cause__), ("__context__", each.__context__)):
            if linked is not None and (its_clean is not each or clean(linked) is not linked):
                keep(its_clean, name, clean(linked))
        keep(its_clean, "__suppress_context__", suppressed)  # to set a cause sets it too
    return clean(error)


def is_group(error: BaseException) -> TypeIs[BaseExceptionGroup[BaseException]]:
    """Whether it is a group of exceptions."""
    return isinstance(error, BaseExceptionGroup)


def describe(error: object) -> str:
    """What may be said of an error in one line: its type, and more where that is known to quote no payload.

    Positions in a `ValidationError` are told as they stand; `redact` hides what is a key of the payload.
    """
    name = type(error).__name__
    if isinstance(error, BaseException) and is_validation_error(error):
        return f"{name}: {_broken_rules(error)}"
    if isinstance(error, PayloadError | BinasciiError):
        return f"{name}: {error}"
    if isinstance(error, UnicodeDecodeError):
        return f"{name}: {error.reason} at byte {error.start}"
    if isinstance(error, ValueError) and name == "JSONDecodeError":
        return f"{name}: {str(error).partition(':')[0]}"
    return name


def _broken_rules(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False)
    rules = [f"{'.'.join(map(str, problem['loc'])) or 'payload'} {problem['type']}" for problem in problems]
    more = f" and {len(rules) - _MOST_RULES} more" if len(rules) > _MOST_RULES else ""
    return ", ".join(rules[:_MOST_RULES]) + more


def why(fault: Fault[Any]) -> str:
    """The fault in one line."""
    match fault:
        case Malformed(error):
            return f"its payload would not parse ({describe(error)})"  # the source has cleaned it already
        case Rejected(error):
            return f"the handler returned a Failure ({describe_redacted(error)})"
        case Crashed(error):
            return f"handling it raised {describe_redacted(error)}"
        case _:
            assert_never(fault)


def describe_redacted(error: object) -> str:
    """What `told` says of an error that may hold the input of a `ValidationError`."""
    return describe(redact(error) if isinstance(error, BaseException) else error)
