"""What pydantic says of a payload that does not fit, without a word of the payload."""

import json
import traceback
from datetime import datetime, timedelta
from decimal import Decimal
from time import process_time
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
    TypeAdapter,
    ValidationError,
    field_validator,
)
from pydantic.networks import IPvAnyAddress
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from batchfold.core.faults import Crashed, Malformed, PayloadError, Rejected
from batchfold.core.redaction import (
    HIDDEN,
    describe,
    escape,
    is_validation_error,
    names_in,
    redact,
    redact_validation_error,
    why,
)
from batchfold.sources.payload import from_json, validator_of

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


def as_python(adapter: Any) -> Any:
    return adapter.validator.validate_python


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
        (validator_of(Everything, as_python), payload),
    ):
        told = ""
        try:
            validated(given_)
        except ValidationError as error:
            told = told_of(error) + str(error.errors()) + error.json()
        assert MARKER not in told


def hidden(form: Any, payload: object) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        validator_of(form, as_python)(payload)
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


# ------------------------------------------------------------ what a sender cannot make long
def broken(form: Any, payload: str) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(form).validate_json(payload)
    return caught.value


@given(st.integers(1, 700))
@example(1)
@example(10)
@example(11)
@example(500)
@example(501)
def test_of_many_broken_rules_the_first_few_are_kept_and_their_number(count: int) -> None:
    error = redact_validation_error(broken(list[int], json.dumps(["x"] * count)))
    assert error.error_count() <= 11
    if count > 5:
        assert str(count) in describe(error) or f"and {count - 5} more" in describe(error)
    else:
        assert describe(error).count("int_parsing") == count
    if count <= 10:
        assert [each["type"] for each in error.errors()] == ["int_parsing"] * count


def test_an_error_with_very_many_broken_rules_costs_nothing_beside_finding_them() -> None:
    payload = json.dumps(["x"] * 100_000)
    began = process_time()
    error = broken(list[int], payload)
    found = process_time()
    described = describe(redact_validation_error(error))
    assert process_time() - found < (found - began) / 2
    assert described == "ValidationError: 100000 broken rules, too many to be named"


class Node(BaseModel):
    children: list["Node"] = []


def test_a_deep_position_is_cut() -> None:
    depth = 60
    error = hidden(Node, json.loads('{"children": [' * depth + "1" + "]}" * depth))
    assert error.errors()[0]["loc"][:2] == ("children", 0)
    assert error.errors()[0]["loc"][-1] == "..."
    assert len(error.errors()[0]["loc"]) == 21


class Quoting(BaseModel):
    text: str

    @field_validator("text")
    @classmethod
    def refuse(cls, text: str) -> str:
        raise ValueError(f"we do not take {text}")


def test_the_words_of_a_validator_are_cut_if_they_are_long() -> None:
    assert len(hidden(Quoting, {"text": "x" * 10_000}).errors()[0]["msg"]) == 500


# ------------------------------------------------------------ one line
anything = st.text(st.characters(codec=None, exclude_categories=()))


@given(anything)
@example("\ud800")
@example("two\nlines\x1b[31m\u202e" * 100)
def test_a_line_holds_at_most_500_characters_and_none_that_controls(text: str) -> None:
    for line in (escape(text), describe(text).removeprefix("str: "), describe(KeyError(text), in_full=True)[10:]):
        assert len(line) <= 500
        assert line.isprintable()
    if text.isprintable() and len(text) <= 500:
        assert escape(text) == text


def test_an_error_value_is_its_authors_words_and_an_exception_is_its_type_until_it_is_asked_for_in_full() -> None:
    assert describe("stock is empty") == "str: stock is empty"
    assert describe({"code": 7}) == "dict: {'code': 7}"
    assert describe(KeyError("sku")) == "KeyError"
    assert describe(KeyError("sku"), in_full=True) == "KeyError: 'sku'"
    assert describe(PayloadError("there is no body")) == "PayloadError: there is no body"


class Wordless:
    def __str__(self) -> str:
        raise RuntimeError("nothing to say")


class WordlessError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("nothing to say")


@pytest.mark.parametrize("error", [Wordless(), WordlessError()])
def test_an_error_that_cannot_say_anything_is_its_type(error: object) -> None:
    assert describe(error, in_full=True) == type(error).__name__


def as_it_is(value: Any) -> Any:
    return value


def in_a_list(value: Any) -> list[Any]:
    return [value]


def in_a_mapping(value: Any) -> dict[str, Any]:
    return {"error": value}


@pytest.mark.parametrize("holds", [as_it_is, in_a_list, in_a_mapping, str])
@pytest.mark.parametrize("around", [as_it_is, ValueError, KeyError])
def test_a_line_on_what_holds_a_validation_error_quotes_no_payload(holds: Any, around: Any) -> None:
    held = around(holds(broken(list[int], f'["{MARKER}", {{"{MARKER}": 1}}]')))
    for in_full in (False, True):
        assert MARKER not in describe(held, in_full=in_full)
        assert MARKER not in why(Rejected(held), in_full=in_full)


def test_a_fault_says_whether_it_is_from_parsing_and_then_quotes_nothing() -> None:
    def decode(text: str) -> None:
        raise LookupError(text)

    with pytest.raises(LookupError) as raised:
        decode(MARKER)
    line = raised.tb.tb_next.tb_lineno if raised.tb.tb_next else 0
    from_parsing = why(Crashed(raised.value, is_from_parsing=True), in_full=True)
    assert from_parsing == f"parsing its payload raised LookupError at test_redaction.py:{line}"
    assert why(Crashed(raised.value)) == "handling it raised LookupError"
    assert why(Crashed(raised.value), in_full=True) == f"handling it raised LookupError: {MARKER}"
    assert why(Malformed(ValueError(MARKER)), in_full=True) == "its payload would not parse (ValueError)"
    assert why(Rejected(None)) == "the handler returned a Failure (NoneType: None)"


@given(anything)
def test_what_is_printed_of_an_exception_without_a_validation_error_is_the_exception(text: str) -> None:
    error = KeyError(text)
    assert redact(error) is error
