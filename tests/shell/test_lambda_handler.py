"""`as_lambda_handler`: contexts, kinds of handlers, options."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial, wraps
from typing import Any

import pytest
from returns.context import (
    RequiresContextFutureResult,
    RequiresContextIOResult,
    RequiresContextResult,
)
from returns.future import FutureFailure, FutureResult, FutureSuccess, future_safe
from returns.result import Failure, Result, Success, safe

from batchfold import (
    BatchProcessingError,
    PartialResponse,
    SqsRecord,
    UnexpectedEventError,
    as_lambda_handler,
    in_chunks,
    sqs,
)
from batchfold.testing import Clock, LambdaContext, sqs_event

UNTYPED: Any = as_lambda_handler  # for handlers of which a checker knows nothing

CONTEXT = LambdaContext(aws_request_id="request-1")
DONE: PartialResponse = {"batchItemFailures": []}


def sync(_record: SqsRecord[str]) -> Result[None, str]:
    return Success(None)


async def asynchronous(_record: SqsRecord[str]) -> Result[None, str]:
    await asyncio.sleep(0)
    return Success(None)


def future(_record: SqsRecord[str]) -> FutureResult[None, str]:
    return FutureSuccess(None)


@future_safe
async def decorated(_record: SqsRecord[str]) -> None:
    await asyncio.sleep(0)


class Callable_:  # noqa: N801  # a class whose instances are handlers
    async def __call__(self, _record: SqsRecord[str]) -> Result[None, str]:
        return Success(None)


@pytest.mark.parametrize("handler", [sync, asynchronous, future, decorated, Callable_(), partial(asynchronous)])
def test_sync_and_async_handlers_make_lambda_functions(handler: Any) -> None:
    function = UNTYPED(handler, sqs())
    for _ in range(3):
        assert function(sqs_event("a", "b", "c"), CONTEXT) == DONE
    assert function({"Records": []}, CONTEXT) == DONE


@pytest.mark.parametrize("handler", [sync, asynchronous, future])
def test_an_event_that_cannot_be_read_is_refused(handler: Any) -> None:
    with pytest.raises(UnexpectedEventError):
        as_lambda_handler(handler, sqs())({}, CONTEXT)


def needs_two(_record: SqsRecord[str], context: LambdaContext) -> Result[str, str]:
    return Failure(context.aws_request_id)


async def needs_two_async(_record: SqsRecord[str], context: LambdaContext) -> Result[str, str]:
    return Failure(context.aws_request_id)


@safe
def needs_two_safe(_record: SqsRecord[str], context: LambdaContext) -> str:
    raise LookupError(context.aws_request_id)


def reader(_record: SqsRecord[str]) -> RequiresContextResult[str, str, LambdaContext]:
    return RequiresContextResult(lambda context: Failure(context.aws_request_id))


def reader_io(_record: SqsRecord[str]) -> RequiresContextIOResult[str, str, LambdaContext]:
    return RequiresContextIOResult.from_result_context(reader(_record))


def reader_future(_record: SqsRecord[str]) -> RequiresContextFutureResult[str, str, LambdaContext]:
    return RequiresContextFutureResult(lambda context: FutureFailure(context.aws_request_id))


@pytest.mark.parametrize("handler", [needs_two, needs_two_async, needs_two_safe, reader, reader_io, reader_future])
def test_a_handler_that_needs_the_context_gets_it(handler: Any) -> None:
    seen: list[Any] = []
    function = UNTYPED(handler, sqs(), observe=seen.append, raise_on="never")
    for _ in range(2):
        function(sqs_event("a"), CONTEXT)
    assert [str(outcome.fault.error) for outcome in seen] == ["request-1", "request-1"]


def test_a_second_parameter_with_a_default_is_the_handlers_own() -> None:
    def handler(_record: SqsRecord[str], retries: int = 3) -> Result[int, str]:
        return Success(retries)

    seen: list[Any] = []
    as_lambda_handler(handler, sqs(), observe=seen.append)(sqs_event("a"), CONTEXT)
    assert seen[0].value == 3


class Table:
    """What a decorator brings along."""


def with_table(function: Callable[[Any, Table], Result[str, str]]) -> Callable[[Any], Result[str, str]]:
    @wraps(function)
    def handle(record: Any) -> Result[str, str]:
        return function(record, Table())

    return handle


def with_optional_table(function: Callable[[Any, Table], Result[str, str]]) -> Callable[..., Result[str, str]]:
    @wraps(function)
    def handle(record: Any, table: Table | None = None) -> Result[str, str]:
        return function(record, table or Table())

    return handle


def passing_on(function: Callable[..., Result[str, str]]) -> Callable[..., Result[str, str]]:
    @wraps(function)
    def handle(*given: Any, **named: Any) -> Result[str, str]:
        return function(*given, **named)

    return handle


def names_the_second(_record: Any, second: object) -> Result[str, str]:
    return Success(type(second).__name__)


class Service:
    @passing_on
    def of_record(self, _record: Any) -> Result[str, str]:
        return Success("no second")

    @passing_on
    def of_both(self, record: Any, second: object) -> Result[str, str]:
        return names_the_second(record, second)


@pytest.mark.parametrize(
    ("handler", "second"),
    [
        (with_table(names_the_second), "Table"),
        (with_optional_table(names_the_second), "Table"),
        (passing_on(with_table(names_the_second)), "Table"),
        (passing_on(passing_on(with_optional_table(names_the_second))), "Table"),
        (passing_on(names_the_second), "LambdaContext"),
        (passing_on(passing_on(names_the_second)), "LambdaContext"),
        (partial(passing_on(names_the_second)), "LambdaContext"),
        (partial(names_the_second, second=Table()), "Table"),
        (Service().of_record, "no second"),
        (Service().of_both, "LambdaContext"),
    ],
)
def test_the_context_goes_to_who_asks_for_it_and_never_where_a_decorator_puts_its_own(
    handler: Any, second: str
) -> None:
    seen: list[Any] = []
    as_lambda_handler(handler, sqs(), observe=seen.append)(sqs_event("a"), CONTEXT)
    assert [outcome.value for outcome in seen] == [second]


def test_a_callable_without_a_signature_takes_the_record() -> None:
    assert as_lambda_handler(dict, sqs(), raise_on="never")(sqs_event("a"), None)["batchItemFailures"]  # type: ignore[call-overload]  # no handler


def takes_nothing() -> Result[int, str]:
    return Success(1)


def takes_three(_record: object, _context: object, _more: object) -> Result[int, str]:
    return Success(1)


def takes_context_by_name(_record: object, *, context: object) -> Result[object, str]:
    return Success(context)


@pytest.mark.parametrize("handler", [takes_nothing, takes_three, takes_context_by_name])
def test_a_handler_of_another_arity_is_refused_at_once(handler: Any) -> None:
    with pytest.raises(TypeError, match="a handler takes the record and, if it needs it, the Lambda context"):
        as_lambda_handler(handler, sqs())


def test_the_reserve_is_kept_by_the_context_that_lambda_passes() -> None:
    clock = Clock()

    def slow(_record: SqsRecord[str]) -> Result[None, str]:
        clock.advance(6)
        return Success(None)

    async def slow_async(_record: SqsRecord[str]) -> Result[None, str]:
        return slow(_record)

    def slow_future(_record: SqsRecord[str]) -> FutureResult[None, str]:
        return FutureResult.from_result(slow(_record))

    make: Any = as_lambda_handler
    for handler in (slow, slow_async, slow_future):
        context = LambdaContext(clock=clock, timeout_seconds=10)
        function: Any = make(handler, sqs(lane=lambda _raw: "one"), reserve_ms=5_000)
        assert len(function(sqs_event("a", "b", "c"), context)["batchItemFailures"]) == 2


def test_without_a_reserve_the_context_may_be_anything() -> None:
    assert as_lambda_handler(sync, sqs())(sqs_event("a"), None) == DONE


def test_the_options_are_those_of_process_batch() -> None:
    with pytest.raises(BatchProcessingError):
        as_lambda_handler(lambda r: Success(1) if r.body == "a" else Failure(2), sqs(), raise_on="any_failure")(
            sqs_event("a", "b"), None
        )
    function = as_lambda_handler(lambda _r: Failure(2), sqs(), settle=lambda _failed: Success(None))
    assert function(sqs_event("a", "b"), None) == DONE


def test_chunks_make_lambda_functions() -> None:
    sizes: list[int] = []

    def save(records: Sequence[SqsRecord[str]]) -> list[Result[None, str]]:
        sizes.append(len(records))
        return [Success(None) for _ in records]

    assert as_lambda_handler(in_chunks(save, size=2), sqs())(sqs_event("a", "b", "c"), None) == DONE
    assert sizes == [2, 1]


def test_an_executor_runs_a_sync_handler_in_threads() -> None:
    with ThreadPoolExecutor(2) as executor:
        function = as_lambda_handler(sync, sqs(), executor=executor)
        assert function(sqs_event("a", "b", "c"), None) == DONE


def no_chunk(_records: Sequence[SqsRecord[str]]) -> list[Result[None, str]]:
    return []


OTHER_KINDS: list[tuple[Any, Any]] = [
    (asynchronous, {"executor": ThreadPoolExecutor(1)}),
    (sync, {"executor": ThreadPoolExecutor(1), "max_concurrency": 2}),
    (in_chunks(no_chunk, size=2), {"max_concurrency": 2}),
    (sync, {"observer": print}),
]


@pytest.mark.parametrize(("handler", "options"), OTHER_KINDS)
def test_options_for_another_kind_of_handler_are_refused_at_once(handler: Any, options: Any) -> None:
    with pytest.raises(TypeError):
        as_lambda_handler(handler, sqs(), **options)


def test_records_before_the_first_call_are_told_once_when_the_handler_turns_out_async() -> None:
    """A malformed record is settled and observed before anyone can know that the handler is async."""
    settled: list[Any] = []
    seen: list[Any] = []

    def settle(failed: Any) -> Result[None, None]:
        settled.append(failed.item_id)
        return Success(None)

    def handler(_record: SqsRecord[int]) -> FutureResult[None, str]:
        return FutureSuccess(None)

    function = as_lambda_handler(handler, sqs(int), settle=settle, observe=seen.append)
    assert function(sqs_event("x", "1", "2"), None) == DONE
    assert len(settled) == 1
    assert len(seen) == 3
