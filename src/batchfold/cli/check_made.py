"""The parts that the function of `--function` was made with, and which connections of a file call it.

Everything that asks the user's function is in this file. A function made by `as_lambda_handler` says what it was made
with in its attribute `batchfold`; about any other one nothing can be known. Its source is asked by giving it an event,
so that adapters and sources of the user's own answer for themselves.
"""

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from typing_extensions import TypeIs

from batchfold import UnexpectedEventError, each_record, whole_batch
from batchfold.cli.check_model import Connection, Unknown
from batchfold.cli.load import loaded
from batchfold.core.source import AsyncSource

LaneName: TypeAlias = Literal["whole_batch", "each_record", "other"]

_FIFO_ARN, _STANDARD_ARN = "arn:aws:sqs:us-east-1:123456789012:q.fifo", "arn:aws:sqs:us-east-1:123456789012:q"


class NotCalledError(Exception):
    """No mapping of the files that were read calls the function."""


@dataclass(frozen=True, slots=True)
class Made:
    """A Lambda function, and what it was made with."""

    file: Path
    name: str
    source: AsyncSource[Any, Any, Any, Any] | None
    """The source, `None` where the function does not say."""
    raise_on: str

    def reads(self, connection: Connection, *, windowed: bool = False) -> bool:
        """Return whether its source reads the events of the connection."""
        if self.source is None:
            return True  # nothing speaks against it
        raw = _raw(connection)
        event: dict[str, object] = {"Records": [raw]}
        if connection.kind == "kafka":
            event = {"records": {"topic-0": [raw]}, "eventSource": "aws:kafka"}
        if windowed:
            event |= _WINDOW
        try:
            self.source.read([raw] if connection.poller == "pipe" else event)
        except Exception as error:  # noqa: BLE001  # one of the user's own may expect more of an event than this one holds
            return not isinstance(error, UnexpectedEventError)
        return True

    def lane(self, connection: Connection) -> LaneName:
        """Return the lane in which the source puts the records of the connection."""
        if self.source is None:
            return "other"
        lane = self.source.lane_of([_raw(connection)])
        return "whole_batch" if lane is whole_batch else "each_record" if lane is each_record else "other"


def made_by(target: str) -> Made:
    """Return what the function at `FILE.py:FUNCTION` was made with. Raises `CannotLoadError`."""
    file, _, name = target.rpartition(":")
    with redirect_stdout(sys.stderr), loaded(target) as function:
        made: object = getattr(function, "batchfold", None)
        said: object = getattr(made, "source", None)
        source = said if _is_source(said) else None
        of_source = "entire_batch" if source is None else source.raise_on
        raise_on = str(getattr(made, "raise_on", None) or of_source)
    return Made(Path(file).resolve(), name, source, raise_on)


def calls_of(made: Made, connections: Sequence[Connection]) -> list[Connection]:
    """Return the connections that call the function.

    Those whose function has its file and handler; if there is none, those with that handler; if there is none, those
    whose handler is not known. Raises `NotCalledError` if there is none either.
    """
    own = f"{made.file.stem}.{made.name}"
    fitting = [each for each in connections if f".{_handler(each)}".endswith((f".{own}", f"/{own}"))]
    exact = [each for each in fitting if _file(each) == made.file]
    found = exact or fitting or [each for each in connections if not _handler(each)]
    if not found:
        raise NotCalledError(
            f"expected a mapping or a pipe whose function has the handler {own}, found none in the files that were read"
        )
    return found


def _handler(connection: Connection) -> str:
    """Return the handler of the function, empty where it is not known."""
    handler = None if isinstance(connection.function, Unknown) else connection.function.handler
    return handler if isinstance(handler, str) else ""


def _file(connection: Connection) -> Path | None:
    file = None if isinstance(connection.function, Unknown) else connection.function.file
    return None if file is None else file.resolve()


def _is_source(value: object) -> TypeIs[AsyncSource[Any, Any, Any, Any]]:
    return isinstance(value, AsyncSource)


_WINDOW: dict[str, object] = {
    "window": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:01:00Z"},
    "state": {},
    "shardId": "shardId-000000000000",
    "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/s",
    "isFinalInvokeForWindow": False,
    "isWindowTerminatedEarly": False,
}


def _raw(connection: Connection) -> dict[str, object]:
    """A raw record as the connection delivers it."""
    if connection.kind == "sqs":
        arn = _FIFO_ARN if connection.is_fifo is True else _STANDARD_ARN
        return {"messageId": "m", "eventSource": "aws:sqs", "eventSourceARN": arn, "body": "", "attributes": {}}
    if connection.kind == "kafka":
        return {"topic": "topic", "partition": 0, "offset": 0, "eventSource": "aws:kafka"}
    if connection.kind == "dynamodb":
        change: dict[str, object] = {"SequenceNumber": "1", "Keys": {}}
        return {"eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": change}
    data = {"sequenceNumber": "1", "partitionKey": "k", "data": "", "kinesisSchemaVersion": "1.0"}
    raw: dict[str, object] = {"eventID": "shardId-000000000000:1", "eventSource": "aws:kinesis"}
    return {**raw, **(data if connection.poller == "pipe" else {"kinesis": data})}
