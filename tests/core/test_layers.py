"""`only`, `route`, `checked` and `timed`, on synchronous and async handlers."""

import asyncio
import sys
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, Never

import pytest
from returns.future import FutureResult, future_safe
from returns.io import IOResult, IOSuccess
from returns.result import Failure, Result, Success, safe

from batchfold import (
    AnyBatch,
    Crashed,
    DynamoDBRecord,
    EventBridge,
    LambdaContext,
    Rejected,
    SqsRecord,
    as_lambda_handler,
    chain,
    dynamodb,
    fold_batch,
    fold_batch_async,
    pipe,
    process_batch,
    sqs,
)
from batchfold.core.layers import NoRouteError, only, route
from batchfold.shell.checked import BrokenAnnotationError, checked
from batchfold.shell.observing import Latencies, timed
from batchfold.testing import DynamoDBChange, dynamodb_event, eventbridge_envelope, sqs_event
from batchfold.testing import LambdaContext as FakeContext

NUMBERS = sqs(int)


def halve(record: SqsRecord[int]) -> Result[int, str]:
    return Success(record.body // 2) if record.body >= 0 else Failure("negative")


async def halve_async(record: SqsRecord[int]) -> Result[int, str]:
    await asyncio.sleep(0)
    return halve(record)


def halve_with_effects(record: SqsRecord[int]) -> IOResult[int, str]:
    return IOResult.from_result(halve(record))


def halve_in_future(record: SqsRecord[int]) -> FutureResult[int, str]:
    return FutureResult.from_result(halve(record))


class HalveAsync:
    async def __call__(self, record: SqsRecord[int]) -> Result[int, str]:
        return await halve_async(record)


def is_even(record: SqsRecord[int]) -> bool:
    return record.body % 2 == 0


# ------------------------------------------------------------ only
@pytest.mark.parametrize("handler", [halve, halve_with_effects])
def test_records_that_do_not_match_are_done_with_none(handler: Any) -> None:
    batch = fold_batch(sqs_event(4, 5, -2), pipe(handler, only(is_even)), NUMBERS)
    assert [succeeded.value for succeeded in batch.succeeded] == [2, None]
    assert [failed.fault for failed in batch.failed] == [Rejected("negative")]


async def identity_async(record: SqsRecord[int]) -> Result[SqsRecord[int], str]:
    return Success(record)


@future_safe
async def halve_or_raise(record: SqsRecord[int]) -> int:
    if record.body < 0:
        raise ValueError("negative")
    return record.body // 2


CHAINED = chain(identity_async, halve_async)
ASYNC = [halve_async, HalveAsync(), halve_in_future, CHAINED, pipe(halve_in_future, timed(Latencies()))]


@pytest.mark.parametrize("handler", ASYNC)
def test_an_async_handler_keeps_being_async(handler: Any) -> None:
    layered = pipe(handler, only(is_even))
    assert iscoroutinefunction(layered)
    batch = asyncio.run(fold_batch_async(sqs_event(4, 5, -2), layered, NUMBERS))
    assert [succeeded.value for succeeded in batch.succeeded] == [2, None]
    response = as_lambda_handler(layered, NUMBERS)(sqs_event(5, 4), None)
    assert response == {"batchItemFailures": []}


def test_a_function_that_future_safe_made_is_known_to_be_async() -> None:
    batch = asyncio.run(fold_batch_async(sqs_event(5, 4, -2), pipe(halve_or_raise, only(is_even)), NUMBERS))
    assert [type(outcome).__name__ for outcome in batch.outcomes] == ["Succeeded", "Succeeded", "Failed"]


def test_a_predicate_that_raises_brings_the_record_back() -> None:
    def when(record: SqsRecord[int]) -> bool:
        return 1 // record.body > 0

    batch = fold_batch(sqs_event(0, 1), only(when)(halve), NUMBERS)
    assert [type(failed.fault.error) for failed in batch.failed] == [ZeroDivisionError]


async def late_yes() -> bool:
    return True


@pytest.mark.parametrize("nonsense", [lambda: None, lambda: 0, lambda: "", late_yes])
def test_a_predicate_that_says_neither_yes_nor_no_brings_the_record_back(nonsense: Callable[[], Any]) -> None:
    def when(_record: SqsRecord[int]) -> bool:
        answer: bool = nonsense()
        return answer

    (failed,) = fold_batch(sqs_event(4), only(when)(halve), NUMBERS).failed
    assert isinstance(failed.fault, Crashed)
    assert "expected True or False" in str(failed.fault.error)


def test_a_layer_keeps_the_name_of_its_handler() -> None:
    assert only(is_even)(halve).__name__ == "halve"
    assert timed(Latencies())(halve).__name__ == "halve"
    assert checked(halve).__name__ == "halve"


# ------------------------------------------------------------ route
Change = DynamoDBRecord[dict[str, Any]]


def insert(record: Change) -> Result[str, OSError]:
    return Success(f"inserted {record.keys['id']!s}")


def remove(record: Change) -> Result[str, OSError]:
    return Success(f"removed {record.keys['id']!s}")


def change(key: str, new: dict[str, Any] | None, old: dict[str, Any] | None) -> DynamoDBChange:
    return DynamoDBChange(keys={"id": key}, new_image=new, old_image=old)


CHANGES = dynamodb_event(change("a", {"id": "a"}, None), change("b", None, {"id": "b"}))


def test_each_change_goes_to_its_own_handler() -> None:
    handler = route(lambda record: record.event_name, {"INSERT": insert, "REMOVE": remove})
    batch = fold_batch(CHANGES, handler, dynamodb(dict[str, Any]))
    assert [succeeded.value for succeeded in batch.succeeded] == ["inserted a", "removed b"]


def test_a_record_without_a_route_comes_back_and_says_which_routes_there_are() -> None:
    handler = route(lambda record: record.event_name, {"REMOVE": remove, "MODIFY": remove})
    failed = fold_batch(CHANGES, handler, dynamodb(dict[str, Any])).failed[0]
    assert isinstance(failed.fault, Rejected)
    assert isinstance(failed.fault.error, NoRouteError)
    assert (
        str(failed.fault.error) == "no handler for a record whose key is a str; there are routes for 'REMOVE', 'MODIFY'"
    )


def test_a_key_out_of_the_payload_is_not_told() -> None:
    handler = route(lambda record: record.body, {3: halve})
    (failed,) = fold_batch(sqs_event(1_234_567), handler, NUMBERS).failed
    assert "1234567" not in repr(failed.fault.error)


def test_an_event_s_type_chooses_the_handler() -> None:
    def placed(record: SqsRecord[EventBridge[dict[str, int]]]) -> Result[int, str]:
        return Success(record.body.detail["quantity"])

    handler = route(lambda record: record.body.detail_type, {"OrderPlaced": placed})
    event = sqs_event(eventbridge_envelope({"quantity": 3}, detail_type="OrderPlaced"))
    batch = fold_batch(event, handler, sqs(EventBridge[dict[str, int]]))
    assert [succeeded.value for succeeded in batch.succeeded] == [3]


def test_async_routes_stay_async_also_where_there_is_none() -> None:
    handler = route(lambda record: record.body, {4: halve_async})
    assert iscoroutinefunction(handler)
    batch = asyncio.run(fold_batch_async(sqs_event(4, 5), handler, NUMBERS))
    assert [succeeded.value for succeeded in batch.succeeded] == [2]
    assert isinstance(batch.failed[0].fault.error, NoRouteError)


def test_handlers_given_later_are_no_routes() -> None:
    handlers = {4: halve}
    handler = route(lambda record: record.body, handlers)
    handlers[5] = halve
    assert len(fold_batch(sqs_event(4, 5), handler, NUMBERS).failed) == 1


def no_hash(_record: SqsRecord[int]) -> Any:
    return []


def no_key(_record: SqsRecord[int]) -> Any:
    raise KeyError("type")


@pytest.mark.parametrize("key", [no_hash, no_key])
def test_a_key_that_is_none_brings_the_record_back(key: Callable[[SqsRecord[int]], Any]) -> None:
    (failed,) = fold_batch(sqs_event(4), route(key, {4: halve}), NUMBERS).failed
    assert isinstance(failed.fault, Crashed)


def test_a_router_is_a_handler_and_goes_through_layers() -> None:
    handler = pipe(route(lambda record: record.body, {4: halve, 5: halve}), only(is_even), timed(Latencies()))
    batch = fold_batch(sqs_event(4, 5, 6), handler, NUMBERS)
    assert [type(outcome).__name__ for outcome in batch.outcomes] == ["Succeeded", "Succeeded", "Failed"]


# ------------------------------------------------------------ checked
def lies_about_its_value(record: SqsRecord[Any]) -> Result[int, str]:
    return Success(record.body)


def lies_about_its_error(record: SqsRecord[Any]) -> IOResult[int, str]:
    return IOResult.from_failure(record.body)


def lies_about_its_result(record: SqsRecord[Any]) -> Result[int, str]:
    returned: Any = record.body
    return returned  # type: ignore[no-any-return]  # the lie


async def lies_late(record: SqsRecord[Any]) -> Result[int, str]:
    return Success(record.body)


SECRET = "s3cr3t"  # noqa: S105  # it stands for a payload


@pytest.mark.parametrize("handler", [lies_about_its_value, lies_about_its_error, lies_about_its_result])
def test_a_handler_that_breaks_its_annotation_has_crashed(handler: Any) -> None:
    (failed,) = fold_batch(sqs_event([SECRET]), pipe(handler, checked), sqs(list[str])).failed
    assert isinstance(failed.fault, Crashed)
    assert isinstance(failed.fault.error, BrokenAnnotationError)
    message = str(failed.fault.error)
    assert handler.__name__ in message
    assert "Result[int, str]" in message


@pytest.mark.parametrize("handler", [lies_about_its_value, lies_about_its_error, lies_about_its_result])
def test_what_broke_the_annotation_is_not_told(handler: Any) -> None:
    (failed,) = fold_batch(sqs_event([SECRET]), checked(handler), sqs(list[str])).failed
    error: BaseException | None = failed.fault.error
    while error is not None:
        assert SECRET not in repr(error)
        error = error.__cause__ or error.__context__


def test_an_async_handler_is_checked_too() -> None:
    batch = asyncio.run(fold_batch_async(sqs_event([SECRET]), pipe(lies_late, checked), sqs(list[str])))
    assert isinstance(batch.failed[0].fault.error, BrokenAnnotationError)
    assert fold_batch(sqs_event(4), pipe(halve, checked), NUMBERS).succeeded
    assert asyncio.run(fold_batch_async(sqs_event(4), pipe(halve_async, checked), NUMBERS)).succeeded


def test_a_handler_that_is_given_another_record_has_crashed() -> None:
    handler: Any = checked(halve)
    with pytest.raises(BrokenAnnotationError, match=r"halve\(record: SqsRecord\[int\]\) was given"):
        handler("no record")


def test_an_error_that_is_never_is_not_allowed() -> None:
    def never_fails(_record: SqsRecord[int]) -> Result[int, Never]:
        failure: Any = Failure("after all")
        return failure  # type: ignore[no-any-return]  # the lie

    (failed,) = fold_batch(sqs_event(4), checked(never_fails), NUMBERS).failed
    assert isinstance(failed.fault.error, BrokenAnnotationError)


def scale(number: int, *, by: int) -> Result[int, str]:
    return Success(number * by)


async def scale_async(number: int, *, by: int) -> Result[int, str]:
    return Success(number * by)


def test_a_checked_function_takes_its_arguments_by_name_too() -> None:
    """As its type says, which is that of the function."""
    assert checked(scale)(4, by=3) == Success(12)
    assert asyncio.run(checked(scale_async)(number=4, by=3)) == Success(12)
    three: Any = "three"
    with pytest.raises(BrokenAnnotationError, match="was given what its annotations do not allow"):
        checked(scale)(4, by=three)


def test_what_returns_a_future_is_checked_as_far_as_that() -> None:
    batch = asyncio.run(fold_batch_async(sqs_event(4, -1), pipe(halve_in_future, checked), NUMBERS))
    assert [type(outcome).__name__ for outcome in batch.outcomes] == ["Succeeded", "Failed"]


def raises_or_halves(record: SqsRecord[int]) -> int:
    return 100 // record.body


@pytest.mark.parametrize("wrapper", [safe(raises_or_halves), only(is_even)(halve)])
def test_what_wraps_another_function_is_refused_for_the_annotations_are_not_its_own(wrapper: Any) -> None:
    with pytest.raises(TypeError, match=r"safe\(checked"):
        checked(wrapper)


def test_checked_goes_under_safe() -> None:
    batch = fold_batch(sqs_event(5, 0), safe(checked(raises_or_halves)), NUMBERS)
    assert [type(outcome).__name__ for outcome in batch.outcomes] == ["Succeeded", "Failed"]


@pytest.mark.parametrize("no_function", [HalveAsync(), 3])
def test_what_is_no_function_is_refused(no_function: Any) -> None:
    with pytest.raises(Exception, match=r"needs a function|violates"):
        checked(no_function)


def test_without_beartype_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "beartype.door", None)
    with pytest.raises(ImportError, match=r"batchfold\[checked\]"):
        checked(halve)


# ------------------------------------------------------------ timed
class Ticking:
    """A clock that is a second further each time that it is looked at."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_the_time_of_each_handler_is_told_whatever_came_of_it() -> None:
    latencies = Latencies()

    def handle(record: SqsRecord[int]) -> Result[int, str]:
        if record.body == 0:
            raise TimeoutError
        return halve(record)

    layered = pipe(handle, timed(latencies, clock=Ticking()))
    batch = fold_batch(sqs_event(4, -1, 0, "?"), layered, NUMBERS)
    assert [latencies.of(outcome.record) for outcome in batch.outcomes] == [1.0, 1.0, 1.0, None]


@pytest.mark.parametrize("handler", [halve_async, halve_in_future, HalveAsync()])
def test_the_time_of_an_async_handler_ends_when_it_has_ended(handler: Any) -> None:
    latencies = Latencies()
    layered = pipe(handler, timed(latencies, clock=Ticking()))
    batch = asyncio.run(fold_batch_async(sqs_event(4, -1), layered, NUMBERS, max_concurrency=1))
    assert [latencies.of(outcome.record) for outcome in batch.outcomes] == [1.0, 1.0]
    assert [type(outcome).__name__ for outcome in batch.outcomes] == ["Succeeded", "Failed"]


def test_what_returns_a_future_result_still_does() -> None:
    layered = timed(Latencies())(halve_in_future)
    assert asyncio.run(layered(SqsRecord({}, 8)).map(lambda value: value * 2).awaitable()) == IOSuccess(8)


def test_attempts_at_one_record_add_up() -> None:
    latencies = Latencies()
    attempt = timed(latencies, clock=Ticking())(halve)

    def try_twice(record: SqsRecord[int]) -> Result[int, str]:
        first = attempt(record)
        return first if isinstance(first, Success) else attempt(record)

    batch = fold_batch(sqs_event(-4), try_twice, NUMBERS)
    assert latencies.of(batch.failed[0].record) == 2.0


def test_what_tell_raises_is_logged_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def tell(_record: object, _seconds: float) -> None:
        raise OSError("the metrics are down")

    assert process_batch(sqs_event(4), timed(tell)(halve), NUMBERS) == {"batchItemFailures": []}
    assert "tell raised" in caplog.text


def test_a_route_without_handlers_rejects_every_record() -> None:
    handlers: dict[int, Callable[[SqsRecord[int]], Result[int, str]]] = {}
    (failed,) = fold_batch(sqs_event(4), route(lambda record: record.body, handlers), NUMBERS).failed
    assert "there are routes for nothing" in str(failed.fault.error)


# ------------------------------------------------------------ the Lambda context
def tells_the_time(record: SqsRecord[int], context: LambdaContext) -> Result[int, str]:
    return Success(record.body + context.get_remaining_time_in_millis())


async def tells_the_time_later(record: SqsRecord[int], context: LambdaContext) -> Result[int, str]:
    return tells_the_time(record, context)


def by_body(handler: Any) -> Any:
    def body(record: SqsRecord[int]) -> int:
        return record.body

    return route(body, {4: handler})


@pytest.mark.parametrize("handler", [tells_the_time, tells_the_time_later])
@pytest.mark.parametrize("layer", [only(is_even), timed(Latencies()), checked, by_body])
def test_a_layer_hands_on_the_lambda_context(handler: Any, layer: Any) -> None:
    values: list[object] = []

    def count(batch: AnyBatch) -> None:
        values.extend(each.value for each in batch.succeeded)

    as_lambda_handler(layer(handler), NUMBERS, then=count)(sqs_event(4), FakeContext(timeout_seconds=1))
    assert values == [1_004]
