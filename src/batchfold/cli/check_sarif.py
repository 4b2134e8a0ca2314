"""Findings as SARIF 2.1.0, which code scanners read: https://docs.oasis-open.org/sarif/sarif/v2.1.0/.

Everything that knows SARIF is in this file. A question that the file does not answer is a result of the kind `open`.
"""

from collections.abc import Sequence
from pathlib import PurePath
from urllib.parse import quote

from batchfold import __version__
from batchfold.cli.check_findings import Finding, Open, Rule
from batchfold.cli.check_model import Place

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(
    findings: Sequence[Finding], questions: Sequence[Open], notes: Sequence[tuple[Place, str]]
) -> dict[str, object]:
    """Return a log of one run, with the rules that it speaks of."""
    asked = [*(finding.rule for finding in findings), *(question.rule for question in questions)]
    rules = list({rule.name: rule for rule in asked}.values())
    places = {rule.name: index for index, rule in enumerate(rules)}
    results = [
        *(_finding(finding, places[finding.rule.name]) for finding in findings),
        *(_question(question, places[question.rule.name]) for question in questions),
    ]
    driver = {"name": "batchfold", "version": __version__, "rules": [_rule(rule) for rule in rules]}
    run: dict[str, object] = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    if notes:
        told = [{"level": "note", "message": {"text": note}, "locations": [_location(place)]} for place, note in notes]
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": told}]
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.name,
        "shortDescription": {"text": rule.summary},
        "helpUri": next(iter(rule.pages.values())),
        "defaultConfiguration": {"level": rule.level},
    }


def _finding(finding: Finding, index: int) -> dict[str, object]:
    broken = finding.broken
    page = finding.rule.page(finding.connection.kind)
    text = f"{finding.resource}: {broken.says} {broken.why}\nWrite:\n{finding.write}\nSee {page}"
    return {
        "ruleId": finding.rule.name,
        "ruleIndex": index,
        "level": finding.rule.level,
        "message": {"text": text},
        "locations": [_location(finding.place)],
        "partialFingerprints": {"rule/resource": f"{finding.rule.name}/{finding.resource}"},
    }


def _question(question: Open, index: int) -> dict[str, object]:
    return {
        "ruleId": question.rule.name,
        "ruleIndex": index,
        "kind": "open",
        "level": "none",
        "message": {"text": f"{question.connection.label}: {question.why}."},
        "locations": [_location(question.place)],
    }


def _location(place: Place) -> dict[str, object]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(PurePath(place.file).as_posix())},
            "region": {"startLine": place.line, "startColumn": place.column},
        }
    }
