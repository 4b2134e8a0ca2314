"""`observe_all`, `measures_of` and `Latencies`: what a batch came to, for those who watch."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from returns.result import Failure, Result, Success

from batchfold import (
    Outcome,
    SqsRecord,
    by_message_group,
    fold_batch,
    fold_batch_async,
    in_chunks,
    pipe,
    process_batch,
    sqs,
)
from batchfold.core.settling import caused_by, discard
from batchfold.shell.observing import Latencies, Measures, measures_of, observe_all, timed
from batchfold.testing import SqsMessage, sqs_event


def reserve(record: SqsRecord[int]) -> Result[int, str]:
    if record.body == 0:
        raise TimeoutError
    return Success(record.body) if record.body > 0 else Failure("negative")


async def reserve_async(record: SqsRecord[int]) -> Result[int, str]:
    await asyncio.sleep(0)
    return reserve(record)


def down(_outcome: object) -> None:
    raise OSError("the metrics are down")


# ------------------------------------------------------------ observe_all
def test_an_async_observer_is_refused_for_nobody_would_await_it() -> None:
    async def observe(_outcome: object) -> None:
        raise NotImplementedError

    with pytest.raises(TypeError, match="expected functions that return at once"):
        observe_all(print, observe)
    with pytest.raises(TypeError, match="expected one that returns at once"):
        process_batch(sqs_event(1), reserve, sqs(int), observe=observe)


def test_an_observer_may_leave_its_work_to_others() -> None:
    told: list[object] = []

    with ThreadPoolExecutor(1) as executor:

        def observe(outcome: object) -> Future[None]:
            return executor.submit(told.append, outcome)

        process_batch(sqs_event(1), reserve, sqs(int), observe=observe_all(observe, observe))
    assert len(told) == 2


def test_every_observer_is_told_every_outcome_in_the_order_given() -> None:
    told: list[tuple[str, str]] = []

    def tell(name: str) -> Callable[[object], None]:
        return lambda outcome: told.append((name, type(outcome).__name__))

    process_batch(sqs_event(1, -1), reserve, sqs(int), observe=observe_all(tell("a"), tell("b")))
    assert told == [("a", "Succeeded"), ("b", "Succeeded"), ("a", "Failed"), ("b", "Failed")]


def test_an_observer_that_raises_keeps_no_other_from_being_told(caplog: pytest.LogCaptureFixture) -> None:
    told: list[Outcome[int, str, SqsRecord]] = []
    response = process_batch(sqs_event(1), reserve, sqs(int), observe=observe_all(down, told.append, down))
    assert response == {"batchItemFailures": []}
    assert len(told) == 1
    assert caplog.text.count("OSError: the metrics are down") == 2


def test_what_one_observer_raises_is_raised_as_it_is() -> None:
    with pytest.raises(OSError, match="down"):
        observe_all(down)(None)
    with pytest.raises(ExceptionGroup):
        observe_all(down, down)(None)


def test_no_observers_are_none() -> None:
    observe: Callable[[object], None] = observe_all()
    observe(None)


# ------------------------------------------------------------ measures
EVENT = sqs_event(
    *(
        SqsMessage(body, message_group_id=group)
        for body, group in ((1, "A"), (-1, "A"), (2, "A"), (0, "B"), ("?", "C"), (3, "C"))
    )
)
SOURCE = sqs(int, lane=by_message_group)


def test_outcomes_are_counted_by_kind_and_by_fault() -> None:
    batch = fold_batch(EVENT, reserve, SOURCE, settle=discard(when=caused_by(ValueError)))
    measures = measures_of(batch)
    assert measures == Measures(
        succeeded=2, settled=1, failed=2, unprocessed=1, malformed=1, rejected=1, crashed=1, seconds=()
    )
    assert sum(measures[:4]) == len(batch)
    assert measures.counts() == {
        "succeeded": 2,
        "settled": 1,
        "failed": 2,
        "unprocessed": 1,
        "malformed": 1,
        "rejected": 1,
        "crashed": 1,
    }


def test_measures_cannot_be_changed() -> None:
    measures: Any = measures_of(fold_batch(EVENT, reserve, SOURCE))
    with pytest.raises(AttributeError):
        measures.failed = 0


def test_latencies_are_those_of_the_handlers_that_were_called() -> None:
    latencies = Latencies()
    batch = fold_batch(EVENT, pipe(reserve, timed(latencies)), SOURCE)
    by_kind = [latencies.of(outcome.record) is not None for outcome in batch.outcomes]
    # the third waited behind the second, the fifth would not parse, and the sixth waited behind it
    assert by_kind == [True, True, False, True, False, False]
    assert len(measures_of(batch, latencies).seconds) == 3


def test_latencies_are_each_record_s_own_where_lanes_run_side_by_side() -> None:
    latencies, event = Latencies(), sqs_event(*range(1, 6))

    async def slow(record: SqsRecord[int]) -> Result[int, str]:
        await asyncio.sleep(record.body / 100)
        return Success(record.body)

    batch = asyncio.run(fold_batch_async(event, pipe(slow, timed(latencies)), sqs(int)))
    for body, seconds in zip(range(1, 6), measures_of(batch, latencies).seconds, strict=True):
        assert seconds >= body / 100 * 0.9

    threaded = Latencies()
    with ThreadPoolExecutor(2) as executor:
        fold_batch(event, pipe(reserve, timed(threaded)), sqs(int), executor=executor)
    assert all(threaded.of(outcome.record) is not None for outcome in batch.outcomes)
    assert measures_of(batch, Latencies()).seconds == ()


def test_latencies_of_one_event_are_not_those_of_another() -> None:
    latencies = Latencies()
    fold_batch(sqs_event(1), pipe(reserve, timed(latencies)), sqs(int))
    again = fold_batch(sqs_event(1), reserve, sqs(int))
    assert latencies.of(again.outcomes[0].record) is None


# ------------------------------------------------------------ timed
async def tell_later(_record: object, _seconds: float) -> None:
    raise NotImplementedError


def test_an_async_tell_is_refused_for_nobody_would_await_it() -> None:
    with pytest.raises(TypeError, match="timed got an async function, expected one that returns at once"):
        timed(tell_later)


def test_a_tell_that_is_down_is_logged_three_times_and_then_counted(caplog: pytest.LogCaptureFixture) -> None:
    def tell(_record: object, _seconds: float) -> None:
        raise OSError("the metrics are down")

    process_batch(sqs_event(*[1] * 20), timed(tell)(reserve), sqs(int))
    said = "timed: tell raised; the outcome of the record stands"
    assert [record.getMessage() for record in caplog.records] == [
        *[said] * 3,
        f"{said} (10 times so far, now OSError: the metrics are down)",
    ]


def test_a_tell_for_records_of_any_payload_takes_those_of_one() -> None:
    told: list[str] = []

    def tell(record: SqsRecord[object], _seconds: float) -> None:
        told.append(record.message_id)

    process_batch(sqs_event(1, 2), pipe(reserve, timed(tell)), sqs(int))
    assert len(told) == 2


def reserve_all(records: list[SqsRecord[int]]) -> list[Result[int, str]]:
    return list(map(reserve, records))


async def reserve_all_later(records: list[SqsRecord[int]]) -> list[Result[int, str]]:
    return reserve_all(records)


def test_chunks_stay_chunks_and_each_record_is_told_the_time_of_its_chunk() -> None:
    def clock() -> Callable[[], float]:
        return iter(range(100)).__next__

    event, threes = sqs_event(1, 2, 3, -4), Latencies()
    batch = fold_batch(event, pipe(in_chunks(reserve_all, size=3), timed(threes, clock=clock())), sqs(int))
    assert [type(outcome).__name__ for outcome in batch.outcomes] == [*["Succeeded"] * 3, "Failed"]
    assert measures_of(batch, threes).seconds == (1, 1, 1, 1)

    twos = Latencies()
    chunks = pipe(in_chunks(reserve_all_later, size=2), timed(twos, clock=clock()))
    later = asyncio.run(fold_batch_async(event, chunks, sqs(int), max_concurrency=1))
    assert later == batch
    assert measures_of(later, twos).seconds == (1, 1, 1, 1)
