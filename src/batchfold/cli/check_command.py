"""The command `batchfold check`: read files, ask the rules, write what was found.

Everything that decides which rules are asked of which connection, and the exit status, is in this file.
"""

import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from batchfold.cli.check_files import CannotReadError, documents
from batchfold.cli.check_findings import Finding, Open, Rule, Subject, judged
from batchfold.cli.check_made import Made, NotCalledError, calls_of, made_by
from batchfold.cli.check_model import Document
from batchfold.cli.check_output import Checked, Format, written
from batchfold.cli.check_rules import RULES
from batchfold.cli.load import CannotLoadError

_NAMES = tuple(rule.name for rule in RULES)
_FOUND, _ERROR = 1, 2
_EXTRA = ("cfnlint", "samtranslator", "boto3", "yaml")


def add_to(app: typer.Typer) -> None:
    """Add the command to a typer application."""
    app.command()(check)


def checked(read: Sequence[Document], rules: Sequence[Rule], made: Made | None = None) -> Checked:
    """Return what the rules find out about all connections of the documents.

    Raises `NotCalledError` if none of them calls the function that was given.
    """
    called = (
        [] if made is None else calls_of(made, [connection for document in read for connection in document.connections])
    )
    found: list[Finding | Open] = []
    for document in read:
        for connection in document.connections:
            is_called = any(connection is other for other in called)
            found += judged(Subject(connection, document.connections, made if is_called else None), rules)
    return Checked(
        files=len(read),
        connections=sum(len(document.connections) for document in read),
        findings=_each_once(finding for finding in found if isinstance(finding, Finding)),
        open=[question for question in found if isinstance(question, Open)],
        notes=[note for document in read for note in document.notes],
    )


def check(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Templates, plans and outputs of the AWS CLI, or folders with them."),
    ],
    *,
    function: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.py:FUNCTION", help="Compare the mappings that call this function with how it was made."
        ),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to write what is found.")] = "text",
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="RULE", help="A rule not to ask; may be given several times.")
    ] = None,
) -> None:
    """Check what connects queues and streams to functions: does Lambda read the partial response, and is nothing lost?

    PATH is a SAM or CloudFormation template (YAML or JSON), the output of `terraform show -json`, the output of
    `aws lambda get-event-source-mapping` or `list-event-source-mappings`, or a folder.

    What cannot be known before a deployment is reported as unknown. The exit status is 0 if nothing was found, 1 if
    something was, 2 for an error: wrong usage, or a file that cannot be read.
    """
    unknown = set(ignore or ()) - set(_NAMES)
    if unknown:
        raise typer.BadParameter(f"there is no rule {', '.join(sorted(unknown))}; the rules are {', '.join(_NAMES)}")
    try:
        made = None if function is None else made_by(function)
        read = list(documents(paths))
        readable = [document for document in read if isinstance(document, Document)]
        problems = [str(error) for error in read if isinstance(error, CannotReadError)]
        if not read:
            _fail(f"there is no template, plan or mapping in {', '.join(map(str, paths))}")
        found = checked(readable, [rule for rule in RULES if rule.name not in (ignore or ())], made)
    except (CannotReadError, CannotLoadError, NotCalledError) as error:
        _fail(str(error))
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRA:
            raise
        _fail(f"batchfold check needs {missing}: pip install 'batchfold[check]'")
    _write(written(found, form))
    for problem in problems:
        _say(f"Error: {problem}")
    raise typer.Exit(_ERROR if problems else _FOUND if found.findings else 0)


def _each_once(findings: Iterable[Finding]) -> list[Finding]:
    """The findings without repetition: two mappings of one queue speak of the same setting, the sharpest demand stays."""
    kept: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        kept.setdefault((finding.rule.name, finding.place, finding.resource, finding.broken.says), finding)
    return list(kept.values())


def _write(text: str) -> None:
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:  # whatever stands in for the output need not have it
        reconfigure(errors="backslashreplace")
    with suppress(BrokenPipeError):  # whoever reads it has read enough
        typer.echo(text, nl=False, color=True)  # the text has colours only where it is to have some


def _say(message: str) -> None:
    with suppress(OSError):  # where nothing can be written, there is nobody to tell
        typer.echo(message, err=True)


def _fail(message: str) -> NoReturn:
    _say(f"Error: {message}")
    raise typer.Exit(_ERROR)
