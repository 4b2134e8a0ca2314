"""`sqs_backoff`: what failed comes back later each time, whatever SQS answers."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from returns.result import Failure, Result, Success

from batchfold import SqsRecord, by_message_group, each_record, fold_batch, respond, sqs, whole_batch
from batchfold.core.settling import caused_by, discard
from batchfold.shell.sqs_backoff import sqs_backoff
from batchfold.testing import LambdaContext, SqsMessage, sqs_event

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")


class Client:
    """Remembers what it was asked, and answers as told."""

    def __init__(self, answer: Any = None) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self.answer: Any = {} if answer is None else answer

    def change_message_visibility_batch(self, **request: Any) -> Mapping[str, Any]:
        assert request["QueueUrl"] == "queue"
        self.calls.append(request["Entries"])
        if isinstance(self.answer, Exception):
            raise self.answer
        answer: Mapping[str, Any] = self.answer
        return answer

    def timeouts(self) -> dict[str, int]:
        return {entry["ReceiptHandle"]: entry["VisibilityTimeout"] for call in self.calls for entry in call}


class Told(NamedTuple):
    group: str
    does: str
    receive_count: int


TOLD = st.lists(
    st.builds(Told, st.sampled_from("ABC"), st.sampled_from(("done", "fail", "settle")), st.integers(1, 3_000)),
    min_size=1,
    max_size=25,
)


def handle(record: SqsRecord[str]) -> Result[None, Exception]:
    if record.body == "done":
        return Success(None)
    return Failure(OSError() if record.body == "fail" else KeyError())


def event_of(told: Sequence[Told]) -> dict[str, Any]:
    return sqs_event(
        *(
            SqsMessage(each.does, message_group_id=each.group, approximate_receive_count=each.receive_count)
            for each in told
        )
    )


SETTLE_KEY_ERRORS = discard(when=caused_by(KeyError))


@given(
    told=TOLD,
    lane=st.sampled_from((each_record, by_message_group, whole_batch)),
    draws=st.lists(st.floats(0, 1, exclude_max=True), min_size=1),
    base=st.floats(0.1, 100),
    longest=st.floats(100, 42_000),
)
def test_what_comes_back_of_a_lane_in_which_a_record_failed_gets_one_timeout(
    told: list[Told], lane: Any, draws: list[float], base: float, longest: float
) -> None:
    client, drawn = Client(), iter(draws * 100)
    batch = fold_batch(event_of(told), handle, sqs(lane=lane), settle=SETTLE_KEY_ERRORS)
    back_off = sqs_backoff("queue", base_seconds=base, max_seconds=longest, client=client, random=lambda: next(drawn))
    assert back_off(batch) is batch
    timeouts = client.timeouts()
    # those that come back, and no others: here time never runs out, so a lane has unprocessed records only behind a failed one
    assert set(timeouts) == {outcome.record.receipt_handle for outcome in batch.not_done}
    by_lane: dict[object, set[int]] = {}
    for outcome in batch.not_done:
        key = lane(outcome.raw)
        by_lane.setdefault(outcome.record.message_id if key is None else key, set()).add(
            timeouts[outcome.record.receipt_handle]
        )
    assert all(len(seconds) == 1 for seconds in by_lane.values())
    for failed in batch.failed:
        seconds = timeouts[failed.record.receipt_handle]
        assert 0 <= seconds <= min(longest, base * 2 ** min(failed.record.approximate_receive_count - 1, 40))


@given(told=TOLD)
def test_calls_hold_ten_messages_at_most_and_their_ids_differ(told: list[Told]) -> None:
    client = Client()
    sqs_backoff("queue", client=client)(fold_batch(event_of(told), handle, sqs()))
    for call in client.calls:
        assert 0 < len(call) <= 10
        assert len({entry["Id"] for entry in call}) == len(call)


@pytest.mark.parametrize(
    ("receive_count", "draw", "seconds"),
    [(1, 0.0, 0), (1, 0.5, 5), (1, 0.999, 10), (2, 0.999, 20), (4, 0.999, 80), (5, 0.999, 100), (5_000, 0.999, 100)],
)
def test_the_wait_doubles_each_time_and_is_drawn_from_all_of_it(receive_count: int, draw: float, seconds: int) -> None:
    client = Client()
    batch = fold_batch(event_of([Told("A", "fail", receive_count)]), handle, sqs())
    sqs_backoff("queue", base_seconds=10, max_seconds=100, client=client, random=lambda: draw)(batch)
    assert list(client.timeouts().values()) == [seconds]


def test_where_nothing_failed_sqs_is_not_asked() -> None:
    client = Client()
    sqs_backoff("queue", client=client)(fold_batch(event_of([Told("A", "done", 1)]), handle, sqs()))
    assert not client.calls


def test_a_lane_that_time_ran_out_for_keeps_its_timeout() -> None:
    client = Client()
    batch = fold_batch(
        event_of([Told("A", "fail", 1), Told("B", "done", 1), Told("A", "done", 1)]),
        handle,
        sqs(lane=by_message_group),
        context=LambdaContext(timeout_seconds=1),
        reserve_ms=60_000,
    )
    assert len(batch.unprocessed) == 2
    sqs_backoff("queue", client=client)(batch)
    handles = [outcome.record.receipt_handle for outcome in batch.outcomes]
    assert list(client.timeouts()) == [handles[0], handles[2]]


FAILED = {"Id": "1", "Code": "InvalidParameterValue", "Message": "beyond the limit", "SenderFault": True}


ODD_ANSWERS: list[Any] = [
    {"Failed": [FAILED]},
    {"Failed": [{**FAILED, "Id": "99"}]},
    {"Failed": [{}]},
    {"Failed": [None]},
    {"Failed": None},
    {"Failed": 3},
    {"Successful": []},
    [],
    3,
    OSError("no route to host"),
]


@pytest.mark.parametrize("answer", ODD_ANSWERS)
def test_whatever_sqs_answers_the_response_names_the_records(answer: Any) -> None:
    batch = fold_batch(event_of([Told("A", "fail", 1)] * 12 + [Told("A", "done", 1)]), handle, sqs())
    client = Client(answer)
    assert len(respond(sqs_backoff("queue", client=client)(batch))["batchItemFailures"]) == 12
    assert len(client.calls) == 2


def test_every_message_that_sqs_refused_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    batch = fold_batch(event_of([Told("A", "fail", 1)] * 2), handle, sqs())
    sqs_backoff("queue", client=Client({"Failed": [{**FAILED, "Id": str(index)} for index in range(2)]}))(batch)
    assert [record.name for record in caplog.records] == ["batchfold"] * 2
    for failed, record in zip(batch.failed, caplog.records, strict=True):
        assert failed.record.message_id in record.getMessage()
        assert "InvalidParameterValue" in record.getMessage()


def test_a_call_that_fails_is_logged_with_its_messages(caplog: pytest.LogCaptureFixture) -> None:
    batch = fold_batch(event_of([Told("A", "fail", 1)] * 2), handle, sqs())
    sqs_backoff("queue", client=Client(OSError("no route to host")))(batch)
    (record,) = caplog.records
    assert all(failed.record.message_id in record.getMessage() for failed in batch.failed)
    assert record.exc_info is not None


@pytest.mark.parametrize("draw", [lambda: 1 / 0, lambda: "soon"])
def test_a_random_source_that_does_not_draw_changes_nothing(draw: Any, caplog: pytest.LogCaptureFixture) -> None:
    batch = fold_batch(event_of([Told("A", "fail", 1), Told("A", "done", 1)]), handle, sqs())
    assert len(respond(sqs_backoff("queue", client=Client(), random=draw)(batch))["batchItemFailures"]) == 1
    assert "no backoff for the records that failed" in caplog.text


def test_a_message_without_a_receive_count_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    event = event_of([Told("A", "fail", 1)])
    del event["Records"][0]["attributes"]["ApproximateReceiveCount"]
    respond(sqs_backoff("queue", client=Client())(fold_batch(event, handle, sqs())), "never")
    assert "no backoff" in caplog.text


@pytest.mark.parametrize(("base", "longest"), [(0, 10), (-1, 10), (20, 10), (10, 43_200)])
def test_times_out_of_bounds_are_refused(base: float, longest: float) -> None:
    with pytest.raises(ValueError, match="base_seconds"):
        sqs_backoff("queue", base_seconds=base, max_seconds=longest, client=Client())


def test_the_random_numbers_are_pythons_own_if_none_are_given() -> None:
    client = Client()
    batch = fold_batch(event_of([Told("A", "fail", 3)] * 10), handle, sqs())
    sqs_backoff("queue", client=client)(batch)
    assert all(0 <= seconds <= 40 for seconds in client.timeouts().values())


def test_without_boto3_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ImportError, match=r"batchfold\[sqs\]"):
        sqs_backoff("queue")


def test_sqs_takes_the_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        client = boto3.client("sqs")  # pyright: ignore[reportUnknownMemberType]  # stubs of others are missing
        queue = client.create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
        client.send_message(QueueUrl=queue, MessageBody="fail")
        (received,) = client.receive_message(QueueUrl=queue, VisibilityTimeout=1)["Messages"]
        event = event_of([Told("A", "fail", 1)])
        event["Records"][0]["receiptHandle"] = received.get("ReceiptHandle")
        sqs_backoff(queue, base_seconds=600, random=lambda: 0.9)(fold_batch(event, handle, sqs()))
        counts = client.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])
        assert counts["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "1"
