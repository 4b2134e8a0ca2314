"""`batchfold mapping`: what it prints is a right mapping, in each language."""

import ast
import re
from pathlib import Path
from typing import Any, get_args

import hcl2
import pytest
import typer
from cfnlint.api import lint
from tests.cli.check_scenes import check_text, names
from typer.testing import CliRunner

from batchfold.cli.check_command import checked
from batchfold.cli.check_plans import plan_document
from batchfold.cli.check_rules import RULES
from batchfold.cli.mapping_command import MappingFormat, MappingSource, mapping, snippet
from batchfold.core._guards import is_plain_dict, is_plain_list

SOURCES: list[MappingSource] = list(get_args(MappingSource))
FORMATS: list[MappingFormat] = list(get_args(MappingFormat))
ALL = [(source, False) for source in SOURCES] + [("sqs", True)]

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
app.callback()(lambda: None)
app.command()(mapping)


@pytest.mark.parametrize(("source", "fifo"), ALL)
def test_a_sam_template_passes_the_check_and_cfn_lint(tmp_path: Path, source: MappingSource, *, fifo: bool) -> None:
    text = snippet(source, "sam", fifo=fifo)
    found = check_text(tmp_path, text)
    assert (found.connections, found.findings, found.open, found.notes) == (1, [], [], [])
    assert [f"{match.rule.id}: {match.message}" for match in lint(text, regions=["eu-west-1"])] == []


@pytest.mark.parametrize(("source", "fifo"), ALL)
def test_terraforms_resources_pass_the_check_in_a_plan(source: MappingSource, *, fifo: bool) -> None:
    found = checked([plan_document(planned(snippet(source, "terraform", fifo=fifo)), "", "plan.json")], RULES)
    assert (found.connections, names(found)) == (1, [])
    assert {question.rule.name for question in found.open} <= {"max-receive-count"}


@pytest.mark.parametrize(("source", "fifo"), ALL)
def test_a_stack_of_the_cdk_sets_what_the_other_languages_set(source: MappingSource, *, fifo: bool) -> None:
    settings = {
        keyword.arg: ast.unparse(keyword.value)
        for call in ast.walk(ast.parse(snippet(source, "cdk", fifo=fifo)))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
    }
    assert settings["report_batch_item_failures"] == "True"
    if source == "sqs":
        assert settings["timeout"] == "Duration.seconds(30)"
        assert settings["visibility_timeout"] == "Duration.seconds(180)"
        assert settings["max_receive_count"] == "5"
        assert settings.get("fifo") == ("True" if fifo else None)
    else:
        assert (settings["bisect_batch_on_error"], settings["retry_attempts"]) == ("True", "10")
        assert settings["on_failure"] == "event_sources.SqsDlq(dead_letters)"
        assert ("provisioned_poller_config" in settings) == (source == "kafka")


@pytest.mark.parametrize("form", FORMATS)
def test_a_fifo_queue_has_a_fifo_queue_for_its_dead_letters(form: MappingFormat) -> None:
    standard, fifo = snippet("sqs", form), snippet("sqs", form, fifo=True)
    assert len(re.findall(r"fifo(_?queue)?\s*[:=]\s*true", fifo, re.IGNORECASE)) == 2
    assert "fifo" not in standard.lower()


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("form", FORMATS)
def test_the_command_prints_the_mapping_that_was_asked_for(source: MappingSource, form: MappingFormat) -> None:
    ran = CliRunner().invoke(app, ["mapping", source, "--format", form])
    assert (ran.exit_code, ran.stdout) == (0, snippet(source, form))


def test_sam_is_the_default() -> None:
    assert CliRunner().invoke(app, ["mapping", "sqs", "--fifo"]).stdout == snippet("sqs", "sam", fifo=True)


@pytest.mark.parametrize("arguments", [["mapping", "mq"], ["mapping", "sqs", "--format", "pulumi"], ["mapping"]])
def test_another_source_or_language_is_refused(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_only_queues_can_be_fifo() -> None:
    ran = CliRunner().invoke(app, ["mapping", "kinesis", "--fifo"])
    assert ran.exit_code == 2
    assert "--fifo is for queues, got it with kinesis" in ran.stderr


def planned(text: str) -> dict[str, Any]:
    """The plan that Terraform would make of these resources."""
    resources = [
        (kind.strip('"'), name.strip('"'), values)
        for block in hcl2.loads(text)["resource"]
        for kind, named in block.items()
        for name, values in named.items()
    ]
    addresses = [f"{kind}.{name}" for kind, name, _ in resources]
    return {
        "format_version": "1.2",
        "planned_values": {
            "root_module": {
                "resources": [
                    {"address": f"{kind}.{name}", "type": kind, "values": part(values, known)}
                    for kind, name, values in resources
                ]
            }
        },
        "resource_changes": [
            {"address": address, "change": {"after_unknown": part(values, is_unknown)}}
            for address, (_, _, values) in zip(addresses, resources, strict=True)
        ],
        "configuration": {
            "root_module": {
                "resources": [
                    {"address": f"{kind}.{name}", "type": kind, "expressions": part(values, references)}
                    for kind, name, values in resources
                ]
            }
        },
    }


def part(value: Any, of: Any) -> Any:
    """One of the three things that a plan says of each value, at any depth."""
    if is_plain_dict(value):
        return {name: part(item, of) for name, item in value.items() if name != "__is_block__"}
    if is_plain_list(value):
        return [part(item, of) for item in value]
    return of(value)


def known(value: Any) -> Any:
    return None if is_unknown(value) else value.strip('"') if isinstance(value, str) else value


def is_unknown(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("${")


def references(value: Any) -> dict[str, object]:
    return {"references": re.findall(r"(?:aws_\w+|var)\.\w+(?:\.\w+)?", value)} if is_unknown(value) else {}
