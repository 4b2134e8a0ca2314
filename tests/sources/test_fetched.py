"""`fetched`: the payload is there when the handler sees its record, and only then."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Result, Success

from batchfold import (
    Crashed,
    KafkaRecord,
    Malformed,
    RawRecord,
    Record,
    SqsRecord,
    Unprocessed,
    fetched,
    fold_batch,
    fold_batch_async,
    kafka,
    sqs,
    whole_batch,
)
from batchfold.testing import kafka_event, sqs_event

BODIES = st.dictionaries(
    st.text(st.characters(categories=["L"]), min_size=1),
    st.integers() | st.sampled_from([ValueError(), KeyError(), "many"]),
    min_size=1,
    max_size=8,
)


class Store:
    """Bodies by name, and the names in the order in which they were asked for."""

    def __init__(self, bodies: Mapping[str, Any]) -> None:
        self.bodies = bodies
        self.asked: list[str] = []

    def fetch(self, record: SqsRecord) -> RawRecord:
        self.asked.append(record.body)
        found = self.bodies[record.body]
        if isinstance(found, Exception):
            raise found
        return {**record.raw, "body": str(found)}

    async def fetch_async(self, record: SqsRecord) -> RawRecord:
        await asyncio.sleep(0)
        return self.fetch(record)


def succeed(record: SqsRecord[int]) -> Result[int, Exception]:
    return Success(record.body)


async def succeed_async(record: SqsRecord[int]) -> Result[int, Exception]:
    return Success(record.body)


@given(bodies=BODIES)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_record_has_the_payload_that_was_fetched_and_its_outcome_the_one_as_delivered(
    bodies: dict[str, Any], *, is_async: bool
) -> None:
    store = Store(bodies)
    event = sqs_event(*bodies)
    if is_async:
        batch = asyncio.run(fold_batch_async(event, succeed_async, fetched(sqs(int), store.fetch_async)))
    else:
        batch = fold_batch(event, succeed, fetched(sqs(int), store.fetch))
    assert sorted(store.asked) == sorted(bodies)
    for outcome, raw, (name, body) in zip(batch.outcomes, event["Records"], bodies.items(), strict=True):
        assert outcome.raw is raw
        assert outcome.record.body == name
        match outcome:
            case Unprocessed():
                raise AssertionError
            case _ if isinstance(body, int):
                assert getattr(outcome, "value", None) == body
            case _:
                fault: Any = getattr(outcome, "fault", None)
                assert type(fault) is (Crashed if isinstance(body, KeyError) else Malformed)


def test_what_is_not_started_is_not_fetched() -> None:
    store = Store({"a": 1, "b": KeyError(), "c": 3})
    batch = fold_batch(sqs_event("a", "b", "c"), succeed, fetched(sqs(int, lane=whole_batch), store.fetch))
    assert store.asked == ["a", "b"]
    assert len(batch.unprocessed) == 1


def test_a_source_keeps_its_name_its_lanes_and_its_answer() -> None:
    plain = kafka(int)

    def unchanged(record: KafkaRecord) -> RawRecord:
        return record.raw

    async def unchanged_async(record: KafkaRecord) -> RawRecord:
        return record.raw

    for source in (fetched(plain, unchanged), fetched(plain, unchanged_async)):
        kept = ("name", "read", "as_delivered", "lane_of", "respond", "raise_on")
        assert [getattr(source, name) for name in kept] == [getattr(plain, name) for name in kept]
    batch = fold_batch(kafka_event("3"), lambda record: Success(record.value), fetched(plain, unchanged))
    assert [outcome.value for outcome in batch.succeeded] == [3]


def test_a_synchronous_run_refuses_a_source_that_awaits() -> None:
    source: Any = fetched(sqs(int), Store({}).fetch_async)
    with pytest.raises(TypeError, match="have to be awaited"):
        fold_batch(sqs_event("a"), succeed, source)


@pytest.mark.parametrize("found", [None, "body", [1]])
def test_a_fetch_that_returns_no_raw_record_crashes_its_record(found: Any) -> None:
    (failed,) = fold_batch(sqs_event("a"), succeed, fetched(sqs(int), lambda _record: found)).failed
    assert isinstance(failed.fault, Crashed)
    assert "expected the raw record" in str(failed.fault.error)


def test_an_async_run_reads_a_source_that_fetches_at_once() -> None:
    batch = asyncio.run(fold_batch_async(sqs_event("a"), succeed_async, fetched(sqs(int), Store({"a": 7}).fetch)))
    assert [outcome.value for outcome in batch.succeeded] == [7]


def reject(_record: Record) -> Result[None, str]:
    return Failure("no")


def test_a_failed_record_carries_what_was_delivered() -> None:
    (failed,) = fold_batch(sqs_event("a"), reject, fetched(sqs(int), Store({"a": 7}).fetch)).failed
    assert failed.record.body == "a"
