"""Backoff for SQS: failed messages come back later each time, or when their error says.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibilityBatch.html
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from math import ceil, isnan
from typing import cast

from typing_extensions import TypeVar

from batchfold.core.batch import Batch
from batchfold.core.outcomes import Failed, Unprocessed
from batchfold.core.records import item_name
from batchfold.shell.aws_calls import Entry, Problem, call_for_batch, refused
from batchfold.shell.sqs_client import ChangesVisibility, clients_of
from batchfold.sources.sqs import SqsRecord

V = TypeVar("V")
E = TypeVar("E")
A = TypeVar("A")

_MOST_ENTRIES = 10
"""The number of messages that one call takes."""

_LONGEST_SECONDS = 12 * 3_600 - 20 * 60
"""A message may be invisible for 12 hours in all since it was received. Of those, a batching window of 5 minutes and an
invocation of 15 may have passed."""

_MOST_DOUBLINGS = 32
"""More would only make the number longer: a second has become 136 years by then."""


class SqsBackoff:
    """Sets when the failed records of a batch come back. Made by `sqs_backoff`."""

    __slots__ = ("_client_of", "_queue_url", "_seconds_of")

    def __init__(
        self,
        queue_url: str | None,
        seconds_of: Callable[[Failed[object, SqsRecord]], int],
        client_of: Callable[[str], ChangesVisibility],
    ) -> None:
        self._queue_url = queue_url
        self._seconds_of = seconds_of
        self._client_of = client_of

    def __call__(self, batch: Batch[V, E, SqsRecord, A], /) -> Batch[V, E, SqsRecord, A]:
        """Set the visibility timeouts, and return the batch as it is. It raises no `Exception`; it logs."""
        fate = "no backoff for {}: SQS delivers again after the visibility timeout that stands"
        call_for_batch(self._timeouts(batch), _MOST_ENTRIES, self._set, batch.ms_left, fate)
        return batch

    @property
    def _client(self) -> ChangesVisibility:
        """The client for the queue that was given, whose settings can be looked at."""
        return self._client_of(self._queue_url or "")

    def _set(self, timeouts: Sequence[Entry]) -> Iterator[Problem]:
        """Make one call, and yield the problems of its messages."""
        entries = [
            {"Id": str(index), "ReceiptHandle": receipt_handle, "VisibilityTimeout": seconds}
            for index, (_, (receipt_handle, seconds), _) in enumerate(timeouts)
        ]
        queue_url = timeouts[0].place
        answer = self._client_of(queue_url).change_message_visibility_batch(QueueUrl=queue_url, Entries=entries)
        for entry in refused(answer, "Failed", "SQS"):
            code = str(entry.get("Code"))
            yield Problem(code, timeouts[int(entry["Id"])].names, f"{code}: {entry.get('Message')}")

    def _timeouts(self, batch: Batch[object, object, SqsRecord, object]) -> Iterator[Entry | Problem]:
        """Yield a timeout for each record that comes back of a lane in which one failed: one and the same in a lane.

        Where `stop_when` stopped the batch, other lanes come back together with the record that it picked.
        """
        if not batch.failed:
            return
        lanes: list[Hashable] = [object() if lane is None else lane for lane in batch.lanes]
        stopped_by = None if batch.stopped_at is None else lanes[batch.stopped_at]
        seconds: dict[Hashable, int | None] = {}
        for lane, outcome in zip(lanes, batch.outcomes, strict=True):
            if isinstance(outcome, Failed):
                try:
                    seconds[lane] = max(seconds.get(lane) or 0, self._seconds_of(outcome))
                except Exception as error:  # noqa: BLE001  # of the user's function; other lanes have their backoff
                    seconds.setdefault(lane, None)
                    yield Problem(type(error).__name__, (item_name(outcome.item_id),), error=error)
        for lane, outcome in zip(lanes, batch.outcomes, strict=True):
            timeout = seconds.get(lane if lane in seconds else stopped_by)
            if timeout is None or not isinstance(outcome, Failed | Unprocessed):
                continue
            names = (item_name(outcome.item_id),)
            receipt_handle: object = outcome.record.raw.get("receiptHandle")
            queue_url = self._queue_of(outcome.record)
            if isinstance(receipt_handle, str) and receipt_handle and queue_url:
                yield Entry(queue_url, (receipt_handle, timeout), names)
            else:
                missing = "receiptHandle" if queue_url else "eventSourceARN of a queue"
                yield Problem(missing, names, f"the record has no {missing}")

    def _queue_of(self, record: SqsRecord) -> str:
        """Return the URL of the record's queue: the one that was given, unless the record is of another queue."""
        own, given = record.queue_url, self._queue_url
        if given is None:
            return own
        return given if not own or _last_part(given) == _last_part(own) else own


def sqs_backoff(
    queue_url: str | None = None,
    *,
    base_seconds: float = 10,
    max_seconds: float = 900,
    seconds: Callable[[Failed[object, SqsRecord]], float | None] | None = None,
    client: ChangesVisibility | None = None,
    random: Callable[[], float] | None = None,
) -> SqsBackoff:
    """Make a function of `Batch` that has failed messages come back later each time; it goes before `respond`.

    Make it when the module is loaded. The function's role needs `sqs:ChangeMessageVisibility` on the queue.

        back_off = sqs_backoff()

        def lambda_handler(event, context):
            return respond(back_off(fold_batch(event, reserve, sqs(Order))))

    A failed message becomes visible again after a random time: up to `base_seconds` the first time it was received, up to
    twice as long each further time, at most up to `max_seconds` (exponential backoff with full jitter,
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). The unprocessed rest of a lane comes back
    together with the failed message in it; where `stop_when` stopped the batch, so does everything that was not started.
    Lanes that time ran out for keep the queue's visibility timeout.

    It never raises: where SQS refuses, or cannot be reached, the visibility timeout stays as it is, and an error is logged.
    Ten calls of ten messages each are made at a time, in threads that end with the call. None is begun after one that could
    not reach SQS, or at the reserve of `reserve_ms`, when none is waited for any longer either.

    Args:
        queue_url: the queue that the function is invoked for, where its ARN does not lead to it (an endpoint in a VPC, a
            simulation). By default each record tells its queue. Records of a queue with another name go to their own.
        base_seconds: the longest wait after the first receive; above 0.
        max_seconds: the longest wait, at most 11 h 40 min: SQS allows 12 hours since a message was received, in which the
            batching window and the invocation fall.
        seconds: from a failed record to the seconds that it waits, such as those of a `Retry-After`; `None` for the random
            time. Cut to 0 and to the longest that SQS allows, `max_seconds` or not.
        client: boto3's SQS client, or any object with its `change_message_visibility_batch` that threads may share. It has
            time-outs of its own; boto3's default is to wait for minutes. Without one, boto3
            (`pip install "batchfold[sqs]"`) makes it when it is first needed.
        random: returns numbers from 0 (included) to 1; `random.random` if it is `None`.

    Raises `ValueError` for times out of these bounds, `ImportError` without boto3.
    """
    if not 0 < base_seconds <= max_seconds <= _LONGEST_SECONDS:
        raise ValueError(
            f"expected 0 < base_seconds <= max_seconds <= {_LONGEST_SECONDS}, got {base_seconds} and {max_seconds}"
        )
    if random is None:
        from random import random as pythons_random  # noqa: PLC0415  # costs a cold start 5 ms

        random = pythons_random
    draw = random

    def seconds_of(failed: Failed[object, SqsRecord]) -> int:
        told = None if seconds is None else cast("object", seconds(failed))  # an untyped function may return anything
        if told is None:
            doublings = min(failed.record.approximate_receive_count - 1, _MOST_DOUBLINGS)
            most = min(base_seconds * 2**doublings, max_seconds)
            return min(int(draw() * (most + 1)), int(most))
        if isinstance(told, bool) or not isinstance(told, float | int) or isnan(told):
            raise TypeError(f"seconds= returned a {type(told).__name__}, expected a number of seconds, or None")
        return ceil(min(max(told, 0), _LONGEST_SECONDS))

    return SqsBackoff(queue_url, seconds_of, clients_of(client, "sqs_backoff"))


def _last_part(queue_url: str) -> str:
    return queue_url.rstrip("/").rpartition("/")[2]
