"""The facts that `batchfold check` judges, in one form whatever they were read from.

Everything that a rule may ask of a mapping, its queue and its function is in this file. Settings have the names of
CloudFormation. A setting that cannot be known before a deployment is an `Unknown` that says why, never a guess.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

from batchfold.core._guards import is_mapping

ValueT = TypeVar("ValueT")


def as_mapping(value: object) -> Mapping[str, object]:
    """Return the value if it is a mapping, and an empty one otherwise: files may hold anything."""
    return value if is_mapping(value) else {}


Dialect: TypeAlias = Literal["sam", "cloudformation", "terraform", "aws"]
"""The language of a file, in which the advice is written: `aws` is the output of the AWS CLI."""

Kind: TypeAlias = Literal["sqs", "kinesis", "dynamodb", "kafka", "stream"]
"""The source of a mapping; `stream` is one of Kinesis or DynamoDB where it cannot be known of which."""

Poller: TypeAlias = Literal["mapping", "pipe"]
"""An event source mapping of Lambda, or a pipe of EventBridge."""

STREAMS: frozenset[Kind] = frozenset(("kinesis", "dynamodb", "stream"))

SOURCE_NAMES: dict[Kind, str] = {
    "sqs": "SQS",
    "kinesis": "Kinesis",
    "dynamodb": "DynamoDB Streams",
    "kafka": "Kafka",
    "stream": "a stream",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file, both numbers counted from 1."""

    file: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only a deployment can tell."""

    why: str
    """A clause that completes "unknown: ..."."""
    text: str = ""
    """The text as far as it is known, with an ellipsis for each part that is not."""
    mentions: frozenset[str] = frozenset()
    """The names of the resources that it is made of."""
    may_be_absent: bool = False
    """True if one of the possible values is that the setting is left out."""


class NotKnownError(Exception):
    """A rule needs a value that only a deployment can tell. The message is a clause that completes "unknown: ..."."""


def known(value: ValueT | Unknown, setting: str = "") -> ValueT:
    """Return the value. Raises `NotKnownError`, which names the setting, if it is unknown."""
    if isinstance(value, Unknown):
        raise NotKnownError(f"{setting}: {value.why}" if setting else value.why)
    return value


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that is an attribute of another resource of the same file, such as its ARN."""

    name: str
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A mapping, a pipe, a queue or a function, with its settings."""

    name: str
    place: Place
    dialect: Dialect
    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    places: Mapping[str, Place] = field(default_factory=dict[str, Place])

    def get(self, *path: str) -> object:
        """Return the setting at the path, `None` where it is left out, `Unknown` where a part of the path is."""
        value: object = self.settings
        for name in path:
            if isinstance(value, Unknown):
                return value
            if isinstance(value, Reference):
                return Unknown("it is made of another resource", mentions=frozenset((value.name,)))
            value = value.get(name) if is_mapping(value) else None
        return value

    def number(self, *path: str, default: int) -> int | Unknown:
        """Return the setting as a number. Templates may write numbers as text."""
        value = self.get(*path)
        if value is None:
            return default
        if isinstance(value, Unknown):
            return value
        try:
            return int(str(value))
        except ValueError:
            return Unknown(f"{path[-1]} is no number")

    def flag(self, *path: str) -> bool | Unknown:
        """Return the setting as a boolean, which templates may write as text; left out, it is false."""
        value = self.get(*path)
        return value if isinstance(value, Unknown) else str(value).lower() == "true"

    def place_of(self, name: str) -> Place:
        """Return the position of the setting, or of the whole part where it is left out."""
        return self.places.get(name, self.place)


@dataclass(frozen=True, slots=True)
class Function:
    """The function that a mapping or a pipe calls."""

    part: Part
    handler: object = None
    """Its `Handler`, as far as it is known."""
    code: Path | None = None
    """The local folder of its code, where the file says so."""

    @property
    def file(self) -> Path | None:
        """The Python file that holds the handler, if it is there."""
        if self.code is None or not isinstance(self.handler, str):
            return None
        module = self.handler.rpartition(".")[0].replace(".", "/")
        path = self.code / f"{module}.py"
        return path if module and path.is_file() else None


@dataclass(frozen=True, slots=True)
class Connection:
    """An event source mapping or a pipe, and what it connects."""

    part: Part
    poller: Poller
    kind: Kind
    source: object
    """The source's ARN: a text, a `Reference` or `Unknown`."""
    queue: Part | Unknown | None
    """The queue that it reads, if it reads one."""
    function: Function | Unknown
    is_dead_letter_queue: bool = False
    """True if the queue is where other queues or streams put what was given up."""

    @property
    def label(self) -> str:
        """The resource as people know it, with its source."""
        return f"{self.part.name} ({SOURCE_NAMES[self.kind]}{' through a pipe' if self.poller == 'pipe' else ''})"

    @property
    def has_single_records(self) -> bool:
        """True if a batch holds one record, and so fails or succeeds as a whole."""
        return self.part.number("BatchSize", default=0) == 1

    @property
    def is_fifo(self) -> bool | Unknown:
        """True if it reads a FIFO queue."""
        if self.kind != "sqs":
            return False
        if isinstance(self.source, str):
            return self.source.endswith(".fifo")
        if isinstance(self.queue, Part):
            name = self.queue.get("QueueName")
            return self.queue.flag("FifoQueue") if not isinstance(name, str) else name.endswith(".fifo")
        if isinstance(self.source, Unknown) and self.source.text.endswith(".fifo"):
            return True
        return Unknown("the queue is not in this file")


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read."""

    file: str
    connections: tuple[Connection, ...] = ()
    notes: tuple[tuple[Place, str], ...] = ()
    """The parts of it that could not be read, with the reason."""
