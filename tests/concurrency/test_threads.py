"""Lanes side by side in threads: whatever the interleaving, the batch is that of the sequential fold."""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextvars import ContextVar
from types import FrameType
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Result, Success
from tests.concurrency.baton import BatonExecutor
from tests.concurrency.stage import Stage, assert_cut_short, told
from tests.scenes import RejectionError, Scene, act, kinds_of, scenes

from batchfold import Batch, Failed, as_lambda_handler, fold_batch, in_chunks, process_batch, sqs
from batchfold.core import fold
from batchfold.core.progress import Progress
from batchfold.testing import LambdaContext, SqsMessage, sqs_event

MOST_RECORDS = 8
ATTEMPT = fold.__file__

picks = st.lists(st.integers(0, 7), min_size=1, max_size=40)
pauses = st.lists(st.integers(0, 2), min_size=MOST_RECORDS, max_size=MOST_RECORDS)
small_scenes = scenes(max_size=MOST_RECORDS)


def baton_for(stage: Stage, threads: int, order: list[int]) -> BatonExecutor:
    raws, _ = stage.source.read(stage.event)
    return BatonExecutor(threads, min(threads, len(raws)), order)


@given(small_scenes, pauses, st.integers(1, 4), picks)
def test_every_interleaving_ends_in_the_batch_of_the_sequential_fold(
    scene: Scene, waits: list[int], threads: int, order: list[int]
) -> None:
    stage = Stage(scene)
    observed: list[str] = []
    with baton_for(stage, threads, order) as executor:

        def handle(record: Any) -> Any:
            position = stage.enter(record)
            try:
                for _ in range(waits[position]):
                    executor.pause()
                return act(record)
            finally:
                stage.leave(position)

        batch = fold_batch(
            stage.event, handle, stage.source, executor=executor, observe=lambda outcome: observed.append(repr(outcome))
        )
        stage.assert_in_order()
    assert told(batch) == told(fold_batch(scene.event, act, scene.source))
    assert stage.most_running <= threads
    assert sorted(observed) == sorted(map(repr, batch.outcomes))


@given(small_scenes, pauses, st.integers(1, 4), picks)
def test_chunks_in_threads_end_in_the_batch_of_the_sequential_fold(
    scene: Scene, waits: list[int], threads: int, order: list[int]
) -> None:
    if scene.lane_name not in {"each_record", "by_message_group", "by_partition_key", "by_item_key", "by_message_key"}:
        return
    stage = Stage(scene)
    with baton_for(stage, threads, order) as executor:

        def handle(records: Sequence[Any]) -> list[Result[str, str | RejectionError]]:
            positions = [stage.enter(record) for record in records]
            for _ in range(waits[positions[0]]):
                executor.pause()
            for position in positions:
                stage.leave(position)
            return [Failure("rejected") if act_fails(record) else act(record) for record in records]

        batch = fold_batch(stage.event, in_chunks(handle, size=3), stage.source, executor=executor)
    assert kinds_of(batch) == kinds_of(fold_batch(scene.event, act, scene.source))


def act_fails(record: Any) -> bool:
    """In a chunk, what raises would fail the others too."""
    try:
        act(record)
    except Exception:  # noqa: BLE001  # whatever it is
        return True
    return False


@given(small_scenes, pauses, st.integers(1, 4), picks, st.integers(0, MOST_RECORDS - 1))
def test_an_exit_is_raised_as_it_is_once_every_handler_has_ended(
    scene: Scene, waits: list[int], threads: int, order: list[int], exiting: int
) -> None:
    stage = Stage(scene)
    exits: list[SystemExit] = []
    late: list[Any] = []
    with baton_for(stage, threads, order) as executor:

        def handle(record: Any) -> Any:
            late.extend([record] * len(exits))
            position = stage.enter(record)
            for _ in range(waits[position]):
                executor.pause()
            stage.leave(position)
            if position == exiting:
                exits.append(SystemExit(3))
                raise exits[0]
            return act(record)

        raised: list[BaseException] = []
        try:
            fold_batch(stage.event, handle, stage.source, executor=executor)
        except SystemExit as error:
            raised.append(error)
        assert raised == exits
        assert not late
        stage.assert_in_order()


class CountedContext(LambdaContext):
    """A Lambda context whose time runs out after it has been asked so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def get_remaining_time_in_millis(self) -> int:
        self.times -= 1
        return 5_000 if self.times > 0 else 500


@given(small_scenes, pauses, st.integers(1, 4), picks, st.integers(0, 9))
def test_at_the_reserve_nothing_is_started_and_what_runs_is_finished(
    scene: Scene, waits: list[int], threads: int, order: list[int], times: int
) -> None:
    stage = Stage(scene)
    context = CountedContext(times)
    with baton_for(stage, threads, order) as executor:

        def handle(record: Any) -> Any:
            assert context.times > 0 or not stage.started
            position = stage.enter(record)
            for _ in range(waits[position]):
                executor.pause()
            stage.leave(position)
            return act(record)

        batch = fold_batch(stage.event, handle, stage.source, executor=executor, context=context, reserve_ms=1_000)
    assert_cut_short(stage, scene, batch)


@pytest.fixture
def hasty_switching() -> Iterator[None]:
    """Threads take turns after every few bytecodes."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hasty_switching")
@given(scenes(max_size=40))
def test_free_running_threads_end_in_the_batch_of_the_sequential_fold(pool: ThreadPoolExecutor, scene: Scene) -> None:
    observed: list[str] = []
    batch = fold_batch(
        scene.event, act, scene.source, executor=pool, observe=lambda outcome: observed.append(repr(outcome))
    )
    assert told(batch) == told(fold_batch(scene.event, act, scene.source))
    assert sorted(observed) == sorted(map(repr, batch.outcomes))


@pytest.fixture
def traced() -> Iterator[None]:
    """The test sets a trace function for new threads; here it is taken back."""
    before = threading.gettrace()
    yield
    threading.settrace(before or cast("Any", None))  # typeshed knows no None, which means none


@pytest.mark.usefixtures("traced")
@given(picks)
def test_no_record_is_told_what_another_ones_handler_returned(order: list[int]) -> None:
    """Threads may be switched at every line of an attempt, for all of them run the same one."""
    bodies = tuple("abcdef")
    observed: dict[str, str] = {}

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        if frame.f_code.co_filename != ATTEMPT:
            return None
        if event == "line":
            executor.pause()
        return trace

    threading.settrace(trace)
    with BatonExecutor(3, 3, order) as executor:
        batch = fold_batch(
            messages(*bodies),
            lambda record: Success(record.body),
            sqs(),
            executor=executor,
            observe=lambda outcome: observed.update({outcome.record.body: cast("Any", outcome).value}),
        )
    assert tuple(succeeded.value for succeeded in batch.succeeded) == bodies
    assert observed == {body: body for body in bodies}


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


# --- side by side indeed


def test_as_many_handlers_run_at_once_as_there_are_threads(pool: ThreadPoolExecutor) -> None:
    all_here = threading.Barrier(4, timeout=10)

    def handle(record: Any) -> Any:
        all_here.wait()
        return Success(record.body)

    batch = fold_batch(messages(*"abcd"), handle, sqs(), executor=pool)
    assert kinds_of(batch) == ("Succeeded",) * 4


def test_a_lane_released_by_a_thread_goes_on_in_it_while_others_are_busy(pool: ThreadPoolExecutor) -> None:
    """No thread may be needed that has gone."""
    scene = Scene("standard", "by_message_group", tuple("ABCDABCDABCD"), ("succeeds",) * 12)
    batch = fold_batch(scene.event, act, scene.source, executor=pool)
    assert kinds_of(batch) == ("Succeeded",) * 12


# --- context variables

VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="unset")


def test_handlers_and_observers_see_the_callers_context_variables_and_not_each_others() -> None:
    seen: list[str] = []
    observed: list[str] = []

    def handle(record: Any) -> Any:
        seen.append(VARIABLE.get())
        VARIABLE.set(record.body)
        return Success(VARIABLE.get())

    token = VARIABLE.set("caller")
    try:
        with ThreadPoolExecutor(1) as executor:
            fold_batch(
                messages(*"abc"),
                handle,
                sqs(),
                executor=executor,
                observe=lambda _outcome: observed.append(VARIABLE.get()),
            )
        assert VARIABLE.get() == "caller"
    finally:
        VARIABLE.reset(token)
    assert seen == ["caller"] * 3
    assert observed == ["a", "b", "c"]


def test_context_variables_of_a_pool_s_initializer_are_kept() -> None:
    seen: list[str] = []

    def handle(_record: Any) -> Any:
        seen.append(VARIABLE.get())
        VARIABLE.set("another record's")
        return Success(None)

    with ThreadPoolExecutor(1, initializer=VARIABLE.set, initargs=("thread's",)) as executor:
        fold_batch(messages(*"ab"), handle, sqs(), executor=executor)
    assert seen == ["thread's"] * 2


# --- executors that are busy, shut down, broken, or none


def test_a_run_does_not_wait_for_the_work_of_others_behind_which_its_own_is_queued() -> None:
    """One thread, so that the second run's work stands behind what blocks it until the run is over."""
    released = threading.Event()

    def handle(record: Any) -> Any:
        if record.body == "a":
            executor.submit(released.wait, 10)
            executor.submit(released.wait, 10)
        return Success(record.body)

    with ThreadPoolExecutor(2) as executor:
        holding = threading.Event()
        executor.submit(holding.wait, 10)  # one of both threads is somebody else's
        try:
            batch = fold_batch(messages("a", "b"), handle, sqs(), executor=executor)
            assert kinds_of(batch) == ("Succeeded", "Succeeded")
            assert not released.is_set()
        finally:
            holding.set()
            released.set()


def test_an_executor_that_was_shut_down_fails_the_invocation_before_any_record_is_handled() -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    started: list[Any] = []
    with pytest.raises(RuntimeError) as raised:
        fold_batch(messages("a"), noting(started), sqs(), executor=executor)
    assert "shut down" in str(raised.value)
    assert not started


def test_an_empty_batch_needs_no_thread() -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    assert fold_batch({"Records": []}, act, sqs(), executor=executor).outcomes == ()


def test_an_executor_shut_down_while_a_batch_runs_finishes_what_it_has_begun() -> None:
    executor = ThreadPoolExecutor(1)

    def handle(record: Any) -> Any:
        executor.shutdown(wait=False, cancel_futures=True)
        return Success(record.body)

    batch = fold_batch(messages("a", "b", "c"), handle, sqs(), executor=executor)
    assert kinds_of(batch) == ("Succeeded",) * 3
    executor.shutdown()


def test_an_executor_shut_down_before_it_began_fails_the_invocation_and_never_begins() -> None:
    executor = ThreadPoolExecutor(1)
    began, goes_on = threading.Event(), threading.Event()

    def hold() -> None:
        began.set()
        goes_on.wait(10)

    executor.submit(hold)
    assert began.wait(10)
    started: list[Any] = []
    closing = threading.Timer(0.05, executor.shutdown, kwargs={"wait": False, "cancel_futures": True})
    closing.start()
    try:
        with pytest.raises(RuntimeError, match="shut down before"):
            fold_batch(messages("a", "b"), noting(started), sqs(), executor=executor)
    finally:
        goes_on.set()
        closing.join()
        executor.shutdown()
    assert not started


def test_an_executor_whose_threads_cannot_begin_fails_the_invocation_with_its_own_error() -> None:
    def fail() -> None:
        raise OSError

    with ThreadPoolExecutor(1, initializer=fail) as executor, pytest.raises(RuntimeError, match="initializer"):
        fold_batch(messages("a", "b"), act, sqs(), executor=executor)


class RefusingExecutor(Executor):
    """Accepts so much work, runs it later, and has no more threads."""

    def __init__(self, accepts: int) -> None:
        self.accepts = accepts
        self.queued: list[Any] = []
        self.threads: list[threading.Thread] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def work() -> None:
            if future.set_running_or_notify_cancel():
                future.set_result(fn(*args, **kwargs))

        if len(self.threads) == self.accepts:
            self.queued.append(fn)  # as the standard library's does before it asks the system for a thread
            raise RuntimeError("can't start new thread")
        self.threads.append(threading.Thread(target=work))
        self.threads[-1].start()
        return future


def test_one_thread_is_enough_where_the_system_gives_no_more() -> None:
    executor = RefusingExecutor(1)
    batch = fold_batch(messages("a", "b", "c"), lambda record: Success(record.body), sqs(), executor=executor)
    assert kinds_of(batch) == ("Succeeded",) * 3


def test_work_that_was_queued_though_refused_starts_nothing_later() -> None:
    executor = RefusingExecutor(0)
    started: list[Any] = []
    with pytest.raises(RuntimeError) as raised:
        fold_batch(messages("a", "b", "c"), noting(started), sqs(), executor=executor)
    assert "can't start new thread" in str(raised.value.__cause__)
    for work in executor.queued:
        work()
    assert not started


class InlineExecutor(Executor):
    """Runs everything at once, where it is."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_any_executor_in_this_interpreter_will_do() -> None:
    batch = fold_batch(messages("a", "b"), lambda record: Success(record.body), sqs(), executor=InlineExecutor())
    assert kinds_of(batch) == ("Succeeded",) * 2


def test_process_pools_are_refused_with_the_reason() -> None:
    with ProcessPoolExecutor(1) as executor:
        for refused in (
            lambda: fold_batch(messages("a"), act, sqs(), executor=executor),
            lambda: as_lambda_handler(act, sqs(), executor=executor),
        ):
            with pytest.raises(TypeError, match="Lambda has no /dev/shm"):
                refused()


def test_a_number_of_threads_is_no_executor() -> None:
    eight: Any = 8
    with pytest.raises(TypeError, match="expected a ThreadPoolExecutor, got a int"):
        fold_batch(messages("a"), act, sqs(), executor=eight)


# --- interruptions


def test_ctrl_c_waits_for_the_handlers_that_run_and_starts_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    ended: list[str] = []
    interrupted = threading.Event()
    close: Any = vars(Progress)["close"]

    def close_and_tell(progress: Any) -> None:
        close(progress)
        interrupted.set()

    monkeypatch.setattr(Progress, "close", close_and_tell)

    def handle(record: Any) -> Any:
        started.append(record.body)
        interrupt_main()
        assert interrupted.wait(10)
        ended.append(record.body)
        return Success(record.body)

    with ThreadPoolExecutor(1) as executor, pytest.raises(KeyboardInterrupt):
        fold_batch(messages("a", "b", "c"), handle, sqs(), executor=executor)
    assert started == ended == ["a"]


def interrupt_main() -> None:
    """Ctrl-C, as the signal that it is: a simulated one would not wake the main thread."""
    import signal  # noqa: PLC0415  # needed here alone

    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


# --- handlers of the other kind


def test_an_async_handler_is_refused_in_threads() -> None:
    async def handle(record: Any) -> Any:
        return Success(record.body)

    untyped: Any = handle
    with ThreadPoolExecutor(1) as executor:
        batch: Batch[Any, Any] = fold_batch(messages("a"), untyped, sqs(), executor=executor)
        (failed,) = batch.outcomes
        assert isinstance(failed, Failed)
        assert "async handlers go to process_batch_async" in str(failed.fault.error)
        with pytest.raises(TypeError, match="the handler is async"):
            as_lambda_handler(untyped, sqs(), executor=executor)


def test_settle_runs_in_the_thread_of_its_record(pool: ThreadPoolExecutor) -> None:
    threads: dict[str, set[int]] = {"a": set(), "b": set()}

    def reject(record: Any) -> Any:
        threads[record.body].add(threading.get_ident())
        return Failure("no")

    def settle(failed: Failed[Any, Any]) -> Any:
        threads[failed.record.body].add(threading.get_ident())
        return Success(None)

    response = process_batch(messages("a", "b"), reject, sqs(), executor=pool, settle=settle)
    assert response == {"batchItemFailures": []}
    assert [len(idents) for idents in threads.values()] == [1, 1]


def noting(started: list[Any]) -> Callable[[Any], Result[None, str]]:
    """A handler that notes what it was started with."""

    def handle(record: Any) -> Result[None, str]:
        started.append(record)
        return Success(None)

    return handle


def messages(*bodies: str) -> dict[str, Any]:
    return sqs_event(*(SqsMessage(body=body) for body in bodies))
