"""The rules about mappings and pipes themselves: whether the response is read, and whether it can say what it must.

Everything that is demanded of every kind of source is in this file, with the table of all rules.
"""

import re

from batchfold.cli.check_findings import Answer, Broken, Rule, Subject
from batchfold.cli.check_function_rules import FUNCTION_RULES, raises_on_any_failure
from batchfold.cli.check_model import STREAMS, Connection, Kind, Unknown
from batchfold.cli.check_queue_rules import QUEUE_RULES
from batchfold.cli.check_remedies import Remedy
from batchfold.cli.check_stream_rules import STREAM_RULES
from batchfold.core._guards import is_plain_list

REPORT = "ReportBatchItemFailures"
_GUIDE = "https://docs.aws.amazon.com/lambda/latest/dg"

_RESPONSES: dict[Kind, str] = {
    "sqs": f"{_GUIDE}/services-sqs-errorhandling.html",
    "kinesis": f"{_GUIDE}/services-kinesis-batchfailurereporting.html",
    "dynamodb": f"{_GUIDE}/services-ddb-batchfailurereporting.html",
    "kafka": f"{_GUIDE}/kafka-retry-configurations.html",
    "stream": f"{_GUIDE}/services-kinesis-batchfailurereporting.html",
}
_WINDOWS: dict[Kind, str] = {
    "kinesis": f"{_GUIDE}/services-kinesis-windows.html",
    "dynamodb": f"{_GUIDE}/services-ddb-windows.html",
}
_PIPE_TARGETS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-target.html"

_ANSWERS_A_WINDOW = re.compile(r"\bwindowed\b|[\"']state[\"']")


def _response_type(subject: Subject) -> Answer:
    connection = subject.connection
    if connection.poller == "pipe" or connection.part.number("BatchSize", default=0) == 1:
        return None  # a pipe always reads the response, and a batch of one fails as a whole
    reports = _reports(connection)
    if reports is True or raises_on_any_failure(subject.made):
        return None
    if isinstance(reports, Unknown):
        return reports
    settings: dict[str, object] = {"FunctionResponseTypes": [REPORT]}
    advice = ""
    if connection.kind == "kafka" and _is_provisioned(connection) is False:
        settings["ProvisionedPollerConfig"] = {"MinimumPollers": 1, "MaximumPollers": 2}
        advice = 'Make the function with raise_on="any_failure", or pay for provisioned mode:'
    return Broken(
        says=f"FunctionResponseTypes lacks {REPORT}.",
        why="Lambda ignores the response: records that the function reports as failed count as done, and are lost.",
        remedy=Remedy(settings, advice),
        setting="FunctionResponseTypes",
    )


def _kafka_provisioned(subject: Subject) -> Answer:
    connection = subject.connection
    if connection.kind != "kafka" or connection.poller == "pipe" or _reports(connection) is not True:
        return None
    provisioned = _is_provisioned(connection)
    if isinstance(provisioned, Unknown):
        return provisioned
    if provisioned:
        return None
    return Broken(
        says=f"{REPORT} is set, and ProvisionedPollerConfig is not.",
        why="Lambda reads partial responses of Kafka in provisioned mode only; without it they are not acted upon.",
        remedy=Remedy({"ProvisionedPollerConfig": {"MinimumPollers": 1, "MaximumPollers": 2}}),
        setting="FunctionResponseTypes",
    )


def _pipe_fire_and_forget(subject: Subject) -> Answer:
    connection = subject.connection
    if connection.poller != "pipe":
        return None
    invocation = connection.part.get("InvocationType")
    if isinstance(invocation, Unknown):
        return invocation
    if invocation != "FIRE_AND_FORGET":
        return None
    return Broken(
        says="The pipe calls the function with FIRE_AND_FORGET.",
        why="The pipe does not wait for the response: whatever the function reports as failed is lost.",
        remedy=Remedy({"TargetParameters": {"LambdaFunctionParameters": {"InvocationType": "REQUEST_RESPONSE"}}}),
        setting="InvocationType",
    )


def _tumbling_window(subject: Subject) -> Answer:
    """The function must be made with `windowed`: asked of the function if it is given, of its file otherwise."""
    connection = subject.connection
    if connection.kind not in STREAMS or connection.poller == "pipe" or subject.made is not None:
        return None  # `--function` has a rule of its own for it
    window = connection.part.number("TumblingWindowInSeconds", default=0)
    if isinstance(window, Unknown):
        return window
    if window == 0:
        return None
    answers = _answers_a_window(connection)
    if answers is True:
        return None
    if isinstance(answers, Unknown):
        return answers
    return Broken(
        says=f"TumblingWindowInSeconds is {window}, and the function's file holds neither `windowed` nor a state.",
        why="The response to a window must carry its state: without it every invocation fails, and the shard waits.",
        remedy=Remedy(advice="Make the function with windowed(...), or remove TumblingWindowInSeconds."),
        setting="TumblingWindowInSeconds",
    )


def _answers_a_window(connection: Connection) -> bool | Unknown:
    function = connection.function
    file = None if isinstance(function, Unknown) else function.file
    if file is None:
        return Unknown("whether the function answers a window is not in this file; give it by --function")
    try:
        return _ANSWERS_A_WINDOW.search(file.read_text(encoding="utf-8")) is not None
    except (OSError, UnicodeDecodeError):
        return Unknown(f"{file.name} cannot be read")


def _reports(connection: Connection) -> bool | Unknown:
    types = connection.part.get("FunctionResponseTypes")
    if isinstance(types, Unknown):
        return types
    listed = types if is_plain_list(types) else [types]
    if REPORT in listed:
        return True
    return next((item for item in listed if isinstance(item, Unknown)), False)


def _is_provisioned(connection: Connection) -> bool | Unknown:
    config = connection.part.get("ProvisionedPollerConfig")
    return config if isinstance(config, Unknown) else bool(config)


RULES: tuple[Rule, ...] = (
    Rule("response-type", "error", f"A mapping has {REPORT} among its response types.", _response_type, _RESPONSES),
    Rule(
        "kafka-provisioned",
        "error",
        "A mapping of Kafka with partial responses is in provisioned mode.",
        _kafka_provisioned,
        {"kafka": _RESPONSES["kafka"]},
    ),
    Rule(
        "pipe-fire-and-forget",
        "error",
        "A pipe waits for the response of its function.",
        _pipe_fire_and_forget,
        {"sqs": _PIPE_TARGETS},
    ),
    Rule(
        "tumbling-window",
        "error",
        "The function of a mapping with a tumbling window is made with windowed.",
        _tumbling_window,
        _WINDOWS,
    ),
    *QUEUE_RULES,
    *STREAM_RULES,
    *FUNCTION_RULES,
)
