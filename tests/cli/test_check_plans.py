"""Reading plans of Terraform, as `terraform show -json` prints them, and what the AWS CLI says of mappings."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.check_scenes import Template, check_text, names

from batchfold.cli.check_plans import plan_document
from batchfold.core._guards import is_plain_dict, is_plain_list

LATER = {"known": "after apply"}
"""Stands for a value that a plan does not know yet; the expression says where it comes from."""


def refers(*references: str) -> dict[str, object]:
    return {"references": list(references)}


def resource(address: str, values: dict[str, Any], expressions: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"address": address, "values": values, "expressions": expressions or {}}


QUEUE = resource(
    "aws_sqs_queue.orders",
    {"name": "orders", "visibility_timeout_seconds": 60, "fifo_queue": False, "redrive_policy": LATER},
    {"redrive_policy": refers("aws_sqs_queue.dead_letters.arn", "aws_sqs_queue.dead_letters")},
)
DEAD_LETTERS = resource("aws_sqs_queue.dead_letters", {"name": "dead-letters"})
FUNCTION = resource(
    "aws_lambda_function.reserve",
    {"function_name": "reserve", "handler": "app.handler", "timeout": 10, "reserved_concurrent_executions": -1},
)
MAPPING = resource(
    "aws_lambda_event_source_mapping.orders",
    {
        "event_source_arn": LATER,
        "function_name": LATER,
        "function_response_types": ["ReportBatchItemFailures"],
        "maximum_retry_attempts": LATER,
        "destination_config": [],
        "enabled": True,
    },
    {
        "event_source_arn": refers("aws_sqs_queue.orders.arn", "aws_sqs_queue.orders"),
        "function_name": refers("aws_lambda_function.reserve.arn", "aws_lambda_function.reserve"),
    },
)
STREAM = resource("aws_kinesis_stream.clicks", {"name": "clicks"})
OF_STREAM = resource(
    "aws_lambda_event_source_mapping.clicks",
    {
        **MAPPING["values"],
        "starting_position": "LATEST",
        "bisect_batch_on_function_error": True,
        "maximum_retry_attempts": 5,
        "destination_config": [{"on_failure": [{"destination_arn": LATER}]}],
    },
    {
        **MAPPING["expressions"],
        "event_source_arn": refers("aws_kinesis_stream.clicks.arn", "aws_kinesis_stream.clicks"),
        "destination_config": [{"on_failure": [{"destination_arn": refers("aws_sqs_queue.dead_letters.arn")}]}],
    },
)


def known(value: Any) -> Any:
    """What the plan knows of a value, as `planned_values` has it."""
    if is_plain_dict(value):
        return {name: known(item) for name, item in value.items() if item is not LATER}
    return [known(item) for item in value] if is_plain_list(value) else value


def unknown(value: Any) -> Any:
    """What the plan does not know of it yet, as `after_unknown` has it."""
    if value is LATER:
        return True
    if is_plain_dict(value):
        found = {name: unknown(item) for name, item in value.items()}
        return {name: item for name, item in found.items() if item is not False}
    return [unknown(item) for item in value] if is_plain_list(value) else False


def plan(*resources: dict[str, Any]) -> Template:
    planned = [
        {"address": each["address"], "mode": "managed", "type": kind(each), "values": known(each["values"])}
        for each in resources
    ]
    return {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": [
            {"address": each["address"], "change": {"after_unknown": unknown(each["values"])}} for each in resources
        ],
        "configuration": {"root_module": {"resources": [configured(each) for each in resources]}},
    }


def kind(each: dict[str, Any]) -> str:
    return str(each["address"]).rpartition(".")[0].rpartition(".")[2]


def configured(each: dict[str, Any]) -> dict[str, Any]:
    return {"address": each["address"].partition("[")[0], "type": kind(each), "expressions": each["expressions"]}


def having(each: dict[str, Any], **values: object) -> dict[str, Any]:
    return {**each, "values": {**each["values"], **values}}


def check_plan(folder: Path, content: Template, indent: int | None = 1) -> Any:
    return check_text(folder, json.dumps(content, indent=indent), "plan.json")


HEALTHY = (QUEUE, DEAD_LETTERS, FUNCTION, MAPPING, STREAM, OF_STREAM)


def test_a_healthy_plan_has_no_findings(tmp_path: Path) -> None:
    found = check_plan(tmp_path, plan(*HEALTHY))
    assert (found.connections, names(found)) == (2, [])
    assert [(question.rule.name, question.why) for question in found.open] == [
        ("max-receive-count", "it is made of another resource")
    ]


@pytest.mark.parametrize(
    ("rule", "original", "values"),
    [
        ("response-type", MAPPING, {"function_response_types": []}),
        ("response-type", MAPPING, {"function_response_types": None}),
        ("visibility-timeout", QUEUE, {"visibility_timeout_seconds": 59}),
        ("visibility-timeout", FUNCTION, {"timeout": 11}),
        ("max-receive-count", QUEUE, {"redrive_policy": '{"deadLetterTargetArn": "arn", "maxReceiveCount": 1}'}),
        ("no-redrive", QUEUE, {"redrive_policy": None}),
        ("throttled", FUNCTION, {"reserved_concurrent_executions": 3}),
        ("no-destination", OF_STREAM, {"destination_config": []}),
        ("no-bisect", OF_STREAM, {"bisect_batch_on_function_error": False}),
        ("endless-retries", OF_STREAM, {"maximum_retry_attempts": -1}),
        ("endless-retries", OF_STREAM, {"maximum_retry_attempts": LATER}),
    ],
)
def test_a_setting_of_a_plan_breaks_a_rule(
    tmp_path: Path, rule: str, original: dict[str, Any], values: dict[str, object]
) -> None:
    resources = [having(each, **values) if each is original else each for each in HEALTHY]
    assert names(check_plan(tmp_path, plan(*resources))) == [rule]


def test_a_finding_has_the_line_of_the_resource_and_advice_in_terraforms_language(tmp_path: Path) -> None:
    content = plan(*HEALTHY[:3], having(OF_STREAM, function_response_types=[], destination_config=[]), STREAM)
    text = json.dumps(content, indent=1)
    line = next(
        at for at, line in enumerate(text.splitlines(), 1) if '"aws_lambda_event_source_mapping.clicks"' in line
    )
    first, second = check_plan(tmp_path, content).findings
    assert [first.place.line, second.place.line] == [line, line]
    assert first.write == 'function_response_types = ["ReportBatchItemFailures"]'
    assert second.write.splitlines() == [
        "destination_config {",
        "  on_failure {",
        "    destination_arn = aws_sqs_queue.dead_letters.arn",
        "  }",
        "}",
    ]
    (finding, _) = check_plan(tmp_path, content, indent=None).findings
    assert finding.place.line == 1


def test_a_policy_of_redrive_may_be_a_resource_of_its_own(tmp_path: Path) -> None:
    policy = resource(
        "aws_sqs_queue_redrive_policy.orders",
        {"queue_url": LATER, "redrive_policy": '{"deadLetterTargetArn": "arn", "maxReceiveCount": 1}'},
        {"queue_url": refers("aws_sqs_queue.orders.id", "aws_sqs_queue.orders")},
    )
    resources = plan(having(QUEUE, redrive_policy=None), FUNCTION, MAPPING, policy)
    assert names(check_plan(tmp_path, resources)) == ["max-receive-count"]


def test_a_queue_of_another_module_is_followed_through_variables_and_outputs(tmp_path: Path) -> None:
    content = plan(FUNCTION, having(QUEUE, visibility_timeout_seconds=59), MAPPING)
    root, config = content["planned_values"]["root_module"], content["configuration"]["root_module"]
    queue, mapped = root["resources"].pop(1), root["resources"].pop(1)
    root["child_modules"] = [
        {"address": 'module.queue["a"]', "resources": [{**queue, "address": 'module.queue["a"].aws_sqs_queue.orders'}]},
        {"address": "module.lambda", "resources": [{**mapped, "address": f"module.lambda.{mapped['address']}"}]},
    ]
    content["resource_changes"][1]["address"] = 'module.queue["a"].aws_sqs_queue.orders'
    content["resource_changes"][2]["address"] = f"module.lambda.{mapped['address']}"
    queue_config, mapped_config = config["resources"].pop(1), config["resources"].pop(1)
    mapped_config["expressions"] = {
        "event_source_arn": refers("var.queue_arn"),
        "function_name": refers("var.function_name"),
    }
    config["module_calls"] = {
        "queue": {
            "module": {
                "resources": [queue_config],
                "outputs": {"arn": {"expression": refers("aws_sqs_queue.orders.arn", "aws_sqs_queue.orders")}},
            }
        },
        "lambda": {
            "expressions": {
                "queue_arn": refers('module.queue["a"].arn', 'module.queue["a"]', "module.queue"),
                "function_name": refers("aws_lambda_function.reserve.arn", "aws_lambda_function.reserve"),
            },
            "module": {"resources": [mapped_config]},
        },
    }
    found = check_plan(tmp_path, content)
    assert [(finding.rule.name, finding.resource) for finding in found.findings] == [
        ("visibility-timeout", 'module.queue["a"].aws_sqs_queue.orders')
    ]


def test_queues_made_by_a_loop_are_judged_if_they_are_alike(tmp_path: Path) -> None:
    loop = [{**QUEUE, "address": f"aws_sqs_queue.orders[{index}]"} for index in range(2)]
    found = check_plan(
        tmp_path, plan(FUNCTION, MAPPING, *(having(each, visibility_timeout_seconds=59) for each in loop))
    )
    assert names(found) == ["visibility-timeout"]
    found = check_plan(tmp_path, plan(FUNCTION, MAPPING, loop[0], having(loop[1], visibility_timeout_seconds=59)))
    assert names(found) == []
    assert {question.why for question in found.open} == {"the queue is not in this file"}


def test_a_state_is_read_as_a_plan_is(tmp_path: Path) -> None:
    arns = {
        "event_source_arn": "arn:aws:sqs:eu-west-1:123456789012:orders",
        "function_name": "arn:aws:lambda:eu-west-1:123456789012:function:reserve",
    }
    planned = plan(having(QUEUE, visibility_timeout_seconds=59), FUNCTION, having(MAPPING, **arns))
    state = {"format_version": "1.0", "terraform_version": "1.11.4", "values": planned["planned_values"]}
    assert names(check_plan(tmp_path, state)) == ["visibility-timeout", "no-redrive"]


def test_a_pipe_of_a_plan_is_judged(tmp_path: Path) -> None:
    pipe = resource(
        "aws_pipes_pipe.clicks",
        {
            "source": LATER,
            "target": LATER,
            "source_parameters": [
                {"kinesis_stream_parameters": [{"starting_position": "LATEST", "maximum_retry_attempts": 3}]}
            ],
            "target_parameters": [{"lambda_function_parameters": [{"invocation_type": "FIRE_AND_FORGET"}]}],
        },
        {
            "source": refers("aws_kinesis_stream.clicks.arn", "aws_kinesis_stream.clicks"),
            "target": refers("aws_lambda_function.reserve.arn", "aws_lambda_function.reserve"),
        },
    )
    found = check_plan(tmp_path, plan(STREAM, FUNCTION, pipe))
    assert names(found) == ["pipe-fire-and-forget", "no-destination", "no-bisect"]


MEANINGLESS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["address", "type", "values", "references", "root_module", "resources", "module", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(part=st.sampled_from(["planned_values", "resource_changes", "configuration"]), content=MEANINGLESS)
def test_no_plan_breaks_the_check(part: str, content: object) -> None:
    broken = {**plan(*HEALTHY), part: content}
    plan_document(broken, json.dumps(broken), "plan.json")


@given(name=st.sampled_from(sorted(MAPPING["values"])), value=MEANINGLESS)
def test_no_argument_breaks_the_check(tmp_path_factory: pytest.TempPathFactory, name: str, value: object) -> None:
    check_plan(tmp_path_factory.mktemp("check"), plan(QUEUE, FUNCTION, having(MAPPING, **{name: value})))


DESCRIBED: Template = {
    "UUID": "14e0db71-5d35-4eb5-b481-8945cf9d10c2",
    "BatchSize": 10,
    "MaximumBatchingWindowInSeconds": 0,
    "EventSourceArn": "arn:aws:sqs:eu-west-1:123456789012:orders.fifo",
    "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:reserve",
    "State": "Enabled",
    "FunctionResponseTypes": [],
}


@pytest.mark.parametrize("listed", [True, False])
def test_what_the_aws_cli_describes_is_judged_as_far_as_it_goes(tmp_path: Path, *, listed: bool) -> None:
    content: Template = {"EventSourceMappings": [DESCRIBED]} if listed else DESCRIBED
    found = check_text(tmp_path, json.dumps(content, indent=2), "mappings.json")
    (finding,) = found.findings
    assert (finding.rule.name, finding.resource) == ("response-type", "reserve from orders.fifo (SQS)")
    assert finding.write.splitlines() == [
        "aws lambda update-event-source-mapping --uuid 14e0db71-5d35-4eb5-b481-8945cf9d10c2 \\",
        "  --function-response-types ReportBatchItemFailures",
    ]
    assert {question.rule.name for question in found.open} == {"visibility-timeout", "no-redrive", "throttled"}


def test_a_fifo_queue_is_known_by_its_arn(tmp_path: Path) -> None:
    described = {**DESCRIBED, "MaximumBatchingWindowInSeconds": 5, "FunctionResponseTypes": ["ReportBatchItemFailures"]}
    (finding,) = check_text(tmp_path, json.dumps(described), "mapping.json").findings
    assert finding.rule.name == "fifo-window"
    assert finding.write.splitlines()[1] == "  --maximum-batching-window-in-seconds 0"


def test_a_stream_that_the_aws_cli_describes_is_judged(tmp_path: Path) -> None:
    described: Template = {
        "UUID": "u",
        "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:follow",
        "EventSourceArn": "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000",
        "StartingPosition": "LATEST",
        "DestinationConfig": {"OnFailure": {}},
        "MaximumRetryAttempts": -1,
        "MaximumRecordAgeInSeconds": -1,
        "BisectBatchOnFunctionError": False,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    found = check_text(tmp_path, json.dumps(described), "mapping.json")
    assert names(found) == ["endless-retries", "no-bisect"]
    assert found.findings[0].resource == "follow from orders (DynamoDB Streams)"
    assert "ARN-OF-A-QUEUE" in found.findings[0].write
