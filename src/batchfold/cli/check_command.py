"""The command `batchfold check`: read files, ask the rules, write what was found.

Everything that decides which rules are asked of which connection, and the exit status, is in this file.
"""

import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from batchfold.cli.check_files import CannotReadError, documents
from batchfold.cli.check_findings import Finding, Open, Rule, Subject, judged
from batchfold.cli.check_made import Made, NotCalledError, calls_of, made_by
from batchfold.cli.check_model import Document
from batchfold.cli.check_output import Checked, Format, written
from batchfold.cli.check_rules import RULES
from batchfold.cli.load import CannotLoadError
from batchfold.cli.report import fail, say, write, writing

_NAMES = tuple(rule.name for rule in RULES)
_FOUND, _ERROR = 1, 2
_EXTRA = ("cfnlint", "samtranslator", "boto3", "yaml")


def checked(read: Sequence[Document], rules: Sequence[Rule], made: Made | None = None) -> Checked:
    """Return what the rules find out about all connections of the documents.

    Raises `NotCalledError` if none of them calls the function that was given.
    """
    connections = [connection for document in read for connection in document.connections]
    called = [] if made is None else calls_of(made, connections)
    found: list[Finding | Open] = []
    for document in read:
        for connection in document.connections:
            is_called = any(connection is other for other in called)
            found += judged(Subject(connection, document.connections, made if is_called else None), rules)
    return Checked(
        files=len(read),
        connections=len(connections),
        findings=_each_once(finding for finding in found if isinstance(finding, Finding)),
        open=[question for question in found if isinstance(question, Open)],
        notes=[note for document in read for note in document.notes],
    )


def check(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Templates, plans and outputs of the AWS CLI, or folders with them."),
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
    """Check what connects queues and streams to functions.

    Does Lambda read the partial response, do retries end, and does what fails go where it can be found?

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
            fail(f"there is no template, plan or mapping in {', '.join(map(str, paths))}")
        found = checked(readable, [rule for rule in RULES if rule.name not in (ignore or ())], made)
    except CannotLoadError as error:
        if error.__cause__ is not None:
            say("".join(traceback.format_exception(error.__cause__)).rstrip())
        fail(str(error))
    except (CannotReadError, NotCalledError) as error:
        fail(str(error))
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRA:
            raise
        fail(f"batchfold check needs {missing}: pip install 'batchfold[check]'")
    with writing("the report"):
        write(written(found, form))
    for problem in problems:
        say(f"Error: {problem}")
    raise typer.Exit(_ERROR if problems else _FOUND if found.findings else 0)


def _each_once(findings: Iterable[Finding]) -> list[Finding]:
    """The findings without repetition: two mappings of one queue speak of the same setting, the sharpest demand stays."""
    kept: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        kept.setdefault((finding.rule.name, finding.place, finding.resource, finding.broken.says), finding)
    return list(kept.values())
