"""The rules about a function and the mapping that calls it, which `--function` adds.

Everything that compares the source and the options of a function with a mapping is in this file.
"""

from batchfold.cli.check_findings import Answer, Broken, Rule, Subject
from batchfold.cli.check_made import Made
from batchfold.cli.check_model import SOURCE_NAMES, STREAMS, Connection, Kind, Unknown
from batchfold.cli.check_remedies import Remedy

_GUIDE = "https://docs.aws.amazon.com/lambda/latest/dg"
_RESPONSES: dict[Kind, str] = {
    "sqs": f"{_GUIDE}/services-sqs-errorhandling.html",
    "kinesis": f"{_GUIDE}/services-kinesis-batchfailurereporting.html",
    "dynamodb": f"{_GUIDE}/services-ddb-batchfailurereporting.html",
    "kafka": f"{_GUIDE}/kafka-retry-configurations.html",
}
_WINDOWS: dict[Kind, str] = {
    "kinesis": f"{_GUIDE}/services-kinesis-windows.html",
    "dynamodb": f"{_GUIDE}/services-ddb-windows.html",
}
_SOURCES: dict[Kind, str] = {
    "sqs": "sqs(...)",
    "kinesis": "kinesis(...)",
    "dynamodb": "dynamodb(...)",
    "kafka": "kafka(...)",
    "stream": "kinesis(...) or dynamodb(...)",
}
_SAYS_NOTHING = Unknown("the function does not say what it was made with: only one made by as_lambda_handler does")


def raises_on_any_failure(made: object) -> bool:
    """Return whether the function fails as a whole for any record, so that it needs no partial response."""
    return isinstance(made, Made) and made.raise_on == "any_failure"


def _source(subject: Subject) -> Answer:
    made, connection = subject.made, subject.connection
    if not isinstance(made, Made):
        return None
    if made.source is None:
        return _SAYS_NOTHING
    window = _window(connection)
    if connection.kind == "stream":
        return Unknown("whether the mapping reads Kinesis or DynamoDB Streams is not in this file")
    if _fits(made, connection) or isinstance(window, Unknown):
        return None
    wanted = f"pipes({_SOURCES[connection.kind]})" if connection.poller == "pipe" else _SOURCES[connection.kind]
    return Broken(
        says=f"The function reads {made.source.name}, and is called with events of {SOURCE_NAMES[connection.kind]}"
        f"{' through a pipe' if connection.poller == 'pipe' else ''}.",
        why="It refuses every event, so every invocation fails.",
        remedy=Remedy(advice=f"Make the function with {wanted}, or call another one."),
        setting="FunctionName",
    )


def _window_source(subject: Subject) -> Answer:
    made, connection = subject.made, subject.connection
    if not isinstance(made, Made) or made.source is None or connection.kind not in ("kinesis", "dynamodb"):
        return None
    window = _window(connection)
    if isinstance(window, Unknown):
        return window
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


def _fifo_lane(subject: Subject) -> Answer:
    made, connection = subject.made, subject.connection
    if not isinstance(made, Made) or connection.kind != "sqs" or connection.part.number("BatchSize", default=10) == 1:
        return None
    if connection.is_fifo is not True:
        return connection.is_fifo if isinstance(connection.is_fifo, Unknown) else None
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


def _stream_lane(subject: Subject) -> Answer:
    made, connection = subject.made, subject.connection
    if not isinstance(made, Made) or connection.kind not in STREAMS or connection.poller == "pipe":
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


def _raise_on(subject: Subject) -> Answer:
    connection = subject.connection
    if not raises_on_any_failure(subject.made) or connection.part.number("BatchSize", default=0) == 1:
        return None
    if isinstance(subject.made, Made) and _is_windowed(subject.made, connection):
        return None  # of a partial failure nobody knows which state follows
    types = connection.part.get("FunctionResponseTypes")
    if isinstance(types, Unknown):
        return types
    if connection.poller == "mapping" and "ReportBatchItemFailures" not in str(types):
        return None
    return Broken(
        says='The function has raise_on="any_failure", and its partial response would be read.',
        why="One failure brings the whole batch back, the records that are done too, and they are handled again.",
        remedy=Remedy(advice='Leave raise_on= out: "entire_batch" raises where nothing was done.'),
        setting="FunctionResponseTypes",
    )


def _is_windowed(made: Made, connection: Connection) -> bool:
    return made.reads(connection, windowed=True) and not made.reads(connection)


def _fits(made: Made, connection: Connection) -> bool:
    return made.reads(connection) or made.reads(connection, windowed=True)


def _window(connection: Connection) -> int | Unknown:
    return connection.part.number("TumblingWindowInSeconds", default=0)


FUNCTION_RULES: tuple[Rule, ...] = (
    Rule("source", "error", "The function reads the source that it is called for.", _source, _RESPONSES),
    Rule("window-source", "error", "The function and the mapping agree on tumbling windows.", _window_source, _WINDOWS),
    Rule("fifo-lane", "warning", "A FIFO queue is read with a lane for each message group.", _fifo_lane, _RESPONSES),
    Rule("stream-lane", "warning", "A stream is not read with a lane for each record.", _stream_lane, _RESPONSES),
    Rule("raise-on", "warning", "A function whose partial response is read returns one.", _raise_on, _RESPONSES),
)
