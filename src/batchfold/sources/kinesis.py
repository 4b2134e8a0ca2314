"""Kinesis Data Streams.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html shows the event,
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html says how Lambda reads the partial
response.
"""

from binascii import a2b_base64
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Any, Generic, cast, overload

from returns.result import Result
from typing_extensions import TypeForm, TypeVar

from batchfold.core.lanes import Lane, refuse_async_lane, whole_batch
from batchfold.core.records import RawRecord
from batchfold.core.response import name_lowest_sequence_number
from batchfold.core.source import Source
from batchfold.sources.fields import (
    UNDECODED,
    ListedRecord,
    bytes_of,
    moment_from,
    nested,
    optional_text,
    refuse_other_record,
    required,
    text,
)
from batchfold.sources.payload import OfRecord, Unspecified, from_function, from_json
from batchfold.sources.reading import reader

_NAME = "Kinesis Data Streams"

T = TypeVar("T")
Data_co = TypeVar("Data_co", covariant=True, default=bytes)


class KinesisRecord(ListedRecord, Generic[Data_co]):
    """A record of a Kinesis data stream.

    `KinesisRecord(raw)` shows the data as delivered, its base64 decoded; `KinesisRecord(raw, data)` shows parsed data.
    """

    __slots__ = ("_data",)

    _data: Any

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
            return cast(
                "Data_co", data_bytes(self._raw)
            )  # bytes as delivered, as the constructor's first overload says
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

    def _payload(self) -> Any:
        try:
            return self.data
        except ValueError:
            return nested(self._raw, "kinesis").get("data")

    def _identity(self) -> str:
        return f"sequence_number={nested(self._raw, 'kinesis').get('sequenceNumber')!r}"


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


@overload
def kinesis(*, lane: Lane = whole_batch) -> Source[KinesisRecord[bytes], KinesisRecord[bytes]]: ...
@overload
def kinesis(
    data: type[dict[Unspecified, Unspecified]], /, *, lane: Lane = whole_batch
) -> Source[KinesisRecord[dict[str, object]], KinesisRecord[bytes]]: ...
@overload
def kinesis(
    data: type[list[Unspecified]], /, *, lane: Lane = whole_batch
) -> Source[KinesisRecord[list[object]], KinesisRecord[bytes]]: ...
@overload
def kinesis(data: TypeForm[T], /, *, lane: Lane = whole_batch) -> Source[KinesisRecord[T], KinesisRecord[bytes]]: ...
@overload
def kinesis(
    *, decode: Callable[[bytes], Result[T, object]], lane: Lane = whole_batch
) -> Source[KinesisRecord[T], KinesisRecord[bytes]]: ...
@overload
def kinesis(
    *, decode: Callable[[bytes], T] | OfRecord[KinesisRecord, T], lane: Lane = whole_batch
) -> Source[KinesisRecord[T], KinesisRecord[bytes]]: ...
def kinesis(
    data: Any = UNDECODED,
    /,
    *,
    decode: Callable[[bytes], Any] | OfRecord[KinesisRecord, Any] | None = None,
    lane: Lane = whole_batch,
) -> Source[KinesisRecord[Any], KinesisRecord[bytes]]:
    """Read events of a Kinesis data stream.

    Without arguments the data are the bytes that the producer sent. With a type, pydantic validates their JSON into
    it; `str` and `bytes`, with constraints or without, take the data as text and as they are. With `decode`, that
    function makes the data from the bytes, or, wrapped in `of_record`, from the record. Data that will not parse are
    `Malformed`: a `ValueError` was raised, or the function returned a `Failure`.

    The response names the lowest sequence number that is not done: Lambda delivers the record and everything after it
    again. So the batch is one lane (`whole_batch`), and nothing is started after the first record that is not done.
    `lane=by_partition_key` lets other partition keys go on and `lane=each_record` every record; both pay with repeats.

    >>> event = {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"sequenceNumber": "7", "data": "WzEsIDJd"}}]}
    >>> raws, item_ids = kinesis(list[int]).read(event)
    >>> item_ids, kinesis().parse(raws[0]).data, kinesis(list[int]).parse(raws[0]).data
    (['7'], b'[1, 2]', [1, 2])
    """
    refuse_async_lane(lane)
    return Source(
        name=_NAME,
        read=_read,
        parse=_parser(data, decode),
        as_delivered=KinesisRecord,
        lane_of=lambda _raws: lane,
        respond=name_lowest_sequence_number,
    )


def _parser(form: Any, decode: Any) -> Callable[[RawRecord], KinesisRecord[Any]]:
    if isinstance(decode, OfRecord):
        of_record = from_function(decode.decode, form)
        return lambda raw: KinesisRecord(raw, of_record(KinesisRecord(raw)))
    if decode is not None:
        decoded = from_function(decode, form)
        return lambda raw: KinesisRecord(raw, decoded(data_bytes(raw)))
    if form is UNDECODED:
        return lambda raw: KinesisRecord(raw, data_bytes(raw))
    validator = from_json(form)
    validate, redacted = validator.validate, validator.redacted

    def parse(raw: RawRecord) -> KinesisRecord[Any]:
        try:
            return KinesisRecord(raw, validate(a2b_base64(raw["kinesis"]["data"], strict_mode=True)))
        except ValueError as error:
            clean = redacted(error)
        except (KeyError, TypeError):
            data_bytes(raw)  # says what is wrong with the data; if nothing is, the error is a validator's
            raise
        try:  # not inside `except`: the error with the input would be its context, and be printed with it
            raise clean
        finally:
            del clean  # a cycle otherwise: the error keeps this frame

    return parse


_read = reader(
    _NAME,
    event_source="aws:kinesis",
    id_path=("kinesis", "sequenceNumber"),
    is_number=True,
    id_form="a decimal number, as text",
)
