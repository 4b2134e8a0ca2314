"""`batchfold simulate`: what would happen to a source's records if Lambda gave them to this function."""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from batchfold.cli.account import Invoking, Played, Progressed, RefusedError, Step
from batchfold.cli.call import LATE_SECONDS, CannotCallError, Seconds, heard, how_it_ended, refuse_no_import
from batchfold.cli.event_file import event_text
from batchfold.cli.grid import Simulated, shown
from batchfold.cli.picture import as_html, as_svg
from batchfold.cli.report import errors_told, output, say, write, writing

_SHORT_SECONDS = 1.0
"""A simulation that takes no longer needs no progress bar."""

_MODEL_SECONDS = 120.0
"""The time that the model may take between two invocations, for many records on a machine that is busy."""


def simulate(
    function: Annotated[
        str, typer.Argument(metavar="FILE.py:FUNCTION", help="The Lambda function, such as app.py:lambda_handler.")
    ],
    *,
    event: Annotated[
        Path | None, typer.Option(metavar="EVENT.json", help="Take the records of an event; - reads standard input.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Make up records of this source: sqs, kinesis, dynamodb, kafka, kafka-share-group, firehose, or of a pipe: "
            "sqs-pipe, kinesis-pipe, dynamodb-pipe. By default, of the one that the program makes.",
        ),
    ] = None,
    records: Annotated[
        int | None,
        typer.Option(min=1, metavar="COUNT", help="How many records: 10 by default, or as many as the event has."),
    ] = None,
    keys: Annotated[
        int, typer.Option(min=1, metavar="COUNT", help="How many message groups or keys the made-up records have.")
    ] = 3,
    payload: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help='The payload of made-up records. {name}, {number} and {key} are filled in: \'{"id": "{name}"}\'. By '
            "default, the name.",
        ),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--mapping",
            "-m",
            metavar="NAME=VALUE",
            help="A setting of the source or its mapping, in AWS's spelling or ours: BatchSize=5, fifo=true, "
            "MaxReceiveCount=3, MaximumRetryAttempts=2, BisectBatchOnFunctionError=true, ReportBatchItemFailures=false. "
            "A wrong name lists them all.",
        ),
    ] = None,
    fail_: Annotated[
        list[str] | None,
        typer.Option("--fail", metavar="RECORDS", help="These records fail once: numbers or names, such as 3,7."),
    ] = None,
    poison: Annotated[
        list[str] | None, typer.Option(metavar="RECORDS", help="The payloads of these records never parse.")
    ] = None,
    fail_rate: Annotated[
        float, typer.Option(min=0, max=1, metavar="RATE", help="Each attempt fails with this probability.")
    ] = 0.0,
    outage: Annotated[
        int, typer.Option(min=0, metavar="COUNT", help="In the first invocations, everything fails.")
    ] = 0,
    error: Annotated[
        str | None,
        typer.Option(
            metavar="EXCEPTION", help="The exception that these failures raise: TimeoutError, or app.ServiceDown."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, other failures of --fail-rate.")] = 0,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=A,B",
            help="Play it once for each value of a setting, of lane, or of fail-rate, outage or records: "
            "lane=each_record,by_partition_key.",
        ),
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, max=1e6, metavar="SECONDS", help="The function's timeout.")] = 30.0,
    most_invocations: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="COUNT",
            help="Stop after so many invocations. By default after 1,000, or when nothing more gets done.",
        ),
    ] = None,
    all_rows: Annotated[
        bool, typer.Option("--all", help="Show a row for every record, also for those that were done at once.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the histories as JSON, and nothing else.")] = False,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the grids as a picture.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the grids as a page.")] = None,
    show_output: Annotated[
        bool, typer.Option("--show-output", help="Show what the function prints, and batchfold's log.")
    ] = False,
) -> None:
    """Play a function through a model of its event source until that is drained.

    The grid shows what becomes of each record in each invocation: done, failed, not started, done again. Below stand the
    totals: repeats, order, dead letters, losses. The function is called for real, with made-up records or those of an
    event, so give it a database that may be written to. A failure that is asked for is raised when the function reads
    the record's payload.

    The exit status is 0 if every record is done, in order. It is 1 if records are given up, are still there or are out
    of order, and 2 for an error, or if a record is lost.
    """
    asked: dict[str, Any] = {
        "event": None,
        "kind": source,
        "records": records,
        "keys": keys,
        "payload": payload,
        "settings": setting or [],
        "fail": fail_ or [],
        "poison": poison or [],
        "fail_rate": fail_rate,
        "outage": outage,
        "seed": seed,
        "error": error,
        "most_invocations": most_invocations,
        "lane": None,
    }
    with errors_told():
        if event is not None:
            asked["event"] = event_text(event)
        simulations = [
            _played(function, name, variant, timeout, log_aloud=show_output)
            for name, variant in _variants(asked, compare)
        ]
    _write(simulations, as_json=as_json, all_rows=all_rows, svg=svg, html=html)
    raise typer.Exit(max(map(_exit_status, simulations)))


def _write(
    simulations: Sequence[Simulated], *, as_json: bool, all_rows: bool, svg: Path | None, html: Path | None
) -> None:
    with writing("the simulation"):
        if svg is not None:
            svg.write_text(as_svg(simulations), encoding="utf-8")
        if html is not None:
            html.write_text(as_html(simulations), encoding="utf-8")
        if as_json:
            histories = [{"name": each.name, **each.history, "notes": list(each.notes)} for each in simulations]
            write(f"{json.dumps(histories if len(histories) > 1 else histories[0])}\n")
        else:
            write(shown(simulations, output(), all_rows=all_rows))


def _variants(asked: dict[str, Any], compare: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    if compare is None:
        yield "", asked
        return
    name, equals, values = compare.partition("=")
    if not equals or not name or not values:
        raise RefusedError(f"expected --compare NAME=A,B, such as lane=each_record,whole_batch, got {compare!r}")
    for value in values.split(","):
        yield f"{name}={value}", {**asked, **_varied(asked, name, value)}


def _varied(asked: dict[str, Any], name: str, value: str) -> dict[str, Any]:
    kinds = {"fail-rate": float, "outage": int, "records": int, "keys": int, "seed": int, "lane": str}
    kind = kinds.get(name)
    if kind is None:
        return {"settings": [*asked["settings"], f"{name}={value}"]}
    try:
        return {name.replace("-", "_"): kind(value)}
    except ValueError:
        raise RefusedError(f"expected --compare {name}= to be followed by numbers, got {value!r}") from None


def _played(target: str, name: str, asked: dict[str, Any], timeout: float, *, log_aloud: bool) -> Simulated:
    """Play one simulation in a child process, with a progress bar where somebody can see it."""
    request = {"target": target, "timeout": timeout, "log_aloud": log_aloud, **asked}
    bar = _bar()
    task = bar.add_task(name or "simulating", invocation=0)
    began = time.monotonic()

    def show(step: Step) -> None:
        if isinstance(step, Progressed):
            bar.update(task, completed=step.done, total=step.records, invocation=step.invocation)
            if time.monotonic() - began > _SHORT_SECONDS:
                bar.start()  # does nothing if it has

    seconds: Seconds = {Invoking: timeout + LATE_SECONDS, Progressed: _MODEL_SECONDS}
    try:
        said = heard("play", request, timeout, seconds, told=show, is_shown=log_aloud)
    finally:
        bar.stop()
    played = [step for step in said.steps if isinstance(step, Played)]
    if played:
        return Simulated(name, played[0].history, played[0].notes)
    invoked = [step.invocation for step in said.steps if isinstance(step, Invoking)]
    if not invoked:
        refuse_no_import(said, target, timeout)
    if said.printed:
        say(f"The function printed, in its own words:\n{said.printed.rstrip()}")
    how = (
        f"had not returned after {timeout:g} s"
        if said.status is None
        else f"{how_it_ended(said, timeout)} before it returned"
    )
    raise CannotCallError(f"in invocation {invoked[-1]}, the function {how}")


def _bar() -> Progress:
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("records done, invocation {task.fields[invocation]}"),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _exit_status(simulated: Simulated) -> int:
    totals = simulated.totals
    if totals["lost"]:
        return 2
    is_whole = totals["done"] + totals["settled"] == totals["records"]
    return 0 if is_whole and not totals["out of order"] else 1
