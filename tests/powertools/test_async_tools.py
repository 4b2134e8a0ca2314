"""Async runs end, and name the records that failed, under the tools that replace how asyncio makes tasks.

Each runs in a process of its own with a time-out: tools patch what they find, and a run that never ends must not stop the
test. Inside Lambda (`LAMBDA_TASK_ROOT` is set) a loop is kept across invocations, elsewhere each call has its own.
"""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

FUNCTION = """
import asyncio, contextlib, os

from batchfold.powertools import AsyncBatchProcessor, EventType, async_process_partial_response
from batchfold.testing import sqs_event

processor = AsyncBatchProcessor(EventType.SQS)

async def handle(record):
    await asyncio.sleep(0.001)
    if record.body in {"7", "19"}:
        raise ConnectionError(record.body)

def invoke():
    event = sqs_event(*map(str, range(25)))
    response = async_process_partial_response(event, handle, processor)
    failed = [event["Records"][at]["messageId"] for at in (7, 19)]
    assert [item["itemIdentifier"] for item in response["batchItemFailures"]] == failed

def use(prepare):
    "Prepare the loop that Lambda keeps, or each loop that is made."
    if "LAMBDA_TASK_ROOT" in os.environ:
        loop = asyncio.new_event_loop()
        prepare(loop)
        asyncio.set_event_loop(loop)
        return
    class Policy(asyncio.DefaultEventLoopPolicy):
        def new_event_loop(self):
            loop = super().new_event_loop()
            prepare(loop)
            return loop
    asyncio.set_event_loop_policy(Policy())
"""

TOOLS = {
    "nothing": "",
    "a factory that wraps the coroutine": """
async def wrapped(coro):
    return await coro
use(lambda loop: loop.set_task_factory(lambda loop, coro, **named: asyncio.Task(wrapped(coro), loop=loop, **named)))
""",
    "a factory that takes nothing but the coroutine": """
use(lambda loop: loop.set_task_factory(lambda loop, coro: asyncio.Task(coro, loop=loop)))
""",
    "an eager factory": """
if hasattr(asyncio, "eager_task_factory"):
    use(lambda loop: loop.set_task_factory(asyncio.eager_task_factory))
""",
    "aws_xray_sdk": """
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.async_context import AsyncContext
use(lambda loop: xray_recorder.configure(context=AsyncContext(loop=loop), context_missing="IGNORE_ERROR"))
""",
    "ddtrace": """
import ddtrace.auto
from ddtrace.trace import tracer
around = tracer.trace("invocation")
""",
    "sentry_sdk": """
import sentry_sdk
from sentry_sdk.integrations.asyncio import AsyncioIntegration
async def start():
    sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", integrations=[AsyncioIntegration()], transport=lambda _: None)
def prepare(loop):
    if not sentry_sdk.is_initialized():  # it patches one loop, the one that it is started on
        loop.run_until_complete(start())
        assert loop.get_task_factory() is not None
use(prepare)
""",
    "opentelemetry.instrumentation.asyncio": """
os.environ["OTEL_PYTHON_ASYNCIO_COROUTINE_NAMES_TO_TRACE"] = "handle"
from opentelemetry.instrumentation.asyncio import AsyncioInstrumentor
AsyncioInstrumentor().instrument()
""",
    "uvloop": """
import uvloop
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
""",
    "nest_asyncio": """
import nest_asyncio
nest_asyncio.apply()
invoke_plainly = invoke
def invoke():
    async def inside_a_loop():
        invoke_plainly()
    asyncio.run(inside_a_loop())
""",
}

THREE_INVOCATIONS = """
with globals().get("around", contextlib.nullcontext()):
    for _ in range(3):
        invoke()
print("ended")
"""


def is_installed(tool: str) -> bool:
    try:
        return tool == "nothing" or find_spec(tool) is not None
    except ModuleNotFoundError:  # the package that it is in
        return False


def ran(program: str, *, in_lambda: bool) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DD_TRACE_ENABLED": "true", "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false"}
    environment.pop("LAMBDA_TASK_ROOT", None)
    if in_lambda:
        environment["LAMBDA_TASK_ROOT"] = "/var/task"
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False, env=environment
    )


@pytest.mark.parametrize("in_lambda", [True, False], ids=["in Lambda", "outside"])
@pytest.mark.parametrize("tool", TOOLS)
def test_an_async_run_ends_and_names_what_failed_under(tool: str, in_lambda: bool) -> None:  # noqa: FBT001  # a parameter of the test
    if " " not in tool and not is_installed(tool):
        pytest.skip(f"{tool} is not installed")
    process = ran(FUNCTION + TOOLS[tool] + THREE_INVOCATIONS, in_lambda=in_lambda)
    assert "ended" in process.stdout, process.stderr


@pytest.mark.parametrize("in_lambda", [True, False], ids=["in Lambda", "outside"])
def test_a_factory_that_fails_fails_the_invocation(in_lambda: bool) -> None:  # noqa: FBT001  # a parameter of the test
    failing = """
def fail(loop, coro, **_):
    coro.close()
    raise OSError("no more tasks")
use(lambda loop: loop.set_task_factory(fail))
try:
    invoke()
except OSError as error:
    print(error)
"""
    process = ran(FUNCTION + failing, in_lambda=in_lambda)
    assert process.stdout == "no more tasks\n", process.stderr


def test_a_cancellation_from_outside_ends_the_run() -> None:
    cancelled = """
import signal, threading
use(lambda loop: loop.call_later(0.05, lambda: [task.cancel() for task in asyncio.all_tasks(loop)]))
async def handle(record):
    await asyncio.sleep(60)
try:
    invoke()
except asyncio.CancelledError:
    print("cancelled")
"""
    assert ran(FUNCTION + cancelled, in_lambda=True).stdout == "cancelled\n"
