"""Calling a Lambda function in a child process, from the side of the command.

A function may hang, end its process or leave threads behind, and the command must end all the same. So it runs in a child
process of its own, which is ended when its time is over. What it had to say until then is in its account.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import IO, NoReturn, TypeAlias, TypeVar

from batchfold.cli.account import (
    Answered,
    Aside,
    Call,
    CutOff,
    Delivered,
    Died,
    Ended,
    Folded,
    Left,
    Raised,
    Ready,
    Refused,
    Started,
    Step,
    steps_in,
)

_INIT_SECONDS = 10.0
"""The time that Lambda gives a module to be imported, before it tries again within the function's timeout."""

_START_SECONDS = 20.0
"""The time that Python and batchfold may take to start, on a machine that is busy."""

_ACCOUNT_SECONDS = 30.0
"""The time that the child may take, once the function has ended, to say what came of it."""

LATE_SECONDS = 0.3
"""The time after the timeout in which the child may still say that the function ended before it."""

_TICK_SECONDS = 0.005
_LONGEST_TICK_SECONDS = 0.05


StepT = TypeVar("StepT")

Seconds: TypeAlias = Mapping[type[Step], float]
"""The time that a child may take after a step until the next one; a step that is not here changes nothing."""


class CannotCallError(Exception):
    """The function was not called. `traceback` is that of an import that raised, or empty."""

    def __init__(self, message: str, traceback: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback


class RefusedEventError(CannotCallError):
    """The function was not called because the event cannot be used. Another event may be."""


class Interrupted(BaseException):
    """A signal asks the command to end. Like `KeyboardInterrupt`, it is no error."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_status = 128 + number


@dataclass(frozen=True, kw_only=True)
class Heard:
    """The steps that a child process reported, and its exit status: `None` if it was ended for being overdue."""

    steps: list[Step]
    status: int | None
    was_at: str
    """The lines that it was at when a time of its own was over."""
    printed: str
    """The end of what it printed, where that was not shown."""


def called(target: str, event: str, *, timeout: float, log_aloud: bool) -> Call:
    """Call the function in a child process; no longer than its timeout.

    What it prints goes to the error output. Raises `CannotCallError`, and `Interrupted` for Ctrl-C.
    """
    request = {"target": target, "event": event, "timeout": timeout, "log_aloud": log_aloud}
    return call_of(heard("child", request, timeout, seconds_of_a_call(timeout)), target, timeout)


def seconds_of_a_call(timeout: float) -> Seconds:
    """Return how long the child may take after each step of a call."""
    return {Delivered: timeout + LATE_SECONDS, Ended: _ACCOUNT_SECONDS}


def heard(
    module: str,
    request: Mapping[str, object],
    timeout: float,
    seconds: Seconds,
    *,
    told: Callable[[Step], None] = lambda _step: None,
    is_shown: bool = True,
) -> Heard:
    """Run `main` of a module of this package in a child process, and return what it said.

    To import the function's file it has what Lambda gives for that. `told` is called with each step. What the child prints
    goes to the error output if `is_shown`. Raises `CannotCallError`, and `Interrupted` for Ctrl-C.
    """
    with TemporaryDirectory(prefix="batchfold-") as name, _signals_raise():
        folder = Path(name)
        with _output(folder, is_shown=is_shown) as output:
            process = start_child(module, folder, request, output)
            try:
                steps, status = watched(process, folder, timeout, seconds, told=told)
            finally:
                end_child(process)
        was_at, printed = own_lines(file_text(folder / "was_at")), file_text(folder / "output")
    refuse_refusals(steps)
    return Heard(steps=steps, status=status, was_at=was_at, printed="" if is_shown else printed)


def refuse_refusals(steps: Iterable[Step]) -> None:
    """Raise `CannotCallError` if the child says that the function cannot be called."""
    for step in steps:
        if isinstance(step, Refused):
            raise (RefusedEventError if step.is_about_event else CannotCallError)(step.message, step.traceback)


def how_it_ended(said: Heard, timeout: float) -> str:
    """Say how a child ended before it had reported everything."""
    if said.status is None:
        return f"had not ended after {timeout:g} s"
    if said.status < 0:
        with suppress(ValueError):
            return f"ended its process by the signal {signal.Signals(-said.status).name}"
    return f"ended its process with exit status {said.status}"


def refuse_no_import(said: Heard, target: str, timeout: float) -> NoReturn:
    """Raise for a child that ended while it imported the function's file."""
    how = how_it_ended(said, max(_INIT_SECONDS, timeout))
    raise CannotCallError(f"importing {target.rpartition(':')[0]} {how}")


def start_child(
    module: str, folder: Path, request: Mapping[str, object], output: int | IO[str], takes_in: int | None = None
) -> subprocess.Popen[bytes]:
    """Start `main` of a module of this package in a child process. `takes_in` is its standard input, as `Popen` takes it.

    It imports from where this process does, and not from the working directory: a file there must not hide a module of
    the standard library. Its session is its own, so that Ctrl-C reaches this process alone, which then ends the child.
    """
    (folder / "request").write_text(json.dumps(request), encoding="ascii")
    imports = f"import sys; sys.path[:] = {sys.path!r}; from batchfold.cli.{module} import main"
    program = f"{imports}; main(sys.argv.pop())"
    command = [sys.executable, "-P", "-c", program, str(folder)]
    return subprocess.Popen(command, stdin=takes_in, stdout=output, stderr=output, start_new_session=True)  # noqa: S603  # ours


def end_child(process: subprocess.Popen[bytes]) -> None:
    """End a child process with all that it started, if it has not ended."""
    if process.poll() is not None:
        return
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)  # not reaped yet, so the group is still its own
        else:
            process.kill()
    process.wait()


def watched(
    process: subprocess.Popen[bytes],
    folder: Path,
    timeout: float,
    seconds: Seconds,
    *,
    told: Callable[[Step], None] = lambda _step: None,
    meanwhile: Callable[[], None] = lambda: None,
) -> tuple[list[Step], int | None]:
    """Wait until the child ends, waits for an event or is overdue.

    Returns its steps, and its exit status: `None` if it is overdue, 0 if it waits for an event. `told` is called with each
    step, and `meanwhile` again and again.
    """
    allowed_after = {Started: max(_INIT_SECONDS, timeout), **seconds}
    steps: list[Step] = []
    account = steps_in(folder)
    since, allowed, tick = time.monotonic(), _START_SECONDS, _TICK_SECONDS
    while True:
        status = process.poll()  # asked before its steps: what it wrote last is read all the same
        for step in next(account):
            steps.append(step)
            told(step)
            if type(step) in allowed_after:
                since, allowed = time.monotonic(), allowed_after[type(step)]
        meanwhile()
        if steps and isinstance(steps[-1], Ready):
            return steps, 0
        if status is not None:
            return steps, status
        if time.monotonic() - since > allowed:
            return steps, None
        time.sleep(tick)
        tick = min(tick * 1.2, _LONGEST_TICK_SECONDS)


def call_of(said: Heard, target: str, timeout: float) -> Call:
    """Return the call of which a child gave this account."""
    steps = said.steps
    delivered, ended, left = _first(steps, Delivered), _first(steps, Ended), _first(steps, Left)
    if delivered is None:
        refuse_no_import(said, target, timeout)
    is_cut_off = said.status is None if ended is None else ended.seconds > timeout
    answer = _first(steps, Answered) or _first(steps, Raised) or Died(how=how_it_ended(said, timeout))
    return Call(
        delivered=delivered,
        ending=CutOff(seconds=timeout, was_at=said.was_at) if is_cut_off else answer,
        folds=tuple(step for step in steps if isinstance(step, Folded)),
        asides=tuple(step.message for step in steps if isinstance(step, Aside)),
        threads=() if left is None else tuple(left.threads),
    )


def _first(steps: list[Step], kind: type[StepT]) -> StepT | None:
    return next((step for step in steps if isinstance(step, kind)), None)


def file_text(file: Path) -> str:
    """The text of a file, empty if there is none."""
    with suppress(OSError):
        return file.read_text(encoding="utf-8", errors="replace")
    return ""


def own_lines(dump: str) -> str:
    """The lines of a dump of `faulthandler` without the frames that the command calls the function by."""
    here = str(Path(__file__).parent)
    lines = [line for line in dump.splitlines()[1:] if here not in line and '"<string>"' not in line]
    # of a thread of the command's own, only the heading is left
    each = zip(lines, [*lines[1:], ""], strict=False)  # of no lines, there are none
    return "\n".join(line for line, after in each if "hread 0x" not in line or after.startswith(" ")).strip("\n")


@contextmanager
def _output(folder: Path, *, is_shown: bool) -> Generator[int | IO[str], None, None]:
    """The error output as a child process can have it; a file that is copied there where it is none of the system's.

    What is not to be shown goes to the file alone.
    """
    descriptor = _error_descriptor() if is_shown else None
    if descriptor is not None:
        yield descriptor
        return
    file = folder / "output"
    try:
        with file.open("w", encoding="utf-8") as output:
            yield output
    finally:
        if is_shown:
            with suppress(AttributeError, OSError, ValueError):  # there may be none at all
                sys.stderr.write(file_text(file))


def _error_descriptor() -> int | None:
    try:
        sys.stderr.flush()
        descriptor = sys.stderr.fileno()
        os.fstat(descriptor)
    except (AttributeError, OSError, ValueError):
        return None
    return descriptor


@contextmanager
def _signals_raise() -> Generator[None, None, None]:
    """Raise `Interrupted` for the signals that ask a command to end: it has a child to end first."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what signals do
        return

    def interrupt(number: int, _frame: FrameType | None) -> None:
        raise Interrupted(number)

    asking = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in asking}
    # one that is ignored stays so, as nohup has it
    taken = [number for number in asking if before[number] is not signal.SIG_IGN]
    for number in taken:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number] or signal.SIG_DFL)
