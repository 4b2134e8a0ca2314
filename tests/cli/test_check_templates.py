"""Reading templates of CloudFormation and SAM: what is connected, where it stands, and what cannot be known."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.check_scenes import HEALTHY, KINESIS, SQS, changed, check_template, check_text, names

from batchfold.cli.check_templates import template_document

SAM = """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Timeout: 10
Resources:
  Orders:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 60
      RedrivePolicy:
        deadLetterTargetArn: !GetAtt DeadLetters.Arn
        maxReceiveCount: 5
  DeadLetters:
    Type: AWS::SQS::Queue
  Reserve:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.lambda_handler
      Runtime: python3.11
      CodeUri: .
      Events:
        Orders:
          Type: SQS
          Properties:
            Queue: !GetAtt Orders.Arn
            FunctionResponseTypes:
              - ReportBatchItemFailures
"""


def test_sams_events_are_mappings_with_the_settings_of_the_globals(tmp_path: Path) -> None:
    found = check_text(tmp_path, SAM)
    assert (found.connections, names(found), found.open, found.notes) == (1, [], [], [])
    assert names(check_text(tmp_path, SAM.replace("Timeout: 10", "Timeout: 11", 1))) == ["visibility-timeout"]


def test_a_function_overrides_the_globals(tmp_path: Path) -> None:
    overriding = SAM.replace("CodeUri: .", "Timeout: 11")
    assert names(check_text(tmp_path, overriding)) == ["visibility-timeout"]


def test_a_finding_has_the_line_of_the_event_or_of_the_setting(tmp_path: Path) -> None:
    lines = SAM.splitlines()
    without = SAM.replace("            FunctionResponseTypes:\n              - ReportBatchItemFailures\n", "")
    (finding,) = check_text(tmp_path, without).findings
    assert (finding.place.line, finding.place.column) == (lines.index("        Orders:") + 1, 9)
    (finding,) = check_text(tmp_path, SAM.replace("ReportBatchItemFailures", "Nothing")).findings
    assert (finding.place.line, finding.place.column) == (lines.index("            FunctionResponseTypes:") + 1, 13)
    (finding,) = check_text(tmp_path, SAM.replace("VisibilityTimeout: 60", "VisibilityTimeout: 59")).findings
    assert (finding.place.line, finding.resource) == (lines.index("      VisibilityTimeout: 60") + 1, "Orders")
    (finding,) = check_text(tmp_path, SAM.replace("Count: 5", "Count: 1")).findings
    assert finding.place.line == lines.index("      RedrivePolicy:") + 1


def test_json_has_lines_too(tmp_path: Path) -> None:
    content = changed(SQS, {"Source.VisibilityTimeout": 59})
    lines = json.dumps(content, indent=1).splitlines()
    (finding,) = check_template(tmp_path, content).findings
    assert '"VisibilityTimeout": 59' in lines[finding.place.line - 1]


def test_the_type_of_a_destination_is_sams_own(tmp_path: Path) -> None:
    stream = """\
Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
Resources:
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Clicks:
          Type: Kinesis
          Properties:
            Stream: !ImportValue Clicks
            StartingPosition: LATEST
            MaximumRetryAttempts: 3
            BisectBatchOnFunctionError: true
            FunctionResponseTypes: [ReportBatchItemFailures]
            DestinationConfig: {OnFailure: {Type: SQS, Destination: !ImportValue DeadLetters}}
"""
    found = check_text(tmp_path, stream)
    assert (found.connections, names(found), found.open, found.notes) == (1, [], [], [])


def test_an_event_that_sam_refuses_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    second = SAM + "        Broken:\n          Type: Kinesis\n          Properties: {BatchSize: [1]}\n"
    found = check_text(tmp_path, second)
    assert found.connections == 1
    ((place, note),) = found.notes
    assert place.line == len(SAM.splitlines()) + 1
    assert "SAM refuses the event Broken of Reserve" in note


def test_other_events_are_passed_over(tmp_path: Path) -> None:
    other = SAM.replace("Type: SQS\n", "Type: SNS\n")
    assert check_text(tmp_path, other).connections == 0


def test_resources_made_by_a_loop_are_said_not_to_be_read(tmp_path: Path) -> None:
    loop = SAM + "  Fn::ForEach::Queues:\n    - Name\n    - [A, B]\n    - {'Queue${Name}': {Type: 'AWS::SQS::Queue'}}\n"
    assert [note for _, note in check_text(tmp_path, loop).notes] == [
        "the resources that Fn::ForEach::Queues makes are not read"
    ]


PARAMETERS: dict[str, Any] = {
    "Short": {"Type": "Number", "Default": 10},
    "Long": {"Type": "Number", "Default": "11"},
    "Open": {"Type": "Number"},
    "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/timeout"},
}


def of_timeout(tmp_path: Path, timeout: object) -> tuple[list[str], list[str]]:
    """What is found, and what is unknown, with this timeout of the function."""
    content = {**changed(SQS, {"Function.Timeout": timeout}), "Parameters": PARAMETERS}
    content["Mappings"] = {"Timeouts": {"prod": {"short": 10, "long": 11}}}
    content["Conditions"] = {"IsProd": {"Fn::Equals": ["a", "b"]}}
    found = check_template(tmp_path, content)
    return names(found), [question.why for question in found.open]


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ({"Ref": "Short"}, {"Ref": "Long"}),
        ({"Fn::Sub": "${Short}"}, {"Fn::Sub": "1${One}"}),
        ({"Fn::Sub": ["${Seconds}", {"Seconds": {"Ref": "Short"}}]}, {"Fn::Sub": ["1${One}", {"One": 1}]}),
        ({"Fn::Join": ["", ["1", "0"]]}, {"Fn::Join": ["", ["1", "1"]]}),
        ({"Fn::If": ["IsProd", 10, {"Ref": "Short"}]}, {"Fn::If": ["IsProd", "11", {"Ref": "Long"}]}),
        ({"Fn::FindInMap": ["Timeouts", "prod", "short"]}, {"Fn::FindInMap": ["Timeouts", "prod", "long"]}),
        ({"Fn::Select": [0, [10, 11]]}, {"Fn::Select": ["1", [10, 11]]}),
        ({"Ref": "AWS::NoValue"}, {"Ref": "Long"}),
    ],
)
def test_a_function_that_can_be_evaluated_is(tmp_path: Path, short: object, long: object) -> None:
    assert of_timeout(tmp_path, short) == ([], [])
    if long == {"Fn::Sub": "1${One}"}:  # there is no such parameter
        assert of_timeout(tmp_path, long) == ([], ["the function's Timeout: it is One"])
    else:
        assert of_timeout(tmp_path, long) == (["visibility-timeout"], [])


@pytest.mark.parametrize(
    ("timeout", "why"),
    [
        ({"Ref": "Open"}, "the parameter Open has no default"),
        ({"Ref": "Stored"}, "the parameter Stored has no default"),
        ({"Fn::If": ["IsProd", 10, 11]}, "it depends on the condition IsProd"),
        ({"Fn::ImportValue": "Timeout"}, "it is imported from another stack"),
        ({"Fn::FindInMap": ["Timeouts", {"Ref": "Open"}, "short"]}, "it is looked up in Mappings"),
        ({"Fn::Transform": {"Name": "Macro"}}, "it is computed by Fn::Transform"),
        ("{{resolve:ssm:timeout}}", "it is a dynamic reference"),
        ("soon", "Timeout is no number"),
    ],
)
def test_a_value_that_only_a_deployment_tells_is_unknown_and_no_finding(
    tmp_path: Path, timeout: object, why: str
) -> None:
    assert of_timeout(tmp_path, timeout) == ([], [f"the function's Timeout: {why}"])


@pytest.mark.parametrize(
    "arn",
    [
        {"Fn::GetAtt": "Source.Arn"},
        {"Fn::Sub": "${Source.Arn}"},
        {"Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${Source.QueueName}"},
        {"Fn::Join": [":", ["arn:aws:sqs:eu-west-1:123456789012", {"Fn::GetAtt": ["Source", "QueueName"]}]]},
        {"Fn::If": ["IsProd", {"Fn::GetAtt": ["Source", "Arn"]}, {"Ref": "Elsewhere"}]},
        {"Fn::Sub": "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:orders"},
        "arn:aws:sqs:eu-west-1:123456789012:orders",
    ],
)
def test_a_queue_is_found_by_its_arn_however_it_is_written(tmp_path: Path, arn: object) -> None:
    changes = {"Connection.EventSourceArn": arn, "Source.QueueName": "orders", "Source.RedrivePolicy": None}
    found = check_template(tmp_path, changed(SQS, changes))
    assert (names(found), found.open) == (["no-redrive"], [])


@pytest.mark.parametrize("arn", [{"Fn::ImportValue": "Queue"}, "arn:aws:sqs:eu-west-1:123456789012:elsewhere"])
def test_a_queue_of_another_stack_is_unknown(tmp_path: Path, arn: object) -> None:
    found = check_template(tmp_path, changed(SQS, {"Connection.EventSourceArn": arn}))
    assert names(found) == []
    assert {question.rule.name for question in found.open} == {"visibility-timeout", "no-redrive"}


@pytest.mark.parametrize(
    "name",
    [
        {"Fn::GetAtt": ["Function", "Arn"]},
        {"Ref": "Live"},
        {"Fn::Sub": "${Function}:live"},
        "reserve",
        "arn:aws:lambda:eu-west-1:123456789012:function:reserve:live",
    ],
)
def test_a_function_is_found_by_its_name_arn_or_alias(tmp_path: Path, name: object) -> None:
    changes = {"Connection.FunctionName": name, "Function.FunctionName": "reserve", "Function.Timeout": 11}
    content = changed(SQS, changes)
    content["Resources"]["Live"] = {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": {"Ref": "Version"}}}
    content["Resources"]["Version"] = {
        "Type": "AWS::Lambda::Version",
        "Properties": {"FunctionName": {"Ref": "Function"}},
    }
    assert names(check_template(tmp_path, content)) == ["visibility-timeout"]


def test_a_destination_that_a_condition_leaves_out_is_unknown(tmp_path: Path) -> None:
    destination = {"Fn::If": ["IsProd", {"OnFailure": {"Destination": "arn"}}, {"Ref": "AWS::NoValue"}]}
    found = check_template(tmp_path, changed(KINESIS, {"Connection.DestinationConfig": destination}))
    assert names(found) == []
    assert [(question.rule.name, question.why) for question in found.open] == [
        ("no-destination", "it depends on the condition IsProd")
    ]


LEAVES = st.none() | st.booleans() | st.integers(-2, 50_000) | st.text(max_size=8) | st.sampled_from(["Source", "-1"])
FUNCTIONS = st.sampled_from(
    [
        "Ref",
        "Condition",
        "Fn::GetAtt",
        "Fn::Sub",
        "Fn::Join",
        "Fn::If",
        "Fn::FindInMap",
        "Fn::Select",
        "Fn::Split",
        "Fn::ImportValue",
        "Fn::Cidr",
        "Fn::Transform",
        "Fn::ToJsonString",
    ]
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(FUNCTIONS, inner, min_size=1, max_size=1)
        | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=6,
)
PLACES = [
    (source, f"{name}.{setting}")
    for source, healthy in HEALTHY.items()
    for name, resource in healthy["Resources"].items()
    for setting in resource.get("Properties", {})
]


@given(place=st.sampled_from(PLACES), value=VALUES)
def test_no_value_of_a_setting_breaks_the_check(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[str, str], value: object
) -> None:
    source, setting = place
    check_template(tmp_path_factory.mktemp("check"), changed(HEALTHY[source], {setting: value}))


@given(place=st.sampled_from(PLACES), name=st.sampled_from(["Fn::ImportValue", "Fn::Transform", "Fn::Unheard"]))
def test_a_setting_that_is_not_known_is_never_a_finding(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[str, str], name: str
) -> None:
    source, setting = place
    content = changed(HEALTHY[source], {setting: {name: "x"}})
    assert names(check_template(tmp_path_factory.mktemp("check"), content)) == []


@given(resources=st.dictionaries(st.text(max_size=4), VALUES, max_size=3))
def test_no_resource_breaks_the_check(resources: dict[str, object]) -> None:
    content = {"Resources": {**SQS["Resources"], **resources}, "Parameters": resources, "Mappings": resources}
    template_document(content, "template.yaml")


@given(properties=VALUES)
def test_no_event_breaks_the_check(properties: object) -> None:
    event = {"Type": "SQS", "Properties": properties}
    function = {"Type": "AWS::Serverless::Function", "Properties": {"Events": {"Orders": event}}}
    document = template_document({"Transform": "AWS::Serverless-2016-10-31", "Resources": {"F": function}}, "t.yaml")
    assert len(document.connections) + len(document.notes) == 1
