"""Calling a Lambda function as Lambda does."""

import inspect
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from batchfold.cli.load import Function
from batchfold.core.records import Event
from batchfold.testing import Answer, Clock, LambdaContext, Raised, Returned, TimedOut


class _RunningClock(Clock):
    """The clock on the wall."""

    __slots__ = ()

    @property
    def now(self) -> float:
        return time.monotonic()


@dataclass(frozen=True)
class Call:
    """What a call came to."""

    answer: Answer
    response: Any = None
    error: BaseException | None = None


def context_of(function_name: str, timeout_seconds: float) -> LambdaContext:
    """The context of an invocation that begins now."""
    return LambdaContext(
        timeout_seconds=timeout_seconds,
        clock=_RunningClock(),
        function_name=function_name,
        aws_request_id=str(uuid4()),
    )


def called(function: Function, event: Event, context: LambdaContext) -> Call:
    """Call the function. It is not cut off at its timeout, but it is said if Lambda would have done so."""
    try:
        response = function(event, context)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # Lambda counts all that leaves the function as a failed invocation
        return Call(Raised(type(error).__name__), error=error)
    if inspect.iscoroutine(response):
        response.close()  # Lambda would not await it either
    answer = Returned(response) if context.get_remaining_time_in_millis() > 0 else TimedOut()
    return Call(answer, response)


def function_name_of(target: str) -> str:
    """A name for the function that is run: that of its file."""
    return Path(target.rpartition(":")[0]).stem
