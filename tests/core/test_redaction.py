"""What pydantic says of a payload that does not fit, without a word of the payload."""

import json
import traceback
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import (
    AnyUrl,
    Base64Bytes,
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    ImportString,
    ValidationError,
    field_validator,
)
from pydantic.networks import IPvAnyAddress
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from batchfold.core.redaction import HIDDEN, is_validation_error, names_in, redact_validation_error
from batchfold.sources.payload import from_json, from_python

MARKER = "xq7marker"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: int
    bound: Annotated[int, Field(gt=3)] = 4


class Outer(BaseModel):
    inner: Inner


class A(BaseModel):
    kind: Literal["a"]
    moment: datetime


class B(BaseModel):
    kind: Literal["b"]
    identity: UUID


class Typed(TypedDict):
    price: Decimal


class Everything(BaseModel):
    model_config = ConfigDict(extra="forbid")

    inner: Inner
    free: dict[str, int]
    keyed: dict[int, dict[UUID, Inner]]
    either: Annotated[A | B, Field(discriminator="kind")]
    smart: int | list[Inner] | Typed
    listed: list[tuple[int, UUID]]
    url: AnyUrl
    span: timedelta
    address: IPvAnyAddress
    zone: ZoneInfo
    size: ByteSize
    code: Annotated[str, Field(pattern="^[0-9]+$", max_length=5)]
    data: Base64Bytes
    imported: ImportString[Any]
    aware: Annotated[datetime, Field(strict=True)]


NAMES = list(Everything.model_fields)
FITTING: dict[str, Any] = {
    "inner": {"number": 1},
    "free": {"a": 1},
    "keyed": {"1": {"6a7e8feb-b491-4cf7-a9f1-bf3703467718": {"number": 1}}},
    "either": {"kind": "a", "moment": "2026-01-01T00:00:00Z"},
    "smart": [{"number": 1}],
    "listed": [[1, "6a7e8feb-b491-4cf7-a9f1-bf3703467718"]],
    "url": "https://example.com",
    "span": "P1D",
    "address": "127.0.0.1",
    "zone": "UTC",
    "size": "1KB",
    "code": "123",
    "data": "YQ==",
    "imported": "math.cos",
    "aware": "2026-01-01T00:00:00Z",
}

marked = st.sampled_from(
    [MARKER, f"{MARKER} x", f"1{MARKER}", f"https://{MARKER}:99999999", f"3 {MARKER}", f"{MARKER}.y"]
)
strays = st.recursive(
    marked | st.none() | st.integers() | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            marked | st.sampled_from(["number", "kind", "price", "identity", "moment", "1"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


def told_of(error: BaseException) -> str:
    return "".join(traceback.format_exception(error, chain=True)[-1:]) + "".join(
        f"{some!s}{some!r}" for some in (error, error.__cause__, error.__context__)
    )


@given(
    damaged=st.dictionaries(st.sampled_from(NAMES), strays, min_size=1),
    extra=st.dictionaries(marked, strays, max_size=2),
)
@example(damaged={"either": {"kind": MARKER}}, extra={})
@example(damaged={"zone": f"Europe/{MARKER}", "size": f"3{MARKER}", "imported": MARKER}, extra={MARKER: 1})
@example(damaged={"keyed": {MARKER: 1, "2": {MARKER: {}}}, "listed": [[MARKER, MARKER]]}, extra={})
def test_no_marker_of_a_payload_is_ever_told(damaged: dict[str, Any], extra: dict[str, Any]) -> None:
    payload = {**FITTING, **damaged, **extra}
    for validated, given_ in (
        (from_json(Everything), json.dumps(payload)),
        (from_json(Everything), json.dumps(payload).encode()),
        (from_json(Everything), json.dumps(payload)[:-1]),
        (from_python(Everything), payload),
    ):
        told = ""
        try:
            validated(given_)
        except ValidationError as error:
            told = told_of(error) + str(error.errors()) + error.json()
        assert MARKER not in told


def hidden(form: Any, payload: object) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        from_python(form)(payload)
    return caught.value


def test_the_rules_and_the_positions_stay() -> None:
    error = hidden(Outer, {"inner": {"number": MARKER, "bound": 2}})
    assert error.title == "Outer"
    assert error.errors(include_url=False) == [
        {
            "type": "int_parsing",
            "loc": ("inner", "number"),
            "msg": "Input should be a valid integer, unable to parse string as an integer",
            "input": None,
        },
        {
            "type": "greater_than",
            "loc": ("inner", "bound"),
            "msg": "Input should be greater than 3",
            "input": None,
            "ctx": {"gt": 3},
        },
    ]


def test_a_key_of_a_free_form_mapping_is_hidden_and_the_field_above_it_is_not() -> None:
    error = hidden(Everything, {**FITTING, "free": {MARKER: "x"}})
    assert error.errors()[0]["loc"] == ("free", HIDDEN)


def test_a_key_that_does_not_fit_is_hidden() -> None:
    error = hidden(Everything, {**FITTING, "keyed": {MARKER: {}}})
    assert error.errors()[0]["loc"] == ("keyed", HIDDEN, "[key]")


class Checked(BaseModel):
    text: str
    address: str = ""

    @field_validator("text")
    @classmethod
    def refuse(cls, text: str) -> str:
        if text == "custom":
            raise PydanticCustomError("not_ours", "we do not take {what}", {"what": "custom"})
        if text == "braces":
            raise PydanticCustomError("not_ours", "no {{braces}}")
        raise ValueError("we do not take it")

    @field_validator("address")
    @classmethod
    def refuse_as_pydantic_does(cls, address: str) -> str:
        # what pydantic's own rule for addresses raises, which needs another library
        reason = {"reason": f"The part after the @-sign contains {address}."}
        raise PydanticCustomError("value_error", "value is not a valid email address: {reason}", reason)


@pytest.mark.parametrize(
    ("text", "rule", "said"),
    [
        ("custom", "not_ours", "we do not take custom"),
        ("other", "value_error", "Value error, we do not take it"),
        ("braces", "not_ours", "no {{braces}}"),
    ],
)
def test_what_a_validator_of_the_users_says_is_kept(text: str, rule: str, said: str) -> None:
    told = hidden(Checked, {"text": text}).errors()[0]
    assert (told["type"], told["msg"]) == (rule, said)


def test_what_is_wrong_with_an_email_address_is_not_told() -> None:
    told = hidden(Checked, {"text": "other", "address": MARKER}).errors()[1]
    assert (told["type"], told["msg"]) == ("value_error", "value is not a valid email address")


def test_an_unknown_tag_is_hidden_and_the_expected_ones_are_not() -> None:
    told = str(hidden(Everything, {**FITTING, "either": {"kind": MARKER}}))
    assert "Input tag found using 'kind' does not match any of the expected tags: 'a', 'b'" in told


def test_pydantics_errors_are_known_from_others() -> None:
    assert is_validation_error(hidden(int, "x"))
    assert not is_validation_error(ValueError("x"))
    assert not is_validation_error(type("ValidationError", (ValueError,), {})("x"))


def test_every_text_of_a_schema_is_a_name() -> None:
    schema = {"type": "model", "fields": [{"name": "a"}, ("b", {"c"})], "strict": True}
    assert names_in(schema) == {"type", "model", "fields", "name", "a", "b", "c", "strict", "[key]"}


def test_without_names_every_name_is_hidden() -> None:
    with pytest.raises(ValidationError) as caught:
        Inner.model_validate({"number": "x"})
    assert redact_validation_error(caught.value).errors()[0]["loc"] == (HIDDEN,)
