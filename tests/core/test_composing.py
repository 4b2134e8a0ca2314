"""`chain` and `pipe`."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Annotated, Any, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.context import RequiresContextResult
from returns.future import FutureResult, FutureSuccess, future_safe
from returns.io import IOFailure, IOResult, IOSuccess
from returns.maybe import Maybe, Some
from returns.result import Failure, Result, Success

from batchfold import AnyFuture, as_lambda_handler, chain, pipe, sqs
from batchfold.core.handlers import is_async_function
from batchfold.testing import sqs_event

Step = Callable[[int], Result[int, str]]


UNTYPED: Any = as_lambda_handler  # for handlers of which a checker knows nothing


def add(n: int) -> Step:
    return lambda value: Success(value + n)


def stop(_value: int) -> Result[int, str]:
    return Failure("stopped")


def never(_value: int) -> Result[int, str]:
    raise AssertionError("a step after the first failure")


STEPS = st.lists(st.one_of(st.integers(-5, 5).map(add), st.just(stop)), min_size=2, max_size=5)


def bound(steps: list[Step], value: int) -> Result[int, str]:
    result: Any = Success(value)
    for step in steps:
        result = result.bind(step)
    done: Result[int, str] = result
    return done


@given(STEPS, st.integers())
def test_a_chain_is_bind_after_bind(steps: list[Step], value: int) -> None:
    composed: Any = chain
    assert composed(*steps)(value) == bound(steps, value)


@given(STEPS, STEPS, st.integers())
def test_a_chain_is_a_step_of_another(first: list[Step], second: list[Step], value: int) -> None:
    composed: Any = chain
    assert composed(composed(*first), composed(*second))(value) == bound([*first, *second], value)


def test_nothing_runs_after_the_first_failure() -> None:
    assert chain(stop, never)(1) == Failure("stopped")
    assert chain(add(1), stop, never)(1) == Failure("stopped")


def test_io_results_stay_io_results() -> None:
    def double(value: int) -> IOResult[int, str]:
        return IOSuccess(value * 2)

    def fail(_value: int) -> IOResult[int, str]:
        return IOFailure("stopped")

    assert chain(double, double)(1) == IOSuccess(4)
    assert chain(double, fail, double)(1) == IOFailure("stopped")


def test_async_steps_are_awaited_one_after_the_other() -> None:
    async def double(value: int) -> Result[int, str]:
        await asyncio.sleep(0)
        return Success(value * 2)

    async def fail(_value: int) -> Result[int, str]:
        return Failure("stopped")

    async def run() -> None:
        assert await chain(double, double, double)(1) == Success(8)
        assert await chain(double, fail, double)(1) == Failure("stopped")
        assert await chain(chain(double, double), double)(1) == Success(8)

    asyncio.run(run())


def test_future_results_are_steps() -> None:
    def double(value: int) -> FutureResult[int, str]:
        return FutureSuccess(value * 2)

    async def run() -> None:
        assert await chain(double, double)(1) == IOSuccess(4)

    asyncio.run(run())


def no_result(_value: int) -> Any:
    return None


def waits_for_context(value: int) -> Any:
    return RequiresContextResult.from_value(value)


@pytest.mark.parametrize("step", [no_result, waits_for_context])
def test_what_is_no_result_is_not_taken_for_the_end_of_the_chain(step: Callable[[int], Any]) -> None:
    composed: Any = chain
    for steps in ((step, never), (add(1), step, never)):
        with pytest.raises(TypeError, match="a step of a chain returned"):
            composed(*steps)(1)
    with pytest.raises(TypeError, match="a step of a chain returned"):
        asyncio.run(composed(FutureSuccess, step, never)(1))


def test_a_record_comes_back_whose_chain_was_left_for_the_context() -> None:
    composed: Any = chain
    function = UNTYPED(composed(waits_for_context, never), sqs(), raise_on="never")
    event = sqs_event("a")
    assert function(event, None)["batchItemFailures"] == [{"itemIdentifier": event["Records"][0]["messageId"]}]


def test_the_last_step_may_wait_for_the_context() -> None:
    composed: Any = chain
    assert composed(add(1), waits_for_context)(1)("context") == Success(2)


def test_a_step_may_hand_a_generator_to_the_next() -> None:
    def count_up(value: int) -> Result[Iterator[int], str]:
        return Success(number for number in range(value))

    def add_up(values: Iterator[int]) -> Result[int, str]:
        return Success(sum(values))

    assert chain(count_up, add_up)(4) == Success(6)


def test_a_chain_takes_whatever_its_first_step_does() -> None:
    """A chain may be a step, and what a step is given is not for the chain to judge."""

    def number_in(found: Maybe[int]) -> Result[int, str]:
        return Success(found.value_or(0))

    assert chain(number_in, add(1))(Some(1)) == Success(2)


class Task:
    """A class of the user's that is called like one of asyncio's."""


def returning(annotation: object) -> Callable[[int], Any]:
    def handle(_value: int) -> Any:
        raise NotImplementedError

    handle.__annotations__["return"] = annotation
    return handle


@future_safe
async def parse_safely(_value: int) -> Task:
    return Task()


SYNCHRONOUS: list[object] = [
    Task,
    Result[Task, str],
    "Result[Task, str]",
    "returns.result.Result[Future[int], str]",
    None,
]
ASYNC: list[object] = [
    FutureResult[Task, str],
    "FutureResult[Task, str]",
    "returns.future.FutureResult[Task, str]",
    asyncio.Task,
    "asyncio.Task[Result[Task, str]]",
    Awaitable[Result[Task, str]],
    AnyFuture[Task, str],  # type: ignore[misc]  # an alias with `Kind2`, of which mypy says that it is not generic
    "AnyFuture[Task, str]",
    Union[FutureResult[Task, str], Result[Task, str]],
    Awaitable[int] | Iterator[int],
    Annotated[FutureResult[Task, str], "a note"],
    "typing.Annotated[FutureResult[Task, str], 'a note']",
]


@pytest.mark.parametrize("annotation", SYNCHRONOUS, ids=str)
def test_a_function_is_not_async_for_what_stands_inside_of_what_it_returns(annotation: object) -> None:
    assert not is_async_function(returning(annotation))
    assert not is_async_function(partial(returning(annotation), 1))


@pytest.mark.parametrize("annotation", ASYNC, ids=str)
def test_a_function_is_async_by_what_it_returns(annotation: object) -> None:
    assert is_async_function(returning(annotation))
    assert is_async_function(partial(returning(annotation), 1))


def test_what_future_safe_makes_is_async_whatever_its_annotation_says() -> None:
    assert is_async_function(parse_safely)
    assert is_async_function(partial(parse_safely, 1))


def test_a_chain_with_an_annotated_step_that_returns_an_awaitable_is_async() -> None:
    def double(value: int) -> FutureResult[int, str]:
        return FutureSuccess(value * 2)

    composed: Any = chain

    async def run() -> None:
        assert await composed(add(1), double, double, add(1))(1) == Success(9)
        assert await composed(add(1), double, stop, never)(1) == Failure("stopped")
        assert await composed(add(1), double)(1) == IOSuccess(4)

    asyncio.run(run())


def test_a_step_of_which_nothing_says_that_it_is_async_fails_the_chain() -> None:
    """Nothing is found out by calling."""

    def double(value: int) -> Any:
        return FutureSuccess(value * 2)

    composed: Any = chain
    with pytest.raises(TypeError, match="a step of a chain returned an awaitable"):
        composed(add(1), double, double)(1)


def test_an_async_chain_that_fails_at_once_awaits_nothing_more() -> None:
    async def double(value: int) -> Result[int, str]:
        return Success(value * 2)

    composed: Any = chain
    assert asyncio.run(composed(stop, double)(1)) == Failure("stopped")
    assert asyncio.run(composed(double, stop)(1)) == Failure("stopped")


@given(st.lists(st.sampled_from("abc"), max_size=7))
def test_the_first_layer_is_the_innermost(names: list[str]) -> None:
    def layer(name: str) -> Callable[[Callable[[str], str]], Callable[[str], str]]:
        return lambda handler: lambda record: f"{name}({handler(record)})"

    piped: Any = pipe
    expected = "record"
    for name in names:
        expected = f"{name}({expected})"
    assert piped(str, *map(layer, names))("record") == expected


@pytest.mark.parametrize("handler", [add(1), stop])
def test_a_pipe_without_layers_is_the_handler(handler: Step) -> None:
    assert pipe(handler) is handler
