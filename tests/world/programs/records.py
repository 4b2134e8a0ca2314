"""The records that are handled under a tool, their handlers, and what is seen of them."""

import asyncio
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Lock
from typing import Any, TypedDict

from returns.result import Failure, Result, Success
from tests.world.programs.tool import Tool

from batchfold import SqsRecord
from batchfold.powertools import SQSRecord
from batchfold.testing import sqs_event

RECORDS = 25
FAILING = {"7": "rejected", "19": "raises"}
IN_FLIGHT = 5


class Seen(TypedDict):
    """What was seen of the runs through one entry point."""

    answers: list[list[str] | str]
    """For each invocation the bodies of the records that its response names, or what it raised."""
    handled: list[int]
    """For each invocation how many handlers were started."""
    most_in_flight: int
    cleaned_up: int
    """How many handlers were cancelled and had the time to clean up."""
    left_in_flight: int
    left_on_the_loop: list[str]
    """The tasks that had not ended when the runs had."""
    records_seen_by_the_tool: bool


class Records:
    """Handlers of the records, and what becomes of them."""

    def __init__(self, tool: Tool) -> None:
        self.tool = tool
        self.event = sqs_event(*map(str, range(RECORDS)))
        self.started: list[str] = []
        self.most_in_flight = 0
        self.cleaned_up = 0
        self.seen_by_the_tool = True
        self.loops: set[asyncio.AbstractEventLoop] = set()
        self._in_flight = 0
        self._lock = Lock()

    @property
    def in_flight(self) -> int:
        return self._in_flight

    @contextmanager
    def _counted(self, record: SqsRecord[str] | SQSRecord) -> Generator[Callable[[], bool]]:
        with self._lock:
            self.started.append(record.body)
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            with self.tool.record() as is_seen:
                yield is_seen
        finally:
            with self._lock:
                self._in_flight -= 1

    def _enter_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if loop not in self.loops:
            self.loops.add(loop)
            self.tool.enter_loop()

    def handle(self, record: SqsRecord[str]) -> Result[str, str]:
        """Handle a record, in this thread."""
        with self._counted(record) as is_seen:
            time.sleep(0.001)
            self.seen_by_the_tool &= is_seen()
        return _acted(record.body)

    async def handle_async(self, record: SqsRecord[str]) -> Result[str, str]:
        """Handle a record, side by side with others. The first on its loop installs the tool there."""
        self._enter_loop()
        with self._counted(record) as is_seen:
            await asyncio.sleep(0.001)
            self.seen_by_the_tool &= is_seen()
        return _acted(record.body)

    async def handle_as_in_powertools(self, record: SQSRecord) -> str:
        """The same, in Powertools' way."""
        self._enter_loop()
        with self._counted(record) as is_seen:
            await asyncio.sleep(0.001)
            self.seen_by_the_tool &= is_seen()
        if record.body in FAILING:
            raise OSError(record.body)
        return record.body

    async def wait_for_ever(self, record: SqsRecord[str]) -> Result[str, str]:
        """Handle a record, and never come to an end."""
        with self._counted(record):
            try:
                await asyncio.sleep(3_600)
            except asyncio.CancelledError:
                await asyncio.sleep(0)
                self.cleaned_up += 1
                raise
        return Success(record.body)

    def answer_of(self, invocation: Callable[[], Any]) -> list[str] | str:
        """What an invocation came to."""
        try:
            response = invocation()
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what is to be told
            return f"raised {type(error).__name__}"
        bodies = {raw["messageId"]: raw["body"] for raw in self.event["Records"]}
        return [bodies[failure["itemIdentifier"]] for failure in response["batchItemFailures"]]

    def three_answers(self, invoke: Callable[[], Any]) -> Seen:
        """What three invocations came to."""
        answers: list[list[str] | str] = []
        handled: list[int] = []
        for nth in range(3):
            self.started.clear()

            def surrounded(nth: int = nth) -> Any:
                with self.tool.invocation(nth):
                    return invoke()

            answers.append(self.answer_of(surrounded))
            handled.append(len(set(self.started)))
        return self.seen(answers, handled)

    def seen(self, answers: list[list[str] | str], handled: list[int]) -> Seen:
        """What was seen until now."""
        return {
            "answers": answers,
            "handled": handled,
            "most_in_flight": self.most_in_flight,
            "cleaned_up": self.cleaned_up,
            "left_in_flight": self._in_flight,
            "left_on_the_loop": [repr(task) for loop in self.loops for task in asyncio.all_tasks(loop)],
            "records_seen_by_the_tool": self.seen_by_the_tool,
        }


def _acted(body: str) -> Result[str, str]:
    match FAILING.get(body):
        case None:
            return Success(body)
        case "rejected":
            return Failure("out of stock")
        case _:
            raise OSError(body)
