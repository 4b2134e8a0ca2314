"""Lanes side by side on an event loop: whatever the interleaving, the batch is that of the sequential fold."""

import asyncio
import sys
from collections.abc import Hashable
from contextvars import ContextVar
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Success
from tests.concurrency.stage import Stage, assert_cut_short, told
from tests.concurrency.virtual_time import now, run
from tests.scenes import Scene, act, kinds_of, scenes

from batchfold import Batch, Crashed, Failed, Succeeded, Unprocessed, fold_batch, fold_batch_async, sqs
from batchfold.testing import SqsMessage, sqs_event

MOST_RECORDS = 8
Delays = list[list[int]]

delays = st.lists(st.lists(st.integers(0, 3), max_size=3), min_size=MOST_RECORDS, max_size=MOST_RECORDS)
small_scenes = scenes(max_size=MOST_RECORDS)


@dataclass
class Performance:
    """A scene's handler as an async one: it waits as often and as long as it was told, then does its part."""

    stage: Stage
    delays: Delays

    async def __call__(self, record: Any) -> Any:
        position = self.stage.enter(record)
        try:
            for delay in self.delays[position]:
                await asyncio.sleep(delay)
            return act(record)
        finally:
            self.stage.leave(position)


@given(small_scenes, delays, st.integers(1, 4))
def test_every_interleaving_ends_in_the_batch_of_the_sequential_fold(
    scene: Scene, waits: Delays, max_concurrency: int
) -> None:
    stage = Stage(scene)
    observed: list[str] = []
    batch = run(
        fold_batch_async(
            stage.event,
            Performance(stage, waits),
            stage.source,
            max_concurrency=max_concurrency,
            observe=lambda outcome: observed.append(repr(outcome)),
        )
    )
    assert told(batch) == told(fold_batch(scene.event, act, scene.source))
    assert stage.most_running <= max_concurrency
    stage.assert_in_order()
    assert sorted(observed) == sorted(map(repr, batch.outcomes))


@given(small_scenes, delays)
def test_with_room_for_all_lanes_a_batch_takes_as_long_as_its_longest_lane(scene: Scene, waits: Delays) -> None:
    stage = Stage(scene)

    async def main() -> float:
        await fold_batch_async(stage.event, Performance(stage, waits), stage.source, max_concurrency=MOST_RECORDS)
        return now()

    took = run(main())
    of_lane: dict[Hashable, int] = {}
    for position in stage.started:
        lane = scene.lanes[position]
        key = ("alone", position) if lane is None else ("lane", lane)
        of_lane[key] = of_lane.get(key, 0) + sum(waits[position])
    assert took == max(of_lane.values(), default=0)


# --- cancellation from outside


@dataclass
class Stubborn(Performance):
    """The same, except that some records do not end when they are cancelled: they finish in their own time."""

    resists: list[bool]

    async def __call__(self, record: Any) -> Any:
        position = self.stage.position_of(record)
        try:
            return await super().__call__(record)
        except asyncio.CancelledError:
            if not self.resists[position]:
                raise
        self.stage.running.add(position)
        await asyncio.sleep(1)
        self.stage.leave(position)
        return act(record)


resisting = st.lists(st.booleans(), min_size=MOST_RECORDS, max_size=MOST_RECORDS)


moments = st.tuples(st.integers(0, 6), st.integers(0, 12))  # a time, and how many iterations of the loop later


@given(small_scenes, delays, resisting, st.integers(1, 4), moments)
def test_a_cancellation_from_outside_leaves_no_task_behind_and_starts_nothing(
    scene: Scene, waits: Delays, resists: list[bool], max_concurrency: int, moment: tuple[int, int]
) -> None:
    stage = Stage(scene)
    settled: list[Any] = []

    async def settle(failed: Failed[Any, Any]) -> Any:
        settled.append(failed)
        await asyncio.sleep(1)
        return Success(None)

    async def main() -> None:
        handler = Stubborn(stage, waits, resists)
        folding = asyncio.ensure_future(
            fold_batch_async(stage.event, handler, stage.source, max_concurrency=max_concurrency, settle=settle)
        )
        time, iterations = moment
        await asyncio.sleep(time)
        for _ in range(iterations):
            await asyncio.sleep(0)
        cancelled = folding.cancel()
        started, offered = len(stage.started), len(settled)
        await asyncio.wait([folding])
        assert folding.cancelled() == cancelled
        if cancelled:
            assert len(stage.started) == started
            assert len(settled) == offered
        assert asyncio.all_tasks() == {asyncio.current_task()}
        stage.assert_in_order()

    run(main())


def test_cancelling_every_task_at_once_as_asyncio_run_does_starts_and_settles_nothing() -> None:
    offered: list[Any] = []
    started: list[str] = []

    async def forever(record: Any) -> Any:
        started.append(record.body)
        await asyncio.sleep(1_000)

    def settle(failed: Any) -> Any:
        offered.append(failed)
        return Success(None)

    async def main() -> None:
        folding = asyncio.ensure_future(
            fold_batch_async(messages("a", "b", "c"), forever, sqs(), max_concurrency=2, settle=settle)
        )
        await asyncio.sleep(1)
        for task in asyncio.all_tasks() - {folding, asyncio.current_task()}:
            task.cancel()  # before the fold itself, so they wake first
        folding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await folding

    run(main())
    assert started == ["a", "b"]
    assert not offered


def test_a_timeout_around_the_fold_is_a_timeout() -> None:
    async def forever(_record: Any) -> Any:
        await asyncio.sleep(1_000)

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await fold_batch_async(messages("a"), forever, sqs())
        assert now() == 3

    run(main())


def test_a_fold_runs_in_the_cleaning_up_after_a_cancellation() -> None:
    """The task was cancelled before, and is still counted as such."""

    async def one(_record: Any) -> Any:
        await asyncio.sleep(1)
        raise asyncio.CancelledError

    async def main() -> Batch[Any, Any]:
        try:
            await asyncio.sleep(1_000)
        except asyncio.CancelledError:
            return await fold_batch_async(messages("a"), one, sqs())
        raise AssertionError

    async def cancelling() -> Batch[Any, Any]:
        task = asyncio.ensure_future(main())
        await asyncio.sleep(1)
        task.cancel()
        return await task

    assert kinds_of(run(cancelling())) == ("Failed",)


# --- cancellation by a handler


async def raises_cancelled(_record: Any) -> Any:
    raise asyncio.CancelledError


async def cancels_itself(_record: Any) -> Any:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(1)


async def awaits_what_is_cancelled(_record: Any) -> Any:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


def raises_cancelled_at_once(_record: Any) -> Any:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    "cancels", [raises_cancelled, cancels_itself, awaits_what_is_cancelled, raises_cancelled_at_once]
)
def test_a_cancellation_that_a_handler_makes_for_itself_is_the_fault_of_its_record(cancels: Any) -> None:
    async def handle(record: Any) -> Any:
        await asyncio.sleep(1)
        return await cancels(record) if record.body == "bad" else Success(record.body)

    batch = run(fold_batch_async(messages("bad", "good"), handler_of(handle, cancels), sqs()))
    failed, succeeded = batch.outcomes
    assert isinstance(failed, Failed)
    assert isinstance(failed.fault, Crashed)
    assert "nobody had cancelled" in str(failed.fault.error)
    assert isinstance(succeeded, Succeeded)


def handler_of(handle: Any, cancels: Any) -> Any:
    """What raises at once is called at once."""

    def hand_on(record: Any) -> Any:
        return cancels(record) if record.body == "bad" else handle(record)

    return handle if iscoroutinefunction(cancels) else hand_on


def test_a_handler_that_cancels_itself_and_succeeds_has_succeeded() -> None:
    async def handle(record: Any) -> Any:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return Success(record.body)

    batch = run(fold_batch_async(messages("a", "b"), handle, sqs(), max_concurrency=1))
    assert kinds_of(batch) == ("Succeeded", "Succeeded")


def test_settle_is_not_cancelled_by_what_cancelled_the_handler() -> None:
    async def settle(_failed: Any) -> Any:
        await asyncio.sleep(1)
        async with asyncio.timeout(10):
            await asyncio.sleep(1)
        return Success(None)

    batch = run(fold_batch_async(messages("a"), cancels_itself, sqs(), settle=settle))
    assert kinds_of(batch) == ("Settled",)


@pytest.mark.parametrize("raises", [raises_cancelled, raises_cancelled_at_once, cancels_itself])
def test_a_settle_that_cancels_itself_leaves_the_record_failed_with_both_causes(raises: Any) -> None:
    async def reject(_record: Any) -> Any:
        return Failure("no")

    (failed,) = run(fold_batch_async(messages("a"), reject, sqs(), settle=raises)).outcomes
    assert isinstance(failed, Failed)
    assert isinstance(failed.settle_error, RuntimeError)


def test_a_handler_that_cancels_all_tasks_cancels_the_fold() -> None:
    async def cancel_all(_record: Any) -> Any:
        for task in asyncio.all_tasks():
            task.cancel()
        await asyncio.sleep(1)

    with pytest.raises(asyncio.CancelledError):
        run(fold_batch_async(messages("a", "b"), cancel_all, sqs()))


def test_a_task_that_a_stranger_cancels_before_it_begins_leaves_its_record_unprocessed() -> None:
    """Nothing of it has run by then; still the fold must hear that it has ended, or wait for ever."""
    handled: list[str] = []
    parent: asyncio.Task[Any] | None = None

    async def handle(record: Any) -> Any:
        handled.append(record.body)
        if record.body == "m1":
            (second,) = asyncio.all_tasks() - {asyncio.current_task(), parent}
            second.cancel()
        await asyncio.sleep(1)
        return Success(None)

    async def main() -> Batch[Any, Any]:
        nonlocal parent
        parent = asyncio.current_task()
        return await fold_batch_async(sqs_event("m1", "m2", "m3"), handle, sqs(), max_concurrency=2)

    batch = run(main())
    assert handled == ["m1", "m3"]
    assert kinds_of(batch) == ("Succeeded", "Unprocessed", "Succeeded")


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_task_factory_that_fails_fails_the_invocation_once_every_handler_has_ended(fails_at: int) -> None:
    ended: list[str] = []
    made: list[asyncio.Task[Any]] = []

    async def handle(record: Any) -> Any:
        try:
            await asyncio.sleep(1)
        finally:
            ended.append(record.body)
        return Success(None)

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        if len(made) == fails_at:
            raise OSError("no task")
        made.append(asyncio.Task(coroutine, loop=loop, **options))
        return made[-1]

    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(factory)
        with pytest.raises(OSError, match="no task"):
            await fold_batch_async(messages("a", "b", "c", "d"), handle, sqs(), max_concurrency=1)
        asyncio.get_running_loop().set_task_factory(None)
        assert all(task.done() for task in made)

    run(main())
    assert ended == ["a", "b"][:fails_at]


# --- what is no record's business


@pytest.mark.parametrize("exit_", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), BaseException("other")])
@given(small_scenes, delays, resisting, st.data())
def test_an_exit_is_raised_as_it_is_once_every_handler_has_ended(
    exit_: BaseException, scene: Scene, waits: Delays, resists: list[bool], data: st.DataObject
) -> None:
    stage = Stage(scene)
    handler = Stubborn(stage, waits, resists)
    exiting = data.draw(st.integers(0, MOST_RECORDS - 1), "exiting")
    max_concurrency = data.draw(st.integers(1, 4), "max_concurrency")
    exited: list[int] = []
    late: list[Any] = []

    async def handle(record: Any) -> Any:
        late.extend([record] * len(exited))
        returned = await handler(record)
        if stage.position_of(record) == exiting:
            exited.append(exiting)
            raise exit_
        return returned

    async def main() -> None:
        raised: list[BaseException] = []
        try:
            await fold_batch_async(stage.event, handle, stage.source, max_concurrency=max_concurrency)
        except BaseException as error:  # noqa: BLE001  # looked at below
            raised.append(error)
        assert raised == [exit_] * len(exited)
        assert not late
        assert asyncio.all_tasks() == {asyncio.current_task()}
        stage.assert_in_order()

    run(main())


def test_an_exit_of_the_observer_ends_the_run_and_an_error_changes_nothing() -> None:
    """Nobody has cancelled the run where the observer itself raises a `CancelledError`: that is an error too."""

    async def handle(record: Any) -> Any:
        return Success(record.body)

    def exits(_outcome: Any) -> None:
        raise SystemExit

    def is_cancelled(_outcome: Any) -> None:
        raise asyncio.CancelledError

    def errs(_outcome: Any) -> None:
        raise ValueError

    with pytest.raises(SystemExit):
        run(fold_batch_async(messages("a", "b"), handle, sqs(), observe=exits))
    for observer in (errs, is_cancelled):
        assert kinds_of(run(fold_batch_async(messages("a"), handle, sqs(), observe=observer))) == ("Succeeded",)


# --- time


class VirtualContext:
    """A Lambda context on the virtual clock."""

    aws_request_id = "virtual"

    def __init__(self, timeout: int) -> None:
        self.timeout = timeout

    def get_remaining_time_in_millis(self) -> int:
        return int((self.timeout - now()) * 1_000)


class BrokenContext(VirtualContext):
    """A Lambda context whose clock fails the second time."""

    asked = 0

    def get_remaining_time_in_millis(self) -> int:
        self.asked += 1
        if self.asked > 1:
            raise OSError("no clock")
        return 10_000


@given(small_scenes, delays, st.integers(1, 4), st.integers(0, 9))
def test_at_the_reserve_nothing_is_started_and_what_runs_is_finished(
    scene: Scene, waits: Delays, max_concurrency: int, timeout: int
) -> None:
    stage = Stage(scene)
    handler = Performance(stage, waits)
    started_at: list[float] = []

    async def handle(record: Any) -> Any:
        started_at.append(now())
        return await handler(record)

    batch = run(
        fold_batch_async(
            stage.event,
            handle,
            stage.source,
            max_concurrency=max_concurrency,
            context=VirtualContext(timeout),
            reserve_ms=1_000,
        )
    )
    assert all(at < timeout - 1 for at in started_at[1:])
    assert_cut_short(stage, scene, batch)


@given(small_scenes, delays, st.integers(1, 4), st.integers(2, 9))
def test_cancelling_at_the_reserve_ends_the_run_there(
    scene: Scene, waits: Delays, max_concurrency: int, timeout: int
) -> None:
    stage = Stage(scene)

    async def main() -> tuple[Batch[Any, Any], float]:
        batch = await fold_batch_async(
            stage.event,
            Performance(stage, waits),
            stage.source,
            max_concurrency=max_concurrency,
            context=VirtualContext(timeout),
            reserve_ms=1_000,
            cancel_at_reserve=True,
        )
        ended = now()
        await asyncio.sleep(20)  # what was left on the loop would show now
        return batch, ended

    batch, ended = run(main())
    assert ended <= timeout - 1
    stage.assert_in_order()
    sequential = told(fold_batch(scene.event, act, scene.source))
    for position, outcome in enumerate(batch.outcomes):
        was_cancelled = (
            isinstance(outcome, Failed)
            and isinstance(outcome.fault, Crashed)
            and isinstance(outcome.fault.error, TimeoutError)
        )
        if was_cancelled:
            assert ended == timeout - 1
            assert position in stage.started
        elif not isinstance(outcome, Unprocessed):
            assert told(batch)[position] == sequential[position]


def test_where_only_the_reserve_is_left_to_begin_with_the_first_record_is_handled_to_its_end() -> None:
    async def handle(record: Any) -> Any:
        await asyncio.sleep(2)
        return Success(record.body)

    folding = fold_batch_async(
        messages("a", "b"), handle, sqs(), context=VirtualContext(1), reserve_ms=1_000, cancel_at_reserve=True
    )
    assert kinds_of(run(folding)) == ("Succeeded", "Unprocessed")


def test_a_cancelled_handler_that_finishes_all_the_same_has_succeeded() -> None:
    async def handle(record: Any) -> Any:
        try:
            await asyncio.sleep(1_000)
        except asyncio.CancelledError:
            return Success(record.body)

    folding = fold_batch_async(
        messages("a", "b"),
        handle,
        sqs(),
        max_concurrency=1,
        context=VirtualContext(5),
        reserve_ms=1_000,
        cancel_at_reserve=True,
    )
    assert kinds_of(run(folding)) == ("Succeeded", "Unprocessed")


def test_a_clock_that_fails_fails_the_invocation_as_it_does_in_the_sequential_fold() -> None:
    async def handle(record: Any) -> Any:
        return Success(record.body)

    with pytest.raises(OSError, match="no clock"):
        fold_batch(messages("a", "b", "c"), Success, sqs(), context=BrokenContext(9), reserve_ms=1_000)
    for cancel_at_reserve in (False, True):
        folding = fold_batch_async(
            messages("a", "b", "c"),
            handle,
            sqs(),
            context=BrokenContext(9),
            reserve_ms=1_000,
            cancel_at_reserve=cancel_at_reserve,
        )
        with pytest.raises(OSError, match="no clock"):
            run(folding)


# --- context variables

VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="unset")


def test_handlers_and_observers_see_the_callers_context_variables_and_not_each_others() -> None:
    seen: list[str] = []
    observed: list[str] = []

    async def handle(record: Any) -> Any:
        seen.append(VARIABLE.get())
        VARIABLE.set(record.body)
        await asyncio.sleep(1)
        return Success(VARIABLE.get())

    async def main() -> Batch[Any, Any]:
        VARIABLE.set("caller")
        batch = await fold_batch_async(
            messages("a", "b", "c", "d"),
            handle,
            sqs(),
            max_concurrency=2,
            observe=lambda _outcome: observed.append(VARIABLE.get()),
        )
        assert VARIABLE.get() == "caller"
        return batch

    batch = run(main())
    assert seen == ["caller"] * 4
    assert [succeeded.value for succeeded in batch.succeeded] == ["a", "b", "c", "d"]
    assert sorted(observed) == ["a", "b", "c", "d"]


# --- what handlers may return


def test_an_awaitable_bound_to_another_loop_is_the_fault_of_its_record() -> None:
    other = asyncio.new_event_loop()
    future: asyncio.Future[Any] = other.create_future()
    other.close()

    async def handle(_record: Any) -> Any:
        return await future

    (failed,) = run(fold_batch_async(messages("a"), handle, sqs())).outcomes
    assert isinstance(failed, Failed)
    assert isinstance(failed.fault.error, RuntimeError)


def test_a_task_is_an_awaitable_like_any_other() -> None:
    async def act_later(record: Any) -> Any:
        await asyncio.sleep(1)
        return Success(record.body)

    batch = run(fold_batch_async(messages("a"), lambda record: asyncio.ensure_future(act_later(record)), sqs()))
    assert kinds_of(batch) == ("Succeeded",)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
@given(small_scenes, delays, st.integers(1, 4))
def test_eager_tasks_end_in_the_same_batch(scene: Scene, waits: Delays, max_concurrency: int) -> None:
    """They run up to their first wait, or to their end, while they are being made."""
    stage = Stage(scene)

    async def main() -> Batch[Any, Any]:
        asyncio.get_running_loop().set_task_factory(getattr(asyncio, "eager_task_factory", None))
        handler = Performance(stage, waits)
        return await fold_batch_async(stage.event, handler, stage.source, max_concurrency=max_concurrency)

    assert told(run(main())) == told(fold_batch(scene.event, act, scene.source))
    stage.assert_in_order()
    assert stage.most_running <= max_concurrency


def test_a_fold_outside_of_any_task_says_what_it_needs() -> None:
    async def handle(record: Any) -> Any:
        return Success(record.body)

    folding = fold_batch_async(messages("a"), handle, sqs())
    with pytest.raises(RuntimeError, match="no running event loop"):
        folding.send(None)


def messages(*bodies: str) -> dict[str, Any]:
    return sqs_event(*(SqsMessage(body=body) for body in bodies))
