"""The tools that production code runs under: batchfold's runs end under each of them, and answer what they should.

Every tool has a process of its own, for it changes asyncio, threads or both, and a run that hangs must not hang the tests.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.world.programs.records import FAILING, IN_FLIGHT, RECORDS, Seen
from tests.world.programs.runs import ENTRY_POINTS

ROOT = Path(__file__).parents[2]
SECONDS = 60

QUIET = {
    "DD_CRASHTRACKING_ENABLED": "false",
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    "DD_TRACE_AGENT_URL": "http://127.0.0.1:9",
    "DD_TRACE_STARTUP_LOGS": "false",
    "OTEL_PYTHON_ASYNCIO_COROUTINE_NAMES_TO_TRACE": "handle_async",
}
"""No tool speaks to anybody from here."""

UNTIDY = (
    "was never awaited",
    "was never retrieved",
    "Task was destroyed",
    "Exception in callback",
    "Exception ignored",
)
"""What Python says on standard error when something was left behind."""

ASYNC = (
    "as_lambda_handler, async",
    "process_batch_async",
    "powertools, async_process_partial_response",
    "powertools, AsyncBatchProcessor",
    "powertools, async_batch_processor",
)
CANCELLED = ("cancelled", "cancelled at once", "timed out", "cancelled at the reserve")
ALONE = ("as_lambda_handler, sync", *ASYNC, *CANCELLED)
EVERYWHERE = (*ALONE, "in threads")


class Under(NamedTuple):
    """A tool: the program that runs batchfold under it, and the entry points that the program goes through."""

    program: str
    entry_points: tuple[str, ...] = ALONE


TOOLS = {
    "no tool": Under("no_tool", EVERYWHERE),
    "ddtrace": Under("under_ddtrace", EVERYWHERE),
    "sentry": Under("under_sentry", EVERYWHERE),
    "opentelemetry": Under("under_opentelemetry", EVERYWHERE),
    "x-ray": Under("under_xray"),
    "uvloop": Under("under_uvloop"),
    "nest_asyncio": Under("under_nest_asyncio"),
    "wrapping": Under("task_factories"),
    "late": Under("task_factories"),
    "without context": Under("task_factories"),
    "eager": Under("task_factories"),
    "failing": Under("task_factories"),
    "raising": Under("task_factories", ASYNC),
    "dropping": Under("task_factories", ASYNC),
}


class Ran(NamedTuple):
    """What a program printed."""

    seen: dict[str, Seen]
    broke: dict[str, str]
    """Entry points that a program could not go through, with a traceback each."""
    was_there: bool
    errors: str

    def through(self, entry_point: str) -> Seen:
        """What was seen of an entry point; there must be something."""
        assert entry_point in self.seen, f"it did not end\n{self.broke.get(entry_point, self.errors)}"
        return self.seen[entry_point]


def ran(tool: str) -> Ran:
    """Run the program of a tool."""
    program, entry_points = TOOLS[tool]
    command = [sys.executable, "-m", f"tests.world.programs.{program}", ";".join(entry_points), tool]
    process = subprocess.run(
        command, cwd=ROOT, env=os.environ | QUIET, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    lines: list[Any] = [json.loads(line) for line in process.stdout.splitlines()]
    return Ran(
        seen={line["entry_point"]: line["seen"] for line in lines if "seen" in line},
        broke={line["entry_point"]: line["broke"] for line in lines if "broke" in line},
        was_there={"was_there": True} in lines,
        errors=process.stderr,
    )


TWO_FAILED = sorted(FAILING)
ALL = sorted(map(str, range(RECORDS)))


def answers_of(seen: Seen) -> list[list[str] | str]:
    """The answers; names sorted, for the names of Powertools list failures as they happen."""
    return [answer if isinstance(answer, str) else sorted(answer) for answer in seen["answers"]]


def expected_answers(tool: str, entry_point: str) -> list[list[str] | str]:
    match tool, entry_point:
        case _, "cancelled" | "cancelled at once":
            return ["cancelled"]
        case _, "timed out":
            return ["timed out"]
        case _, "cancelled at the reserve":
            return [ALL]
        case "failing", _ if entry_point in ASYNC:
            return ["raised ConnectionError", "raised ConnectionError", TWO_FAILED]
        case _:
            return [TWO_FAILED] * 3


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool not in {"raising", "dropping"}])
def test_a_run_ends_under_a_tool_and_names_what_failed(tool: str, subtests: pytest.Subtests) -> None:
    under = ran(tool)
    for entry_point in TOOLS[tool].entry_points:
        with subtests.test(entry_point):
            seen = under.through(entry_point)
            assert answers_of(seen) == expected_answers(tool, entry_point)
            assert seen["left_in_flight"] == 0
            assert seen["left_on_the_loop"] == []
            assert seen["records_seen_by_the_tool"]
            if entry_point in CANCELLED:
                # what is cancelled at once has begun only where tasks are eager
                assert seen["handled"][0] in ({0, IN_FLIGHT} if entry_point == "cancelled at once" else {IN_FLIGHT})
                assert seen["cleaned_up"] == seen["handled"][0]
            elif tool != "failing":
                assert seen["handled"] == [RECORDS] * 3
            if not entry_point.startswith("powertools"):
                assert seen["most_in_flight"] <= IN_FLIGHT
    with subtests.test("nothing is left behind"):
        assert not [line for line in under.errors.splitlines() if any(sign in line for sign in UNTIDY)]
    with subtests.test("the tool was there"):
        assert under.was_there


@pytest.mark.parametrize("tool", ["raising", "dropping"])
def test_a_factory_that_spoils_its_tasks_loses_no_record(tool: str, subtests: pytest.Subtests) -> None:
    """Every record that was not handled comes back: by name, or because the invocation fails."""
    under = ran(tool)
    for entry_point in TOOLS[tool].entry_points:
        with subtests.test(entry_point):
            seen = under.through(entry_point)
            assert seen["left_on_the_loop"] == []
            for answer, handled in zip(seen["answers"], seen["handled"], strict=True):
                comes_back = set(ALL) if isinstance(answer, str) else set(answer)
                assert comes_back >= set(FAILING)
                assert len(comes_back) >= RECORDS - handled


def test_every_entry_point_is_run_under_tools() -> None:
    assert {entry_point for tool in TOOLS.values() for entry_point in tool.entry_points} == set(ENTRY_POINTS)


def test_runs_reach_the_concurrency_that_they_are_given() -> None:
    under = ran("no tool")
    assert [under.through(entry_point)["most_in_flight"] for entry_point in (*ASYNC[:2], "in threads")] == [
        IN_FLIGHT
    ] * 3
