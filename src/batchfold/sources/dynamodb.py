"""DynamoDB Streams.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html shows the event,
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html describes its fields,
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html tells how the partial response is
read.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from typing import Any, Generic, Literal, TypeAlias, cast, overload

from typing_extensions import TypeForm, TypeVar

from batchfold.core.lanes import Lane, whole_batch
from batchfold.core.records import RawRecord
from batchfold.core.response import name_lowest_sequence_number
from batchfold.core.source import Source
from batchfold.sources.attribute_values import python_values, values_to_validate
from batchfold.sources.fields import UNDECODED, moment_from_s, nested, text
from batchfold.sources.listed_record import ListedRecord
from batchfold.sources.payload import from_python, parser_of
from batchfold.sources.reading import reader

EventName: TypeAlias = Literal["INSERT", "MODIFY", "REMOVE"]
"""What became of the item."""

StreamViewType: TypeAlias = Literal["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]
"""Which images the stream carries."""

_NAME = "DynamoDB Streams"

T = TypeVar("T")
K = TypeVar("K")
New_co = TypeVar("New_co", covariant=True, default=Mapping[str, Any])
Old_co = TypeVar("Old_co", covariant=True, default=New_co)


class DynamoDBRecord(ListedRecord, Generic[New_co, Old_co]):
    """A change of an item, from a DynamoDB stream.

    `DynamoDBRecord(raw)` shows the images as delivered, as mappings of plain Python values;
    `DynamoDBRecord(raw, new_image, old_image)` shows parsed ones.
    """

    __slots__ = ("_new_image", "_old_image")

    _new_image: Any
    _old_image: Any

    @overload
    def __init__(self: DynamoDBRecord[Mapping[str, Any], Mapping[str, Any]], raw: RawRecord) -> None: ...
    @overload
    def __init__(self, raw: RawRecord, new_image: New_co | None, old_image: Old_co | None) -> None: ...
    def __init__(self, raw: RawRecord, new_image: Any = UNDECODED, old_image: Any = UNDECODED) -> None:
        self._raw = raw
        self._new_image = new_image
        self._old_image = old_image

    @property
    def new_image(self) -> New_co | None:
        """The item after the change. `None` for a removal, and where the stream does not carry it."""
        if self._new_image is UNDECODED:
            return cast("New_co | None", _image(self._raw, "NewImage"))  # what it is as delivered, the overload says
        return self._new_image  # type: ignore[no-any-return]  # what the constructor was given

    @property
    def old_image(self) -> Old_co | None:
        """The item before the change. `None` for an insertion, and where the stream does not carry it."""
        if self._old_image is UNDECODED:
            return cast("Old_co | None", _image(self._raw, "OldImage"))  # as above
        return self._old_image  # type: ignore[no-any-return]  # what the constructor was given

    @property
    def keys(self) -> Mapping[str, Any]:
        """The primary key of the item, as plain Python values. Every stream carries it."""
        return python_values(nested(nested(self._raw, "dynamodb"), "Keys"))

    @property
    def event_name(self) -> EventName:
        """Whether the item was inserted, modified or removed."""
        found: EventName = self._raw["eventName"]
        return found

    @property
    def is_ttl_delete(self) -> bool:
        """Whether it was DynamoDB that removed the item, because its time to live had ended.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
        """
        identity = self.user_identity
        by_dynamodb = identity.get("type") == "Service" and identity.get("principalId") == "dynamodb.amazonaws.com"
        return by_dynamodb and self.event_name == "REMOVE"

    @property
    def user_identity(self) -> Mapping[str, str]:
        """Who changed the item, with `type` and `principalId`. Only there when DynamoDB did it itself, else empty."""
        return nested(self._raw, "userIdentity")

    @property
    def sequence_number(self) -> str:
        """The place of the change in its shard: a decimal number, which names the record to Lambda."""
        return text(nested(self._raw, "dynamodb"), "SequenceNumber")

    @property
    def approximate_creation_time(self) -> datetime:
        """When the item was changed (`ApproximateCreationDateTime`), in UTC."""
        return moment_from_s(nested(self._raw, "dynamodb")["ApproximateCreationDateTime"])

    @property
    def size_bytes(self) -> int:
        """The size of the change."""
        found: int = nested(self._raw, "dynamodb")["SizeBytes"]
        return found

    @property
    def stream_view_type(self) -> StreamViewType:
        """Which images the stream carries."""
        found: StreamViewType = nested(self._raw, "dynamodb")["StreamViewType"]
        return found

    @property
    def event_id(self) -> str:
        """The id of the change, unique everywhere."""
        return text(self._raw, "eventID")

    @property
    def event_version(self) -> str:
        """The version of the form of the raw record."""
        return text(self._raw, "eventVersion")

    @property
    def table_name(self) -> str:
        """The table's name, out of the stream's ARN."""
        return self.event_source_arn.partition(":table/")[2].partition("/")[0]

    def _payload(self) -> Any:
        try:
            return (self.new_image, self.old_image)
        except (ValueError, RecursionError):
            return None  # what does not parse is compared as part of the raw record

    def _identity(self) -> str:
        change = nested(self._raw, "dynamodb")
        return f"event_name={self._raw.get('eventName')!r}, sequence_number={change.get('SequenceNumber')!r}"


def _image(raw: RawRecord, name: str) -> dict[str, Any] | None:
    image = raw["dynamodb"].get(name)
    return None if image is None else python_values(image)


def by_item_key(raw: RawRecord, /) -> Hashable | None:
    """Changes of one item are one lane: items are told apart by their primary key."""
    return frozenset(python_values(nested(nested(raw, "dynamodb"), "Keys")).items())


@overload
def dynamodb(*, lane: Lane = whole_batch) -> Source[DynamoDBRecord, DynamoDBRecord]: ...
@overload
def dynamodb(image: TypeForm[T], /, *, lane: Lane = whole_batch) -> Source[DynamoDBRecord[T], DynamoDBRecord]: ...
@overload
def dynamodb(
    *, new: TypeForm[T], old: TypeForm[K], lane: Lane = whole_batch
) -> Source[DynamoDBRecord[T, K], DynamoDBRecord]: ...
@overload
def dynamodb(
    *, decode: Callable[[Mapping[str, Any]], T], lane: Lane = whole_batch
) -> Source[DynamoDBRecord[T], DynamoDBRecord]: ...
def dynamodb(
    image: Any = UNDECODED,
    /,
    *,
    new: Any = UNDECODED,
    old: Any = UNDECODED,
    decode: Callable[[Mapping[str, Any]], Any] | None = None,
    lane: Lane = whole_batch,
) -> Source[DynamoDBRecord[Any, Any], DynamoDBRecord]:
    """Read events of a DynamoDB stream.

    Without arguments the images are mappings of plain Python values, with `Decimal` numbers. With a type, pydantic
    validates both images into it, and is given whole numbers as `int`; with `new` and `old`, each into its own. With
    `decode`, that function makes them from the plain Python values, `Decimal`s and all. An image that is absent is
    `None`; one that will not parse (a `ValueError`) makes the record `Malformed`.

    The response names the lowest sequence number that is not done: Lambda delivers the record and everything after it
    again. So the batch is one lane (`whole_batch`), and nothing is started after the first record that is not done.
    `lane=by_item_key` lets other items go on and `lane=each_record` every record; both pay with repeats.

    >>> change = {"SequenceNumber": "7", "Keys": {"id": {"S": "a"}}, "NewImage": {"id": {"S": "a"}, "n": {"N": "3"}}}
    >>> event = {"Records": [{"eventSource": "aws:dynamodb", "eventName": "INSERT", "dynamodb": change}]}
    >>> raws, item_ids = dynamodb().read(event)
    >>> record = dynamodb().parse(raws[0])
    >>> item_ids, record.new_image, record.old_image
    (['7'], {'id': 'a', 'n': Decimal('3')}, None)
    """
    one_for_both = new is UNDECODED and old is UNDECODED
    one_each = image is UNDECODED and new is not UNDECODED and old is not UNDECODED
    if not one_for_both and not one_each:
        raise TypeError("the images have one type, or one each, given as new= and as old=")
    return Source(
        name=_NAME,
        read=_read,
        parse=_parser(image if one_for_both else new, image if one_for_both else old, decode),
        as_delivered=DynamoDBRecord,
        lane_of=lambda _raws: lane,
        respond=name_lowest_sequence_number,
    )


def _parser(
    new: Any, old: Any, decode: Callable[[Mapping[str, Any]], Any] | None
) -> Callable[[RawRecord], DynamoDBRecord[Any, Any]]:
    parse_new, parse_old = _image_parser(new, decode), _image_parser(old, decode)
    if parse_new is None or parse_old is None:
        return lambda raw: DynamoDBRecord(raw, _image(raw, "NewImage"), _image(raw, "OldImage"))

    def parse(raw: RawRecord) -> DynamoDBRecord[Any, Any]:
        change = raw["dynamodb"]
        new_image, old_image = change.get("NewImage"), change.get("OldImage")
        return DynamoDBRecord(
            raw,
            None if new_image is None else parse_new(new_image),
            None if old_image is None else parse_old(old_image),
        )

    return parse


def _image_parser(form: Any, decode: Callable[[Mapping[str, Any]], Any] | None) -> Callable[[Any], Any] | None:
    """What parses the attributes of an image."""
    return parser_of(form, None if decode is None else _image_decoder(decode), _image_validator)


def _image_decoder(decode: Callable[[Mapping[str, Any]], Any]) -> Callable[[Any], Any]:
    return lambda attributes: decode(python_values(attributes))


def _image_validator(form: Any) -> Callable[[Any], Any]:
    validator = from_python(form)

    def validated(attributes: Any) -> Any:
        try:  # `suppress` would cost every image 0.3 us
            return validator.validate(values_to_validate(attributes))
        except ValueError:  # what is wrong is told below, without the input that this error is about
            pass
        return validator(python_values(attributes))  # a strict `Decimal` takes no `int`

    return validated


_read = reader(
    _NAME,
    event_source="aws:dynamodb",
    id_path=("dynamodb", "SequenceNumber"),
    is_number=True,
    id_form="a decimal number, as text",
)
