"""Async runs end, and name the records that failed, under the tools that replace how asyncio makes tasks.

Each runs in a process of its own with a time-out: tools patch what they find, and a run that never ends must not stop the
test. Outside Lambda each call has a loop of its own, which a tool reaches by patching asyncio or by its policy. The tests
of the whole library run these names on the loop that is kept inside Lambda.
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


@pytest.mark.parametrize("tool", TOOLS)
def test_an_async_run_ends_and_names_what_failed_under(tool: str) -> None:
    if " " not in tool and not is_installed(tool):
        pytest.skip(f"{tool} is not installed")
    process = ran(FUNCTION + TOOLS[tool] + THREE_INVOCATIONS, in_lambda=False)
    assert "ended" in process.stdout, process.stderr


@pytest.mark.parametrize("in_lambda", [True, False], ids=["in Lambda", "outside"])
def test_a_factory_that_fails_fails_the_invocation(in_lambda: bool) -> None:  # noqa: FBT001  # a parameter of the test
    failing = """
def fail(loop, coro, **_):
    raise OSError("no more tasks")
use(lambda loop: loop.set_task_factory(fail))
try:
    async_process_partial_response(sqs_event("one"), handle, processor)
except OSError as error:
    print(error)
"""
    process = ran(FUNCTION + failing, in_lambda=in_lambda)
    assert process.stdout == "no more tasks\n", process.stderr
    assert "handle" not in process.stderr


@pytest.mark.parametrize("dropped", ["every coroutine", "every coroutine but the first"])
def test_a_factory_that_drops_coroutines_acknowledges_nothing(dropped: str) -> None:
    dropping = f"""
async def nothing():
    pass
created = []
def drop(loop, coro, **_):
    created.append(coro)
    if len(created) > 1 or {dropped == "every coroutine"}:
        coro.close()
        coro = nothing()
    return asyncio.Task(coro, loop=loop)
use(lambda loop: loop.set_task_factory(drop))
try:
    async_process_partial_response(sqs_event("one"), handle, processor)
except RuntimeError as error:
    print(str(error).partition(":")[0])
"""
    process = ran(FUNCTION + dropping, in_lambda=True)
    assert process.stdout == (
        "expected every record to be handled, found a task factory that does not await the coroutines which it is given\n"
    ), process.stderr


def test_a_cancellation_from_outside_ends_the_run() -> None:
    cancelled = """
use(lambda loop: loop.call_later(0.05, lambda: [task.cancel() for task in asyncio.all_tasks(loop)]))
async def handle(record):
    await asyncio.sleep(60)
try:
    invoke()
except asyncio.CancelledError:
    print("cancelled")
"""
    process = ran(FUNCTION + cancelled, in_lambda=True)
    assert process.stdout == "cancelled\n", process.stderr


@pytest.mark.parametrize("in_lambda", [True, False], ids=["in Lambda", "outside"])
def test_a_run_that_raised_leaves_nothing_to_the_next_invocation(in_lambda: bool) -> None:  # noqa: FBT001  # a parameter of the test
    raising = """
class Raising(AsyncBatchProcessor):
    def failure_handler(self, record, exception):
        raise OSError(record.body)
processor = Raising(EventType.SQS)
ended = []
async def handle(record):
    if record.body == "fail":
        raise ConnectionError
    await asyncio.sleep(0.01)
    ended.append(record.body)
for bodies in (("slow", "fail"), ("next", "too")):
    try:
        async_process_partial_response(sqs_event(*bodies), handle, processor)
    except OSError as error:
        print(error)
print(*ended, len(processor.success_messages))
"""
    process = ran(FUNCTION + raising, in_lambda=in_lambda)
    assert (process.stdout, process.stderr) == ("fail\nnext too 2\n", "")


@pytest.mark.parametrize("in_lambda", [True, False], ids=["in Lambda", "outside"])
def test_a_loop_that_runs_already_is_refused_and_nothing_is_left(in_lambda: bool) -> None:  # noqa: FBT001  # a parameter of the test
    inside = """
async def inside_a_loop():
    try:
        invoke()
    except RuntimeError as error:
        print(error)
    await asyncio.sleep(0.01)
    print(len(asyncio.all_tasks()), processor.success_messages)
asyncio.run(inside_a_loop())
"""
    process = ran(FUNCTION + inside, in_lambda=in_lambda)
    assert process.stdout == "This event loop is already running\n1 []\n"
    assert process.stderr == ""
