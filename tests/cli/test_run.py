"""`batchfold run`: what it says of a batch, and how it ends."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from batchfold.cli.command import app
from batchfold.testing import (
    DynamoDBChange,
    KafkaMessage,
    dynamodb_event,
    firehose_event,
    kafka_event,
    kinesis_event,
    pipes_event,
    sqs_event,
)

CARD = "4111-1111-1111-1111"
"""Stands in payloads, and must not be printed."""

PROGRAM = """
import logging
from returns.result import Failure, Success
from batchfold import *

def reserve(record):
    payload = getattr(record, "body", None) or getattr(record, "data", None) or getattr(record, "value", None)
    if payload is None:
        payload = record.new_image["id"]
    text = payload if isinstance(payload, str) else payload.decode()
    if "crash" in text:
        raise KeyError("quantity")
    return Failure(OSError("the shelf is out of reach")) if "fail" in text else Success(None)

def handle(event, context):
    return BODY
"""

Run = Callable[..., Result]


@pytest.fixture(name="run")
def run_on_event(tmp_path: Path) -> Run:
    """Run a Lambda function whose body is one expression, or a program that has `handle`, on an event."""

    def run(body: str, event: object, *options: str, name: str = "handle") -> Result:
        program = tmp_path / "handler_file.py"
        program.write_text(body if "\n" in body else PROGRAM.replace("BODY", body))
        file = tmp_path / "event.json"
        file.write_text(event if isinstance(event, str) else json.dumps(event))
        return CliRunner().invoke(app, ["run", f"{program}:{name}", "--event", str(file), *options])

    return run


def fates(result: Result) -> list[tuple[str, str]]:
    """The rows of the table: what became of each record, and why."""
    rows: list[tuple[str, str]] = []
    for line in result.stdout.splitlines():
        for fate in ("done", "comes back", "lost"):
            _, found, why = line.partition(f"   {fate}")
            if found:
                rows.append((fate, why.strip()))
                break
    return rows


REJECTED = "the handler returned a Failure (OSError)"
HANDLED = "handled, comes back all the same: it follows the one that is named"
SQS_EVENT = sqs_event("one", "fail", f"{CARD}")


def test_a_batch_that_is_done_ends_with_0(run: Run) -> None:
    result = run("process_batch(event, reserve, sqs())", sqs_event("one", "two"))
    assert result.exit_code == 0
    assert fates(result) == [("done", "")] * 2
    assert "All 2 records are done: Lambda deletes them from the queue." in result.stdout
    assert 'Response: {"batchItemFailures": []}' in result.stdout


def test_a_partial_failure_ends_with_1_and_names_records_and_reasons(run: Run) -> None:
    result = run("process_batch(event, reserve, sqs())", SQS_EVENT)
    assert result.exit_code == 1
    assert fates(result) == [("done", ""), ("comes back", REJECTED), ("done", "")]
    assert all(raw["messageId"] in result.stdout for raw in SQS_EVENT["Records"])
    assert "2 of 3 records are done, 1 comes back: Lambda deletes what is done" in result.stdout


@pytest.mark.parametrize(
    ("event", "source", "origin", "consequence"),
    [
        (sqs_event("one", "fail", "two"), "sqs(lane=whole_batch)", "SQS queue orders", "the pipe deletes what is done"),
        (
            kinesis_event("one", "fail", "two"),
            "kinesis()",
            "Kinesis stream orders",
            "the pipe delivers what the response names again",
        ),
        (
            dynamodb_event({"id": "one"}, {"id": "fail"}, {"id": "two"}),
            "dynamodb()",
            "DynamoDB stream of table orders",
            "the pipe delivers what the response names again",
        ),
    ],
)
def test_the_event_of_a_pipe_is_a_list(
    run: Run, event: dict[str, Any], source: str, origin: str, consequence: str
) -> None:
    result = run(f"process_batch(event, reserve, pipes({source}))", pipes_event(event))
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{origin} through EventBridge Pipes, 3 records")
    assert fates(result) == [("done", ""), ("comes back", REJECTED), ("comes back", "not started")]
    assert consequence in result.stdout
    assert "ReportBatchItemFailures" not in result.stdout


def test_a_function_that_forgot_pipes_is_told_so(run: Run) -> None:
    result = run("process_batch(event, reserve, sqs())", pipes_event(SQS_EVENT))
    assert result.exit_code == 2
    assert "wrap the source in pipes(...)" in result.output


def test_a_list_of_another_source_is_refused(run: Run) -> None:
    result = run("process_batch(event, reserve, sqs())", [{"eventSource": "aws:kafka", "topic": "orders"}])
    assert result.exit_code == 2
    assert "its eventSource is 'aws:kafka'" in result.stderr


def test_a_payload_that_would_not_parse_is_told_without_it(run: Run) -> None:
    result = run("process_batch(event, reserve, sqs(list[int]))", sqs_event("[1]", json.dumps([CARD])))
    assert result.exit_code in (1, 2)
    assert "its payload would not parse (ValidationError: 0 int_parsing)" in result.stdout
    assert CARD not in result.output


def test_a_fifo_queue_shows_what_was_not_started(run: Run) -> None:
    result = run("process_batch(event, reserve, sqs())", sqs_event("one", "fail", "three", "four", fifo=True))
    assert fates(result)[1:] == [("comes back", REJECTED), ("comes back", "not started"), ("comes back", "not started")]
    assert result.stdout.startswith("SQS FIFO queue orders.fifo, 4 records")
    assert "message groups wait" in result.stdout


def test_a_stream_comes_back_from_the_lowest_sequence_number_on(run: Run) -> None:
    result = run("process_batch(event, reserve, kinesis())", kinesis_event("one", "fail", "three"))
    assert result.exit_code == 1
    assert result.stdout.startswith("Kinesis stream orders, 3 records")
    assert fates(result) == [("done", ""), ("comes back", REJECTED), ("comes back", "not started")]


def test_on_a_stream_what_was_handled_after_the_failure_comes_back_too(run: Run) -> None:
    result = run("process_batch(event, reserve, kinesis(lane=each_record))", kinesis_event("one", "fail", "three"))
    assert fates(result) == [("done", ""), ("comes back", REJECTED), ("comes back", HANDLED)]


def test_sequence_numbers_are_compared_as_numbers(run: Run) -> None:
    event = dynamodb_event({"id": "one"}, {"id": "fail"}, {"id": "three"}, {"id": "four"})
    numbers = [raw["dynamodb"]["SequenceNumber"] for raw in event["Records"]]
    assert numbers != sorted(numbers)
    result = run("process_batch(event, reserve, dynamodb())", event)
    assert [fate for fate, _ in fates(result)] == ["done", "comes back", "comes back", "comes back"]
    assert result.stdout.startswith("DynamoDB stream of table orders, 4 records")


def test_on_a_stream_with_lanes_it_says_what_was_handled_and_what_was_not_started(run: Run) -> None:
    changes = [
        DynamoDBChange(keys={"id": key}, new_image={"id": word})
        for key, word in [("a", "fail"), ("b", "b1"), ("a", "a2"), ("a", "a3"), ("b", "b2")]
    ]
    result = run("process_batch(event, reserve, dynamodb(lane=by_item_key))", dynamodb_event(*changes))
    assert [why for _, why in fates(result)] == [REJECTED, HANDLED, "not started", "not started", HANDLED]


def test_kafka_names_topics_partitions_and_offsets(run: Run) -> None:
    event = kafka_event("one", "fail", "three", KafkaMessage("four", partition=1), KafkaMessage("x", topic="returns"))
    result = run("process_batch(event, reserve, kafka())", event)
    assert result.exit_code == 1
    assert result.stdout.startswith("Kafka topics orders, returns, 5 records")
    assert "orders-0 at offset 1" in result.stdout
    assert [fate for fate, _ in fates(result)] == ["done", "comes back", "comes back", "done", "done"]


def test_kafka_outside_of_aws_is_recognised(run: Run) -> None:
    assert run("process_batch(event, reserve, kafka())", kafka_event("one", self_managed=True)).exit_code == 0


def test_a_function_that_raises_brings_everything_back_and_ends_with_2(run: Run) -> None:
    result = run("1 / 0", SQS_EVENT)
    assert result.exit_code == 2
    assert fates(result) == [("comes back", "with the whole batch")] * 3
    assert "The whole batch comes back: the function raised ZeroDivisionError." in result.stdout
    assert "ZeroDivisionError: division by zero" in result.stderr
    assert "batchfold/cli" not in result.stderr


def test_a_total_failure_tells_why_each_record_failed(run: Run) -> None:
    result = run("process_batch(event, reserve, sqs())", sqs_event("fail", "crash"))
    assert result.exit_code == 2
    assert fates(result) == [("comes back", REJECTED), ("comes back", "handling it raised KeyError")]
    assert "BatchProcessingError: 2 of 2 records are not done" in result.stderr
    assert "Traceback" not in result.stderr


def test_what_was_done_is_told_when_the_whole_batch_comes_back(run: Run) -> None:
    result = run("process_batch(event, reserve, sqs(), raise_on='any_failure')", SQS_EVENT)
    handled = ("comes back", "handled, comes back with the whole batch")
    assert fates(result) == [handled, ("comes back", REJECTED), handled]


def test_a_total_failure_tells_what_was_settled_and_what_was_not_started_too(run: Run) -> None:
    settle = "settle=lambda failed: Success(None) if failed.raw['body'] == 'crash' else Failure(None)"
    body = f"process_batch(event, reserve, sqs(), raise_on='any_failure', {settle})"
    result = run(body, sqs_event("crash", "one", "fail", "two", fifo=True))
    assert [why for _, why in fates(result)] == [
        "failed and was settled: handling it raised KeyError, comes back with the whole batch",
        "handled, comes back with the whole batch",
        REJECTED,
        "not started",
    ]


def test_a_record_that_was_handled_and_is_named_all_the_same_comes_back(run: Run) -> None:
    body = "process_batch(event, reserve, sqs()) and {'batchItemFailures': [{'itemIdentifier': IT}]}"
    event = sqs_event("one", "two")
    result = run(body.replace("IT", "event['Records'][1]['messageId']"), event)
    assert fates(result) == [("done", ""), ("comes back", "handled, comes back all the same: the response names it")]


def test_a_settled_record_is_done_and_says_why(run: Run) -> None:
    body = "process_batch(event, reserve, sqs(), settle=lambda failed: Success(None))"
    result = run(body, sqs_event("fail"))
    assert result.exit_code == 0
    assert fates(result) == [("done", f"failed and was settled: {REJECTED}")]


def test_a_record_that_could_not_be_settled_has_both_reasons(run: Run) -> None:
    body = "process_batch(event, reserve, sqs(), settle=lambda failed: 1 / 0)"
    result = run(body, SQS_EVENT)
    assert fates(result)[1] == ("comes back", f"{REJECTED}; it could not be settled: ZeroDivisionError")


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ({"batchItemFailures": [{"itemIdentifier": "another"}]}, "an item identifier is none of the batch's"),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, "an item identifier is empty or null"),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, "an item identifier is empty or null"),
        ({"batchItemFailures": [{"id": "another"}]}, "an entry of batchItemFailures has no itemIdentifier"),
        ({"batchItemFailures": {"itemIdentifier": "m"}}, "batchItemFailures is not a list"),
        ("done", "the response is not a JSON object"),
    ],
)
@pytest.mark.parametrize("event", [sqs_event("one"), kinesis_event("one"), kafka_event("one")])
def test_a_malformed_response_is_a_complete_failure(
    run: Run, response: object, reason: str, event: dict[str, Any]
) -> None:
    result = run(repr(response), event)
    assert result.exit_code == 2
    assert fates(result) == [("comes back", "with the whole batch")]
    assert f"The whole batch comes back: {reason}." in result.stdout
    assert "Lambda takes a response that it cannot read for a failed invocation." in result.stdout


@pytest.mark.parametrize("response", [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}])
def test_an_empty_response_is_a_success(run: Run, response: object) -> None:
    assert run(repr(response), SQS_EVENT).exit_code == 0


def test_a_response_of_another_kind_is_a_success_and_worth_a_word(run: Run) -> None:
    result = run(repr({"statusCode": 200, "body": CARD}), SQS_EVENT)
    assert result.exit_code == 0
    assert "The response has no batchItemFailures: whatever happened, Lambda takes that for success." in result.stdout
    assert "Response: <dict> (--json shows it)" in result.stdout
    assert CARD not in result.output


def test_an_async_function_is_not_awaited_by_lambda(run: Run) -> None:
    result = run("async def handle(event, context):\n    return None\n", SQS_EVENT)
    assert result.exit_code == 2
    assert "Lambda does not await: as_lambda_handler makes a function of an async handler." in result.stdout


def test_records_that_failed_and_are_not_named_are_lost(run: Run) -> None:
    result = run("process_batch(event, reserve, sqs()) and None", SQS_EVENT)
    assert result.exit_code == 2
    assert fates(result)[1] == ("lost", REJECTED)
    assert "1 record failed or was not started, and the response does not bring it back" in result.stdout


def test_records_that_were_not_started_and_are_not_named_are_lost(run: Run) -> None:
    result = run("process_batch(event, reserve, sqs()) and None", sqs_event("one", "fail", "three", "four", fifo=True))
    assert result.exit_code == 2
    assert fates(result)[1:3] == [("lost", REJECTED), ("lost", "not started")]
    assert "3 records failed or were not started, and the response does not bring them back" in result.stdout


@pytest.mark.parametrize(
    "quiet",
    [
        "logging.getLogger('batchfold').setLevel(logging.CRITICAL)",
        "logging.disable()",
        "setattr(logging.getLogger('batchfold'), 'disabled', True)",
        "logging.config.dictConfig({'version': 1, 'root': {'level': 'CRITICAL'}})",
    ],
)
@pytest.mark.parametrize("when", ["at import", "in the call"])
def test_a_lost_record_is_found_and_explained_however_quiet_the_log_is(run: Run, quiet: str, when: str) -> None:
    in_call = "" if when == "at import" else f"{quiet} or "
    body = f"{in_call}process_batch(event, reserve, sqs()) and None"
    program = PROGRAM.replace("BODY", body).replace(
        "import logging\n", f"import logging.config\n{quiet if when == 'at import' else ''}\n"
    )
    result = run(program, SQS_EVENT)
    assert result.exit_code == 2
    assert fates(result) == [("done", ""), ("lost", REJECTED), ("done", "")]


@pytest.mark.parametrize("fold", ["fold_batch", "process_batch"])
def test_records_that_a_fold_did_not_finish_are_lost_whoever_threw_its_batch_or_its_error_away(
    run: Run, fold: str
) -> None:
    program = PROGRAM.replace(
        "    return BODY",
        f"    try:\n        {fold}(event, reserve, kinesis())\n    except BatchProcessingError:\n        pass",
    )
    result = run(program, kinesis_event("fail", "two", "three"))
    assert result.exit_code == 2
    assert fates(result) == [("lost", REJECTED), ("lost", "not started"), ("lost", "not started")]
    assert "3 records failed or were not started" in result.stdout


@pytest.mark.parametrize(
    "handler",
    [
        "as_lambda_handler(reserve_later, sqs())",
        "as_lambda_handler(lambda record: reserve_later(record), sqs(), max_concurrency=2)",
        "as_lambda_handler(in_chunks(lambda records: [*map(reserve, records)], size=2), sqs())",
        "as_lambda_handler(reserve, sqs(), executor=ThreadPoolExecutor(2))",
    ],
)
def test_every_way_of_running_a_batch_is_seen(run: Run, handler: str) -> None:
    program = f"""
from concurrent.futures import ThreadPoolExecutor
{PROGRAM.replace("BODY", "inner(event, context) and None")}
async def reserve_later(record):
    return reserve(record)

inner = {handler}
"""
    assert fates(run(program, SQS_EVENT)) == [("done", ""), ("lost", REJECTED), ("done", "")]


def test_of_a_record_that_is_tried_again_in_the_same_call_the_last_attempt_counts(run: Run) -> None:
    body = "fold_batch(event, reserve, sqs()) and process_batch(event, lambda record: Success(None), sqs())"
    result = run(body, SQS_EVENT)
    assert result.exit_code == 0
    assert fates(result) == [("done", "")] * 3


def test_a_record_that_was_kept_from_batchfold_is_done_as_far_as_lambda_knows(run: Run) -> None:
    result = run("process_batch({'Records': event['Records'][:2]}, reserve, sqs())", SQS_EVENT)
    assert fates(result) == [("done", ""), ("comes back", REJECTED), ("done", "batchfold did not handle it")]


def test_an_event_that_the_function_empties_is_judged_as_it_came(run: Run) -> None:
    body = "(process_batch(event, reserve, sqs()), event['Records'].clear())[0]"
    assert fates(run(body, SQS_EVENT)) == [("done", ""), ("comes back", REJECTED), ("done", "")]


def test_reasons_are_those_of_the_log(run: Run) -> None:
    settle = "settle=lambda failed: Success(1) if failed.raw['body'] == 'crash' else 1 / 0"
    decode = "decode=lambda body: int(body) if body == 'bad' else body"
    event = sqs_event("bad", "crash", "fail", "two")
    result = run(f"process_batch(event, reserve, sqs({decode}), {settle})", event, "--traceback")
    ids = [raw["messageId"] for raw in event["Records"]]
    bad, crash, fail, _ = [why for _, why in fates(result)]
    assert [bad.partition("; it ")[2], fail.partition("; it ")[2]] == ["could not be settled: ZeroDivisionError"] * 2
    assert {line for line in result.stderr.splitlines() if line.startswith("record ")} == {
        f"record {ids[0]} failed and comes back: {bad.partition(';')[0]}",
        f"record {ids[0]} {bad.partition('; it ')[2]}",
        f"record {ids[1]} {crash}",
        f"record {ids[2]} failed and comes back: {fail.partition(';')[0]}",
        f"record {ids[2]} {fail.partition('; it ')[2]}",
    }


def test_a_function_that_is_not_made_with_batchfold_can_be_run_and_is_taken_at_its_word(run: Run) -> None:
    body = "{'batchItemFailures': [{'itemIdentifier': event['Records'][1]['messageId']}]}"
    result = run(body, SQS_EVENT)
    assert result.exit_code == 1
    assert fates(result) == [("done", ""), ("comes back", ""), ("done", "")]
    word = "The command saw no fold of batchfold's: that a record is done, it has from the response alone."
    assert word in result.stdout
    assert word in run("None", SQS_EVENT).stdout
    assert word not in run("process_batch(event, reserve, sqs())", SQS_EVENT).stdout


POWERTOOLS = """
from batchfold.powertools import AsyncBatchProcessor, EventType, async_process_partial_response

processor = AsyncBatchProcessor(event_type=EventType.SQS)

async def fail_if_told(record):
    if record.body == "fail":
        raise ValueError

def handle(event, context):
    return async_process_partial_response(event=event, record_handler=fail_if_told, processor=processor, context=context)
"""


def test_what_powertools_words_call_a_record_is_not_taken_for_its_identifier(run: Run) -> None:
    event = sqs_event("one", "fail", "three")
    for number, raw in enumerate(event["Records"], 1):
        raw["messageId"] = str(number)
    result = run(POWERTOOLS, event)
    assert fates(result) == [("done", ""), ("comes back", ""), ("done", "")]
    assert "it has from the response alone" in result.stdout


FROZEN = """
from dataclasses import dataclass

@dataclass(frozen=True)
class OutOfStock(Exception):
    sku: str

def handle(event, context):
    raise OutOfStock("a")
"""


@pytest.mark.parametrize("program", [FROZEN, f"{FROZEN}\nhandle(None, None)\n"])
def test_an_exception_that_cannot_be_changed_is_shown_like_any_other(run: Run, program: str) -> None:
    result = run(program, SQS_EVENT)
    assert result.exit_code == 2
    assert 'raise OutOfStock("a")' in result.stderr


def test_records_with_one_identifier_come_back_together(run: Run) -> None:
    event = sqs_event("one", "fail", "three")
    event["Records"][0]["messageId"] = event["Records"][1]["messageId"]
    result = run("process_batch(event, reserve, sqs())", event)
    assert [fate for fate, _ in fates(result)] == ["comes back", "comes back", "done"]


def test_the_context_is_lambdas(run: Run) -> None:
    body = "print(context.function_name, context.aws_request_id, 0 < context.get_remaining_time_in_millis() <= 5000)"
    result = run(body, SQS_EVENT, "--timeout", "5")
    name, request_id, in_time = result.stderr.split()
    assert (name, len(request_id), in_time) == ("handler_file", 36, "True")


def test_the_remaining_time_counts_down(run: Run) -> None:
    body = "__import__('time').sleep(0.05) or print(context.get_remaining_time_in_millis() < 4_960)"
    assert run(body, SQS_EVENT, "--timeout", "5").stderr.strip() == "True"


def test_a_function_that_returns_after_its_timeout_would_have_been_cut_off(run: Run) -> None:
    result = run("__import__('time').sleep(0.05)", SQS_EVENT, "--timeout", "0.01")
    assert result.exit_code == 2
    assert fates(result) == [("comes back", "with the whole batch")] * 3
    assert "the function was cut off by its timeout" in result.stdout
    assert "It had not returned after 0.01 s; --timeout gives it another time." in result.stdout


@pytest.mark.parametrize("seconds", ["inf", "-inf", "nan", "1e308", "0", "-1"])
def test_a_timeout_is_a_number_of_seconds(run: Run, seconds: str) -> None:
    result = run("print('ran')", SQS_EVENT, "--timeout", seconds)
    assert result.exit_code == 2
    assert f"expected a number of seconds from 0.001 on, got {float(seconds)}" in result.stderr
    assert "ran\n" not in result.stderr


@pytest.mark.parametrize("seconds", ["900", "1800", "5400", "1e6"])
def test_no_timeout_is_refused_for_being_long(run: Run, seconds: str) -> None:
    body = "print(round(context.get_remaining_time_in_millis(), -4))"
    assert run(body, SQS_EVENT, "--timeout", seconds).stderr == f"{float(seconds) * 1_000:.0f}\n"


def test_an_identifier_that_cannot_be_printed_is_written_out(run: Run) -> None:
    event = sqs_event("fail", "two")
    event["Records"][0]["messageId"] = "\ud800"
    result = run("process_batch(event, reserve, sqs())", event)
    # from Python 3.12 on, Lambda's runtime cannot write such a response: the invocation fails
    assert result.exit_code == (1 if sys.version_info < (3, 12) else 2)
    assert r" \ud800 " in result.stdout


def test_json_prints_only_the_response(run: Run) -> None:
    result = run("print('hello') or process_batch(event, reserve, sqs())", SQS_EVENT, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "batchItemFailures": [{"itemIdentifier": SQS_EVENT["Records"][1]["messageId"]}]
    }
    assert result.stderr.startswith("hello\n")
    assert "failed and comes back" in result.stderr


def test_json_prints_nothing_for_a_function_that_raises(run: Run) -> None:
    result = run("1 / 0", SQS_EVENT, "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "the function raised ZeroDivisionError" in result.stderr


def test_json_shows_a_malformed_response_and_says_what_is_wrong(run: Run) -> None:
    result = run("{'batchItemFailures': [{'itemIdentifier': 3}]}", SQS_EVENT, "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (2, {"batchItemFailures": [{"itemIdentifier": 3}]})
    assert "an item identifier is none of the batch's" in result.stderr


@pytest.mark.parametrize("response", ["{'batchItemFailures': {1}}", "{(1, 2): 3}", "(x := []).append(x) or x"])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_response_that_is_no_json_is_a_complete_failure(run: Run, response: str, options: tuple[str, ...]) -> None:
    result = run(response, SQS_EVENT, *options)
    assert result.exit_code == 2
    assert "The whole batch comes back: the response cannot be written as JSON" in result.output
    assert "Traceback" not in result.output


def test_traceback_writes_what_was_raised(run: Run) -> None:
    event = sqs_event("one", "crash")
    assert "Traceback" not in run("process_batch(event, reserve, sqs())", event).output
    result = run("process_batch(event, reserve, sqs())", event, "--traceback")
    assert "KeyError: 'quantity'" in result.stderr


def test_a_validation_error_that_leaves_the_function_is_told_without_its_input(run: Run) -> None:
    body = "__import__('pydantic').TypeAdapter(int).validate_python(event['Records'][2]['body'])"
    result = run(body, SQS_EVENT)
    assert "ValidationError" in result.stderr
    assert CARD not in result.output


def test_system_exit_fails_the_invocation(run: Run) -> None:
    result = run("exit(0)", SQS_EVENT)
    assert result.exit_code == 2
    assert "the function raised SystemExit" in result.stdout


def test_a_file_finds_its_neighbours(run: Run, tmp_path: Path) -> None:
    (tmp_path / "neighbour_of_handler.py").write_text("answer = {'batchItemFailures': []}\n")
    program = "from neighbour_of_handler import answer\n\ndef handle(event, context):\n    return answer\n"
    assert run(program, SQS_EVENT).exit_code == 0


def with_arn(event: Any, arn: object) -> dict[str, object]:
    return {"Records": [{**event["Records"][0], "eventSourceARN": arn}]}


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("{", "the event is not JSON"),
        ("[]", "it is a list, as EventBridge Pipes delivers it to pipes(sqs(...)) and the like"),
        ('"text"', "expected the event to be a JSON object, or the list that EventBridge Pipes delivers, found a str"),
        ("{}", "it has no eventSource"),
        ({"Records": []}, "it has no eventSource"),
        ({"Records": [{"EventSource": "aws:sns"}]}, "it has no eventSource"),
        ({"Records": [{"eventSource": "aws:s3"}]}, "its eventSource is 'aws:s3'"),
        ({"Records": [{"eventSource": "aws:sqs"}]}, "to have 'messageId'"),
        ({"eventSource": {CARD: 1}}, "its eventSource is a value of type dict"),
        ({"Records": [{"eventSource": [CARD]}]}, "its eventSource is a value of type list"),
        ({"Records": [{"eventSource": CARD * 9}]}, "its eventSource is a value of type str"),
        *(
            (with_arn(event, arn), f"expected 'eventSourceARN' of Records[0] to be text, found a value of type {found}")
            for event in (sqs_event("one"), kinesis_event("one"), dynamodb_event({"id": "one"}))
            for arn, found in ((None, "NoneType"), (7, "int"), ([CARD], "list"))
        ),
    ],
)
def test_an_event_that_cannot_be_read_ends_with_2_before_anything_runs(run: Run, event: object, message: str) -> None:
    result = run("print('ran')", event)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "ran\n" not in result.output
    assert CARD not in result.output


def test_an_event_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "event.json").write_bytes(b"\xff")
    result = CliRunner().invoke(app, ["run", "app.py:handle", "--event", str(tmp_path / "event.json")])
    assert (result.exit_code, result.stderr) == (2, "Error: the event is not UTF-8: invalid start byte at byte 0\n")


def test_an_event_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["run", "app.py:handle", "--event", str(tmp_path / "event.json")])
    assert result.exit_code == 2
    assert result.stderr.endswith("event.json: No such file or directory\n")


def test_the_event_may_come_from_standard_input(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def handle(event, context): pass\n")
    arguments = ["run", f"{tmp_path}/app.py:handle", "--event", "-"]
    assert CliRunner().invoke(app, arguments, input=json.dumps(SQS_EVENT)).exit_code == 0


def test_an_event_without_an_arn_has_no_name(run: Run) -> None:
    event: dict[str, Any] = {"Records": [{"messageId": "m1", "eventSource": "aws:sqs", "body": ""}]}
    result = run("None", event)
    assert result.stdout.startswith("SQS queue, 1 record\n")
    assert "The record is done: Lambda deletes it from the queue." in result.stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing", "is not there"), ("number", "is a int, not a function"), ("", "expected FILE.py:FUNCTION")],
)
def test_a_function_that_is_not_there_is_an_error(run: Run, name: str, message: str) -> None:
    result = run("number = 1\n", SQS_EVENT, name=name)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text(json.dumps(SQS_EVENT))
    for target, message in [
        ("nowhere.py:handle", "there is no file nowhere.py"),
        (f"{tmp_path}/event.json:x", "no Python"),
    ]:
        result = CliRunner().invoke(app, ["run", target, "--event", str(tmp_path / "event.json")])
        assert result.exit_code == 2
        assert message in result.stderr


def test_a_file_that_cannot_be_imported_shows_its_traceback(run: Run) -> None:
    result = run("import there_is_no_such_module\n", SQS_EVENT)
    assert result.exit_code == 2
    assert "No module named 'there_is_no_such_module'" in result.stderr
    assert "raised ModuleNotFoundError" in result.stderr
    assert "importlib" not in result.stderr


def test_what_went_wrong_beside_the_records_is_told(run: Run) -> None:
    body = "process_batch(event, reserve, sqs(), observe=lambda outcome: 1 / 0)"
    result = run(body, sqs_event("one", "two"))
    assert result.exit_code == 0
    assert fates(result) == [("done", "")] * 2
    assert re.search(r"batchfold logged: an observer raised; .* \(ZeroDivisionError\) \(2 times\)\.", result.stdout)


def test_why_no_further_record_was_started_is_told(run: Run) -> None:
    body = "process_batch(event, reserve, sqs(), stop_when=lambda failed: True)"
    result = run(body, sqs_event("fail", "two", "three"))
    assert fates(result)[1:] == [("comes back", "not started")] * 2
    assert "No further record was started: stop_when= picked record" in result.stdout


def test_a_backoff_that_failed_is_told(run: Run) -> None:
    program = PROGRAM.replace(
        "BODY", "respond(sqs_backoff('https://sqs.eu-west-1.amazonaws.com/1/q', client=Refusing())(fold(event)))"
    )
    program += """
def fold(event):
    return fold_batch(event, reserve, sqs())

class Refusing:
    def change_message_visibility_batch(self, **_):
        raise PermissionError
"""
    result = run(program, SQS_EVENT)
    assert result.exit_code == 1
    assert re.search(r"batchfold logged: no backoff .*\(PermissionError\)", result.stdout)


def test_an_exceptions_text_is_told_to_be_the_functions_and_cannot_move_the_cursor(run: Run) -> None:
    result = run("def handle(event, context):\n    raise ValueError('a\\x1b[2J\\rb')\n", SQS_EVENT)
    assert result.stderr.startswith("The function raised this exception, whose text is its own:\nTraceback")
    assert result.stderr.endswith("ValueError: a\\x1b[2J\\rb\n")


def test_an_identifier_of_the_functions_own_is_told_to_be_its_own(run: Run) -> None:
    result = run("{'batchItemFailures': [{'itemIdentifier': 'a\\x1b[2J'}, {'itemIdentifier': 'b'}]}", SQS_EVENT)
    assert result.exit_code == 2
    assert r"'a\x1b[2J', 'b' are the function's own: they are no identifier of a record of the event." in result.stdout


NOTES = """
from returns.result import Failure, Success
from batchfold import Record, Source, process_batch

class Line(Record):
    def __init__(self, raw): self._raw = raw
    def _identity(self): return self.raw["id"]

def notes(event):
    return event["lines"], [line["id"] for line in event["lines"]]

source = Source(
    name="notes",
    read=notes,
    parse=lambda raw: raw["text"],
    as_delivered=Line,
    lane_of=lambda raws: lambda raw: None,
    respond=lambda batch: RESPONSE,
)

def handle(event, context):
    return HANDLE
"""
FOLD = "process_batch(event, lambda text: Failure(KeyError()) if text == 'fail' else Success(None), source)"
NOTES_EVENT = {"lines": [{"id": "n1", "text": "one"}, {"id": "n2", "text": "fail"}]}


def notes(response: str, handle: str = FOLD) -> str:
    return NOTES.replace("RESPONSE", response).replace("HANDLE", handle)


def test_a_source_of_the_users_own_is_asked_what_its_event_holds(run: Run) -> None:
    result = run(notes('{"batchItemFailures": [{"itemIdentifier": id} for id in batch.ids_not_done]}'), NOTES_EVENT)
    assert result.exit_code == 1
    assert result.stdout.startswith("notes, 2 records\n")
    assert fates(result) == [("done", ""), ("comes back", "the handler returned a Failure (KeyError)")]


def test_a_source_that_names_the_lowest_record_brings_back_what_follows(run: Run) -> None:
    names_first = '{"batchItemFailures": [{"itemIdentifier": id} for id in batch.ids_not_done[:1]]}'
    event = {"lines": [*NOTES_EVENT["lines"], {"id": "n3", "text": "three"}]}
    result = run(notes(names_first), event)
    assert [fate for fate, _ in fates(result)] == ["done", "comes back", "comes back"]


def test_a_response_in_the_words_of_a_users_own_source_is_judged_by_the_source(run: Run) -> None:
    own = '{"again": list(batch.ids_not_done)}'
    result = run(notes(own), NOTES_EVENT)
    assert result.exit_code == 1
    assert "1 of 2 records is done, 1 not: the response says so to notes." in result.stdout
    assert run(notes(own), {"lines": NOTES_EVENT["lines"][:1]}).exit_code == 0
    result = run(notes(own, f"{FOLD} and {{'again': []}}"), NOTES_EVENT)
    assert result.exit_code == 2
    assert "The response is not the one that notes makes of these outcomes." in result.stdout
    result = run(notes(own, "{'again': []}"), NOTES_EVENT)
    assert result.exit_code == 2
    assert "The command cannot read the response" in result.stdout


def test_records_that_the_function_brought_along_are_told_to_be_its_own(run: Run) -> None:
    inner = f"{FOLD.replace('event,', 'INNER,')} and {{'batchItemFailures': []}}"
    program = notes('{"again": list(batch.ids_not_done)}', inner.replace("INNER", repr(NOTES_EVENT)))
    result = run(program, SQS_EVENT)
    assert result.exit_code == 0
    assert fates(result) == [("done", "")] * 3
    assert (
        "The function also folded 2 records of its own (notes), and 1 is not done: the first is n2, an identifier of the "
        "function's own (the handler returned a Failure (KeyError))."
    ) in result.stdout


def test_the_functions_own_source_is_asked_first(run: Run) -> None:
    program = notes(
        '{"batchItemFailures": [{"itemIdentifier": id} for id in batch.ids_not_done]}', "inner(event, context)"
    )
    program += """
from batchfold import as_lambda_handler
other = source.replace(name="other")
handle = as_lambda_handler(lambda text: Success(None), source.replace(name="mine"))
"""
    result = run(program, NOTES_EVENT)
    assert result.stdout.startswith("mine, 2 records\n")


# ------------------------------------------------------------ Firehose
TRANSFORM = """
from base64 import b64encode
from returns.result import Failure, Success
from batchfold import *

def transform(record):
    text = record.data.decode()
    if "fail" in text:
        return Failure(OSError("the shelf is out of reach"))
    return Success(Dropped() if "drop" in text else FirehoseOut(record.data))

def handle(event, context):
    return BODY
"""
TRANSFORMED = "process_batch(event, transform, firehose())"


def fates_of_firehose(result: Result) -> list[str]:
    return re.findall(r"   (delivered|dropped|error output|lost|comes back)", result.stdout)


def test_a_transformation_is_judged_by_the_result_of_each_record(run: Run) -> None:
    event = firehose_event("one", "drop", f"fail {CARD}")
    result = run(TRANSFORM.replace("BODY", TRANSFORMED), event)
    assert result.exit_code == 1
    assert result.stdout.startswith("Firehose, 3 records")
    assert fates_of_firehose(result) == ["delivered", "dropped", "error output"]
    assert REJECTED in result.stdout
    said = "Of 3 records: 1 delivered, 1 dropped, 1 written to the error output, and not tried again."
    assert said in result.stdout
    assert CARD not in result.output


@pytest.mark.parametrize("origin", ["put", "kinesis", "msk"])
def test_a_transformation_of_every_record_ends_with_0(run: Run, origin: Any) -> None:
    result = run(TRANSFORM.replace("BODY", TRANSFORMED), firehose_event("one", "drop", origin=origin))
    assert (result.exit_code, fates_of_firehose(result)) == (0, ["delivered", "dropped"])


OK = "{'recordId': raw['recordId'], 'result': 'Ok', 'data': raw['data']}"


@pytest.mark.parametrize(
    ("body", "exit_code", "expected", "says"),
    [
        (f"{{'records': [{OK} for raw in event['records']]}}", 0, ["delivered"] * 3, "Of 3 records: 3 delivered."),
        (f"{{'records': [{OK} for raw in event['records'][:2]]}}", 2, ["delivered", "delivered", "error output"], "the response does not name it"),
        (f"({TRANSFORMED}, {{'records': [{OK} for raw in event['records']]}})[1]", 2, ["delivered", "delivered", "lost"], "the response says Ok or Dropped all the same"),
        ("None", 2, ["error output"] * 3, "the response has no list of records"),
        ("{'batchItemFailures': []}", 2, ["error output"] * 3, "the response has no list of records"),
        ("{'records': [raw['no'] for raw in event['records']]}", 2, ["comes back"] * 3, "Firehose tries three more times by default"),
        ("{'records': 'x' * 7_000_000}", 2, ["comes back"] * 3, "7,000,015 bytes, and 6,291,456 are allowed"),
    ],
)  # fmt: skip
def test_a_transformation_by_any_function_is_judged(
    run: Run, body: str, exit_code: int, expected: list[str], says: str
) -> None:
    result = run(TRANSFORM.replace("BODY", body), firehose_event("one", "two", "fail"))
    assert result.exit_code == exit_code
    assert fates_of_firehose(result) == expected
    assert says in " ".join(result.stdout.split())
