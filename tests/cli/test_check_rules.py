"""Each rule of `batchfold check`, with a template that breaks it and one that does not."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.check_scenes import (
    DYNAMODB,
    HEALTHY,
    KAFKA,
    KINESIS,
    PIPE_OF_KINESIS,
    PIPE_OF_SQS,
    QUEUE,
    SQS,
    Template,
    changed,
    check_template,
    check_text,
    names,
    template,
)

from batchfold.cli.check_rules import FUNCTION_RULES, RULES
from batchfold.core._guards import is_plain_dict

BREAKS: list[tuple[str, Template, dict[str, object]]] = [
    ("response-type", SQS, {"Connection.FunctionResponseTypes": None}),
    ("response-type", SQS, {"Connection.FunctionResponseTypes": []}),
    ("response-type", KINESIS, {"Connection.FunctionResponseTypes": None}),
    ("response-type", DYNAMODB, {"Connection.FunctionResponseTypes": None}),
    ("response-type", KAFKA, {"Connection.FunctionResponseTypes": None}),
    ("kafka-provisioned", KAFKA, {"Connection.ProvisionedPollerConfig": None}),
    (
        "pipe-fire-and-forget",
        PIPE_OF_SQS,
        {"Connection.TargetParameters.LambdaFunctionParameters": {"InvocationType": "FIRE_AND_FORGET"}},
    ),
    ("visibility-timeout", SQS, {"Function.Timeout": 11}),
    ("visibility-timeout", SQS, {"Source.VisibilityTimeout": None}),
    ("visibility-timeout", SQS, {"Connection.MaximumBatchingWindowInSeconds": 1}),
    ("visibility-timeout", SQS, {"Source.VisibilityTimeout": "59"}),
    ("visibility-timeout", PIPE_OF_SQS, {"Source.VisibilityTimeout": 59}),
    ("no-redrive", SQS, {"Source.RedrivePolicy": None}),
    ("no-redrive", PIPE_OF_SQS, {"Source.RedrivePolicy": None}),
    ("max-receive-count", SQS, {"Source.RedrivePolicy.maxReceiveCount": 1}),
    ("max-receive-count", SQS, {"Source.RedrivePolicy.maxReceiveCount": "1"}),
    (
        "fifo-window",
        SQS,
        {"Source.FifoQueue": True, "Source.VisibilityTimeout": 99, "Connection.MaximumBatchingWindowInSeconds": 5},
    ),
    ("throttled", SQS, {"Function.ReservedConcurrentExecutions": 5}),
    (
        "throttled",
        SQS,
        {"Function.ReservedConcurrentExecutions": 5, "Connection.ScalingConfig": {"MaximumConcurrency": 6}},
    ),
    (
        "throttled",
        SQS,
        {"Function.ReservedConcurrentExecutions": 19, "Connection.ProvisionedPollerConfig": {"MaximumPollers": 2}},
    ),
    ("endless-retries", KINESIS, {"Connection.MaximumRetryAttempts": None, "Connection.DestinationConfig": None}),
    ("endless-retries", KINESIS, {"Connection.MaximumRetryAttempts": -1}),
    ("endless-retries", DYNAMODB, {"Connection.MaximumRetryAttempts": None, "Connection.DestinationConfig": None}),
    ("endless-retries", KAFKA, {"Connection.MaximumRetryAttempts": None, "Connection.DestinationConfig": None}),
    (
        "endless-retries",
        PIPE_OF_KINESIS,
        {"Connection.SourceParameters.KinesisStreamParameters.MaximumRetryAttempts": None},
    ),
    ("no-destination", KINESIS, {"Connection.DestinationConfig": None}),
    ("no-destination", KINESIS, {"Connection.DestinationConfig": {"OnFailure": {}}}),
    ("no-destination", KAFKA, {"Connection.DestinationConfig": None}),
    ("no-destination", PIPE_OF_KINESIS, {"Connection.SourceParameters.KinesisStreamParameters.DeadLetterConfig": None}),
    ("no-bisect", KINESIS, {"Connection.BisectBatchOnFunctionError": None}),
    ("no-bisect", DYNAMODB, {"Connection.BisectBatchOnFunctionError": "false"}),
    (
        "no-bisect",
        PIPE_OF_KINESIS,
        {"Connection.SourceParameters.KinesisStreamParameters.OnPartialBatchItemFailure": None},
    ),
]
"""A rule, a healthy template, and the change that breaks the rule."""

KEEPS: list[tuple[str, Template, dict[str, object]]] = [
    ("a batch of one fails as a whole", SQS, {"Connection.FunctionResponseTypes": None, "Connection.BatchSize": 1}),
    (
        "a batch of one cannot be split",
        KINESIS,
        {"Connection.BisectBatchOnFunctionError": None, "Connection.BatchSize": 1},
    ),
    (
        "a standard queue may have a window",
        SQS,
        {"Connection.MaximumBatchingWindowInSeconds": 5, "Function.Timeout": 9},
    ),
    (
        "an age ends retries too",
        KINESIS,
        {"Connection.MaximumRetryAttempts": None, "Connection.MaximumRecordAgeInSeconds": 60},
    ),
    ("with a destination Kafka's retries end", KAFKA, {"Connection.MaximumRetryAttempts": None}),
    (
        "the mapping's limit is the function's",
        SQS,
        {"Function.ReservedConcurrentExecutions": 5, "Connection.ScalingConfig": {"MaximumConcurrency": 5}},
    ),
    (
        "the visibility timeout ends at twelve hours",
        SQS,
        {"Function.Timeout": 9_000, "Source.VisibilityTimeout": 43_200},
    ),
    ("a pipe waits by default", PIPE_OF_SQS, {"Connection.TargetParameters": None}),
]


def broken_by(changes: dict[str, object]) -> str:
    return ", ".join(changes)


@pytest.mark.parametrize("source", HEALTHY)
def test_a_healthy_template_has_no_findings_and_nothing_unknown(tmp_path: Path, source: str) -> None:
    found = check_template(tmp_path, HEALTHY[source])
    assert (found.connections, found.findings, found.open, found.notes) == (1, [], [], [])


@pytest.mark.parametrize(
    ("rule", "healthy", "changes"), BREAKS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_change_breaks_the_rule_and_no_other(
    tmp_path: Path, rule: str, healthy: Template, changes: dict[str, object]
) -> None:
    assert names(check_template(tmp_path, changed(healthy, changes))) == [rule]


@pytest.mark.parametrize(
    ("why", "healthy", "changes"), KEEPS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_change_breaks_no_rule(tmp_path: Path, why: str, healthy: Template, changes: dict[str, object]) -> None:
    assert names(check_template(tmp_path, changed(healthy, changes))) == [], why


@pytest.mark.parametrize(
    ("rule", "healthy", "changes"), BREAKS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_writing_what_a_finding_says_mends_it(
    tmp_path: Path, rule: str, healthy: Template, changes: dict[str, object]
) -> None:
    content = changed(healthy, changes)
    (finding,) = check_template(tmp_path, content).findings
    part = finding.broken.at or finding.connection.part
    properties = content["Resources"][part.name]["Properties"]
    for removed in re.findall(r"^Remove (\w+)\.$", finding.write, re.MULTILINE):
        del properties[removed]
    settings = [line for line in finding.write.splitlines() if line.startswith("  ")]
    merge(properties, json.loads(f"{{{''.join(settings)}}}"))
    assert names(check_template(tmp_path, content)) == [], rule


def merge(settings: Template, written: Template) -> None:
    for name, value in written.items():
        if is_plain_dict(value) and is_plain_dict(settings.get(name)) and "Fn::GetAtt" not in value:
            merge(settings[name], value)
        else:
            settings[name] = value


def test_every_rule_is_broken_here_or_among_the_tests_of_functions() -> None:
    tested = {rule for rule, *_ in BREAKS} | {rule.name for rule in FUNCTION_RULES} | {"tumbling-window"}
    assert tested == {rule.name for rule in RULES}


def test_whether_a_pipe_waits_is_unknown_where_its_parameters_are(tmp_path: Path) -> None:
    for settings in (
        {"Connection.TargetParameters": {"Fn::ImportValue": "Parameters"}},
        {"Connection.TargetParameters.LambdaFunctionParameters": {"Fn::ImportValue": "Parameters"}},
    ):
        found = check_template(tmp_path, changed(PIPE_OF_SQS, settings))
        assert (names(found), [each.rule.name for each in found.open]) == ([], ["pipe-fire-and-forget"])


@given(timeout=st.integers(1, 900), window=st.integers(0, 300), visible=st.integers(0, 43_200))
def test_a_message_is_hidden_for_six_timeouts_and_the_window(
    tmp_path_factory: pytest.TempPathFactory, timeout: int, window: int, visible: int
) -> None:
    changes = {
        "Function.Timeout": timeout,
        "Connection.MaximumBatchingWindowInSeconds": window,
        "Source.VisibilityTimeout": visible,
    }
    found = check_template(tmp_path_factory.mktemp("check"), changed(SQS, changes))
    assert names(found) == (["visibility-timeout"] if visible < 6 * timeout + window else [])


@given(reserved=st.integers(0, 30), limits=st.lists(st.integers(2, 10), min_size=1, max_size=4))
def test_the_queues_of_a_function_together_stay_within_its_concurrency(
    tmp_path_factory: pytest.TempPathFactory, reserved: int, limits: list[int]
) -> None:
    healthy = template(
        **{f"Source{index}": QUEUE for index in range(len(limits))},
        **{
            f"Connection{index}": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {
                    "FunctionName": {"Ref": "Function"},
                    "FunctionResponseTypes": ["ReportBatchItemFailures"],
                    "EventSourceArn": {"Fn::GetAtt": [f"Source{index}", "Arn"]},
                    "ScalingConfig": {"MaximumConcurrency": limit},
                },
            }
            for index, limit in enumerate(limits)
        },
    )
    content = changed(healthy, {"Function.ReservedConcurrentExecutions": reserved})
    found = check_template(tmp_path_factory.mktemp("check"), content)
    assert names(found) == ["throttled"] * (len(limits) if sum(limits) > reserved else 0)


def test_a_queue_of_dead_letters_needs_no_dead_letters_of_its_own(tmp_path: Path) -> None:
    reads_dead_letters = {"Connection.EventSourceArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}}
    content = changed(SQS, {**reads_dead_letters, "DeadLetters.VisibilityTimeout": 60})
    assert names(check_template(tmp_path, content)) == []


def test_advice_is_yaml_in_a_template_in_yaml(tmp_path: Path) -> None:
    text = json.dumps(
        changed(KINESIS, {"Connection.DestinationConfig": None, "Connection.FunctionResponseTypes": None})
    )
    first, second = check_text(tmp_path, text, "template.yaml").findings
    assert first.write == "FunctionResponseTypes:\n  - ReportBatchItemFailures"
    assert second.write.splitlines() == [
        "DestinationConfig:",
        "  OnFailure:",
        "    Destination: !GetAtt DeadLetters.Arn",
    ]


@pytest.fixture
def windowed(tmp_path: Path) -> Callable[[str], list[str]]:
    """What is found of a function with this code whose mapping has a tumbling window."""
    (tmp_path / "app.py").touch()
    content = changed(KINESIS, {"Connection.TumblingWindowInSeconds": 60, "Function.CodeUri": "."})
    content["Resources"]["Function"]["Type"] = "AWS::Serverless::Function"

    def found(code: str) -> list[str]:
        (tmp_path / "app.py").write_text(code)
        return names(check_template(tmp_path, content))

    return found


def test_a_tumbling_window_needs_a_function_that_answers_it(windowed: Callable[[str], list[str]]) -> None:
    assert windowed("lambda_handler = as_lambda_handler(add, kinesis(Order))") == ["tumbling-window"]


@pytest.mark.parametrize(
    "code",
    [
        "lambda_handler = as_lambda_handler(step(add), windowed(kinesis(Order), Total))",
        "def lambda_handler(event, context): return {'state': {}, 'batchItemFailures': []}",
    ],
)
def test_a_function_that_answers_a_tumbling_window_is_right(windowed: Callable[[str], list[str]], code: str) -> None:
    assert windowed(code) == []


def test_whether_a_function_answers_a_window_is_unknown_without_its_code(tmp_path: Path) -> None:
    found = check_template(tmp_path, changed(KINESIS, {"Connection.TumblingWindowInSeconds": 60}))
    assert [(question.rule.name, "--function" in question.why) for question in found.open] == [
        ("tumbling-window", True)
    ]


def test_two_mappings_of_one_queue_say_what_is_wrong_with_it_once(tmp_path: Path) -> None:
    content = changed(SQS, {"Source.RedrivePolicy": None})
    content["Resources"]["Another"] = content["Resources"]["Connection"]
    assert names(check_template(tmp_path, content)) == ["no-redrive"]


@pytest.mark.parametrize(
    "settings",
    [
        {"EventSourceArn": "arn:aws:mq:us-east-1:123456789012:broker:b:b-1", "Queues": ["q"]},
        {"EventSourceArn": {"Ref": "Broker"}, "Queues": ["q"]},
        {"EventSourceArn": "arn:aws:rds:us-east-1:123456789012:cluster:c", "DocumentDBEventSourceConfig": {}},
    ],
)
def test_a_source_without_partial_responses_is_not_judged(tmp_path: Path, settings: dict[str, object]) -> None:
    content = changed(SQS, {f"Connection.{name}": value for name, value in settings.items()})
    assert check_template(tmp_path, content).connections == 0


@pytest.mark.parametrize(
    ("content", "setting", "has_a_price"),
    [
        (KINESIS, "Connection.BisectBatchOnFunctionError", False),
        (PIPE_OF_KINESIS, "Connection.SourceParameters.KinesisStreamParameters.OnPartialBatchItemFailure", True),
    ],
)
def test_only_in_a_pipe_bisecting_repeats_what_is_done(
    tmp_path: Path, content: Template, setting: str, *, has_a_price: bool
) -> None:
    (finding,) = check_template(tmp_path, changed(content, {setting: None})).findings
    assert ("The price" in finding.broken.why) == has_a_price


def test_a_pipe_to_another_target_is_not_judged(tmp_path: Path) -> None:
    target = "arn:aws:states:us-east-1:123456789012:stateMachine:m"
    content = changed(PIPE_OF_SQS, {"Connection.Target": target})
    assert check_template(tmp_path, content).connections == 0
