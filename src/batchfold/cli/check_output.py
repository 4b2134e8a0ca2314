"""The findings as text for people, and as JSON, SARIF and GitHub's annotations for programs.

Everything that decides how a finding is written is in this file; `check_sarif` knows SARIF.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from batchfold.cli.check_findings import Finding, Open
from batchfold.cli.check_model import Place
from batchfold.cli.check_sarif import sarif
from batchfold.cli.report import escaped, output

Format: TypeAlias = Literal["text", "json", "sarif", "github"]

_STYLES = {"error": "bold red", "warning": "yellow", "unknown": "cyan"}


@dataclass(frozen=True, slots=True)
class Checked:
    """Everything that was found out."""

    files: int
    connections: int
    findings: Sequence[Finding] = field(default_factory=list[Finding])
    open: Sequence[Open] = field(default_factory=list[Open])
    notes: Sequence[tuple[Place, str]] = field(default_factory=list[tuple[Place, str]])


def written(checked: Checked, form: Format) -> str:
    """Return what was found in the form that was asked for."""
    match form:
        case "text":
            return _text(checked)
        case "json":
            return json.dumps(_as_json(checked), indent=2) + "\n"
        case "sarif":
            return json.dumps(sarif(checked.findings, checked.open, checked.notes), indent=2) + "\n"
        case "github":
            return "".join(f"{line}\n" for line in _annotations(checked))


def _text(checked: Checked) -> str:
    console = output()
    with console.capture() as captured:
        for finding in checked.findings:
            _print_finding(finding, console)
        for place, resource, rule, why in _unknown(checked):
            head = Text.assemble(f"{_where(place)}: ", ("unknown", _STYLES["unknown"]), f" {rule}".rstrip())
            console.print(_plain(head), soft_wrap=True)
            console.print(Padding.indent(_plain(Text(f"{resource}{why}.")), 2))
            console.print()
        console.print(Text(_summary(checked), "bold"))
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())  # rich fills the lines up


def _print_finding(finding: Finding, console: Console) -> None:
    """Print sentences as wide as the terminal; what is to be copied, or clicked at, keeps its lines."""
    rule, broken = finding.rule, finding.broken
    head = Text.assemble(f"{_where(finding.place)}: ", (rule.level, _STYLES[rule.level]), f" {rule.name}")
    console.print(_plain(head), soft_wrap=True)
    console.print(Padding.indent(_plain(Text(f"{finding.resource}: {broken.says} {broken.why}")), 2))
    written = [f"    {line}" for line in finding.write.splitlines()]
    for line in ["  Write:", *written, f"  See {rule.page(finding.connection.kind)}"]:
        console.print(_plain(Text(line)), soft_wrap=True)
    console.print()


def _summary(checked: Checked) -> str:
    errors = sum(finding.rule.level == "error" for finding in checked.findings)
    warnings = len(checked.findings) - errors
    unknown = len(checked.open) + len(checked.notes)
    return (
        f"{_count(errors, 'error')}, {_count(warnings, 'warning')}, {unknown} unknown in "
        f"{_count(checked.connections, 'mapping')} of {_count(checked.files, 'file')}."
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _unknown(checked: Checked) -> Iterator[tuple[Place, str, str, str]]:
    for question in checked.open:
        yield question.place, f"{question.connection.label}: ", question.rule.name, question.why
    for place, note in checked.notes:
        yield place, "", "", note


def _as_json(checked: Checked) -> dict[str, object]:
    return {
        "files": checked.files,
        "mappings": checked.connections,
        "findings": [
            {
                "rule": finding.rule.name,
                "level": finding.rule.level,
                **_as_fields(finding.place),
                "resource": finding.resource,
                "says": finding.broken.says,
                "why": finding.broken.why,
                "write": finding.write,
                "page": finding.rule.page(finding.connection.kind),
            }
            for finding in checked.findings
        ],
        "unknown": [
            {"rule": rule or None, **_as_fields(place), "resource": resource.removesuffix(": ") or None, "why": why}
            for place, resource, rule, why in _unknown(checked)
        ],
    }


def _as_fields(place: Place) -> dict[str, object]:
    return {"file": place.file, "line": place.line, "column": place.column}


def _annotations(checked: Checked) -> Iterator[str]:
    """The commands by which GitHub's runner shows a finding beside the line that it is about."""
    for finding in checked.findings:
        text = f"{finding.resource}: {finding.broken.says} {finding.broken.why}\nWrite:\n{finding.write}\n"
        text += f"See {finding.rule.page(finding.connection.kind)}"
        yield _annotation(finding.rule.level, finding.place, finding.rule.name, text)
    for place, resource, rule, why in _unknown(checked):
        yield _annotation("notice", place, f"{rule} (unknown)".strip(), f"{resource}{why}.")


def _annotation(command: str, place: Place, title: str, text: str) -> str:
    properties = {"file": place.file, "line": place.line, "col": place.column, "title": f"batchfold: {title}"}
    listed = ",".join(f"{name}={_in_a_command(str(value), ':,')}" for name, value in properties.items())
    return f"::{command} {listed}::{_in_a_command(text, '')}"


def _in_a_command(text: str, also: str) -> str:
    """Escape what ends a line or a property; the percent sign first, which the others are escaped by."""
    for character in f"%\r\n{also}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _where(place: Place) -> str:
    return f"{place.file}:{place.line}:{place.column}"


def _plain(text: Text) -> Text:
    """Text without what moves the cursor: a template may hold anything."""
    return text if text.plain.isprintable() else Text(escaped(text.plain), text.style)
