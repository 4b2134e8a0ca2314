"""Attribute values against boto3's deserializer, which is the reference, and against damage."""

import base64
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchfold.core._guards import is_mapping, is_plain_list
from batchfold.sources.attribute_values import python_values

# boto3's types are more than the strict checkers can follow, and only what it makes of a value matters here.
boto3_types: Any = import_module("boto3.dynamodb.types")

TAGS = ("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL")

digits = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**30), max_value=10**30).map(str)
numbers = digits | st.integers(-(10**37), 10**37).map(str) | st.sampled_from(["1E+2", "-0", "9.99E-130", "1.50"])
base64_texts = st.binary(max_size=12).map(lambda some: base64.b64encode(some).decode())


def python_value(attribute_value: object) -> Any:
    return python_values({"a": attribute_value})["a"]


def tagged(tag: str, contents: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return contents.map(lambda content: {tag: content})


scalars = (
    tagged("S", st.text(max_size=8))
    | tagged("N", numbers)
    | tagged("B", base64_texts)
    | tagged("SS", st.lists(st.text(max_size=4), max_size=3))
    | tagged("NS", st.lists(numbers, max_size=3))
    | tagged("BS", st.lists(base64_texts, max_size=3))
    | tagged("NULL", st.just(value=True))
    | tagged("BOOL", st.booleans())
)
attribute_values = st.recursive(
    scalars,
    lambda inner: (
        tagged("L", st.lists(inner, max_size=4)) | tagged("M", st.dictionaries(st.text(max_size=4), inner, max_size=4))
    ),
    max_leaves=12,
)


def as_boto3_has_it(attribute_value: dict[str, Any]) -> dict[str, Any]:
    """boto3 gets bytes where a Lambda event holds base64."""
    ((tag, content),) = attribute_value.items()
    match tag:
        case "B":
            return {"B": base64.b64decode(content)}
        case "BS":
            return {"BS": [base64.b64decode(some) for some in content]}
        case "L":
            return {"L": [as_boto3_has_it(some) for some in content]}
        case "M":
            return {"M": {name: as_boto3_has_it(some) for name, some in content.items()}}
        case _:
            return attribute_value


def types_in(value: Any) -> Any:
    """The types of all that a value holds; boto3's `Binary` stands for bytes."""
    if is_mapping(value):
        return {name: types_in(some) for name, some in value.items()}
    if is_plain_list(value):
        return [types_in(some) for some in value]
    return "bytes" if type(value).__name__ == "Binary" else type(value).__name__


@given(attribute_values)
def test_python_values_are_those_of_boto3(attribute_value: dict[str, Any]) -> None:
    expected = boto3_types.TypeDeserializer().deserialize(as_boto3_has_it(attribute_value))
    found = python_value(attribute_value)
    assert expected == found
    assert types_in(found) == types_in(expected)


@given(st.dictionaries(st.text(), attribute_values, max_size=4))
def test_an_item_is_its_attributes_by_name(attributes: dict[str, Any]) -> None:
    assert python_values(attributes) == {name: python_value(some) for name, some in attributes.items()}


@given(numbers)
def test_numbers_are_exact(digits: str) -> None:
    assert str(python_value({"N": digits})) == str(Decimal(digits))


@pytest.mark.parametrize(
    ("attribute_value", "complaint"),
    [
        ({"S": 3}, "type 'S' to hold text, found a value of type int"),
        ({"S": None}, "type 'S' to hold text, found a value of type NoneType"),
        ({"N": 3}, "type 'N' to hold a number as text, found a value of type int"),
        ({"N": 1.5}, "type 'N' to hold a number as text, found a value of type float"),
        ({"N": "three"}, "type 'N' to hold a finite decimal number, found another text"),
        ({"N": "NaN"}, "type 'N' to hold a finite decimal number, found another text"),
        ({"N": "Infinity"}, "type 'N' to hold a finite decimal number, found another text"),
        ({"B": 3}, "expected 'B' to be base64 text, found a value of type int"),
        ({"SS": "text"}, "type 'SS' to hold a list, found a value of type str"),
        ({"SS": [3]}, "type 'S' to hold text, found a value of type int"),
        ({"NS": {}}, "type 'NS' to hold a list, found a value of type dict"),
        ({"NS": ["x"]}, "type 'N' to hold a finite decimal number"),
        ({"BS": None}, "type 'BS' to hold a list, found a value of type NoneType"),
        ({"M": [1]}, "expected a mapping of names to attribute values, found a value of type list"),
        ({"L": {"S": "a"}}, "type 'L' to hold a list, found a value of type dict"),
        ({"NULL": False}, "type 'NULL' to hold true, found a value of type bool"),
        ({"NULL": None}, "type 'NULL' to hold true, found a value of type NoneType"),
        ({"BOOL": "true"}, "type 'BOOL' to hold true or false, found a value of type str"),
        ({"BOOL": 1}, "type 'BOOL' to hold true or false, found a value of type int"),
        ({}, "found a mapping of 0 entries"),
        ({"S": "a", "N": "1"}, "found a mapping of 2 entries"),
        ({"XYZ": "a"}, "found 'XYZ'"),
        ({"secret": "a"}, "found another key"),
        ({3: "a"}, "found another key"),
        ("text", "found a value of type str"),
        (None, "found a value of type NoneType"),
    ],
)
def test_what_is_no_attribute_value_is_refused_by_its_tag(attribute_value: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        python_value(attribute_value)


@pytest.mark.parametrize("content", ["s3cr3", "s3cr3===", "s3cr3 t", "s3cr3t==\n", "s3cr3té"])
def test_binary_that_is_not_base64_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match=r"base64|padding|ASCII") as caught:
        python_value({"B": content})
    assert "s3cr3" not in str(caught.value)


@pytest.mark.parametrize("item", [None, "text", 3, [{"S": "a"}]])
def test_an_item_that_is_no_mapping_is_refused(item: Any) -> None:
    with pytest.raises(ValueError, match=f"found a value of type {type(item).__name__}"):
        python_values(item)


@given(tag=st.sampled_from(TAGS), content=st.recursive(st.sampled_from([None, True, 3, 1.5, "s3cr3t"]), st.lists))
def test_whatever_a_tag_holds_is_converted_or_refused_without_a_quote(tag: str, content: Any) -> None:
    told: list[str] = []
    try:
        python_value({tag: content})
    except ValueError as error:
        told += [repr(error), repr(error.__cause__), repr(error.__context__)]
    assert "s3cr3t" not in "".join(told)


@pytest.mark.parametrize("tag", ["M", "L"])
def test_nesting_of_thousands_of_levels_is_refused_and_crashes_nothing(tag: str) -> None:
    value: dict[str, Any] = {"S": "deep"}
    for _ in range(50_000):
        value = {tag: {"a": value} if tag == "M" else [value]}
    with pytest.raises(RecursionError):
        python_value(value)
