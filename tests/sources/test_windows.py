"""`windowed`: a window is a fold over its records, in whatever batches they come and whatever fails on the way."""

import asyncio
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from itertools import takewhile
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, computed_field
from returns.context import RequiresContextResult
from returns.future import FutureResult, future_safe
from returns.io import IOFailure, IOResult, IOSuccess
from returns.result import Failure, Result, Success
from typing_extensions import TypedDict

from batchfold import (
    AsyncSource,
    BatchProcessingError,
    DynamoDBRecord,
    Failed,
    InWindow,
    KinesisRecord,
    LambdaContext,
    Latencies,
    Malformed,
    Outcome,
    RejectedError,
    Source,
    Succeeded,
    UnexpectedEventError,
    Unprocessed,
    as_lambda_handler,
    by_partition_key,
    caused_by,
    discard,
    dynamodb,
    each_record,
    fetched,
    fold_batch,
    fold_batch_async,
    in_chunks,
    kafka,
    kinesis,
    pipe,
    pipes,
    process_batch,
    process_batch_async,
    respond,
    sqs,
    step,
    timed,
    whole_batch,
    windowed,
)
from batchfold.testing import KplRecord, dynamodb_event, kinesis_event, kpl_aggregate
from batchfold.testing import LambdaContext as ModelContext


class Total(BaseModel):
    count: int = 0
    names: tuple[str, ...] = ()


def window_of(event: dict[str, Any], state: object = None, *, final: bool = False, early: bool = False) -> Any:
    return {
        **event,
        "window": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:02:00Z"},
        "state": {} if state is None else state,
        "shardId": "shardId-000000000000",
        "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/orders",
        "isFinalInvokeForWindow": final,
        "isWindowTerminatedEarly": early,
    }


def event_of(*names: str, state: object = None, final: bool = False, early: bool = False) -> Any:
    return window_of(kinesis_event(*names), state, final=final, early=early)


def add(total: Total, record: KinesisRecord[str]) -> Result[Total, str]:
    if record.data == "bad":
        return Failure("bad")
    if record.data == "raises":
        raise OSError("down")
    return Success(Total(count=total.count + 1, names=(*total.names, record.data)))


async def add_async(total: Total, record: KinesisRecord[str]) -> Result[Total, str]:
    await asyncio.sleep(0)
    return add(total, record)


@dataclass
class Publisher:
    """Publishes totals, and fails as often as it is told to."""

    failures: int = 0
    published: list[Total] = field(default_factory=list[Total])

    def __call__(self, total: Total) -> Result[None, OSError]:
        if self.failures:
            self.failures -= 1
            return Failure(OSError("the table is down"))
        self.published.append(total)
        return Success(None)


NAMES = st.sampled_from(["a", "b", "c", "bad", "raises"])
TOTALS = windowed(kinesis(str), Total)


# ---------------------------------------------------------------- the fold
@given(st.lists(st.lists(st.sampled_from("abc"), max_size=4), max_size=4))
def test_a_window_in_batches_is_a_fold_over_its_records(batches: list[list[str]]) -> None:
    state: Any = {}
    publisher = Publisher()
    source = windowed(kinesis(str), Total, finish=publisher)
    for number, names in enumerate(batches, 1):
        event = event_of(*names, state=state, final=number == len(batches))
        answer = process_batch(json.loads(json.dumps(event)), step(add), source)
        state = json.loads(json.dumps(answer["state"]))
        assert answer["batchItemFailures"] == []
    names = [name for names in batches for name in names]
    expected = [Total(count=len(names), names=tuple(names))] if batches else []
    assert publisher.published == expected


@given(st.data())
def test_under_any_schedule_of_failures_the_state_is_a_plain_fold(data: st.DataObject) -> None:
    """Both ways to answer, each under the reading of a partial failure under which it is right."""
    names = [f"r{number}" for number in range(data.draw(st.integers(0, 8)))]
    partially = data.draw(st.booleans())
    failing: set[str] = set()

    def add_unless_failing(total: Total, record: KinesisRecord[str]) -> Result[Total, str]:
        if record.data in failing:
            failing.discard(record.data)
            return Failure("not now")
        return add(total, record)

    publisher = Publisher(failures=data.draw(st.integers(0, 2)))
    source = windowed(kinesis(str), Total, finish=publisher)
    function = as_lambda_handler(step(add_unless_failing), source, raise_on="entire_batch" if partially else None)
    state: Any = {}
    waiting = list(names)
    for _ in range(40):
        failing = set(data.draw(st.lists(st.sampled_from(names), max_size=2))) if names else set()
        size = data.draw(st.integers(1, 4))
        batch, is_final = waiting[:size], len(waiting) <= size
        event = event_of(*batch, state=state, final=is_final)
        try:
            answer = function(event, None)
        except (BatchProcessingError, OSError):
            continue  # everything again, with the state from before
        state = answer["state"]
        named = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
        numbers = [raw["kinesis"]["sequenceNumber"] for raw in event["Records"]]
        done = min(map(numbers.index, map(str, named)), default=len(batch))
        waiting = waiting[done:]
        if is_final and not named:
            break
    assert publisher.published == [Total(count=len(names), names=tuple(names))]


@given(names=st.lists(NAMES, max_size=6), final=st.booleans())
def test_one_by_one_in_threads_and_on_a_loop_it_is_the_same(names: list[str], *, final: bool) -> None:
    def folded(run: Callable[[Any, Any], Any]) -> Any:
        publisher = Publisher()
        batch = run(event_of(*names, state={"count": 3}, final=final), windowed(kinesis(str), Total, finish=publisher))
        return [repr(outcome) for outcome in batch.outcomes], batch.response, publisher.published

    async def on_a_loop(event: Any, source: Any) -> Any:
        return await fold_batch_async(event, step(add_async), source, max_concurrency=5)

    with ThreadPoolExecutor(3) as executor:
        runs: list[Callable[[Any, Any], Any]] = [
            lambda event, source: fold_batch(event, step(add), source),
            lambda event, source: fold_batch(event, step(add), source, executor=executor),
            lambda event, source: asyncio.run(on_a_loop(event, source)),
        ]
        one, *others = map(folded, runs)
    assert others == [one, one]


@given(st.lists(NAMES, max_size=6))
def test_a_settled_record_leaves_the_state_as_it_is(names: list[str]) -> None:
    batch = fold_batch(event_of(*names), step(add), TOTALS, settle=discard(when=lambda _: True))
    good = [name for name in names if name in "abc"]
    assert batch.response["state"] == {"count": len(good), "names": good}
    assert batch.response["batchItemFailures"] == []
    assert len(batch.settled) == len(names) - len(good)


@given(st.lists(NAMES, min_size=1, max_size=6))
def test_a_partial_response_has_the_state_of_the_records_that_are_done(names: list[str]) -> None:
    batch = fold_batch(event_of(*names, state={"count": 1, "names": ["x"]}), step(add), TOTALS)
    done = next((at for at, name in enumerate(names) if name in ("bad", "raises")), len(names))
    answer = respond(batch, raise_on="never")
    assert answer["state"] == {"count": 1 + done, "names": ["x", *names[:done]]}
    assert len(answer["batchItemFailures"]) == (done < len(names))


def test_by_default_a_record_that_is_not_done_fails_the_invocation() -> None:
    for names in (["a", "bad"], ["bad", "a"]):
        with pytest.raises(BatchProcessingError):
            process_batch(event_of(*names), step(add), TOTALS)
        with pytest.raises(BatchProcessingError):
            as_lambda_handler(step(add), TOTALS)(event_of(*names), None)
    answer = process_batch(event_of("a", "bad"), step(add), TOTALS, raise_on="entire_batch")
    assert (answer["state"]["count"], len(answer["batchItemFailures"])) == (1, 1)


def test_records_that_time_leaves_no_room_for_fail_the_invocation() -> None:
    class Clock:
        def __init__(self) -> None:
            self.left = [5_000, 100]

        def get_remaining_time_in_millis(self) -> int:
            return self.left.pop(0) if len(self.left) > 1 else self.left[0]

        aws_request_id = "1"

    with pytest.raises(BatchProcessingError, match="1 not started"):
        process_batch(event_of("a", "b", "c"), step(add), TOTALS, context=Clock(), reserve_ms=1_000)


def test_a_circuit_breaker_leaves_the_rest_unprocessed() -> None:
    batch = fold_batch(event_of("a", "raises", "b"), step(add), TOTALS, stop_when=caused_by(OSError))
    assert [type(outcome) for outcome in batch.outcomes] == [Succeeded, Failed, Unprocessed]


# ---------------------------------------------------------------- nothing is kept, nothing is shared
def test_outcomes_have_the_raw_records_of_the_event() -> None:
    event = event_of("a", "bad", "b")
    batch = fold_batch(event, step(add), TOTALS)
    assert all(outcome.raw is raw for outcome, raw in zip(batch.outcomes, event["Records"], strict=True))
    assert [type(outcome.record) for outcome in batch.outcomes] == [KinesisRecord] * 3


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=4), min_size=2, max_size=4))
def test_invocations_at_the_same_time_share_nothing(batches: list[list[str]]) -> None:
    async def together() -> Sequence[Any]:
        runs = (process_batch_async(event_of(*names), step(add_async), TOTALS) for names in batches)
        answers = await asyncio.gather(*runs)
        return list(answers)

    assert [answer["state"]["names"] for answer in asyncio.run(together())] == batches


def test_the_initial_state_is_never_shared() -> None:
    def append(names: dict[str, list[str]], record: KinesisRecord[str]) -> Result[dict[str, list[str]], str]:
        names["seen"].append(record.data)  # not pure
        return Success(names)

    nothing: dict[str, list[str]] = {"seen": []}
    source = windowed(kinesis(str), dict[str, list[str]], initial=nothing)
    for _ in range(2):
        assert process_batch(event_of("a"), step(append), source)["state"] == {"seen": ["a"]}


def test_what_an_impure_step_did_before_it_failed_is_not_in_the_response() -> None:
    def append(names: dict[str, list[str]], record: KinesisRecord[str]) -> Result[dict[str, list[str]], str]:
        names["seen"].append(record.data)
        return Failure("no")

    batch = fold_batch(event_of("a", state={"seen": ["x"]}), step(append), windowed(kinesis(str), dict[str, list[str]]))
    assert batch.response["state"] == {"seen": ["x"]}


# ---------------------------------------------------------------- finish
@pytest.mark.parametrize("names", [[], ["a", "b"]])
@pytest.mark.parametrize(("final", "early"), [(True, False), (False, True), (True, True), (False, False)])
def test_a_window_is_finished_once_when_it_ends(names: list[str], *, final: bool, early: bool) -> None:
    publisher = Publisher()
    event = event_of(*names, state={"count": 5}, final=final, early=early)
    batch = fold_batch(event, step(add), windowed(kinesis(str), Total, finish=publisher))
    answers = [batch.response, batch.response, respond(batch)]
    assert all(answer["state"]["count"] == 5 + len(names) for answer in answers)
    assert [total.count for total in publisher.published] == ([5 + len(names)] if final or early else [])


def test_a_window_whose_final_records_are_not_all_done_is_not_finished() -> None:
    publisher = Publisher()
    source = windowed(kinesis(str), Total, finish=publisher)
    answer = process_batch(event_of("a", "bad", final=True), step(add), source, raise_on="entire_batch")
    assert (answer["state"]["count"], publisher.published) == (1, [])
    process_batch(event_of("a", "bad", final=True), step(add), source, settle=discard(when=caused_by(str)))
    assert [total.count for total in publisher.published] == [1]


def raises(total: Total) -> Result[None, OSError]:
    raise OSError(total.count)


def forgets(_total: Total) -> Any:
    return None


FAILING: list[tuple[Callable[[Total], Any], type[Exception], str]] = [
    (raises, OSError, "1"),
    (lambda _: Failure(OSError("down")), OSError, "down"),
    (lambda _: Failure("down"), RejectedError, "down"),
    (lambda _: IOFailure(KeyError("down")), KeyError, "down"),
    (forgets, TypeError, "finish returned None"),
]


@pytest.mark.parametrize(("finish", "expected", "match"), FAILING)
def test_a_finish_that_fails_fails_the_invocation(finish: Any, expected: type[Exception], match: str) -> None:
    source: Any = windowed(kinesis(str), Total, finish=finish)
    with pytest.raises(expected, match=match) as raised:
        process_batch(event_of("a", final=True), step(add), source)
    assert any("finish failed" in note for note in raised.value.__notes__)
    with pytest.raises(expected, match=match):
        as_lambda_handler(step(add), source)(event_of("a", final=True), None)


def test_a_finish_of_io_results_succeeds() -> None:
    def finish(total: Total) -> IOResult[Total, str]:
        return IOSuccess(total)

    source = windowed(kinesis(str), Total, finish=finish)
    assert process_batch(event_of("a", final=True), step(add), source)["state"]["count"] == 1


def test_an_error_of_finish_is_redacted() -> None:
    def finish(_total: Total) -> Result[None, str]:
        Total.model_validate({"count": "a secret"})
        return Success(None)

    with pytest.raises(ValueError, match="validation error") as raised:
        process_batch(event_of(final=True), step(add), windowed(kinesis(str), Total, finish=finish))
    assert "a secret" not in str(raised.value)


def test_an_async_finish_is_awaited_and_makes_a_source_for_async_runs() -> None:
    published: list[Total] = []

    async def publish(total: Total) -> Result[None, OSError]:
        await asyncio.sleep(0)
        published.append(total)
        return Success(None)

    @future_safe
    async def publish_future(total: Total) -> None:
        published.append(total)

    async def fail(_total: Total) -> Result[None, OSError]:
        raise OSError("down")

    event = event_of("a", final=True)
    for finish in (publish, publish_future):
        source = windowed(kinesis(str), Total, finish=finish)
        assert not isinstance(source, Source)
        assert as_lambda_handler(step(add_async), source)(event, None)["state"]["count"] == 1
        assert as_lambda_handler(step(add_async), source)(event_of("a"), None)["state"]["count"] == 1
        sync: Any = step(add)  # refused by checkers
        with pytest.raises(TypeError, match="finish"):
            as_lambda_handler(sync, source)
    assert [total.count for total in published] == [1, 1]
    with pytest.raises(OSError, match="down"):
        as_lambda_handler(step(add_async), windowed(kinesis(str), Total, finish=fail))(event, None)


def test_a_state_that_nears_the_limit_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def grow(_texts: dict[str, str], record: KinesisRecord[str]) -> Result[dict[str, str], str]:
        return Success({"text": "x" * int(record.data)})

    source = windowed(kinesis(str), dict[str, str])
    process_batch(event_of("100000"), step(grow), source)
    assert not caplog.messages
    process_batch(event_of("950000"), step(grow), source)
    assert [each.levelname for each in caplog.records] == ["WARNING"]
    assert "950,011 bytes" in caplog.text
    assert "'shardId-000000000000'" in caplog.text


# ---------------------------------------------------------------- the state
class Moments(BaseModel, strict=True):
    seen: set[UUID] = set()
    last: datetime | None = None
    price: Decimal = Decimal(0)
    n: int = Field(default=0, alias="number")

    @computed_field  # type: ignore[prop-decorator]  # as pydantic documents it
    @property
    def size(self) -> int:
        return len(self.seen)


@dataclass
class Point:
    x: int = 0


@dataclass(eq=False)
class OnlyItself:
    x: int = 0


class Counts(TypedDict, total=False):
    a: int


@pytest.mark.parametrize(
    ("form", "state"),
    [
        (
            Moments,
            Moments(seen={UUID(int=1), UUID(int=2)}, last=datetime(2026, 1, 1, tzinfo=UTC), price=Decimal("1.50")),
        ),
        (Moments, Moments(number=4)),
        (Point, Point(3)),
        (Counts, {"a": 2}),
        (dict[str, int], {"a": 1}),
        (dict[UUID, list[Point]], {UUID(int=3): [Point(1)]}),
    ],
)
def test_a_state_of_any_form_comes_back_as_it_went_out(form: Any, state: Any) -> None:
    source: Any = windowed(kinesis(str), form)
    answer = process_batch(event_of("a"), lambda _: Success(state), source)
    seen: list[Any] = []

    def look(turn: Any) -> Result[Any, str]:
        seen.append(turn.state)
        return Success(turn.state)

    assert process_batch(event_of("a", state=json.loads(json.dumps(answer["state"]))), look, source) == answer
    assert seen == [state]


WRONG: dict[str, Any] = {"count": "a secret"}


class Renamed(BaseModel):
    count: int = Field(default=0, validation_alias="n")


class Secretive(BaseModel):
    count: int = Field(default=0, exclude=True)


@pytest.mark.parametrize(
    ("form", "state"),
    [
        (Renamed, Renamed.model_validate({"n": 3})),
        (Secretive, Secretive(count=3)),
        (Total, 3),
        (Total, None),
        (Total, Total.model_construct(**WRONG)),
        (dict[str, float], {"a": float("nan")}),
    ],
)
def test_a_state_that_would_not_come_back_as_it_is_fails_the_invocation(form: Any, state: Any) -> None:
    publisher = Publisher()
    source: Any = windowed(kinesis(str), form, finish=publisher)
    with pytest.raises(TypeError, match="survives JSON") as raised:
        process_batch(event_of("a", final=True), lambda _: Success(state), source)
    assert "a secret" not in str(raised.value)
    assert not publisher.published


def test_a_state_whose_class_knows_no_equality_is_compared_by_its_json() -> None:
    source = windowed(kinesis(str), OnlyItself)
    assert process_batch(event_of("a"), lambda _: Success(OnlyItself(2)), source)["state"] == {"x": 2}


def test_a_state_that_comes_out_empty_begins_no_window_anew() -> None:
    source = windowed(kinesis(str), dict[str, int], initial={"a": 1})
    with pytest.raises(TypeError, match="came out empty"):
        process_batch(event_of("a"), lambda _: Success(EMPTY), source)
    assert process_batch(event_of("a"), lambda _: Success(EMPTY), windowed(kinesis(str), dict[str, int]))["state"] == {}


@pytest.mark.parametrize("state", [{}, None])
def test_a_window_begins_with_the_initial_state(state: Any) -> None:
    event = {**event_of("a"), "state": state}
    assert process_batch(event, step(add), TOTALS)["state"]["count"] == 1
    source = windowed(kinesis(str), Total, initial=Total(count=10))
    assert process_batch(event, step(add), source)["state"]["count"] == 11
    assert process_batch({**event, "Records": []}, step(add), source)["state"]["count"] == 10


EMPTY: dict[str, int] = {}


class NoDefaults(BaseModel):
    count: int


@pytest.mark.parametrize("form", [NoDefaults, int, list[int], Point | None])
def test_a_state_in_which_no_window_can_begin_is_refused_at_once(form: Any) -> None:
    if form == Point | None:
        windowed(kinesis(str), form)
        return
    with pytest.raises(TypeError, match="empty state"):
        windowed(kinesis(str), form)


@pytest.mark.parametrize(("form", "initial"), [(int, 3), (list[int], [1]), (Total, 3), (Secretive, Secretive(count=2))])
def test_an_initial_state_that_is_none_is_refused_at_once(form: Any, initial: Any) -> None:
    with pytest.raises(TypeError, match="survives JSON"):
        windowed(kinesis(str), form, initial=initial)


def test_an_initial_state_supplies_what_has_no_default() -> None:
    source = windowed(kinesis(str), NoDefaults, initial=NoDefaults(count=2))
    assert process_batch(event_of(), lambda turn: Success(turn.state), source)["state"] == {"count": 2}


# ---------------------------------------------------------------- events
@pytest.mark.parametrize("state", [{"count": "a secret"}, {"names": 3}, [], "a secret", 0])
def test_a_state_of_another_form_fails_the_invocation(state: Any) -> None:
    with pytest.raises(UnexpectedEventError, match="'state'") as raised:
        process_batch({**event_of("a"), "state": state}, step(add), TOTALS)
    assert "a secret" not in str(raised.value)


def test_an_event_without_a_window_is_refused() -> None:
    with pytest.raises(UnexpectedEventError, match="TumblingWindowInSeconds"):
        process_batch(kinesis_event("a"), step(add), TOTALS)
    with pytest.raises(UnexpectedEventError, match="mapping"):
        process_batch([], step(add), TOTALS)
    with pytest.raises(UnexpectedEventError, match="Records"):
        process_batch({**event_of(), "Records": None}, step(add), TOTALS)
    with pytest.raises(UnexpectedEventError, match="eventSource"):
        process_batch(window_of(dynamodb_event({"id": 1})), step(add), TOTALS)


@pytest.mark.parametrize("source", [kinesis(), dynamodb(), sqs()])
def test_a_window_handed_to_a_plain_source_is_refused_and_windowed_named(source: Any) -> None:
    with pytest.raises(UnexpectedEventError, match=r"windowed\(\.\.\.\)"):
        process_batch(event_of("a"), lambda _: Success(None), source)


def test_the_final_invocation_may_have_no_list_of_records() -> None:
    event = event_of(state={"count": 2}, final=True)
    for final in (event, {**event, "Records": None}, {key: event[key] for key in event if key != "Records"}):
        answer = process_batch(final, step(add), TOTALS)
        assert (answer["state"], answer["batchItemFailures"]) == ({"count": 2, "names": []}, [])


def test_changes_of_a_table_are_folded_too() -> None:
    def count(counts: dict[str, int], record: DynamoDBRecord) -> Result[dict[str, int], str]:
        return Success({**counts, record.event_name: counts.get(record.event_name, 0) + 1})

    event = window_of(dynamodb_event({"id": 1}, {"id": 2}), {"INSERT": 1})
    assert process_batch(event, step(count), windowed(dynamodb(), dict[str, int]))["state"] == {"INSERT": 3}


def test_a_payload_that_will_not_parse_is_malformed() -> None:
    batch = fold_batch(event_of("a", "1"), step(add), windowed(kinesis(int), Total))  # type: ignore[arg-type]
    first, second = batch.outcomes
    assert isinstance(first, Failed)
    assert isinstance(first.fault, Malformed)
    assert isinstance(second, Unprocessed)


@given(st.lists(st.integers(1, 3), max_size=4), st.integers(0, 8))
def test_an_aggregate_that_is_not_done_as_a_whole_is_in_no_state(sizes: list[int], failing: int) -> None:
    names = [[f"r{at}.{number}" for number in range(size)] for at, size in enumerate(sizes)]
    flat = [name for aggregate in names for name in aggregate]
    bad = flat[failing] if failing < len(flat) else None

    def add_good(total: Total, record: KinesisRecord[str]) -> Result[Total, str]:
        return Failure("bad") if record.data == bad else add(total, record)

    event = window_of(kinesis_event(*(kpl_aggregate(*map(KplRecord, aggregate)) for aggregate in names)))
    source = windowed(kinesis(str, aggregated=True), Total)
    answer = fold_batch(event, step(add_good), source).response
    whole = [name for aggregate in takewhile(lambda aggregate: bad not in aggregate, names) for name in aggregate]
    assert answer["state"]["names"] == whole
    assert len(answer["batchItemFailures"]) == (bad is not None)


# ---------------------------------------------------------------- the source
@pytest.mark.parametrize(
    "source", [kinesis(lane=by_partition_key), kinesis(lane=each_record), sqs(), kafka(), dynamodb(lane=each_record)]
)
def test_another_lane_is_refused_at_once(source: Any) -> None:
    with pytest.raises(TypeError, match="in order"):
        windowed(source, Total)


def test_other_sources_are_refused_at_once() -> None:
    async def later(record: KinesisRecord) -> dict[str, Any]:
        return dict(record.raw)

    waited_for: Any = fetched(kinesis(str), later)
    twice: Any = TOTALS
    with pytest.raises(TypeError, match="awaited"):
        windowed(waited_for, Total)
    with pytest.raises(TypeError, match="already"):
        windowed(twice, Total)
    with pytest.raises(TypeError, match="Records"):
        windowed(pipes(kinesis()), Total)
    with pytest.raises(TypeError, match="pipes"):
        pipes(twice)
    with pytest.raises(TypeError, match=r"windowed\(fetched"):
        fetched(twice, later)


def test_a_lane_that_is_replaced_later_fails_the_invocation() -> None:
    source = TOTALS.replace(lane_of=lambda _: each_record)
    with pytest.raises(TypeError, match="whole_batch"):
        process_batch(event_of("a", "b"), step(add), source)
    with pytest.raises(TypeError, match="whole_batch"):
        fold_batch(event_of("a", "bad"), step(add), source).response  # noqa: B018  # a property


def test_what_is_replaced_is_replaced_for_every_event() -> None:
    source = TOTALS.replace(name="totals", raise_on="entire_batch")
    assert len(process_batch(event_of("a", "bad"), step(add), source)["batchItemFailures"]) == 1
    assert fold_batch(event_of("a"), step(add), source).source.name == "totals"
    assert TOTALS.replace(for_event=kinesis(str).opened).opened(event_of()).for_event is None


def test_a_source_of_windows_parses_only_for_an_event() -> None:
    raws, item_ids = TOTALS.read(event_of("a"))
    with pytest.raises(TypeError, match=r"source\.opened"):
        TOTALS.parse(raws[0])
    opened = TOTALS.opened(event_of("a"))
    assert opened.read(event_of("a")) == (raws, item_ids)
    assert kinesis().opened(event_of("a")).for_event is None
    turn = opened.parse(raws[0])
    assert isinstance(turn, InWindow)
    assert (turn.start, turn.end) == (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 2, tzinfo=UTC))
    assert turn.shard_id == "shardId-000000000000"


def test_records_in_a_window_are_values() -> None:
    record = KinesisRecord(kinesis_event("a")["Records"][0], "a")
    turn = InWindow(Total(), record)
    assert (turn.state, turn.record, turn.raw) == (Total(), record, record.raw)
    assert turn == InWindow(Total(), record)
    assert turn != InWindow(Total(count=1), record)
    assert repr(turn) == f"InWindow({record!r})"
    assert (turn.trace_context, turn.span_attributes) == (record.trace_context, record.span_attributes)
    plain = InWindow(2, 3)
    assert (plain.raw, plain.trace_context, plain.span_attributes) == ({}, {}, {})


# ---------------------------------------------------------------- steps
def add_with(total: Total, record: KinesisRecord[str], context: LambdaContext) -> Result[Total, str]:
    return Success(Total(names=(*total.names, record.data + context.aws_request_id)))


async def add_with_async(total: Total, record: KinesisRecord[str], context: LambdaContext) -> Result[Total, str]:
    return add_with(total, record, context)


def add_reading(total: Total, record: KinesisRecord[str]) -> RequiresContextResult[Total, str, LambdaContext]:
    return RequiresContextResult(lambda context: add_with(total, record, context))


def add_in_turn(turn: InWindow[Total, KinesisRecord[str]], context: LambdaContext) -> Result[Total, str]:
    return add_with(turn.state, turn.record, context)


@pytest.mark.parametrize("handler", [step(add_with), step(add_with_async), step(add_reading), add_in_turn])
def test_a_step_may_take_the_lambda_context(handler: Any) -> None:
    context = ModelContext()
    make: Any = as_lambda_handler
    answer: Any = make(handler, TOTALS)(event_of("a", "b"), context)
    assert answer["state"]["names"] == ["a" + context.aws_request_id, "b" + context.aws_request_id]


def add_io(total: Total, record: KinesisRecord[str]) -> IOResult[Total, str]:
    return IOResult.from_result(add(total, record))


def add_future(total: Total, record: KinesisRecord[str]) -> FutureResult[Total, str]:
    return FutureResult.from_result(add(total, record))


def add_by(amount: int, total: Total, _record: KinesisRecord[str]) -> Result[Total, str]:
    return Success(Total(count=total.count + amount))


def test_steps_of_all_kinds_do_the_same() -> None:
    one_by_one = (step(add), step(add_io), pipe(step(add), timed(Latencies())), step(partial(add_by, 1)))
    for handler in one_by_one:
        assert process_batch(event_of("a", "b"), handler, TOTALS)["state"]["count"] == 2
    for later in (step(add_async), step(add_future), pipe(step(add_async), timed(Latencies()))):
        assert as_lambda_handler(later, TOTALS)(event_of("a", "b"), None)["state"]["count"] == 2


def test_a_step_keeps_its_name() -> None:
    handler: Any = step(add)
    assert (handler.__name__, handler.__doc__) == ("add", None)
    assert step(max)(InWindow(2, 3)) == 3  # no signature


def test_latencies_know_the_records_of_a_window() -> None:
    latencies = Latencies()
    batch = fold_batch(event_of("a", "bad"), pipe(step(add), timed(latencies)), TOTALS)
    assert all(latencies.of(outcome.record) is not None for outcome in batch.outcomes)


def test_chunks_are_refused_in_a_window() -> None:
    def count_all(turns: Sequence[InWindow[Total, KinesisRecord[str]]]) -> Sequence[Result[Total, str]]:
        return [Success(turn.state) for turn in turns]

    chunks: Any = in_chunks(count_all, size=2)
    with pytest.raises(TypeError, match="step"):
        step(chunks)
    with pytest.raises(ValueError, match="one lane"):
        fold_batch(event_of("a"), chunks, TOTALS)


def test_an_observer_sees_each_state() -> None:
    counts: list[int] = []

    def observe(outcome: Outcome[Total, str, KinesisRecord]) -> None:
        counts.append(outcome.value.count if isinstance(outcome, Succeeded) else -1)

    process_batch(
        event_of("a", "bad", "b"),
        step(add),
        TOTALS,
        observe=observe,
        settle=discard(when=lambda _: True),
    )
    assert counts == [1, -1, 2]
    assert whole_batch is TOTALS.lane_of(())
    assert isinstance(TOTALS, AsyncSource)
