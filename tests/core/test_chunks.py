"""`in_chunks`: handlers that take several records at once."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, NamedTuple, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.io import IOResult
from returns.result import Failure, Result, Success

from batchfold import (
    Batch,
    Crashed,
    Failed,
    Malformed,
    SqsRecord,
    as_lambda_handler,
    by_message_group,
    by_partition_key,
    chain,
    each_record,
    fold_batch,
    fold_batch_async,
    in_chunks,
    kinesis,
    only,
    pipe,
    process_batch,
    route,
    sqs,
)
from batchfold.core.settling import caused_by, dead_letter
from batchfold.testing import SqsMessage, kinesis_event, sqs_event

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")

Fate = Literal["done", "rejected", "malformed", "nonsense"]


class Told(NamedTuple):
    lane: str
    fate: Fate
    settles: bool


TOLD = st.lists(
    st.builds(Told, st.sampled_from("ABC"), st.sampled_from(get_args(Fate)), st.booleans()), min_size=1, max_size=10
)
LANES = st.sampled_from((each_record, by_message_group))


def event_of(told: Sequence[Told]) -> dict[str, Any]:
    return sqs_event(
        *(
            SqsMessage(f"{'x' * (each.fate == 'malformed')}{position}", message_group_id=each.lane)
            for position, each in enumerate(told)
        )
    )


class User:
    """One and the same user, record by record and in chunks."""

    def __init__(self, told: Sequence[Told]) -> None:
        self.told = told
        self.chunks: list[list[int]] = []
        self.sent: list[str] = []

    def handle(self, record: SqsRecord[int]) -> Any:
        match self.told[record.body].fate:
            case "done":
                return Success(record.body)
            case "rejected":
                return Failure("out of stock")
            case _:
                return None

    def handle_chunk(self, records: Sequence[SqsRecord[int]]) -> Sequence[Any]:
        self.chunks.append([record.body for record in records])
        return [self.handle(record) for record in records]

    def settle(self, failed: Failed[str, SqsRecord]) -> Result[None, None]:
        if not self.told[int(failed.record.body.lstrip("x"))].settles:
            return Failure(None)
        self.sent.append(failed.record.body)
        return Success(None)


def kinds_and_faults(batch: Batch[Any, Any, Any]) -> list[tuple[str, str]]:
    return [(type(outcome).__name__, repr(getattr(outcome, "fault", ""))) for outcome in batch.outcomes]


def sequentially(*given: Any, **options: Any) -> Batch[Any, Any]:
    return fold_batch(*given, **options)


def in_threads(*given: Any, **options: Any) -> Batch[Any, Any]:
    with ThreadPoolExecutor(3) as executor:
        return fold_batch(*given, executor=executor, **options)


every_way = pytest.mark.parametrize("run", [sequentially, in_threads])
Run = Callable[..., Batch[Any, Any]]


@every_way
@given(told=TOLD, size=st.integers(1, 5), lane=LANES)
def test_chunks_come_to_what_the_records_come_to_one_by_one(run: Run, told: list[Told], size: int, lane: Any) -> None:
    one_by_one, chunked = User(told), User(told)
    source = sqs(decode=int, lane=lane)
    expected = fold_batch(event_of(told), one_by_one.handle, source, settle=one_by_one.settle)
    batch = run(event_of(told), in_chunks(chunked.handle_chunk, size=size), source, settle=chunked.settle)
    assert kinds_and_faults(batch) == kinds_and_faults(expected)
    assert batch.response == expected.response
    assert sorted(chunked.sent) == sorted(one_by_one.sent)


@every_way
@given(told=TOLD, size=st.integers(1, 5))
def test_a_chunk_holds_one_record_of_a_lane_and_lanes_keep_their_order(run: Run, told: list[Told], size: int) -> None:
    user = User(told)
    run(event_of(told), in_chunks(user.handle_chunk, size=size), sqs(decode=int, lane=by_message_group))
    for chunk in user.chunks:
        assert 0 < len(chunk) <= size
        assert max(Counter(told[position].lane for position in chunk).values()) == 1
    handled = [position for chunk in user.chunks for position in chunk]
    assert len(set(handled)) == len(handled)
    for lane in "ABC":
        of_lane = [position for position in handled if told[position].lane == lane]
        assert of_lane == sorted(of_lane)


class Lazy(Sequence[Any]):
    """A list of results that cannot be read after all."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: Any) -> Any:
        raise OSError("the cursor is closed")


def raises() -> Any:
    raise OSError("no table")


NONSENSE: dict[str, Callable[[], Any]] = {
    "nothing": lambda: None,
    "too few": lambda: [Success(None)],
    "too many": lambda: [Success(None)] * 3,
    "one for all": lambda: Success(None),
    "text": lambda: "ok",
    "a generator": lambda: (Success(None) for _ in range(2)),
    "a lazy list": Lazy,
    "an exception": raises,
}


@every_way
@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE)
def test_a_handler_that_does_not_answer_for_each_record_fails_its_chunk_and_no_other(
    run: Run, nonsense: Callable[[], Any]
) -> None:
    def handle(records: Sequence[SqsRecord[int]]) -> Any:
        return nonsense() if records[0].body == 2 else [Success(None)] * len(records)

    batch = run(sqs_event(0, 1, 2, 3, 4, 5), in_chunks(handle, size=2), sqs(int))
    assert [type(outcome).__name__ for outcome in batch.outcomes] == [
        *["Succeeded"] * 2,
        *["Failed"] * 2,
        *["Succeeded"] * 2,
    ]
    assert all(isinstance(failed.fault, Crashed) for failed in batch.failed)


def test_a_record_without_a_result_of_its_own_fails_alone() -> None:
    def handle(records: Sequence[SqsRecord[int]]) -> Any:
        return [None if record.body == 1 else Success(None) for record in records]

    batch = fold_batch(sqs_event(0, 1, 2), in_chunks(handle, size=3), sqs(int))
    assert [type(outcome).__name__ for outcome in batch.outcomes] == ["Succeeded", "Failed", "Succeeded"]


def test_the_results_may_be_io_results() -> None:
    def handle(records: Sequence[SqsRecord[int]]) -> Sequence[IOResult[int, str]]:
        return tuple(IOResult.from_value(record.body) for record in records)

    batch = fold_batch(sqs_event(0, 1), in_chunks(handle, size=2), sqs(int))
    assert [succeeded.value for succeeded in batch.succeeded] == [0, 1]


def test_payloads_that_do_not_parse_are_out_already() -> None:
    seen: list[list[int]] = []

    def handle(records: Sequence[SqsRecord[int]]) -> list[Result[None, str]]:
        seen.append([record.body for record in records])
        return [Success(None)] * len(records)

    batch = fold_batch(sqs_event(0, "?", 2, "?"), in_chunks(handle, size=2), sqs(int))
    assert seen == [[0], [2]]
    assert all(isinstance(failed.fault, Malformed) for failed in batch.failed)


def test_a_chunk_of_payloads_that_do_not_parse_does_not_reach_the_handler() -> None:
    def handle(records: Sequence[SqsRecord[int]]) -> list[Result[None, str]]:
        raise AssertionError(records)

    assert len(fold_batch(sqs_event("?", "?"), in_chunks(handle, size=2), sqs(int)).failed) == 2


def write_all(records: Sequence[Any]) -> list[Result[None, str]]:
    return [Success(None)] * len(records)


def test_on_a_stream_a_lane_must_be_chosen() -> None:
    event = kinesis_event("1", "2", "3")
    with pytest.raises(ValueError, match="lane=each_record"):
        process_batch(event, in_chunks(write_all, size=2), kinesis(int))
    for lane in (each_record, by_partition_key):
        assert process_batch(event, in_chunks(write_all, size=2), kinesis(int, lane=lane)) == {"batchItemFailures": []}


def test_on_a_fifo_queue_a_lane_must_be_chosen() -> None:
    event = sqs_event(1, 2, fifo=True)
    with pytest.raises(ValueError, match="lane=by_message_group"):
        process_batch(event, in_chunks(write_all, size=2), sqs(int))
    assert process_batch(event, in_chunks(write_all, size=2), sqs(int, lane=by_message_group)) == {
        "batchItemFailures": []
    }


@pytest.mark.parametrize("size", [0, -1])
def test_a_chunk_of_nothing_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        in_chunks(write_all, size=size)


def test_a_failed_record_of_a_chunk_is_settled_like_any_other() -> None:
    def handle(records: Sequence[SqsRecord[int]]) -> list[Result[None, str]]:
        return [Failure("out of stock") if record.body == 1 else Success(None) for record in records]

    settle = dead_letter(lambda _failed: Success(None), when=caused_by(str))
    batch = fold_batch(sqs_event(0, 1, 2), in_chunks(handle, size=3), sqs(int), settle=settle)
    assert [type(outcome).__name__ for outcome in batch.outcomes] == ["Succeeded", "Settled", "Succeeded"]


def only_all(handler: Any) -> Any:
    untyped: Any = only
    return untyped(bool)(handler)


def routed(handler: Any) -> Any:
    untyped: Any = route
    return untyped(len, {1: handler})


@pytest.mark.parametrize("layer", [only_all, routed])
def test_our_layers_and_chains_refuse_a_handler_of_chunks(layer: Any) -> None:
    with pytest.raises(TypeError, match="got one made by in_chunks"):
        layer(in_chunks(write_all, size=2))
    with pytest.raises(TypeError, match="got one made by in_chunks"):
        chain(in_chunks(write_all, size=2), Success)


def test_a_layer_of_the_users_around_chunks_fails_each_record_and_makes_no_chunks_of_one() -> None:
    def layered(handler: Any) -> Any:
        def handle(record: Any) -> Any:
            return handler(record)

        return handle

    chunks: list[int] = []

    def handle(records: Sequence[SqsRecord[int]]) -> list[Result[None, str]]:
        chunks.append(len(records))
        return write_all(records)

    batch = fold_batch(sqs_event(0, 1), pipe(in_chunks(handle, size=2), layered), sqs(int))
    assert [str(failed.fault.error).partition(",")[0] for failed in batch.failed] == [
        "a handler made by in_chunks was given one record"
    ] * 2
    assert not chunks


def test_on_a_stream_without_a_lane_chunks_are_refused_when_the_function_is_made() -> None:
    with pytest.raises(ValueError, match="lane=each_record"):
        as_lambda_handler(in_chunks(write_all, size=2), kinesis(int))


async def write_all_later(records: Sequence[SqsRecord[int]]) -> list[Result[int, str]]:
    await asyncio.sleep(0)
    return [Failure("odd") if record.body % 2 else Success(record.body) for record in records]


@given(bodies=st.lists(st.integers() | st.just("?"), min_size=1, max_size=12), size=st.integers(1, 5))
def test_an_async_handler_of_chunks_comes_to_the_same(bodies: list[Any], size: int) -> None:
    def write(records: Sequence[SqsRecord[int]]) -> list[Result[int, str]]:
        return [Failure("odd") if record.body % 2 else Success(record.body) for record in records]

    event = sqs_event(*bodies)
    expected = fold_batch(event, in_chunks(write, size=size), sqs(int))
    batch = asyncio.run(fold_batch_async(event, in_chunks(write_all_later, size=size), sqs(int)))
    assert kinds_and_faults(batch) == kinds_and_faults(expected)
    function = as_lambda_handler(in_chunks(write_all_later, size=size), sqs(int), raise_on="never")
    assert function(event, None) == expected.response
