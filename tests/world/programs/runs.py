"""Runs of batchfold under a tool, each through another entry point."""

import asyncio
import faulthandler
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from tests.world.programs.records import IN_FLIGHT, Records, Seen
from tests.world.programs.tool import Tool

from batchfold import as_lambda_handler, process_batch_async, sqs
from batchfold.powertools import (
    AsyncBatchProcessor,
    EventType,
    async_batch_processor,
    async_process_partial_response,
)
from batchfold.testing import LambdaContext, sqs_event

SECONDS_TO_END = 8.0
"""After so long a run has not ended: the program tells where it hangs, and leaves."""


def lambda_handler_sync(tool: Tool) -> Seen:
    records = Records(tool)
    function = as_lambda_handler(records.handle, sqs())
    return records.three_answers(lambda: function(records.event, LambdaContext()))


def lambda_handler_in_threads(tool: Tool) -> Seen:
    records = Records(tool)
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        function = as_lambda_handler(records.handle, sqs(), executor=pool)
        return records.three_answers(lambda: function(records.event, LambdaContext()))


def lambda_handler_async(tool: Tool) -> Seen:
    records = Records(tool)
    function = as_lambda_handler(records.handle_async, sqs(), max_concurrency=IN_FLIGHT)
    return records.three_answers(lambda: function(records.event, LambdaContext()))


def awaited(tool: Tool) -> Seen:
    records = Records(tool)
    left: list[str] = []

    async def main() -> object:
        tool.enter_loop()
        try:
            with tool.batch():
                return await process_batch_async(records.event, records.handle_async, sqs(), max_concurrency=IN_FLIGHT)
        finally:
            left.extend(map(repr, asyncio.all_tasks() - {asyncio.current_task()}))
            asyncio.get_running_loop().set_task_factory(None)  # asyncio.run has tasks of its own to make

    seen = records.three_answers(lambda: asyncio.run(main()))
    return {**seen, "left_on_the_loop": left}


def powertools_function(tool: Tool) -> Seen:
    records = Records(tool)
    processor = AsyncBatchProcessor(EventType.SQS)
    _enter_loop_of_powertools(records)
    return records.three_answers(
        lambda: async_process_partial_response(records.event, records.handle_as_in_powertools, processor)
    )


def powertools_context_manager(tool: Tool) -> Seen:
    records = Records(tool)
    processor = AsyncBatchProcessor(EventType.SQS)
    _enter_loop_of_powertools(records)

    def invoke() -> object:
        with processor(records.event["Records"], records.handle_as_in_powertools) as batch:
            batch.async_process()
        return processor.response()

    return records.three_answers(invoke)


def powertools_decorator(tool: Tool) -> Seen:
    records = Records(tool)
    processor = AsyncBatchProcessor(EventType.SQS)
    _enter_loop_of_powertools(records)

    @async_batch_processor(record_handler=records.handle_as_in_powertools, processor=processor)
    def function(event: Mapping[str, Any], context: object) -> object:
        del event, context
        return processor.response()

    return records.three_answers(lambda: function(records.event, LambdaContext()))


def _enter_loop_of_powertools(records: Records) -> None:
    """Let one record be handled, so that the tool is there from the first task on: all start at once in these runs."""
    os.environ["LAMBDA_TASK_ROOT"] = "/var/task"  # in Lambda the loop is kept, and the tool on it
    handler, processor = records.handle_as_in_powertools, AsyncBatchProcessor(EventType.SQS)
    with records.tool.invocation(2), suppress(Exception):
        async_process_partial_response(sqs_event("0"), handler, processor)


def cancelled(tool: Tool) -> Seen:
    """Cancel the task that the run is in, as soon as its handlers are in flight."""
    return _ended_by(tool, _cancel_in_flight)


def cancelled_at_once(tool: Tool) -> Seen:
    """Cancel the task that the run is in before any of its handlers has come to its first line."""
    return _ended_by(tool, _cancel_at_once)


def timed_out(tool: Tool) -> Seen:
    """Let `asyncio.timeout` cancel the run."""
    return _ended_by(tool, _time_out)


def cancelled_at_the_reserve(tool: Tool) -> Seen:
    """Let the run itself cancel its handlers, when only the reserve is left of the invocation's time."""
    records = Records(tool)

    context = LambdaContext(timeout_seconds=1.01)

    async def main() -> object:
        tool.enter_loop()
        asyncio.get_running_loop().call_later(0.03, context.clock.advance, 1)
        with tool.batch():
            return await process_batch_async(
                records.event,
                records.wait_for_ever,
                sqs(),
                max_concurrency=IN_FLIGHT,
                context=context,
                reserve_ms=1_000,
                cancel_at_reserve=True,
                raise_on="never",
            )

    with tool.invocation(2):
        answer = records.answer_of(lambda: asyncio.run(main()))
    return records.seen([answer], [len(records.started)])


async def _cancel_in_flight(records: Records) -> str:
    run = asyncio.create_task(_run_for_ever(records))
    while records.in_flight < IN_FLIGHT and not run.done():  # noqa: ASYNC110  # a count is no event
        await asyncio.sleep(0.001)
    run.cancel()
    return await _end_of(run)


async def _cancel_at_once(records: Records) -> str:
    run = asyncio.create_task(_run_for_ever(records))
    own = (run, asyncio.current_task())
    while len(asyncio.all_tasks()) <= len(own) and not run.done():  # noqa: ASYNC110  # a count is no event
        await asyncio.sleep(0)
    run.cancel()
    return await _end_of(run)


async def _time_out(records: Records) -> str:
    try:
        async with asyncio.timeout(0.05):
            await _run_for_ever(records)
    except TimeoutError:
        return "timed out"
    return "went on"


async def _run_for_ever(records: Records) -> object:
    with records.tool.batch():
        return await process_batch_async(records.event, records.wait_for_ever, sqs(), max_concurrency=IN_FLIGHT)


async def _end_of(run: asyncio.Task[Any]) -> str:
    await asyncio.wait({run})
    return "cancelled" if run.cancelled() else "went on"


def _ended_by(tool: Tool, end: Callable[[Records], Any]) -> Seen:
    records = Records(tool)

    async def main() -> Seen:
        tool.enter_loop()
        answer = await end(records)
        left = [repr(task) for task in asyncio.all_tasks() - {asyncio.current_task()}]
        return {**records.seen([answer], [len(records.started)]), "left_on_the_loop": left}

    with tool.invocation(2):
        return asyncio.run(main())


ENTRY_POINTS: dict[str, Callable[[Tool], Seen]] = {
    "as_lambda_handler, sync": lambda_handler_sync,
    "as_lambda_handler, async": lambda_handler_async,
    "process_batch_async": awaited,
    "powertools, async_process_partial_response": powertools_function,
    "powertools, AsyncBatchProcessor": powertools_context_manager,
    "powertools, async_batch_processor": powertools_decorator,
    "cancelled": cancelled,
    "cancelled at once": cancelled_at_once,
    "timed out": timed_out,
    "cancelled at the reserve": cancelled_at_the_reserve,
    "in threads": lambda_handler_in_threads,
}


def run(tool: Tool) -> None:
    """Run every entry point that the command line names, and print what was seen, a line of JSON for each."""
    logging.disable(logging.CRITICAL)  # what failed on purpose is no news
    for name in sys.argv[1].split(";"):
        faulthandler.dump_traceback_later(SECONDS_TO_END, exit=True)
        try:
            seen = ENTRY_POINTS[name](tool)
        except Exception:  # noqa: BLE001  # the next entry point has its own turn
            print(json.dumps({"entry_point": name, "broke": traceback.format_exc()}), flush=True)
        else:
            print(json.dumps({"entry_point": name, "seen": seen}), flush=True)
    faulthandler.cancel_dump_traceback_later()
    print(json.dumps({"was_there": tool.was_there()}), flush=True)
