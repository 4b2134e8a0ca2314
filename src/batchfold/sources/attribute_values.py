"""DynamoDB's attribute values: the Python values that they stand for, and the types that these are validated into.

Every value comes under the tag of its type, `{"N": "1.50"}`:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_AttributeValue.html

| tag            | Python value                                                                     |
|----------------|----------------------------------------------------------------------------------|
| `S`            | `str`                                                                            |
| `N`            | `Decimal`, exactly as written: DynamoDB's numbers have up to 38 digits           |
| `B`            | `bytes`; a Lambda event holds them in base64                                     |
| `SS` `NS` `BS` | `set` of those                                                                   |
| `M` `L`        | `dict`, `list`                                                                   |
| `BOOL` `NULL`  | `bool`, `None`                                                                   |

DynamoDB has fewer types than Python: as in JSON, a moment, a UUID and a member of an enumeration are text there, a tuple is
a list, and one kind of number serves `int`, `float` and `Decimal`. A strict model, which takes its JSON from a queue, must
take its items from a table too. Through JSON itself numbers would lose digits and binary values could not pass; so Python
values are validated, by a schema in which strictness means what it means for JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from json import dumps
from operator import is_
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, Union, overload

from typing_extensions import TypeAliasType, TypeForm, TypeVar

from batchfold.core._guards import is_list, is_mapping, is_plain_list, is_several
from batchfold.core.faults import PayloadError
from batchfold.core.redaction import describe
from batchfold.sources.fields import UNDECODED, bytes_of, whole_or_exact
from batchfold.sources.payload import validator_of

T = TypeVar("T")

if TYPE_CHECKING:
    Attribute: TypeAlias = Union[
        str, Decimal, bytes, bool, set[str], set[Decimal], set[bytes], list["Attribute"], dict[str, "Attribute"], None
    ]
else:  # who reads annotations at run time can resolve this one anywhere, and the checkers find Any in it
    Attribute = TypeAliasType(
        "Attribute",
        "str | Decimal | bytes | bool | set[str] | set[Decimal] | set[bytes] | list[Attribute] | dict[str, Attribute] | None",
    )
"""The Python value of an attribute of an item: the right-hand column of the table above."""

Item: TypeAlias = Mapping[str, Attribute]
"""An item, an image of it or its key: attributes by name, as Python values."""

_LONGEST_TAG = 4
_MOST_DIGITS = 39
"""Those of a number, with its sign."""


def _refuse(attribute_value: object, tags: Iterable[str]) -> NoReturn:
    if not is_mapping(attribute_value):
        found = f"a value of type {type(attribute_value).__name__}"
    elif len(attribute_value) != 1:
        found = f"a mapping of {len(attribute_value)} entries"
    else:
        found = _shown(next(iter(attribute_value)))
    raise PayloadError(
        f"expected an attribute value, a mapping with one of {', '.join(tags)} for its key, found {found}"
    )


def _shown(tag: object) -> str:
    """Show a key that could be a tag; any other may have come with the payload."""
    if isinstance(tag, str) and len(tag) <= _LONGEST_TAG and tag.isascii() and tag.isupper() and tag.isalpha():
        return repr(tag)
    return "another key"


def _mistyped(tag: str, expected: str, content: object) -> NoReturn:
    raise PayloadError(
        f"expected an attribute value of type {tag!r} to hold {expected}, found a value of type {type(content).__name__}"
    )


def _string(content: Any) -> str:
    return content if isinstance(content, str) else _mistyped("S", "text", content)


def _number(content: Any) -> Decimal:
    if not isinstance(content, str):
        _mistyped("N", "a number as text", content)
    try:
        number = Decimal(content)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise PayloadError(
            "expected an attribute value of type 'N' to hold a finite decimal number, found another text"
        )
    return number


def _whole_number_or_decimal(content: Any) -> int | Decimal:
    if isinstance(content, str) and len(content) <= _MOST_DIGITS and content.removeprefix("-").isdecimal():
        return int(content)
    return whole_or_exact(_number(content))


def _boolean(content: Any) -> bool:
    return content if isinstance(content, bool) else _mistyped("BOOL", "true or false", content)


def _null(content: Any) -> None:
    return None if content is True else _mistyped("NULL", "true", content)


def _elements(tag: str, content: Any) -> list[Any]:
    return content if is_plain_list(content) else _mistyped(tag, "a list", content)


def _converter(number: Callable[[Any], Any]) -> Callable[[Any], dict[str, Any]]:
    """Return what converts an item, its numbers by `number`."""

    def python_values(attributes: Any) -> dict[str, Any]:
        """Return the Python values of an item's attributes by name: of an image, of the keys, or of an `M`.

        Raises `ValueError` for anything but a mapping of attribute values. It names the tag of a value, and never quotes
        the value. An item nested too deep to be walked raises `RecursionError`.

        >>> python_values({"id": {"S": "a-1"}, "prices": {"L": [{"N": "9.90"}, {"NULL": True}]}})
        {'id': 'a-1', 'prices': [Decimal('9.90'), None]}
        """
        try:
            pairs = attributes.items()
        except AttributeError:
            pass
        else:
            return {name: python_value(attribute_value) for name, attribute_value in pairs}
        # not inside `except`: the error above holds what it is about, and would be the context of this one
        raise PayloadError(
            f"expected a mapping of names to attribute values, found a value of type {type(attributes).__name__}"
        )

    def python_value(attribute_value: Any) -> Any:
        try:
            ((tag, content),) = attribute_value.items()
            convert = by_tag[tag]
        except (AttributeError, KeyError, TypeError, ValueError):
            pass
        else:
            return convert(content)
        _refuse(attribute_value, by_tag)  # not inside `except`: its error holds the value

    by_tag: dict[str, Callable[[Any], Any]] = {
        "S": _string,
        "N": number,
        "B": lambda content: bytes_of(content, "B"),
        "SS": lambda content: set(map(_string, _elements("SS", content))),
        "NS": lambda content: set(map(number, _elements("NS", content))),
        "BS": lambda content: {bytes_of(element, "B") for element in _elements("BS", content)},
        "M": python_values,
        "L": lambda content: [python_value(element) for element in _elements("L", content)],
        "NULL": _null,
        "BOOL": _boolean,
    }
    return python_values


python_values = _converter(_number)

values_to_validate = _converter(_whole_number_or_decimal)
"""The same for pydantic, whole numbers as `int`: of a `Decimal` it makes a `bool` or a rounded `float` in unions of them."""


@overload
def from_attribute_values(attributes: Mapping[str, Any], /) -> Item: ...
@overload
def from_attribute_values(attributes: Mapping[str, Any], form: TypeForm[T], /) -> T: ...
def from_attribute_values(attributes: Mapping[str, Any], form: Any = UNDECODED, /) -> Any:
    """Return an item from its attribute values, wherever they come from: as plain Python values, or as a type.

    For decoders of changes that travel inside the payload of another source, and for those that choose the type
    themselves. Raises `ValueError` for anything that is not the attribute values of such an item, without quoting it.

    >>> attributes = {"id": {"S": "a"}, "at": {"L": [{"N": "3"}, {"N": "0.5"}]}}
    >>> from_attribute_values(attributes)
    {'id': 'a', 'at': [Decimal('3'), Decimal('0.5')]}
    >>> from_attribute_values(attributes, dict[str, str | tuple[int, float]])
    {'id': 'a', 'at': (3, 0.5)}
    """
    return python_values(attributes) if form is UNDECODED else image_validator(form)(attributes)


def image_validator(form: Any) -> Callable[[Any], Any]:
    """Return what validates the attribute values of an item into a type."""
    return validator_of(form, _as_from_json)


class UnparsedImage:
    """Stands for an old image that would not parse, beside a new one that did."""

    __slots__ = ("reason",)

    def __init__(self, error: Exception) -> None:
        self.reason = f"the old image would not parse ({describe(error)})"


def _as_from_json(adapter: Any) -> Callable[[Any], Any]:
    """Return the function that validates attribute values into an adapter's type, as strictly as JSON."""
    from pydantic_core import SchemaValidator  # noqa: PLC0415  # pydantic is imported only by those who name a type

    schema = adapter.core_schema
    rewritten = _rewritten(schema, is_strict=False)
    # a model inside brings along a validator of its own, which was built from its schema as it was
    validator = adapter.validator if rewritten is schema else SchemaValidator(rewritten, _use_prebuilt=False)
    validate = validator.validate_python
    return lambda attributes: validate(values_to_validate(attributes))


# ------------------------------------------------------------ schemas
_AS_STRICT_AS_JSON = frozenset(("bool", "float", "int", "lax-or-strict", "literal", "none", "str"))
"""These take the same of Python values as of JSON. Of any other type, strictness asks for an instance of Python's."""

_TEXTS = frozenset(("complex", "date", "datetime", "time", "timedelta", "uuid"))
"""Of JSON, strictness asks for a text here."""

_NO_SCHEMAS = frozenset(
    ("computed_fields", "config", "default", "expected", "function", "members", "metadata", "serialization")
)
"""The parts of a core schema in which there are no schemas to validate by."""

_STRICT_TEXT = {"type": "str", "strict": True}
_QUOTED = {"type": "function-plain", "function": {"type": "no-info", "function": dumps}}


def _rewritten(schema: Any, *, is_strict: bool, is_key: bool = False) -> Any:
    """Return a core schema of pydantic's that takes of Python values what the given one takes of JSON.

    Where nothing has to change, as in most types, it is the same object.
    """
    if is_list(schema):  # a list of schemas, or a pair of a schema and its label
        parts = [_rewritten(part, is_strict=is_strict, is_key=is_key) for part in schema]
        return schema if all(map(is_, parts, schema)) else parts
    if not is_mapping(schema):
        return schema
    kind = schema.get("type")
    is_schema = isinstance(kind, str)  # else a mapping from names, of fields or tags, to schemas
    if is_schema:
        config: Mapping[str, Any] = schema.get("config") or {}
        inherited = is_strict and kind not in {"model", "dataclass"}
        is_strict = schema.get("strict", config.get("strict", inherited))
    changed = {
        name: part
        for name, old in schema.items()
        if not (is_schema and name in _NO_SCHEMAS)
        and (part := _rewritten(old, is_strict=is_strict, is_key=is_key or name == "keys_schema")) is not old
    }
    rewritten: Any = {**schema, **changed} if changed else schema
    return _replaced(rewritten, is_strict=is_strict, is_key=is_key) if is_schema else rewritten


def _replaced(schema: Any, *, is_strict: bool, is_key: bool) -> Any:
    kind = schema["type"]
    if kind == "json-or-python" and schema["json_schema"]["type"] == "any":  # JsonValue
        step = {"type": "no-info", "function": _as_json_has_it}
        return {**_ref(schema), "type": "function-before", "function": step, "schema": schema["python_schema"]}
    if not is_strict:
        return schema
    if kind == "json-or-python":
        return {**schema["json_schema"], **_ref(schema)}
    inner = {name: part for name, part in schema.items() if name != "ref"}
    if kind in _TEXTS:
        return {**_ref(schema), "type": "chain", "steps": [_STRICT_TEXT, _QUOTED, {"type": "json", "schema": inner}]}
    if "sub_type" in schema:  # that of the members of an enumeration
        member = {"type": schema["sub_type"], "strict": True}
        return {**_ref(schema), "type": "chain", "steps": [member, {**inner, "strict": False}]}
    # the keys of a JSON object are text, from which a strict validator makes numbers all the same
    return schema if kind in _AS_STRICT_AS_JSON and not is_key else {**schema, "strict": False}


def _ref(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the name by which other schemas refer to this one, for the schema that takes its place."""
    return {"ref": schema["ref"]} if "ref" in schema else {}


def _as_json_has_it(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return sorted(value) if is_several(value) and not is_plain_list(value) else value
