"""The batches of a replay: which records are delivered together, and the event that they make.

A message of a queue is delivered with others of its source, in batches; those of a FIFO queue group by group. A record of a
stream or a topic that was sent on its own is delivered on its own: the source would keep it in order with neighbours that
have none, and of a stream everything comes back from the lowest sequence number on that a response names. A batch of a shard
stays together, as Lambda had it.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from batchfold.cli.event_file import key_of
from batchfold.cli.replay_given_up import GivenUp, OneRecord, Shape

_BATCH_SIZE = 10
"""Lambda's own default for queues."""


@dataclass(frozen=True)
class Piece:
    """A record to deliver, and what it belongs to."""

    of: GivenUp
    record: OneRecord

    @property
    def key(self) -> str:
        """The item identifier, as text by which the record is found in an account of a call."""
        return key_of(self.record.item_id)

    @property
    def order(self) -> Hashable | None:
        """Records with the same order wait for each other; `None` waits for nothing."""
        return None if self.record.group is None else (self.of.source, self.record.group)


def batches(pieces: Iterable[Piece], size: int | None) -> list[list[Piece]]:
    """Return the pieces in batches, each of one source, and in order where the source has one.

    An item identifier stands once in a batch: the response could not tell two of them apart.
    """
    made: list[list[Piece]] = []
    open_: dict[Hashable, list[Piece]] = {}
    for piece in sorted(pieces, key=_in_order):
        most = size or (1 if _goes_alone(piece) else _BATCH_SIZE)
        together = (piece.record.shape, piece.record.by_pipe, piece.of.source, _part(piece), piece.of.kind)
        batch = open_.get(together)
        if batch is None or len(batch) >= most or any(piece.key == other.key for other in batch):
            batch = open_[together] = []
            made.append(batch)
        batch.append(piece)
    return made


def in_parts(pieces: Sequence[Piece], size: int | None) -> Iterator[list[Piece]]:
    """Yield the records of a range in parts: all at once, if no size is given."""
    most = size or max(1, len(pieces))
    return (list(pieces[start : start + most]) for start in range(0, len(pieces), most))


def event_of(batch: Sequence[Piece]) -> Any:
    """Return the event that delivers a batch."""
    records = [piece.record for piece in batch]
    raws = [record.raw for record in records]
    if records[0].by_pipe:
        return raws
    if records[0].shape == "kafka":
        return _kafka_event(batch)
    return {"Records": raws}


def _kafka_event(batch: Sequence[Piece]) -> dict[str, Any]:
    """Return the event of Kafka records. A record does not tell its cluster; `--source-arn` does."""
    listed: dict[str, list[Any]] = {}
    for piece in batch:
        raw = piece.record.raw
        listed.setdefault(f"{raw['topic']}-{raw['partition']}", []).append(raw)
    arn = batch[0].of.source
    cluster = {"eventSourceArn": arn} if arn.startswith("arn:") else {}
    return {"eventSource": "aws:kafka", **cluster, "bootstrapServers": "", "records": listed}


def _goes_alone(piece: Piece) -> bool:
    has_lost_its_group = piece.record.group is None and piece.of.source.endswith(".fifo")
    return piece.record.shape != "sqs" or has_lost_its_group


def _part(piece: Piece) -> Hashable:
    """Return the part of a source whose records may be together in one batch."""
    record = piece.record
    if record.shape == "kinesis":
        return str(record.raw.get("eventID", "")).partition(":")[0]
    return record.group


def _in_order(piece: Piece) -> tuple[int, str]:
    """Return the place of a record in its group, shard or partition: numbers, which are compared as such."""
    raw, shape = piece.record.raw, piece.record.shape
    numbers: dict[Shape, object] = {
        "sqs": raw.get("attributes", {}).get("SequenceNumber") if piece.record.group is not None else None,
        "kinesis": raw.get("kinesis", raw).get("sequenceNumber"),
        "dynamodb": raw.get("dynamodb", {}).get("SequenceNumber"),
        "kafka": raw.get("offset"),
    }
    number = str(numbers.get(shape) or "")
    return (int(number), "") if number.isdecimal() else (0, piece.of.letter.attribute("SentTimestamp") or "")
