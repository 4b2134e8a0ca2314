"""What a search logs: nothing of what it tries, the invocations that it tells, and all that is not its own."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import count
from threading import Thread
from typing import Any

import pytest
from returns.future import future_safe
from returns.result import safe

from batchfold import SqsRecord, as_lambda_handler, sqs
from batchfold.testing import Effect, LambdaFunction, MakeFunction, SqsQueue, UnsafeFunctionError, assert_safe
from batchfold.testing.search import quiet

LOGGER = logging.getLogger("batchfold")
THREADS = ThreadPoolExecutor(2)


def refuses_to_observe(_outcome: object) -> None:
    raise ValueError("no")


def sequential(effect: Effect) -> LambdaFunction:
    return as_lambda_handler(safe(lambda record: effect(record.body)), sqs(), observe=refuses_to_observe)


def in_threads(effect: Effect) -> LambdaFunction:
    @safe
    def handle(record: SqsRecord) -> None:
        effect(record.body)

    return as_lambda_handler(handle, sqs(), observe=refuses_to_observe, executor=THREADS)


def on_a_loop(effect: Effect) -> LambdaFunction:
    @future_safe
    async def handle(record: SqsRecord) -> None:
        effect(record.body)

    return as_lambda_handler(handle, sqs(), observe=refuses_to_observe)


def forgetful(effect: Effect) -> LambdaFunction:
    """Logs what fails, and tells Lambda nothing of it."""
    handled = as_lambda_handler(safe(lambda record: effect(record.body)), sqs())

    def forget(event: Any, context: Any) -> None:
        handled(event, context)

    return forget


@pytest.fixture
def own_handler() -> Iterator[list[str]]:
    """What a handler of the user's own hears, which stands at the logger itself."""
    heard: list[str] = []

    class Listens(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    handler = Listens()
    LOGGER.addHandler(handler)
    yield heard
    LOGGER.removeHandler(handler)


@pytest.mark.parametrize("make", [sequential, in_threads, on_a_loop])
def test_a_search_that_finds_nothing_logs_nothing(
    make: MakeFunction, caplog: pytest.LogCaptureFixture, own_handler: list[str]
) -> None:
    assert_safe(make, source=SqsQueue(), max_examples=30)
    assert (caplog.records, own_handler) == ([], [])


def test_every_invocation_that_is_told_is_logged_however_late_the_harm(own_handler: list[str]) -> None:
    def does_twice_from_the_sixth_invocation_on(effect: Effect) -> LambdaFunction:
        numbers = count(1)

        def handle(event: Any, _context: Any) -> None:
            number = next(numbers)
            LOGGER.error("invocation %d", number)
            for raw in event["Records"] * (1 if number < 6 else 2):
                effect(raw["body"])

        return handle

    with pytest.raises(UnsafeFunctionError) as raised:
        assert_safe(does_twice_from_the_sixth_invocation_on, source=SqsQueue(batch_size=1), max_examples=300)
    told = str(raised.value).count("Lambda delivers")
    assert told > 4
    assert own_handler == [f"invocation {number}" for number in range(1, told + 1)]


def test_of_what_a_search_finds_the_told_invocations_are_logged_once(
    caplog: pytest.LogCaptureFixture, own_handler: list[str]
) -> None:
    with pytest.raises(UnsafeFunctionError) as caught:
        assert_safe(forgetful, source=SqsQueue(fifo=True))
    failed = [name for invocation in caught.value.history.invocations for name in invocation.that("failed")]
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == len(failed) == 1
    assert own_handler == [record.getMessage() for record in caplog.records]


def test_of_a_long_history_no_more_is_logged_than_the_invocations_that_are_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def gives_up(effect: Effect) -> LambdaFunction:
        """Forgets a message that it has received eight times."""
        handled = as_lambda_handler(safe(lambda record: effect(record.body)), sqs(), raise_on="never")

        def function(event: Any, context: Any) -> Any:
            response = handled(event, context)
            received = [int(raw["attributes"]["ApproximateReceiveCount"]) for raw in event["Records"]]
            return {} if max(received) == 8 else response

        return function

    with pytest.raises(UnsafeFunctionError, match=r"\.\.\. 4 more invocations") as caught:
        assert_safe(gives_up, source=SqsQueue(max_receive_count=20))
    assert (caught.value.history.invocation_count, len(caplog.records)) == (8, 4)


def as_it_is() -> tuple[object, ...]:
    return (LOGGER.level, LOGGER.disabled, LOGGER.propagate, [*LOGGER.filters], [*LOGGER.handlers])


class StopError(BaseException): ...


@pytest.mark.parametrize("end", [KeyboardInterrupt, StopError])
def test_the_logger_is_left_as_it_was_however_a_search_ends(end: type[BaseException]) -> None:
    before = as_it_is()
    seen: list[tuple[object, ...]] = []

    def ends(_effect: Effect) -> LambdaFunction:
        seen.append(as_it_is())
        raise end

    assert_safe(sequential, source=SqsQueue(), max_examples=2)
    assert as_it_is() == before
    with pytest.raises(UnsafeFunctionError):
        assert_safe(forgetful, source=SqsQueue(), max_examples=20)
    assert as_it_is() == before
    with pytest.raises(end):
        assert_safe(ends, source=SqsQueue())
    assert as_it_is() == before != seen[0]


def test_what_another_thread_does_meanwhile_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def make(effect: Effect) -> LambdaFunction:
        function = sequential(effect)

        def beside(event: Any, context: Any) -> Any:
            other = Thread(target=LOGGER.error, args=("of another thread",))
            other.start()
            other.join()
            return function(event, context)

        return beside

    assert_safe(make, source=SqsQueue(), max_examples=2)
    assert {record.getMessage() for record in caplog.records} == {"of another thread"}


def test_of_two_searches_side_by_side_each_is_quiet_to_its_own_end(caplog: pytest.LogCaptureFixture) -> None:
    first, second = copy_context(), copy_context()
    of_first, of_second = quiet(), quiet()
    first.run(of_first.__enter__)
    second.run(of_second.__enter__)
    first.run(leave(of_first))
    first.run(LOGGER.error, "first, after its end")
    second.run(LOGGER.error, "second, within")
    second.run(leave(of_second))
    second.run(LOGGER.error, "second, after its end")
    assert [record.getMessage() for record in caplog.records] == ["first, after its end", "second, after its end"]


def leave(context_manager: Any) -> Callable[[], None]:
    return lambda: context_manager.__exit__(None, None, None)
