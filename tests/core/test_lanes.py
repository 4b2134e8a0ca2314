"""Lanes are assigned before anything is handled."""

from dataclasses import dataclass
from typing import Any

import pytest
from returns.result import Success

from batchfold import RawRecord, each_record, fold_batch, kinesis, sqs, whole_batch
from batchfold.core.batch import AnyBatch
from batchfold.core.lanes import assign_lanes
from batchfold.core.records import item_name
from batchfold.core.response import name_every_record, name_lowest_sequence_number
from batchfold.testing import kinesis_event, sqs_event


def test_each_record_has_a_lane_of_its_own() -> None:
    assert list(assign_lanes(each_record, [{}, {}])) == [None, None]


def test_the_whole_batch_is_one_lane() -> None:
    assert len(set(assign_lanes(whole_batch, [{}, {}]))) == 1


def raising(raw: RawRecord) -> str:
    nonsense: str = raw["nonsense"]
    return nonsense


def unhashable(_raw: RawRecord) -> Any:
    return ["not", "hashable"]


@dataclass(frozen=True)
class NoTenantError(KeyError):
    """An exception that Python's own `add_note` cannot change."""

    name: str


def raising_what_cannot_be_changed(_raw: RawRecord) -> str:
    raise NoTenantError("tenant")


@pytest.mark.parametrize("lane", [raising, unhashable, raising_what_cannot_be_changed])
def test_a_lane_that_cannot_be_told_fails_the_invocation_before_anything_is_handled(lane: Any) -> None:
    handled: list[str] = []

    def handle(record: Any) -> Any:
        handled.append(record.message_id)
        return Success(None)

    with pytest.raises((KeyError, TypeError)) as raised:
        fold_batch(sqs_event("a", "b"), handle, sqs(lane=lane))
    assert not handled
    assert "at position 0" in raised.value.__notes__[0]
    assert "all come back" in raised.value.__notes__[0]


def batch_of(*item_ids: Any) -> AnyBatch:
    """A batch of which nothing was started."""
    raws: list[RawRecord] = [{} for _ in item_ids]
    return AnyBatch(raws, item_ids, [None] * len(item_ids), sqs())


def test_sequence_numbers_are_compared_as_numbers() -> None:
    lowest = name_lowest_sequence_number(batch_of("10", "9", "11"))
    assert lowest == {"batchItemFailures": [{"itemIdentifier": "9"}]}
    assert name_lowest_sequence_number(batch_of()) == {"batchItemFailures": []}


def test_a_record_is_named_once() -> None:
    kafka_id = {"partition": "orders-0", "offset": 15}
    response = name_every_record(batch_of("b", "a", "b", kafka_id, dict(kafka_id)))
    assert [item["itemIdentifier"] for item in response["batchItemFailures"]] == ["b", "a", kafka_id]
    assert item_name("a") == "a"


async def by_tenant(raw: RawRecord) -> str:
    return str(raw["messageId"])


def test_an_async_lane_function_is_refused_before_anything_is_handled() -> None:
    untyped: Any = by_tenant
    with pytest.raises(TypeError, match="lane= got an async function"):
        fold_batch(sqs_event("a"), lambda record: Success(record.body), sqs().replace(lane_of=lambda _raws: untyped))


def test_two_records_with_the_same_identifier_both_come_back_if_one_is_not_done() -> None:
    event = sqs_event("ok", "bad")
    event["Records"][1]["messageId"] = event["Records"][0]["messageId"]
    batch = fold_batch(event, lambda record: Success(None) if record.body == "ok" else None, sqs())  # type: ignore[arg-type, return-value]  # forgets to return
    assert batch.response == {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}


def test_a_stream_names_the_first_of_what_is_not_done_even_if_later_records_were() -> None:
    event = kinesis_event("a", "b", "c", "d")
    batch = fold_batch(
        event,
        lambda record: Success(None) if record.data in (b"a", b"c") else None,  # type: ignore[arg-type, return-value]  # forgets to return
        kinesis(lane=each_record),
    )
    numbers = [raw["kinesis"]["sequenceNumber"] for raw in event["Records"]]
    assert batch.response == {"batchItemFailures": [{"itemIdentifier": numbers[1]}]}
