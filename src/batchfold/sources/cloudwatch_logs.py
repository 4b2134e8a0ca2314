"""CloudWatch Logs: what a subscription filter sends to a Kinesis stream, which is gzip and not JSON.

`kinesis(CloudWatchLogs)` reads it: the type brings the way from the payload to its JSON along. This module imports pydantic.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html describes the fields.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Generic, Literal

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, WrapValidator
from typing_extensions import TypeVar

from batchfold.sources.compression import GZIP, MOST_BYTES, decompressed
from batchfold.sources.envelopes import Envelope, FromText, none_as_nothing

Line = TypeVar("Line", default=str)

_GZIP_BEGINS = b"\x1f\x8b"


class CloudWatchLogEvent(Envelope, Generic[Line]):
    """One line of a log."""

    model_config = ConfigDict(val_temporal_unit="milliseconds")

    id: str
    """The id of the event."""
    timestamp: AwareDatetime
    """The time of the event, as its sender has it."""
    message: Annotated[Line, FromText()]
    """The line: the text itself, or its JSON validated into `Line`."""
    extracted_fields: Annotated[Mapping[str, Any] | None, Field(alias="extractedFields")] = None
    """The fields that the pattern of the filter found in the line, where it names some."""


def _none_in_control_messages(given: object, validate: Any, info: Any) -> Any:
    # its one line is AWS's words, whatever the lines of the log group are
    return () if info.data.get("message_type") == "CONTROL_MESSAGE" else validate(given)


class CloudWatchLogs(Envelope, Generic[Line]):
    """Lines of one log stream, sent by a subscription filter.

    A message of `CloudWatchLogs` is text; one of `CloudWatchLogs[Line]` is its JSON validated into `Line`, and a line of
    another form makes the payload `Malformed`. To check that the stream is there, CloudWatch sends control messages: they
    have no log events, and `is_control` is true. So a handler that goes through the log events does the right thing with
    them.

    The payload is gzip. One that is damaged, or would have more than `max_bytes` when it is decompressed, is `Malformed`; a
    subclass may set another limit. Where the lines come decompressed, as Firehose can deliver them, they are taken as well.

    >>> from gzip import compress
    >>> from batchfold import kinesis
    >>> from batchfold.testing import cloudwatch_logs, kinesis_event
    >>> [raw] = kinesis_event(cloudwatch_logs("START", "END"))["Records"]
    >>> [event.message for event in kinesis(CloudWatchLogs).parse(raw).data.log_events]
    ['START', 'END']
    """

    max_bytes: ClassVar[int] = MOST_BYTES
    """The largest payload that is decompressed. The sender of the lines chooses how much memory they take."""

    message_type: Annotated[Literal["DATA_MESSAGE", "CONTROL_MESSAGE"], Field(alias="messageType")]
    """`DATA_MESSAGE` or `CONTROL_MESSAGE`."""
    owner: str
    """The account of the log group."""
    log_group: Annotated[str, Field(alias="logGroup")]
    """The log group."""
    log_stream: Annotated[str, Field(alias="logStream")]
    """The log stream."""
    subscription_filters: Annotated[
        tuple[str, ...], BeforeValidator(none_as_nothing), Field(alias="subscriptionFilters")
    ] = ()
    """The names of the filters that matched."""
    log_events: Annotated[  # after `message_type`, which its validator reads
        tuple[CloudWatchLogEvent[Line], ...], WrapValidator(_none_in_control_messages), Field(alias="logEvents")
    ]
    """The lines; none in a control message."""
    policy_level: Annotated[str | None, Field(alias="policyLevel")] = None
    """The level of the subscription, such as `ACCOUNT_LEVEL_POLICY`, where it is not that of a log group."""

    @property
    def is_control(self) -> bool:
        """Return whether this is a control message, with which CloudWatch checks that the stream is there."""
        return self.message_type == "CONTROL_MESSAGE"

    @classmethod
    def __json_of_payload__(cls, delivered: Any) -> Any:
        """Return the JSON in a payload; see `from_json`."""
        if isinstance(delivered, bytes) and delivered.startswith(_GZIP_BEGINS):
            return decompressed(delivered, GZIP, cls.max_bytes)
        return delivered
