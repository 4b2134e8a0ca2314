"""Scenes: an event, how it is read, and what becomes of each record, for the properties that hold of every batch.

What should happen is worked out here a second time, in the plainest way there is, and not by asking the package.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st
from returns.result import Failure, Result, Success

from batchfold import (
    Batch,
    Lane,
    RawRecord,
    Source,
    by_item_key,
    by_message_group,
    by_message_key,
    by_partition_key,
    by_topic_partition,
    dynamodb,
    each_record,
    kafka,
    kinesis,
    sqs,
    whole_batch,
)
from batchfold.testing import (
    DynamoDBChange,
    KafkaMessage,
    KinesisData,
    SqsMessage,
    dynamodb_event,
    kafka_event,
    kinesis_event,
    sqs_event,
)

Part = Literal["succeeds", "rejected", "raises", "returns none", "malformed"]
"""What a record is made to do."""

Kind = Literal["standard", "fifo", "kinesis", "dynamodb", "kafka"]

PARTS: tuple[Part, ...] = ("succeeds", "rejected", "raises", "returns none", "malformed")
LANES: dict[Kind, dict[str, Lane | None]] = {
    "standard": {"default": None, "whole_batch": whole_batch, "by_message_group": by_message_group},
    "fifo": {"default": None, "each_record": each_record, "by_message_group": by_message_group},
    "kinesis": {"default": None, "each_record": each_record, "by_partition_key": by_partition_key},
    "dynamodb": {"default": None, "each_record": each_record, "by_item_key": by_item_key},
    "kafka": {
        "default": None,
        "each_record": each_record,
        "by_message_key": by_message_key,
        "by_topic_partition": by_topic_partition,
    },
}


class RejectionError(Exception):
    """What the scene's handler rejects with."""


class HandlerError(Exception):
    """What the scene's handler raises."""


@dataclass(frozen=True)
class Scene:
    """One event and what is to become of it."""

    kind: Kind
    lane_name: str
    keys: tuple[str, ...]
    """The key of each record: its message group, partition key, item key, or message key and partition."""
    parts: tuple[Part, ...]

    @property
    def event(self) -> dict[str, Any]:
        """The event, whose payloads are the parts."""
        records = list(zip(self.keys, self.parts, strict=True))
        match self.kind:
            case "standard" | "fifo":
                messages = [SqsMessage(body=part, message_group_id=key) for key, part in records]
                return sqs_event(*messages, fifo=self.kind == "fifo")
            case "kinesis":
                return kinesis_event(*(KinesisData(data=part, partition_key=key) for key, part in records))
            case "dynamodb":
                changes = (
                    DynamoDBChange(keys={"id": key}, new_image={"id": key, "part": part}) for key, part in records
                )
                return dynamodb_event(*changes)
            case "kafka":
                messages_ = (KafkaMessage(value=part, key=key, partition=ord(key) % 2) for key, part in records)
                return kafka_event(*messages_)

    @property
    def source(self) -> Source[Any, Any]:
        """How the event is read: payloads that are `"malformed"` will not parse."""
        lane = LANES[self.kind][self.lane_name]
        asked: Any = {} if lane is None else {"lane": lane}
        match self.kind:
            case "standard" | "fifo":
                return sqs(decode=_parsed, **asked)
            case "kinesis":
                return kinesis(decode=lambda data: _parsed(data.decode()), **asked)
            case "dynamodb":
                return dynamodb(decode=lambda image: _parsed(str(image["part"])), **asked)
            case "kafka":
                return kafka(decode=lambda value: _parsed(value.decode()), **asked)

    @property
    def lanes(self) -> tuple[Hashable | None, ...]:
        """The lane of each record in arrival order, as DESIGN says it."""
        per_partition = self.kind == "kafka"
        arrived = self.arrived
        match self.lane_name:
            case "each_record":
                return (None,) * len(arrived)
            case "default" if self.kind == "standard":
                return (None,) * len(arrived)
            case "default" | "whole_batch" | "by_topic_partition":
                return tuple(ord(key) % 2 if per_partition else "all" for key, _ in arrived)
            case _:
                return tuple(key for key, _ in arrived)

    @property
    def arrived(self) -> tuple[tuple[str, Part], ...]:
        """Keys and parts in arrival order: Kafka's events list one partition after the other."""
        records = list(zip(self.keys, self.parts, strict=True))
        if self.kind != "kafka":
            return tuple(records)
        order: list[int] = []
        for key, _ in records:
            if ord(key) % 2 not in order:
                order.append(ord(key) % 2)
        return tuple(record for partition in order for record in records if ord(record[0]) % 2 == partition)

    @property
    def expected(self) -> tuple[str, ...]:
        """The kind of outcome of each record in arrival order."""
        stopped: set[Hashable] = set()
        outcomes: list[str] = []
        for lane, (_, part) in zip(self.lanes, self.arrived, strict=True):
            if lane is not None and lane in stopped:
                outcomes.append("Unprocessed")
            elif part == "succeeds":
                outcomes.append("Succeeded")
            else:
                outcomes.append("Failed")
                stopped.add(lane)
        return tuple(outcomes)


def part_of(record: Any) -> Part:
    """The payload of a parsed record, whatever its source."""
    for name in ("body", "data", "new_image", "value"):
        if hasattr(record, name):
            part: Part = getattr(record, name)
            return part
    raise AssertionError(record)


def act(record: Any) -> Result[str, RejectionError]:
    """The scene's handler: what the record's payload says."""
    part = part_of(record)
    match part:
        case "succeeds":
            return Success(part)
        case "rejected":
            return Failure(RejectionError(part))
        case "raises":
            raise HandlerError(part)
        case _:
            nothing: Any = None
            return nothing  # type: ignore[no-any-return]  # what a handler without `return` does


def recording(started: list[RawRecord], handler: Callable[[Any], Any] = act) -> Callable[[Any], Any]:
    """The same handler, which notes what it was started with."""

    def handle(record: Any) -> Any:
        started.append(record.raw)
        return handler(record)

    return handle


def kinds_of(batch: Batch[Any, Any, Any]) -> tuple[str, ...]:
    """The kind of each outcome in arrival order."""
    return tuple(type(outcome).__name__ for outcome in batch.outcomes)


@st.composite
def scenes(draw: st.DrawFn, *, kinds: tuple[Kind, ...] = tuple(LANES), max_size: int = 12) -> Scene:
    """Scenes of every kind of source, in every lane that it offers."""
    kind = draw(st.sampled_from(kinds))
    lane_name = draw(st.sampled_from(sorted(LANES[kind])))
    often: tuple[Part, ...] = (*PARTS, "succeeds", "succeeds", "succeeds", "succeeds")
    records = draw(st.lists(st.tuples(st.sampled_from("ABCD"), st.sampled_from(often)), max_size=max_size))
    return Scene(kind, lane_name, tuple(key for key, _ in records), tuple(part for _, part in records))


def _parsed(text: str) -> str:
    if text == "malformed":
        raise ValueError("a scene's payload that will not parse")
    return text
