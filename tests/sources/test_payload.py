"""Payloads: types of every kind, validators that are kept, and what functions raise."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ForwardRef, Literal

import pytest
from pydantic import BaseModel, BeforeValidator, Field, PydanticUndefinedAnnotation, ValidationError
from returns.result import Success
from typing_extensions import TypedDict

from batchfold import Crashed, Source, dynamodb, fold_batch, kafka, kinesis, sqs
from batchfold.sources.payload import from_function, from_json, from_python
from batchfold.testing import kinesis_event, sqs_event


class Order(BaseModel):
    kind: Literal["order"]
    id: str


class Refund(BaseModel):
    kind: Literal["refund"]
    amount: int


@dataclass
class Point:
    x: int
    y: int


class Address(TypedDict):
    street: str


@pytest.mark.parametrize(
    ("form", "json", "expected"),
    [
        (Order, '{"kind": "order", "id": "a"}', Order(kind="order", id="a")),
        (Point, b'{"x": 1, "y": 2}', Point(1, 2)),
        (Address, '{"street": "s"}', {"street": "s"}),
        (list[Point], '[{"x": 1, "y": 2}]', [Point(1, 2)]),
        (Order | Refund, '{"kind": "refund", "amount": 3}', Refund(kind="refund", amount=3)),
        (
            Annotated[Order | Refund, Field(discriminator="kind")],
            '{"kind": "order", "id": "a"}',
            Order(kind="order", id="a"),
        ),
        (None, "null", None),
        (Any, "[1, null]", [1, None]),
    ],
)
def test_json_is_validated_into_any_type_that_pydantic_takes(form: Any, json: str | bytes, expected: object) -> None:
    assert from_json(form)(json) == expected


def test_python_values_are_validated_into_a_type() -> None:
    assert from_python(Point)({"x": 1, "y": "2"}) == Point(1, 2)


def test_the_validator_of_a_type_is_made_once() -> None:
    assert from_json(Order) is from_json(Order)
    assert from_json(Order) is not from_python(Order)


def test_unions_of_the_same_members_in_another_order_are_two_types() -> None:
    assert from_json(bool | int) is not from_json(int | bool)


def test_a_type_that_has_no_hash_is_taken_too() -> None:
    form: Any = Annotated[int, Field(gt=3), ["no", "hash"]]
    assert from_json(form)("4") == 4
    with pytest.raises(ValidationError):
        from_json(form)("3")


def test_a_name_in_a_type_means_what_it_means_where_the_source_is_made() -> None:
    assert from_json(list["Point"])('[{"x": 1, "y": 2}]') == [Point(1, 2)]

    @dataclass
    class Address:
        zip_code: int

    @dataclass
    class Line:
        number: int

    @dataclass
    class Page:
        lines: "list[Line]"

    assert from_json(list["Address"])('[{"zip_code": 1}]') == [Address(1)]
    assert from_json(Page)('{"lines": [{"number": 1}]}') == Page([Line(1)])
    assert in_another_place() == [{"street": "s"}]


def in_another_place() -> object:
    return from_json(list["Address"])('[{"street": "s"}]')


SOURCES_WITH_NAMES: dict[str, Callable[[], Source[Any, Any]]] = {
    "sqs": lambda: sqs(list["Point"]),
    "kinesis": lambda: kinesis(list["Point"]),
    "dynamodb": lambda: dynamodb(new=list["Point"], old=list["Point"]),
    "kafka": lambda: kafka(list["Point"], key=list["Point"]),
}


@pytest.mark.parametrize("kind", SOURCES_WITH_NAMES)
def test_every_source_takes_types_with_names_in_them(kind: str) -> None:
    assert isinstance(SOURCES_WITH_NAMES[kind](), Source)


def test_a_name_of_the_users_is_not_one_of_batchfold_s() -> None:
    @dataclass
    class Validator:
        n: int

    @dataclass
    class T:
        n: int

    for form, kind in ((list["Validator"], Validator), (list["T"], T)):
        assert from_json(form)('[{"n": 1}]') == [kind(1)]


def test_a_name_that_means_nothing_is_told_when_the_source_is_made() -> None:
    with pytest.raises(PydanticUndefinedAnnotation, match="name 'Nowhere' is not defined"):
        from_json(ForwardRef("Nowhere"))


def test_a_function_makes_the_payload() -> None:
    assert from_function(len)("four") == 4


def test_what_a_function_raises_is_raised_as_it_is() -> None:
    raised = [ValueError("bad"), ConnectionError("down"), SystemExit(3)]

    def failing(error: BaseException) -> None:
        raise error

    for error in raised:
        with pytest.raises(type(error)) as caught:
            from_function(failing)(error)
        assert caught.value is error


def test_a_validation_error_from_a_function_loses_its_input_and_every_name() -> None:
    with pytest.raises(ValidationError) as caught:
        from_function(Order.model_validate_json)('{"kind": "order", "id": {"s3cr3t": 1}}')
    told = caught.value.errors(include_url=False)
    assert told == [{"type": "string_type", "loc": ("[...]",), "msg": "Input should be a valid string", "input": None}]
    assert "s3cr3t" not in f"{caught.value}{caught.value.__cause__}{caught.value.__context__}"


def looked_up(_value: object) -> int:
    raise KeyError("registry")


LookedUp = Annotated[int, BeforeValidator(looked_up)]
LOOKING_UP: list[tuple[Source[Any, Any], dict[str, Any]]] = [
    (sqs(LookedUp), sqs_event(1)),
    (kinesis(LookedUp), kinesis_event(1)),
]


@pytest.mark.parametrize(("source", "event"), LOOKING_UP)
def test_what_a_users_validator_raises_besides_a_value_error_has_crashed(
    source: Source[Any, Any], event: dict[str, Any]
) -> None:
    (failed,) = fold_batch(event, lambda _record: Success(None), source).failed
    assert isinstance(failed.fault, Crashed)
    assert repr(failed.fault.error) == "KeyError('registry')"
