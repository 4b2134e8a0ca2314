"""`chain` and `pipe`."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.future import FutureResult, FutureSuccess
from returns.io import IOFailure, IOResult, IOSuccess
from returns.result import Failure, Result, Success

from batchfold import chain, pipe

Step = Callable[[int], Result[int, str]]


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


def test_a_step_that_returns_no_result_ends_the_chain_with_what_it_returned() -> None:
    def forgets(_value: int) -> Any:
        return None

    assert chain(forgets, never)(1) is None


def test_a_later_step_may_turn_out_async() -> None:
    """Nobody can tell before it is called that a plain function returns an awaitable."""

    def double(value: int) -> Any:
        return FutureSuccess(value * 2)

    composed: Any = chain

    async def run() -> None:
        assert await composed(add(1), double, double, add(1))(1) == Success(9)
        assert await composed(add(1), double, stop, never)(1) == Failure("stopped")
        assert await composed(add(1), double)(1) == IOSuccess(4)

    asyncio.run(run())


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
