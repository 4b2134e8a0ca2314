"""Both libraries, asked the same: one response, the same processed messages, hook calls and kinds of exception.

Hypothesis makes up events, models, hooks, settings, and several invocations one after the other. Where the two differ on
purpose, `test_differences.py` says so and why.
"""

import asyncio
import copy
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, assert_never

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Json, field_validator

from batchfold.testing import LambdaContext, SqsMessage, dynamodb_event, kafka_event, kinesis_event, sqs_event

Kind: TypeAlias = Literal["SQS", "FIFO", "KinesisDataStreams", "DynamoDBStreams", "Kafka"]
Modelling: TypeAlias = Literal["none", "plain", "typed"]
Hooks: TypeAlias = Literal["inherited", "extended", "swallowing", "by hand", "success raises", "failure raises"]
Taking: TypeAlias = Literal["record", "record and context", "record and perhaps context"]
Call: TypeAlias = Literal["function", "context manager", "failing context manager", "decorator"]


@dataclass(frozen=True)
class Plan:
    """What is to become of one record."""

    do: Literal["succeed", "raise KeyError", "raise OwnError", "be refused by the model"]
    value: int | None
    naps: int
    group: str
    damage: Literal["none", "no JSON", "no order", "bare", "no id"]

    def payload(self) -> str:
        if self.damage == "no JSON":
            return "{"
        return json.dumps({} if self.damage == "no order" else {"do": self.do, "value": self.value, "naps": self.naps})


@dataclass(frozen=True)
class Scenario:
    """What both libraries are asked."""

    kind: Kind
    asynchronous: bool
    modelling: Modelling
    hooks: Hooks
    taking: Taking
    with_context: bool
    with_logger: bool
    raise_on_entire_batch_failure: bool
    skip_group_on_error: bool
    invocations: tuple[tuple[Call, tuple[Plan, ...]], ...]


class OwnError(Exception): ...


class Order(BaseModel):
    do: str
    value: int | None
    naps: int


class Refusing(BaseModel):
    never: int


class Logger:
    def __init__(self) -> None:
        self.told: list[str] = []

    def warning(self, msg: object, *, exc_info: Any) -> None:
        del msg
        self.told.append(exc_info[0].__name__)


def event_of(kind: Kind, plans: tuple[Plan, ...]) -> dict[str, Any]:
    payloads = [plan.payload() for plan in plans]
    match kind:
        case "SQS" | "FIFO":
            messages = (SqsMessage(payload, plan.group) for payload, plan in zip(payloads, plans, strict=True))
            event = sqs_event(*messages, fifo=kind == "FIFO")
        case "KinesisDataStreams":
            event = kinesis_event(*payloads)
        case "DynamoDBStreams":
            event = dynamodb_event(*({"id": str(at), "order": payload} for at, payload in enumerate(payloads)))
        case "Kafka":
            event = kafka_event(*payloads)
        case _:
            assert_never(kind)
    raws: list[dict[str, Any]] = event["records"].get("orders-0", []) if kind == "Kafka" else event["Records"]
    for raw, plan in zip(raws, plans, strict=True):
        for key in damaged_keys(kind, plan):
            raw.pop(key, None)
    return event


def damaged_keys(kind: Kind, plan: Plan) -> tuple[str, ...]:
    if plan.damage == "bare":  # as people write events in their own tests
        return ("eventSource", "eventSourceARN", "awsRegion", "receiptHandle", "timestampType", "eventID")
    if plan.damage == "no id":
        return {"SQS": ("messageId",), "FIFO": ("messageId",), "Kafka": ("offset",)}.get(kind, ())
    return ()


def model_of(library: Any, kind: Kind, modelling: Modelling) -> Any:
    if modelling == "none":
        return None
    names = {
        "SQS": "SqsRecordModel",
        "FIFO": "SqsRecordModel",
        "KinesisDataStreams": "KinesisDataStreamRecord",
        "DynamoDBStreams": "DynamoDBStreamRecordModel",
        "Kafka": "KafkaRecordModel",
    }
    plain: Any = getattr(library, names[kind])
    if modelling == "plain":
        return plain
    if kind in {"SQS", "FIFO"}:
        return type("Typed", (plain,), {"__annotations__": {"body": Json[Order]}})
    if kind == "Kafka":
        return type("Typed", (plain,), {"__annotations__": {"value": Json[Order]}})
    if kind == "KinesisDataStreams":
        inner: Any = library.KinesisDataStreamRecordPayload
        payload = type("Payload", (inner,), {"__annotations__": {"data": Json[Order]}})
        return type("Typed", (plain,), {"__annotations__": {"kinesis": payload}})
    change = type("Change", (library.DynamoDBStreamChangedRecordModel,), {"__annotations__": {"NewImage": Row | None}})
    return type("Typed", (plain,), {"__annotations__": {"dynamodb": change}})


class Row(BaseModel):
    order: Order

    @field_validator("order", mode="before")
    @classmethod
    def from_json(cls, value: str) -> Any:
        return json.loads(value)


def order_in(kind: Kind, modelling: Modelling, record: Any) -> dict[str, Any]:
    """What a handler reads of its record."""
    match kind, modelling:
        case (("SQS" | "FIFO"), "none"):
            found = record.json_body
        case "KinesisDataStreams", "none":
            found = record.kinesis.data_as_json()
        case "DynamoDBStreams", "none":
            found = record.dynamodb.new_image["order"]
        case "Kafka", "none":
            found = record.json_value
        case (("SQS" | "FIFO"), _):
            found = record.body
        case "KinesisDataStreams", _:
            found = record.kinesis.data
        case "DynamoDBStreams", _:
            image = record.dynamodb.NewImage
            found = image.order if modelling == "typed" else image["order"]
        case _:
            found = record.value
    order: dict[str, Any] = json.loads(found) if isinstance(found, str | bytes) else dict(found)
    return order


def handler_of(scenario: Scenario, model: Any) -> Any:
    """A handler that does as its record tells it."""

    def handle(order: dict[str, Any], lambda_context: object) -> Any:
        match order["do"]:
            case "raise KeyError":
                raise KeyError(order["value"])
            case "raise OwnError":
                raise OwnError(f"not {order['value']}")
            case "be refused by the model":
                (model or Refusing).model_validate({"something": "else"})
            case _:
                return (order["value"], lambda_context is not None)

    async def handle_async(record: Any, lambda_context: object) -> Any:
        order = order_in(scenario.kind, scenario.modelling, record)
        for _ in range(order["naps"]):
            await asyncio.sleep(0)
        return handle(order, lambda_context)

    def handle_now(record: Any, lambda_context: object) -> Any:
        return handle(order_in(scenario.kind, scenario.modelling, record), lambda_context)

    return taking(scenario.taking, handle_async if scenario.asynchronous else handle_now)


def taking(what: Taking, handle: Callable[[Any, object], Any]) -> Any:
    """The same handler with other parameters: by their names both libraries know what to pass."""

    def with_record(record: Any) -> Any:
        return handle(record, None)

    def with_context(record: Any, lambda_context: object) -> Any:
        return handle(record, lambda_context)

    def with_perhaps_context(record: Any, lambda_context: object = None) -> Any:
        return handle(record, lambda_context)

    taken: dict[Taking, Any] = {
        "record": with_record,
        "record and context": with_context,
        "record and perhaps context": with_perhaps_context,
    }
    return taken[what]


def told(record: Any) -> Any:
    """A record as it can be compared between libraries."""
    if hasattr(record, "raw_event"):
        return type(record).__name__, record.raw_event
    if hasattr(record, "model_dump"):
        return type(record).__name__, record.model_dump()
    return record


def told_exception(exception: Any) -> tuple[Any, ...]:
    kind, value, traceback = exception
    is_breaker = kind.__name__.endswith("CircuitBreakerError")  # its message is each library's own
    return kind.__name__, "" if is_breaker else shortened(str(value)), traceback is None


def told_entry(entry: Any) -> Any:
    if not entry or entry[0] != "fail":
        return entry
    kind, _, message = str(entry[1]).partition(":")
    is_breaker = "CircuitBreakerError" in kind
    return "fail", kind.rpartition(".")[2], "" if is_breaker else shortened(message), told(entry[2])


def shortened(message: str) -> str:
    """A message without the names of modules, in which the libraries differ."""
    return message.partition("\n")[0].replace("test_differential.", "")


def processor_of(library: Any, scenario: Scenario, logger: Logger) -> Any:
    """A processor, its class with the scenario's hooks."""
    base: Any = library.AsyncBatchProcessor if scenario.asynchronous else library.BatchProcessor
    model = model_of(library, scenario.kind, scenario.modelling)
    settings: dict[str, Any] = {"model": model, "logger": logger if scenario.with_logger else None}
    if scenario.kind == "FIFO":
        base = library.SqsFifoPartialProcessor
        settings["skip_group_on_error"] = scenario.skip_group_on_error
    else:
        settings["event_type"] = library.EventType[scenario.kind]
        settings["raise_on_entire_batch_failure"] = scenario.raise_on_entire_batch_failure

    def success_handler(self: Any, record: Any, result: Any) -> Any:
        self.calls.append(("success", told(record), result, sys.exc_info()[0]))
        if scenario.hooks == "success raises" and result[0]:
            raise OwnError("a hook raised")
        return base.success_handler(self, record=record, result=result)

    def failure_handler(self: Any, record: Any, exception: Any) -> Any:
        self.calls.append(("failure", told(record), told_exception(exception), sys.exc_info()[0] is exception[0]))
        if scenario.hooks == "swallowing":
            return "swallowed", told(record)
        if scenario.hooks == "by hand":
            self.fail_messages.append(record)
            self.exceptions.append(exception)
            return None
        if scenario.hooks == "failure raises" and len(self.calls) > 1:
            raise OwnError("a hook raised")
        return base.failure_handler(self, record=record, exception=exception)

    hooks = {"success_handler": success_handler, "failure_handler": failure_handler}
    kind: Any = base if scenario.hooks == "inherited" else type("Hooked", (base,), hooks)
    processor = kind(**settings)
    processor.calls = []
    return processor


def invoke(library: Any, processor: Any, call: Call, event: Any, *, handler: Any, context: Any) -> Any:
    asynchronous = isinstance(processor, library.AsyncBatchProcessor)
    raws = [raw for raws in event["records"].values() for raw in raws] if "records" in event else event["Records"]
    match call:
        case "function":
            function = library.async_process_partial_response if asynchronous else library.process_partial_response
            return function(event, handler, processor, context)
        case "decorator":
            decorator = library.async_batch_processor if asynchronous else library.batch_processor

            def lambda_handler(_event: Any, _context: Any) -> Any:
                return processor.response()

            return decorator(record_handler=handler, processor=processor)(lambda_handler)(event, context)
        case "context manager" | "failing context manager":
            with processor(raws, handler, context) as batch:
                entries = batch.async_process() if asynchronous else batch.process()
                if call == "failing context manager":
                    raise OwnError("the block raised")
            return [told_entry(entry) for entry in entries]


def observed(library: Any, scenario: Scenario) -> list[Any]:
    """All that can be seen of a library while a scenario is played."""
    logger = Logger()
    processor = processor_of(library, scenario, logger)
    handler = handler_of(scenario, processor.model)
    seen: list[Any] = []
    for call, plans in scenario.invocations:
        event = copy.deepcopy(event_of(scenario.kind, plans))
        before = copy.deepcopy(event)
        try:
            context = LambdaContext() if scenario.with_context else None
            seen.append(("returned", invoke(library, processor, call, event, handler=handler, context=context)))
        except Exception as error:  # noqa: BLE001  # what is raised is what is compared
            children = [told_exception(child) for child in getattr(error, "child_exceptions", ())]
            seen.append(("raised", type(error).__name__, children))
        assert event == before
        seen.append([told(record) for record in processor.success_messages])
        seen.append([told(record) for record in processor.fail_messages])
        seen.append([told_exception(exception) for exception in processor.exceptions])
        seen.append(processor.response())
        seen.append(copy.deepcopy(processor.calls))
    return [*seen, logger.told]


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    kind: Kind = draw(st.sampled_from(("SQS", "FIFO", "KinesisDataStreams", "DynamoDBStreams", "Kafka")))
    modelling: Modelling = draw(st.sampled_from(("none", "plain", "typed")))
    # where these meet a FIFO queue, the libraries differ on purpose: see test_differences.py
    hooks: tuple[Hooks, ...] = ("inherited", "extended", "swallowing", "success raises", "failure raises")
    damages: tuple[str, ...] = ("none", "no JSON", "no order", "bare", "no id")
    calls: tuple[Call, ...] = ("function", "context manager", "failing context manager")
    if kind != "FIFO":
        hooks += ("by hand",)
    elif modelling != "none":
        damages = ("none",)
    if kind != "Kafka":  # decorators read `Records`
        calls += ("decorator",)
    plans = st.builds(
        Plan,
        do=st.sampled_from(("succeed", "raise KeyError", "raise OwnError", "be refused by the model")),
        value=st.none() | st.integers(0, 2),
        naps=st.integers(0, 3),
        group=st.sampled_from("ab"),
        damage=st.sampled_from(damages),
    )
    batches = st.lists(plans, max_size=6).map(tuple)
    return draw(
        st.builds(
            Scenario,
            kind=st.just(kind),
            asynchronous=st.just(value=False) if kind == "FIFO" else st.booleans(),
            modelling=st.just(modelling),
            hooks=st.sampled_from(hooks),
            invocations=st.lists(st.tuples(st.sampled_from(calls), batches), min_size=1, max_size=3).map(tuple),
        )
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@given(scenario=scenarios())
def test_both_do_the_same(ours: Any, theirs: Any, scenario: Scenario) -> None:
    assert observed(ours, scenario) == observed(theirs, scenario)
