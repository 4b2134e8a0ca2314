"""What running lanes side by side costs, beside what one would write by hand: `python -m tests.benchmarks.overhead`.

Prints a table, and fails if a limit is missed. Each round runs both sides, in turns.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from returns.result import Result, Success
from tests.benchmarks.events import sqs_event
from tests.benchmarks.measure import Job, in_turns, peak_bytes

from batchfold import by_message_group, fold_batch, fold_batch_async, sqs

RECORDS = 10_000
IN_FLIGHT = 1_000
DELAY = 0.05
FLOOR = 2 * DELAY  # ten messages in five groups: two after each other

FIFO = sqs_event(10, groups=5)
STANDARD = sqs_event(RECORDS)

AsyncHandle = Callable[[Any], Awaitable[Result[None, str]]]
DONE: Result[None, str] = Success(None)


async def yielding(_record: Any) -> Result[None, str]:
    """A handler that lets others run once."""
    await asyncio.sleep(0)
    return DONE


async def waiting(_record: Any) -> Result[None, str]:
    """A handler that waits for what a client would wait for."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[None] = loop.create_future()
    loop.call_soon(answer.set_result, None)
    await answer
    return DONE


async def sleeping(_record: Any) -> Result[None, str]:
    """A handler that takes a while."""
    await asyncio.sleep(DELAY)
    return DONE


def blocking(_record: Any) -> Result[None, str]:
    """A handler that blocks its thread for a while."""
    time.sleep(DELAY)
    return DONE


def ours(handle: AsyncHandle) -> Job:
    """Ours, a standard queue."""
    return lambda: asyncio.run(fold_batch_async(STANDARD, handle, sqs(), max_concurrency=IN_FLIGHT))


def by_hand(handle: AsyncHandle) -> Job:
    """A semaphore that is taken before the task is made, so that no more tasks exist than are in flight."""

    async def main() -> list[str]:
        semaphore = asyncio.Semaphore(IN_FLIGHT)
        failed: list[str] = []

        async def one(record: dict[str, Any]) -> None:
            try:
                if not isinstance(await handle(record), Success):
                    failed.append(record["messageId"])
            except Exception:  # noqa: BLE001  # whatever it is, the record comes back
                failed.append(record["messageId"])
            finally:
                semaphore.release()

        async with asyncio.TaskGroup() as group:
            for record in STANDARD["Records"]:
                await semaphore.acquire()
                group.create_task(one(record))
        return failed

    return lambda: asyncio.run(main())


def up_front(handle: AsyncHandle) -> Job:
    """The usual way: a task for each record at once, which then waits for the semaphore."""

    async def main() -> list[str]:
        semaphore = asyncio.Semaphore(IN_FLIGHT)
        failed: list[str] = []

        async def one(record: dict[str, Any]) -> None:
            async with semaphore:
                try:
                    if not isinstance(await handle(record), Success):
                        failed.append(record["messageId"])
                except Exception:  # noqa: BLE001  # whatever it is, the record comes back
                    failed.append(record["messageId"])

        async with asyncio.TaskGroup() as group:
            for record in STANDARD["Records"]:
                group.create_task(one(record))
        return failed

    return lambda: asyncio.run(main())


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    ours: str
    theirs: str
    ratio: float
    spread: str
    limit: float


def waits(what: str, job: Job, rounds: int) -> Row:
    """How much longer than it must a FIFO batch takes."""
    measured = in_turns(job, lambda: time.sleep(FLOOR), rounds=rounds)
    ratio = measured.ours / FLOOR  # not to what sleeping took: the floor is the clock's
    spread = f"{measured.lowest:.2f} to {measured.highest:.2f}"
    return Row(what, f"{measured.ours * 1e3:.1f} ms", f"{FLOOR * 1e3:.0f} ms", ratio, spread, 1.25)


def costs(what: str, job: Job, peer: Job, rounds: int) -> Row:
    """What a record costs beside another way."""
    measured = in_turns(job, peer, rounds=rounds, units=(RECORDS, RECORDS))
    spread = f"{measured.lowest:.2f} to {measured.highest:.2f}"
    return Row(what, f"{measured.ours * 1e6:.1f} us", f"{measured.peer * 1e6:.1f} us", measured.ratio, spread, 1.5)


def holds(what: str, job: Job, peer: Job, limit: float) -> Row:
    """How much memory is in use at most, beside another way."""
    mine, theirs = peak_bytes(job), peak_bytes(peer)
    return Row(what, f"{mine / 1e6:.1f} MB", f"{theirs / 1e6:.1f} MB", mine / theirs, "-", limit)


def table() -> list[Row]:
    """Measure everything."""
    rows: list[Row] = []

    def side_by_side() -> object:
        return asyncio.run(fold_batch_async(FIFO, sleeping, sqs(lane=by_message_group)))

    rows.append(waits("FIFO, 10 in 5 groups, 50 ms each, async", side_by_side, 15))
    with ThreadPoolExecutor(5) as executor:

        def in_threads() -> object:
            return fold_batch(FIFO, blocking, sqs(lane=by_message_group), executor=executor)

        rows.append(waits("the same, threads", in_threads, 15))
    for name, handle in (("sleep(0)", yielding), ("a future", waiting)):
        rows.append(costs(f"a record, {name}, beside by hand", ours(handle), by_hand(handle), 11))
        rows.append(costs(f"a record, {name}, beside tasks up front", ours(handle), up_front(handle), 11))
    rows.append(holds("most memory, beside by hand", ours(sleeping), by_hand(sleeping), 2.0))
    rows.append(holds("most memory, beside tasks up front", ours(sleeping), up_front(sleeping), 0.5))
    return rows


def main() -> int:
    """Print the table; 1 if a limit is missed."""
    rows = table()
    print(f"{'':44} {'ours':>9} {'theirs':>9} {'ratio':>6} {'quartiles':>13} {'limit':>6}")  # a command
    for row in rows:
        missed = "  MISSED" if row.ratio > row.limit else ""
        print(  # as above
            f"{row.what:44} {row.ours:>9} {row.theirs:>9} {row.ratio:6.2f} {row.spread:>13} {row.limit:6.2f}{missed}"
        )
    return any(row.ratio > row.limit for row in rows)


if __name__ == "__main__":
    sys.exit(main())
