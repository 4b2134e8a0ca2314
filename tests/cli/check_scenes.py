"""Templates that `batchfold check` has nothing against, and what it finds in one."""

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from batchfold.cli.check_command import checked
from batchfold.cli.check_files import CannotReadError, documents
from batchfold.cli.check_made import Made
from batchfold.cli.check_output import Checked
from batchfold.cli.check_rules import RULES

Template = dict[str, Any]

DEAD_LETTERS: Template = {"Type": "AWS::SQS::Queue", "Properties": {"MessageRetentionPeriod": 1_209_600}}
FUNCTION: Template = {
    "Type": "AWS::Lambda::Function",
    "Properties": {
        "Handler": "app.lambda_handler",
        "Runtime": "python3.11",
        "Code": {"ZipFile": "-"},
        "Role": "arn:aws:iam::123456789012:role/orders",
        "Timeout": 10,
    },
}
QUEUE: Template = {
    "Type": "AWS::SQS::Queue",
    "Properties": {
        "VisibilityTimeout": 60,
        "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}, "maxReceiveCount": 5},
    },
}
REPORTS: Template = {"FunctionName": {"Ref": "Function"}, "FunctionResponseTypes": ["ReportBatchItemFailures"]}
GIVES_UP: Template = {"DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["DeadLetters", "Arn"]}}}}
STREAM: Template = {
    **REPORTS,
    **GIVES_UP,
    "StartingPosition": "LATEST",
    "MaximumRetryAttempts": 5,
    "BisectBatchOnFunctionError": True,
}


def template(**resources: Template) -> Template:
    """A template with a function, a queue for dead letters, and these resources."""
    return {"Resources": deepcopy({"Function": FUNCTION, "DeadLetters": DEAD_LETTERS, **resources})}


def mapping(**properties: object) -> Template:
    return {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}


def pipe(source: str, parameters: Mapping[str, object]) -> Template:
    target = {"LambdaFunctionParameters": {"InvocationType": "REQUEST_RESPONSE"}}
    properties = {
        "Source": {"Fn::GetAtt": ["Source", source]},
        "Target": {"Fn::GetAtt": ["Function", "Arn"]},
        "RoleArn": "arn:aws:iam::123456789012:role/pipe",
        "SourceParameters": parameters,
        "TargetParameters": target,
    }
    return {"Type": "AWS::Pipes::Pipe", "Properties": properties}


SQS = template(Source=QUEUE, Connection=mapping(**REPORTS, EventSourceArn={"Fn::GetAtt": ["Source", "Arn"]}))
KINESIS = template(
    Source={"Type": "AWS::Kinesis::Stream"},
    Connection=mapping(**STREAM, EventSourceArn={"Fn::GetAtt": ["Source", "Arn"]}),
)
DYNAMODB = template(
    Source={"Type": "AWS::DynamoDB::Table"},
    Connection=mapping(**STREAM, EventSourceArn={"Fn::GetAtt": ["Source", "StreamArn"]}),
)
KAFKA = template(
    Source={"Type": "AWS::MSK::Cluster"},
    Connection=mapping(
        **STREAM,
        EventSourceArn={"Ref": "Source"},
        Topics=["visits"],
        ProvisionedPollerConfig={"MinimumPollers": 1, "MaximumPollers": 2},
    ),
)
PIPE_OF_KINESIS = template(
    Source={"Type": "AWS::Kinesis::Stream"},
    Connection=pipe(
        "Arn",
        {
            "KinesisStreamParameters": {
                "StartingPosition": "LATEST",
                "MaximumRetryAttempts": 5,
                "OnPartialBatchItemFailure": "AUTOMATIC_BISECT",
                "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}},
            }
        },
    ),
)
PIPE_OF_SQS = template(Source=QUEUE, Connection=pipe("Arn", {"SqsQueueParameters": {"BatchSize": 10}}))

HEALTHY = {
    "sqs": SQS,
    "kinesis": KINESIS,
    "dynamodb": DYNAMODB,
    "kafka": KAFKA,
    "a pipe of kinesis": PIPE_OF_KINESIS,
    "a pipe of sqs": PIPE_OF_SQS,
}


def changed(original: Template, changes: Mapping[str, object]) -> Template:
    """The template with other properties, named `Resource.Property`; `None` leaves one out."""
    copy = deepcopy(original)
    for path, value in changes.items():
        name, *inner, last = path.split(".")
        holder = copy["Resources"][name].setdefault("Properties", {})
        for key in inner:
            holder = holder[key]
        if value is None:
            holder.pop(last, None)
        else:
            holder[last] = value
    return copy


def check_file(path: Path, made: Made | None = None) -> Checked:
    read = list(documents([path]))
    problems = [error for error in read if isinstance(error, CannotReadError)]
    assert not problems, problems
    return checked([document for document in read if not isinstance(document, CannotReadError)], RULES, made)


def check_text(folder: Path, text: str, name: str = "template.yaml") -> Checked:
    path = folder / name
    path.write_text(text)
    return check_file(path)


def check_template(folder: Path, content: Template, made: Made | None = None) -> Checked:
    path = folder / "template.json"
    path.write_text(json.dumps(content, indent=1))
    return check_file(path, made)


def names(found: Checked) -> list[str]:
    """The rules that are broken."""
    return [finding.rule.name for finding in found.findings]
