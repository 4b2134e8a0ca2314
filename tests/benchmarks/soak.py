"""A thousand warm async invocations of one Lambda function: `python -m tests.benchmarks.soak`.

Prints what is in use before and after, and fails if anything grew.
"""

import asyncio
import gc
import logging
import sys
import threading
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from returns.result import Failure, Result, Success

from batchfold import LambdaFunction, as_lambda_handler, by_message_group, sqs
from batchfold.testing import LambdaContext, SqsMessage, sqs_event

WARM_UP = 200
INVOCATIONS = 1_000
KILOBYTES_OF_NOISE = 64
"""Caches of the interpreter fill up late; a leak of one small object an invocation is more than this."""


class Client:
    """What a function keeps across invocations: bound to the loop on which it was made."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._loop = asyncio.get_running_loop()

    async def send(self, body: str) -> Result[int, ValueError]:
        """Wait in three ways, and fail now and then."""
        async with self._lock:
            await asyncio.sleep(0)
        answer: asyncio.Future[int] = self._loop.create_future()
        self._loop.call_later(0.0001, answer.set_result, len(body))
        size = await asyncio.wait_for(answer, 5)
        if body == "raises":
            raise OSError(body)
        return Failure(ValueError(body)) if body == "rejected" else Success(size)


clients: list[Client] = []
loops: set[asyncio.AbstractEventLoop] = set()


async def handle(record: Any) -> Result[int, ValueError]:
    """Use the client that the first invocation made."""
    loops.add(asyncio.get_running_loop())
    if not clients:
        clients.append(Client())
    return await clients[0].send(record.body)


@dataclass(frozen=True)
class InUse:
    """What a process holds."""

    tasks: int
    threads: int
    file_descriptors: int
    kilobytes: int


def in_use() -> InUse:
    """Count it."""
    gc.collect()
    tasks = sum(len(asyncio.all_tasks(loop)) for loop in loops)
    kilobytes = tracemalloc.get_traced_memory()[0] // 1024
    return InUse(tasks, threading.active_count(), len(list(Path("/proc/self/fd").iterdir())), kilobytes)


def invoke(lambda_function: LambdaFunction[object], times: int) -> None:
    """One warm invocation after the other."""
    bodies = ("fine", "rejected", "raises", "fine", "fine")
    for number in range(times):
        messages = (SqsMessage(body=body, message_group_id=str(nth % 5)) for nth, body in enumerate(bodies * 2))
        response = lambda_function(sqs_event(*messages, fifo=True), LambdaContext())
        assert len(response["batchItemFailures"]) == 4, (number, response)  # else nothing was measured


def main() -> int:
    """Print what is in use before and after; 1 if it is more."""
    logging.getLogger("batchfold").addHandler(logging.NullHandler())
    logging.getLogger("batchfold").propagate = False  # the failures are meant
    lambda_function = as_lambda_handler(
        handle, sqs(lane=by_message_group), max_concurrency=3, reserve_ms=1_000, cancel_at_reserve=True
    )
    tracemalloc.start()
    invoke(lambda_function, WARM_UP)
    before = in_use()
    invoke(lambda_function, INVOCATIONS)
    after = in_use()
    print(f"before {before}\nafter  {after}\n{INVOCATIONS} invocations on {len(loops)} loop")  # a command
    grew = (
        after.tasks > before.tasks
        or after.threads > before.threads
        or after.file_descriptors > before.file_descriptors
        or after.kilobytes > before.kilobytes + KILOBYTES_OF_NOISE
        or len(loops) != 1
    )
    print("something grew" if grew else "nothing grew")  # as above
    return int(grew)


if __name__ == "__main__":
    sys.exit(main())
