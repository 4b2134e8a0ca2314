"""Images into types: what a queue's JSON gives, a table's item gives; exactly, and once."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AnyUrl,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    SecretStr,
    Tag,
    TypeAdapter,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)
from pydantic.dataclasses import dataclass
from returns.result import Success
from typing_extensions import NamedTuple, TypedDict

from batchfold import Crashed, Malformed, Source, dynamodb, fold_batch, from_attribute_values, sqs
from batchfold.core._guards import is_mapping, is_plain_list
from batchfold.testing import attribute_values, dynamodb_event

STRICT = ConfigDict(strict=True)


class Colour(StrEnum):
    RED = "red"


class Count(IntEnum):
    ONE = 1


class Mixed(Enum):
    TEXT = "a"
    TWO = 2


class Pair(NamedTuple):
    a: int
    b: str


class Inner(BaseModel):
    model_config = STRICT

    n: int
    at: date | None = None


class LaxInner(BaseModel):
    n: int


@dataclass(config=STRICT)
class Line:
    n: int
    at: datetime


class Entry(TypedDict):
    n: int


Entry.__pydantic_config__ = STRICT  # type: ignore[attr-defined]  # how pydantic is told of a TypedDict's strictness


class Holder(BaseModel):
    """Its fields have the names of parts of a schema."""

    model_config = STRICT

    type: datetime
    config: tuple[int, ...]
    default: UUID | None = None
    members: Inner | None = None


def kind(value: Any) -> str:
    return "inner" if isinstance(value, dict) else "number"


FORMS: list[Any] = [
    int,
    float,
    Decimal,
    str,
    bool,
    datetime,
    date,
    time,
    timedelta,
    UUID,
    Colour,
    Mixed,
    tuple[int, int],
    tuple[int, ...],
    list[int],
    list[str],
    set[int],
    frozenset[str],
    deque[int],
    dict[str, int],
    dict[int, str],
    dict[UUID, int],
    dict[date, int],
    dict[Colour, int],
    Mapping[str, float],
    Literal["a", 1],
    int | None,
    int | str,
    float | int,
    UUID | int,
    str | datetime,
    JsonValue,
    dict[str, JsonValue],
    list[JsonValue],
    Path,
    IPv4Address,
    AnyUrl,
    SecretStr,
    AwareDatetime,
    Pair,
    Inner,
    LaxInner,
    Line,
    Entry,
    Holder,
    list[Inner],
    dict[str, Inner],
    Inner | int,
    Annotated[Annotated[Inner, Tag("inner")] | Annotated[int, Tag("number")], Discriminator(kind)],
    Annotated[int, Field(gt=2)],
    Annotated[list[datetime], Field(min_length=1)],
    Annotated[int | None, BeforeValidator(lambda value: value or None)],
]
UUID_TEXT = "6f1c1f0e-0000-4000-8000-000000000000"
MOMENT = "2026-01-01T10:00:00Z"
FITTING: list[Any] = [
    *(0, 1, 2, 7, -5, 10**20, 0.5, 7.5, 0.1, True, False, None),
    *(
        "",
        "a",
        "red",
        "1",
        "1.5",
        "true",
        "2026-01-01",
        "2026-01-01T00:00:00Z",
        "12:00:00",
        "P1D",
        UUID_TEXT,
        MOMENT,
        "/var",
        "1.2.3.4",
    ),
    *("https://example.com", [], [1, 2], ["a"], [1, "a"], [1.5, 2], [MOMENT], {}, {"n": 1}, {"n": "1"}),
    *({"n": 1, "at": "2026-01-01"}, {"n": 1, "at": MOMENT}, {"n": 1, "at": 3}, {"1": 2}, {"1": "a"}, {"red": 1}),
    *({"2026-01-01": 1}, {UUID_TEXT: 1}, {"a": {"n": 1}}, [{"n": 1, "at": "2026-01-01"}], {"a": 1, "b": "x"}),
    {"type": MOMENT, "config": [1, 2], "default": UUID_TEXT, "members": {"n": 1, "at": "2026-01-01"}},
    {"a": [1, 2.5, None, True, {"b": 0.5}]},
]
numbers = st.integers(-(10**30), 10**30) | st.integers(-(10**6), 10**6).map(lambda thousandths: thousandths / 1_000)
json_values = st.recursive(
    st.sampled_from(FITTING) | numbers | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("an"), inner, max_size=2),
    max_leaves=4,
)


def as_item(value: Any) -> Any:
    """The same value as a table holds it, its numbers exact."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if is_plain_list(value):
        return list(map(as_item, value))
    return {name: as_item(each) for name, each in value.items()} if is_mapping(value) else value


from_queue: Callable[..., Source[Any, Any]] = sqs
from_table: Callable[..., Source[Any, Any]] = dynamodb


def holder_of(form: Any, *, strict: bool) -> Any:
    return create_model("Holding", __config__=ConfigDict(strict=strict), value=(form, ...))


HOLDERS = [(form, strict, holder_of(form, strict=strict)) for form in FORMS for strict in (False, True)]


def body_of(parse: Callable[[Any], Any], value: Any) -> Any:
    return parse({"body": json.dumps({"value": value})}).body


def image_of(parse: Callable[[Any], Any], value: Any) -> Any:
    return parse({"dynamodb": {"NewImage": attribute_values(as_item({"value": value}))}}).new_image


def outcome(parse: Any) -> Any:
    try:
        return parse().value
    except ValidationError:
        return ValidationError


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("form", FORMS, ids=[f"form {number}" for number in range(len(FORMS))])
def test_an_image_gives_what_the_same_json_gives(form: Any, strict: bool) -> None:  # noqa: FBT001  # a parameter of the test
    holder = holder_of(form, strict=strict)
    of_queue, of_table = from_queue(holder).parse, from_table(holder).parse
    for value in FITTING:
        expected = outcome(partial(body_of, of_queue, value))
        found = outcome(partial(image_of, of_table, value))
        if form is not timedelta or not isinstance(value, bool):  # which pydantic takes for a number in Python alone
            assert repr(found) == repr(expected), value


@given(st.sampled_from([holder for holder in HOLDERS if holder[0] is not timedelta]), json_values)
def test_what_json_is_refused_for_an_image_is_refused_for_too(holder: tuple[Any, bool, Any], value: Any) -> None:
    _, _, model = holder
    expected = outcome(lambda: TypeAdapter(model).validate_json(json.dumps({"value": value})))
    found = outcome(lambda: from_attribute_values(attribute_values(as_item({"value": value})), model))
    assert (found is ValidationError) == (expected is ValidationError)


class Priced(BaseModel):
    model_config = STRICT

    price: Decimal
    prices: dict[str, Decimal | None] = {}
    blob: bytes = b""
    at: datetime | None = None


@given(
    st.decimals(allow_nan=False, allow_infinity=False).filter(
        lambda number: len(number.as_tuple().digits) <= 38 and abs(number.adjusted()) < 100
    )
)
def test_numbers_are_exact_to_38_digits_in_strict_models_too(number: Decimal) -> None:
    item = from_attribute_values(attribute_values({"price": number, "prices": {"a": number}}), Priced)
    assert item.price == item.prices["a"] == number


@given(st.binary())
def test_binary_stays_bytes_in_strict_models_too(blob: bytes) -> None:
    item = from_attribute_values(attribute_values({"price": 1, "blob": blob, "at": MOMENT}), Priced)
    assert item.blob == blob


def test_a_number_that_a_type_does_not_ask_for_is_exact() -> None:
    image = attribute_values({"n": Decimal("0.1000000000000000000000000000000000001"), "m": [7, Decimal("7.50")]})
    assert from_attribute_values(image, dict[str, object]) == {"n": Decimal(image["n"]["N"]), "m": [7, Decimal("7.5")]}


def test_any_item_without_binary_is_a_json_value() -> None:
    item = {
        "n": 7,
        "x": Decimal("7.5"),
        "third": Decimal(1) / 3,
        "tags": {"b", "a"},
        "all": [{"m": Decimal("0.1")}, None],
    }
    read = from_attribute_values(attribute_values(item), dict[str, JsonValue])
    assert json.loads(json.dumps(read)) == {
        "n": 7,
        "x": 7.5,
        "third": 1 / 3,
        "tags": ["a", "b"],
        "all": [{"m": 0.1}, None],
    }
    with pytest.raises(ValidationError, match="not a valid JSON value"):
        from_attribute_values(attribute_values({"blob": b"x"}), dict[str, JsonValue])


class Tags(BaseModel):
    model_config = STRICT

    listed: list[str]
    distinct: set[int]
    frozen: frozenset[Decimal]
    several: tuple[bytes, ...]


def test_the_sets_of_a_table_are_taken_for_collections() -> None:
    item = {"listed": {"a"}, "distinct": {1, 2}, "frozen": {Decimal("0.5"), 1}, "several": {b"x"}}
    assert from_attribute_values(attribute_values(item), Tags) == Tags(
        listed=["a"], distinct={1, 2}, frozen=frozenset({Decimal("0.5"), Decimal(1)}), several=(b"x",)
    )


seen: list[object] = []


class Watched(BaseModel):
    model_config = STRICT

    id: str
    at: datetime | None = None

    @model_validator(mode="before")
    @classmethod
    def see(cls, value: object) -> object:
        seen.append(value)
        return value

    @field_validator("id")
    @classmethod
    def fail(cls, value: str) -> str:
        if len(seen) > 1:
            raise ConnectionError("asked a second time")
        if value == "bad":
            raise ValueError("bad")
        return value


@pytest.mark.parametrize(("value", "fault"), [("good", None), ("bad", Malformed)])
def test_the_validators_of_a_model_run_once(value: str, fault: type | None) -> None:
    seen.clear()
    batch = fold_batch(dynamodb_event({"id": value}), lambda _: Success(None), dynamodb(Watched))
    assert len(seen) == 1
    assert [type(failed.fault) for failed in batch.failed] == ([] if fault is None else [fault])


def test_an_error_of_a_validator_that_is_no_value_error_is_no_fault_of_the_payload() -> None:
    seen[:] = [None, None]
    (failed,) = fold_batch(dynamodb_event({"id": "a"}), lambda _: Success(None), dynamodb(Watched)).failed
    assert isinstance(failed.fault, Crashed)
    assert isinstance(failed.fault.error, ConnectionError)


def test_what_does_not_fit_is_told_by_its_position_and_never_quoted() -> None:
    with pytest.raises(ValidationError) as caught:
        from_attribute_values(attribute_values({"price": "s3cr3t", "prices": {"s3cr3t": "x"}, "at": 3}), Priced)
    assert [error["loc"] for error in caught.value.errors()] == [("price",), ("prices", "[...]"), ("at",)]
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__context__ is None


def test_attribute_values_are_an_item_without_a_type() -> None:
    assert from_attribute_values({"id": {"S": "a"}, "n": {"N": "3"}}) == {"id": "a", "n": Decimal(3)}
    with pytest.raises(ValueError, match="expected an attribute value"):
        from_attribute_values({"id": "a"})
