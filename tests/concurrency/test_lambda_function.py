"""Lambda functions made of async handlers: `async def`, `@future_safe`, and functions whose annotation says so."""

import asyncio
import functools
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.future import FutureResult, future_safe
from returns.result import Failure, Result, Success, safe
from tests.concurrency.stage import told
from tests.scenes import Scene, act, scenes

from batchfold import (
    BatchProcessingError,
    Crashed,
    Failed,
    Malformed,
    Outcome,
    SqsRecord,
    UnexpectedEventError,
    as_lambda_handler,
    fold_batch,
    fold_batch_async,
    in_chunks,
    only,
    process_batch,
    route,
    sqs,
    timed,
)
from batchfold.core.settling import caused_by, dead_letter
from batchfold.testing import SqsMessage, sqs_event

UNTYPED: Any = as_lambda_handler  # for handlers of which a checker knows nothing

DONE: dict[str, list[Any]] = {"batchItemFailures": []}


async def succeed(record: Any) -> Result[str, str]:
    await asyncio.sleep(0)
    return Success(record.body)


def succeed_at_once(record: Any) -> Result[str, str]:
    return Success(record.body)


def annotated(handler: Callable[[Any], Any]) -> Callable[[Any], Awaitable[Any]]:
    """The same async handler, of which only the annotation says that it is async."""

    def handle(record: Any) -> Awaitable[Any]:
        return handler(record)  # type: ignore[no-any-return]  # an async handler

    return handle


def unannotated(handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same async handler, of which nothing says that it is async."""
    return lambda record: handler(record)  # noqa: PLW0108  # the lambda says nothing, and that is the point


def as_it_is(handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The handler as it is."""
    return handler


both_looks = pytest.mark.parametrize("look", [as_it_is, annotated])


# --- the same batch, however the handler looks


@both_looks
@given(scenes(max_size=8))
def test_an_async_handler_ends_in_the_batch_of_the_sequential_fold(look: Any, scene: Scene) -> None:
    outcomes: dict[str, Outcome[Any, Any]] = {}

    async def handle(record: Any) -> Any:
        await asyncio.sleep(0)
        return act(record)

    def keep(outcome: Outcome[Any, Any]) -> None:
        outcomes[str(outcome.item_id)] = outcome

    function = UNTYPED(
        look(handle),
        scene.source,
        raise_on="never",
        observe=keep,
    )
    sequential = fold_batch(scene.event, act, scene.source)
    for _ in range(2):
        outcomes.clear()
        response = function(scene.event, None)
        assert response == sequential.response
        observed = [outcomes[str(outcome.item_id)] for outcome in sequential.outcomes]
        assert [type(outcome) for outcome in observed] == [type(outcome) for outcome in sequential.outcomes]


@given(st.lists(st.sampled_from(["succeeds", "rejected", "raises", "malformed"]), max_size=6))
def test_a_synchronous_handler_ends_in_the_batch_of_the_sequential_fold(parts: Any) -> None:
    scene = Scene("fifo", "by_message_group", tuple("ABCABC"[: len(parts)]), tuple(parts))
    function = as_lambda_handler(act, scene.source, raise_on="never")
    expected = fold_batch(scene.event, act, scene.source).response
    assert [function(scene.event, None) for _ in range(2)] == [expected, expected]


def test_a_future_result_is_awaited_from_its_first_record_on() -> None:
    @future_safe
    async def handle(record: SqsRecord[str]) -> int:
        await asyncio.sleep(0)
        return len(record.body)

    function = as_lambda_handler(handle, sqs())
    assert function(messages("a", "bb"), None) == DONE
    assert function(messages("a", "bb"), None) == DONE


def test_an_async_settle_is_awaited_of_a_record_that_never_reached_the_handler() -> None:
    sent: list[str] = []

    async def send(failed: Failed[Any, Any]) -> Any:
        await asyncio.sleep(0)
        sent.append(failed.record.body)
        return Success(None)

    settle: Any = dead_letter(send, when=caused_by(Malformed))
    function = as_lambda_handler(succeed, sqs(list[int]), settle=settle)
    assert function(messages("not json", "nor this", "[1]"), None) == DONE
    assert sent == ["not json", "nor this"]


def test_an_async_settle_that_fails_leaves_the_record_failed_with_both_causes() -> None:
    async def send(_failed: Failed[Any, Any]) -> Any:
        await asyncio.sleep(0)
        raise OSError

    function = as_lambda_handler(succeed, sqs(list[int]), settle=send, raise_on="any_failure")
    with pytest.raises(BatchProcessingError) as raised:
        function(messages("not json"), None)
    (failed,) = raised.value.batch.failed
    assert isinstance(failed.fault, Malformed)
    assert isinstance(failed.settle_error, OSError)


@both_looks
def test_what_a_handler_raises_has_no_context_of_ours(look: Any) -> None:
    async def handle(_record: Any) -> Any:
        raise OSError

    with pytest.raises(BatchProcessingError) as raised:
        as_lambda_handler(look(handle), sqs())(messages("a", "b"), None)
    errors = [failed.fault.error for failed in raised.value.batch.failed]
    assert [error.__context__ for error in errors if isinstance(error, OSError)] == [None, None]


# --- nothing is found out by calling


async def act_later(record: Any) -> Any:
    await asyncio.sleep(0)
    return act(record)


def act_in_future(record: Any) -> FutureResult[Any, Any]:
    return FutureResult(act_later(record))


@future_safe
async def act_safely(record: Any) -> None:
    await asyncio.sleep(0)
    if record.body != "succeeds":
        raise ValueError


every_async = pytest.mark.parametrize("handler", [act_later, act_in_future, act_safely])


@every_async
def test_an_awaitable_of_a_handler_that_nothing_says_to_be_async_comes_back_and_is_not_left_unawaited(
    handler: Any,
) -> None:
    """A coroutine that was never awaited would warn, and the tests make errors of warnings."""
    function = as_lambda_handler(unannotated(handler), sqs(), raise_on="any_failure")
    with pytest.raises(BatchProcessingError) as raised:
        function(messages("succeeds", "succeeds"), None)
    gc.collect()
    for failed in raised.value.batch.failed:
        assert isinstance(failed.fault, Crashed)
        assert "give max_concurrency= to as_lambda_handler" in str(failed.fault.error)


@every_async
def test_whoever_gives_a_limit_to_concurrency_says_that_the_handler_is_async(handler: Any) -> None:
    function = as_lambda_handler(unannotated(handler), sqs(), max_concurrency=2, raise_on="never")
    event = messages("succeeds", "raises", "succeeds")
    assert function(event, None)["batchItemFailures"] == [{"itemIdentifier": event["Records"][1]["messageId"]}]


@st.composite
def layered(draw: st.DrawFn) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """A layer, or several, that answer for some records themselves."""

    def is_wanted(record: SqsRecord[str]) -> bool:
        return record.body != "skip"

    async def nothing_to_do(_record: Any) -> Any:
        return Success(None)

    def routed(handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return route(is_wanted, {True: handler, False: nothing_to_do})

    layers: list[Callable[[Any], Any]] = [annotated, routed, timed(lambda _record, _seconds: None), only(is_wanted)]
    chosen = draw(st.lists(st.sampled_from(layers), max_size=3))
    return lambda handler: functools.reduce(lambda inner, layer: layer(inner), chosen, only(is_wanted)(handler))


BODIES = st.lists(st.sampled_from(["skip", "succeeds", "rejected", "raises"]), max_size=5)


@every_async
@given(layer=layered(), invocations=st.lists(BODIES, min_size=1, max_size=4))
def test_an_async_handler_stays_async_under_every_layer(
    handler: Any, layer: Callable[[Any], Callable[[Any], Any]], invocations: list[list[str]]
) -> None:
    function = as_lambda_handler(layer(handler), sqs(), raise_on="never")
    for bodies in invocations:
        event = messages(*bodies)
        expected = [
            {"itemIdentifier": raw["messageId"]}
            for raw, body in zip(event["Records"], bodies, strict=True)
            if body not in {"skip", "succeeds"}
        ]
        assert function(event, None)["batchItemFailures"] == expected


@pytest.mark.parametrize("options", [{"executor": ThreadPoolExecutor(1)}, {}])
def test_an_async_settle_is_refused_at_once_where_nothing_could_await_it(options: dict[str, Any]) -> None:
    async def send(_failed: Failed[Any, Any]) -> Any:
        raise NotImplementedError

    def handle_chunk(_records: Sequence[SqsRecord[str]]) -> list[Result[None, str]]:
        raise AssertionError("nothing is written before the mistake is told")

    untyped: Any = as_lambda_handler
    for handler in (in_chunks(handle_chunk, size=2), succeed_at_once):
        with pytest.raises(TypeError, match="settle= got an async function, and the handler is synchronous"):
            untyped(handler, sqs(), settle=send, **options)
    untyped = process_batch
    with pytest.raises(TypeError, match="settle= got an async function, and the handler is synchronous"):
        untyped(messages("a"), succeed_at_once, sqs(), settle=send, **options)


def test_a_synchronous_handler_with_a_limit_to_concurrency_is_told_where_to_go() -> None:
    untyped: Any = as_lambda_handler
    function = untyped(succeed_at_once, sqs(), max_concurrency=5, raise_on="any_failure")
    with pytest.raises(BatchProcessingError) as raised:
        function(messages("a", "b"), None)
    assert "synchronous handlers go to process_batch" in str(raised.value.batch.failed[0].fault.error)


# --- the loop that is kept


@both_looks
def test_a_client_bound_to_the_loop_works_in_the_next_invocation(look: Any) -> None:
    clients: list[asyncio.Queue[str]] = []
    loops: set[asyncio.AbstractEventLoop] = set()

    async def handle(record: Any) -> Any:
        loops.add(asyncio.get_running_loop())
        if not clients:
            clients.append(asyncio.Queue())
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, None)
        await future
        clients[0].put_nowait(record.body)
        return Success(None)

    function = UNTYPED(look(handle), sqs())
    for body in "abc":
        assert function(messages(body), None) == DONE
    assert clients[0].qsize() == 3
    assert len(loops) == 1


def test_each_thread_has_a_loop_of_its_own_which_is_closed_when_the_thread_has_ended() -> None:
    loops: dict[str, asyncio.AbstractEventLoop] = {}

    async def handle(_record: Any) -> Any:
        loops[threading.current_thread().name] = asyncio.get_running_loop()
        return Success(None)

    function = as_lambda_handler(handle, sqs())

    def invoke_twice() -> None:
        function(messages("a"), None)
        first = loops[threading.current_thread().name]
        function(messages("b"), None)
        assert loops[threading.current_thread().name] is first
        assert not first.is_closed()

    threads = [threading.Thread(target=invoke_twice, name=name) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(loops.values())) == 3
    assert all(loop.is_closed() for loop in loops.values())


def test_threads_that_have_ended_leave_nothing_of_their_loops() -> None:
    kept: list[weakref.ref[asyncio.AbstractEventLoop]] = []
    threads = set(threading.enumerate())

    async def handle(_record: Any) -> Any:
        await asyncio.get_running_loop().run_in_executor(None, int)
        kept.append(weakref.ref(asyncio.get_running_loop()))
        return Success(None)

    function = as_lambda_handler(handle, sqs())
    for _ in range(5):
        with ThreadPoolExecutor(1) as executor:
            executor.submit(function, messages("a"), None).result()
    gc.collect()
    assert len(kept) == 5
    assert not [thread for thread in threading.enumerate() if thread not in threads and is_dummy(thread)]
    assert [ref() for ref in kept] == [None] * 5


def is_dummy(thread: threading.Thread) -> bool:
    """Stands in `threading` for a thread that was asked for after its end, and stays there for good."""
    return type(thread) is not threading.Thread


def test_a_loop_that_was_closed_between_invocations_is_replaced() -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def handle(_record: Any) -> Any:
        loops.append(asyncio.get_running_loop())
        return Success(None)

    function = as_lambda_handler(handle, sqs())
    function(messages("a"), None)
    loops[0].close()
    function(messages("a"), None)
    function(messages("a"), None)
    assert loops[0] is not loops[1]
    assert loops[1] is loops[2]


EXIT = """
import asyncio, threading
from returns.result import Success
from batchfold import as_lambda_handler, sqs
from batchfold.core.settling import caused_by
from batchfold.core.settling import dead_letter
from batchfold.testing import SqsMessage, sqs_event

async def handle(record):
    loop = asyncio.get_running_loop()
    background.add(loop.create_task(asyncio.sleep(1000)))  # a client that lives on the loop
    await loop.run_in_executor(None, int)
    async for _ in numbers():
        break
    return Success(None)

async def numbers():
    yield 1
    yield 2

background = set()
for function in (as_lambda_handler(handle, sqs()), as_lambda_handler(lambda record: handle(record), sqs(), max_concurrency=2)):
    for _ in range(2):
        assert function(sqs_event(SqsMessage(body="a")), None) == {"batchItemFailures": []}
thread = threading.Thread(target=function, args=(sqs_event(SqsMessage(body="a")), None))
thread.start()
thread.join()
print("ended")
"""

DAEMON = """
import threading
from returns.result import Success
from batchfold import as_lambda_handler, sqs
from batchfold.core.settling import caused_by
from batchfold.core.settling import dead_letter
from batchfold.testing import SqsMessage, sqs_event
import asyncio

running = threading.Event()

async def handle(record):
    running.set()
    await asyncio.sleep(1000)

function = as_lambda_handler(handle, sqs())
threading.Thread(target=function, args=(sqs_event(SqsMessage(body="a")), None), daemon=True).start()
running.wait(10)
print("ended")
"""


@pytest.mark.parametrize(("program", "strictness"), [(EXIT, ["-W", "error", "-X", "dev"]), (DAEMON, [])])
def test_the_loop_is_closed_at_the_interpreters_exit_without_a_word(program: str, strictness: list[str]) -> None:
    ran = subprocess.run(
        [sys.executable, *strictness, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "ended\n", "")


# --- called where a loop runs


def coroutine_function(record: Any) -> Awaitable[Any]:
    return succeed(record)


def future_result(_record: Any) -> FutureResult[int, str]:
    return FutureResult.from_value(1)


@pytest.mark.parametrize("handler", [succeed, coroutine_function, future_result])
def test_calling_it_where_a_loop_runs_is_a_clear_error_and_leaves_nothing_unawaited(handler: Any) -> None:
    """A coroutine that was never awaited would warn, and the tests make errors of warnings."""
    function = UNTYPED(handler, sqs())

    async def main() -> None:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="await process_batch_async"):
                function(messages("a", "b"), None)

    asyncio.run(main())
    gc.collect()
    assert function(messages("a", "b"), None) == DONE


def test_a_synchronous_handler_may_be_called_where_a_loop_runs() -> None:
    async def main() -> Any:
        return as_lambda_handler(lambda record: Success(record.body), sqs())(messages("a"), None)

    assert asyncio.run(main()) == DONE


# --- what handlers may do to the loop


@both_looks
def test_a_handler_that_stops_the_loop_fails_its_invocation_and_no_other(look: Any) -> None:
    ended: list[str] = []

    async def handle(record: Any) -> Any:
        if record.body == "stop":
            asyncio.get_running_loop().stop()
        try:
            await asyncio.sleep(1 if record.body == "stop" else 0)
        finally:
            ended.append(record.body)
        return Success(None)

    function = UNTYPED(look(handle), sqs())
    with pytest.raises(RuntimeError, match="stopped"):
        function(messages("stop", "b"), None)
    assert sorted(ended) == ["b", "stop"]
    assert function(messages("c"), None) == DONE
    assert sorted(ended) == ["b", "c", "stop"]


@both_looks
@pytest.mark.parametrize("exit_", [SystemExit, KeyboardInterrupt])
def test_an_exit_leaves_nothing_on_the_loop_for_the_next_invocation(look: Any, exit_: type[BaseException]) -> None:
    ended: list[str] = []
    left: list[set[asyncio.Task[Any]]] = []

    async def handle(record: Any) -> Any:
        left.append({task for task in asyncio.all_tasks() if not task.done()})
        try:
            await asyncio.sleep(0)
            if record.body == "exit":
                raise exit_
            await asyncio.sleep(1_000 if record.body == "b" else 0)
        finally:
            ended.append(record.body)
        return Success(None)

    function = UNTYPED(look(handle), sqs())
    with pytest.raises(exit_):
        function(messages("exit", "b"), None)
    assert ended == ["exit", "b"]
    left.clear()
    assert function(messages("c"), None) == DONE
    assert len(left[0]) == 2  # the run, and its one record


def test_ctrl_c_cancels_the_handlers_waits_for_them_and_is_raised() -> None:
    import signal  # noqa: PLC0415  # needed here alone

    ended: list[str] = []

    async def handle(record: Any) -> Any:
        try:
            await asyncio.sleep(0)  # until the other one runs, too
            if record.body == "a":
                signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(1_000)
        finally:
            await asyncio.sleep(0)
            ended.append(record.body)

    with pytest.raises(KeyboardInterrupt):
        as_lambda_handler(handle, sqs())(messages("a", "b"), None)
    assert sorted(ended) == ["a", "b"]


def test_a_handler_that_cancels_every_task_fails_the_invocation_and_not_the_process() -> None:
    async def cancel_all(_record: Any) -> Any:
        for task in asyncio.all_tasks():
            task.cancel()
        await asyncio.sleep(1)

    with pytest.raises(RuntimeError, match="cancelled the run"):
        as_lambda_handler(cancel_all, sqs())(messages("a"), None)


def test_a_lambda_function_called_by_a_handler_of_another_is_the_fault_of_its_record() -> None:
    inner = as_lambda_handler(succeed, sqs())

    async def handle(_record: Any) -> Any:
        return Success(inner(messages("b"), None))

    with pytest.raises(BatchProcessingError) as raised:
        as_lambda_handler(handle, sqs())(messages("a"), None)
    assert "was called where one is running" in str(raised.value.batch.failed[0].fault.error)


# --- context variables

VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="unset")


@both_looks
def test_an_async_handler_sees_the_callers_context_variables_and_leaves_it_none_of_its_own(look: Any) -> None:
    seen: list[str] = []

    def handle(record: Any) -> Awaitable[Any]:
        seen.append(VARIABLE.get())
        VARIABLE.set(record.body)
        return handle_later(record)

    async def handle_later(record: Any) -> Any:
        await asyncio.sleep(0)
        assert VARIABLE.get() == record.body
        return Success(None)

    async def handle_async(record: Any) -> Any:
        return await handle(record)

    function = as_lambda_handler(handle if look is annotated else handle_async, sqs())

    def invoke() -> None:
        VARIABLE.set("caller")
        for _ in range(2):
            assert function(messages("a", "b", "c"), None) == DONE
            assert VARIABLE.get() == "caller"

    copy_context().run(invoke)
    assert seen == ["caller"] * 6


def test_a_synchronous_handler_sets_context_variables_as_it_does_without_us() -> None:
    def handle(record: Any) -> Any:
        VARIABLE.set(record.body)
        return Success(None)

    function = as_lambda_handler(handle, sqs())

    def invoke() -> None:
        for body in ("a", "b"):
            function(messages(body), None)
            assert VARIABLE.get() == body

    copy_context().run(invoke)


# --- handlers of the wrong kind, and options that make no sense


def test_a_synchronous_handler_at_an_async_entry_point_is_told_where_to_go() -> None:
    untyped: Any = succeed_at_once
    (failed,) = asyncio.run(fold_batch_async(messages("a"), untyped, sqs())).outcomes
    assert isinstance(failed, Failed)
    assert isinstance(failed.fault, Crashed)
    assert "synchronous handlers go to process_batch" in str(failed.fault.error)


def test_a_chunk_handler_at_an_async_entry_point_is_told_where_to_go() -> None:
    def handle(_records: Sequence[SqsRecord[str]]) -> list[Result[None, str]]:
        raise AssertionError("nothing is written before the mistake is told")

    untyped: Any = in_chunks(handle, size=2)
    with pytest.raises(TypeError, match="it goes to process_batch, fold_batch or as_lambda_handler"):
        asyncio.run(fold_batch_async(messages("a", "b"), untyped, sqs()))


def test_safe_on_an_async_handler_is_told_of_future_safe() -> None:
    untyped: Any = safe(succeed)
    (failed,) = asyncio.run(fold_batch_async(messages("a"), untyped, sqs())).failed
    assert "make that `@future_safe`" in str(failed.fault.error)
    gc.collect()


def test_an_async_handler_at_a_synchronous_entry_point_is_told_where_to_go() -> None:
    untyped: Any = succeed
    with pytest.raises(BatchProcessingError) as raised:
        process_batch(messages("a"), untyped, sqs())
    assert "async handlers go to process_batch_async" in str(raised.value.batch.failed[0].fault.error)


@pytest.mark.parametrize("handler", [succeed, annotated(succeed), succeed_at_once])
@pytest.mark.parametrize("event", [None, 3, "text", [], {}, {"Records": 3}])
def test_an_event_that_is_none_is_an_unexpected_event(handler: Any, event: Any) -> None:
    function = UNTYPED(handler, sqs())
    with pytest.raises(UnexpectedEventError):
        function(event, None)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"max_concurrency": 0}, ValueError, "expected 1 or more"),
        ({"cancel_at_reserve": True}, TypeError, "without reserve_ms="),
        ({"executor": 8}, TypeError, "got a int"),
        ({"observer": print}, TypeError, "unexpected option observer="),
    ],
)
def test_options_that_make_no_sense_are_refused_before_any_event_comes(options: Any, error: Any, said: str) -> None:
    untyped: Any = succeed_at_once
    with pytest.raises(error, match=said):
        as_lambda_handler(untyped, sqs(), **options)


def test_an_async_run_of_no_handlers_at_a_time_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 1 or more, got 0"):
        asyncio.run(fold_batch_async(messages("a"), succeed, sqs(), max_concurrency=0))


def test_what_a_batch_of_failures_holds_is_told_the_same_from_either_side() -> None:
    async def reject(_record: Any) -> Any:
        return Failure("no")

    asynchronous = asyncio.run(fold_batch_async(messages("a"), reject, sqs()))
    assert told(asynchronous) == told(fold_batch(messages("a"), lambda _record: Failure("no"), sqs()))


def messages(*bodies: str) -> dict[str, Any]:
    return sqs_event(*(SqsMessage(body=body) for body in bodies))
