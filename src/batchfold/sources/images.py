"""Images into types: validating the Python values of an item as pydantic validates JSON.

DynamoDB has fewer types than Python. As in JSON, a moment, a UUID and a member of an enumeration are text there, a tuple is
a list, and one kind of number serves `int`, `float` and `Decimal`. So a strict model, which takes its JSON from a queue,
must take its items from a table. Through JSON itself numbers would lose digits and binary values could not pass; so the
values are validated as Python values, by a schema in which strictness means what it means for JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from json import dumps
from operator import is_
from typing import Any, overload

from typing_extensions import TypeForm, TypeVar

from batchfold.core._guards import is_list, is_mapping, is_plain_list, is_several
from batchfold.core.redaction import describe
from batchfold.sources.attribute_values import Item, python_values, values_to_validate
from batchfold.sources.fields import UNDECODED
from batchfold.sources.payload import validator_of

T = TypeVar("T")


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
    validator = validator_of(form, _as_from_json)
    validate, redacted = validator.validate, validator.redacted

    def validated(attributes: Any) -> Any:
        try:
            return validate(values_to_validate(attributes))
        except ValueError as error:
            clean = redacted(error)
        try:  # not inside `except`: the error with the input would be its context, and be printed with it
            raise clean
        finally:
            del clean  # a cycle otherwise: the error keeps this frame

    return validated


class UnparsedImage:
    """Stands for an old image that would not parse, beside a new one that did."""

    __slots__ = ("reason",)

    def __init__(self, error: Exception) -> None:
        self.reason = f"the old image would not parse ({describe(error)})"


def _as_from_json(adapter: Any) -> Callable[[Any], Any]:
    """Return the function that validates Python values into an adapter's type, as strictly as JSON."""
    schema = adapter.core_schema
    rewritten = _rewritten(schema, is_strict=False)
    validate: Callable[[Any], Any] = adapter.validator.validate_python
    if rewritten is schema:
        return validate
    from pydantic_core import SchemaValidator  # noqa: PLC0415  # pydantic is imported only by those who name a type

    # a model inside brings along a validator of its own, which was built from its schema as it was
    from_rewritten: Callable[[Any], Any] = SchemaValidator(rewritten, _use_prebuilt=False).validate_python
    return from_rewritten


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
        is_strict = _is_strict(schema, is_strict=is_strict)
    changed = {
        name: part
        for name, old in schema.items()
        if not (is_schema and name in _NO_SCHEMAS)
        and (part := _rewritten(old, is_strict=is_strict, is_key=is_key or name == "keys_schema")) is not old
    }
    rewritten: Any = {**schema, **changed} if changed else schema
    return _replaced(rewritten, is_strict=is_strict, is_key=is_key) if is_schema else rewritten


def _is_strict(schema: Mapping[str, Any], *, is_strict: bool) -> bool:
    """Return whether a schema is strict where the one around it is."""
    config: Mapping[str, Any] = schema.get("config") or {}
    if schema["type"] in {"model", "dataclass"}:  # these inherit nothing
        is_strict = False
    found: bool = schema.get("strict", config.get("strict", is_strict))
    return found


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
