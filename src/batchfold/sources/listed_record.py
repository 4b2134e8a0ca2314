"""What the records of events have in common that list them under `Records`: those of SQS, Kinesis and DynamoDB Streams."""

from __future__ import annotations

from batchfold.core.records import Record
from batchfold.sources.fields import text


class ListedRecord(Record):
    """A record that says itself where it comes from; Kafka's events say it once for all of theirs."""

    __slots__ = ()

    @property
    def event_source(self) -> str:
        """The service: `aws:sqs`, `aws:kinesis` or `aws:dynamodb`."""
        return text(self._raw, "eventSource")

    @property
    def event_source_arn(self) -> str:
        """The ARN of the queue or stream; of a stream's consumer with enhanced fan-out."""
        return text(self._raw, "eventSourceARN")

    @property
    def aws_region(self) -> str:
        """The region of the queue or stream."""
        return text(self._raw, "awsRegion")
