"""Payloads: from the text or bytes that were delivered to the type that a handler wants.

Three ways, the same for every source: as delivered, validated by pydantic into a type, or made by a function. `str` and
`bytes`, with or without constraints, mean the payload as text and as bytes; any other type is validated from JSON.
"""

from collections.abc import Callable, Collection, Mapping
from functools import cache, lru_cache
from inspect import currentframe
from types import FrameType, FunctionType
from typing import Any, Generic, TypeAlias, cast, overload

from returns.result import Failure, Result, Success
from typing_extensions import TypeVar

from batchfold.core._guards import is_mapping
from batchfold.core.faults import DecodeFailure, PayloadError
from batchfold.core.handlers import must_be_awaited
from batchfold.core.records import RawRecord, Record
from batchfold.core.redaction import is_validation_error, names_in, redact_validation_error
from batchfold.sources.fields import UNDECODED

T = TypeVar("T")
D = TypeVar("D", bound=Record)
T_co = TypeVar("T_co", covariant=True)
D_contra = TypeVar("D_contra", contravariant=True, bound=Record)


class Unspecified:
    """Stands for the parameters of a bare generic, in which type checkers find `Any` otherwise. Never a type of a value."""


class OfRecord(Generic[D_contra, T_co]):
    """A decoder that is given the record as delivered instead of its payload alone. Made by `of_record`."""

    __slots__ = ("decode",)

    decode: Callable[[Any], Any]

    def __init__(self, decode: Callable[[D_contra], T_co | Result[T_co, object]]) -> None:
        self.decode = decode


@overload
def of_record(decode: Callable[[D], Result[T, object]], /) -> OfRecord[D, T]: ...
@overload
def of_record(decode: Callable[[D], T], /) -> OfRecord[D, T]: ...
def of_record(decode: Callable[[Any], Any], /) -> OfRecord[Any, Any]:
    """Make a decoder, for `decode=`, of a function that takes the record as delivered.

    It sees what says how to read the payload: message attributes, headers, the topic, a schema id, the key of an item.
    So it can choose the type of a payload before it is parsed:

    >>> from batchfold import SqsRecord, sqs
    >>> from pydantic import TypeAdapter
    >>> forms = {"order": TypeAdapter(dict[str, int]), "ping": TypeAdapter(bool)}
    >>> def by_kind(record: SqsRecord) -> dict[str, int] | bool:
    ...     form = forms.get(str(record.message_attributes.get("kind")))
    ...     if form is None:
    ...         raise ValueError("a message of an unknown kind")
    ...     return form.validate_json(record.body)
    >>> raw = {"messageAttributes": {"kind": {"dataType": "String", "stringValue": "order"}}, "body": '{"a": 1}'}
    >>> sqs(decode=of_record(by_kind)).parse(raw).body
    {'a': 1}

    The function fails as any decoder does: a `ValueError` or a returned `Failure` is `Malformed`.
    """
    return OfRecord(decode)


class Redacting:
    """Parses payloads, and raises a `ValidationError` of pydantic's without its input; of names it keeps those of `names`.

    Called, it does both. `payload_parser` calls the two parts: one around the other costs as much as making the record.
    """

    __slots__ = ("names", "parse")

    def __init__(self, parse: Callable[[Any], Any], names: Callable[[], Collection[str]] = tuple) -> None:
        self.parse = parse
        self.names = names

    def __call__(self, delivered: Any) -> Any:
        """Parse a payload."""
        try:
            return self.parse(delivered)
        except ValueError as error:
            clean = self.redacted(error)
        try:  # not inside `except`: the error with the input would be its context, and be printed with it
            raise clean
        finally:
            del clean  # a cycle otherwise: the error keeps this frame

    def redacted(self, error: ValueError) -> ValueError:
        """Return the error without its input."""
        return redact_validation_error(error, self.names()) if is_validation_error(error) else error


def payload_parser(
    record: Callable[..., Any],
    as_delivered: Callable[[RawRecord], Record],
    payload_of: Callable[[RawRecord], Any],
    form: Any,
    decode: Any,
) -> Callable[[RawRecord], Any]:
    """Return what parses the records of a source that have one payload, which `payload_of` finds as delivered.

    `record` makes the record of its raw record and its payload, `as_delivered` the one that `of_record` is given.
    """
    if isinstance(decode, OfRecord):
        decoded = from_function(decode.decode, form)
        return lambda raw: record(raw, decoded(as_delivered(raw)))
    if decode is None and form is UNDECODED:
        return lambda raw: record(raw, payload_of(raw))
    redacting = from_json(form) if decode is None else from_function(decode, form)
    parse, redacted = redacting.parse, redacting.redacted

    def parse_record(raw: RawRecord) -> Any:
        try:
            return record(raw, parse(payload_of(raw)))
        except ValueError as error:
            clean = redacted(error)
        try:  # outside `except` and deleted, for the reasons that `Redacting` gives
            raise clean
        finally:
            del clean

    return parse_record


def from_json(form: Any) -> Redacting:
    """Return what validates a payload, as text or bytes, into a type: from its JSON, unless the type is text or bytes.

    A model whose payload is not JSON as delivered, such as one that is compressed, has a class method
    `__json_of_payload__`, from the payload to its JSON.
    """
    if form is str:
        return _AS_TEXT
    if form is bytes:
        return _AS_BYTES
    return validator_of(form, _json_validator)


def from_function(decode: Callable[[Any], Any], form: Any = UNDECODED) -> Redacting:
    """Return what lets a function make the payload: `decode` as the user gave it.

    The function may return the payload, or a `Result`: a `Failure` in it is raised as `DecodeFailure`. What it raises is
    raised, a `ValidationError` of pydantic's without its input; the names in its positions are hidden too, since those
    of the user's fields cannot be told from those of the payload here.

    Raises `TypeError` for a type beside the function, and for an async function.
    """
    if form is not UNDECODED:
        raise TypeError("a payload is parsed into a type or by a function: give the one or the other, not both")
    if must_be_awaited(decode):
        raise TypeError("decode= got an async function, expected one that returns the payload at once")

    def unwrapped(delivered: Any) -> Any:
        made = decode(delivered)
        kind = cast("type[object]", type(made))  # else pyright takes it for a Result of unknown types below
        if kind is Success:
            return made.unwrap()
        if kind is not Failure:
            return made
        error = made.failure()
        raise redact_validation_error(error) if is_validation_error(error) else DecodeFailure(error)

    return Redacting(unwrapped)


def text_of(delivered: Any) -> str:
    """Return a payload as text. Raises `ValueError` for bytes that are not UTF-8, and for anything else."""
    if isinstance(delivered, str):
        return delivered
    if isinstance(delivered, bytes):
        return delivered.decode()
    raise PayloadError(f"expected the payload to be text, found a value of type {type(delivered).__name__}")


def bytes_of_text(delivered: Any) -> bytes:
    """Return a payload as bytes, those of a text in UTF-8. Raises `ValueError` for anything else."""
    return delivered if isinstance(delivered, bytes) else text_of(delivered).encode()


_AS_TEXT = Redacting(text_of)
_AS_BYTES = Redacting(bytes_of_text)

_AROUND = frozenset(("nullable", "default", "custom-error", "function-before", "function-after", "function-wrap"))


def kinds_of_text(schema: Any) -> frozenset[str]:
    """Return which of `str` and `bytes` a core schema of pydantic's stands for; nothing for any other type.

    Constraints, validators, defaults and `None` around text leave it text: `Annotated[str, ...]`, `str | None`.
    """
    kind = schema["type"]
    if kind in {"str", "bytes"}:
        return frozenset((kind,))
    if kind in _AROUND:
        return kinds_of_text(schema["schema"])
    found = list(map(kinds_of_text, _choices(schema)))
    return frozenset[str]().union(*found) if all(found) else frozenset()


def _choices(schema: Any) -> list[Any]:
    """Return the members of a union, which may have labels; of another type there are none."""
    choices = schema["choices"] if schema["type"] == "union" else ()
    return [choice if is_mapping(choice) else choice[0] for choice in choices]


def _unpacker(schema: Any, defined: dict[str, Any] | None = None) -> Callable[[Any], Any] | None:
    """Return the `__json_of_payload__` of the model that a core schema of pydantic's stands for, `None` without one.

    In a union, one of the members has it: it must hand the payloads of the others on as they are.
    """
    kind = schema["type"]
    if kind == "model":
        unpack: Callable[[Any], Any] | None = getattr(schema["cls"], "__json_of_payload__", None)
        return unpack
    if kind == "definitions":
        return _unpacker(schema["schema"], {each["ref"]: each for each in schema["definitions"]})
    if kind == "definition-ref" and defined:
        found = defined.pop(schema["schema_ref"], None)  # once is enough, and a type may refer to itself
        return found and _unpacker(found, defined)
    inside = [schema["schema"]] if kind in _AROUND else _choices(schema)
    return next(filter(None, (_unpacker(each, defined) for each in inside)), None)


def _json_validator(adapter: Any) -> Callable[[Any], Any]:
    # the validator itself: the adapter's own method around it takes half as long again
    validator = adapter.validator
    kinds = kinds_of_text(adapter.core_schema)
    if not kinds:
        validate_json: Callable[[Any], Any] = validator.validate_json
        unpack = _unpacker(adapter.core_schema)
        return validate_json if unpack is None else lambda delivered: validate_json(unpack(delivered))
    validate: Callable[[Any], Any] = validator.validate_python
    if len(kinds) > 1:
        return validate
    as_kind = text_of if "str" in kinds else bytes_of_text
    return lambda delivered: validate(as_kind(delivered))


Make: TypeAlias = Callable[[Any], Callable[[Any], Any]]
"""From the `TypeAdapter` of a type to a function that validates into the type."""


def validator_of(form: Any, make: Make) -> Redacting:
    """Return the validator that `make` makes for a type: the same one each time, as far as it can be kept."""
    # unions of the same members in another order are equal, but their order decides between members that fit alike
    order = "" if isinstance(form, type) else repr(form)
    try:
        return _cached_validator(form, order, make)
    except (_NamesMissingError, TypeError):  # what its names mean depends on who asks; or it has no hash to be kept by
        return _new_validator(form, make, _names_of_the_user())


class _NamesMissingError(Exception):
    """A type refers to others by names that must be looked up where the user wrote it: `list["Order"]`."""


def _names_of_the_user() -> dict[str, Any]:
    """Return the namespace of the first caller outside batchfold, in which pydantic resolves forward references."""
    frame: FrameType | None = currentframe()
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == _PACKAGE:
        frame = frame.f_back
    return {} if frame is None else {**frame.f_globals, **frame.f_locals}


_PACKAGE = __name__.partition(".")[0]


@lru_cache(maxsize=256)
def _cached_validator(form: Any, _order: str, make: Make) -> Redacting:
    # `sqs(Order)` may stand inside the Lambda function: a new TypeAdapter for each invocation costs up to milliseconds
    return _new_validator(form, make)


def _new_validator(form: Any, make: Make, names: Mapping[str, Any] | None = None) -> Redacting:
    from pydantic import TypeAdapter  # noqa: PLC0415  # costs a cold start 85 ms, and only those who name a type pay for it

    adapter = _without_names(TypeAdapter, form)
    if not adapter.pydantic_complete:
        if names is None:
            raise _NamesMissingError
        adapter.rebuild(_types_namespace=names)
    return Redacting(make(adapter), cache(lambda: names_in(adapter.core_schema)))


def _call(*_: Any) -> Any:
    return _[0](_[1])


# pydantic resolves the names in a type in the namespaces of the function that makes a `TypeAdapter` and of its module. This
# one has none, so `list["Unspecified"]` never means the class of this module, and a type means the same everywhere.
_without_names = FunctionType(_call.__code__, {})
