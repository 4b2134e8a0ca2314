"""What handlers return: results pass, everything else is a fault that says how to mend it."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from inspect import CORO_CREATED, getcoroutinestate
from typing import Any

import pytest
from returns.context import RequiresContextResult
from returns.future import FutureResult
from returns.io import IO, IOFailure, IOResult, IOSuccess
from returns.maybe import Some
from returns.result import Failure, Result, Success, safe

from batchfold.core.faults import Crashed
from batchfold.core.handlers import Giver, is_awaitable, result_of


def refusal(returned: object) -> str:
    judged = result_of(returned)
    assert isinstance(judged, Crashed)
    assert isinstance(judged.error, TypeError)
    return str(judged.error)


async def coroutine() -> Result[int, str]:
    raise NotImplementedError


class WithoutHash(type):
    """A class of classes that cannot be kept in a set or a dictionary."""

    __hash__ = None  # type: ignore[assignment]  # what Python makes of a class that has `__eq__` and no `__hash__`


class Odd(metaclass=WithoutHash):
    """Its type has no hash."""


class OddAwaitable(Odd):
    """The same, and it can be awaited."""

    def __await__(self) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize("result", [Success(1), Success(None), Failure("no"), Success(Odd())])
def test_a_result_is_taken_as_it_is(result: Result[Any, Any]) -> None:
    assert result_of(result) is result


@pytest.mark.parametrize("result", [Success(1), Failure("no")])
def test_a_result_is_taken_out_of_its_io_result(result: Result[Any, Any]) -> None:
    assert result_of(IOResult.from_result(result)) == result


def test_none_asks_for_the_missing_return() -> None:
    assert "a `return` may be missing" in refusal(None)


@pytest.mark.parametrize("value", [1, "text", True, {"batchItemFailures": []}, object()])
def test_a_bare_value_is_refused(value: object) -> None:
    assert f"returned a {type(value).__name__}" in refusal(value)


def test_a_class_is_refused_and_not_called() -> None:
    assert "expected a Result" in refusal(Success)


@pytest.mark.parametrize("inside", [Success(1), Failure("lost"), IOSuccess(1), IOFailure("lost"), Some(1), IO(1)])
def test_a_success_that_holds_a_container_is_refused(inside: object) -> None:
    assert f"a Success that holds a {type(inside).__name__}" in refusal(Success(inside))
    assert "take `@safe` off" in refusal(IOSuccess(inside))


def test_safe_on_a_function_that_returns_a_result_loses_no_failure() -> None:
    @safe
    def reserve() -> Result[int, str]:
        return Failure("out of stock")

    assert "whose own outcome would be lost" in refusal(reserve())


@pytest.mark.parametrize("inside", [coroutine, OddAwaitable])
def test_an_awaitable_inside_a_success_is_refused_and_closed(inside: Callable[[], object]) -> None:
    assert "await it in the handler" in refusal(Success(inside()))


def test_safe_on_what_would_run_later_counts_nothing_as_done() -> None:
    written: list[str] = []
    write: Callable[[str], object] = written.append

    @safe
    def one_by_one(record: str) -> Iterator[object]:
        yield write(record)

    @safe
    def one_by_one_async(record: str) -> AsyncIterator[object]:
        async def write_async() -> AsyncIterator[object]:
            yield write(record)

        return write_async()

    @safe
    def mapped(record: str) -> object:
        return map(write, record)

    @safe
    def filtered(record: str) -> object:
        return filter(write, record)

    for returned in (one_by_one("a"), one_by_one_async("a"), mapped("a"), filtered("a")):
        assert "nothing of it has run yet" in refusal(returned)
    assert not written


def test_a_future_of_a_thread_is_refused_for_it_may_still_fail() -> None:
    assert "ask for its result()" in refusal(Success(Future[int]()))


def test_what_goes_to_another_step_may_run_there() -> None:
    numbers = Success(number for number in range(3))
    assert result_of(numbers, Giver("a step", hands_on=True)) is numbers
    assert result_of(IOResult.from_result(numbers), Giver("a step", hands_on=True)) == numbers


def test_a_coroutine_is_refused_and_closed() -> None:
    """Closed, for otherwise Python warns that it was never awaited, and the tests make errors of warnings."""
    assert "async handlers go to process_batch_async" in refusal(coroutine())


def test_one_who_only_watches_closes_nothing() -> None:
    waiting = coroutine()
    for returned in (waiting, Success(waiting), IOSuccess(Success(waiting))):
        assert isinstance(result_of(returned, Giver("the handler", closes=False)), Crashed)
    assert getcoroutinestate(waiting) == CORO_CREATED
    waiting.close()


def test_a_coroutine_that_will_not_be_closed_is_refused_all_the_same() -> None:
    async def goes_on() -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(0)
            except GeneratorExit:
                continue

    begun = goes_on()
    begun.send(None)
    assert "async handlers go to process_batch_async" in refusal(begun)
    with pytest.raises(StopIteration):
        begun.send(None)


def test_a_future_result_is_refused_where_nobody_awaits_it_and_its_coroutine_is_closed() -> None:
    """A coroutine that was never awaited would warn, and the tests make errors of warnings."""
    pending: FutureResult[int, str] = FutureResult.from_value(1)
    assert "an awaitable (FutureResult)" in refusal(pending)
    del pending
    gc.collect()


def test_a_result_that_needs_the_context_is_refused_where_there_is_none() -> None:
    needs: RequiresContextResult[int, str, object] = RequiresContextResult.from_value(1)
    assert "only as_lambda_handler passes it on" in refusal(needs)


def test_a_refusal_quotes_no_value() -> None:
    assert "secret" not in refusal("secret") + refusal(Success(Some("secret")))


def test_what_can_be_awaited_is_told_by_type() -> None:
    waiting = coroutine()
    assert is_awaitable(waiting)
    assert not is_awaitable(Success(1))
    waiting.close()
