"""The child process: it calls the Lambda function as Lambda does, and gives account of what became of each record.

It sees every fold that ends, whichever of batchfold's functions ran it and in whichever thread. It does not depend on the
function's log, nor on what the function returns or raises.
"""

import faulthandler
import inspect
import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import IO, Any, NoReturn, assert_never, cast
from uuid import uuid4

from batchfold import BatchProcessingError, Failed, Settled, Succeeded, UnexpectedEventError, Unprocessed
from batchfold.cli.account import (
    Answered,
    Aside,
    Ended,
    Folded,
    Left,
    Outcome,
    Raised,
    Refused,
    RefusedError,
    Started,
    write_step,
)
from batchfold.cli.event_file import (
    ReadEvent,
    UnreadableEventError,
    delivered,
    invocation_of,
    key_of,
    parsed_event,
    read_event,
)
from batchfold.cli.load import Function, loaded
from batchfold.core._guards import is_list, is_mapping
from batchfold.core.batch import AnyBatch
from batchfold.core.outcomes import Outcome as AnyOutcome
from batchfold.core.progress import watch_batches
from batchfold.core.records import RawRecord, item_name
from batchfold.core.redaction import describe, redact, why
from batchfold.testing import (
    Clock,
    CompleteFailure,
    CompleteSuccess,
    FirehoseStream,
    LambdaContext,
    PartialFailure,
    Reading,
    Returned,
    Transformed,
    read_answer,
    read_transformation,
    state_in,
)
from batchfold.testing.answers import as_written

_HERE = Path(__file__).parent

_THREAD_SECONDS = 1.0
"""The time that threads have to end after the function has returned."""


def main(name: str) -> None:
    """Call the function that the request in this folder speaks of, and end the process."""
    serve(name, _run)


def serve(name: str, run: Callable[..., None]) -> NoReturn:
    """Do what the request in this folder asks for, give account of it there, and end the process."""
    folder = Path(name)
    request = json.loads((folder / "request").read_text(encoding="ascii"))
    if sys.stdout is not None:  # it shares its file with the error output
        cast("Any", sys.stdout).reconfigure(line_buffering=True)
    write_step(folder, Started())
    with refusals_told(folder):
        run(folder, **request)
    flush_outputs()
    os._exit(0)  # whatever the function has left behind must not keep the process


def flush_outputs() -> None:
    """Write out what the function has printed. It may have closed its outputs."""
    for output in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            output.flush()


@contextmanager
def refusals_told(folder: Path) -> Generator[None, None, None]:
    """Write to the account why the function cannot be called, and what goes wrong in the command itself."""
    try:
        yield
    except (RefusedError, UnexpectedEventError) as error:
        cause = error.__cause__
        write_step(
            folder,
            Refused(
                message=str(error),
                traceback="" if cause is None else _traceback(cause),
                is_about_event=isinstance(error, UnreadableEventError | UnexpectedEventError),
            ),
        )
    except Exception as error:  # noqa: BLE001  # the command knows of no other, so it is a defect
        # what the exception says may quote the event, unless it is about an import
        what = f"{type(error).__name__}: {error}" if isinstance(error, ImportError) else type(error).__name__
        says = f"the command itself failed, which is a defect of batchfold: {what}"
        write_step(folder, Refused(message=says, traceback="".join(traceback.format_tb(error.__traceback__))))


def _run(folder: Path, *, target: str, event: str, timeout: float, log_aloud: bool) -> None:
    was_at = (folder / "was_at").open("w", encoding="utf-8")  # closed by the end of the process, or by the function
    with log_watched(lambda: folder, aloud=log_aloud), loaded(target) as function:
        invoke(folder, function, was_at, target=target, event=event, timeout=timeout)


def invoke(
    folder: Path,
    function: Function,
    was_at: IO[str],
    *,
    target: str,
    event: str,
    timeout: float,
    is_invocation: bool = False,
) -> None:
    """Call the function on an event, and give account of it in this folder.

    Once the timeout is over, the lines that the function is at are written to `was_at`. `is_invocation` says that the
    event is one of an asynchronous invocation, which may be anything.
    """
    untouched = parsed_event(event)  # what the function does to its event changes nothing here
    read = invocation_of(untouched, function) if is_invocation else read_event(untouched, function)
    handed_over = parsed_event(event)
    raws = tuple(read.source.read(handed_over)[0])
    before = set(threading.enumerate())
    batches: list[AnyBatch] = []

    def watch(batch: AnyBatch) -> None:
        is_of_event = _is_of(read, batch)
        if is_of_event:
            batches.append(batch)
        elif _are_among(batch, raws):
            return  # Powertools' vocabulary, which counts records instead of naming them
        with suppress(OSError):  # the fold goes on, whatever becomes of the account
            step = Folded(
                source=batch.source.name,
                is_of_event=is_of_event,
                why_stopped=batch.why_stopped,
                outcomes=list(map(outcome_of, batch.outcomes)),
            )
            write_step(folder, step)

    step = delivered(read)
    faulthandler.dump_traceback_later(timeout, file=was_at)
    with watch_batches(watch):
        context = LambdaContext(
            timeout_seconds=timeout,
            clock=_RunningClock(),
            function_name=Path(target.rpartition(":")[0]).stem,
            aws_request_id=str(uuid4()),
        )
        write_step(folder, step)
        ending = _called(folder, function, handed_over, context, read, batches)
    faulthandler.cancel_dump_traceback_later()
    write_step(folder, ending)
    if threads := _left_behind(before):
        write_step(folder, Left(threads=threads))


class _RunningClock(Clock):
    """The clock on the wall."""

    __slots__ = ()

    @property
    def now(self) -> float:
        return time.monotonic()


def _called(
    folder: Path, function: Function, event: Any, context: LambdaContext, read: ReadEvent, batches: list[AnyBatch]
) -> Answered | Raised:
    begin = time.monotonic()
    try:
        response = function(event, context)
    except BaseException as error:  # noqa: BLE001  # Lambda counts all that leaves the function as a failed invocation
        write_step(folder, Ended(seconds=time.monotonic() - begin))
        return _raised(error)
    write_step(folder, Ended(seconds=time.monotonic() - begin))
    return _answered(response, read, batches)


def _answered(response: Any, read: ReadEvent, batches: list[AnyBatch]) -> Answered:
    is_awaitable = inspect.isawaitable(response)
    if inspect.iscoroutine(response):
        response.close()  # Lambda would not await it either
    text = as_json(response)
    reading: Reading = read_answer(Returned(response), read.positions, report_batch_item_failures=read.has_records)
    results: list[str] | None = None
    problems: list[str | None] = []
    if read.source.name == FirehoseStream.source_name:  # it answers every record, in its own way
        transformed = read_transformation(Returned(response), read.source.read(read.event)[0])
        if isinstance(transformed, Transformed):
            reading, results, problems = CompleteSuccess(), [*transformed.results], [*transformed.problems]
        else:
            reading = transformed
    return Answered(
        response=text,
        kind=type(response).__name__,
        is_partial=is_mapping(response) and set(response) == {"batchItemFailures"},
        has_failures=not response or (is_mapping(response) and "batchItemFailures" in response),
        is_awaitable=is_awaitable,
        failed_because=reading.reason if isinstance(reading, CompleteFailure) else _lacks_state(response, read),
        named=sorted(reading.named) if isinstance(reading, PartialFailure) else [],
        strangers=_strangers(response, read),
        is_as_source_says=_is_as_source_says(text, batches),
        results=results,
        problems=problems,
    )


def _lacks_state(response: object, read: ReadEvent) -> str | None:
    if not is_mapping(read.event) or "window" not in read.event or state_in(Returned(response)) is not None:
        return None
    return "the response has no state, and must carry that of the window"


def as_json(response: object) -> str | None:
    """The response as Lambda's runtime writes it, `None` if it cannot."""
    try:
        return json.dumps(as_written(response))
    except (TypeError, ValueError, RecursionError):
        return None


def _strangers(response: object, read: ReadEvent) -> list[str]:
    failures: object = response.get("batchItemFailures") if is_mapping(response) else None
    entries = [entry for entry in failures if is_mapping(entry)] if is_list(failures) else []
    given = [entry["itemIdentifier"] for entry in entries if entry.get("itemIdentifier")]
    known = set(map(key_of, read.item_ids))
    return [_quoted(item_id) for item_id in given if key_of(item_id) not in known]


_LONGEST_QUOTE = 80


def _quoted(given: object) -> str:
    text = given if isinstance(given, str) else as_json(given) or f"a {type(given).__name__}"
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}..."


def _is_as_source_says(text: str | None, batches: list[AnyBatch]) -> bool | None:
    if not batches:
        return None
    batch = batches[-1]
    return text is not None and text == as_json(cast("Any", batch.source).respond(batch))


def _is_of(read: ReadEvent, batch: AnyBatch) -> bool:
    """Return whether the batch is of the event: its source reads the event too, and finds the same records in it."""
    try:
        item_ids = batch.source.read(read.event)[1]
        return set(map(key_of, item_ids)) == set(map(key_of, read.item_ids))
    except Exception:  # noqa: BLE001  # a source of somebody's own may raise anything for what it does not know
        return False


def _are_among(batch: AnyBatch, raws: Sequence[RawRecord]) -> bool:
    known = set(map(id, raws))
    return all(id(outcome.raw) in known for outcome in batch.outcomes)


def outcome_of(outcome: AnyOutcome[Any, Any, Any]) -> Outcome:
    """Return the outcome as the account has it."""
    key, name = key_of(outcome.item_id), item_name(outcome.item_id)
    match outcome:
        case Succeeded():
            return Outcome(key=key, name=name, kind="succeeded", why="")
        case Settled():
            return Outcome(key=key, name=name, kind="settled", why=why(outcome.fault))
        case Failed(settle_error=None):
            return Outcome(key=key, name=name, kind="failed", why=why(outcome.fault))
        case Failed():
            unsettled = f"it could not be settled: {describe(outcome.settle_error)}"
            return Outcome(key=key, name=name, kind="failed", why=f"{why(outcome.fault)}; {unsettled}")
        case Unprocessed():
            return Outcome(key=key, name=name, kind="unprocessed", why="not started")
        case _:
            assert_never(outcome)


def _raised(error: BaseException) -> Raised:
    kind = type(error).__name__
    if isinstance(error, BatchProcessingError | UnexpectedEventError):
        return Raised(kind=kind, says=f"{kind}: {error.args[0]}", is_ours=True)
    return Raised(kind=kind, says=_traceback(error), is_ours=False)


def _traceback(error: BaseException) -> str:
    """The traceback from where the user's code begins: behind the command's own frames and the import system's."""
    clean = redact(error)
    frame = begin = clean.__traceback__
    while frame is not None:
        is_ours = Path(frame.tb_frame.f_code.co_filename).parent == _HERE
        frame = frame.tb_next
        if is_ours:
            begin = frame
    while begin is not None and begin.tb_frame.f_code.co_filename.startswith("<frozen importlib"):
        begin = begin.tb_next
    object.__setattr__(clean, "__traceback__", begin)  # a frozen dataclass would refuse it otherwise
    try:
        return "".join(traceback.format_exception(clean)).rstrip()
    except Exception as failure:  # noqa: BLE001  # an exception of the user's may raise when it is asked for its text
        return f"{type(error).__name__}, whose text raised {type(failure).__name__}"


class _Asides(logging.Handler):
    """Takes in what batchfold logs that is not about a record of the event: of those, the report knows more."""

    def __init__(self, take: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._take = take

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "batchfold_source", None) is not None:  # only lines about the records of an event have it
            return
        message = record.getMessage()
        error = record.exc_info[1] if record.exc_info else None
        self._take(message if error is None else f"{message} ({describe(error)})")


@contextmanager
def log_watched(folder: Callable[[], Path], *, aloud: bool) -> Generator[None, None, None]:
    """Write what batchfold logs to the error output, with tracebacks, or keep it off there: the report says it.

    What handlers the function gives its loggers, and which levels, is its own affair. `folder` holds the account.
    """

    def take(message: str) -> None:
        with suppress(OSError):
            write_step(folder(), Aside(message=message))

    logger = logging.getLogger("batchfold")
    logger.addHandler(_Asides(take))  # with any handler, Python's last resort does not write
    if aloud:
        logger.addHandler(logging.StreamHandler())
    yield


def _left_behind(before: set[Thread]) -> list[str]:
    """The names of the threads that were started in the call and still work after a while.

    Lambda freezes them when the function returns. Daemons are let go, as Python lets them go when a program ends.
    """
    until = time.monotonic() + _THREAD_SECONDS
    while busy := [thread for thread in threading.enumerate() if thread not in before and _is_busy(thread)]:
        if time.monotonic() >= until:
            return [thread.name for thread in busy]
        busy[0].join(0.02)
    return []


def _is_busy(thread: Thread) -> bool:
    """Return whether it works. An idle worker of an executor is at the line that waits for work."""
    if thread.daemon or thread is threading.current_thread() or thread.ident is None:
        return False
    frame = sys._current_frames().get(thread.ident)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # documented
    if frame is None:
        return thread.is_alive()
    return not (frame.f_globals.get("__name__") == "concurrent.futures.thread" and frame.f_code.co_name == "_worker")
