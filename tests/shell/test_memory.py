"""No reference cycle keeps an event in memory once the function has returned, however its records failed."""

import gc
import logging
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from returns.result import Failure, Result, Success, safe

from batchfold import Failed, SqsRecord, as_lambda_handler, chain, discard, in_chunks, only, pipe, sqs
from batchfold.testing import sqs_event


class Event(dict[str, Any]):
    """An event that can be referred to weakly."""


def reserve_or_raise(record: SqsRecord[str]) -> int:
    if record.body.startswith("bad"):
        raise LookupError(record.body)
    return len(record.body)


def crash(record: SqsRecord[str]) -> Result[int, str]:
    return Success(reserve_or_raise(record))


async def crash_later(record: SqsRecord[str]) -> Result[int, str]:
    return crash(record)


def reserve_all(records: Sequence[SqsRecord[str]]) -> list[Result[int, Exception]]:
    return [safe(reserve_or_raise)(record) for record in records]


async def reserve_all_later(records: Sequence[SqsRecord[str]]) -> list[Result[int, Exception]]:
    return reserve_all(records)


def settle(failed: Failed[Any, SqsRecord]) -> Result[None, Exception]:
    return Failure(OSError()) if failed.record.body == "bad 2" else Success(None)


def ignore(_outcome: Any) -> None: ...


def never(_failed: Any) -> bool:
    return False


def is_wanted(_record: SqsRecord[str]) -> bool:
    return True


EXECUTOR = ThreadPoolExecutor(2)
UNTYPED: Any = as_lambda_handler
FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "returns a Failure": UNTYPED(safe(reserve_or_raise), sqs()),
    "raises": UNTYPED(crash, sqs()),
    "is malformed": UNTYPED(crash, sqs(int), raise_on="never"),
    "is async": UNTYPED(crash_later, sqs()),
    "in threads": UNTYPED(crash, sqs(), executor=EXECUTOR),
    "in chunks": UNTYPED(in_chunks(reserve_all, size=3), sqs()),
    "in chunks, async": UNTYPED(in_chunks(reserve_all_later, size=3), sqs()),
    "with every option": UNTYPED(crash, sqs(), settle=settle, observe=ignore, stop_when=never),
    "settled": UNTYPED(crash, sqs(), settle=discard(when=lambda _failed: True)),
    "under layers": UNTYPED(pipe(chain(safe(reserve_or_raise), Success, Success), only(is_wanted)), sqs()),
}


@pytest.fixture(autouse=True)
def _without_the_cyclic_collector() -> Iterator[None]:
    logging.disable()  # pytest keeps what is logged, with its exceptions
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    logging.disable(logging.NOTSET)


def failures_alive() -> list[object]:
    return [each for each in gc.get_objects() if isinstance(each, LookupError | Failed)]


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_an_event_whose_records_failed_is_freed_when_the_function_has_returned(
    function: Callable[[Any, Any], Any],
) -> None:
    function(sqs_event("good", "bad 1"), None)  # the first call imports
    earlier = {id(each): each for each in failures_alive()}  # of tests that ran before in this process
    event = Event(sqs_event("good", "bad 1", "good", "bad 2"))
    body, alive = event["Records"][1]["body"], weakref.ref(event)
    assert body == "bad 1"
    function(event, None)
    del event
    assert alive() is None
    assert not [each for each in failures_alive() if id(each) not in earlier]
