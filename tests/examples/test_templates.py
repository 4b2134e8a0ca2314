"""The template of each application: what CloudFormation takes, what SAM makes of it, and what the check says."""

from pathlib import Path
from typing import Any

import pytest
from boto3.session import Session
from cfnlint.api import lint
from cfnlint.decode import decode_str
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from typer.testing import CliRunner

from batchfold.cli.command import app
from batchfold.core._guards import is_plain_dict

APPLICATIONS = sorted(path.parent for path in Path(__file__).parent.glob("*/app.py"))
# a delivery stream calls its function without an event source mapping
MAPPED = [path for path in APPLICATIONS if not path.name.startswith(("firehose_", "pipes_"))]
REGION = "eu-west-1"


@pytest.fixture(params=APPLICATIONS, ids=lambda path: path.name)
def application(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


def translated(application: Path) -> dict[str, dict[str, Any]]:
    """The resources that SAM makes of the template, once its code is uploaded."""
    text = (application / "template.yaml").read_text()
    template, problems = decode_str(text.replace("CodeUri: .", "CodeUri: s3://bucket/code.zip"))
    assert not problems
    assert is_plain_dict(template)
    translator = Translator({}, Parser(), boto_session=Session(region_name=REGION))
    try:
        resources: dict[str, dict[str, Any]] = translator.translate(template, {})["Resources"]
    finally:
        translator.metrics.publish()
    return resources


def of_type(resources: dict[str, dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == kind]


def test_cfn_lint_has_nothing_against_it(application: Path) -> None:
    found = lint((application / "template.yaml").read_text(), regions=[REGION])
    assert [f"{match.linenumber}: {match.rule.id} {match.message}" for match in found] == []


@pytest.fixture(params=MAPPED, ids=lambda path: path.name)
def mapped(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


def test_sam_makes_a_function_a_mapping_a_role_and_a_queue_for_dead_letters_of_it(mapped: Path) -> None:
    resources = translated(mapped)
    (mapping,) = of_type(resources, "AWS::Lambda::EventSourceMapping")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert len(of_type(resources, "AWS::Lambda::Function")) == 1
    assert len(of_type(resources, "AWS::IAM::Role")) == 1
    assert of_type(resources, "AWS::SQS::Queue")


def test_the_role_may_read_the_source_and_send_to_the_destination(mapped: Path) -> None:
    resources = translated(mapped)
    (role,), (mapping,) = (of_type(resources, kind) for kind in ("AWS::IAM::Role", "AWS::Lambda::EventSourceMapping"))
    reads = {"sqs": "SQSQueue", "kinesis": "Kinesis", "dynamodb": "DynamoDB", "kafka": "MSK"}
    policy = f"AWSLambda{reads[mapped.name.partition('_')[0]]}ExecutionRole"
    assert any(str(arn).endswith(policy) for arn in role["ManagedPolicyArns"])
    if "DestinationConfig" in mapping:
        destination = mapping["DestinationConfig"]["OnFailure"]["Destination"]
        statements = [policy["PolicyDocument"]["Statement"] for policy in role["Policies"]]
        sends = [each for listed in statements for each in listed if each["Action"] == "sqs:SendMessage"]
        assert destination in [each["Resource"] for each in sends]


def test_sam_leaves_a_pipe_as_it_is_and_its_role_may_read_the_queue_and_call_the_function() -> None:
    resources = translated(Path(__file__).parent / "pipes_returns")
    (pipe,) = of_type(resources, "AWS::Pipes::Pipe")
    assert not of_type(resources, "AWS::Lambda::EventSourceMapping")
    assert pipe["TargetParameters"]["LambdaFunctionParameters"]["InvocationType"] == "REQUEST_RESPONSE"
    role = resources[pipe["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
    (policy,) = role["Policies"]
    may = {str(each["Resource"]): each["Action"] for each in policy["PolicyDocument"]["Statement"]}
    assert "sqs:DeleteMessage" in may[str(pipe["Source"])]
    assert may[str(pipe["Target"])] == "lambda:InvokeFunction"


@pytest.mark.parametrize("folder", [*MAPPED, Path(__file__).parent / "pipes_returns"], ids=lambda path: path.name)
def test_the_check_finds_nothing_and_leaves_nothing_open(folder: Path) -> None:
    ran = CliRunner().invoke(app, ["check", str(folder)])
    assert (ran.exit_code, ran.stdout) == (0, "0 errors, 0 warnings, 0 unknown in 1 mapping of 1 file.\n")


@pytest.mark.parametrize("folder", [*MAPPED, Path(__file__).parent / "pipes_returns"], ids=lambda path: path.name)
def test_the_mapping_fits_the_function(folder: Path) -> None:
    ran = CliRunner().invoke(app, ["check", str(folder), "--function", f"{folder}/app.py:lambda_handler"])
    assert (ran.exit_code, ran.stdout.splitlines()[-1][:20]) == (0, "0 errors, 0 warnings")


def test_a_delivery_stream_may_call_its_function_and_write_to_its_bucket() -> None:
    resources = translated(Path(__file__).parent / "firehose_clicks")
    (stream,) = of_type(resources, "AWS::KinesisFirehose::DeliveryStream")
    destination = stream["ExtendedS3DestinationConfiguration"]
    (processor,) = destination["ProcessingConfiguration"]["Processors"]
    parameters = {each["ParameterName"]: each["ParameterValue"] for each in processor["Parameters"]}
    role = resources[destination["RoleARN"]["Fn::GetAtt"][0]]["Properties"]
    (policy,) = role["Policies"]
    allowed = {action: each["Resource"] for each in policy["PolicyDocument"]["Statement"] for action in each["Action"]}
    assert allowed["lambda:InvokeFunction"] == parameters["LambdaArn"]
    assert destination["BucketARN"] in allowed["s3:PutObject"]


def test_the_check_says_that_a_delivery_stream_is_no_mapping() -> None:
    ran = CliRunner().invoke(app, ["check", str(Path(__file__).parent / "firehose_clicks")])
    assert (ran.exit_code, "0 errors" in ran.stdout) == (0, True)
