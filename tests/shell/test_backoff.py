"""`sqs_backoff`: what failed comes back later each time, whatever SQS answers."""

import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from returns.result import Failure, Result, Success

from batchfold import Failed, Rejected, SqsRecord, by_message_group, each_record, fold_batch, respond, sqs, whole_batch
from batchfold.core.settling import caused_by, discard
from batchfold.shell.sqs_backoff import sqs_backoff
from batchfold.testing import LambdaContext, SqsMessage, sqs_event

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")


QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
OTHER_QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/refunds"


class Client:
    """Remembers what it was asked, and answers as told, after a while."""

    def __init__(self, answer: Any = None, seconds: float = 0) -> None:
        self.urls: list[str] = []
        self.calls: list[list[dict[str, Any]]] = []
        self.answer: Any = {} if answer is None else answer
        self.seconds = seconds
        self.in_flight = self.most_in_flight = 0
        self._lock = threading.Lock()

    def change_message_visibility_batch(self, **request: Any) -> Mapping[str, Any]:
        with self._lock:
            self.urls.append(request["QueueUrl"])
            self.calls.append(request["Entries"])
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        time.sleep(self.seconds)
        with self._lock:
            self.in_flight -= 1
        if isinstance(self.answer, Exception):
            raise type(self.answer)(*self.answer.args)
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
    back_off = sqs_backoff(QUEUE, base_seconds=base, max_seconds=longest, client=client, random=lambda: next(drawn))
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
    sqs_backoff(QUEUE, client=client)(fold_batch(event_of(told), handle, sqs()))
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
    sqs_backoff(QUEUE, base_seconds=10, max_seconds=100, client=client, random=lambda: draw)(batch)
    assert list(client.timeouts().values()) == [seconds]


def test_where_nothing_failed_sqs_is_not_asked() -> None:
    client = Client()
    sqs_backoff(QUEUE, client=client)(fold_batch(event_of([Told("A", "done", 1)]), handle, sqs()))
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
    sqs_backoff(QUEUE, client=client)(batch)
    handles = [outcome.record.receipt_handle for outcome in batch.outcomes]
    assert list(client.timeouts()) == [handles[0], handles[2]]


@given(
    told=st.lists(st.sampled_from(("done", "fail", "stop")), min_size=1, max_size=15),
    lane=st.sampled_from((each_record, by_message_group, whole_batch)),
)
def test_records_that_a_breaker_kept_from_being_tried_come_back_with_the_one_that_opened_it(
    told: list[str], lane: Any
) -> None:
    client = Client()
    batch = fold_batch(
        event_of([Told("AB"[at % 2], does, 1 + at) for at, does in enumerate(told)]),
        handle_or_stop,
        sqs(lane=lane),
        stop_when=caused_by(ConnectionError),
    )
    sqs_backoff(QUEUE, client=client, seconds=lambda failed: 100 * failed.record.approximate_receive_count)(batch)
    timeouts = client.timeouts()
    assert set(timeouts) == {outcome.record.receipt_handle for outcome in batch.not_done}
    opened_by = [failed for failed in batch.failed if isinstance(failed.fault.error, ConnectionError)]
    keys = [
        outcome.record.message_id if key is None else key
        for outcome, key in zip(batch.outcomes, batch.lanes, strict=True)
    ]
    of_lane = list(zip(keys, batch.outcomes, strict=True))
    failed_lanes = {key for key, outcome in of_lane if isinstance(outcome, Failed)}
    for key, outcome in of_lane:
        if key not in failed_lanes and outcome in batch.unprocessed:
            (failed,) = opened_by
            assert timeouts[outcome.record.receipt_handle] == 100 * failed.record.approximate_receive_count


def handle_or_stop(record: SqsRecord) -> Result[None, Exception]:
    return Failure(ConnectionError()) if record.body == "stop" else handle(record)


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
    assert len(respond(sqs_backoff(QUEUE, client=client)(batch))["batchItemFailures"]) == 12
    assert 1 <= len(client.calls) <= 2


def test_every_message_that_sqs_refused_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    batch = fold_batch(event_of([Told("A", "fail", 1)] * 2), handle, sqs())
    sqs_backoff(QUEUE, client=Client({"Failed": [{**FAILED, "Id": str(index)} for index in range(2)]}))(batch)
    assert [record.name for record in caplog.records] == ["batchfold"] * 2
    for failed, record in zip(batch.failed, caplog.records, strict=True):
        assert failed.record.message_id in record.getMessage()
        assert "InvalidParameterValue" in record.getMessage()


def test_a_call_that_fails_is_logged_with_its_messages(caplog: pytest.LogCaptureFixture) -> None:
    batch = fold_batch(event_of([Told("A", "fail", 1)] * 2), handle, sqs())
    sqs_backoff(QUEUE, client=Client(OSError("no route to host")))(batch)
    (record,) = caplog.records
    assert all(failed.record.message_id in record.getMessage() for failed in batch.failed)
    assert record.exc_info is not None


@pytest.mark.parametrize("draw", [lambda: 1 / 0, lambda: "soon"])
def test_a_random_source_that_does_not_draw_changes_nothing(draw: Any, caplog: pytest.LogCaptureFixture) -> None:
    batch = fold_batch(event_of([Told("A", "fail", 1), Told("A", "done", 1)]), handle, sqs())
    assert len(respond(sqs_backoff(QUEUE, client=Client(), random=draw)(batch))["batchItemFailures"]) == 1
    assert f"no backoff for record {batch.failed[0].record.message_id}" in caplog.text


@pytest.mark.parametrize(
    "lacks", [("attributes", "ApproximateReceiveCount"), ("receiptHandle",), ("eventSourceARN",)], ids=str
)
def test_a_message_that_lacks_a_field_has_no_backoff_and_the_others_have_theirs(
    lacks: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    event = event_of([Told("A", "fail", 1)] * 3)
    fields = event["Records"][1]
    for name in lacks[:-1]:
        fields = fields[name]
    del fields[lacks[-1]]
    client = Client()
    batch = fold_batch(event, handle, sqs())
    respond(sqs_backoff(client=client)(batch), "never")
    assert set(client.timeouts()) == {event["Records"][at]["receiptHandle"] for at in (0, 2)}
    assert f"no backoff for record {event['Records'][1]['messageId']}" in caplog.text


@pytest.mark.parametrize(("base", "longest"), [(0, 10), (-1, 10), (20, 10), (10, 43_200)])
def test_times_out_of_bounds_are_refused(base: float, longest: float) -> None:
    with pytest.raises(ValueError, match="base_seconds"):
        sqs_backoff(QUEUE, base_seconds=base, max_seconds=longest, client=Client())


def test_the_random_numbers_are_pythons_own_if_none_are_given() -> None:
    client = Client()
    batch = fold_batch(event_of([Told("A", "fail", 3)] * 10), handle, sqs())
    sqs_backoff(QUEUE, client=client)(batch)
    assert all(0 <= seconds <= 40 for seconds in client.timeouts().values())


# ------------------------------------------------------------ times of the user's own
class ThrottledError(Exception):
    def __init__(self, seconds: Any) -> None:
        super().__init__()
        self.seconds = seconds


def handle_throttled(record: SqsRecord[list[Any]]) -> Result[None, Exception]:
    return Success(None) if record.body[0] == "done" else Failure(ThrottledError(record.body[1]))


def seconds_of(failed: Failed[object, SqsRecord]) -> Any:
    match failed.fault:
        case Rejected(ThrottledError() as throttled):
            return throttled.seconds
        case _:
            return None


def event_of_throttled(told: Sequence[tuple[str, str, Any]]) -> dict[str, Any]:
    return sqs_event(*(SqsMessage([does, seconds], message_group_id=group) for group, does, seconds in told))


@given(
    told=st.lists(
        st.tuples(
            st.sampled_from("ABC"),
            st.sampled_from(("done", "fail")),
            st.none() | st.integers(-10, 50_000) | st.floats(-10, 50_000),
        ),
        min_size=1,
        max_size=25,
    ),
    lane=st.sampled_from((each_record, by_message_group, whole_batch)),
)
def test_a_lane_comes_back_together_when_the_error_of_its_failed_record_says(
    told: list[tuple[str, str, float | None]], lane: Any
) -> None:
    client = Client()
    batch = fold_batch(event_of_throttled(told), handle_throttled, sqs(list[Any], lane=lane))
    sqs_backoff(QUEUE, client=client, seconds=seconds_of, base_seconds=1, random=lambda: 0.5)(batch)
    timeouts = client.timeouts()
    assert set(timeouts) == {outcome.record.receipt_handle for outcome in batch.not_done}
    by_lane: dict[object, list[int]] = {}
    for outcome in batch.not_done:
        key = lane(outcome.raw)
        by_lane.setdefault(outcome.record.message_id if key is None else key, []).append(
            timeouts[outcome.record.receipt_handle]
        )
    assert all(len(set(seconds)) == 1 for seconds in by_lane.values())
    for failed in batch.failed:
        wanted, found = seconds_of(failed), timeouts[failed.record.receipt_handle]
        assert isinstance(found, int)
        if wanted is None:
            assert found == 1  # of the random time's own
        else:
            assert found == 0 if wanted <= 0 else found - 1 < min(wanted, 42_000) <= found


def raise_for_late(failed: Failed[object, SqsRecord]) -> Any:
    seconds = seconds_of(failed)
    if seconds == "late":
        raise KeyError(seconds)
    return float("nan") if seconds == "never" else seconds


@pytest.mark.parametrize("odd", ["late", "never", "30", True, [30]])
def test_a_function_that_tells_no_time_costs_its_own_record_the_backoff(
    odd: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client()
    event = event_of_throttled([("A", "fail", 30), ("B", "fail", odd), ("C", "fail", 300)])
    sqs_backoff(QUEUE, client=client, seconds=raise_for_late)(fold_batch(event, handle_throttled, sqs(list[Any])))
    assert list(client.timeouts().values()) == [30, 300]
    (record,) = caplog.records
    assert event["Records"][1]["messageId"] in record.getMessage()


# ------------------------------------------------------------ queues
@pytest.mark.parametrize(
    ("arn", "url"),
    [
        ("arn:aws:sqs:eu-west-1:123456789012:orders", QUEUE),
        ("arn:aws:sqs:eu-west-1:123456789012:orders.fifo", QUEUE + ".fifo"),
        ("arn:aws-cn:sqs:cn-north-1:1:orders", "https://sqs.cn-north-1.amazonaws.com.cn/1/orders"),
        ("arn:aws-us-gov:sqs:us-gov-west-1:1:orders", "https://sqs.us-gov-west-1.amazonaws.com/1/orders"),
    ],
)
def test_the_queue_is_the_one_that_the_record_came_from(arn: str, url: str) -> None:
    event = event_of([Told("A", "fail", 1)])
    event["Records"][0]["eventSourceARN"] = arn
    client = Client()
    sqs_backoff(client=client)(fold_batch(event, handle, sqs()))
    assert client.urls == [url]


def of_two_queues(count: int) -> dict[str, Any]:
    orders, refunds = (sqs_event(*["fail"] * count, queue_name=name)["Records"] for name in ("orders", "refunds"))
    return {"Records": [raw for pair in zip(orders, refunds, strict=True) for raw in pair]}


def test_records_of_two_queues_go_to_the_queue_of_each() -> None:
    event = of_two_queues(12)
    client = Client()
    sqs_backoff(client=client)(fold_batch(event, handle, sqs()))
    asked = {
        (url, entry["ReceiptHandle"]) for url, call in zip(client.urls, client.calls, strict=True) for entry in call
    }
    assert asked == {
        (QUEUE if raw["eventSourceARN"].endswith("orders") else OTHER_QUEUE, raw["receiptHandle"])
        for raw in event["Records"]
    }
    assert len(client.calls) == 4


def test_a_url_that_was_given_is_for_its_own_queue_alone() -> None:
    client = Client()
    sqs_backoff("http://localhost:4566/0/orders", client=client)(fold_batch(of_two_queues(1), handle, sqs()))
    assert sorted(client.urls) == ["http://localhost:4566/0/orders", OTHER_QUEUE]


# ------------------------------------------------------------ side by side, and no longer than there is time
MANY = event_of([Told("A", "fail", 1)] * 500)


def test_ten_calls_are_made_at_a_time_and_no_thread_is_left() -> None:
    client = Client(seconds=0.02)
    threads = set(threading.enumerate())
    sqs_backoff(QUEUE, client=client)(fold_batch(MANY, handle, sqs()))
    assert client.most_in_flight == 10
    assert len(client.calls) == 50
    assert len(client.timeouts()) == 500
    assert set(threading.enumerate()) == threads


def test_after_a_call_that_could_not_reach_sqs_none_is_begun(caplog: pytest.LogCaptureFixture) -> None:
    client = Client(OSError("no route to host"), seconds=0.02)
    sqs_backoff(QUEUE, client=client)(fold_batch(MANY, handle, sqs()))
    assert len(client.calls) <= 10
    assert f"and {500 - 10 * len(client.calls) - 10} more" in caplog.text
    assert "could not be reached" in caplog.text


class RunningOut:
    """A context of a real clock."""

    aws_request_id = "1"

    def __init__(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round(1_000 * (self.ends - time.monotonic())))


def test_no_call_begins_at_the_reserve_and_none_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    client = Client(seconds=1.2)
    batch = fold_batch(MANY, handle, sqs(), context=RunningOut(1), reserve_ms=300)
    assert batch.ms_left is not None
    began, left = time.monotonic(), batch.ms_left() / 1_000
    sqs_backoff(QUEUE, client=client)(batch)
    assert left - 0.01 < time.monotonic() - began < left + 0.2
    assert 1 <= len(client.calls) <= 10
    assert "no time was left" in caplog.text
    assert "no answer came in time" in caplog.text
    logged = len(caplog.records)
    time.sleep(1)  # the calls that were left end now
    assert len(client.calls) <= 10
    assert len(caplog.records) == logged


def test_a_call_that_sqs_refuses_does_not_keep_the_others_from_being_made() -> None:
    client = Client(ValueError("an answer of SQS"))
    sqs_backoff(QUEUE, client=client)(fold_batch(MANY, handle, sqs()))
    assert len(client.calls) == 50


@pytest.mark.parametrize("answer", [ValueError("refused"), {"Failed": [FAILED | {"Id": str(at)} for at in range(10)]}])
def test_one_cause_is_logged_a_few_times_and_then_counted(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    sqs_backoff(QUEUE, client=Client(answer))(fold_batch(MANY, handle, sqs()))
    assert len(caplog.records) == 4
    assert "more records" in caplog.text
    assert len(caplog.text) < 20_000


def test_where_no_thread_can_be_started_the_calls_are_made_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    client = Client()
    sqs_backoff(QUEUE, client=client)(fold_batch(MANY, handle, sqs()))
    assert len(client.timeouts()) == 500


def test_without_boto3_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ImportError, match=r"batchfold\[sqs\]"):
        sqs_backoff()


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
