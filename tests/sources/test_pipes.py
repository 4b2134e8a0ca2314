"""`pipes`: a source read through EventBridge Pipes does what it does anyway, and every record not done is named."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Result, Success

from batchfold import (
    AsyncSource,
    BatchProcessingError,
    KinesisRecord,
    RawRecord,
    Record,
    Source,
    SqsRecord,
    UnexpectedEventError,
    by_item_key,
    by_message_group,
    by_partition_key,
    dynamodb,
    each_record,
    fetched,
    fold_batch,
    fold_batch_async,
    kafka,
    kinesis,
    name_every_record,
    of_record,
    pipes,
    process_batch,
    sqs,
    whole_batch,
)
from batchfold.testing import (
    DynamoDBChange,
    KinesisData,
    SqsMessage,
    dynamodb_event,
    kafka_event,
    kinesis_event,
    pipes_event,
    sqs_event,
)
from batchfold.testing import strategies as bst

# Under beartype the checks of containers take a sample, with a random number that changes nothing drawn.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")

SOURCES: list[tuple[Source[Any, Any], st.SearchStrategy[dict[str, Any]]]] = [
    (sqs(), bst.sqs_events()),
    (sqs(lane=by_message_group), bst.sqs_events(fifo=True)),
    (sqs(int), bst.sqs_events(st.sampled_from(["1", "no number"]))),
    (kinesis(), bst.kinesis_events()),
    (kinesis(lane=by_partition_key), bst.kinesis_events()),
    (kinesis(lane=each_record), bst.kinesis_events()),
    (
        kinesis(decode=of_record(lambda record: int(record.data))),
        bst.kinesis_events(st.sampled_from([b"1", b"no number"])),
    ),
    (dynamodb(), bst.dynamodb_events()),
    (dynamodb(lane=by_item_key), bst.dynamodb_events()),
]


def pipe_ids(event: Mapping[str, Any]) -> list[str]:
    return [raw.get("messageId") or raw["eventID"] for raw in event["Records"]]


class Failing:
    """A handler that fails at these of its calls, and keeps the records that it is called with."""

    def __init__(self, failing: set[int]) -> None:
        self.failing = failing
        self.seen: list[Record] = []

    def __call__(self, record: Record) -> Result[int, str]:
        self.seen.append(record)
        return Failure("no") if len(self.seen) in self.failing else Success(len(self.seen))


@pytest.mark.parametrize(("source", "events"), SOURCES)
@given(data=st.data(), failing=st.sets(st.integers(1, 10)))
def test_a_pipe_does_to_records_what_the_source_does_and_names_each_that_is_not_done(
    source: Source[Any, Any], events: st.SearchStrategy[dict[str, Any]], data: st.DataObject, failing: set[int]
) -> None:
    event = data.draw(events)
    plain_handler, piped_handler = Failing(failing), Failing(failing)
    plain = fold_batch(event, plain_handler, source)
    piped = fold_batch(pipes_event(event), piped_handler, pipes(source))
    assert piped_handler.seen == plain_handler.seen
    assert list(map(type, piped.outcomes)) == list(map(type, plain.outcomes))
    for outcome, other in zip(piped.outcomes, plain.outcomes, strict=True):
        assert outcome.raw == other.raw
        assert outcome.record == other.record
    assert [outcome.item_id for outcome in piped.outcomes] == pipe_ids(event)
    assert piped.response == name_every_record(piped)
    not_done = [item_id for item_id in pipe_ids(event) if item_id in piped.ids_not_done]
    assert [failure["itemIdentifier"] for failure in piped.response["batchItemFailures"]] == not_done


@given(event=bst.sqs_events(fifo=True) | bst.kinesis_events() | bst.dynamodb_events())
def test_lanes_keep_their_meaning(event: dict[str, Any]) -> None:
    sources: dict[str, Source[Any, Any]] = {"aws:sqs": sqs(), "aws:kinesis": kinesis(), "aws:dynamodb": dynamodb()}
    source = sources[event["Records"][0]["eventSource"]]
    assert pipes(source).lane_of(pipes(source).read(pipes_event(event))[0]) is whole_batch


def test_records_behind_the_failed_one_of_a_stream_are_named_too() -> None:
    event = kinesis_event("ok", "bad", "ok")
    response = process_batch(pipes_event(event), reject_bad, pipes(kinesis()))
    assert response == {"batchItemFailures": [{"itemIdentifier": item_id} for item_id in pipe_ids(event)[1:]]}


def reject_bad(record: KinesisRecord) -> Result[None, str]:
    return Failure("no") if record.data == b"bad" else Success(None)


def reject_message(_record: SqsRecord) -> Result[None, str]:
    return Failure("no")


def handle_nothing(_record: SqsRecord) -> Result[None, str]:
    raise AssertionError


def test_the_invocation_fails_where_nothing_was_done() -> None:
    with pytest.raises(BatchProcessingError):
        process_batch(pipes_event(sqs_event("a")), reject_message, pipes(sqs()))


def test_a_kinesis_record_that_is_not_flat_is_read_as_it_is() -> None:
    records = kinesis_event("a")["Records"]
    raws, item_ids = pipes(kinesis()).read(records)
    assert raws[0] is records[0]
    assert item_ids == [records[0]["eventID"]]


def test_the_event_stays_as_it_is() -> None:
    event = pipes_event(kinesis_event("a"))
    before = [dict(raw) for raw in event]
    pipes(kinesis()).read(event)
    assert event == before


def fetch(record: SqsRecord) -> RawRecord:
    return {**record.raw, "body": f"{record.body}{record.body}"}


async def fetch_later(record: SqsRecord) -> RawRecord:
    return fetch(record)


async def double(record: SqsRecord[int]) -> Result[int, str]:
    return Success(2 * record.body)


@pytest.mark.parametrize("source", [pipes(fetched(sqs(int), fetch)), fetched(pipes(sqs(int)), fetch)])
def test_pipes_and_fetched_compose_both_ways(source: Source[Any, Any]) -> None:
    batch = fold_batch(pipes_event(sqs_event("3")), lambda record: Success(record.body), source)
    assert [outcome.value for outcome in batch.succeeded] == [33]
    assert batch.outcomes[0].record.body == "3"


@pytest.mark.parametrize("source", [pipes(fetched(sqs(int), fetch_later)), fetched(pipes(sqs(int)), fetch_later)])
def test_pipes_and_an_awaited_fetch_compose_both_ways(source: AsyncSource[Any, Any]) -> None:
    assert not isinstance(source, Source)
    batch = asyncio.run(fold_batch_async(pipes_event(sqs_event("3")), double, source))
    assert [outcome.value for outcome in batch.succeeded] == [66]


def test_parts_of_a_piped_source_can_be_replaced() -> None:
    source = pipes(kinesis()).replace(lane_of=lambda _raws: each_record)
    event = kinesis_event("bad", "ok")
    response = process_batch(pipes_event(event), reject_bad, source)
    assert response == {"batchItemFailures": [{"itemIdentifier": pipe_ids(event)[0]}]}
    replaced = pipes(kinesis().replace(lane_of=lambda _raws: each_record))
    assert process_batch(pipes_event(event), reject_bad, replaced) == response


def read_orders(event: Any) -> tuple[Sequence[RawRecord], Sequence[str]]:
    return event["Records"], [raw["order"] for raw in event["Records"]]


def read_lines(event: Any) -> tuple[Sequence[RawRecord], Sequence[str]]:
    return event["lines"], [raw["line"] for raw in event["lines"]]


def read_nothing(_event: object) -> tuple[Sequence[RawRecord], Sequence[str]]:
    return [], []


ORDERS: Source[Any, Any] = Source(
    name="orders",
    read=read_orders,
    parse=lambda raw: raw["order"],
    as_delivered=SqsRecord,
    lane_of=lambda _raws: each_record,
    respond=name_every_record,
)


@pytest.mark.parametrize("key", ["messageId", "eventID"])
def test_a_source_of_a_users_own_reads_what_an_enrichment_returns(key: str) -> None:
    event = [{key: "1", "order": "a"}, {key: "2", "order": "b"}]
    batch = fold_batch(event, lambda order: Success(order) if order == "a" else Failure("no"), pipes(ORDERS))
    assert batch.response == {"batchItemFailures": [{"itemIdentifier": "2"}]}


def test_a_record_of_a_stream_is_named_by_its_event_id_whatever_it_has_beside() -> None:
    (raw,) = pipes_event(dynamodb_event({"id": "a"}))
    assert pipes(dynamodb()).read([{**raw, "messageId": "m"}])[1] == [raw["eventID"]]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (kafka(), "AWS documents no such identifier for Kafka"),
        (pipes(sqs()), "a source of SQS through EventBridge Pipes"),
        (ORDERS.replace(read=read_lines, name="lines"), "a source of lines"),
        (sqs, "value of type function, expected a source"),
    ],
)
def test_a_source_without_listed_records_is_refused_at_once(source: Any, reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        pipes(source)


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        ({"Records": []}, "use the source itself, without pipes"),
        (kafka_event("a"), "use the source itself, without pipes"),
        ({"messageId": "m"}, "found a value of type dict. No record"),
        ("text", "found a value of type str"),
        (None, "found a value of type NoneType"),
        (["text"], r"expected Records\[0\] of an event of SQS to be a mapping"),
        (pipes_event(kinesis_event("a")), "found 'aws:kinesis'"),
        ([{"messageId": "", "eventSource": "aws:sqs"}], "found ''"),
        ([{"eventSource": "aws:sqs"}], "found none"),
    ],
)
def test_an_event_of_anything_else_is_refused_before_anything_is_handled(event: Any, complaint: str) -> None:
    with pytest.raises(UnexpectedEventError, match=complaint):
        fold_batch(event, handle_nothing, pipes(sqs()))


def test_a_complaint_of_the_source_says_what_its_positions_mean() -> None:
    with pytest.raises(UnexpectedEventError) as caught:
        pipes(sqs()).read(["text"])
    assert "the first record of the list" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("event_id", "found"), [(None, "NoneType"), ("", "found ''"), (7, "type int"), ("absent", "none")]
)
def test_a_record_that_the_pipe_cannot_be_told_of_is_refused(event_id: object, found: str) -> None:
    first, second = pipes_event(kinesis_event("a", "b"))
    second["eventID"] = event_id
    if event_id == "absent":
        del second["eventID"]
    with pytest.raises(UnexpectedEventError, match=f"'eventID' of the record at position 1.*{found}"):
        pipes(kinesis()).read([first, second])


def test_an_identifier_that_two_records_share_is_refused() -> None:
    changes = (DynamoDBChange({"id": name}, {"id": name}, event_id="shared") for name in "ab")
    with pytest.raises(UnexpectedEventError, match="found 'shared' again, at position 1"):
        pipes(dynamodb()).read(pipes_event(dynamodb_event(*changes)))


def test_a_message_that_is_delivered_twice_at_once_is_named_once() -> None:
    event = pipes_event(sqs_event(SqsMessage("a", message_id="m"), SqsMessage("a", message_id="m"), "b"))
    batch = fold_batch(event, reject_message, pipes(sqs()))
    assert [failure["itemIdentifier"] for failure in batch.response["batchItemFailures"]] == [
        "m",
        event[2]["messageId"],
    ]


def test_records_are_not_left_out_in_silence() -> None:
    source = ORDERS.replace(read=read_nothing)
    with pytest.raises(UnexpectedEventError, match="found none of them"):
        pipes(source).read([{"eventID": "1"}])


def test_keys_that_only_some_kinesis_records_have_move_too() -> None:
    event = kinesis_event(KinesisData("a", encryption_type="KMS", approximate_arrival_time="absent"))
    assert pipes(kinesis()).read(pipes_event(event))[0] == event["Records"]
