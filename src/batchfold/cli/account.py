"""The account that the child process gives of a call: a file of JSON lines, one for each step, written as it happens.

What is written stays, whatever becomes of the child. Everything that crosses from the one process to the other is here.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args


class RefusedError(Exception):
    """The command cannot do what it was asked for, and the message says why."""


Keeps: TypeAlias = Literal["queue", "FIFO queue", "stream", "topic", "delivery stream", "elsewhere"]
"""Where the source keeps its records, as far as that changes the meaning of a response."""

OutcomeKind: TypeAlias = Literal["succeeded", "settled", "failed", "unprocessed"]


@dataclass(frozen=True, kw_only=True)
class Started:
    """The child has started, and imports the function's file."""


@dataclass(frozen=True, kw_only=True)
class Ready:
    """The child has imported the function's file, or given account of an invocation, and waits for the next event."""

    is_windowed: bool = False
    """True if the function's source is made by `windowed`."""


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """The event is read and the function is about to be called."""

    source: str
    origin: str
    """The source and the name of the queue, stream, table or topics, such as `SQS queue orders`."""
    keeps: Keeps
    by_pipe: bool
    """True where EventBridge Pipes delivers the event, False for an event source mapping of Lambda."""
    names: list[str]
    keys: list[str]
    """The item identifiers, as text by which outcomes are found."""
    answers_partially: bool
    """True for a source that answers with `batchItemFailures`."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of one record in a fold."""

    key: str
    name: str
    kind: OutcomeKind
    why: str


@dataclass(frozen=True, kw_only=True)
class Folded:
    """A fold has ended."""

    source: str
    is_of_event: bool
    """True for the records of the event, False for some that the function brought along."""
    why_stopped: str | None
    """Why records were not started though their lanes were free."""
    outcomes: list[Outcome]


@dataclass(frozen=True, kw_only=True)
class Aside:
    """batchfold logged something that is not about a record: an observer raised, backoff failed."""

    message: str


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The function has returned or raised; the account of it follows."""

    seconds: float


@dataclass(frozen=True, kw_only=True)
class Answered:
    """The function returned."""

    response: str | None
    """The response as JSON, `None` if it cannot be written."""
    kind: str
    """The name of its type."""
    is_partial: bool
    """True if it holds `batchItemFailures` and nothing else."""
    has_failures: bool
    is_awaitable: bool
    failed_because: str | None
    """Why Lambda takes the invocation for failed, `None` if it does not."""
    named: list[int]
    """The positions of the records that the response names."""
    strangers: list[str]
    """Item identifiers in the response that no record of the event has."""
    is_as_source_says: bool | None
    """True if it is the response that the source makes of the batch; `None` without a batch."""
    results: list[str] | None = None
    """The result of each record where the source's answer has one for each, as that of Firehose; `None` elsewhere."""
    problems: list[str | None] = field(default_factory=list[str | None])
    """Why the answer to a record is wrong, for each of `results`."""


@dataclass(frozen=True, kw_only=True)
class Raised:
    """The function raised."""

    kind: str
    says: str
    """The message where it is batchfold's own exception and the message says it all, the traceback otherwise."""
    is_ours: bool


@dataclass(frozen=True, kw_only=True)
class Left:
    """The function has returned, and threads that it started go on."""

    threads: list[str]


@dataclass(frozen=True, kw_only=True)
class Invoking:
    """An invocation of a simulation begins."""

    invocation: int


@dataclass(frozen=True, kw_only=True)
class Progressed:
    """One invocation of a simulation is over."""

    invocation: int
    done: int
    """The records that were done once by then."""
    records: int


@dataclass(frozen=True, kw_only=True)
class Played:
    """A simulation is over."""

    history: dict[str, Any]
    notes: list[str]


@dataclass(frozen=True, kw_only=True)
class Refused:
    """The function was not called: the event or the function cannot be used, or the command itself failed."""

    message: str
    traceback: str = ""
    is_about_event: bool = False
    """True if it is the event that cannot be used; another event may be."""


Step: TypeAlias = (
    Started
    | Ready
    | Delivered
    | Folded
    | Aside
    | Ended
    | Answered
    | Raised
    | Left
    | Invoking
    | Progressed
    | Played
    | Refused
)
_STEPS: dict[str, type[Step]] = {kind.__name__: kind for kind in get_args(Step)}


@dataclass(frozen=True, kw_only=True)
class CutOff:
    """The function was ended by its timeout."""

    seconds: float
    was_at: str
    """The lines that its threads were at, empty if it was not asked."""


@dataclass(frozen=True, kw_only=True)
class Died:
    """The process ended before the function had returned."""

    how: str


Ending: TypeAlias = Answered | Raised | CutOff | Died


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call that is over."""

    delivered: Delivered
    ending: Ending
    folds: tuple[Folded, ...] = ()
    asides: tuple[str, ...] = ()
    threads: tuple[str, ...] = ()


def write_step(folder: Path, step: Step) -> None:
    """Add a step to the account. The file is opened anew each time: the function may close what is open."""
    line = json.dumps({"step": type(step).__name__, **asdict(step)})
    with (folder / "account").open("a", encoding="ascii") as account:
        account.write(f"{line}\n")


def steps_in(folder: Path) -> Iterator[list[Step]]:
    """The steps that were added to the account since it was asked last; it never ends."""
    at, rest = 0, b""
    while True:
        added = b""
        with suppress(FileNotFoundError), (folder / "account").open("rb") as account:
            account.seek(at)
            added = account.read()
        at += len(added)
        *lines, rest = (rest + added).split(b"\n")
        yield [_step(json.loads(line)) for line in lines]


def _step(fields: dict[str, Any]) -> Step:
    kind = _STEPS[fields.pop("step")]
    if kind is Folded:
        fields["outcomes"] = [Outcome(**outcome) for outcome in fields["outcomes"]]
    return kind(**fields)
