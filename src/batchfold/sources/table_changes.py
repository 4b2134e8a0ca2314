"""Table changes: a change of a DynamoDB item inside the payload of another source.

A table may send its changes to a Kinesis data stream; pipes and functions forward those of a DynamoDB stream to queues and
topics. `kinesis(DynamoDBChange[Order])`, `sqs(DynamoDBChange[Order])` and `sqs(Sns[DynamoDBChange[Order]])` read them, with
images and keys parsed as `dynamodb(Order)` does it. This module imports pydantic.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/kds.html describes changes in Kinesis.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Generic, Literal
from typing import TypeVar as TypeVarOfTyping

from pydantic import AliasPath, AwareDatetime, BeforeValidator, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypeVar

from batchfold.core._guards import is_mapping
from batchfold.core.faults import PayloadError
from batchfold.sources.attribute_values import Item, UnparsedImage, image_validator, python_values
from batchfold.sources.dynamodb import EventName, StreamViewType, is_absent_image, is_ttl_delete, table_of_stream
from batchfold.sources.envelopes import Envelope
from batchfold.sources.fields import moment_from

New = TypeVar("New", default=Item)
Old = TypeVar("Old", default=New)
Keys = TypeVar("Keys", default=Item)


class _Attributes:
    """Validates an image or the keys from attribute values. Of a change made in Python, it also takes what they stand for."""

    def __init__(self, part: Literal["keys", "new image", "old image"]) -> None:
        self._part = part

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        wanted = handler(source)
        parse = _parser(source)

        def validate(given: Any, value: Callable[[Any], Any], info: Any) -> Any:
            if not is_mapping(given):
                return value(given)
            if is_absent_image(given) and self._part != "keys":
                return None
            try:
                return parse(given)
            except (ValueError, RecursionError) as error:
                # beside a new image, one by an older version of the code is malformed only where the handler needs it
                if self._part != "old image" or info.data.get("new_image") is None:
                    raise
                return UnparsedImage(error)

        # around the schema of the type, which is not asked for attribute values: it has the names that errors may tell
        return core_schema.with_info_wrap_validator_function(validate, wanted)


def _parser(form: Any) -> Callable[[Any], Any]:
    while isinstance(form, TypeVarOfTyping):  # of the generic class itself: the type that is left out is the default
        form = getattr(form, "__default__")  # noqa: B009  # which typing_extensions adds before Python 3.13
    return python_values if form == Item else image_validator(form)


def _moment(given: object) -> object:
    if isinstance(given, bool) or not isinstance(given, int | float):
        return given
    try:
        return moment_from(given)
    except OverflowError:
        pass
    raise PayloadError("expected a time since the epoch, found a number that is none")


def _table_of_stream(fields: dict[str, Any]) -> str | None:
    arn: str | None = fields.get("event_source_arn")
    return None if arn is None else table_of_stream(arn)


class DynamoDBChange(Envelope, Generic[New, Old, Keys]):
    """A change of an item of a DynamoDB table, inside the payload of another source.

    `DynamoDBChange[Order]` types both images, `DynamoDBChange[Order, LegacyOrder]` types them apart, a third type is that
    of the keys. What is left out stays as delivered: mappings of plain Python values, with `Decimal` numbers. An old
    image beside a new one that would not parse is refused only where it is asked for.

    A change that a table sent to Kinesis has no sequence number and no ARN; one of a DynamoDB stream that was forwarded
    has them. In Kinesis a change may come twice, and in another order than it was made: its time says which one is newer.

    >>> change = (
    ...     '{"eventName": "INSERT", "eventSource": "aws:dynamodb", "tableName": "orders", "dynamodb": {'
    ...     ' "ApproximateCreationDateTime": 1700000000123, "Keys": {"id": {"S": "a"}},'
    ...     ' "NewImage": {"id": {"S": "a"}, "n": {"N": "3"}}}}'
    ... )
    >>> found = DynamoDBChange.model_validate_json(change)
    >>> found.table_name, found.keys, found.new_image, found.old_image
    ('orders', {'id': 'a'}, {'id': 'a', 'n': Decimal('3')}, None)
    >>> DynamoDBChange[dict[str, str | int]].model_validate_json(change).new_image
    {'id': 'a', 'n': 3}
    """

    event_name: Annotated[EventName, Field(alias="eventName")]
    """The kind of the change: the item was inserted, modified or removed."""
    keys: Annotated[Keys, _Attributes("keys"), Field(validation_alias=AliasPath("dynamodb", "Keys"))]
    """The primary key of the item."""
    new_image: Annotated[
        Annotated[New, _Attributes("new image")] | None, Field(validation_alias=AliasPath("dynamodb", "NewImage"))
    ] = None
    """The item after the change. `None` for a removal, and where the change does not carry it."""
    parsed_old_image: Annotated[  # after `new_image`, which its validator reads
        Annotated[Old, _Attributes("old image")] | None, Field(validation_alias=AliasPath("dynamodb", "OldImage"))
    ] = None
    """Behind `old_image`, which also says why there is none: read that."""
    approximate_creation_time: Annotated[
        AwareDatetime | None,
        BeforeValidator(_moment),
        Field(validation_alias=AliasPath("dynamodb", "ApproximateCreationDateTime")),
    ] = None
    """The time of the change, whatever its unit: Kinesis has milliseconds or microseconds, DynamoDB Streams seconds."""
    size_bytes: Annotated[int | None, Field(validation_alias=AliasPath("dynamodb", "SizeBytes"))] = None
    """The size of the change."""
    sequence_number: Annotated[str | None, Field(validation_alias=AliasPath("dynamodb", "SequenceNumber"))] = None
    """The position of the change in the shard of its DynamoDB stream."""
    stream_view_type: Annotated[
        StreamViewType | None, Field(validation_alias=AliasPath("dynamodb", "StreamViewType"))
    ] = None
    """The images that the DynamoDB stream carries."""
    event_id: Annotated[str | None, Field(alias="eventID")] = None
    """The globally unique id of the change."""
    event_source: Annotated[str | None, Field(alias="eventSource")] = None
    """`aws:dynamodb`."""
    event_source_arn: Annotated[str | None, Field(alias="eventSourceARN")] = None
    """The ARN of the DynamoDB stream."""
    event_version: Annotated[str | None, Field(alias="eventVersion")] = None
    """The version of the form of the record."""
    aws_region: Annotated[str | None, Field(alias="awsRegion")] = None
    """The region of the table."""
    table_name: Annotated[str | None, Field(alias="tableName")] = Field(default_factory=_table_of_stream)
    """The table, as the change has it, or out of the ARN of the stream."""
    record_format: Annotated[str | None, Field(alias="recordFormat")] = None
    """`application/json`, in Kinesis."""
    user_identity: Annotated[Mapping[str, str] | None, Field(alias="userIdentity")] = None
    """The service that changed the item, with `type` and `principalId`; `None` for any other change."""

    @property
    def old_image(self) -> Old | None:
        """The item before the change. `None` for an insertion, and where the change does not carry it.

        Raises `PayloadError` for an old image that would not parse, beside a new one that did: the record is `Malformed`
        only if the handler needs its old image.
        """
        found: object = self.parsed_old_image
        if isinstance(found, UnparsedImage):
            raise PayloadError(found.reason)
        return self.parsed_old_image

    @property
    def is_ttl_delete(self) -> bool:
        """Return whether DynamoDB itself removed the item, because its time to live had ended."""
        return is_ttl_delete(self.event_name, self.user_identity or {})
