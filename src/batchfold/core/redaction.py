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
_REDACTED = "_batchfold_redacted"
_MORE = "more_broken_rules"
_MOST_READ = 1_000
_MOST_SHOWN = 20
_MOST_RULES = 5
_MOST_CHARACTERS = 500

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
    """Return the same error (title, rules, positions) without its input; of many broken rules, a few and their number.

    A name in a position is shown if it is one of `names`, those of the schema. Any other name is a key of the payload.
    The text of a user's validator is kept: it is the user's. An error that was redacted before is returned as it is.

    A payload of 1 MB can break a million rules. pydantic lists all of them or none, and takes longer for the list than for
    the payload, so of more than 1,000 only the number is told.
    """
    from pydantic_core import PydanticCustomError, ValidationError  # noqa: PLC0415  # pydantic is imported only by those who use it

    if getattr(error, _REDACTED, False):
        return error
    count = error.error_count()
    details: list[InitErrorDetails] = []
    problems = error.errors(include_url=False, include_input=False) if count <= _MOST_READ else []
    for problem in problems[:_MOST_SHOWN]:
        detail = _rule(problem["type"], problem["msg"], problem.get("ctx", {}))
        detail["loc"] = tuple(part if isinstance(part, int) or part in names else HIDDEN for part in problem["loc"])
        details.append(detail)
    if more := count - len(details):
        further = "more broken rules" if details else "broken rules, too many to list"
        rule = PydanticCustomError(_MORE, "{count} {further}", {"count": more, "further": further})
        details.append({"type": rule, "input": None})
    redacted = ValidationError.from_exception_data(error.title, details, hide_input=True)
    setattr(redacted, _REDACTED, True)
    return redacted


def is_validation_error(error: BaseException) -> TypeIs[ValidationError]:
    """Return whether it is pydantic's, asked by name: only those who raise one pay for the import."""
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
    """Return every text in a pydantic core schema: the names of its fields, aliases, tags and types, among others."""
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
    """Return the same exception with every pydantic `ValidationError` in it replaced by a redacted one.

    It looks at the exception itself, at its causes and contexts, and into groups. Where there is no `ValidationError`,
    nothing is changed; the text of a user's exception is the user's. It never raises an `Exception`: an exception that
    cannot be redacted is replaced by one that says so.
    """
    try:
        reached = _reached_from(error)
        if not any(map(is_validation_error, reached)):
            return error
        return _cleaned(error, reached)
    except Exception as failure:  # noqa: BLE001  # of exceptions of the user's, which may do anything when asked
        return RuntimeError(
            f"a {type(error).__name__} that is not shown: a ValidationError is among its causes, and to redact it "
            f"raised {type(failure).__name__}"
        )


def _reached_from(error: BaseException) -> list[BaseException]:
    """Return the exception, its causes and contexts, the members of groups, and theirs, each once."""
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
    """Return whether it is a group of exceptions."""
    return isinstance(error, BaseExceptionGroup)


def describe(error: object) -> str:
    """Say in one line what an error is, without quoting a payload.

    Of an exception that is its type, and more where the text is known to quote no payload. An error value that is no
    exception is its author's words, as the text of an exception is: it is shown, at most 500 characters of it.
    """
    name = type(error).__name__
    if not isinstance(error, BaseException):
        return f"{name}: {escape(str(error))}"
    if is_validation_error(error):
        return f"{name}: {_broken_rules(error)}"
    if isinstance(error, PayloadError | BinasciiError):
        return f"{name}: {error}"
    if isinstance(error, UnicodeDecodeError):
        return f"{name}: {error.reason} at byte {error.start}"
    if isinstance(error, ValueError) and name == "JSONDecodeError":
        return f"{name}: {str(error).partition(':')[0]}"
    return name


def escape(text: str) -> str:
    r"""Return a text fit for one line of a log: control characters and lone surrogates escaped, 500 characters at most.

    >>> escape("two\nlines")
    'two\\nlines'
    """
    cut = text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}..."
    if cut.isprintable():
        return cut
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in cut)


def why(fault: Fault[Any]) -> str:
    """Say in one line why a record failed."""
    match fault:
        case Malformed(error):
            return f"its payload would not parse ({describe(_redacted_alone(error))})"
        case Rejected(error):
            return f"the handler returned a Failure ({describe(_redacted_alone(error))})"
        case Crashed(error):
            doing = "parsing its payload" if fault.is_from_parsing else "handling it"
            return f"{doing} raised {describe(_redacted_alone(error))}"
        case _:
            assert_never(fault)


def describe_redacted(error: object) -> str:
    """Say what `describe` says, of an error that may hold the input of a `ValidationError`."""
    return describe(_redacted_alone(error))


def _redacted_alone(error: object) -> object:
    """Return the error, redacted if it is a `ValidationError` itself: nothing is said of its causes here."""
    return redact_validation_error(error) if isinstance(error, BaseException) and is_validation_error(error) else error


def _broken_rules(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False)
    rules = [
        f"{'.'.join(map(str, problem['loc'])) or 'payload'} {problem['type']}"
        for problem in problems
        if problem["type"] != _MORE
    ]
    further = sum(problem["ctx"]["count"] - 1 for problem in problems if problem["type"] == _MORE and "ctx" in problem)
    count = len(problems) + further
    if not rules:
        return f"{count} broken rules"
    shown = rules[:_MOST_RULES]
    more = f" and {count - len(shown)} more" if count > len(shown) else ""
    return ", ".join(shown) + more
