"""Payloads: types of every kind, validators that are kept, and what functions raise."""

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ForwardRef, Literal, NewType

import pytest
from pydantic import BaseModel, BeforeValidator, Field, PydanticUndefinedAnnotation, ValidationError
from returns.result import Failure, Success, safe
from typing_extensions import TypedDict

from batchfold import (
    Crashed,
    KafkaRecord,
    KinesisRecord,
    Malformed,
    Source,
    SqsRecord,
    caused_by,
    dynamodb,
    fold_batch,
    kafka,
    kinesis,
    of_record,
    sqs,
)
from batchfold.core.faults import DecodeFailure
from batchfold.sources.payload import from_function, from_json
from batchfold.testing import (
    KafkaMessage,
    KinesisData,
    SqsMessage,
    dynamodb_event,
    kafka_event,
    kinesis_event,
    sqs_event,
)


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


def test_the_validator_of_a_type_is_made_once() -> None:
    assert from_json(Order) is from_json(Order)


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


MAKERS: list[Callable[..., Source[Any, Any]]] = [sqs, kinesis, dynamodb, kafka]
of_queue, of_stream, of_table, of_topic = MAKERS  # which take a type that is `Any` to the checkers

ANY_TEXT = ["", "plain", '"quoted"', "[1", "é"]


@pytest.mark.parametrize("text", ANY_TEXT)
@pytest.mark.parametrize("form", [str, Annotated[str, Field(max_length=9)], str | None, NewType("Name", str)], ids=str)
def test_str_means_the_payload_as_text(form: Any, text: str) -> None:
    assert of_queue(form).parse({"body": text}).body == text
    assert of_stream(form).parse(kinesis_event(text)["Records"][0]).data == text
    record = of_topic(form, key=form).parse(kafka_event(KafkaMessage(text, key=text))["records"]["orders-0"][0])
    assert (record.value, record.key) == (text, text)


@pytest.mark.parametrize("data", [b"", b"\xff", b'"quoted"'])
@pytest.mark.parametrize("form", [bytes, Annotated[bytes, Field(max_length=9)], bytes | None], ids=str)
def test_bytes_mean_the_payload_as_bytes(form: Any, data: bytes) -> None:
    assert of_stream(form).parse(kinesis_event(data)["Records"][0]).data == data
    record = of_topic(form, key=form).parse(kafka_event(KafkaMessage(data, key=data))["records"]["orders-0"][0])
    assert (record.value, record.key) == (data, data)
    assert of_queue(form).parse({"body": "é"}).body == "é".encode()


def test_text_or_bytes_are_what_was_delivered() -> None:
    assert sqs(str | bytes).parse({"body": "a"}).body == "a"
    assert kinesis(str | bytes).parse(kinesis_event(b"\xff")["Records"][0]).data == b"\xff"


def test_text_among_other_types_is_read_from_its_json() -> None:
    assert sqs(str | int).parse({"body": '"a"'}).body == "a"
    assert sqs(list[str]).parse({"body": '["a"]'}).body == ["a"]


def test_a_text_that_breaks_a_constraint_is_malformed_and_not_quoted() -> None:
    with pytest.raises(ValidationError) as caught:
        sqs(Annotated[str, Field(max_length=3)]).parse({"body": "s3cr3t"})
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("form", [str, Annotated[str, Field(max_length=9)]], ids=str)
def test_bytes_that_are_no_text_are_malformed(form: Any) -> None:
    (failed,) = fold_batch(kinesis_event(b"\xff"), lambda _: Success(None), of_stream(form)).failed
    assert isinstance(failed.fault, Malformed)
    assert isinstance(failed.fault.error, UnicodeDecodeError)


def test_plain_text_needs_no_pydantic() -> None:
    program = "import sys, batchfold as b; b.sqs(str), b.kinesis(bytes), b.kafka(str, key=str); sys.exit('pydantic' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


class DecodeError(Exception):
    """An error of a decoder's own, which is no `ValueError`."""


def decoding(payload: Any) -> int:
    if payload in ("broken", b"broken") or payload == {"id": "broken"}:
        raise DecodeError("s3cr3t")
    if payload in ("outage", b"outage") or payload == {"id": "outage"}:
        raise ConnectionError
    return len(payload)


def keyed_event(key: str) -> dict[str, Any]:
    return kafka_event(KafkaMessage("a", key=key))


def named_event(name: str) -> dict[str, Any]:
    return dynamodb_event({"id": name})


telling = safe(exceptions=(DecodeError,))(decoding)
DECODED: list[tuple[Source[Any, Any], Callable[..., dict[str, Any]]]] = [
    (sqs(decode=telling), sqs_event),
    (kinesis(decode=telling), kinesis_event),
    (kafka(decode=telling), kafka_event),
    (kafka(decode_key=telling), keyed_event),
    (dynamodb(decode=telling), named_event),
    (sqs(decode=of_record(lambda record: telling(record.body))), sqs_event),
]


@pytest.mark.parametrize(("source", "event"), DECODED)
def test_a_failure_that_a_decoder_returns_is_malformed_and_keeps_its_error(
    source: Source[Any, Any], event: Callable[..., dict[str, Any]]
) -> None:
    assert fold_batch(event("good"), lambda _: Success(None), source).is_all_success
    (broken,) = fold_batch(event("broken"), lambda _: Success(None), source).failed
    assert isinstance(broken.fault, Malformed)
    assert isinstance(broken.fault.error, DecodeError)
    assert caused_by(DecodeError)(broken)
    (outage,) = fold_batch(event("outage"), lambda _: Success(None), source).failed
    assert isinstance(outage.fault, Crashed)
    assert outage.fault.is_from_parsing


@pytest.mark.parametrize("error", ["s3cr3t", None, 3])
def test_a_failure_that_holds_no_exception_is_malformed_and_told_by_its_type(error: object) -> None:
    (failed,) = fold_batch(sqs_event("a"), lambda _: Success(None), sqs(decode=lambda _: Failure(error))).failed
    assert isinstance(failed.fault, Malformed)
    assert str(failed.fault.error) == f"the decoder returned a Failure that holds a {type(error).__name__}"
    assert isinstance(failed.fault.error, DecodeFailure)
    assert failed.fault.error.error == error
    assert pickle.loads(pickle.dumps(failed.fault.error)).error == error  # noqa: S301  # what was just pickled


def test_a_validation_error_in_a_failure_loses_its_input() -> None:
    source = sqs(decode=safe(Order.model_validate_json))
    (failed,) = fold_batch(sqs_event({"kind": "s3cr3t"}), lambda _: Success(None), source).failed
    assert isinstance(failed.fault, Malformed)
    assert isinstance(failed.fault.error, ValidationError)
    assert "s3cr3t" not in str(failed.fault.error)


async def decoding_async(payload: Any) -> Any:
    return payload


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("decode", [decoding_async, of_record(decoding_async)])
def test_an_async_decoder_is_refused_when_the_source_is_made(make: Callable[..., Any], decode: object) -> None:
    with pytest.raises(TypeError, match="decode= got an async function"):
        make(decode=decode)


@pytest.mark.parametrize("make", MAKERS)
def test_a_type_beside_a_function_of_the_record_is_refused(make: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="not both"):
        make(int, decode=of_record(failing_on_any))


def test_a_function_of_the_record_sees_its_metadata() -> None:
    def by_attribute(record: SqsRecord) -> object:
        return (record.message_attributes["kind"], json.loads(record.body))

    def by_header(record: KafkaRecord) -> object:
        return (dict(record.headers)["kind"], record.value)

    def by_topic(record: KafkaRecord) -> object:
        return (record.topic, record.key)

    def by_partition(record: KinesisRecord) -> object:
        return (record.partition_key, record.data)

    message = SqsMessage("[1]", message_attributes={"kind": "list"})
    (queued,) = sqs_event(message)["Records"]
    assert sqs(decode=of_record(by_attribute)).parse(queued).body == ("list", [1])
    (streamed,) = kinesis_event(KinesisData(b"x", partition_key="p"))["Records"]
    assert kinesis(decode=of_record(by_partition)).parse(streamed).data == ("p", b"x")
    (sent,) = kafka_event(KafkaMessage(b"x", key=b"k", headers={"kind": b"h"}))["records"]["orders-0"]
    record = kafka(decode=of_record(by_header), decode_key=of_record(by_topic)).parse(sent)
    assert (record.value, record.key) == ((b"h", b"x"), ("orders", b"k"))


def test_a_function_of_the_record_is_not_asked_for_a_value_that_is_absent() -> None:
    (raw,) = kafka_event(KafkaMessage(None))["records"]["orders-0"]
    record = kafka(decode=of_record(failing_on_any), decode_key=of_record(failing_on_any)).parse(raw)
    assert (record.value, record.key) == (None, None)


def failing_on_any(record: KafkaRecord) -> object:
    raise AssertionError(record)


@pytest.mark.parametrize("raised", [ValueError("s3cr3t"), UnicodeDecodeError("utf-8", b"s3cr3t", 0, 1, "bad")])
def test_what_a_function_of_the_record_raises_is_malformed(raised: ValueError) -> None:
    def decode(_record: SqsRecord) -> object:
        raise raised

    (failed,) = fold_batch(sqs_event("a"), lambda _: Success(None), sqs(decode=of_record(decode))).failed
    assert isinstance(failed.fault, Malformed)
    assert failed.fault.error is raised
