"""What both libraries are asked in the differential test: records, models, hooks, handlers and ways to call."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, assert_never

from pydantic import BaseModel, Json, field_validator

from batchfold.testing import SqsMessage, dynamodb_event, kafka_event, kinesis_event, sqs_event

Kind: TypeAlias = Literal["SQS", "FIFO", "KinesisDataStreams", "DynamoDBStreams", "Kafka"]
Modelling: TypeAlias = Literal["none", "plain", "typed"]
Hooks: TypeAlias = Literal["inherited", "extended", "swallowing", "by hand", "success raises", "failure raises"]
Meanwhile: TypeAlias = Literal["nothing else", "appends a record", "calls the processor"]
Taking: TypeAlias = Literal["record", "record and context", "record and perhaps context"]
Call: TypeAlias = Literal[
    "function",
    "context manager",
    "failing context manager",
    "decorator",
    "record by record in a pool",
    "process in a pool",
    "process twice",
    "no process",
    "no call",
    "block in a block",
]
"""How a processor is used: as documented, and as people use it or forget to."""


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
    meanwhile: Meanwhile
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
        self.told.append(f"{msg} {exc_info[0].__name__}")


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
            for holder in (raw, raw.get("kinesis", {}), raw.get("dynamodb", {})):
                holder.pop(key, None)
    return event


def damaged_keys(kind: Kind, plan: Plan) -> tuple[str, ...]:
    if plan.damage == "bare":  # as people write events in their own tests
        return ("eventSource", "eventSourceARN", "awsRegion", "receiptHandle", "timestampType", "eventID")
    if plan.damage == "no id":
        return {
            "SQS": ("messageId",),
            "FIFO": ("messageId",),
            "KinesisDataStreams": ("sequenceNumber",),
            "DynamoDBStreams": ("SequenceNumber",),
            "Kafka": ("offset",),
        }[kind]
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


def handler_of(library: Any, scenario: Scenario, processor: Any) -> Any:
    """A handler that does as its record tells it."""
    model = processor.model

    def handle(order: dict[str, Any], lambda_context: object) -> Any:
        if order["value"] == 1:
            do_meanwhile(library, scenario.meanwhile, processor)
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


def do_meanwhile(library: Any, meanwhile: Meanwhile, processor: Any) -> None:
    """What a handler does to the processor that calls it."""
    match meanwhile:
        case "nothing else":
            pass
        case "appends a record":
            if len(processor.records) < 9:
                processor.records.append(processor.records[0])
        case "calls the processor":
            with processor(processor.records[:1], fail_once(library)) as batch:
                batch.process()
        case _:
            assert_never(meanwhile)


def fail_once(library: Any) -> Any:
    """The handler of the call inside a call. The processor keeps it for the records that come after."""

    def handle(record: Any) -> str:
        raise OwnError(f"{type(record).__name__} in a call of {library.BatchProcessor.__name__}")

    return handle
