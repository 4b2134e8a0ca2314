"""The findings as text for people, and as JSON, SARIF and GitHub's annotations for programs.

Everything that decides how a finding is written is in this file. SARIF 2.1.0 is what code scanners read:
https://docs.oasis-open.org/sarif/sarif/v2.1.0/.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal, TypeAlias
from urllib.parse import quote

from rich.padding import Padding
from rich.text import Text

from batchfold import __version__
from batchfold.cli.check_findings import Finding, Open, Rule
from batchfold.cli.check_model import Place
from batchfold.cli.report import output, plain

Format: TypeAlias = Literal["text", "json", "sarif", "github"]

_STYLES = {"error": "bold red", "warning": "yellow", "unknown": "cyan"}

_SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


@dataclass(frozen=True, slots=True)
class Checked:
    """Everything that was found out."""

    files: int
    connections: int
    findings: Sequence[Finding]
    open: Sequence[Open]
    notes: Sequence[tuple[Place, str]]

    @property
    def unknown(self) -> Iterator[tuple[Place, str, str, str]]:
        """Everything that is unknown: its place, the resource, the rule that asks, and the reason."""
        for question in self.open:
            yield question.place, question.connection.label, question.rule.name, question.why
        for place, note in self.notes:
            yield place, "", "", note


def written(checked: Checked, form: Format) -> str:
    """Return what was found in the form that was asked for."""
    match form:
        case "text":
            return _text(checked)
        case "json":
            return json.dumps(_as_json(checked), indent=2) + "\n"
        case "sarif":
            return json.dumps(_as_sarif(checked), indent=2) + "\n"
        case "github":
            return "".join(f"{line}\n" for line in _annotations(checked))


def _text(checked: Checked) -> str:
    """Sentences are as wide as the terminal; what is to be copied, or clicked at, keeps its lines."""
    console = output()
    with console.capture() as captured:
        for finding in checked.findings:
            console.print(_head(finding.place, finding.rule.level, finding.rule.name), soft_wrap=True)
            console.print(Padding.indent(plain(finding.sentences), 2))
            written = [f"    {line}" for line in finding.write.splitlines()]
            for line in ["  Write:", *written, f"  See {finding.page}"]:
                console.print(plain(line), soft_wrap=True)
            console.print()
        for place, resource, rule, why in checked.unknown:
            console.print(_head(place, "unknown", rule), soft_wrap=True)
            console.print(Padding.indent(plain(_named(resource, why)), 2))
            console.print()
        console.print(Text(_summary(checked), "bold"))
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())  # rich fills the lines up


def _head(place: Place, level: str, rule: str) -> Text:
    where = plain(f"{place.file}:{place.line}:{place.column}: ")
    return Text.assemble(where, (level, _STYLES[level]), f" {rule}".rstrip())


def _named(resource: str, why: str) -> str:
    return f"{resource}: {why}." if resource else f"{why}."


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
                "page": finding.page,
            }
            for finding in checked.findings
        ],
        "unknown": [
            {"rule": rule or None, **_as_fields(place), "resource": resource or None, "why": why}
            for place, resource, rule, why in checked.unknown
        ],
    }


def _as_fields(place: Place) -> dict[str, object]:
    return {"file": place.file, "line": place.line, "column": place.column}


def _annotations(checked: Checked) -> Iterator[str]:
    """The commands by which GitHub's runner shows a finding beside the line that it is about."""
    for finding in checked.findings:
        yield _annotation(finding.rule.level, finding.place, finding.rule.name, finding.text)
    for place, resource, rule, why in checked.unknown:
        yield _annotation("notice", place, f"{rule} (unknown)".strip(), _named(resource, why))


def _annotation(command: str, place: Place, title: str, text: str) -> str:
    properties = {"file": place.file, "line": place.line, "col": place.column, "title": f"batchfold: {title}"}
    listed = ",".join(f"{name}={_in_a_command(str(value), ':,')}" for name, value in properties.items())
    return f"::{command} {listed}::{_in_a_command(text, '')}"


def _in_a_command(text: str, also: str) -> str:
    """Escape what ends a line or a property; the percent sign first, which the others are escaped by."""
    for character in f"%\r\n{also}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _as_sarif(checked: Checked) -> dict[str, object]:
    """A log of one run, with the rules that it speaks of. A question that the file does not answer is `open`."""
    asked = [*(finding.rule for finding in checked.findings), *(question.rule for question in checked.open)]
    by_name = {rule.name: rule for rule in asked}
    rules = list(by_name)
    findings: list[dict[str, object]] = [
        {
            "ruleId": finding.rule.name,
            "ruleIndex": rules.index(finding.rule.name),
            "level": finding.rule.level,
            "message": {"text": finding.text},
            "locations": [_location(finding.place)],
            "partialFingerprints": {"rule/resource": f"{finding.rule.name}/{finding.resource}"},
        }
        for finding in checked.findings
    ]
    questions: list[dict[str, object]] = [
        {
            "ruleId": question.rule.name,
            "ruleIndex": rules.index(question.rule.name),
            "kind": "open",
            "level": "none",
            "message": {"text": _named(question.connection.label, question.why)},
            "locations": [_location(question.place)],
        }
        for question in checked.open
    ]
    driver = {"name": "batchfold", "version": __version__, "rules": list(map(_sarif_rule, by_name.values()))}
    run: dict[str, object] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": findings + questions,
    }
    if checked.notes:
        told = [
            {"level": "note", "message": {"text": note}, "locations": [_location(place)]}
            for place, note in checked.notes
        ]
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": told}]
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _sarif_rule(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.name,
        "shortDescription": {"text": rule.summary},
        "helpUri": next(iter(rule.pages.values())),
        "defaultConfiguration": {"level": rule.level},
    }


def _location(place: Place) -> dict[str, object]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(PurePath(place.file).as_posix())},
            "region": {"startLine": place.line, "startColumn": place.column},
        }
    }
