"""The execution environment, from the side of the command: a child process that is called on one event after the other.

It is kept while it is well. It is ended when the function has overrun its timeout, and another one is started for the next
event, as Lambda does. How an answer is read is decided by the model of Lambda.
"""

import json
import os
import subprocess
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any, Self, assert_never

from batchfold.cli.account import Answered, Call, CutOff, Delivered, Died, Raised, Ready
from batchfold.cli.call import (
    CannotCallError,
    Heard,
    call_of,
    end_child,
    file_text,
    own_lines,
    refuse_no_import,
    refuse_refusals,
    seconds_of_a_call,
    start_child,
    watched,
)
from batchfold.testing.answers import Answer, CompleteFailure, Reading, Returned, TimedOut, read_answer
from batchfold.testing.answers import Raised as RaisedAnswer
from batchfold.testing.tumbling_windows import state_in

_MOST_BYTES_AT_ONCE = 2**16


class Environment:
    """A Lambda function in a process of its own.

    `take_output` is given what the function prints, as it is printed, and `meanwhile` is called again and again while it
    runs. Use it as a context manager: the process ends with the context.
    """

    def __init__(
        self,
        target: str,
        *,
        timeout: float,
        log_aloud: bool,
        take_output: Callable[[bytes], None],
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        self._target = target
        self._timeout = timeout
        self._log_aloud = log_aloud
        self._take_output = take_output
        self._meanwhile = meanwhile
        self._folder = TemporaryDirectory(prefix="batchfold-")
        self._process: subprocess.Popen[bytes] | None = None
        self._printed: int | None = None
        self._invocations = 0
        self._starts = 0
        self.is_windowed = False
        """True if the function's source is made by `windowed`, once the process has been started."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_why: object) -> None:
        self._end()
        self._folder.cleanup()

    @property
    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process, if none runs, and import the function's file. Raises `CannotCallError` if that fails."""
        if self.is_alive:
            return
        self._end()
        self._starts += 1
        folder = self._home
        folder.mkdir()
        request = {"target": self._target, "timeout": self._timeout, "log_aloud": self._log_aloud}
        self._printed, writes = os.pipe()
        os.set_blocking(self._printed, False)
        try:
            self._process = process = start_child("warm", folder, request, writes, subprocess.PIPE)
        finally:
            os.close(writes)
        said = self._heard(process, folder)
        ready = [step for step in said.steps if isinstance(step, Ready)]
        if not ready:
            refuse_no_import(said, self._target, self._timeout)
        self.is_windowed = ready[0].is_windowed

    def invoke(self, event: Any, *, is_invocation: bool = False) -> Call:
        """Call the function on an event, which may be anything if it is one of an asynchronous invocation.

        Raises `CannotCallError` if that is not possible.
        """
        call = self._invoked(event, is_invocation=is_invocation) or self._invoked(event, is_invocation=is_invocation)
        if call is None:
            raise CannotCallError("the function's process ended before the function could be called, twice")
        return call

    def _invoked(self, event: Any, *, is_invocation: bool) -> Call | None:
        self.start()
        process = self._process
        if process is None or process.stdin is None:
            return None
        self._invocations += 1
        folder = Path(self._folder.name) / str(self._invocations)
        folder.mkdir()
        request = json.dumps({"folder": str(folder), "event": json.dumps(event), "is_invocation": is_invocation})
        with suppress(BrokenPipeError):  # it has ended
            process.stdin.write(f"{request}\n".encode("ascii"))
            process.stdin.flush()
        said = self._heard(process, folder)
        rmtree(folder)
        if not any(isinstance(step, Delivered) for step in said.steps):
            self._end()
            return None
        call = call_of(said, self._target, self._timeout)
        if isinstance(call.ending, CutOff | Died):
            self._end()
        return call

    def _heard(self, process: subprocess.Popen[bytes], folder: Path) -> Heard:
        """Wait for the process to be ready again, or to end. Raises `CannotCallError` for what it refuses."""
        seconds = seconds_of_a_call(self._timeout)
        steps, status = watched(process, folder, self._timeout, seconds, meanwhile=self._while_it_runs)
        refuse_refusals(steps)
        return Heard(steps=steps, status=status, was_at=own_lines(file_text(self._home / "was_at")), printed="")

    @property
    def _home(self) -> Path:
        return Path(self._folder.name) / f"process-{self._starts}"

    def _while_it_runs(self) -> None:
        self._meanwhile()
        self._hand_on_output()

    def _hand_on_output(self) -> None:
        if self._printed is None:
            return
        with suppress(BlockingIOError):
            while printed := os.read(self._printed, _MOST_BYTES_AT_ONCE):
                self._take_output(printed)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            end_child(process)
            if process.stdin is not None:
                with suppress(OSError):  # what could not be written to it is of no use any more
                    process.stdin.close()
        if self._printed is not None:
            self._hand_on_output()
            os.close(self._printed)
            self._printed = None


def reading_of(call: Call, identifiers: Mapping[Hashable, int], *, report_batch_item_failures: bool) -> Reading:
    """Return what an event source mapping makes of a call.

    `identifiers` are those of the records that were delivered, with their positions.
    """
    match call.ending:
        case Answered(response=text, failed_because=why):
            if text is None:
                return CompleteFailure(why or "the response cannot be written as JSON")
            answer: Answer = Returned(json.loads(text))
        case Raised(kind=kind):
            answer = RaisedAnswer(kind)
        case CutOff():
            answer = TimedOut()
        case Died(how=how):
            return CompleteFailure(f"the function {how} before it returned")
        case _:
            assert_never(call.ending)
    return read_answer(answer, identifiers, report_batch_item_failures=report_batch_item_failures)


def state_of(call: Call) -> Mapping[str, Any] | None:
    """Return the state in the response to a window; `None` if it has none."""
    if not isinstance(call.ending, Answered) or call.ending.response is None:
        return None
    return state_in(Returned(json.loads(call.ending.response)))
