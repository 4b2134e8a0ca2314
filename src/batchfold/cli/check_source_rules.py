"""The rules about queues and streams: when a record comes back, how often, and where it ends.

Everything that is demanded of a queue with the function that reads it, and of the retries of Kinesis, DynamoDB Streams
and Kafka, is in this file.
"""

from batchfold.cli.check_findings import GUIDE, Broken, Rules, Subject
from batchfold.cli.check_model import STREAMS, Connection, Kind, Part, Unknown, known
from batchfold.cli.check_remedies import DEAD_LETTERS, Remedy
from batchfold.core._guards import is_mapping

SOURCE_RULES = Rules()

_CONFIGURE: dict[Kind, str] = {"sqs": f"{GUIDE}/services-sqs-configure.html"}
_SCALING: dict[Kind, str] = {"sqs": f"{GUIDE}/services-sqs-scaling.html"}
_PARAMETERS: dict[Kind, str] = {"sqs": f"{GUIDE}/services-sqs-parameters.html"}
_DESTINATIONS: dict[Kind, str] = {
    "kinesis": f"{GUIDE}/kinesis-on-failure-destination.html",
    "dynamodb": f"{GUIDE}/services-dynamodb-errors.html",
    "kafka": f"{GUIDE}/kafka-on-failure.html",
}

_TIMES = 6
"""The visibility timeout in timeouts of the function that AWS asks for."""
_TIMEOUT, _VISIBILITY_TIMEOUT = 3, 30
"""The defaults of a function and of a queue, in seconds."""
_LONGEST_VISIBILITY_TIMEOUT = 12 * 60 * 60
_REDRIVE = Remedy({"RedrivePolicy": {"deadLetterTargetArn": DEAD_LETTERS, "maxReceiveCount": 5}})
"""Five receives are what AWS advises."""
_INVOCATIONS_OF_A_POLLER = 10
_MAXIMUM_POLLERS = 200
_LEAST_CONCURRENCY = 2

_ENDLESS = -1
_RETRIES = 10
_PRICE_IN_A_PIPE = (
    " The price: after a partial response both halves of the batch come back too, with the records that are done. If they "
    "may not be handled again, pass --ignore no-bisect."
)


@SOURCE_RULES.add(
    "visibility-timeout",
    "warning",
    "A queue hides a message for six times the function's timeout, plus the batching window.",
    _CONFIGURE,
)
def _visibility_timeout(subject: Subject) -> Broken | None:
    connection = subject.connection
    queue = known(connection.queue)
    if queue is None:
        return None
    function = known(connection.function)
    setting, window_setting = "VisibilityTimeout", "MaximumBatchingWindowInSeconds"
    visible = known(queue.number(setting, default=_VISIBILITY_TIMEOUT), f"the queue's {setting}")
    timeout = known(function.part.number("Timeout", default=_TIMEOUT), "the function's Timeout")
    window = known(connection.part.number(window_setting, default=0), window_setting)
    least = min(_TIMES * timeout + window, _LONGEST_VISIBILITY_TIMEOUT)
    if visible >= least:
        return None
    of_window = f" plus the window of {window} s" if window else ""
    return Broken(
        says=f"VisibilityTimeout is {visible} s, less than {least} s: six times the function's timeout of {timeout} s"
        f"{of_window}.",
        why="Messages come back while the function still has them, or before a throttled call could be repeated: "
        "they are handled twice, and each receive counts towards the dead letters.",
        remedy=Remedy({setting: least}),
        at=queue,
        setting=setting,
    )


@SOURCE_RULES.add("no-redrive", "error", "A queue has a redrive policy.", _CONFIGURE)
def _no_redrive(subject: Subject) -> Broken | None:
    queue = known(_own_queue(subject.connection))
    if queue is None:
        return None
    policy = queue.get("RedrivePolicy")
    if isinstance(policy, Unknown) and policy.mentions and not policy.may_be_absent:
        return None
    if known(policy) is not None:
        return None
    return Broken(
        says="The queue has no RedrivePolicy.",
        why="A message that never succeeds comes back until the queue's retention ends, and is then lost.",
        remedy=_REDRIVE,
        at=queue,
        setting="RedrivePolicy",
    )


@SOURCE_RULES.add("max-receive-count", "error", "A message is received more than once.", _CONFIGURE)
def _max_receive_count(subject: Subject) -> Broken | None:
    queue = _own_queue(subject.connection)
    if not isinstance(queue, Part) or queue.get("RedrivePolicy") is None:
        return None  # another rule speaks of both
    count = known(queue.number("RedrivePolicy", "maxReceiveCount", default=10))
    if count > 1:
        return None
    return Broken(
        says=f"maxReceiveCount is {count}.",
        why="A message goes to the dead letters after its first receive: no failure is tried again, and a throttled call "
        "or a message that was not started ends there too.",
        remedy=_REDRIVE,
        at=queue,
        setting="RedrivePolicy",
    )


@SOURCE_RULES.add("fifo-window", "error", "A mapping of a FIFO queue has no batching window.", _PARAMETERS)
def _fifo_window(subject: Subject) -> Broken | None:
    connection = subject.connection
    if connection.poller == "pipe":
        return None
    setting, is_fifo = "MaximumBatchingWindowInSeconds", connection.is_fifo
    window = connection.part.number(setting, default=0)
    if window == 0 or is_fifo is False or (isinstance(window, Unknown) and is_fifo is not True):
        return None
    known(is_fifo)
    return Broken(
        says=f"The queue is FIFO, and {setting} is {known(window)}.",
        why="Lambda has no batching window for FIFO queues, and refuses the mapping.",
        remedy=Remedy({setting: None}),
        setting=setting,
    )


@SOURCE_RULES.add(
    "throttled", "error", "The mappings of queues start no more invocations than their function may run.", _SCALING
)
def _throttled(subject: Subject) -> Broken | None:
    connection = subject.connection
    if connection.kind != "sqs" or connection.poller == "pipe":
        return None
    function, setting = known(connection.function).part, "ReservedConcurrentExecutions"
    if function.get(setting) is None:
        return None
    reserved = known(function.number(setting, default=0), setting)
    own = known(_most_invocations(connection))
    queues = [other for other in subject.siblings if other.kind == "sqs" and other.function == connection.function]
    most = sum(count for other in queues if isinstance(count := _most_invocations(other), int))
    if own is not None and most <= reserved:
        return None
    of_all = f", of all {len(queues)} queues of the function {most}" if len(queues) > 1 else ""
    limit = "the mapping has no MaximumConcurrency" if own is None else f"the mapping's limit is {own}{of_all}"
    share = max(reserved // max(len(queues), 1), _LEAST_CONCURRENCY)
    needed = share * len(queues)
    settings: dict[str, object] = {"ScalingConfig": {"MaximumConcurrency": share}}
    if connection.part.get("ProvisionedPollerConfig"):
        settings["ProvisionedPollerConfig"] = None  # a mapping has one of both
    return Broken(
        says=f"The function may run {reserved} times at once, and {limit}.",
        why="Lambda receives messages that it cannot pass on: each throttled call counts as a receive, and in the end "
        "messages that were never tried are in the dead letters.",
        remedy=Remedy(
            settings, "" if reserved >= needed else f"Raise {setting} of the function to {needed}, and write:"
        ),
        setting="ScalingConfig",
    )


def _most_invocations(connection: Connection) -> int | Unknown | None:
    """The most invocations that the mapping has at once, `None` without a limit."""
    part = connection.part
    pollers = part.get("ProvisionedPollerConfig")
    if isinstance(pollers, Unknown):
        return pollers
    if pollers:
        most = part.number("ProvisionedPollerConfig", "MaximumPollers", default=_MAXIMUM_POLLERS)
        return most if isinstance(most, Unknown) else most * _INVOCATIONS_OF_A_POLLER
    if part.get("ScalingConfig", "MaximumConcurrency") is None:
        return None
    return part.number("ScalingConfig", "MaximumConcurrency", default=0)


def _own_queue(connection: Connection) -> Part | Unknown | None:
    """The queue, but for one that holds dead letters: where those end is no rule's business."""
    return None if connection.is_dead_letter_queue else connection.queue


@SOURCE_RULES.add(
    "endless-retries", "warning", "Retries of a stream end, and what failed has a destination.", _DESTINATIONS
)
def _endless_retries(subject: Subject) -> Broken | None:
    connection = subject.connection
    destination, is_endless = _destination(connection), _is_endless(connection)
    if not _has_retries(connection) or is_endless is False or (is_endless is not True and destination is True):
        return None
    known(is_endless)
    if known(destination) and connection.kind == "kafka":
        return None  # Lambda then tries ten times and no more
    reached = "so the destination is never reached" if destination else "and there is no destination for what fails"
    return Broken(
        says=f"Retries have no end, {reached}.",
        why=f"A record that never succeeds blocks its {'partition' if connection.kind == 'kafka' else 'shard'} until it "
        "expires, and what expires behind it is lost too.",
        remedy=_end_of_retries(connection, has_destination=destination is True),
        setting="MaximumRetryAttempts" if destination else "",
    )


@SOURCE_RULES.add("no-destination", "error", "What a stream gives up has a destination.", _DESTINATIONS)
def _no_destination(subject: Subject) -> Broken | None:
    connection = subject.connection
    if not _has_retries(connection) or _is_endless(connection) is not False:
        return None  # the rule about endless retries speaks of that
    if known(_destination(connection)):
        return None
    return Broken(
        says="Retries have an end, and there is no destination for what fails.",
        why="When the retries of a batch are used up, Lambda discards it without a trace.",
        remedy=_end_of_retries(connection, has_destination=False),
        setting="MaximumRetryAttempts",
    )


@SOURCE_RULES.add("no-bisect", "warning", "A batch of a stream whose function raises is split.", _DESTINATIONS)
def _no_bisect(subject: Subject) -> Broken | None:
    connection, part = subject.connection, subject.connection.part
    if connection.kind not in STREAMS or connection.has_single_records:
        return None
    if connection.poller == "pipe":
        name, value, price = "OnPartialBatchItemFailure", "AUTOMATIC_BISECT", _PRICE_IN_A_PIPE
        bisects = known(part.get(name)) == value
        remedy = _in_the_pipe(connection, {name: value})
    else:
        name, price = "BisectBatchOnFunctionError", ""
        bisects = known(part.flag(name))
        remedy = Remedy({name: True})
    if bisects:
        return None
    return Broken(
        says=f"{name} is not set.",
        why="When the function raises or times out, a record that never succeeds takes its whole batch with it, "
        f"the records that were never started too.{price}",
        remedy=remedy,
        setting=name,
    )


def _has_retries(connection: Connection) -> bool:
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


def _end_of_retries(connection: Connection, *, has_destination: bool) -> Remedy:
    settings: dict[str, object] = {}
    if _is_endless(connection) is True and connection.kind != "kafka":
        settings["MaximumRetryAttempts"] = _RETRIES
    if connection.poller == "pipe":
        return _in_the_pipe(
            connection, settings if has_destination else {**settings, "DeadLetterConfig": {"Arn": DEAD_LETTERS}}
        )
    if not has_destination:
        settings["DestinationConfig"] = {"OnFailure": {"Destination": DEAD_LETTERS}}
    return Remedy(settings)


def _in_the_pipe(connection: Connection, settings: dict[str, object]) -> Remedy:
    service = "DynamoDB" if connection.kind == "dynamodb" else "Kinesis"
    return Remedy({"SourceParameters": {f"{service}StreamParameters": settings}})
