"""The rules about mappings and pipes themselves, those that `--function` adds, and the table of all rules.

Everything that decides whether the response is read, whether it can say what it must, and whether the function fits the
mapping that calls it, is in this file.
"""

import re
from collections.abc import Sequence

from batchfold.cli.check_findings import GUIDE, Broken, Rule, Rules, Subject
from batchfold.cli.check_made import Made
from batchfold.cli.check_model import SOURCE_NAMES, STREAMS, Connection, Kind, NotKnownError, Unknown, known
from batchfold.cli.check_remedies import Remedy
from batchfold.cli.check_source_rules import SOURCE_RULES
from batchfold.core._guards import is_plain_list

_MAPPING_RULES = Rules()
FUNCTION_RULES = Rules()

REPORT = "ReportBatchItemFailures"

_RESPONSES: dict[Kind, str] = {
    "sqs": f"{GUIDE}/services-sqs-errorhandling.html",
    "kinesis": f"{GUIDE}/services-kinesis-batchfailurereporting.html",
    "dynamodb": f"{GUIDE}/services-ddb-batchfailurereporting.html",
    "kafka": f"{GUIDE}/kafka-retry-configurations.html",
    "stream": f"{GUIDE}/services-kinesis-batchfailurereporting.html",
}
_WINDOWS: dict[Kind, str] = {
    "kinesis": f"{GUIDE}/services-kinesis-windows.html",
    "dynamodb": f"{GUIDE}/services-ddb-windows.html",
}
_PIPE_TARGETS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-target.html"

_SOURCES: dict[Kind, str] = {
    "sqs": "sqs(...)",
    "kinesis": "kinesis(...)",
    "dynamodb": "dynamodb(...)",
    "kafka": "kafka(...)",
    "stream": "kinesis(...) or dynamodb(...)",
}
_PROVISIONED = {"ProvisionedPollerConfig": {"MinimumPollers": 1, "MaximumPollers": 2}}
_ANSWERS_A_WINDOW = re.compile(r"\bwindowed\b|[\"']state[\"']")


@_MAPPING_RULES.add("response-type", "error", f"A mapping has {REPORT} among its response types.", _RESPONSES)
def _response_type(subject: Subject) -> Broken | None:
    connection = subject.connection
    if connection.poller == "pipe" or connection.has_single_records:
        return None  # a pipe always reads the response
    if _raises_on_any_failure(subject.made) or known(_reports(connection)):
        return None
    settings: dict[str, object] = {"FunctionResponseTypes": [REPORT]}
    advice = ""
    if connection.kind == "kafka" and _is_provisioned(connection) is False:
        settings |= _PROVISIONED
        advice = 'Make the function with raise_on="any_failure", or pay for provisioned mode:'
    return Broken(
        says=f"FunctionResponseTypes lacks {REPORT}.",
        why="Lambda ignores the response: records that the function reports as failed count as done, and are lost.",
        remedy=Remedy(settings, advice),
        setting="FunctionResponseTypes",
    )


@_MAPPING_RULES.add(
    "kafka-provisioned",
    "error",
    "A mapping of Kafka with partial responses is in provisioned mode.",
    {"kafka": _RESPONSES["kafka"]},
)
def _kafka_provisioned(subject: Subject) -> Broken | None:
    connection = subject.connection
    if connection.kind != "kafka" or connection.poller == "pipe" or _reports(connection) is not True:
        return None
    if known(_is_provisioned(connection)):
        return None
    return Broken(
        says=f"{REPORT} is set, and ProvisionedPollerConfig is not.",
        why="Lambda reads partial responses of Kafka in provisioned mode only; without it they are not acted upon.",
        remedy=Remedy(_PROVISIONED),
        setting="FunctionResponseTypes",
    )


@_MAPPING_RULES.add(
    "pipe-fire-and-forget", "error", "A pipe waits for the response of its function.", {"sqs": _PIPE_TARGETS}
)
def _pipe_fire_and_forget(subject: Subject) -> Broken | None:
    connection = subject.connection
    if connection.poller != "pipe" or known(connection.part.get("InvocationType")) != "FIRE_AND_FORGET":
        return None
    return Broken(
        says="The pipe calls the function with FIRE_AND_FORGET.",
        why="The pipe does not wait for the response: whatever the function reports as failed is lost.",
        remedy=Remedy({"TargetParameters": {"LambdaFunctionParameters": {"InvocationType": "REQUEST_RESPONSE"}}}),
        setting="InvocationType",
    )


@_MAPPING_RULES.add(
    "tumbling-window",
    "error",
    "The function of a mapping with a tumbling window is made with windowed.",
    _WINDOWS,
)
def _tumbling_window(subject: Subject) -> Broken | None:
    connection = subject.connection
    if connection.kind not in STREAMS or connection.poller == "pipe" or subject.made is not None:
        return None  # `--function` has a rule of its own for it
    window = known(_window(connection))
    if window == 0 or _answers_a_window(connection):
        return None
    return Broken(
        says=f"TumblingWindowInSeconds is {window}, and the function's file holds neither `windowed` nor a state.",
        why="The response to a window must carry its state: without it every invocation fails, and the shard waits.",
        remedy=Remedy(advice="Make the function with windowed(...), or remove TumblingWindowInSeconds."),
        setting="TumblingWindowInSeconds",
    )


def _answers_a_window(connection: Connection) -> bool:
    function = connection.function
    file = None if isinstance(function, Unknown) else function.file
    if file is None:
        raise NotKnownError("whether the function answers a window is not in this file; give it by --function")
    try:
        return _ANSWERS_A_WINDOW.search(file.read_text(encoding="utf-8")) is not None
    except (OSError, UnicodeDecodeError):
        raise NotKnownError(f"{file.name} cannot be read") from None


def _reports(connection: Connection) -> bool | Unknown:
    types = connection.part.get("FunctionResponseTypes")
    listed = types if is_plain_list(types) else [types]
    if REPORT in listed:
        return True
    return next((item for item in listed if isinstance(item, Unknown)), False)


def _is_provisioned(connection: Connection) -> bool | Unknown:
    config = connection.part.get("ProvisionedPollerConfig")
    return config if isinstance(config, Unknown) else bool(config)


def _window(connection: Connection) -> int | Unknown:
    return connection.part.number("TumblingWindowInSeconds", default=0)


@FUNCTION_RULES.add("source", "error", "The function reads the source that it is called for.", _RESPONSES)
def _source(subject: Subject) -> Broken | None:
    made, connection = subject.made, subject.connection
    if made is None:
        return None
    if made.source is None:
        raise NotKnownError("the function does not say what it was made with: only one made by as_lambda_handler does")
    if connection.kind == "stream":
        raise NotKnownError("whether the mapping reads Kinesis or DynamoDB Streams is not in this file")
    if _fits(made, connection) or isinstance(_window(connection), Unknown):
        return None
    wanted, through = _SOURCES[connection.kind], ""
    if connection.poller == "pipe":
        wanted, through = f"pipes({wanted})", " through a pipe"
    return Broken(
        says=f"The function reads {made.source.name}, and is called with events of "
        f"{SOURCE_NAMES[connection.kind]}{through}.",
        why="It refuses every event, so every invocation fails.",
        remedy=Remedy(advice=f"Make the function with {wanted}, or call another one."),
        setting="FunctionName",
    )


@FUNCTION_RULES.add("window-source", "error", "The function and the mapping agree on tumbling windows.", _WINDOWS)
def _window_source(subject: Subject) -> Broken | None:
    made, connection = subject.made, subject.connection
    if made is None or made.source is None or connection.kind not in ("kinesis", "dynamodb"):
        return None
    window = known(_window(connection))
    source = _SOURCES[connection.kind]
    if window and made.reads(connection) and not made.reads(connection, windowed=True):
        return Broken(
            says=f"TumblingWindowInSeconds is {window}, and the function is not made with windowed.",
            why="The response to a window must carry its state: every invocation fails, and the shard waits.",
            remedy=Remedy(advice=f"Make the function with windowed({source}, ...), or remove TumblingWindowInSeconds."),
            setting="TumblingWindowInSeconds",
        )
    if not window and _is_windowed(made, connection):
        return Broken(
            says="The function is made with windowed, and TumblingWindowInSeconds is not set.",
            why="The events carry no window and no state, so every invocation fails.",
            remedy=Remedy({"TumblingWindowInSeconds": 60}),
        )
    return None


@FUNCTION_RULES.add("fifo-lane", "warning", "A FIFO queue is read with a lane for each message group.", _RESPONSES)
def _fifo_lane(subject: Subject) -> Broken | None:
    made, connection = subject.made, subject.connection
    if made is None or connection.has_single_records or not known(connection.is_fifo):
        return None
    lane = made.lane(connection) if made.reads(connection) else "other"  # another rule speaks of that
    if lane == "whole_batch":
        return Broken(
            says="The queue is FIFO, and the whole batch is one lane.",
            why="After a failure the messages of all other groups come back too, never started, and each time counts "
            "towards their dead letters.",
            remedy=Remedy(advice="Write sqs(..., lane=by_message_group): the order that SQS promises, and no more."),
        )
    if lane == "each_record":
        return Broken(
            says="The queue is FIFO, and each record is a lane of its own.",
            why="Messages behind one that failed are handled before it: the order of the queue is lost.",
            remedy=Remedy(advice="Write sqs(..., lane=by_message_group)."),
        )
    return None


@FUNCTION_RULES.add("stream-lane", "warning", "A stream is not read with a lane for each record.", _RESPONSES)
def _stream_lane(subject: Subject) -> Broken | None:
    made, connection = subject.made, subject.connection
    if made is None or connection.kind not in STREAMS or connection.poller == "pipe":
        return None
    if made.lane(connection) != "each_record" or not _fits(made, connection):
        return None
    return Broken(
        says="The source is a stream, and each record is a lane of its own.",
        why="Everything behind a failed record is delivered again, so its effects happen again, and out of order.",
        remedy=Remedy(
            advice="Leave lane= out, or write lane=by_partition_key (DynamoDB: by_item_key); if the handler has no "
            "effect that may not be repeated, pass --ignore stream-lane."
        ),
    )


@FUNCTION_RULES.add("raise-on", "warning", "A function whose partial response is read returns one.", _RESPONSES)
def _raise_on(subject: Subject) -> Broken | None:
    made, connection = subject.made, subject.connection
    if made is None or not _raises_on_any_failure(made) or connection.has_single_records:
        return None
    if _is_windowed(made, connection):
        return None  # of a partial failure nobody knows which state follows
    types = known(connection.part.get("FunctionResponseTypes"))
    if connection.poller == "mapping" and REPORT not in str(types):
        return None
    return Broken(
        says='The function has raise_on="any_failure", and its partial response would be read.',
        why="One failure brings the whole batch back, the records that are done too, and they are handled again.",
        remedy=Remedy(advice='Leave raise_on= out: "entire_batch" raises where nothing was done.'),
        setting="FunctionResponseTypes",
    )


def _raises_on_any_failure(made: Made | None) -> bool:
    """Return whether the function fails as a whole for any record, so that it needs no partial response."""
    return made is not None and made.raise_on == "any_failure"


def _is_windowed(made: Made, connection: Connection) -> bool:
    return made.reads(connection, windowed=True) and not made.reads(connection)


def _fits(made: Made, connection: Connection) -> bool:
    return made.reads(connection) or made.reads(connection, windowed=True)


RULES: Sequence[Rule] = (*_MAPPING_RULES, *SOURCE_RULES, *FUNCTION_RULES)
