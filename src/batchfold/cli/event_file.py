"""The event: reading it from its file, and what its source can say of it before the function is called."""

import gc
import json
import re
import sys
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from returns.result import Failure

from batchfold import ItemId, Record, Source, UnexpectedEventError, fold_batch
from batchfold.cli.account import Delivered, Keeps, RefusedError
from batchfold.core._guards import is_list, is_mapping
from batchfold.core.lanes import whole_batch
from batchfold.core.records import RawRecord, item_name
from batchfold.core.response import name_every_record
from batchfold.core.source import AsyncSource
from batchfold.shell.lambda_handler import MadeBy
from batchfold.sources.known import source_of
from batchfold.sources.pipes import THROUGH_PIPES
from batchfold.sources.reading import quoted
from batchfold.testing import FirehoseStream

AnySource = AsyncSource[Any, Any, Any, Any]


class UnreadableEventError(RefusedError):
    """There is no event, or none that a source can read."""


def event_text(file: Path) -> str:
    """Read the file, or standard input for `-`. A byte order mark is no part of the text, and says its encoding."""
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise UnreadableEventError(f"the event cannot be read from {file}: {error.strerror}") from None
    encoding = json.detect_encoding(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding.removesuffix("-sig").upper()
        raise UnreadableEventError(f"the event is not {name}: {error.reason} at byte {error.start}") from None


def parsed_event(text: str) -> Any:
    """The event as Lambda's runtime hands it over: what its JSON says, a mapping or a list."""
    try:
        event: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableEventError(f"the event is not JSON: {error}") from None
    if isinstance(event, dict | list):
        return cast("Any", event)
    raise UnreadableEventError(
        f"expected the event to be a JSON object, or the list that EventBridge Pipes delivers, found a {type(event).__name__}"
    )


@dataclass(frozen=True)
class ReadEvent:
    """An event with the source that reads it."""

    event: Any
    source: AnySource
    item_ids: tuple[ItemId, ...]
    has_records: bool = True
    """False for an event of which the response names nothing: Lambda ignores what the function returns."""

    @property
    def positions(self) -> dict[Hashable, int]:
        """The position of each record by its item identifier; a Kafka identifier as the pair of its parts."""
        return {hashable(item_id): position for position, item_id in enumerate(self.item_ids)}


def read_event(event: Any, function: object = None) -> ReadEvent:
    """Find the source that reads the event: the function's own, one of batchfold's, or one that the program has made.

    Raises `UnreadableEventError` if none does, and `UnexpectedEventError` if the event says which source it is from, and
    cannot be read as such.
    """
    for own in sources_of(function):
        if (read := _read(event, own)) is not None:
            return read
    source = source_of(event)
    if source is not None:
        return ReadEvent(event, source, tuple(source.read(event)[1]))
    for made in sources_made():
        if (read := _read(event, made)) is not None:
            return read
    raise UnreadableEventError(_not_recognised(event))


def invocation_of(event: Any, function: object = None) -> ReadEvent:
    """Find the source of an asynchronous invocation's event; of one that no source reads, the event is the record."""
    try:
        return read_event(event, function)
    except (UnreadableEventError, UnexpectedEventError):
        # it reads anything, so it is made after the sources that the program has made were asked
        source: AnySource = Source(
            name="an asynchronous invocation",
            read=lambda _event: ([{}], ["the event"]),
            parse=lambda _raw: Record(),
            as_delivered=lambda _raw: Record(),
            lane_of=lambda _raws: whole_batch,
            respond=name_every_record,
        )
        return ReadEvent(event, source, ("the event",), has_records=False)


def _read(event: Any, source: AnySource) -> ReadEvent | None:
    try:
        return ReadEvent(event, source, tuple(source.read(event)[1]))
    except Exception:  # noqa: BLE001  # a source of somebody's own may raise anything for what it does not know
        return None


def sources_of(function: object) -> list[AnySource]:
    """The source of a function that was made by `as_lambda_handler`; none of any other function."""
    made = getattr(function, "batchfold", None)
    return [made.source] if isinstance(made, MadeBy) else []


def is_windowed(function: object) -> bool:
    """Return whether the function is made by `as_lambda_handler`, and its source by `windowed`."""
    return any(source.for_event is not None for source in sources_of(function))


def delivered(read: ReadEvent) -> Delivered:
    """Say what the event's source says of it: where it comes from, and how it is answered."""
    raws, _ = read.source.read(read.event)
    response = _response_if_nothing_is_done(read)
    answers_partially = not read.item_ids or (is_mapping(response) and "batchItemFailures" in response)
    # naming a record brings back the ones behind it: otherwise all of them would be named
    is_checkpoint = (
        answers_partially
        and is_mapping(response)
        and len(response["batchItemFailures"]) < len(set(map(hashable, read.item_ids)))
    )
    keeps, place = _place(read.source, raws, is_checkpoint=is_checkpoint)
    if read.source.name == FirehoseStream.source_name:
        keeps = "delivery stream"
    name, through, way = read.source.name.partition(THROUGH_PIPES)
    short = re.sub(r"( Data)? Streams$", "", name)
    return Delivered(
        source=read.source.name,
        origin=f"{short} {place}{through}{way}" if place else read.source.name,
        keeps=keeps,
        by_pipe=isinstance(read.event, list),
        names=list(map(item_name, read.item_ids)),
        keys=list(map(key_of, read.item_ids)),
        answers_partially=answers_partially,
    )


def hashable(item_id: ItemId) -> Hashable:
    """The item identifier as the model of Lambda looks it up."""
    return item_id if isinstance(item_id, str) else (item_id["partition"], item_id["offset"])


def key_of(item_id: object) -> str:
    """The item identifier as text that no other one has."""
    return json.dumps(item_id, sort_keys=True, default=repr)


def sources_made() -> list[AnySource]:
    """The sources that the program has made, in the order in which it did, as far as it keeps them."""
    return [made for made in gc.get_objects() if isinstance(made, AsyncSource)]


def _response_if_nothing_is_done(read: ReadEvent) -> object:
    """Ask the source how it would answer if every record had failed: its answer's form, and the records it names."""
    source = read.source.opened(read.event)
    unparsed: Source[Any, Any, Any, Any] = Source(
        name=source.name,
        read=source.read,
        parse=lambda raw: raw,
        as_delivered=source.as_delivered,
        lane_of=lambda _raws: whole_batch,
        respond=source.respond,
    )
    try:
        return fold_batch(read.event, lambda _raw: Failure(None), unparsed).response
    except Exception:  # noqa: BLE001  # a source of somebody's own may raise anything, and then it has no answer
        return None


def _place(source: AnySource, raws: Sequence[RawRecord], *, is_checkpoint: bool) -> tuple[Keeps, str]:
    """Where the records come from, as far as the record of this source has a property for it."""
    keeps: Keeps = "stream" if is_checkpoint else "elsewhere"
    arn = raws[0].get("eventSourceARN", "") if raws else ""
    if not isinstance(arn, str):
        raise UnreadableEventError(f"expected 'eventSourceARN' of Records[0] to be text, found {quoted(arn)}")
    if (queue := _name(source, raws, "queue_name")) is not None:
        keeps = "FIFO queue" if queue.endswith(".fifo") else "queue"
        return keeps, f"{keeps} {queue}".rstrip()
    if (topic := _name(source, raws, "topic")) is not None:
        return "topic", f"topic{'s' if ', ' in topic else ''} {topic}".rstrip()
    if (table := _name(source, raws, "table_name")) is not None:
        return keeps, f"stream of table {table}".removesuffix(" of table ")
    stream = _name(source, raws, "stream_name")
    return keeps, "" if stream is None else f"stream {stream}".rstrip()


def _name(source: AnySource, raws: Sequence[RawRecord], attribute: str) -> str | None:
    """The names of the queue, stream, table or topics; `None` if such records have none, empty if these lack them."""
    try:
        records: list[object] = list(map(source.as_delivered, raws))
        if not records or not hasattr(type(records[0]), attribute):
            return None
        return ", ".join(dict.fromkeys(str(getattr(record, attribute)) for record in records))
    except Exception:  # noqa: BLE001  # an event that is written by hand need not say it; other sources may raise anything
        return ""


def _not_recognised(event: object) -> str:
    listed: object = event.get("Records") if is_mapping(event) else event
    first: object = listed[0] if is_list(listed) and listed else event
    found: object = first.get("eventSource") if is_mapping(first) else None
    said = "it has no eventSource" if found is None else f"its eventSource is {quoted(found)}"
    if not is_mapping(event):
        said = f"it is a list, as EventBridge Pipes delivers it to pipes(sqs(...)) and the like, and {said}"
    return (
        "the event is of none of the sources that batchfold knows, nor of one that the program makes when it is imported: "
        f"{said}"
    )
