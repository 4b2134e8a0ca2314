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
from batchfold.cli.check_model import STREAMS, Connection, Unknown
from batchfold.cli.load import loaded
from batchfold.core._guards import is_plain_list
from batchfold.core.source import AsyncSource
from batchfold.testing import dynamodb_event, kafka_event, kinesis_event, pipes_event, sqs_event, window_event

LaneName: TypeAlias = Literal["whole_batch", "each_record", "other"]


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
        try:
            self.source.read(_event(connection, windowed=windowed))
        except Exception as error:  # noqa: BLE001  # one of the user's own may expect more of an event than this one holds
            return not isinstance(error, UnexpectedEventError)
        return True

    def lane(self, connection: Connection) -> LaneName:
        """Return the lane in which the source puts the records of the connection, a queue or a stream."""
        if self.source is None:
            return "other"
        event = _event(connection)
        lane = self.source.lane_of(event if is_plain_list(event) else event["Records"])
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


def _event(connection: Connection, *, windowed: bool = False) -> dict[str, Any] | list[dict[str, Any]]:
    match connection.kind:
        case "sqs":
            event = sqs_event("", fifo=connection.is_fifo is True)
        case "kafka":
            if connection.poller == "pipe":  # `pipes_event` builds none of Kafka
                return [{"topic": "topic", "partition": 0, "offset": 0, "eventSource": "aws:kafka"}]
            event = kafka_event("")
        case "dynamodb":
            event = dynamodb_event({"id": "1"})
        case _:  # a stream of Kinesis, or one of which it cannot be known
            event = kinesis_event("")
    if connection.poller == "pipe":
        return pipes_event(event)
    return window_event(event) if windowed and connection.kind in STREAMS else event
