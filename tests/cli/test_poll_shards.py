"""Shards and their checkpoint, without a service: parents and children, iterators that end, retries and bisecting."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from batchfold.cli.account import Answered, Call, Delivered, RefusedError
from batchfold.cli.aws import Aws
from batchfold.cli.checkpoint import Checkpoint, checkpoint_in
from batchfold.cli.environment import Environment
from batchfold.cli.poll_board import Board
from batchfold.cli.poll_stream import poll_stream
from batchfold.cli.polling import Poller
from batchfold.cli.shard import Shard, StreamMapping
from batchfold.cli.stopping import Stopping
from batchfold.cli.stream_apis import After, Page, Place, ShardFacts, Since, Start, StreamApi, StreamRecord
from batchfold.testing import CompleteFailure, CompleteSuccess, PartialFailure

ARN = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders"


class RefusedByAws(Exception):  # noqa: N818  # stands for botocore's ClientError
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code, "Message": "no"}}


@dataclass
class Fake(StreamApi):
    """A stream whose closed shards hold these sequence numbers. An iterator is the shard and the next number in it."""

    parents: Mapping[str, Sequence[str]]
    numbers: Mapping[str, Sequence[int]]
    appear: Mapping[str, int] = field(default_factory=dict[str, int])
    """After how many calls of `shards` a shard is there."""
    refuse: list[str] = field(default_factory=list[str])
    """The codes with which the next calls of `page` are refused."""
    trimmed_before: int = 0
    begun_at: list[tuple[str, Place]] = field(default_factory=list[tuple[str, Place]])
    listed: int = 0

    seconds_between_reads = 0.0
    empty_reads_at_the_end = 1
    begins_at_times = False
    client = None
    name = "stream orders"
    title = "Kinesis stream orders"
    arn = ARN

    def shards(self) -> list[ShardFacts]:
        self.listed += 1
        there = [shard for shard in self.parents if self.appear.get(shard, 0) < self.listed]
        return [ShardFacts(shard, frozenset(self.parents[shard])) for shard in there]

    def iterator(self, shard_id: str, place: Place) -> str | None:
        self.begun_at.append((shard_id, place))
        first = 0
        if isinstance(place, After):
            if int(place.sequence_number) < self.trimmed_before:
                raise RefusedByAws("TrimmedDataAccessException")
            first = sum(number <= int(place.sequence_number) for number in self.numbers[shard_id])
        return f"{shard_id}/{first}"

    def page(self, shard_id: str, iterator: str) -> Page:
        if self.refuse:
            raise RefusedByAws(self.refuse.pop(0))
        at = int(iterator.rpartition("/")[2])
        numbers = self.numbers[shard_id][at : at + 2]
        records = [StreamRecord(str(number), {"n": number}, float(number)) for number in numbers]
        is_over = at + 2 >= len(self.numbers[shard_id])
        return Page(records, None if is_over else f"{shard_id}/{at + 2}", None)


class Answering(Environment):
    """Stands for the environment: it notes what it is called with, and answers that everything is done."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def invoke(self, event: Any, *, is_invocation: bool = False) -> Call:
        assert not is_invocation
        self.seen += [raw["n"] for raw in event["Records"]]
        return Call(delivered=DELIVERED, ending=DONE)


DELIVERED = Delivered(source="", origin="", keeps="stream", by_pipe=False, names=[], keys=[], answers_partially=True)
DONE = Answered(
    response="null",
    kind="NoneType",
    is_partial=False,
    has_failures=False,
    is_awaitable=False,
    failed_because=None,
    named=[],
    strangers=[],
    is_as_source_says=None,
)


def polled(api: Fake, checkpoint: Checkpoint, start: Start = "TRIM_HORIZON") -> list[int]:
    """Poll until every shard is read to its end, and return what was delivered."""
    board = Board("title", "shard", console=Console(file=StringIO()))
    answering = Answering()
    poller = Poller(
        board=board,
        stopping=Stopping(),
        report_batch_item_failures=True,
        most_batches=None,
        until_empty=True,
        environment=answering,
    )
    aws = Aws("the test", "poll", region=None, endpoint_url=None)
    poll_stream(poller, aws, api, StreamMapping(), checkpoint, start)
    return answering.seen


def nothing_kept(since: float | None = None) -> Checkpoint:
    return Checkpoint(None, ARN, since)


# ------------------------------------------------------------ parents and children
def test_a_child_is_read_after_its_parents() -> None:
    api = Fake(
        parents={"d": ["b", "c"], "b": ["a"], "c": ["a"], "a": ["long gone"]},
        numbers={"a": [1, 2, 3], "b": [5, 9], "c": [4, 6, 7], "d": [10, 11]},
    )
    checkpoint = nothing_kept()
    seen = polled(api, checkpoint)
    assert sorted(seen) == [1, 2, 3, 4, 5, 6, 7, 9, 10, 11]
    assert seen[:3] == [1, 2, 3]
    assert seen[-2:] == [10, 11]
    assert checkpoint.finished == {"a", "b", "c", "d"}


def test_children_that_appear_once_their_parent_is_at_its_end_are_read_whole() -> None:
    api = Fake(parents={"a": [], "b": ["a"]}, numbers={"a": [1], "b": [2, 3]}, appear={"b": 1})
    assert polled(api, nothing_kept(since=0.0), "LATEST") == [1, 2, 3]
    assert dict(api.begun_at) == {"a": "LATEST", "b": "TRIM_HORIZON"}


def test_finished_shards_are_not_read_again() -> None:
    api = Fake(parents={"a": [], "b": ["a"]}, numbers={"a": [1], "b": [2, 3]})
    checkpoint = nothing_kept()
    checkpoint.finished.add("a")
    checkpoint.after["b"] = "2"
    assert polled(api, checkpoint) == [3]


# ------------------------------------------------------------ iterators
def test_an_iterator_that_has_expired_is_made_anew() -> None:
    api = Fake(parents={"a": []}, numbers={"a": [1, 2, 3]}, refuse=["ExpiredIteratorException"])
    assert polled(api, nothing_kept()) == [1, 2, 3]


def test_what_is_past_its_retention_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    api = Fake(parents={"a": []}, numbers={"a": [7, 8]}, trimmed_before=5)
    checkpoint = nothing_kept()
    checkpoint.after["a"] = "3"
    assert polled(api, checkpoint) == [7, 8]
    assert "past its retention" in capsys.readouterr().out


def test_any_other_refusal_ends_the_command() -> None:
    api = Fake(parents={"a": []}, numbers={"a": [1]}, refuse=["KMSAccessDeniedException"])
    with pytest.raises(RefusedByAws):
        polled(api, nothing_kept())


def test_a_run_that_is_continued_from_latest_leaves_out_what_was_there_before() -> None:
    api = Fake(parents={"a": []}, numbers={"a": [100, 200, 300]})
    checkpoint = nothing_kept(since=200.0)
    checkpoint.is_continued = True
    assert polled(api, checkpoint) == [200, 300]
    assert api.begun_at == [("a", Since(200.0))]


# ------------------------------------------------------------ one shard
RAW = {"eventSourceARN": ARN}


def shard_with(count: int, mapping: StreamMapping) -> Shard:
    shard = Shard(ShardFacts("shardId-000000000007", frozenset()), mapping, "TRIM_HORIZON")
    shard.take([StreamRecord(str(98 + at), {}, 0.0) for at in range(count)], now=0.0, wall=0.0)
    return shard


@given(
    st.integers(1, 30),
    st.integers(1, 12),
    st.booleans(),
    st.sampled_from([-1, 0, 1, 3]),
    st.lists(st.one_of(st.just("done"), st.just("failed"), st.integers(0, 12)), max_size=40),
)
def test_the_checkpoint_is_behind_every_record_that_is_not_done_with(
    count: int,
    size: int,
    bisect: bool,  # noqa: FBT001
    retries: int,
    answers: list[str | int],
) -> None:
    mapping = StreamMapping(batch_size=size, bisect_batch_on_function_error=bisect, maximum_retry_attempts=retries)
    shard = shard_with(count, mapping)
    shard.is_read_up = True
    now, finished, before = 0.0, set[str](), 0
    while (due_at := shard.due_at()) is not None:
        now = max(now, due_at)
        finished.update(name for each in shard.make_batch(now) for name in each.item_ids)
        delivery = shard.delivery
        if delivery is None:
            continue
        answer = answers.pop(0) if answers else "done"
        delivered = [record.name for record in delivery.records]
        reading: CompleteFailure | CompleteSuccess | PartialFailure = CompleteSuccess()
        if answer == "failed":
            reading = CompleteFailure("it raised")
        elif isinstance(answer, int):
            reading = PartialFailure(frozenset([delivery.positions[answer % len(delivered)]]))
        settled = shard.answer(reading, now=now, is_unhandled=answer == "failed")
        assert settled.done == set(delivered) - settled.back - settled.gone
        finished |= settled.gone | settled.done
        not_yet = [98 + at for at in range(count) if str(98 + at) not in finished]
        up_to = shard.done_up_to
        assert (up_to is None) == (98 in not_yet)
        if up_to is not None:
            assert int(up_to) == (min(not_yet) if not_yet else 98 + count) - 1
            assert int(up_to) >= before
            before = int(up_to)
    assert shard.is_finished
    assert finished == {str(98 + at) for at in range(count)}


@given(
    st.lists(st.integers(0, 100), min_size=1, max_size=20),
    st.integers(1, 6),
    st.sampled_from([-1, 0, 2]),
    st.lists(st.one_of(st.just("done"), st.just("failed"), st.integers(0, 5)), max_size=40),
)
def test_in_windows_the_checkpoint_moves_when_one_is_finished(
    arrivals: list[int], size: int, retries: int, answers: list[str | int]
) -> None:
    """Arrival times need not be in order. The state counts each record once, and a window waits for its end."""
    mapping = StreamMapping(batch_size=size, maximum_retry_attempts=retries, tumbling_window_in_seconds=10)
    shard = Shard(ShardFacts("s", frozenset()), mapping, "TRIM_HORIZON")
    shard.take([StreamRecord(str(at), RAW, float(each)) for at, each in enumerate(arrivals)], now=0.0, wall=200.0)
    now, finished, begun = 0.0, list[str](), list[str]()
    while not shard.is_at_rest:
        due_at = shard.due_at()
        if due_at is None:
            assert shard.window_ends_at is not None
            assert not shard.is_at_rest
            shard.note_end(asked_at=shard.window_ends_at + 1, reads_needed=1)
            continue
        now = max(now, due_at)
        finished += [name for each in shard.make_batch(now) for name in each.item_ids]
        if (delivery := shard.delivery) is None:
            continue
        assert delivery.event["state"].get("names", []) == begun
        delivered = [record.name for record in delivery.records]
        answer = answers.pop(0) if answers else "done"
        reading: CompleteFailure | CompleteSuccess | PartialFailure = CompleteSuccess()
        took = delivered
        if answer == "failed":
            reading, took = CompleteFailure("it raised"), []
        elif isinstance(answer, int) and delivered:
            first = answer % len(delivered)
            reading, took = PartialFailure(frozenset([delivery.positions[first]])), delivered[:first]
        settled = shard.answer(reading, now=now, is_unhandled=False, state={"names": [*begun, *took]})
        assert settled.window is not None
        begun = [] if settled.window.is_finished else [*begun, *took]
        assert settled.window.counted == set(begun)
        finished += sorted([*settled.done, *settled.gone], key=int)
        not_yet = [at for at in range(len(arrivals)) if str(at) not in finished]
        first_left = min(not_yet, default=len(arrivals))
        assert shard.done_up_to == (str(first_left - 1) if first_left else None)
    assert sorted(finished, key=int) == [str(at) for at in range(len(arrivals))]
    assert retries >= 0 or finished == sorted(finished, key=int)


def test_a_record_beyond_its_end_finishes_a_window_with_the_last_records() -> None:
    mapping = StreamMapping(batch_size=2, tumbling_window_in_seconds=10, maximum_batching_window_in_seconds=60)
    shard = Shard(ShardFacts("s", frozenset()), mapping, "TRIM_HORIZON")
    shard.take([StreamRecord("1", RAW, 12.0)], now=1.0, wall=20.0)
    assert shard.due_at() == 61.0
    shard.take([StreamRecord("2", RAW, 21.0)], now=2.0, wall=21.0)
    assert shard.due_at() == 0.0
    shard.make_batch(2.0)
    assert shard.delivery is not None
    assert [record.name for record in shard.delivery.records] == ["1"]
    assert shard.delivery.event["isFinalInvokeForWindow"] is True
    shard.answer(CompleteSuccess(), now=2.0, is_unhandled=False, state={})
    assert (shard.due_at(), shard.done_up_to) == (62.0, "1")


@pytest.mark.parametrize(("asked_at", "due_at"), [(20.0, None), (20.9, None), (21.0, 0.0)])
def test_the_clock_ends_a_window_once_the_end_of_the_shard_was_read_after_it(
    asked_at: float, due_at: float | None
) -> None:
    shard = Shard(ShardFacts("s", frozenset()), StreamMapping(tumbling_window_in_seconds=10), "TRIM_HORIZON")
    shard.take([StreamRecord("1", RAW, 12.0)], now=0.0, wall=12.0)
    shard.make_batch(0.0)
    shard.answer(CompleteSuccess(), now=0.0, is_unhandled=False, state={})
    for at in (asked_at, 30.0):
        shard.note_end(asked_at=at, reads_needed=2)
    assert shard.is_idle
    assert shard.due_at() == due_at
    shard.note_end(asked_at=None, reads_needed=2)
    assert not shard.is_idle


def test_a_closed_shard_finishes_its_window() -> None:
    shard = Shard(ShardFacts("s", frozenset()), StreamMapping(tumbling_window_in_seconds=10), "TRIM_HORIZON")
    shard.take([StreamRecord("1", RAW, 12.0)], now=0.0, wall=12.0)
    shard.make_batch(0.0)
    shard.answer(CompleteSuccess(), now=0.0, is_unhandled=False, state={"n": 1})
    assert shard.due_at() is None
    shard.is_read_up = True
    assert not shard.is_finished
    assert shard.due_at() == 0.0
    shard.make_batch(0.0)
    assert shard.delivery is not None
    assert (shard.delivery.event["Records"], shard.delivery.event["state"]) == ([], {"n": 1})
    shard.answer(CompleteSuccess(), now=0.0, is_unhandled=False, state={})
    assert shard.is_finished


def test_a_batch_is_due_when_it_is_full_or_its_window_is_over() -> None:
    shard = shard_with(3, StreamMapping(batch_size=4, maximum_batching_window_in_seconds=5))
    assert shard.due_at() == 5.0
    shard.take([StreamRecord("200", {}, 0.0)], now=1.0, wall=1.0)
    assert shard.due_at() == 0.0
    assert not shard.wants_records


def test_the_age_of_a_record_counts_from_its_arrival() -> None:
    shard = Shard(ShardFacts("s", frozenset()), StreamMapping(maximum_record_age_in_seconds=60), "TRIM_HORIZON")
    shard.take([StreamRecord("1", {}, 900.0), StreamRecord("2", {}, 950.0)], now=40.0, wall=1_000.0)
    (given_up,) = shard.make_batch(41.0)
    assert (list(given_up.item_ids), given_up.why) == (["1"], "too old")
    assert shard.delivery is not None
    assert [record.name for record in shard.delivery.records] == ["2"]
    assert shard.done_up_to == "1"


@pytest.mark.parametrize(
    ("shard_id", "name"),
    [("shardId-000000000012", "shard 12"), ("shardId-00000001541626099285-f35f62ef", "shard f35f62ef")],
)
def test_a_shard_has_a_short_name(shard_id: str, name: str) -> None:
    assert ShardFacts(shard_id, frozenset()).name == name


# ------------------------------------------------------------ the file
def test_a_checkpoint_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "here.json"
    checkpoint = checkpoint_in(file, ARN, 12.5)
    assert not checkpoint.is_continued
    checkpoint.move("a", "17")
    checkpoint.move("b", "4")
    checkpoint.finish("b")
    again = checkpoint_in(file, ARN, None)
    assert (again.after, again.finished, again.since, again.is_continued) == ({"a": "17"}, {"b"}, 12.5, True)
    assert [each.name for each in tmp_path.iterdir()] == ["here.json"]


def test_a_link_to_a_checkpoint_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    checkpoint_in(tmp_path / "link", ARN, None).move("a", "1")
    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "file").read_text())["shards"] == {"a": {"after": "1"}}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"stream": "x"', "\x00", '{"stream": "ARN", "since": null, "shards": []}']
)
def test_another_file_is_no_checkpoint(tmp_path: Path, text: str) -> None:
    file = tmp_path / "here.json"
    file.write_text(text.replace("ARN", ARN))
    with pytest.raises(RefusedError, match="is no checkpoint that this command has written"):
        checkpoint_in(file, ARN, None)


def test_the_checkpoint_of_another_stream_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "here.json"
    checkpoint_in(file, f"{ARN}-2", None).write()
    with pytest.raises(RefusedError, match=r"is the checkpoint of .*-2, not of"):
        checkpoint_in(file, ARN, None)


@pytest.mark.parametrize("where", ["missing/here.json", "."])
def test_a_checkpoint_that_cannot_be_kept_is_said_at_once(tmp_path: Path, where: str) -> None:
    with pytest.raises(RefusedError, match="the checkpoint cannot be"):
        checkpoint_in(tmp_path / where, ARN, None).write()
