"""`batchfold check` as a command: files, formats, what is ignored, and the exit status."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.cli.check_scenes import KINESIS, SQS, Template, changed
from typer.testing import CliRunner, Result

from batchfold.cli.check_command import check

BROKEN = changed(SQS, {"Connection.FunctionResponseTypes": None, "Source.VisibilityTimeout": 59})
UNKNOWN = changed(SQS, {"Source.VisibilityTimeout": {"Fn::ImportValue": "Timeout"}})

SAYS = (
    "Connection (SQS): FunctionResponseTypes lacks ReportBatchItemFailures. Lambda ignores the response: records that the "
    "function reports as failed count as done, and are lost."
)

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
app.callback()(lambda: None)  # with it, the command keeps its name although it is the only one
app.command()(check)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    monkeypatch.chdir(tmp_path)

    def write(content: Template | str, name: str = "template.json") -> Path:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
        return path

    return write


def test_the_exit_status_is_0_without_findings_1_with_some_and_2_for_an_error(write: Callable[..., Path]) -> None:
    assert run(write(SQS)).exit_code == 0
    assert run(write(UNKNOWN)).exit_code == 0
    assert run(write(BROKEN)).exit_code == 1
    assert run(write("Resources: [", "broken.yaml")).exit_code == 2
    assert run("nowhere.yaml").exit_code == 2
    assert run().exit_code == 2


def test_the_text_says_where_what_why_and_what_to_write(write: Callable[..., Path]) -> None:
    text = run(write(BROKEN)).stdout
    line = Path("template.json").read_text().splitlines().index('  "Connection": {') + 1
    assert text.splitlines()[:7] == [
        f"template.json:{line}:3: error response-type",
        f"  {SAYS}",
        "  Write:",
        '      "FunctionResponseTypes": [',
        '        "ReportBatchItemFailures"',
        "      ]",
        "  See https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html",
    ]
    assert text.splitlines()[-1] == "1 error, 1 warning, 0 unknown in 1 mapping of 1 file."


def test_what_is_to_be_copied_keeps_its_lines_in_a_narrow_terminal(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    lines = run(write(BROKEN)).stdout.splitlines()
    assert "  See https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html" in lines
    assert '        "ReportBatchItemFailures"' in lines
    assert "  Connection (SQS):" in lines


def test_the_text_says_what_is_unknown(write: Callable[..., Path]) -> None:
    text = run(write(UNKNOWN)).stdout
    assert "unknown visibility-timeout" in text
    assert "Connection (SQS): the queue's VisibilityTimeout: it is imported from another stack." in text


def test_the_text_has_no_colours_where_it_goes_to_no_terminal(write: Callable[..., Path]) -> None:
    assert "\x1b" not in run(write(BROKEN)).stdout


def test_a_template_cannot_move_the_cursor(write: Callable[..., Path]) -> None:
    content = changed(SQS, {"Connection.FunctionResponseTypes": None})
    content["Resources"]["\x1b[2J"] = content["Resources"].pop("Connection")
    assert r"\x1b[2J (SQS)" in run(write(content)).stdout


def test_an_ignored_rule_is_not_asked(write: Callable[..., Path]) -> None:
    path = write(BROKEN)
    assert "response-type" not in run(path, "--ignore", "response-type").stdout
    ran = run(path, "--ignore", "response-type", "--ignore", "visibility-timeout")
    assert (ran.exit_code, ran.stdout) == (0, "0 errors, 0 warnings, 0 unknown in 1 mapping of 1 file.\n")


def test_a_rule_that_there_is_not_is_refused_with_the_list(write: Callable[..., Path]) -> None:
    ran = run(write(SQS), "--ignore", "response-types")
    assert ran.exit_code == 2
    assert "there is no rule response-types; the rules are response-type, " in " ".join(
        ran.stderr.replace("│", " ").split()
    )


def test_json_holds_everything(write: Callable[..., Path]) -> None:
    found = json.loads(run(write(BROKEN), "--format", "json").stdout)
    assert (found["files"], found["mappings"], found["unknown"]) == (1, 1, [])
    first, second = found["findings"]
    assert set(first) == {"rule", "level", "file", "line", "column", "resource", "says", "why", "write", "page"}
    assert (second["rule"], second["level"], second["resource"]) == ("visibility-timeout", "warning", "Source")
    (unknown,) = json.loads(run(write(UNKNOWN), "--format", "json").stdout)["unknown"]
    assert (unknown["rule"], unknown["resource"]) == ("visibility-timeout", "Connection (SQS)")


def test_github_gets_an_annotation_in_one_line_for_each_finding(write: Callable[..., Path]) -> None:
    lines = run(write(BROKEN, "folder, 1/template.json"), "--format", "github").stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("::error file=folder%2C 1/template.json,line=")
    assert ",title=batchfold%3A response-type::Connection (SQS): FunctionResponseTypes lacks" in lines[0]
    assert "%0AWrite:%0A" in lines[0]
    assert lines[1].startswith("::warning ")
    (notice,) = run(write(UNKNOWN), "--format", "github").stdout.splitlines()
    assert notice.startswith("::notice file=template.json,")


def test_sarif_names_rules_places_and_pages(write: Callable[..., Path]) -> None:
    log: dict[str, Any] = json.loads(run(write(BROKEN, "a b/template.json"), "--format", "sarif").stdout)
    (ran,) = log["runs"]
    rules = ran["tool"]["driver"]["rules"]
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in rules] == ["response-type", "visibility-timeout"]
    for result in ran["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "a%20b/template.json"
        assert place["region"]["startLine"] > 1
    assert [result["level"] for result in ran["results"]] == ["error", "warning"]


def test_sarif_calls_what_is_unknown_open(write: Callable[..., Path]) -> None:
    (ran,) = json.loads(run(write(UNKNOWN), "--format", "sarif").stdout)["runs"]
    assert [(result["kind"], result["level"]) for result in ran["results"]] == [("open", "none")]


def test_sarif_tells_what_could_not_be_read(write: Callable[..., Path]) -> None:
    content: Template = {**SQS, "Resources": {**SQS["Resources"], "Fn::ForEach::Queues": []}}
    (ran,) = json.loads(run(write(content), "--format", "sarif").stdout)["runs"]
    (told,) = ran["invocations"][0]["toolExecutionNotifications"]
    assert told["message"]["text"] == "the resources that Fn::ForEach::Queues makes are not read"


def test_a_folder_is_searched_and_what_is_no_template_is_passed_over(write: Callable[..., Path]) -> None:
    write(BROKEN, "project/template.json")
    write(KINESIS, "project/nested/stack.template")
    write("key: [", "project/broken.yaml")
    write("Type: AWS::Something", "project/fragment.yml")
    write("{}\n---\n# AWS::\n", "project/several.yaml")
    write(BROKEN, "project/node_modules/template.json")
    write(BROKEN, "project/.aws-sam/template.json")
    ran = run("project")
    assert ran.stdout.splitlines()[-1] == "1 error, 1 warning, 0 unknown in 2 mappings of 2 files."
    assert (ran.exit_code, ran.stderr) == (1, "")


def test_a_template_that_cannot_be_read_is_told_and_the_others_are_checked(write: Callable[..., Path]) -> None:
    write(BROKEN, "project/template.json")
    write("Resources:\n  A: {Type: 'AWS::SQS::Queue'}\n  A: {}\n", "project/twice.yaml")
    ran = run("project")
    assert (ran.exit_code, ran.stdout.splitlines()[-1]) == (2, "1 error, 1 warning, 0 unknown in 1 mapping of 1 file.")
    assert ran.stderr.startswith("Error: project/twice.yaml:2: Duplicate found 'A'")


def test_a_file_that_is_named_twice_is_read_once(write: Callable[..., Path]) -> None:
    path = write(BROKEN, "project/template.json")
    assert run(path, "project", path).stdout.endswith("in 1 mapping of 1 file.\n")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"key": 1}', "expected a template of CloudFormation or SAM"),
        ("[1, 2]", "expected a template of CloudFormation or SAM"),
        ("\xff", ""),
        ('{"Resources": {"A": ' + '{"a": ' * 3_000 + "1" + "}" * 3_002, ""),
    ],
)
def test_a_named_file_of_another_kind_is_an_error(write: Callable[..., Path], content: str, complaint: str) -> None:
    ran = run(write(content))
    assert (ran.exit_code, ran.stdout) == (2, "0 errors, 0 warnings, 0 unknown in 0 mappings of 0 files.\n")
    assert ran.stderr.startswith("Error: template.json")
    assert complaint in ran.stderr


def test_a_byte_order_mark_is_passed_over(write: Callable[..., Path]) -> None:
    assert run(write("\N{BYTE ORDER MARK}" + json.dumps(SQS))).exit_code == 0


def test_a_folder_without_anything_to_check_is_an_error(tmp_path: Path) -> None:
    ran = run(tmp_path)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr == f"Error: there is no template, plan or mapping in {tmp_path}\n"


def test_what_the_function_prints_does_not_disturb_the_output(write: Callable[..., Path]) -> None:
    path = write(SQS)
    write("print('loaded')\ndef lambda_handler(event, context): ...\n", "app.py")
    ran = run(path, "--function", "app.py:lambda_handler", "--format", "json")
    assert json.loads(ran.stdout)["mappings"] == 1
    assert run(path, "--function", "app.py:missing").exit_code == 2


def test_a_function_that_cannot_be_imported_says_where(write: Callable[..., Path]) -> None:
    path = write(SQS)
    write("raise RuntimeError('no such table')\n", "app.py")
    ran = run(path, "--function", "app.py:lambda_handler")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert 'app.py", line 1, in <module>' in ran.stderr
    assert ran.stderr.endswith("RuntimeError: no such table\nError: importing app.py raised RuntimeError\n")


@pytest.mark.parametrize("missing", ["cfnlint", "samtranslator"])
def test_without_the_extra_it_says_what_to_install(write: Callable[..., Path], missing: str) -> None:
    content = "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n"
    path = write(content + "    Properties: {Events: {E: {Type: SQS}}}\n", "template.yaml")
    program = (
        f"import sys; sys.modules[{missing!r}] = None; import typer; from batchfold.cli.check_command import check; "
        f"typer.run(check)"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"Error: batchfold check needs {missing}: pip install 'batchfold[check]'\n"


def test_the_extra_is_imported_only_where_it_is_used() -> None:
    program = (
        "import sys; import batchfold.cli.check_command; "
        "print({'cfnlint', 'samtranslator', 'boto3'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"


@pytest.mark.parametrize("arguments", [["check", "template.json"], ["mapping", "sqs"]])
def test_an_output_that_cannot_be_written_is_an_error(write: Callable[..., Path], arguments: list[str]) -> None:
    write(SQS)
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "batchfold.cli", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (ran.returncode, "Traceback" in ran.stderr) == (2, False)
    assert "cannot be written: No space left on device" in ran.stderr


def test_a_reader_that_has_read_enough_changes_nothing(write: Callable[..., Path]) -> None:
    path = write(BROKEN)
    program = f"{sys.executable} -m batchfold.cli check {path} | true; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["/bin/bash", "-c", program], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, "")
