"""DynamoDB attribute values from Python values.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_AttributeValue.html names the types;
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html their limits.
"""

import base64
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any, TypeGuard, cast

from batchfold.testing.refuse import refuse_other_kinds

_MOST_DIGITS = 38
_SMALLEST_EXPONENT, _LARGEST_EXPONENT = -130, 125


def attribute_value(value: object) -> dict[str, Any]:  # noqa: PLR0911  # one return for each of DynamoDB's types
    """One attribute value as DynamoDB Streams deliver it to Lambda: `{"S": "a"}`, `{"N": "1.5"}`, ...

    Text becomes `S`, `int` and `Decimal` `N`, bytes `B` (in base64), `bool` `BOOL`, `None` `NULL`, mappings `M`, lists
    and tuples `L`, sets of one kind `SS`, `NS` or `BS`.

    Raises:
        TypeError: DynamoDB has no such type. `float` is among what is refused: it cannot hold DynamoDB's numbers.
        ValueError: A set is empty, or a number has more than 38 digits, is not finite, or is too large or too small.

    >>> attribute_value({"id": "a", "price": Decimal("9.50"), "tags": {"new"}})
    {'M': {'id': {'S': 'a'}, 'price': {'N': '9.50'}, 'tags': {'SS': ['new']}}}
    """
    match value:
        case bool():
            return {"BOOL": value}
        case None:
            return {"NULL": True}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": _number(value)}
        case bytes() | bytearray():
            return {"B": _binary(value)}
        case Mapping():
            return {"M": attribute_values(cast("Mapping[str, object]", value))}  # a narrowed Mapping forgets its types
        case AbstractSet():
            return _set(cast("AbstractSet[object]", value))  # the same holds for a narrowed Set
        case Sequence():
            # and for a narrowed Sequence
            return {"L": [attribute_value(item) for item in cast("Sequence[object]", value)]}
        case _:
            raise TypeError(
                "DynamoDB knows text, int, Decimal, bytes, bool, None, mappings, lists and sets; "
                f"{type(value).__name__} is none of them. A float is written as Decimal."
            )


def attribute_values(item: Mapping[str, object]) -> dict[str, Any]:
    """An item or a key: each attribute's name with its attribute value.

    Raises:
        TypeError: `item` is no mapping, a name is no text, or DynamoDB has no such type.
        ValueError: DynamoDB cannot hold a value, as in `attribute_value`.
    """
    refuse_other_kinds("An item of DynamoDB", item, Mapping, "a mapping from the names of attributes to their values")
    for name in item:
        refuse_other_kinds("The name of a DynamoDB attribute", name, str, "text")
    return {name: attribute_value(value) for name, value in item.items()}


def _number(value: int | Decimal) -> str:
    number = Decimal(value)
    digits = len(number.as_tuple().digits)
    if not number.is_finite() or digits > _MOST_DIGITS:
        found = f"has {digits} digits" if number.is_finite() else "is not finite"
        raise ValueError(f"A DynamoDB number is finite and has at most {_MOST_DIGITS} digits; this one {found}.")
    if number and not _SMALLEST_EXPONENT <= number.adjusted() <= _LARGEST_EXPONENT:
        raise ValueError(
            f"A DynamoDB number is of the order 1E{_SMALLEST_EXPONENT} to 1E+{_LARGEST_EXPONENT}; "
            f"this one is of 1E{number.adjusted():+}."
        )
    return str(number)


def _binary(value: bytes | bytearray) -> str:
    return base64.b64encode(value).decode("ascii")


def _set(members: AbstractSet[object]) -> dict[str, Any]:
    if not members:
        raise ValueError("DynamoDB has no empty set. Leave the attribute out.")
    for name, encoded in (
        ("SS", [member for member in members if isinstance(member, str)]),
        ("NS", [_number(member) for member in members if _is_number(member)]),
        ("BS", [_binary(member) for member in members if isinstance(member, bytes)]),
    ):
        if len(encoded) == len(members):
            return {name: sorted(encoded)}
    found = ", ".join(sorted({type(member).__name__ for member in members}))
    raise TypeError(f"A DynamoDB set holds only text, only numbers or only bytes; this one holds {found}.")


def _is_number(member: object) -> TypeGuard[int | Decimal]:
    return isinstance(member, int | Decimal) and not isinstance(member, bool)
