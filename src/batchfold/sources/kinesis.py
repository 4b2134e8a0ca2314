"""Kinesis Data Streams.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html shows the event,
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html says how Lambda reads the partial
response. `sources.kpl` decides what becomes of the aggregates of the Kinesis Producer Library.
"""

from binascii import a2b_base64
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeAlias, cast, overload

from returns.result import Result
from typing_extensions import TypeForm, TypeVar

from batchfold.core.lanes import Lane, refuse_async_lane, whole_batch
from batchfold.core.records import ItemId, RawRecord
from batchfold.core.response import name_lowest_sequence_number
from batchfold.core.source import Source
from batchfold.sources.fields import (
    UNDECODED,
    ListedRecord,
    bytes_of,
    moment_from,
    nested,
    optional_text,
    present,
    refuse_other_record,
    required,
    text,
)
from batchfold.sources.kpl import MAGIC, deaggregated, may_be_aggregate, refuse_aggregate, refuse_broken
from batchfold.sources.payload import OfRecord, Unspecified, payload_parser
from batchfold.sources.reading import reader

_NAME = "Kinesis Data Streams"

T = TypeVar("T")
Data_co = TypeVar("Data_co", covariant=True, default=bytes)


class KinesisRecord(ListedRecord, Generic[Data_co]):
    """A record of a Kinesis data stream.

    `KinesisRecord(raw)` shows the data as delivered, its base64 decoded; `KinesisRecord(raw, data)` shows parsed data.
    """

    __slots__ = ("_data",)

    @overload
    def __init__(self: "KinesisRecord[bytes]", raw: RawRecord) -> None: ...
    @overload
    def __init__(self, raw: RawRecord, data: Data_co) -> None: ...
    def __init__(self, raw: RawRecord, data: Any = UNDECODED) -> None:
        self._raw = raw
        self._data = data

    @property
    def data(self) -> Data_co:
        """The data: the bytes as delivered, or the value that they were parsed into."""
        if self._data is UNDECODED:
            return cast("Data_co", data_bytes(self._raw))  # bytes, as the constructor's first overload says
        return self._data  # type: ignore[no-any-return]  # the constructor's argument, as its second overload says

    @property
    def sequence_number(self) -> str:
        """The position of the record in its shard: a decimal number, which names the record to Lambda."""
        return text(nested(self._raw, "kinesis"), "sequenceNumber")

    @property
    def partition_key(self) -> str:
        """The producer's key, which chose the shard: records that share it are in order."""
        return text(nested(self._raw, "kinesis"), "partitionKey")

    @property
    def explicit_hash_key(self) -> str | None:
        """The explicit hash key of a user record of a KPL aggregate, if it was sent with one."""
        return optional_text(nested(self._raw, "kinesis"), "explicitHashKey")

    @property
    def sub_sequence_number(self) -> int | None:
        """The place of a user record in its KPL aggregate, from 0 on; `None` for a record that was not aggregated.

        The user records of an aggregate share its sequence number, so the two together name a user record.
        """
        found: int | None = nested(self._raw, "kinesis").get("subSequenceNumber")
        return found

    @property
    def approximate_arrival_time(self) -> datetime:
        """The time at which the stream took the record in (`approximateArrivalTimestamp`), in UTC."""
        return moment_from(required(nested(self._raw, "kinesis"), "approximateArrivalTimestamp"))

    @property
    def encryption_type(self) -> str | None:
        """The encryption of the record in the stream, such as `KMS`; `None` or `NONE` where there is none."""
        return optional_text(nested(self._raw, "kinesis"), "encryptionType")

    @property
    def kinesis_schema_version(self) -> str:
        """The version of the form of the `kinesis` part."""
        return text(nested(self._raw, "kinesis"), "kinesisSchemaVersion")

    @property
    def event_id(self) -> str:
        """The shard's id and the sequence number, joined by a colon."""
        return text(self._raw, "eventID")

    @property
    def shard_id(self) -> str:
        """The shard, the first part of the event id."""
        return self.event_id.partition(":")[0]

    @property
    def event_name(self) -> str:
        """`aws:kinesis:record`."""
        return text(self._raw, "eventName")

    @property
    def event_version(self) -> str:
        """The version of the form of the raw record."""
        return text(self._raw, "eventVersion")

    @property
    def event_source_arn(self) -> str:
        """The ARN of the stream, or of its consumer; empty in an event that was written by hand without it."""
        return optional_text(self._raw, "eventSourceARN") or ""

    @property
    def stream_name(self) -> str:
        """The stream's name, out of the ARN."""
        return self.event_source_arn.partition(":stream/")[2].partition("/")[0]

    @property
    def invoke_identity_arn(self) -> str:
        """The ARN of the role with which Lambda reads the stream."""
        return text(self._raw, "invokeIdentityArn")

    @property
    def span_attributes(self) -> Mapping[str, str | int]:
        """The attributes of a span about the record.

        https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ names them. It lists no system for Kinesis
        and allows another one: `aws_kinesis`, after `aws_sqs`.
        """
        shard_id = str(self._raw.get("eventID")).rpartition(":")[0]
        return present(
            **{
                "messaging.system": "aws_kinesis",
                "faas.trigger": "pubsub",
                "messaging.destination.name": self.stream_name,
                "messaging.destination.partition.id": shard_id,
                "messaging.message.id": optional_text(nested(self._raw, "kinesis"), "sequenceNumber"),
                "aws.kinesis.stream_name": self.stream_name,
            }
        )

    def _payload(self) -> Any:
        try:
            return self.data
        except ValueError:
            return nested(self._raw, "kinesis").get("data")

    def _identity(self) -> str:
        identity = f"sequence_number={nested(self._raw, 'kinesis').get('sequenceNumber')!r}"
        at = self.sub_sequence_number
        return identity if at is None else f"{identity}, sub_sequence_number={at!r}"


def data_bytes(raw: RawRecord) -> bytes:
    """Return the data as delivered. Raises `ValueError` if it is not base64, without quoting it."""
    return bytes_of(raw["kinesis"].get("data"), "kinesis.data")


def by_partition_key(raw: RawRecord, /) -> Hashable | None:
    """Make one lane of the records of a partition key: the order that producers count on, and no more.

    Raises `ValueError` for a record of another source: without partition keys, all would share one lane.
    """
    if "kinesis" not in raw:
        refuse_other_record("by_partition_key", "Kinesis")
    return nested(raw, "kinesis").get("partitionKey") or ""


_Source: TypeAlias = Source[KinesisRecord[T], KinesisRecord[bytes]]


@overload
def kinesis(*, aggregated: bool = False, lane: Lane = whole_batch) -> _Source[bytes]: ...
@overload
def kinesis(
    data: type[dict[Unspecified, Unspecified]], /, *, aggregated: bool = False, lane: Lane = whole_batch
) -> _Source[dict[str, object]]: ...
@overload
def kinesis(
    data: type[list[Unspecified]], /, *, aggregated: bool = False, lane: Lane = whole_batch
) -> _Source[list[object]]: ...
@overload
def kinesis(data: TypeForm[T], /, *, aggregated: bool = False, lane: Lane = whole_batch) -> _Source[T]: ...
@overload
def kinesis(
    *, decode: Callable[[bytes], Result[T, object]], aggregated: bool = False, lane: Lane = whole_batch
) -> _Source[T]: ...
@overload
def kinesis(
    *, decode: Callable[[bytes], T] | OfRecord[KinesisRecord, T], aggregated: bool = False, lane: Lane = whole_batch
) -> _Source[T]: ...
def kinesis(
    data: Any = UNDECODED,
    /,
    *,
    decode: Callable[[bytes], Any] | OfRecord[KinesisRecord, Any] | None = None,
    aggregated: bool = False,
    lane: Lane = whole_batch,
) -> _Source[Any]:
    """Read events of a Kinesis data stream.

    Without arguments the data are the bytes that the producer sent. With a type, pydantic validates their JSON into
    it; `str` and `bytes`, with constraints or without, take the data as text and as they are. With `decode`, that
    function makes the data from the bytes, or, wrapped in `of_record`, from the record. Data that will not parse are
    `Malformed`: a `ValueError` was raised, or the function returned a `Failure`.

    The response names the lowest sequence number that is not done: Lambda delivers the record and everything after it
    again. So the batch is one lane (`whole_batch`), and nothing is started after the first record that is not done.
    `lane=by_partition_key` lets other partition keys go on and `lane=each_record` every record; both pay with repeats.

    With `aggregated=True`, the aggregates of the Kinesis Producer Library (KPL) are read as their user records, each with
    its own partition key and data; records that are not aggregated stand for themselves. User records share the sequence
    number of their aggregate, so one that is not done brings back all of them: a handler that must not repeat an effect
    knows a user record by `sequence_number` and `sub_sequence_number`. Data that begin as an aggregate does and are no
    whole one are `Malformed`. So is a whole aggregate where `aggregated=True` is missing.

    >>> event = {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"sequenceNumber": "7", "data": "WzEsIDJd"}}]}
    >>> raws, item_ids = kinesis(list[int]).read(event)
    >>> item_ids, kinesis().parse(raws[0]).data, kinesis(list[int]).parse(raws[0]).data
    (['7'], b'[1, 2]', [1, 2])
    """
    refuse_async_lane(lane)
    return Source(
        name=_NAME,
        read=_read_aggregated if aggregated else _read,
        parse=_parser(data, decode, refuse_broken if aggregated else refuse_aggregate),
        as_delivered=KinesisRecord,
        lane_of=lambda _raws: lane,
        respond=name_lowest_sequence_number,
    )


def _parser(
    form: Any, decode: Any, refuse: Callable[[RawRecord, bytes], object]
) -> Callable[[RawRecord], KinesisRecord[Any]]:
    """Return what parses records. `refuse` raises `ValueError` for data that cannot be those of one record."""

    def data_of(raw: RawRecord) -> bytes:
        try:
            data = a2b_base64(raw["kinesis"]["data"], strict_mode=True)
        except (KeyError, TypeError):
            data = data_bytes(raw)  # it raises, and says what is wrong with the data
        if data >= MAGIC and data.startswith(MAGIC):  # as a rule it is less, and the first byte shows it
            refuse(raw, data)
        return data

    def as_delivered(raw: RawRecord) -> KinesisRecord:
        record = KinesisRecord(raw)
        if may_be_aggregate(raw):
            refuse(raw, record.data)
        return record

    return payload_parser(KinesisRecord, as_delivered, data_of, form, decode)


_read = reader(_NAME, "aws:kinesis", ("kinesis", "sequenceNumber"), is_number=True)


def _read_aggregated(event: object) -> tuple[Sequence[RawRecord], Sequence[ItemId]]:
    return deaggregated(*_read(event))
