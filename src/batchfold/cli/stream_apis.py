"""The APIs of Kinesis Data Streams and DynamoDB Streams as one: shards with their parents, and pages of raw records.

https://docs.aws.amazon.com/streams/latest/dev/developing-consumers-with-sdk.html and
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html say how they are read.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, TypeAlias

from batchfold.cli.account import RefusedError
from batchfold.cli.api_events import dynamodb_raw, kinesis_raw
from batchfold.cli.aws import Aws, errors_told

Start: TypeAlias = Literal["TRIM_HORIZON", "LATEST"]


@dataclass(frozen=True)
class After:
    """The place behind the record with this sequence number."""

    sequence_number: str


@dataclass(frozen=True)
class Since:
    """The place of the first record that arrived at this time, in seconds since the epoch, or later."""

    seconds: float


Place: TypeAlias = Start | After | Since
"""Where a shard is read from."""


@dataclass(frozen=True)
class ShardFacts:
    """A shard, and those that it was split or merged from."""

    shard_id: str
    parents: frozenset[str]

    @property
    def name(self) -> str:
        """A short name: `shard 1` of `shardId-000000000001`."""
        short = self.shard_id.removeprefix("shardId-").rpartition("-")[2]
        return f"shard {int(short) if short.isdecimal() else short}"


@dataclass(frozen=True)
class StreamRecord:
    """A raw record with its sequence number, and the time at which it arrived in the stream."""

    sequence_number: str
    raw: Mapping[str, Any]
    arrived_at: float


@dataclass(frozen=True)
class Page:
    """The records that one call returns. Without an `iterator`, the shard has no more."""

    records: Sequence[StreamRecord]
    iterator: str | None
    behind_seconds: float | None
    """How far behind the end of the shard it is, where the service says so."""


class StreamApi(ABC):
    """A stream of either service."""

    seconds_between_reads: ClassVar[float]
    empty_reads_at_the_end: ClassVar[int]
    """How often nothing comes, until the end of an open shard counts as reached."""
    begins_at_times: ClassVar[bool]
    """True if an iterator can begin at a time; if not, that of `Since` begins at the oldest record."""

    client: Any
    name: str
    """The name of it in messages: `stream orders`."""
    title: str
    """The service and the name: `Kinesis stream orders`."""
    arn: str

    @property
    def region(self) -> str:
        """The stream's region."""
        return self.arn.split(":")[3]

    @abstractmethod
    def shards(self) -> list[ShardFacts]:
        """Return the shards that there are, closed ones too."""

    @abstractmethod
    def iterator(self, shard_id: str, place: Place) -> str | None:
        """Return an iterator that begins at this place."""

    @abstractmethod
    def page(self, shard_id: str, iterator: str) -> Page:
        """Return the records that the iterator finds."""


class KinesisApi(StreamApi):
    """A Kinesis data stream, by its name or ARN."""

    seconds_between_reads = 0.2  # AWS allows five reads a second of a shard
    empty_reads_at_the_end = 1
    begins_at_times = True

    def __init__(self, aws: Aws, stream: str) -> None:
        self.client = aws.client("kinesis")
        self._stream = {"StreamARN": stream} if stream.startswith("arn:") else {"StreamName": stream}
        self.name = f"stream {stream.rpartition('/')[2]}"
        self.title = f"Kinesis {self.name}"
        with errors_told(self.name, aws.endpoint_url):
            answer = self.client.describe_stream_summary(**self._stream)
        self.arn = answer["StreamDescriptionSummary"]["StreamARN"]

    def shards(self) -> list[ShardFacts]:
        """Return the shards that there are, closed ones too."""
        answer = self.client.list_shards(**self._stream)
        shards = list(answer["Shards"])
        while token := answer.get("NextToken"):
            answer = self.client.list_shards(NextToken=token)
            shards += answer["Shards"]
        return [_shard_facts(shard, "ParentShardId", "AdjacentParentShardId") for shard in shards]

    def iterator(self, shard_id: str, place: Place) -> str | None:
        """Return an iterator that begins at this place."""
        match place:
            case After(number):
                where: dict[str, Any] = {
                    "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                    "StartingSequenceNumber": number,
                }
            case Since(seconds):
                where = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": datetime.fromtimestamp(seconds, UTC)}
            case start:
                where = {"ShardIteratorType": start}
        answer = self.client.get_shard_iterator(**self._stream, ShardId=shard_id, **where)
        return _text(answer.get("ShardIterator"))

    def page(self, shard_id: str, iterator: str) -> Page:
        """Return the records that the iterator finds."""
        answer = self.client.get_records(ShardIterator=iterator)
        records = [
            StreamRecord(
                record["SequenceNumber"],
                kinesis_raw(record, shard_id, self.arn, self.region),
                record["ApproximateArrivalTimestamp"].timestamp(),
            )
            for record in answer["Records"]
        ]
        return Page(records, _text(answer.get("NextShardIterator")), answer.get("MillisBehindLatest", 0) / 1_000)


class DynamoDBApi(StreamApi):
    """The stream of a DynamoDB table."""

    seconds_between_reads = 0.25
    # it says nothing of how far the end is, and may return nothing though there is more
    empty_reads_at_the_end = 4
    begins_at_times = False

    def __init__(self, aws: Aws, table: str) -> None:
        self.name = f"stream of table {table}"
        self.title = f"DynamoDB {self.name}"
        with errors_told(f"table {table}", aws.endpoint_url):
            found = aws.client("dynamodb").describe_table(TableName=table)["Table"]
        specification = found.get("StreamSpecification", {})
        if not found.get("LatestStreamArn") or not specification.get("StreamEnabled", False):
            raise RefusedError(
                f"table {table} has no stream: enable one, for example with aws dynamodb update-table --table-name {table} "
                "--stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES"
            )
        self.arn = found["LatestStreamArn"]
        self.client = aws.client("dynamodbstreams")

    def shards(self) -> list[ShardFacts]:
        """Return the shards that there are, closed ones too."""
        answer = self.client.describe_stream(StreamArn=self.arn)["StreamDescription"]
        shards = list(answer["Shards"])
        while last := answer.get("LastEvaluatedShardId"):
            answer = self.client.describe_stream(StreamArn=self.arn, ExclusiveStartShardId=last)["StreamDescription"]
            shards += answer["Shards"]
        return [_shard_facts(shard, "ParentShardId") for shard in shards]

    def iterator(self, shard_id: str, place: Place) -> str | None:
        """Return an iterator that begins at this place."""
        match place:
            case After(number):
                where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": number}
            case Since():
                where = {"ShardIteratorType": "TRIM_HORIZON"}
            case start:
                where = {"ShardIteratorType": start}
        return _text(self.client.get_shard_iterator(StreamArn=self.arn, ShardId=shard_id, **where).get("ShardIterator"))

    def page(self, shard_id: str, iterator: str) -> Page:
        """Return the records that the iterator finds."""
        del shard_id
        answer = self.client.get_records(ShardIterator=iterator)
        records = [
            StreamRecord(
                record["dynamodb"]["SequenceNumber"],
                dynamodb_raw(record, self.arn, self.region),
                _changed_at(record["dynamodb"]),
            )
            for record in answer["Records"]
        ]
        return Page(records, _text(answer.get("NextShardIterator")), None)


def _changed_at(change: Mapping[str, Any]) -> float:
    created: datetime | None = change.get("ApproximateCreationDateTime")
    return time.time() if created is None else created.timestamp()


def _shard_facts(shard: Mapping[str, Any], *parents: str) -> ShardFacts:
    return ShardFacts(shard["ShardId"], frozenset(str(shard[name]) for name in parents if shard.get(name)))


def _text(given: object) -> str | None:
    return given if isinstance(given, str) else None
