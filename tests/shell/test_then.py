"""`then=`: it sees the finished batch once, on the handler's loop, and cannot change what comes back."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Result, Success
from tests.core.test_settle_properties import TOLD, Told, User, event_of, kinds_of, model

from batchfold import (
    AnyBatch,
    BatchProcessingError,
    SqsRecord,
    UnexpectedEventError,
    as_lambda_handler,
    by_message_group,
    sqs,
)
from batchfold.testing import LambdaContext, sqs_event

LOGGED = "then= raised; the response stands"


def reserve(record: SqsRecord[int]) -> Result[int, str]:
    return Success(record.body) if record.body > 0 else Failure("negative")


async def reserve_async(record: SqsRecord[int]) -> Result[int, str]:
    await asyncio.sleep(0)
    return reserve(record)


def make(handler: Any, then: Any, **options: Any) -> Callable[[Any, Any], Any]:
    untyped: Any = as_lambda_handler
    made: Callable[[Any, Any], Any] = untyped(handler, sqs(int), then=then, **options)
    return made


def named(response: Any, event: dict[str, Any]) -> list[int]:
    """The positions of the records that come back."""
    ids = [raw["messageId"] for raw in event["Records"]]
    return [ids.index(entry["itemIdentifier"]) for entry in response["batchItemFailures"]]


class Down(Exception):  # noqa: N818  # as one says it
    """What stands behind `then` is down."""


Does = Callable[[AnyBatch], Any]


def raises(_batch: AnyBatch) -> Any:
    raise Down


def returns_a_response(_batch: AnyBatch) -> Any:
    return {"batchItemFailures": []}


def cancels(_batch: AnyBatch) -> Any:
    raise asyncio.CancelledError


DOES = st.sampled_from([raises, returns_a_response, cancels, len])


@pytest.mark.parametrize("is_async", [False, True])
@given(told=TOLD, does=DOES, later=st.booleans())
def test_then_sees_every_record_once_and_changes_nothing(
    *,
    is_async: bool,
    told: list[Told],
    does: Does,
    later: bool,
) -> None:
    user, event, seen = User(told), event_of(told), list[AnyBatch]()

    def then(batch: AnyBatch) -> Any:
        seen.append(batch)
        return does(batch)

    async def then_later(batch: AnyBatch) -> Any:
        await asyncio.sleep(0)
        return then(batch)

    untyped: Any = as_lambda_handler
    function = untyped(
        user.handle_async if is_async else user.handle,
        sqs(decode=int, lane=by_message_group),
        then=then_later if is_async and later else then,
        settle=user.settle,
        raise_on="never",
    )
    not_done = [position for position, kind in enumerate(model(told)) if kind in {"Failed", "Unprocessed"}]
    assert named(function(event, None), event) == not_done
    (batch,) = seen
    assert kinds_of(batch) == model(told)  # type: ignore[arg-type]  # of any types


@pytest.mark.parametrize("handler", [reserve, reserve_async])
def test_what_then_raises_is_logged(handler: Any, caplog: pytest.LogCaptureFixture) -> None:
    event = sqs_event(1, -1)
    assert named(make(handler, raises)(event, None), event) == [1]
    (record,) = [record for record in caplog.records if record.getMessage() == LOGGED]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], Down)


def test_then_comes_before_the_invocation_fails() -> None:
    seen: list[AnyBatch] = []
    with pytest.raises(BatchProcessingError):
        make(reserve, seen.append)(sqs_event(-1), None)
    assert len(seen) == 1
    with pytest.raises(UnexpectedEventError):
        make(reserve, seen.append)({}, None)
    assert len(seen) == 1


@pytest.mark.parametrize("handler", [reserve, reserve_async])
def test_what_is_no_record_s_business_fails_the_invocation(handler: Any) -> None:
    def then(_batch: AnyBatch) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        make(handler, then)(sqs_event(1), None)


def test_then_runs_on_the_loop_of_the_handlers_and_of_every_warm_invocation() -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def handle(record: SqsRecord[int]) -> Result[int, str]:
        loops.append(asyncio.get_running_loop())
        return Success(record.body)

    async def then(_batch: AnyBatch) -> None:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())

    function = make(handle, then)
    for _ in range(2):
        function(sqs_event(1), None)
    assert len(loops) == 4
    assert len(set(map(id, loops))) == 1


def test_an_async_then_is_refused_beside_a_synchronous_handler(caplog: pytest.LogCaptureFixture) -> None:
    async def later(_batch: AnyBatch) -> None:
        raise NotImplementedError

    with pytest.raises(TypeError, match="then= got an async function, and the handler is synchronous"):
        make(reserve, later)
    event = sqs_event(1, -1)

    def undeclared(batch: AnyBatch) -> Any:
        return later(batch)

    assert named(make(reserve, undeclared)(event, None), event) == [1]
    assert LOGGED in caplog.text
    assert "then= returned an awaitable" in caplog.text


def test_a_then_that_waits_is_cancelled_at_the_reserve(caplog: pytest.LogCaptureFixture) -> None:
    was_cancelled: list[bool] = []

    async def then(_batch: AnyBatch) -> None:
        try:
            await asyncio.sleep(3_600)
        except asyncio.CancelledError:
            was_cancelled.append(True)
            raise

    event = sqs_event(1, -1)
    function = make(reserve_async, then, reserve_ms=990)
    assert named(function(event, LambdaContext(timeout_seconds=1)), event) == [1]
    assert was_cancelled == [True]
    assert LOGGED in caplog.text
