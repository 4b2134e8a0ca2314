"""`batchfold simulate`: a function played through the model, and what the command says of it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from batchfold.cli.command import app
from batchfold.testing import DynamoDBChange, dynamodb_event, kafka_event, kinesis_event, pipes_event, sqs_event

PROGRAM = """
import json, os, time
from pydantic import BaseModel
from returns.result import Failure, Success, safe
from batchfold import *

class Order(BaseModel):
    id: str

class ServiceDown(Exception):
    pass

def read(record):
    for payload in ("body", "data", "new_image", "value"):
        if hasattr(record, payload):
            getattr(record, payload)
    return Success(None)

def from_json(record):
    json.loads(record.body)
    return Success(None)

async def read_later(record):
    return read(record)

SOURCE = HERE
handle = as_lambda_handler(read, SOURCE)

def by_hand(event, context):
    failures = []
    for raw in event["Records"]:
        try:
            raw["body"]
        except Exception:
            failures.append({"itemIdentifier": raw["messageId"]})
    return {"batchItemFailures": failures}

def forgetful(event, context):
    by_hand(event, context)

def all_or_nothing(event, context):
    for raw in event["Records"]:
        raw["body"]

def never_reads(event, context):
    return process_batch(event, lambda record: Success(None), sqs())

def ends(event, context):
    print("on my way \\x1b[2J")
    os._exit(3)

def hangs(event, context):
    time.sleep(600)
"""

Simulate = Callable[..., Result]


@pytest.fixture(name="simulate")
def simulate_a_program(tmp_path: Path) -> Simulate:
    def simulate(*options: str, source: str = "sqs()", function: str = "handle", program: str = PROGRAM) -> Result:
        file = tmp_path / "app.py"
        file.write_text(program.replace("HERE", source))
        return CliRunner().invoke(app, ["simulate", f"{file}:{function}", *options])

    return simulate


def history(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def one_line(text: str) -> str:
    return " ".join(text.split())


def ends(found: Mapping[str, Any], name: str) -> list[str]:
    """How a record ended in each invocation that it was delivered in."""
    return [
        record["end"]
        for invocation in found["invocations"]
        for record in invocation["records"]
        if record["name"] == name
    ]


def test_without_failures_everything_is_done_in_one_invocation(simulate: Simulate) -> None:
    result = simulate("--json")
    found = history(result)
    assert result.exit_code == 0
    assert found["totals"]["invocations"] == 1
    assert {record["fate"] for record in found["records"]} == {"done"}
    assert [record["name"] for record in found["records"]] == [
        "A1",
        "B1",
        "C1",
        "A2",
        "B2",
        "C2",
        "A3",
        "B3",
        "C3",
        "A4",
    ]


def test_a_record_that_is_to_fail_fails_once(simulate: Simulate) -> None:
    found = history(simulate("--json", "--fail", "2,C1"))
    assert [ends(found, name) for name in ("A1", "B1", "C1")] == [
        ["performed"],
        ["failed", "performed"],
        ["failed", "performed"],
    ]


def test_poison_never_succeeds_and_ends_in_the_dead_letters(simulate: Simulate) -> None:
    result = simulate("--json", "--poison", "A2", "--mapping", "MaxReceiveCount=3")
    found = history(result)
    assert result.exit_code == 1
    assert ends(found, "A2") == ["failed"] * 3
    assert found["totals"]["dead letters"] == 1


def test_poison_is_a_payload_that_does_not_parse(simulate: Simulate) -> None:
    settling = PROGRAM.replace(
        "as_lambda_handler(read, SOURCE)", "as_lambda_handler(read, SOURCE, settle=discard(when=caused_by(Malformed)))"
    )
    payload = ("--payload", '{"id": "{name}"}')
    found = history(simulate("--json", *payload, "--poison", "2", source="sqs(Order)", program=settling))
    assert ends(found, "B1") == ["settled"]
    assert found["totals"]["settled"] == 1


def test_in_an_outage_everything_that_is_started_fails(simulate: Simulate) -> None:
    found = history(simulate("--json", "--outage", "2"))
    assert [ends(found, name) for name in ("A1", "A4")] == [["failed", "failed", "performed"]] * 2


def test_failures_raise_the_exception_that_is_asked_for(simulate: Simulate) -> None:
    stopping = PROGRAM.replace(
        "as_lambda_handler(read, SOURCE)", "as_lambda_handler(read, SOURCE, stop_when=caused_by(ServiceDown))"
    )
    found = history(simulate("--json", "--outage", "1", "--error", "app.ServiceDown", program=stopping))
    assert ends(found, "A1")[0] == "failed"
    assert ends(found, "B1")[0] == "not started"


def test_the_same_seed_has_the_same_failures_and_another_one_others(simulate: Simulate) -> None:
    first, again, other = (
        history(simulate("--json", "--fail-rate", "0.3", "--records", "40", "--seed", seed)) for seed in ("1", "1", "2")
    )
    assert first == again
    assert first["invocations"] != other["invocations"]


def test_a_failure_strikes_a_record_whatever_the_order_of_handling_is(simulate: Simulate) -> None:
    options = ("--json", "--source", "kinesis", "--records", "30", "--fail-rate", "0.2", "--compare")
    found = json.loads(simulate(*options, "lane=each_record,whole_batch", source="kinesis()").stdout)
    failed = [
        {record["name"] for record in each["records"] if "failed" in ends(each, record["name"])} for each in found
    ]
    assert failed[0] >= failed[1] != set()


def test_on_a_stream_a_lane_for_each_record_pays_with_repeats(simulate: Simulate) -> None:
    options = ("--fail", "2", "--compare", "lane=each_record,whole_batch")
    found = json.loads(simulate("--json", "--source", "kinesis", *options, source="kinesis()").stdout)
    assert [each["totals"]["repeated effects"] for each in found] == [8, 0]
    assert [each["name"] for each in found] == ["lane=each_record", "lane=whole_batch"]


def test_repeats_are_judged_by_the_lane_that_the_function_reads_in(simulate: Simulate) -> None:
    options = ("--json", "--source", "kinesis", "--fail", "2")
    for lane, repeats in (("by_partition_key", 6), ("whole_batch", 0)):
        found = history(simulate(*options, source=f"kinesis(lane={lane})"))
        assert (found["totals"]["repeated effects"], found["totals"]["needless repeats"]) == (repeats, 0)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("sqs()", "SQS"),
        ("kinesis()", "Kinesis Data Streams"),
        ("dynamodb()", "DynamoDB Streams"),
        ("kafka()", "Kafka"),
        ("sqs(lane=by_message_group)", "SQS"),
    ],
)
def test_the_source_is_the_one_that_the_program_makes(simulate: Simulate, source: str, name: str) -> None:
    found = history(simulate("--json", "--fail", "3", source=source))
    assert found["source"] == name
    assert found["totals"]["done"] == 10


EVENTS: list[tuple[str, dict[str, Any], str]] = [
    ("sqs()", sqs_event("one", "two", fifo=True), "SQS (fifo=True)"),
    ("kinesis()", kinesis_event("one", "two"), "Kinesis Data Streams"),
    ("kafka()", kafka_event("one", "two"), "Kafka"),
    (
        "dynamodb()",
        dynamodb_event(*(DynamoDBChange(keys={"id": each}, new_image={"id": each}) for each in "ab")),
        "DynamoDB Streams",
    ),
]


@pytest.mark.parametrize(("source", "event", "title"), EVENTS)
def test_the_records_may_be_those_of_an_event(
    simulate: Simulate, tmp_path: Path, source: str, event: dict[str, Any], title: str
) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event))
    found = history(simulate("--json", "--event", str(file), "--records", "5", "--fail", "1", source=source))
    assert (found["source"], found["totals"]["done"]) == (title, 5)


def test_a_functions_own_failures_are_told(simulate: Simulate) -> None:
    result = simulate("--most-invocations", "2", source="sqs(Order)")
    assert result.exit_code == 1
    assert "20 times, the function failed of its own accord: its payload would not parse (ValidationError:" in (
        one_line(result.stdout)
    )


def test_the_payload_of_made_up_records_may_be_said(simulate: Simulate) -> None:
    options = ("--payload", '{"id": "{name}-{number}-{key}"}')
    assert simulate(*options, source="sqs(Order)").exit_code == 0
    assert simulate(*options, source="dynamodb(Order)").exit_code == 0
    result = simulate("--payload", "{name}", source="dynamodb()")
    assert result.exit_code == 2
    assert "expected --payload to be JSON for DynamoDB Streams" in result.stderr


@pytest.mark.parametrize("function", ["by_hand", "forgetful", "all_or_nothing"])
def test_a_function_that_is_not_made_with_batchfold_is_played_too(simulate: Simulate, function: str) -> None:
    result = simulate("--json", "--source", "sqs", "--fail", "3", function=function)
    totals = history(result)["totals"]
    match function:
        case "by_hand":
            assert (result.exit_code, totals["done"], totals["repeated effects"]) == (0, 10, 0)
        case "forgetful":
            assert (result.exit_code, totals["lost"], totals["done"]) == (2, 1, 9)
        case _:
            assert (result.exit_code, totals["done"], totals["repeated effects"]) == (0, 10, 2)


def test_a_failure_that_could_not_happen_is_told(simulate: Simulate) -> None:
    result = simulate("--fail", "2", function="never_reads")
    assert "The function never read the payload of B1, so the failure asked for did not happen." in one_line(
        result.stdout
    )


@pytest.mark.parametrize("handler", ["read_later", "in_chunks(lambda records: list(map(read, records)), size=3)"])
def test_async_handlers_and_chunks_are_played(simulate: Simulate, handler: str) -> None:
    program = PROGRAM.replace("as_lambda_handler(read, SOURCE)", f"as_lambda_handler({handler}, SOURCE)")
    assert history(simulate("--json", "--fail", "3", program=program))["totals"]["done"] == 10


def test_a_lane_by_the_payload_is_asked_before_anything_fails(simulate: Simulate) -> None:
    lane = "sqs(lane=lambda raw: json.loads(raw['body'])['t'])"
    program = PROGRAM.replace("as_lambda_handler(read, SOURCE)", "as_lambda_handler(from_json, SOURCE)")
    found = history(simulate("--json", "--fail", "1", "--payload", '{"t": "{key}"}', source=lane, program=program))
    assert [ends(found, name) for name in ("A1", "B1", "A2")] == [
        ["failed", "performed"],
        ["performed"],
        ["not started", "performed"],
    ]


def test_a_function_that_ends_its_process_ends_the_simulation(simulate: Simulate) -> None:
    result = simulate("--source", "sqs", function="ends")
    assert result.exit_code == 2
    assert result.stderr == (
        "The function printed, in its own words:\non my way \\x1b[2J\n"
        "Error: in invocation 1, the function ended its process with exit status 3 before it returned\n"
    )


def test_a_function_that_hangs_ends_the_simulation(simulate: Simulate) -> None:
    result = simulate("--source", "sqs", "--timeout", "1", function="hangs")
    assert result.exit_code == 2
    assert result.stderr == "Error: in invocation 1, the function had not returned after 1 s\n"


@pytest.mark.parametrize("source", ["sqs()", "kinesis()", "dynamodb()"])
def test_a_pipe_brings_back_only_what_is_named(simulate: Simulate, source: str) -> None:
    lane = source.replace("()", "(lane=each_record)")
    result = simulate("--records", "3", "--fail", "1", "--json", source=f"pipes({lane})")
    told = history(result)
    assert "EventBridge Pipes" in told["source"]
    assert [[record["name"] for record in each["records"]] for each in told["invocations"]] == [
        ["A1", "B1", "C1"],
        ["A1"],
    ]
    assert [record["fate"] for record in told["records"]] == ["done"] * 3


def test_a_pipe_made_inside_of_the_function_is_simulated_by_name(simulate: Simulate) -> None:
    program = PROGRAM + "\ndef inside(event, context):\n    return process_batch(event, read, pipes(kinesis()))\n"
    options = ("--source", "kinesis-pipe", "--records", "2", "--fail", "1", "--json")
    told = history(simulate(*options, function="inside", program=program))
    assert [record["end"] for record in told["invocations"][0]["records"]] == ["failed", "not started"]


@pytest.mark.parametrize("event", [sqs_event("one", "two", fifo=True), kinesis_event("one", "two")])
def test_the_event_of_a_pipe_is_simulated(simulate: Simulate, tmp_path: Path, event: dict[str, Any]) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(pipes_event(event)))
    source = "sqs" if "messageId" in event["Records"][0] else "kinesis"
    told = history(
        simulate(
            "--event", str(file), "--poison", "1", "--json", "--most-invocations", "2", source=f"pipes({source}())"
        )
    )
    assert [record["end"] for record in told["invocations"][1]["records"]] == ["failed", "not started"]
    assert ("fifo=True" in told["source"]) == (source == "sqs")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-m", "NoSuch=1"], "there is no setting 'NoSuch' here: expected NAME=VALUE with one of batch_size=10"),
        (["-m", "BatchSize"], "there is no setting 'BatchSize' here"),
        (["-m", "BatchSize=many"], "expected batch_size to be a number, got 'many'"),
        (["-m", "fifo=1"], "expected fifo to be true or false, got '1'"),
        (["-m", "BatchSize=11"], "these settings cannot be"),
        (["--timeout", "60"], "the simulation cannot begin: visibility_timeout_seconds=30 is shorter"),
        (["--source", "sns"], "sqs-pipe, dynamodb-pipe, kinesis-pipe; got 'sns'"),
        (["--fail", "11"], "--fail 11 is no record: expected a number from 1 to 10, or a name from A1 to A4"),
        (["--poison", "Z1"], "--poison Z1 is no record"),
        (["--error", "Nothing"], "expected --error to name an exception"),
        (["--error", "print"], "expected --error to name an exception"),
        (["--compare", "lane"], "expected --compare NAME=A,B"),
        (
            ["--compare", "lane=by_partition_key"],
            "expected lane= to be one of each_record, whole_batch, by_message_group",
        ),
        (["--compare", "outage=x"], "expected --compare outage= to be followed by numbers, got 'x'"),
        (["--svg", "/nowhere/x.svg"], "the simulation cannot be written to /nowhere/x.svg"),
    ],
)
def test_what_cannot_be_simulated_is_refused_with_what_was_expected(
    simulate: Simulate, options: list[str], message: str
) -> None:
    result = simulate(*options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_program_without_a_source_must_be_told_which_one(simulate: Simulate) -> None:
    result = simulate(source="None", program="def handle(event, context): pass\n")
    assert result.exit_code == 2
    assert "the program makes no source when it is imported" in result.stderr
    result = simulate(source="sqs(), kinesis()", program=PROGRAM.replace("as_lambda_handler(read, SOURCE)", "print"))
    assert "the program makes several sources" in result.stderr


def test_a_lane_is_compared_only_where_the_program_makes_its_source_when_it_is_imported(simulate: Simulate) -> None:
    program = "from batchfold import *\ndef handle(event, context): return process_batch(event, print, sqs())\n"
    result = simulate("--source", "sqs", "--compare", "lane=each_record", program=program)
    assert result.exit_code == 2
    assert "lane=each_record needs a source of SQS that the program makes when it is imported" in result.stderr


def test_the_settings_of_the_mapping_are_in_aws_words_or_ours(simulate: Simulate) -> None:
    for spelled in ("VisibilityTimeout=40", "visibility_timeout_seconds=40", "visibility-timeout=40"):
        found = history(simulate("--json", "-m", spelled, "--fail", "1"))
        assert (found["source"], found["totals"]["seconds"]) == ("SQS (visibility_timeout_seconds=40)", 40)


def test_without_report_batch_item_failures_the_failed_records_are_lost(simulate: Simulate) -> None:
    result = simulate("-m", "ReportBatchItemFailures=false", "--fail", "2")
    assert result.exit_code == 2
    assert "B1   L   lost" in result.stdout
    assert "L lost" in result.stdout


def test_a_comparison_of_settings_has_a_column_each(simulate: Simulate) -> None:
    result = simulate("--compare", "BatchSize=1,5,10", "--fail", "2")
    header = next(line for line in result.stdout.splitlines() if "BatchSize=1 " in line and "BatchSize=10" in line)
    assert header.split() == ["BatchSize=1", "BatchSize=5", "BatchSize=10"]
    rows = [line.split() for line in result.stdout.splitlines() if line.strip().startswith("invocations")]
    assert rows == [["invocations", "11", "3", "2"]]


def test_pictures_stand_alone_and_show_every_record(simulate: Simulate, tmp_path: Path) -> None:
    svg, html = tmp_path / "grid.svg", tmp_path / "grid.html"
    options = ("--records", "30", "--fail", "2", "--svg", str(svg), "--html", str(html))
    assert simulate(*options).exit_code == 0
    drawn = ET.fromstring(svg.read_text())  # noqa: S314  # the command has just written it
    texts = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {f"{key}{number}" for key in "ABC" for number in range(1, 11)} <= set(texts)
    page = html.read_text()
    assert "<td>30</td>" in page
    for text in (svg.read_text(), page):
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
        assert "B1, invocation 1: failed" in text


def test_what_the_function_prints_is_shown_if_asked_for(simulate: Simulate) -> None:
    program = PROGRAM.replace("SOURCE = HERE", "SOURCE = HERE\nprint('imported')")
    assert simulate(program=program).stderr == ""
    assert "imported\n" in simulate("--show-output", program=program).stderr


def test_the_source_is_the_functions_own_where_a_program_makes_several(simulate: Simulate) -> None:
    program = f"{PROGRAM}\nother = as_lambda_handler(read, kinesis())\n"
    assert history(simulate("--json", program=program))["source"] == "SQS"
    assert history(simulate("--json", function="other", program=program))["source"] == "Kinesis Data Streams"


def test_a_simulation_in_which_nothing_more_gets_done_is_ended(simulate: Simulate) -> None:
    poisoned = ("--source", "kinesis", "--poison", "2")
    result = simulate(*poisoned, source="kinesis()")
    assert "Nothing more was done in 20 invocations, so the simulation was ended there" in one_line(result.stdout)
    found = history(simulate("--json", *poisoned, "--most-invocations", "30", source="kinesis()"))
    assert (found["totals"]["invocations"], found["is_drained"], found["notes"]) == (30, False, [])
    assert history(simulate("--json", "--outage", "25"))["totals"]["done"] == 10
