"""DynamoDB's attribute values, and the Python values that they stand for.

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
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, Union

from typing_extensions import TypeAliasType

from batchfold.core._guards import is_mapping, is_plain_list
from batchfold.core.faults import PayloadError
from batchfold.sources.fields import bytes_of, whole_or_exact

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


def _binary(content: Any) -> bytes:
    return bytes_of(content, "B")


def _boolean(content: Any) -> bool:
    return content if isinstance(content, bool) else _mistyped("BOOL", "true or false", content)


def _null(content: Any) -> None:
    return None if content is True else _mistyped("NULL", "true", content)


def _set_of(tag: str, convert: Callable[[Any], Any]) -> Callable[[Any], set[Any]]:
    def converted(content: Any) -> set[Any]:
        if not is_plain_list(content):
            _mistyped(tag, "a list", content)
        return {convert(element) for element in content}

    return converted


def _converters(number: Callable[[Any], Any]) -> tuple[Callable[[Any], dict[str, Any]], Callable[[Any], Any]]:
    """Return the converters of an item and of one attribute value, whose numbers are converted by `number`."""

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
        """Return the Python value that an attribute value stands for; fails as `python_values` does."""
        try:
            ((tag, content),) = attribute_value.items()
            convert = by_tag[tag]
        except (AttributeError, KeyError, TypeError, ValueError):
            pass
        else:
            return convert(content)
        _refuse(attribute_value, by_tag)  # not inside `except`: its error holds the value

    def elements(content: Any) -> list[Any]:
        if not is_plain_list(content):
            _mistyped("L", "a list", content)
        return [python_value(element) for element in content]

    by_tag: dict[str, Callable[[Any], Any]] = {
        "S": _string,
        "N": number,
        "B": _binary,
        "SS": _set_of("SS", _string),
        "NS": _set_of("NS", number),
        "BS": _set_of("BS", _binary),
        "M": python_values,
        "L": elements,
        "NULL": _null,
        "BOOL": _boolean,
    }
    return python_values, python_value


python_values, python_value = _converters(_number)

values_to_validate, _ = _converters(_whole_number_or_decimal)
"""The same for pydantic, whole numbers as `int`: of a `Decimal` it makes a `bool` or a rounded `float` in unions of them."""
