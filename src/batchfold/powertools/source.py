"""The source of a processor: records as they were handed over, in the order that the processor keeps."""

from collections.abc import Sequence
from typing import Any

from batchfold.core.lanes import Lane
from batchfold.core.records import Event, ItemId, RawRecord, Record
from batchfold.core.response import name_every_record
from batchfold.core.source import Source
from batchfold.powertools.event_type import EventType
from batchfold.sources.dynamodb import DynamoDBRecord
from batchfold.sources.kafka import KafkaRecord
from batchfold.sources.kinesis import KinesisRecord
from batchfold.sources.sqs import SqsRecord


class GivenRecord(Record):
    """A record of whatever form: a processor of one's own may be for any."""

    __slots__ = ()

    def __init__(self, raw: RawRecord) -> None:
        self._raw = raw


def given(records: Sequence[RawRecord]) -> Event:
    """Records that a processor was called with, as the event that `as_given` reads."""
    return {"Records": records}


def as_given(lane: Lane) -> Source[RawRecord, GivenRecord]:
    """Read records that a processor was called with.

    Unlike batchfold's own sources it checks nothing beforehand, because Powertools does not: a record's item identifier
    is only asked for once the record has failed. Until then its position stands for it.
    """
    return Source(
        read=_read,
        parse=lambda raw: raw,
        as_delivered=GivenRecord,
        lane_of=lambda _raws: lane,
        respond=name_every_record,
    )


def item_id_of(event_type: EventType, raw: RawRecord) -> ItemId:
    """What names a raw record to Lambda. Raises `KeyError` where it is not there: the whole batch must come back."""
    match event_type:
        case EventType.SQS:
            return SqsRecord(raw).message_id
        case EventType.KinesisDataStreams:
            return KinesisRecord(raw).sequence_number
        case EventType.DynamoDBStreams:
            return DynamoDBRecord(raw).sequence_number
        case EventType.Kafka:
            record = KafkaRecord(raw)
            return {"partition": f"{record.topic}-{record.partition}", "offset": record.offset}


def _read(event: Any) -> tuple[Sequence[Any], Sequence[str]]:
    records: Sequence[Any] = event["Records"]
    return records, [str(position) for position in range(len(records))]
