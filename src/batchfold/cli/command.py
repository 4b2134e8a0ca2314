"""The command line: what `batchfold` and `batchfold run` take, and which other commands there are."""

from pathlib import Path
from typing import Annotated

import typer

from batchfold import __version__
from batchfold.cli.account import Answered, Call
from batchfold.cli.call import called
from batchfold.cli.check_command import check
from batchfold.cli.event_file import event_text
from batchfold.cli.mapping_command import mapping
from batchfold.cli.poll import poll
from batchfold.cli.replay import replay
from batchfold.cli.report import errors_told, output, report, say, tell_ending, write, writing
from batchfold.cli.simulate import simulate
from batchfold.cli.verdict import Verdict, judge

_ERROR = 2
_SHORTEST = 0.001
"""One millisecond of the context."""

_ENDLESS = 1e9
"""No time-out is refused for being long, but the context counts milliseconds in an int."""

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


def _print_version(asked: bool) -> None:  # noqa: FBT001  # typer calls it with the option's value
    if asked:
        typer.echo(f"batchfold {__version__}")
        raise typer.Exit


def _checked_timeout(seconds: float) -> float:
    if not _SHORTEST <= seconds < _ENDLESS:  # so that NaN, which is neither shorter nor longer, is refused too
        raise typer.BadParameter(f"expected a number of seconds from {_SHORTEST} on, got {seconds}")
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


@app.command(short_help="Call a function on an event; what becomes of each record?")
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
            help="The function's timeout: its context counts it down, and the function is ended when it is over.",
        ),
    ] = 30.0,
    only_response: Annotated[bool, typer.Option("--json", help="Print only the response, as JSON.")] = False,
    show_traceback: Annotated[
        bool, typer.Option("--traceback", help="Write what batchfold logs, with tracebacks, to the error output.")
    ] = False,
) -> None:
    """Call a Lambda function on an event, and tell what becomes of each record.

    The function runs in a process of its own, which is ended when the timeout is over. What it prints goes to the error
    output; the report goes to the standard output.

    The exit status is 0 if every record is done, and 1 if some come back. It is 2 for an error: wrong usage, a file that
    cannot be imported, a function that raises, hangs, ends its process or leaves a thread behind, a response that Lambda
    cannot read (everything comes back), or one that loses records. Ctrl-C ends it with 130.
    """
    with errors_told():
        call = called(function, event_text(event), timeout=timeout, log_aloud=show_traceback or only_response)
    verdict = judge(call)
    tell_ending(call.ending)
    with writing("the report"):
        if only_response:
            _write_response(call, verdict)
        else:
            write(report(call.delivered.origin, verdict, call.ending, output()))
    raise typer.Exit(verdict.exit_status)


def _write_response(call: Call, verdict: Verdict) -> None:
    if verdict.exit_status == _ERROR:
        for sentence in verdict.says:
            say(sentence)
    if isinstance(call.ending, Answered) and call.ending.response is not None:
        write(f"{call.ending.response}\n")


app.command(short_help="Play a function through a model of its source.")(simulate)
app.command(short_help="Poll a queue or a stream as Lambda does.")(poll)
app.command(short_help="Give a function again what was given up.")(replay)
app.command()(check)
app.command()(mapping)
