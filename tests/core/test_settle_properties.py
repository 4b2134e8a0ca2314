"""Whatever settle functions, observers and layers do: no record is lost, and no other lane is touched.

Every property is held against a model of ten lines, in sequential, threaded and async runs.
"""

import asyncio
import inspect
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, NamedTuple, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Result, Success

from batchfold import Batch, Failed, Outcome, SqsRecord, by_message_group, fold_batch, fold_batch_async, sqs
from batchfold.core.layers import only, route
from batchfold.core.settling import dead_letter
from batchfold.shell.observing import observe_all, timed
from batchfold.testing import LambdaContext, SqsMessage, sqs_event

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")

Fate = Literal["done", "rejected", "crashed", "malformed", "nonsense"]
LastWord = Literal["settles", "leaves", "fails", "raises", "nonsense"]

NONSENSE: Sequence[Any] = (None, 3, "done", Success(Success(None)), Success, {"batchItemFailures": []})


class Told(NamedTuple):
    """One record: its lane, what comes of handling it, and what settling it would say."""

    lane: str
    fate: Fate
    last_word: LastWord
    nonsense: Any
    observer_raises: bool


TOLD = st.lists(
    st.builds(
        Told,
        st.sampled_from("ABC"),
        st.sampled_from(get_args(Fate)),
        st.sampled_from(get_args(LastWord)),
        st.sampled_from(NONSENSE),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)
SOURCE = sqs(decode=int, lane=by_message_group)


def event_of(told: Sequence[Told]) -> dict[str, Any]:
    """Each record's body is its position; one that must not parse has a letter before it."""
    return sqs_event(
        *(
            SqsMessage(f"{'x' * (each.fate == 'malformed')}{position}", message_group_id=each.lane)
            for position, each in enumerate(told)
        ),
        fifo=True,
    )


def model(told: Sequence[Told], *, settling: bool = True) -> list[str]:
    """What must become of each record."""
    stopped: set[str] = set()
    kinds: list[str] = []
    for each in told:
        if each.lane in stopped:
            kinds.append("Unprocessed")
        elif each.fate == "done":
            kinds.append("Succeeded")
        elif settling and each.last_word == "settles":
            kinds.append("Settled")
        else:
            kinds.append("Failed")
            stopped.add(each.lane)
    return kinds


def kinds_of(batch: Batch[Any, Any, Any]) -> list[str]:
    return [type(outcome).__name__ for outcome in batch.outcomes]


def name_of(outcome: Outcome[Any, Any, Any]) -> str:
    return str(outcome.item_id)


class User:
    """A user whose functions do as told, and remember what they were called with."""

    def __init__(self, told: Sequence[Told]) -> None:
        self.told = told
        self.handled: list[int] = []
        self.offered: list[int] = []
        self.observed: list[Outcome[Any, Any, Any]] = []

    def of(self, record: SqsRecord[Any]) -> Told:
        return self.told[int(str(record.body).lstrip("x"))]

    def handle(self, record: SqsRecord[int]) -> Any:
        self.handled.append(record.body)
        told = self.of(record)
        match told.fate:
            case "done":
                return Success(None)
            case "rejected":
                return Failure("out of stock")
            case "nonsense":
                return told.nonsense
            case _:
                raise TimeoutError

    async def handle_async(self, record: SqsRecord[int]) -> Any:
        await asyncio.sleep(0)
        return self.handle(record)

    def settle(self, failed: Failed[Any, SqsRecord]) -> Any:
        told = self.of(failed.record)
        self.offered.append(int(failed.record.body.lstrip("x")))
        match told.last_word:
            case "settles":
                return Success("sent")
            case "leaves":
                return Failure(None)
            case "fails":
                return Failure(OSError("no queue"))
            case "raises":
                raise OSError("no queue")
            case "nonsense":
                return told.nonsense

    async def settle_async(self, failed: Failed[Any, SqsRecord]) -> Any:
        await asyncio.sleep(0)
        return self.settle(failed)

    def observe(self, outcome: Outcome[Any, Any, SqsRecord]) -> None:
        self.observed.append(outcome)
        if self.of(outcome.record).observer_raises:
            raise RuntimeError("the metrics are down")


Run = Callable[..., Batch[Any, Any, Any]]


def sequentially(event: dict[str, Any], user: User, layer: Callable[[Any], Any], **options: Any) -> Batch[Any, Any]:
    return fold_batch(event, layer(user.handle), SOURCE, **options)


def in_threads(event: dict[str, Any], user: User, layer: Callable[[Any], Any], **options: Any) -> Batch[Any, Any]:
    with ThreadPoolExecutor(3) as executor:
        return fold_batch(event, layer(user.handle), SOURCE, executor=executor, **options)


def asynchronously(event: dict[str, Any], user: User, layer: Callable[[Any], Any], **options: Any) -> Batch[Any, Any]:
    return asyncio.run(fold_batch_async(event, layer(user.handle_async), SOURCE, max_concurrency=3, **options))


def unchanged(handler: Any) -> Any:
    return handler


every_way = pytest.mark.parametrize("run", [sequentially, in_threads, asynchronously])


@every_way
@given(told=TOLD)
def test_settling_changes_its_own_lane_alone(run: Run, told: list[Told]) -> None:
    user = User(told)
    batch = run(event_of(told), user, unchanged, settle=user.settle)
    assert kinds_of(batch) == model(told)
    without = run(event_of(told), User(told), unchanged)
    assert kinds_of(without) == model(told, settling=False)
    settled_lanes = {each.lane for each, kind in zip(told, kinds_of(batch), strict=True) if kind == "Settled"}
    for each, with_settle, as_before in zip(told, kinds_of(batch), kinds_of(without), strict=True):
        assert with_settle == as_before or each.lane in settled_lanes


@given(told=TOLD)
def test_an_async_settle_does_what_a_synchronous_one_does(told: list[Told]) -> None:
    user = User(told)
    assert kinds_of(asynchronously(event_of(told), user, unchanged, settle=user.settle_async)) == model(told)


@every_way
@given(told=TOLD)
def test_what_is_not_done_is_named_to_lambda_and_nothing_else_is(run: Run, told: list[Told]) -> None:
    user, event = User(told), event_of(told)
    batch = run(event, user, unchanged, settle=user.settle, observe=user.observe)
    not_done = [
        raw["messageId"]
        for raw, kind in zip(event["Records"], model(told), strict=True)
        if kind in {"Failed", "Unprocessed"}
    ]
    assert [entry["itemIdentifier"] for entry in batch.response["batchItemFailures"]] == not_done


@every_way
@given(told=TOLD)
def test_every_failure_is_offered_once_and_what_was_not_started_never(run: Run, told: list[Told]) -> None:
    user = User(told)
    run(event_of(told), user, unchanged, settle=user.settle)
    assert sorted(user.offered) == [at for at, kind in enumerate(model(told)) if kind in {"Settled", "Failed"}]


@every_way
@given(told=TOLD)
def test_what_could_not_be_settled_says_why_and_keeps_its_fault(run: Run, told: list[Told]) -> None:
    user = User(told)
    for failed in run(event_of(told), user, unchanged, settle=user.settle).failed:
        expected = {"leaves": type(None), "fails": OSError, "raises": OSError, "nonsense": TypeError}
        assert type(failed.settle_error) is expected[user.of(failed.record).last_word]
        assert failed.fault.error is not failed.settle_error


@every_way
@given(told=TOLD)
def test_observers_are_told_every_outcome_once_and_change_nothing(run: Run, told: list[Told]) -> None:
    user, other = User(told), User([each._replace(observer_raises=False) for each in told])
    batch = run(event_of(told), user, unchanged, settle=user.settle, observe=observe_all(user.observe, other.observe))
    assert kinds_of(batch) == model(told)
    for observed in (user.observed, other.observed):
        assert sorted(observed, key=name_of) == sorted(batch.outcomes, key=name_of)


@every_way
@given(told=TOLD)
def test_a_record_is_handled_at_most_once_and_a_lane_in_order(run: Run, told: list[Told]) -> None:
    user = User(told)
    run(event_of(told), user, unchanged, settle=user.settle, observe=user.observe)
    assert len(set(user.handled)) == len(user.handled)
    for lane in "ABC":
        of_lane = [position for position in user.handled if told[position].lane == lane]
        assert of_lane == sorted(of_lane)


def of_odd_records(does: Callable[[Any, SqsRecord[int]], Any]) -> Callable[[Any], Any]:
    """A layer of the user's that gets in the way of every other record."""

    def layer(handler: Callable[[SqsRecord[int]], Any]) -> Any:
        if inspect.iscoroutinefunction(handler):

            async def handle_async(record: SqsRecord[int]) -> Any:
                return does(handler, record) if record.body % 2 else await handler(record)

            return handle_async

        def handle(record: SqsRecord[int]) -> Any:
            return does(handler, record) if record.body % 2 else handler(record)

        return handle

    return layer


def raises(_handler: Any, _record: Any) -> Any:
    raise LookupError("the layer is broken")


@every_way
@given(told=TOLD, nonsense=st.sampled_from(NONSENSE) | st.just(raises))
def test_a_layer_that_raises_or_returns_nonsense_loses_no_record(run: Run, told: list[Told], nonsense: Any) -> None:
    layer = of_odd_records(raises if nonsense is raises else lambda _handler, _record: nonsense)
    as_if = [
        each._replace(fate="crashed") if at % 2 and each.fate != "malformed" else each for at, each in enumerate(told)
    ]
    user = User(told)
    assert kinds_of(run(event_of(told), user, layer, settle=user.settle)) == model(as_if)


def is_even(record: SqsRecord[int]) -> bool:
    return record.body % 2 == 0


@every_way
@given(told=TOLD)
def test_only_some_records_are_handled_and_the_others_are_done(run: Run, told: list[Told]) -> None:
    as_if = [
        each._replace(fate="done") if at % 2 and each.fate != "malformed" else each for at, each in enumerate(told)
    ]
    user = User(told)
    assert kinds_of(run(event_of(told), user, only(is_even), settle=user.settle)) == model(as_if)
    assert not [position for position in user.handled if position % 2]


@every_way
@given(told=TOLD)
def test_a_record_without_a_route_comes_back(run: Run, told: list[Told]) -> None:
    as_if = [
        each._replace(fate="rejected") if at % 2 and each.fate != "malformed" else each for at, each in enumerate(told)
    ]
    user = User(told)

    def layer(handler: Callable[[SqsRecord[int]], Any]) -> Any:
        return route(is_even, {True: handler})

    batch = run(event_of(told), user, layer, settle=user.settle)
    assert kinds_of(batch) == model(as_if)


@every_way
@given(told=TOLD)
def test_timing_changes_nothing(run: Run, told: list[Told]) -> None:
    user = User(told)
    seconds: list[float] = []

    def tell(_record: object, took: float) -> None:
        seconds.append(took)
        raise OSError("the metrics are down")

    batch = run(event_of(told), user, timed(tell), settle=user.settle)
    assert kinds_of(batch) == model(told)
    assert len(seconds) == len(user.handled)


class Countdown(LambdaContext):
    """A context whose time runs out after it was asked so many times."""

    def __init__(self, asked: int) -> None:
        super().__init__()
        object.__setattr__(self, "asked", iter([60_000] * asked))

    def get_remaining_time_in_millis(self) -> int:
        return next(self.asked, 0)  # type: ignore[attr-defined]  # set past the frozen dataclass


@every_way
@given(size=st.integers(1, 8), started=st.integers(1, 9))
def test_with_the_reserve_reached_after_k_records_exactly_the_first_k_were_started(
    run: Run, size: int, started: int
) -> None:
    told = [Told(str(position), "done", "leaves", None, observer_raises=False) for position in range(size)]
    user = User(told)
    # the first record is started without asking
    batch = run(event_of(told), user, unchanged, context=Countdown(started - 1), reserve_ms=1_000)
    assert sorted(user.handled) == list(range(min(size, started)))
    assert len(batch.unprocessed) == max(0, size - started)


@pytest.mark.parametrize("run", [sequentially, in_threads])
def test_what_is_no_record_s_business_fails_the_invocation(run: Run) -> None:
    told = [Told("A", "rejected", "leaves", None, observer_raises=False)]

    def settle(_failed: object) -> Result[None, None]:
        raise SystemExit

    with pytest.raises(SystemExit):
        run(event_of(told), User(told), unchanged, settle=dead_letter(settle, when=lambda _failed: True))
