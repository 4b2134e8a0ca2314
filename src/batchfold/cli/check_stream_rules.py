"""The rules about streams: what becomes of a record that never succeeds.

Everything that is demanded of the retries of Kinesis, DynamoDB Streams and Kafka is in this file.
"""

from batchfold.cli.check_findings import Answer, Broken, Rule, Subject
from batchfold.cli.check_model import STREAMS, Connection, Kind, Unknown
from batchfold.cli.check_remedies import DEAD_LETTERS, Remedy
from batchfold.core._guards import is_mapping

_GUIDE = "https://docs.aws.amazon.com/lambda/latest/dg"
_DESTINATIONS: dict[Kind, str] = {
    "kinesis": f"{_GUIDE}/kinesis-on-failure-destination.html",
    "dynamodb": f"{_GUIDE}/services-dynamodb-errors.html",
    "kafka": f"{_GUIDE}/kafka-on-failure.html",
}
_ENDLESS = -1
_PRICE_IN_A_PIPE = (
    " The price: after a partial response both halves of the batch come back too, with the records that are done. If they "
    "may not be handled again, pass --ignore no-bisect."
)
_RETRIES = 10

_PIPE_PARAMETERS: dict[Kind, str] = {
    "kinesis": "KinesisStreamParameters",
    "dynamodb": "DynamoDBStreamParameters",
    "stream": "KinesisStreamParameters",
}


def _endless_retries(subject: Subject) -> Answer:
    connection = subject.connection
    if not _retries_are_set(connection):
        return None
    destination, is_endless = _destination(connection), _is_endless(connection)
    if isinstance(is_endless, Unknown):
        return is_endless if destination is not True else None
    if isinstance(destination, Unknown) or not is_endless:
        return destination if is_endless and isinstance(destination, Unknown) else None
    if connection.kind == "kafka" and destination:
        return None  # Lambda then tries ten times and no more
    reached = "so the destination is never reached" if destination else "and there is no destination for what fails"
    return Broken(
        says=f"Retries have no end, {reached}.",
        why=f"A record that never succeeds blocks its {'partition' if connection.kind == 'kafka' else 'shard'} until it "
        "expires, and what expires behind it is lost too.",
        remedy=_remedy(connection, destination=destination),
        setting="MaximumRetryAttempts" if destination else "",
    )


def _no_destination(subject: Subject) -> Answer:
    connection = subject.connection
    if not _retries_are_set(connection) or _is_endless(connection) is not False:
        return None  # the rule about endless retries speaks of that
    destination = _destination(connection)
    if isinstance(destination, Unknown):
        return destination
    if destination:
        return None
    return Broken(
        says="Retries have an end, and there is no destination for what fails.",
        why="When the retries of a batch are used up, Lambda discards it without a trace.",
        remedy=_remedy(connection, destination=False),
        setting="MaximumRetryAttempts",
    )


def _no_bisect(subject: Subject) -> Answer:
    connection = subject.connection
    if connection.kind not in STREAMS or connection.part.number("BatchSize", default=0) == 1:
        return None
    part = connection.part
    if connection.poller == "pipe":
        setting = part.get("OnPartialBatchItemFailure")
        if isinstance(setting, Unknown):
            return setting
        bisects: bool | Unknown = setting == "AUTOMATIC_BISECT"
        remedy = Remedy(_in_the_pipe(connection, {"OnPartialBatchItemFailure": "AUTOMATIC_BISECT"}))
        name, price = "OnPartialBatchItemFailure", _PRICE_IN_A_PIPE
    else:
        name, price = "BisectBatchOnFunctionError", ""
        bisects = part.flag(name)
        remedy = Remedy({name: True})
    if isinstance(bisects, Unknown):
        return bisects
    if bisects:
        return None
    return Broken(
        says=f"{name} is not set.",
        why="When the function raises or times out, a record that never succeeds takes its whole batch with it, "
        f"the records that were never started too.{price}",
        remedy=remedy,
        setting=name,
    )


def _retries_are_set(connection: Connection) -> bool:
    """Return whether the source has retries to set; a pipe from Kafka has none."""
    return connection.kind in STREAMS or (connection.kind == "kafka" and connection.poller == "mapping")


def _is_endless(connection: Connection) -> bool | Unknown:
    part = connection.part
    limits = [part.number(name, default=_ENDLESS) for name in ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds")]
    if any(isinstance(limit, int) and limit != _ENDLESS for limit in limits):
        return False
    return next((limit for limit in limits if isinstance(limit, Unknown)), True)


def _destination(connection: Connection) -> bool | Unknown:
    target = connection.part.get("DestinationConfig", "OnFailure")
    if isinstance(target, Unknown):
        return target if target.may_be_absent or not target.mentions else True
    if not is_mapping(target):
        return target is not None
    arns = [value for name, value in target.items() if name != "Type"]
    return next((arn for arn in arns if isinstance(arn, Unknown) and arn.may_be_absent), bool(arns))


def _remedy(connection: Connection, *, destination: bool) -> Remedy:
    settings: dict[str, object] = {}
    if _is_endless(connection) is True and connection.kind != "kafka":
        settings["MaximumRetryAttempts"] = _RETRIES
    if connection.poller == "pipe":
        settings |= {} if destination else {"DeadLetterConfig": {"Arn": DEAD_LETTERS}}
        return Remedy(_in_the_pipe(connection, settings))
    if not destination:
        settings["DestinationConfig"] = {"OnFailure": {"Destination": DEAD_LETTERS}}
    return Remedy(settings)


def _in_the_pipe(connection: Connection, settings: dict[str, object]) -> dict[str, object]:
    return {"SourceParameters": {_PIPE_PARAMETERS[connection.kind]: settings}}


STREAM_RULES: tuple[Rule, ...] = (
    Rule(
        "endless-retries",
        "warning",
        "Retries of a stream end, and what failed has a destination.",
        _endless_retries,
        _DESTINATIONS,
    ),
    Rule(
        "no-destination",
        "error",
        "What a stream gives up has a destination.",
        _no_destination,
        _DESTINATIONS,
    ),
    Rule(
        "no-bisect",
        "warning",
        "A batch of a stream whose function raises is split.",
        _no_bisect,
        _DESTINATIONS,
    ),
)
