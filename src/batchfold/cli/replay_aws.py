"""The APIs that a replay calls: the queue with what was given up, and the shards that still have the records.

Everything that decides how long messages are hidden, and when they are visible again, lives in this file. While a message
is held, nobody else receives it; what is not deleted is released, so the queue is left as it was found. A process that is
killed releases nothing: then the visibility timeout, which is kept short, ends by itself.
"""

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any, TypeVar

from batchfold.cli.account import RefusedError
from batchfold.cli.api_events import dynamodb_raw, kinesis_raw
from batchfold.cli.aws import Aws, code_of, told
from batchfold.cli.replay_given_up import Letter, OneRecord, ShardRange, region_of_arn
from batchfold.shell.sqs_client import region_of
from batchfold.testing.piped import flat

T = TypeVar("T")

_AT_ONCE = 10
"""Messages in one call, the most that SQS takes."""

_WAIT_SECONDS = 1
"""A receive that waits asks all servers of SQS, so one that brings nothing says that nothing is there."""

_HELD_SECONDS = 300
_LONGEST_HELD_SECONDS = 43_200

_EMPTY_READS = 10
_PAUSE_SECONDS = 0.2
"""A shard may answer with nothing and still have more; it allows five reads a second."""

_ARE_GONE = ("TrimmedDataAccessException", "ExpiredIteratorException", "ResourceNotFoundException")
_MAY_BE_GONE = ("InvalidArgumentException", "ValidationException")


class AwsError(RefusedError):
    """A call to AWS failed. `is_gone` says that what was asked for does not exist any more."""

    def __init__(self, message: str, *, is_gone: bool = False) -> None:
        super().__init__(message)
        self.is_gone = is_gone


class Clients:
    """boto3's clients, made at first use, one for each service and region."""

    def __init__(self, endpoint_url: str | None, region: str | None) -> None:
        self.endpoint_url = endpoint_url
        self._region = region
        self._made: dict[tuple[str, str | None], Any] = {}

    def of(self, service: str, region: str | None) -> Any:
        """Return the client of a service, in this region unless `--region` names another one."""
        wanted = (service, self._region or region)
        if wanted not in self._made:
            aws = Aws("batchfold replay", "poll", region=wanted[1], endpoint_url=self.endpoint_url)
            self._made[wanted] = aws.client(service, wait_seconds=_WAIT_SECONDS)
        return self._made[wanted]

    @contextmanager
    def asking(self, of: str) -> Generator[None, None, None]:
        """Raise `AwsError` with one line for what boto3 raises about the queue or the stream."""
        try:
            yield
        except AwsError:
            raise
        except Exception as error:
            if (line := told(error, of, self.endpoint_url)) is None:
                raise
            code = code_of(error)
            # Kinesis and DynamoDB say of a sequence number that is too old that it is no valid one
            is_gone = code in _ARE_GONE or (code in _MAY_BE_GONE and "equence" in str(error))
            raise AwsError(line, is_gone=is_gone) from None


class Queue:
    """A queue that letters are received from, held, and then deleted or released."""

    def __init__(self, url: str, clients: Clients, *, needed_seconds: float) -> None:
        """Ask the queue what it is. `needed_seconds` is the longest time that passes between two calls of `hold`."""
        self.url = url
        self._sqs = clients.of("sqs", region_of(url))
        self._asking = clients.asking
        self._name = f"queue {url}"
        self._needed = needed_seconds
        self._window = min(_LONGEST_HELD_SECONDS, max(_HELD_SECONDS, int(2 * needed_seconds)))
        self._held: dict[str, float] = {}
        self._is_first_round = True
        self._rounds_began: datetime | None = None
        with self._asking(self._name):
            answer = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn", "RedrivePolicy"])
        attributes: Mapping[str, str] = answer.get("Attributes", {})
        self.arn = attributes.get("QueueArn", "")
        self.is_fifo = url.endswith(".fifo")
        self.moves_on = "maxReceiveCount" in attributes.get("RedrivePolicy", "")
        """True if the queue moves messages that are received too often, which a replay adds to."""

    def source_arn(self) -> str | None:
        """Return the ARN of the queue whose dead letters come here, if there is exactly one."""
        try:
            with self._asking(self._name):
                answer = self._sqs.list_dead_letter_source_queues(QueueUrl=self.url, MaxResults=2)
                urls: Sequence[str] = answer.get("queueUrls", ())
                if len(urls) != 1:
                    return None
                found = self._sqs.get_queue_attributes(QueueUrl=urls[0], AttributeNames=["QueueArn"])
        except AwsError:  # it may not be allowed, and then the messages tell, or --source-arn does
            return None
        arn: str | None = found.get("Attributes", {}).get("QueueArn")
        return arn

    def waiting(self) -> int:
        """Return how many messages are visible, roughly."""
        with self._asking(self._name):
            answer = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(answer.get("Attributes", {}).get("ApproximateNumberOfMessages", 0))

    def receive(self, most: int, go_on: Callable[[], bool]) -> list[Letter]:
        """Receive and hold what is there: at most so many messages, as long as it is to go on.

        Messages that were sent after the first round are not returned: the function itself may send what fails to this
        very queue, and it would go round for ever.
        """
        letters: dict[str, Letter] = {}
        while go_on() and len(letters) < most:
            with self._asking(self._name):
                answer = self._sqs.receive_message(
                    QueueUrl=self.url,
                    MaxNumberOfMessages=min(_AT_ONCE, most - len(letters)),
                    WaitTimeSeconds=_WAIT_SECONDS,
                    VisibilityTimeout=self._window,
                    MessageSystemAttributeNames=["All"],
                    MessageAttributeNames=["All"],
                )
            received: Sequence[Mapping[str, Any]] = answer.get("Messages", ())
            if self._is_first_round:
                self._rounds_began = _date_of(answer)
            for message in received:
                self._held[message["ReceiptHandle"]] = time.monotonic() + self._window
                letter = Letter(
                    name=message["MessageId"],
                    body=message.get("Body", ""),
                    message=message,
                    handle=message["ReceiptHandle"],
                )
                if not self._is_new(letter):
                    letters[letter.name] = letter  # one that comes twice has a new handle
            if not received:
                break
            self.hold()
        self._is_first_round = False
        return list(letters.values())

    def _is_new(self, letter: Letter) -> bool:
        if self._is_first_round or self._rounds_began is None:
            return False
        # the date has whole seconds; one that is sent before they are over is taken once more, and then no more
        return int(letter.attribute("SentTimestamp") or 0) > (self._rounds_began.timestamp() + 1) * 1_000

    def hold(self) -> None:
        """Hide for longer what would be visible again too early. What cannot be hidden is held no more."""
        now = time.monotonic()
        due = [handle for handle, until in self._held.items() if until < now + self._needed]
        for handle, error in self._change(due, self._window):
            if error is None:
                self._held[handle] = now + self._window
            else:
                del self._held[handle]

    def is_held(self, letter: Letter) -> bool:
        """Return whether the message is still hidden, so that nobody else can have received it."""
        return letter.handle is not None and self._held.get(letter.handle, 0.0) > time.monotonic()

    def delete(self, letters: Sequence[Letter]) -> list[Letter]:
        """Delete messages, and return those that were not deleted."""
        kept: list[Letter] = []
        for part in _parts(letters):
            by_id = {str(position): letter for position, letter in enumerate(part)}
            entries = [{"Id": name, "ReceiptHandle": letter.handle} for name, letter in by_id.items()]
            with self._asking(self._name):
                answer = self._sqs.delete_message_batch(QueueUrl=self.url, Entries=entries)
            failed = {entry["Id"] for entry in answer.get("Failed", ())}
            for name, letter in by_id.items():
                if name in failed:
                    kept.append(letter)
                else:
                    self._held.pop(letter.handle or "", None)
        return kept

    def release(self) -> int:
        """Make visible again what is still held, and return for how many messages that failed."""
        failed = sum(error is not None for _, error in self._change(list(self._held), 0))
        self._held.clear()
        return failed

    def _change(self, handles: Sequence[str], seconds: int) -> Iterator[tuple[str, str | None]]:
        """Set the visibility timeout, and yield each handle with the reason if that failed."""
        for part in _parts(handles):
            by_id = {str(position): handle for position, handle in enumerate(part)}
            entries = [
                {"Id": name, "ReceiptHandle": handle, "VisibilityTimeout": seconds} for name, handle in by_id.items()
            ]
            try:
                with self._asking(self._name):
                    answer = self._sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)
            except AwsError as error:
                yield from ((handle, str(error)) for handle in part)
                continue
            failed = {entry["Id"]: str(entry.get("Code")) for entry in answer.get("Failed", ())}
            yield from ((handle, failed.get(name)) for name, handle in by_id.items())


def _parts(listed: Sequence[T]) -> Iterator[Sequence[T]]:
    return (listed[start : start + _AT_ONCE] for start in range(0, len(listed), _AT_ONCE))


def _date_of(answer: Mapping[str, Any]) -> datetime:
    """Return the time of the service, which need not be that of this machine."""
    date: str | None = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return datetime.now(UTC) if date is None else parsedate_to_datetime(date)


class StreamReader:
    """Reads ranges of shards."""

    def __init__(self, clients: Clients, between_reads: Callable[[], bool]) -> None:
        """`between_reads` is called before each read, and says whether to go on."""
        self._clients = clients
        self._between_reads = between_reads

    def fetched(self, wanted: ShardRange) -> list[OneRecord]:
        """Return the records of a range that are still in the shard.

        Raises `AwsError`.
        """
        end = int(wanted.end)
        found: list[OneRecord] = []
        for record in self._records(wanted):
            if int(str(record.item_id)) > end:
                break
            found.append(record)
            if int(str(record.item_id)) == end:
                break
        return found

    def _records(self, wanted: ShardRange) -> Iterator[OneRecord]:
        region = region_of_arn(wanted.stream_arn)
        of = f"{wanted.shard_id} of {wanted.stream_arn}"
        if wanted.shape == "kinesis":
            api = self._clients.of("kinesis", region or None)
            of_stream = {"StreamARN": wanted.stream_arn}
            start = {"StartingSequenceNumber": wanted.start, **of_stream}
        else:
            api = self._clients.of("dynamodbstreams", region or None)
            of_stream = {}
            start = {"SequenceNumber": wanted.start, "StreamArn": wanted.stream_arn}
        with self._clients.asking(of):
            iterator: str | None = api.get_shard_iterator(
                ShardId=wanted.shard_id, ShardIteratorType="AT_SEQUENCE_NUMBER", **start
            )["ShardIterator"]
        empty = count()
        while iterator is not None and self._between_reads():
            with self._clients.asking(of):
                answer = api.get_records(ShardIterator=iterator, Limit=1_000, **of_stream)
            for record in answer["Records"]:
                yield _as_delivered(record, wanted, region)
            if not answer["Records"]:
                if answer.get("MillisBehindLatest") == 0 or next(empty) >= _EMPTY_READS:
                    return
                time.sleep(_PAUSE_SECONDS)
            iterator = answer.get("NextShardIterator")


def _as_delivered(record: Mapping[str, Any], wanted: ShardRange, region: str) -> OneRecord:
    if wanted.shape == "kinesis":
        raw = kinesis_raw(record, wanted.shard_id, wanted.stream_arn, region)
        return OneRecord(raw=raw, shape="kinesis", item_id=raw["kinesis"]["sequenceNumber"])
    raw = dynamodb_raw(record, wanted.stream_arn, region)
    return OneRecord(raw=raw, shape="dynamodb", item_id=raw["dynamodb"]["SequenceNumber"])


def as_piped(record: OneRecord) -> OneRecord:
    """Return a record of a stream as EventBridge Pipes delivers it: flat if it is one of Kinesis, named by its event id.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-kinesis.html
    """
    raw = flat(record.raw)
    item_id = raw.get("eventID") if record.shape in ("kinesis", "dynamodb") else record.item_id
    return OneRecord(raw=raw, shape=record.shape, item_id=item_id, group=record.group, by_pipe=True)
