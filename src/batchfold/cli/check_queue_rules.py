"""The rules about queues: when a message comes back, how often, and where it ends.

Everything that is demanded of a queue with the function that reads it is in this file.
"""

from batchfold.cli.check_findings import Answer, Broken, Rule, Subject
from batchfold.cli.check_model import Connection, Kind, Part, Unknown
from batchfold.cli.check_remedies import DEAD_LETTERS, Remedy

_GUIDE = "https://docs.aws.amazon.com/lambda/latest/dg"
_CONFIGURE: dict[Kind, str] = {"sqs": f"{_GUIDE}/services-sqs-configure.html"}
_SCALING: dict[Kind, str] = {"sqs": f"{_GUIDE}/services-sqs-scaling.html"}
_PARAMETERS: dict[Kind, str] = {"sqs": f"{_GUIDE}/services-sqs-parameters.html"}

_TIMES = 6
"""The visibility timeout in timeouts of the function that AWS asks for."""
_TIMEOUT, _VISIBILITY_TIMEOUT = 3, 30
"""The defaults of a function and of a queue, in seconds."""
_LONGEST_VISIBILITY_TIMEOUT = 12 * 60 * 60
_RECEIVES = 5
"""The `maxReceiveCount` that AWS advises."""
_INVOCATIONS_OF_A_POLLER = 10
_MAXIMUM_POLLERS = 200
_LEAST_CONCURRENCY = 2


def _visibility_timeout(subject: Subject) -> Answer:
    connection = subject.connection
    queue, function = connection.queue, connection.function
    if not isinstance(queue, Part):
        return queue
    if isinstance(function, Unknown):
        return function
    visible = queue.number("VisibilityTimeout", default=_VISIBILITY_TIMEOUT)
    timeout = function.part.number("Timeout", default=_TIMEOUT)
    window = connection.part.number("MaximumBatchingWindowInSeconds", default=0)
    if isinstance(visible, Unknown):
        return Unknown(f"the queue's VisibilityTimeout: {visible.why}")
    if isinstance(timeout, Unknown) or isinstance(window, Unknown):
        return _of_either(timeout, window)
    least = min(_TIMES * timeout + window, _LONGEST_VISIBILITY_TIMEOUT)
    if visible >= least:
        return None
    of_window = f" plus the window of {window} s" if window else ""
    return Broken(
        says=f"VisibilityTimeout is {visible} s, less than {least} s: six times the function's timeout of {timeout} s"
        f"{of_window}.",
        why="Messages come back while the function still has them, or before a throttled call could be repeated: "
        "they are handled twice, and each receive counts towards the dead letters.",
        remedy=Remedy({"VisibilityTimeout": least}),
        at=queue,
        setting="VisibilityTimeout",
    )


def _of_either(timeout: int | Unknown, window: int | Unknown) -> Unknown | None:
    if isinstance(timeout, Unknown):
        return Unknown(f"the function's Timeout: {timeout.why}")
    return Unknown(f"MaximumBatchingWindowInSeconds: {window.why}") if isinstance(window, Unknown) else None


def _no_redrive(subject: Subject) -> Answer:
    queue = _own_queue(subject.connection)
    if not isinstance(queue, Part):
        return queue
    policy = queue.get("RedrivePolicy")
    if isinstance(policy, Unknown):
        return policy if policy.may_be_absent or not policy.mentions else None
    if policy is not None:
        return None
    return Broken(
        says="The queue has no RedrivePolicy.",
        why="A message that never succeeds comes back until the queue's retention ends, and is then lost.",
        remedy=Remedy({"RedrivePolicy": {"deadLetterTargetArn": DEAD_LETTERS, "maxReceiveCount": _RECEIVES}}),
        at=queue,
        setting="RedrivePolicy",
    )


def _max_receive_count(subject: Subject) -> Answer:
    queue = _own_queue(subject.connection)
    if not isinstance(queue, Part) or queue.get("RedrivePolicy") is None:
        return None  # another rule speaks of both
    count = queue.number("RedrivePolicy", "maxReceiveCount", default=10)
    if isinstance(count, Unknown):
        return count
    if count > 1:
        return None
    return Broken(
        says=f"maxReceiveCount is {count}.",
        why="A message goes to the dead letters after its first receive: no failure is tried again, and a throttled call "
        "or a message that was not started ends there too.",
        remedy=Remedy({"RedrivePolicy": {"deadLetterTargetArn": DEAD_LETTERS, "maxReceiveCount": _RECEIVES}}),
        at=queue,
        setting="RedrivePolicy",
    )


def _fifo_window(subject: Subject) -> Answer:
    connection = subject.connection
    if connection.kind != "sqs" or connection.poller == "pipe":
        return None
    window = connection.part.number("MaximumBatchingWindowInSeconds", default=0)
    if window == 0 or connection.is_fifo is False:
        return None
    if isinstance(window, Unknown):
        return window if connection.is_fifo is True else None
    if isinstance(connection.is_fifo, Unknown):
        return connection.is_fifo
    return Broken(
        says=f"The queue is FIFO, and MaximumBatchingWindowInSeconds is {window}.",
        why="Lambda has no batching window for FIFO queues, and refuses the mapping.",
        remedy=Remedy({"MaximumBatchingWindowInSeconds": None}),
        setting="MaximumBatchingWindowInSeconds",
    )


def _throttled(subject: Subject) -> Answer:
    """All queues of a function together must start no more invocations than it may run."""
    connection = subject.connection
    if connection.kind != "sqs" or connection.poller == "pipe":
        return None
    reserved = _reserved(connection)
    if not isinstance(reserved, int):
        return reserved
    own = _most_invocations(connection)
    if isinstance(own, Unknown):
        return own
    queues = [other for other in subject.siblings if other.kind == "sqs" and other.function == connection.function]
    most = sum(count for other in queues if isinstance(count := _most_invocations(other), int))
    if own is not None and most <= reserved:
        return None
    of_all = f", of all {len(queues)} queues of the function {most}" if len(queues) > 1 else ""
    limit = "the mapping has no MaximumConcurrency" if own is None else f"the mapping's limit is {own}{of_all}"
    share = max(reserved // max(len(queues), 1), _LEAST_CONCURRENCY)
    settings: dict[str, object] = {"ScalingConfig": {"MaximumConcurrency": share}}
    if connection.part.get("ProvisionedPollerConfig"):
        settings["ProvisionedPollerConfig"] = None  # a mapping has one of both
    return Broken(
        says=f"The function may run {reserved} times at once, and {limit}.",
        why="Lambda receives messages that it cannot pass on: each throttled call counts as a receive, and in the end "
        "messages that were never tried are in the dead letters.",
        remedy=Remedy(settings, _advice(reserved, share * len(queues))),
        setting="ScalingConfig",
    )


def _reserved(connection: Connection) -> int | Unknown | None:
    """How often the function may run at once, `None` where nothing is reserved for it."""
    if isinstance(connection.function, Unknown):
        return connection.function
    part = connection.function.part
    if part.get("ReservedConcurrentExecutions") is None:
        return None
    reserved = part.number("ReservedConcurrentExecutions", default=0)
    return Unknown(f"ReservedConcurrentExecutions: {reserved.why}") if isinstance(reserved, Unknown) else reserved


def _advice(reserved: int, needed: int) -> str:
    return "" if reserved >= needed else f"Raise ReservedConcurrentExecutions of the function to {needed}, and write:"


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


QUEUE_RULES: tuple[Rule, ...] = (
    Rule(
        "visibility-timeout",
        "warning",
        "A queue hides a message for six times the function's timeout, plus the batching window.",
        _visibility_timeout,
        _CONFIGURE,
    ),
    Rule("no-redrive", "error", "A queue has a redrive policy.", _no_redrive, _CONFIGURE),
    Rule("max-receive-count", "error", "A message is received more than once.", _max_receive_count, _CONFIGURE),
    Rule("fifo-window", "error", "A mapping of a FIFO queue has no batching window.", _fifo_window, _PARAMETERS),
    Rule(
        "throttled",
        "error",
        "The mappings of queues start no more invocations than their function may run.",
        _throttled,
        _SCALING,
    ),
)
