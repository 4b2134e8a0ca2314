"""Amazon Data Firehose: functions that transform the records of a delivery stream.

Unlike the other sources, Firehose wants an answer for every record:
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html. A record that fails is not delivered
again: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html.
"""

from binascii import b2a_base64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from json import dumps
from json.encoder import encode_basestring_ascii
from threading import Lock
from typing import Any, Generic, Literal, NotRequired, TypeAlias, TypedDict, cast, overload

from returns.result import Result
from typing_extensions import TypeForm, TypeVar

from batchfold.core._guards import is_mapping
from batchfold.core.batch import BatchOf
from batchfold.core.faults import Value
from batchfold.core.lanes import Lane, each_record, refuse_async_lane
from batchfold.core.outcomes import Outcome, Settled, Succeeded
from batchfold.core.records import RawRecord, Record
from batchfold.core.source import CheckValue, Source
from batchfold.sources.fields import UNDECODED, bytes_of, moment_from_ms, nested, optional_text, present, text
from batchfold.sources.payload import OfRecord, Unspecified, payload_parser
from batchfold.sources.reading import a_kind_of, checked_event, listed, quoted, refuse

_NAME = "Firehose"
_MSK_PAYLOAD = "kafkaRecordValue"

MOST_RESPONSE_BYTES = 6 * 1024 * 1024
"""The size of the response of a function that is called synchronously, at most:
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html."""

T = TypeVar("T")
Data_co = TypeVar("Data_co", covariant=True, default=bytes)


_Result: TypeAlias = Literal["Ok", "Dropped", "ProcessingFailed"]


class FirehoseAnswer(TypedDict):
    """The answer about one record, in the response."""

    recordId: str
    result: _Result
    data: NotRequired[str]
    """The transformed data, in base64."""
    kafkaRecordValue: NotRequired[str]
    """The same, where the delivery stream reads from Amazon MSK."""
    metadata: NotRequired[Mapping[str, Any]]


class FirehoseResponse(TypedDict):
    """The answer of a transformation: what becomes of each record of the event."""

    records: list[FirehoseAnswer]


class FirehoseOut(Value):
    r"""The record is transformed: these data are delivered in its place.

    Firehose writes records one behind the other, so end the data with a newline where the destination expects lines.

    Args:
        data: the transformed data.
        partition_keys: the keys of dynamic partitioning, for `!{partitionKeyFromLambda:...}` in the S3 prefix:
            https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-partitioning-keys.html.
        otf_metadata: the Apache Iceberg table and the operation (`destinationDatabaseName`, `destinationTableName`,
            `operation`), where records go to several tables:
            https://docs.aws.amazon.com/firehose/latest/dev/apache-iceberg-format-input-record-different.html.

    Raises `TypeError` for data that are not bytes, and for keys or values that are not text.

    >>> FirehoseOut(b'{"id": 7}\n', partition_keys={"customer": "7"}).partition_keys
    {'customer': '7'}
    """

    __slots__ = ("_data", "_otf_metadata", "_partition_keys")

    def __init__(
        self,
        data: bytes,
        partition_keys: Mapping[str, str] | None = None,
        *,
        otf_metadata: Mapping[str, str] | None = None,
    ) -> None:
        _refuse_no_bytes(data)
        self._data = data
        self._partition_keys = _checked_texts("partition_keys", partition_keys)
        self._otf_metadata = _checked_texts("otf_metadata", otf_metadata)

    @property
    def data(self) -> bytes:
        """The transformed data."""
        return self._data

    @property
    def partition_keys(self) -> Mapping[str, str] | None:
        """The keys of dynamic partitioning; `None` where there are none."""
        return self._partition_keys

    @property
    def otf_metadata(self) -> Mapping[str, str] | None:
        """The Iceberg table and the operation; `None` where nothing is said of them."""
        return self._otf_metadata

    def _content(self) -> tuple[Any, ...]:
        return (
            self._data,
            *(each and tuple(sorted(each.items())) for each in (self._partition_keys, self._otf_metadata)),
        )

    def __repr__(self) -> str:
        return f"FirehoseOut({len(self._data)} bytes)"


class Dropped(Value):
    """The record is left out on purpose: Firehose delivers nothing for it, and counts it as a success."""

    __slots__ = ()

    def _content(self) -> tuple[Any, ...]:
        return ()

    def __repr__(self) -> str:
        return "Dropped()"


class ResponseFullError(Exception):
    """The transformed data of a record do not fit into the response any more, so the record fails.

    Mostly a smaller buffer before the function (`BufferSizeInMBs`) helps. With `when=caused_by(ResponseFullError)`,
    `dead_letter` can put such records into the delivery stream once more.
    """


class FirehoseRecord(Record, Generic[Data_co]):
    """A record of a delivery stream.

    `FirehoseRecord(raw)` shows the data as delivered, its base64 decoded; `FirehoseRecord(raw, data)` shows parsed data.
    """

    __slots__ = ("_data",)

    @overload
    def __init__(self: "FirehoseRecord[bytes]", raw: RawRecord) -> None: ...
    @overload
    def __init__(self, raw: RawRecord, data: Data_co) -> None: ...
    def __init__(self, raw: RawRecord, data: Any = UNDECODED) -> None:
        self._raw = raw
        self._data = data

    @property
    def data(self) -> Data_co:
        """The data: the bytes as delivered, or the value that they were parsed into. For Amazon MSK, the record's value."""
        if self._data is UNDECODED:
            return cast("Data_co", _data_bytes(self._raw))  # bytes, as the constructor's first overload says
        return self._data  # type: ignore[no-any-return]  # the constructor's argument, as its second overload says

    @property
    def record_id(self) -> str:
        """The name of the record within the event."""
        return text(self._raw, "recordId")

    @property
    def approximate_arrival_time(self) -> datetime | None:
        """The time at which the delivery stream took the record in (`approximateArrivalTimestamp`), in UTC."""
        return _moment(self._raw)

    @property
    def stream_arrival_time(self) -> datetime | None:
        """The time at which the Kinesis stream or the Kafka topic took the record in; `None` where there is neither."""
        return _moment(self._kinesis or self._msk)

    @property
    def shard_id(self) -> str | None:
        """The shard of the Kinesis stream; `None` for another source."""
        return optional_text(self._kinesis, "shardId")

    @property
    def partition_key(self) -> str | None:
        """The partition key in the Kinesis stream; `None` for another source."""
        return optional_text(self._kinesis, "partitionKey")

    @property
    def sequence_number(self) -> str | None:
        """The position in the shard of the Kinesis stream; `None` for another source."""
        return optional_text(self._kinesis, "sequenceNumber")

    @property
    def sub_sequence_number(self) -> int | None:
        """The position in the Kinesis record, which the Kinesis Producer Library made of several; `None` for any other."""
        return _number(self._kinesis, "subsequenceNumber")

    @property
    def partition_id(self) -> int | None:
        """The partition of the Kafka topic; `None` for another source."""
        return _number(self._msk, "partitionId")

    @property
    def offset(self) -> int | None:
        """The position in the partition of the Kafka topic; `None` for another source."""
        return _number(self._msk, "offset")

    @property
    def span_attributes(self) -> Mapping[str, str | int]:
        """The attributes of a span about the record, which does not know its delivery stream.

        https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ names them. It lists no system for Firehose
        and allows another one: `aws_firehose`, after `aws_sqs`.
        """
        return present(
            **{
                "messaging.system": "aws_firehose",
                "faas.trigger": "other",
                "messaging.message.id": optional_text(self._raw, "recordId"),
            }
        )

    @property
    def _kinesis(self) -> Mapping[str, Any]:
        return nested(self._raw, "kinesisRecordMetadata")

    @property
    def _msk(self) -> Mapping[str, Any]:
        return nested(self._raw, "mskRecordMetadata")

    def _payload(self) -> Any:
        try:
            return self.data
        except ValueError:
            return self._raw.get(_payload_key(self._raw))

    def _identity(self) -> str:
        return f"record_id={self._raw.get('recordId')!r}"


_Firehose: TypeAlias = Source[
    FirehoseRecord[T], FirehoseRecord[bytes], BatchOf[FirehoseOut | Dropped], FirehoseResponse
]


@overload
def firehose(*, lane: Lane = each_record) -> _Firehose[bytes]: ...
@overload
def firehose(
    data: type[dict[Unspecified, Unspecified]], /, *, lane: Lane = each_record
) -> _Firehose[dict[str, object]]: ...
@overload
def firehose(data: type[list[Unspecified]], /, *, lane: Lane = each_record) -> _Firehose[list[object]]: ...
@overload
def firehose(data: TypeForm[T], /, *, lane: Lane = each_record) -> _Firehose[T]: ...
@overload
def firehose(*, decode: Callable[[bytes], Result[T, object]], lane: Lane = each_record) -> _Firehose[T]: ...
@overload
def firehose(
    *, decode: Callable[[bytes], T] | OfRecord[FirehoseRecord, T], lane: Lane = each_record
) -> _Firehose[T]: ...
def firehose(
    data: Any = UNDECODED,
    /,
    *,
    decode: Callable[[bytes], Any] | OfRecord[FirehoseRecord, Any] | None = None,
    lane: Lane = each_record,
) -> _Firehose[Any]:
    """Read events of a delivery stream of Amazon Data Firehose, and answer every record of them.

    The data are parsed as in `kinesis(...)`: bytes as delivered without arguments, validated into a type, or made by
    `decode`. The handler returns `Success(FirehoseOut(...))` or `Success(Dropped())`; with another value the record is
    `Crashed`.

    | outcome                | result             |                                                  |
    |------------------------|--------------------|--------------------------------------------------|
    | `FirehoseOut`          | `Ok`               | its data are delivered                           |
    | `Dropped`, `Settled`   | `Dropped`          | nothing is delivered                             |
    | `Failed`               | `ProcessingFailed` | Firehose writes the original data to the error output |
    | `Unprocessed`          | `ProcessingFailed` | the same                                         |

    Firehose does not deliver a failed record again, so an invocation is not failed on its account (`raise_on="never"`): that
    would repeat the whole batch, three times by default, and then send all of it to the error output. The same happens
    after a timeout. So with `reserve_ms`, what time allows is delivered and the rest goes to the error output; without it,
    the batch has further attempts.

    A response holds 6 MB. A record whose transformed data do not fit any more is `Crashed(ResponseFullError)`.

    >>> event = {"records": [{"recordId": "1", "data": "WzEsIDJd"}]}
    >>> raws, item_ids = firehose(list[int]).read(event)
    >>> item_ids, firehose().parse(raws[0]).data, firehose(list[int]).parse(raws[0]).data
    (['1'], b'[1, 2]', [1, 2])
    """
    refuse_async_lane(lane)
    return Source(
        name=_NAME,
        read=_read,
        parse=payload_parser(FirehoseRecord, FirehoseRecord, _data_bytes, data, decode),
        as_delivered=FirehoseRecord,
        lane_of=lambda _raws: lane,
        respond=answer_every_record,
        raise_on="never",
        check_of=_check_of,
        not_done=("goes to the error output", "go to the error output"),
    )


def answer_every_record(batch: BatchOf[FirehoseOut | Dropped]) -> FirehoseResponse:
    """Answer each record of the batch, in arrival order: the rule of Firehose."""
    return {"records": [_answer(outcome) for outcome in batch.outcomes]}


def _answer(outcome: Outcome[FirehoseOut | Dropped, object, Record]) -> FirehoseAnswer:
    raw = outcome.raw
    value: object = outcome.value if isinstance(outcome, Succeeded) else None
    if isinstance(value, FirehoseOut):
        answer = _with_data(raw, "Ok", b2a_base64(value.data, newline=False).decode("ascii"))
        if metadata := _metadata(value):
            answer["metadata"] = metadata
        return answer
    if isinstance(value, Dropped) or isinstance(outcome, Settled):
        return _with_data(raw, "Dropped", "")
    # Firehose has the original data, and AWS's page asks for data in every answer all the same
    return _with_data(raw, "ProcessingFailed", _original(raw))


def _with_data(raw: RawRecord, result: _Result, base64: str) -> FirehoseAnswer:
    answer: FirehoseAnswer = {"recordId": raw["recordId"], "result": result}
    if _MSK_PAYLOAD in raw:
        answer["kafkaRecordValue"] = base64
    else:
        answer["data"] = base64
    return answer


def _metadata(out: FirehoseOut) -> dict[str, Mapping[str, str]]:
    given = {"partitionKeys": out.partition_keys, "otfMetadata": out.otf_metadata}
    return {name: each for name, each in given.items() if each is not None}


def _original(raw: RawRecord) -> str:
    original = raw.get(_payload_key(raw))
    return original if isinstance(original, str) else ""


# ------------------------------------------------------------ the check of the handler's values
def _check_of(raws: Sequence[RawRecord]) -> CheckValue:
    """Return the check of handlers' values: that they can be answered with, and that the response has room for them.

    It has room for every record as a failed one: the request that delivered them had. The rest goes to the records whose
    answers are larger, first come, first served.
    """
    around = len(dumps({"records": []})) - len(_SEPARATOR)  # behind the last answer there is none
    as_failed = {raw["recordId"]: _size(raw, "ProcessingFailed", _length(_original(raw))) for raw in raws}
    room = MOST_RESPONSE_BYTES - around - sum(as_failed.values())
    lock = Lock()  # handlers may run in threads

    def check(raw: RawRecord, value: Any) -> Exception | None:
        nonlocal room
        if not isinstance(value, FirehoseOut | Dropped):
            kind = type(value).__name__
            return TypeError(f"the handler's Success holds a {kind}, expected FirehoseOut(data) or Dropped()")
        more = _size_of_value(raw, value) - as_failed[raw["recordId"]]
        with lock:
            left = room
            if more <= max(left, 0):
                room = left - more
                return None
        return ResponseFullError(
            f"the response holds {MOST_RESPONSE_BYTES:,} bytes at most, and the transformed data of this record need "
            f"{more:,} bytes more than the original, of which {max(left, 0):,} are left: make the buffer before the "
            "function smaller (BufferSizeInMBs)"
        )

    return check


def _size_of_value(raw: RawRecord, value: FirehoseOut | Dropped) -> int:
    if isinstance(value, Dropped):
        return _size(raw, "Dropped", 0)
    metadata = _metadata(value)
    around = len(dumps({"metadata": metadata})) if metadata else 0  # two braces, instead of a separator
    return _size(raw, "Ok", (len(value.data) + 2) // 3 * 4) + around


def _size(raw: RawRecord, result: str, size_of_payload: int) -> int:
    """Return the bytes that an answer takes in the response, with what divides it from the next one.

    Lambda's runtime writes JSON with spaces, as `dumps` does. From Python 3.12 on it leaves characters that are not ASCII
    as they are, which takes less.
    """
    around = _MSK_AROUND if _MSK_PAYLOAD in raw else _AROUND
    return around + len(result) + _length(raw["recordId"]) + size_of_payload


def _length(text: str) -> int:
    """Return the length of a text in JSON, without its quotes."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return len(text)  # most are base64; the encoder takes ten times as long to find nothing to escape
    return len(encode_basestring_ascii(text)) - len('""')


_SEPARATOR = ", "
_AROUND, _MSK_AROUND = (
    len(dumps({"recordId": "", "result": "", payload: ""})) + len(_SEPARATOR) for payload in ("data", _MSK_PAYLOAD)
)


# ------------------------------------------------------------ reading and parsing
def _read(delivered: object) -> tuple[Sequence[RawRecord], Sequence[str]]:
    event = checked_event(delivered, _NAME)
    raws = listed(event, "records", _NAME)
    positions: dict[str, int] = {}
    for position, raw in enumerate(raws):
        where = f"records[{position}]"
        if not is_mapping(raw):
            refuse(f"expected {where} of an event of {_NAME} to be a mapping, found {a_kind_of(raw)}")
        record_id = raw.get("recordId")
        if not isinstance(record_id, str) or not record_id:
            found = quoted(record_id) if "recordId" in raw else "none"
            refuse(
                f"expected {where} to have a 'recordId', text that is not empty, which names the record; found {found}"
            )
        earlier = positions.setdefault(record_id, position)
        if earlier != position:
            refuse(f"expected each record to have a 'recordId' of its own, found that of records[{earlier}] in {where}")
    return raws, list(positions)


def _payload_key(raw: RawRecord) -> str:
    return _MSK_PAYLOAD if _MSK_PAYLOAD in raw else "data"


def _data_bytes(raw: RawRecord) -> bytes:
    """Return the data as delivered. Raises `ValueError` if they are not base64, without quoting them."""
    key = _payload_key(raw)
    return bytes_of(raw.get(key), key)


def _moment(fields: Mapping[str, Any]) -> datetime | None:
    found = fields.get("approximateArrivalTimestamp")
    if found is None:
        return None
    if isinstance(found, str) and not found.isdigit():
        return datetime.fromisoformat(found)  # AWS's sample has the time of a Kinesis record in this form
    return moment_from_ms(found)


def _number(fields: Mapping[str, Any], key: str) -> int | None:
    found = fields.get(key)
    return None if found is None or found == "" else int(found)


def _refuse_no_bytes(data: object) -> None:
    if not isinstance(data, bytes):
        hint = ", such as text.encode()" if isinstance(data, str) else ""
        raise TypeError(f"FirehoseOut takes the transformed data as bytes{hint}, got a {type(data).__name__}")


def _checked_texts(name: str, given: object) -> Mapping[str, str] | None:
    if given is None:
        return None
    if not is_mapping(given):
        raise TypeError(f"{name} is a mapping from text to text, got a {type(given).__name__}")
    for each in (*given, *given.values()):
        if not isinstance(each, str):
            raise TypeError(f"{name} is a mapping from text to text, found a {type(each).__name__} in it")
    return dict(given)


# tracebacks show the public name
ResponseFullError.__module__ = "batchfold"
