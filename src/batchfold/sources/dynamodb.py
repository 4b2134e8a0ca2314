"""DynamoDB Streams.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html shows the event,
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html describes its fields,
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html says how Lambda reads the partial
response.
"""

# pyright: reportInvalidTypeVarUse=false
# A type that is left out is the default of its type variable; as overloads, every combination would be written out.

from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from typing import Any, Generic, Literal, TypeAlias, cast, overload

from returns.result import Result
from typing_extensions import TypeForm, TypeVar

from batchfold.core.faults import PayloadError
from batchfold.core.lanes import Lane, refuse_async_lane, whole_batch
from batchfold.core.records import RawRecord
from batchfold.core.response import name_lowest_sequence_number
from batchfold.core.source import Source
from batchfold.sources.attribute_values import Item, UnparsedImage, image_validator, python_values
from batchfold.sources.fields import (
    UNDECODED,
    ListedRecord,
    moment_from,
    nested,
    optional_text,
    present,
    refuse_other_record,
    text,
)
from batchfold.sources.payload import OfRecord, Unspecified, from_function
from batchfold.sources.reading import reader

EventName: TypeAlias = Literal["INSERT", "MODIFY", "REMOVE"]
"""The kind of a change."""

StreamViewType: TypeAlias = Literal["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]
"""The images that a stream carries."""

_NAME = "DynamoDB Streams"

T = TypeVar("T")
New = TypeVar("New", default=Item)
Old = TypeVar("Old", default=Item)
Keys = TypeVar("Keys", default=Item)
New_co = TypeVar("New_co", covariant=True, default=Item)
Old_co = TypeVar("Old_co", covariant=True, default=New_co)
Keys_co = TypeVar("Keys_co", covariant=True, default=Item)


class DynamoDBRecord(ListedRecord, Generic[New_co, Old_co, Keys_co]):
    """A change of an item, from a DynamoDB stream.

    `DynamoDBRecord(raw)` shows images and keys as delivered, as mappings of plain Python values;
    `DynamoDBRecord(raw, new_image, old_image)` shows parsed images, and with a fourth argument parsed keys.

    A change that reached a Kinesis stream, a queue or a pipe can be shown by one too; such a change may have no
    sequence number, no ARN and no view type.
    """

    __slots__ = ("_keys", "_new_image", "_old_image")

    @overload
    def __init__(self: "DynamoDBRecord[Item, Item, Item]", raw: RawRecord) -> None: ...
    @overload
    def __init__(
        self: "DynamoDBRecord[New_co, Old_co, Item]", raw: RawRecord, new_image: New_co | None, old_image: Old_co | None
    ) -> None: ...
    @overload
    def __init__(self, raw: RawRecord, new_image: New_co | None, old_image: Old_co | None, keys: Keys_co) -> None: ...
    def __init__(
        self, raw: RawRecord, new_image: Any = UNDECODED, old_image: Any = UNDECODED, keys: Any = UNDECODED
    ) -> None:
        self._raw = raw
        self._new_image = new_image
        self._old_image = old_image
        self._keys = keys

    @property
    def new_image(self) -> New_co | None:
        """The item after the change. `None` for a removal, and where the stream does not carry it."""
        if self._new_image is UNDECODED:
            return cast("New_co | None", _image(self._raw, "NewImage"))  # an Item, as the constructor's overload says
        return self._new_image  # type: ignore[no-any-return]  # the constructor's argument

    @property
    def old_image(self) -> Old_co | None:
        """The item before the change. `None` for an insertion, and where the stream does not carry it.

        Raises `PayloadError` for an old image that would not parse, beside a new one that did: the record is `Malformed`
        only if the handler needs its old image.
        """
        if self._old_image is UNDECODED:
            return cast("Old_co | None", _image(self._raw, "OldImage"))  # an Item, as the constructor's overload says
        if isinstance(self._old_image, UnparsedImage):
            raise PayloadError(self._old_image.reason)
        return self._old_image  # type: ignore[no-any-return]  # the constructor's argument

    @property
    def keys(self) -> Keys_co:
        """The primary key of the item. Every stream carries it."""
        if self._keys is UNDECODED:
            return cast("Keys_co", python_values(nested(self._raw, "dynamodb").get("Keys")))  # an Item by the overload
        return self._keys  # type: ignore[no-any-return]  # the constructor's argument

    @property
    def event_name(self) -> EventName:
        """The kind of the change: the item was inserted, modified or removed."""
        return cast("EventName", text(self._raw, "eventName"))  # AWS's reference says so

    @property
    def is_ttl_delete(self) -> bool:
        """Return whether DynamoDB itself removed the item, because its time to live had ended.

        In a global table, only the region where it ended says so: the others get an ordinary removal.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
        """
        return is_ttl_delete(self._raw.get("eventName"), self.user_identity)

    @property
    def user_identity(self) -> Mapping[str, str]:
        """The service that changed the item, with `type` and `principalId`; empty for any other change."""
        return nested(self._raw, "userIdentity")

    @property
    def sequence_number(self) -> str:
        """The position of the change in its shard: a decimal number, which names the record to Lambda."""
        return text(nested(self._raw, "dynamodb"), "SequenceNumber")

    @property
    def approximate_creation_time(self) -> datetime | None:
        """The time of the change (`ApproximateCreationDateTime`), in UTC, where the record has it.

        Streams give it in seconds, Kinesis in milliseconds or microseconds.
        """
        since_epoch: float | None = nested(self._raw, "dynamodb").get("ApproximateCreationDateTime")
        return None if since_epoch is None else moment_from(since_epoch)

    @property
    def size_bytes(self) -> int | None:
        """The size of the change, where the record has it."""
        found: int | None = nested(self._raw, "dynamodb").get("SizeBytes")
        return found

    @property
    def stream_view_type(self) -> StreamViewType | None:
        """The images that the stream carries, where the record says so."""
        return cast("StreamViewType | None", optional_text(nested(self._raw, "dynamodb"), "StreamViewType"))  # by AWS

    @property
    def event_id(self) -> str:
        """The globally unique id of the change."""
        return text(self._raw, "eventID")

    @property
    def event_version(self) -> str | None:
        """The version of the form of the raw record, where the record has it."""
        return optional_text(self._raw, "eventVersion")

    @property
    def table_name(self) -> str | None:
        """The table's name: out of the stream's ARN, or as a change in Kinesis has it."""
        arn = self.event_source_arn
        return optional_text(self._raw, "tableName") if arn is None else table_of_stream(arn)

    @property
    def span_attributes(self) -> Mapping[str, str | int]:
        """The attributes of a span about the change.

        https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ names them. It lists no system for DynamoDB
        Streams and allows another one: `aws_dynamodb`, after `aws_sqs`. The destination is the table.
        """
        return present(
            **{
                "messaging.system": "aws_dynamodb",
                "faas.trigger": "datasource",
                "messaging.destination.name": self.table_name,
                "messaging.message.id": optional_text(nested(self._raw, "dynamodb"), "SequenceNumber"),
            }
        )

    def _payload(self) -> Any:
        try:
            return (self.new_image, self.old_image, self._keys)
        except (ValueError, RecursionError):
            return None  # an image that does not parse is compared as part of the raw record

    def _identity(self) -> str:
        change = nested(self._raw, "dynamodb")
        return f"event_name={self._raw.get('eventName')!r}, sequence_number={change.get('SequenceNumber')!r}"


def is_ttl_delete(event_name: object, identity: Mapping[str, str]) -> bool:
    """Return whether such a change of this identity is the removal of an item whose time to live had ended."""
    by_dynamodb = identity.get("type") == "Service" and identity.get("principalId") == "dynamodb.amazonaws.com"
    return by_dynamodb and event_name == "REMOVE"


def table_of_stream(arn: str) -> str:
    """Return the name of the table in the ARN of its stream."""
    return arn.partition(":table/")[2].partition("/")[0]


def _image(raw: RawRecord, name: str) -> dict[str, Any] | None:
    image = raw["dynamodb"].get(name)
    return None if is_absent_image(image) else python_values(image)


def is_absent_image(image: Any) -> bool:
    """Return whether there is no image."""
    # every item has its key among its attributes; emulators deliver an empty image where there is none
    return image is None or image == {}


def by_item_key(raw: RawRecord, /) -> Hashable | None:
    """Make one lane of the changes of an item: items are told apart by their primary key.

    Raises `ValueError` for a record of another source: without keys, all would share one lane.
    """
    return frozenset(_keys_for(raw, "by_item_key").items())


def by_hash_key(name: str, /) -> Lane:
    """Return a lane for the changes of all items that share a partition key, `name`: those of a single-table design.

    >>> lane = by_hash_key("pk")
    >>> order, line = ({"dynamodb": {"Keys": {"pk": {"S": "order#1"}, "sk": {"S": sk}}}} for sk in ("head", "line#1"))
    >>> lane(order) == lane(line), by_item_key(order) == by_item_key(line)
    (True, False)

    The lane raises `ValueError` for a record of another source, and where the key has no such attribute.
    """

    def by_value_of_hash_key(raw: RawRecord, /) -> Hashable | None:
        keys = _keys_for(raw, "by_hash_key")
        if name not in keys:
            raise ValueError(f"by_hash_key({name!r}) found no such attribute in the key, which has {', '.join(keys)}")
        value: Hashable = keys[name]
        return value

    return by_value_of_hash_key


def _keys_for(raw: RawRecord, lane: str) -> dict[str, Any]:
    if "dynamodb" not in raw:
        refuse_other_record(lane, _NAME)
    return python_values(nested(raw, "dynamodb").get("Keys"))


_Source: TypeAlias = Source[DynamoDBRecord[New, Old, Keys], DynamoDBRecord]


@overload
def dynamodb(
    image: type[dict[Unspecified, Unspecified]], /, *, keys: TypeForm[Keys] = ..., lane: Lane = whole_batch
) -> _Source[dict[str, object], dict[str, object], Keys]: ...
@overload
def dynamodb(image: TypeForm[T], /, *, keys: TypeForm[Keys] = ..., lane: Lane = whole_batch) -> _Source[T, T, Keys]: ...
@overload
def dynamodb(
    *, new: TypeForm[New] = ..., old: TypeForm[Old] = ..., keys: TypeForm[Keys] = ..., lane: Lane = whole_batch
) -> _Source[New, Old, Keys]: ...
@overload
def dynamodb(
    *, decode: Callable[[Item], Result[T, object]], keys: TypeForm[Keys] = ..., lane: Lane = whole_batch
) -> _Source[T, T, Keys]: ...
@overload
def dynamodb(
    *, decode: Callable[[Item], T] | OfRecord[DynamoDBRecord, T], keys: TypeForm[Keys] = ..., lane: Lane = whole_batch
) -> _Source[T, T, Keys]: ...
def dynamodb(
    image: Any = UNDECODED,
    /,
    *,
    new: Any = UNDECODED,
    old: Any = UNDECODED,
    keys: Any = UNDECODED,
    decode: Callable[[Item], Any] | OfRecord[DynamoDBRecord, Any] | None = None,
    lane: Lane = whole_batch,
) -> _Source[Any, Any, Any]:
    """Read events of a DynamoDB stream.

    Without arguments images and keys are mappings of plain Python values, with `Decimal` numbers. With a type, pydantic
    validates both images into it, as it would validate JSON: text becomes a moment or a UUID, a list a tuple, a number
    what the type asks for, and where it asks for nothing, an `int` or a `Decimal`. With `new` or `old`, it validates that
    image; the other one stays as delivered. With `keys`, it validates the primary key. With `decode`, that function makes
    the images from their plain Python values.

    `decode=of_record(...)` is called for each image, with a record that shows this image as its new one.

    An image that is absent is `None`. A record whose images or keys will not parse is `Malformed`; but an old image beside
    a new one, which may have been written by an older version of the code, only where the handler asks for it.

    The response names the lowest sequence number that is not done: Lambda delivers the record and everything after it
    again. So the batch is one lane (`whole_batch`), and nothing is started after the first record that is not done.
    `lane=by_item_key` lets other items go on, `lane=by_hash_key(...)` other partition keys, and `lane=each_record` every
    record; all of them pay with repeats.

    >>> change = {"SequenceNumber": "7", "Keys": {"id": {"S": "a"}}, "NewImage": {"id": {"S": "a"}, "n": {"N": "3"}}}
    >>> event = {"Records": [{"eventSource": "aws:dynamodb", "eventName": "INSERT", "dynamodb": change}]}
    >>> raws, item_ids = dynamodb().read(event)
    >>> record = dynamodb().parse(raws[0])
    >>> item_ids, record.new_image, record.old_image
    (['7'], {'id': 'a', 'n': Decimal('3')}, None)
    """
    if image is not UNDECODED:
        if new is not UNDECODED or old is not UNDECODED:
            raise TypeError("the images have one type, or types of their own given as new= and old=, not both")
        new = old = image
    if lane is by_hash_key:  # type: ignore[comparison-overlap]  # said to those who use no checker
        raise TypeError("by_hash_key makes a lane of the name of the partition key: lane=by_hash_key('pk')")
    refuse_async_lane(lane)
    return Source(
        name=_NAME,
        read=reader(_NAME, "aws:dynamodb", ("dynamodb", "SequenceNumber"), is_number=True),
        parse=_parser(_image_parser(new, decode), _image_parser(old, decode), keys),
        as_delivered=DynamoDBRecord,
        lane_of=lambda _raws: lane,
        respond=name_lowest_sequence_number,
    )


_ImageParser: TypeAlias = Callable[[RawRecord, Any], Any]


def _parser(
    parse_new: _ImageParser, parse_old: _ImageParser, keys: Any
) -> Callable[[RawRecord], DynamoDBRecord[Any, Any, Any]]:
    parse_keys = None if keys is UNDECODED else image_validator(keys)

    def parse(raw: RawRecord) -> DynamoDBRecord[Any, Any, Any]:
        change = raw["dynamodb"]
        new, old = change.get("NewImage"), change.get("OldImage")
        new_image = parse_new(raw, new) if new or not is_absent_image(new) else None
        old_image = None
        if old or not is_absent_image(old):
            try:
                old_image = parse_old(raw, old)
            except (ValueError, RecursionError) as error:
                if is_absent_image(new):
                    raise
                old_image = UnparsedImage(error)
        return DynamoDBRecord(
            raw, new_image, old_image, UNDECODED if parse_keys is None else parse_keys(change.get("Keys"))
        )

    return parse


def _image_parser(form: Any, decode: Any) -> _ImageParser:
    """Return what parses an image, given its raw record and its attributes."""
    if isinstance(decode, OfRecord):
        of_record = from_function(decode.decode, form)
        return lambda raw, attributes: of_record(_showing(raw, attributes))
    if decode is not None:
        decoded = from_function(decode, form)
        return lambda _raw, attributes: decoded(python_values(attributes))
    parse = python_values if form is UNDECODED else image_validator(form)
    return lambda _raw, attributes: parse(attributes)


def _showing(raw: RawRecord, attributes: Any) -> DynamoDBRecord:
    """Return a record as delivered that shows one image, new or old, as its new one."""
    others = {name: part for name, part in raw["dynamodb"].items() if name != "OldImage"}
    return DynamoDBRecord({**raw, "dynamodb": {**others, "NewImage": attributes}})
