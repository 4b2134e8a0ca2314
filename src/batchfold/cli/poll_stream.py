"""Polling a stream: its shards are read side by side, parents before children, and their batches take turns.

Of each shard one batch is under way, and one invocation at a time, so that the order of a shard is kept. The checkpoint
moves when the rules of a shard say that records are done with.
https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html and https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TypeVar

from batchfold.cli.account import RefusedError
from batchfold.cli.aws import Aws, Persevering, code_of, errors_told
from batchfold.cli.checkpoint import Checkpoint
from batchfold.cli.poll_board import duration
from batchfold.cli.polling import Poller
from batchfold.cli.shard import GivenUp, Shard, StreamMapping
from batchfold.cli.stream_apis import After, Page, Place, ShardFacts, Since, Start, StreamApi

T = TypeVar("T")

_IDLE_SECONDS = 1.0
"""The time after which a shard that had nothing new is read again, as Lambda does."""

_LIST_AGAIN_SECONDS = 30.0
"""The time after which new shards are looked for."""

_LONGEST_SLEEP_SECONDS = 0.5


def poll_stream(
    poller: Poller, aws: Aws, api: StreamApi, mapping: StreamMapping, checkpoint: Checkpoint, start: Start
) -> None:
    """Poll until that is to end. Raises `Interrupted` for a signal, and `RefusedError` where AWS gives up."""
    _StreamPoller(poller, aws, api, mapping, checkpoint, start).poll()


class _StreamPoller:
    def __init__(
        self, poller: Poller, aws: Aws, api: StreamApi, mapping: StreamMapping, checkpoint: Checkpoint, start: Start
    ) -> None:
        self._poller = poller
        self._endpoint_url = aws.endpoint_url
        self._api = api
        self._mapping = mapping
        self._checkpoint = checkpoint
        self._start: Place = start
        self._known: dict[str, ShardFacts] = {}
        self._at_start: frozenset[str] | None = None
        self._shards: dict[str, Shard] = {}
        self._list_again_at = 0.0
        self._turns: dict[str, int] = {}
        self._has_told_windows = False
        self._persevering = Persevering(poller.tell, is_asked_to_end=lambda: poller.stopping.is_asked)

    def poll(self) -> None:
        """Read shards and call the function, until that is to end."""
        self._checkpoint.write()  # so that a run that is killed before its first batch goes on from here, too
        while not self._poller.has_invoked_enough:
            with self._told():
                self._find_shards()
                for shard in self._open():
                    self._read(shard)
            now = time.monotonic()
            for shard in self._open():
                if (due_at := shard.due_at()) is not None and due_at <= now:
                    self._note_given_up(shard, shard.make_batch(now))
            due = [shard for shard in self._open() if shard.delivery is not None and shard.delivery.at <= now]
            if due:
                self._handle(min(due, key=lambda shard: self._turns.get(shard.facts.shard_id, 0)))
            self._finish_shards()
            if not due:
                if self._poller.until_empty and self._is_drained():
                    return
                self._tell_windows()
                self._wait(now)

    # ------------------------------------------------------------ shards
    def _find_shards(self) -> None:
        """Look for new shards now and then. A shard is begun once its parents are finished, or are no longer there."""
        if time.monotonic() >= self._list_again_at:
            self._known = {facts.shard_id: facts for facts in self._call(self._api.shards)}
            self._list_again_at = time.monotonic() + _LIST_AGAIN_SECONDS
            if self._at_start is None:
                self._at_start = frozenset(self._known)
        for shard_id, facts in self._known.items():
            parents = {parent for parent in facts.parents if parent in self._known}
            if shard_id in self._shards or shard_id in self._checkpoint.finished:
                continue
            if parents <= self._checkpoint.finished:
                self._shards[shard_id] = Shard(facts, self._mapping, self._place(facts))

    def _place(self, facts: ShardFacts) -> Place:
        if (number := self._checkpoint.after.get(facts.shard_id)) is not None:
            return After(number)
        if self._checkpoint.is_continued:
            return "TRIM_HORIZON" if self._checkpoint.since is None else Since(self._checkpoint.since)
        is_new = self._at_start is not None and facts.shard_id not in self._at_start
        return "TRIM_HORIZON" if is_new else self._start  # all that a new one holds is later than the start

    def _open(self) -> list[Shard]:
        return [shard for shard in self._shards.values() if not shard.is_finished]

    def _finish_shards(self) -> None:
        for shard in self._shards.values():
            if shard.is_finished and shard.facts.shard_id not in self._checkpoint.finished:
                self._checkpoint.finish(shard.facts.shard_id)
                self._poller.board.tally(shard.facts.name).is_over = True
                self._list_again_at = 0.0  # its children can begin

    def _is_drained(self) -> bool:
        may_have_children = time.monotonic() >= self._list_again_at
        return not may_have_children and all(shard.is_at_rest and shard.is_idle for shard in self._open())

    # ------------------------------------------------------------ reading
    def _read(self, shard: Shard) -> None:
        """Read the shard, if it is time to."""
        now = time.monotonic()
        if not shard.wants_records or now < shard.read_again_at:
            return
        asked_at = time.time()
        page = self._page(shard)
        now, wall = time.monotonic(), time.time()
        since = shard.leaves_out_before
        records = [each for each in page.records if since is None or each.arrived_at >= since]
        shard.take(records, now=now, wall=wall)
        shard.iterator = page.iterator
        shard.is_read_up = page.iterator is None
        is_at_the_end = not page.records and not page.behind_seconds
        shard.note_end(asked_at=asked_at if is_at_the_end else None, reads_needed=self._api.empty_reads_at_the_end)
        seconds = self._api.seconds_between_reads
        shard.read_again_at = now + (max(seconds, _IDLE_SECONDS) if shard.is_idle else seconds)
        shard.behind_seconds = page.behind_seconds
        self._poller.board.tally(shard.facts.name).received += len(records)
        self._tell_behind(shard)

    def _page(self, shard: Shard) -> Page:
        """Return the next page; with a new iterator where the old one has expired."""
        shard_id = shard.facts.shard_id
        for _ in range(2):
            if shard.iterator is None:
                place = shard.place
                shard.iterator = self._call(partial(self._iterator, shard_id, place))
                shard.leaves_out_before = None
                if isinstance(place, Since) and not self._api.begins_at_times:
                    shard.leaves_out_before = place.seconds
                if place == "LATEST" and self._checkpoint.since is not None:
                    shard.place = Since(self._checkpoint.since)  # the latest one would be another one the next time
            if (iterator := shard.iterator) is None:
                break
            try:
                return self._call(partial(self._api.page, shard_id, iterator))
            except Exception as error:
                if code_of(error) not in {"ExpiredIteratorException", "TrimmedDataAccessException"}:
                    raise
                shard.iterator = None
        return Page([], None, None)

    def _iterator(self, shard_id: str, place: Place) -> str | None:
        try:
            return self._api.iterator(shard_id, place)
        except Exception as error:
            if code_of(error) == "TrimmedDataAccessException":
                self._poller.tell(
                    f"{shard_id}: what comes after the checkpoint is past its retention; the oldest record is next"
                )
                return self._api.iterator(shard_id, "TRIM_HORIZON")
            if isinstance(place, After) and code_of(error) == "InvalidArgumentException" and self._checkpoint.file:
                raise RefusedError(
                    f"{self._checkpoint.file} is not a checkpoint of this {self._api.name}, which may have been made anew: "
                    f"remove the file, or give another one ({error})"
                ) from None
            raise

    def _call(self, call: Callable[[], T]) -> T:
        with self._poller.stopping.waiting():
            return self._persevering(call)

    # ------------------------------------------------------------ invoking
    def _handle(self, shard: Shard) -> None:
        delivery = shard.delivery
        if delivery is None:
            return
        shard_id, name = shard.facts.shard_id, shard.facts.name
        self._turns[shard_id] = self._turns.get(shard_id, 0) + 1
        positions = {str(item_id): position for item_id, position in delivery.identifiers.items()}
        invoked = self._poller.invoke(name, delivery.event, positions)
        now = time.monotonic()
        settled = shard.answer(invoked.reading, now=now, is_unhandled=invoked.is_unhandled, state=invoked.state)
        self._move_checkpoint(shard)
        due = shard.delivery
        back, gone = settled.back & set(positions), settled.gone & set(positions)
        soon = f"in {duration(due.at - now)}" if due is not None else ""
        self._poller.settle(
            name, invoked, done=settled.done, back=back, gone=gone, comes_back=soon, window=settled.window
        )
        self._note_given_up(shard, settled.given_up)
        self._tell_behind(shard)

    def _note_given_up(self, shard: Shard, given_up: Sequence[GivenUp]) -> None:
        """Count and tell what was given up."""
        if given_up:
            self._move_checkpoint(shard)
        for each in given_up:
            self._poller.give_up(shard.facts.name, each.item_ids, each.why)

    def _move_checkpoint(self, shard: Shard) -> None:
        if (number := shard.done_up_to) is not None:
            self._checkpoint.move(shard.facts.shard_id, number)

    def _tell_behind(self, shard: Shard) -> None:
        age = shard.oldest_age
        behind = shard.behind_seconds if age is None else time.monotonic() + age
        self._poller.board.tally(shard.facts.name).behind = behind

    # ------------------------------------------------------------ waiting
    def _wait(self, now: float) -> None:
        """Sleep until a batch is due or a shard can be read."""
        dues = [due_at for shard in self._open() if (due_at := shard.due_at()) is not None]
        reads = [shard.read_again_at for shard in self._open() if shard.wants_records]
        until = min([*dues, *reads, self._list_again_at], default=now + _LONGEST_SLEEP_SECONDS)
        doing = "waiting for records" if not dues else f"next batch in {duration(min(dues) - now)}"
        if not dues and (seconds := self._window_seconds):
            doing = f"waiting for records, and for the end of a window in {duration(seconds)}"
        self._poller.board.doing = doing
        for shard in self._open():
            self._tell_behind(shard)
        with self._poller.stopping.waiting():
            time.sleep(min(_LONGEST_SLEEP_SECONDS, max(0.01, until - now)))

    def _tell_windows(self) -> None:
        """Tell once that a run which is to end by itself waits for the end of a window."""
        is_waiting = all(shard.is_idle and shard.delivery is None and not shard.waiting for shard in self._open())
        if self._poller.until_empty and is_waiting and not self._has_told_windows and (seconds := self._window_seconds):
            self._has_told_windows = True
            self._poller.tell(f"every shard is read to its end; the last open window ends in {duration(seconds)}")

    @property
    def _window_seconds(self) -> float:
        """The time until the last one of the windows ends that are open; 0 if none is."""
        ends = [ends_at for shard in self._open() if (ends_at := shard.window_ends_at) is not None]
        return max(0.0, max(ends, default=0.0) - time.time())

    def _told(self) -> AbstractContextManager[None]:
        return errors_told(self._api.name, self._endpoint_url)
