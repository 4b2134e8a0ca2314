"""Redaction: everything that decides what may be said of an error lives in this file.

Three verbs. `redact` makes an exception safe to be printed, with its causes, its contexts and the members of groups.
`describe` says in one line what an error is. `redact_validation_error` takes the input out of one pydantic
`ValidationError`, which prints the input that it is about, and the keys of free-form mappings, which are input too
(`hide_input_in_errors` would have to be set on every model of the user's, and leaves the keys).

Two rules. Of a payload nothing is said; what a user's own exception or error value says is the user's. And the sender of a
payload does not choose what an error costs: of broken rules a few are kept and their number, and a text is cut.
"""

from __future__ import annotations

from binascii import Error as BinasciiError
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, LiteralString, assert_never, cast

from typing_extensions import TypeIs

from batchfold.core._guards import is_mapping, is_several
from batchfold.core.faults import Crashed, Fault, Malformed, PayloadError, Rejected

if TYPE_CHECKING:
    from types import TracebackType

    from pydantic_core import ErrorDetails, InitErrorDetails, ValidationError
else:
    # pydantic is imported only by those who use it; at run time these only describe
    ErrorDetails = InitErrorDetails = dict
    ValidationError = ValueError
    TracebackType = Any

HIDDEN = "[...]"
"""Stands for a key of the payload in the position of a broken rule."""

_MOST_READ = 500
"""pydantic hands out its broken rules all at once, for 5 us and 600 bytes each: ten times what it takes to find them. Of
an error with more of them, only their number is read."""
_MOST_KEPT = 10
_MOST_NAMED = 5
_MOST_PARTS = 20
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
"""Begins the message of a rule of pydantic's that goes on to quote what is wrong with the address."""

_MORE = "more_broken_rules"
"""The type of the last entry in a redacted error that does not keep all broken rules."""

_JSON_ERRORS = {("json.decoder", "JSONDecodeError"), ("simplejson.errors", "JSONDecodeError")}


# ------------------------------------------------------------ one validation error
def is_validation_error(error: object) -> TypeIs[ValidationError]:
    """Return whether it is pydantic's. Asked by name: whoever raised one has paid for the import, nobody else should."""
    kind = type(error)
    return kind.__name__ == "ValidationError" and kind.__module__.partition(".")[0] == "pydantic_core"


def redact_validation_error(error: ValidationError, names: Collection[str] = ()) -> ValidationError:
    """Return the error (title, rules, positions) without its input, with the first few broken rules and their number.

    A name in a position is kept if it is one of `names`, those of the schema. Any other name is a key that the payload
    brought along. The words of a user's validator are kept. An error that has been redacted is returned as it is.
    """
    import pydantic_core  # noqa: PLC0415  # only those who use it pay for it

    if _is_redacted(error):
        return error
    count = error.error_count()
    kept = error.errors(include_url=False, include_input=False)[:_MOST_KEPT] if count <= _MOST_READ else []
    details = [_detail(each, names) for each in kept]
    if more := count - len(kept):
        said = f"{more} more broken rules" if kept else f"{count} broken rules, too many to be named"
        context = {"said": said, "more": more}
        details.append({"type": pydantic_core.PydanticCustomError(_MORE, "{said}", context), "input": None})
    redacted = pydantic_core.ValidationError.from_exception_data(error.title, details, hide_input=True)
    object.__setattr__(redacted, _MARK_NAME, _MARK)
    return redacted


# An object of this process alone: nothing that a sender or another library makes can bear it. A copy from another process
# loses it, and is redacted once more.
_MARK = object()
_MARK_NAME = "_batchfold_redacted"


def _is_redacted(error: ValidationError) -> bool:
    return getattr(error, _MARK_NAME, None) is _MARK


def _detail(problem: ErrorDetails, names: Collection[str]) -> InitErrorDetails:
    detail = _rule(problem["type"], problem["msg"], problem.get("ctx", {}))
    position = problem["loc"]
    parts = tuple(part if isinstance(part, int) or part in names else HIDDEN for part in position[:_MOST_PARTS])
    detail["loc"] = parts if len(position) <= _MOST_PARTS else (*parts, "...")
    return detail


def _rule(name: Any, message: str, context: dict[str, Any]) -> InitErrorDetails:
    import pydantic_core  # noqa: PLC0415  # only those who use it pay for it

    if template := _WITHOUT_QUOTE.get(name):
        told = {key: value for key, value in context.items() if f"{{{key}}}" in template}
        return {"type": pydantic_core.PydanticCustomError(name, template, told), "input": None}
    if len(message) <= _MOST_CHARACTERS:  # a validator of the user's may quote a payload of any size
        try:
            pydantic_core.PydanticKnownError(
                name, context or None
            )  # raises unless the rule is pydantic's, with its own context
        except (KeyError, TypeError):
            pass
        else:
            return {"type": name, "input": None, "ctx": context} if context else {"type": name, "input": None}
    said = _EMAIL if message.startswith(_EMAIL) else _cut(message)
    return {"type": pydantic_core.PydanticCustomError(name, "{said}", {"said": said}), "input": None}


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


# ------------------------------------------------------------ exceptions, to be printed
def redact(error: BaseException) -> BaseException:
    """Return the exception with every pydantic `ValidationError` in it replaced by one without its input.

    That is the exception itself, its causes and contexts, the members of groups, and the arguments of exceptions: the text
    of `BadOrderError(validation_error)` is pydantic's. An exception around a replaced one is replaced by a copy of its own
    type. Where there is no `ValidationError`, the exception is returned as it is.

    It never raises an `Exception`: an exception that cannot be redacted is replaced by one that says so.
    """
    try:
        reached = reached_from(error)
        if not any(map(_quotes_input, reached)):
            return error
        return _redacted(error, reached)
    except Exception as failure:  # noqa: BLE001  # of exceptions of the user's, which may do anything when asked
        return RuntimeError(
            f"a {type(error).__name__} that is not shown: a ValidationError is part of it, and to take out its input "
            f"raised {type(failure).__name__}"
        )


def reached_from(error: BaseException) -> list[BaseException]:
    """Return the exception and all that hang on it as causes, contexts, members of groups and arguments, each once."""
    reached = {id(error): error}
    waiting = [error]
    while waiting:  # no recursion: an exception that was raised too deep may have a cause at each level
        each = waiting.pop()
        for linked in (each.__cause__, each.__context__, *_inside(each)):
            if linked is not None and id(linked) not in reached:
                reached[id(linked)] = linked
                waiting.append(linked)
    return list(reached.values())


def is_group(error: BaseException) -> TypeIs[BaseExceptionGroup[BaseException]]:
    """Return whether it is a group of exceptions."""
    return isinstance(error, BaseExceptionGroup)


def _inside(error: BaseException) -> Collection[BaseException]:
    """The exceptions that are part of another one: a copy of it has to be made to replace them."""
    if is_group(error):
        return error.exceptions
    return [each for each in error.args if isinstance(each, BaseException)]


def _quotes_input(error: BaseException) -> bool:
    return is_validation_error(error) and not _is_redacted(error)


def _redacted(error: BaseException, reached: list[BaseException]) -> BaseException:
    instead: dict[int, BaseException] = {}
    for each in _inside_out(reached):
        parts = [instead.get(id(part), part) for part in _inside(each)]
        if _quotes_input(each):
            instead[id(each)] = redact_validation_error(cast("ValidationError", each))  # `_quotes_input` says so
        elif any(part is not was for part, was in zip(parts, _inside(each), strict=True)):
            instead[id(each)] = each.derive(parts) if is_group(each) else _copy(each, instead)
    # past whatever `__setattr__` the user's exceptions have: that of a frozen dataclass raises
    keep = object.__setattr__
    for each in reached:
        its_own = instead.get(id(each), each)
        if its_own is not each:
            keep(its_own, "__traceback__", each.__traceback__)
            keep(its_own, "__notes__", list(getattr(each, "__notes__", ())))
        suppressed = each.__suppress_context__
        for name, linked in (("__cause__", each.__cause__), ("__context__", each.__context__)):
            if linked is not None and (its_own is not each or id(linked) in instead):
                keep(its_own, name, instead.get(id(linked), linked))
        keep(its_own, "__suppress_context__", suppressed)  # to set a cause sets it too
    return instead.get(id(error), error)


def _inside_out(reached: list[BaseException]) -> Iterator[BaseException]:
    """Each exception once, after those that are part of it. Raises `ValueError` if one is part of itself."""
    is_over: dict[int, bool] = {}
    waiting = list(reached)
    while waiting:
        each = waiting[-1]
        state = is_over.get(id(each))
        if state is None:
            is_over[id(each)] = False
            parts = [part for part in _inside(each) if not is_over.get(id(part), False)]
            if any(id(part) in is_over for part in parts):
                raise ValueError("an exception is one of its own arguments")
            waiting.extend(parts)
            continue
        waiting.pop()
        if not state:
            is_over[id(each)] = True
            yield each


def _copy(error: BaseException, instead: dict[int, BaseException]) -> BaseException:
    kind = type(error)
    copied = kind.__new__(kind, *(instead.get(id(each), each) for each in error.args))
    vars(copied).update({name: instead.get(id(value), value) for name, value in vars(error).items()})
    return copied


# ------------------------------------------------------------ one line
def describe(error: object, *, in_full: bool = False) -> str:
    """Return one line on an error: its type, and more where that is known to quote no payload.

    An error value that is no exception is its author's words, and so is the text of an exception, which `in_full` adds:
    ask for it where no traceback goes with the line, and never for an error that parsing a payload raised.

    >>> describe("stock is empty"), describe(KeyError("sku")), describe(KeyError("sku"), in_full=True)
    ('str: stock is empty', 'KeyError', "KeyError: 'sku'")
    """
    name = type(error).__name__
    try:
        said = _said(error, in_full=in_full)
    except Exception:  # noqa: BLE001  # of values and exceptions of the user's, which may do anything when asked
        return name
    return f"{name}: {escape(said)}" if said else name


def why(fault: Fault[Any], *, in_full: bool = False) -> str:
    """Return one line on the reason why a record failed; see `describe`."""
    match fault:
        case Malformed(error):
            return f"its payload would not parse ({describe(error)})"
        case Rejected(error):
            return f"the handler returned a Failure ({describe(error, in_full=in_full)})"
        case Crashed(error) if fault.is_from_parsing:
            return f"parsing its payload raised {describe(error)}{_place(error.__traceback__)}"
        case Crashed(error):
            return f"handling it raised {describe(error, in_full=in_full)}"
        case _:
            assert_never(fault)


def escape(text: str, most: int = _MOST_CHARACTERS) -> str:
    r"""Return a text as it may stand in a line: at most 500 characters, control characters and surrogates escaped.

    >>> escape("out of stock\n\x1b[31m")
    'out of stock\\n\\x1b[31m'
    """
    text = _cut(text, most)
    if text.isprintable():
        return text
    return _cut("".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text), most)


def _cut(text: str, most: int = _MOST_CHARACTERS) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _said(error: object, *, in_full: bool) -> str:
    if not isinstance(error, BaseException):
        return _words(error)
    if is_validation_error(error):
        return _broken_rules(redact_validation_error(error))
    if isinstance(error, PayloadError | BinasciiError):
        return str(error)
    if isinstance(error, UnicodeDecodeError):
        return f"{error.reason} at byte {error.start}"
    if isinstance(error, ValueError) and any((k.__module__, k.__name__) in _JSON_ERRORS for k in type(error).__mro__):
        return str(error).partition(":")[0]
    return _words(redact(error)) if in_full else ""


def _words(value: object) -> str:
    words = str(value)
    # the text of a ValidationError that stands in the value: pydantic's words, not the author's, and they quote the input
    return "" if "validation error" in words and "[type=" in words else words


def _broken_rules(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False)
    last = problems[-1]
    more: int = last["ctx"]["more"] if last["type"] == _MORE and "ctx" in last else 0
    named = problems[:-1] if more else problems
    if not named:
        return last["msg"]
    rules = [f"{'.'.join(map(str, each['loc'])) or 'payload'} {each['type']}" for each in named[:_MOST_NAMED]]
    more += len(named) - len(rules)
    return ", ".join(rules) + (f" and {more} more" if more else "")


def _place(traceback: TracebackType | None) -> str:
    """The line that raised: all that may be said of a decoder's error, whose text may quote the payload."""
    if traceback is None:
        return ""
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    file = traceback.tb_frame.f_code.co_filename.replace("\\", "/").rpartition("/")[2]
    return f" at {file}:{traceback.tb_lineno}"
