"""The command line: what `batchfold` and `batchfold run` take."""

import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Annotated, NoReturn

import typer

from batchfold import BatchProcessingError, UnexpectedEventError, __version__
from batchfold.cli.call import Call, called, context_of, function_name_of
from batchfold.cli.delivery import UnreadableEventError, delivery_of
from batchfold.cli.load import CannotLoadError, loaded
from batchfold.cli.log import log_written
from batchfold.cli.output import kept_for_the_report, say, write
from batchfold.cli.report import as_json, output, report
from batchfold.cli.verdict import Verdict, judge
from batchfold.cli.witness import witnessed
from batchfold.core.redaction import redact

_ERROR = 2
_SHORTEST, _LONGEST = 0.001, 900
"""Seconds that a function may take: one millisecond of its context, and what Lambda allows."""
_HERE = Path(__file__).parent

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def _print_version(asked: bool) -> None:  # noqa: FBT001  # typer calls it with the option's value
    if asked:
        typer.echo(f"batchfold {__version__}")
        raise typer.Exit


def _checked_timeout(seconds: float) -> float:
    if not _SHORTEST <= seconds <= _LONGEST:  # so that NaN, which is neither shorter nor longer, is refused too
        raise typer.BadParameter(
            f"expected {_SHORTEST} to {_LONGEST} seconds, the most that Lambda allows, got {seconds}"
        )
    return seconds


@app.callback()
def batchfold(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Partial batch responses for AWS Lambda."""
    del version  # its callback has seen to it


@app.command()
def run(
    function: Annotated[
        str, typer.Argument(metavar="FILE.py:FUNCTION", help="The Lambda function, such as app.py:lambda_handler.")
    ],
    *,
    event: Annotated[
        Path,
        typer.Option(metavar="EVENT.json", help="The event; - reads standard input."),
    ],
    timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            callback=_checked_timeout,
            help="The function's timeout, up to 900, which its context counts down.",
        ),
    ] = 30.0,
    only_response: Annotated[bool, typer.Option("--json", help="Print only the response, as JSON.")] = False,
    show_traceback: Annotated[
        bool, typer.Option("--traceback", help="Write what batchfold logs, with tracebacks, to the error output.")
    ] = False,
) -> None:
    """Call a Lambda function on an event, and tell what becomes of each record.

    The exit status is 0 if every record is done, 1 if some come back, 2 for an error: wrong usage, a file that cannot be
    imported, a function that raises, or a response that Lambda cannot read (everything comes back), or one that loses
    records.
    """
    try:
        delivery = delivery_of(_text_of(event))
        with (
            kept_for_the_report(),
            loaded(function) as lambda_function,
            log_written(aloud=show_traceback or only_response),
            witnessed() as witness,
        ):
            call = called(lambda_function, delivery.event, context_of(function_name_of(function), timeout))
    except CannotLoadError as error:
        if error.__cause__ is not None:
            _tell_traceback(error.__cause__)
        _fail(str(error))
    except (UnreadableEventError, UnexpectedEventError) as error:
        _fail(str(error))
    verdict = judge(delivery, call, witness)
    if call.error is not None:
        _tell_error(call.error)
    try:
        if only_response:
            _write_response(call, verdict)
        else:
            write(report(delivery, verdict, call.response, output()))
    except BrokenPipeError:
        pass  # whoever reads the report has read enough of it, and the verdict stands
    except OSError as error:
        _fail(f"the report cannot be written: {error.strerror}")
    raise typer.Exit(verdict.exit_status)


def _text_of(event: Path) -> str:
    try:
        return sys.stdin.read() if str(event) == "-" else event.read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableEventError(f"the event cannot be read from {event}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UnreadableEventError(f"the event is not UTF-8: {error.reason} at byte {error.start}") from None


def _write_response(call: Call, verdict: Verdict) -> None:
    if verdict.exit_status == _ERROR:
        for sentence in verdict.says:
            say(sentence)
    response = as_json(call.response)
    if call.error is None and response is not None:
        write(f"{response}\n")


def _tell_error(error: BaseException) -> None:
    """The traceback of what the function raised, or the message where batchfold raised it and the message says it all."""
    if isinstance(error, BatchProcessingError | UnexpectedEventError):
        say(f"{type(error).__name__}: {error.args[0]}")
    else:
        _tell_traceback(error)


def _tell_traceback(error: BaseException) -> None:
    """The traceback from where the user's code begins: behind what the command and the import system call it by."""
    clean = redact(error)
    frame = begin = clean.__traceback__
    while frame is not None:
        is_ours = Path(_file_of(frame)).parent == _HERE
        frame = frame.tb_next
        if is_ours:
            begin = frame
    while begin is not None and _file_of(begin).startswith("<frozen importlib"):
        begin = begin.tb_next
    object.__setattr__(clean, "__traceback__", begin)  # a frozen dataclass would refuse it otherwise
    say("".join(traceback.format_exception(clean)).rstrip())


def _file_of(frame: TracebackType) -> str:
    return frame.tb_frame.f_code.co_filename


def _fail(message: str) -> NoReturn:
    say(f"Error: {message}")
    raise typer.Exit(_ERROR)
