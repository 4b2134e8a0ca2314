"""Backoff for SQS: failed messages come back later each time, or when their error says.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibilityBatch.html
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from math import ceil, isnan
from typing import NamedTuple

from typing_extensions import TypeVar

from batchfold.core._guards import is_list, is_mapping
from batchfold.core.batch import Batch
from batchfold.core.outcomes import Failed, Unprocessed
from batchfold.core.records import item_name
from batchfold.shell.aws_calls import Calls, Problem, log_problems
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

    __slots__ = ("_base_seconds", "_client_of", "_max_seconds", "_queue_url", "_random", "_seconds")

    def __init__(
        self,
        queue_url: str | None,
        *,
        base_seconds: float,
        max_seconds: float,
        seconds: Callable[[Failed[object, SqsRecord]], float | None] | None,
        client_of: Callable[[str], ChangesVisibility],
        random: Callable[[], float],
    ) -> None:
        self._queue_url = queue_url
        self._base_seconds = base_seconds
        self._max_seconds = max_seconds
        self._seconds = seconds
        self._client_of = client_of
        self._random = random

    def __call__(self, batch: Batch[V, E, SqsRecord, A], /) -> Batch[V, E, SqsRecord, A]:
        """Set the visibility timeouts, and return the batch as it is. It raises no `Exception`; it logs."""
        try:
            problems: list[Problem] = []
            calls = _in_calls(self._timeouts(batch, problems))
            problems += Calls(calls, self._set, _names_of, batch.ms_left).to_the_end()
        except Exception as error:  # noqa: BLE001  # the response must be returned, whatever happens here
            names = tuple(item_name(failed.item_id) for failed in batch.failed)
            problems = [Problem(type(error).__name__, names, error=error)]
        log_problems(problems, "no backoff for {}: SQS delivers again after the visibility timeout that stands")
        return batch

    def _set(self, call: Sequence[_Timeout]) -> Sequence[Problem]:
        """Make one call, and return the problems of its messages."""
        entries = [
            {"Id": str(index), "ReceiptHandle": timeout.receipt_handle, "VisibilityTimeout": timeout.seconds}
            for index, timeout in enumerate(call)
        ]
        queue_url = call[0].queue_url
        answer: object = self._client_of(queue_url).change_message_visibility_batch(QueueUrl=queue_url, Entries=entries)
        refused = answer.get("Failed", ()) if is_mapping(answer) else None
        if not is_list(refused):
            raise TypeError(f"SQS answered with a {type(answer).__name__} that cannot be read")
        return [
            Problem(
                str(entry.get("Code")), (call[int(entry["Id"])].name,), f"{entry.get('Code')}: {entry.get('Message')}"
            )
            for entry in refused
        ]

    @property
    def _client(self) -> ChangesVisibility:
        """The client for the queue that was given, whose settings can be looked at."""
        return self._client_of(self._queue_url or "")

    def _timeouts(self, batch: Batch[object, object, SqsRecord, object], problems: list[Problem]) -> Iterator[_Timeout]:
        """Yield a timeout for each record that comes back of a lane in which one failed: one and the same in a lane.

        Where `stop_when` stopped the batch, other lanes come back together with the record that it picked.
        """
        if not batch.failed:
            return
        seconds: dict[Hashable, int | None] = {}
        coming_back: list[tuple[Hashable, SqsRecord, str]] = []
        stopped_by: Hashable = None
        for position, (outcome, lane) in enumerate(zip(batch.outcomes, batch.lanes, strict=True)):
            key = object() if lane is None else lane
            if position == batch.stopped_at:
                stopped_by = key
            if isinstance(outcome, Failed | Unprocessed):
                coming_back.append((key, outcome.record, item_name(outcome.item_id)))
            if isinstance(outcome, Failed):
                try:
                    seconds[key] = max(seconds.get(key) or 0, self._seconds_of(outcome))
                except Exception as error:  # noqa: BLE001  # of the user's function; other lanes have their backoff
                    seconds.setdefault(key, None)
                    problems.append(Problem(type(error).__name__, (item_name(outcome.item_id),), error=error))
        for of_lane, record, name in coming_back:
            timeout = seconds.get(of_lane if of_lane in seconds else stopped_by)
            if timeout is None:
                continue
            receipt_handle: object = record.raw.get("receiptHandle")
            queue_url = self._queue_of(record)
            if isinstance(receipt_handle, str) and receipt_handle and queue_url:
                yield _Timeout(name, queue_url, receipt_handle, timeout)
            else:
                missing = "receiptHandle" if queue_url else "eventSourceARN of a queue"
                problems.append(Problem(missing, (name,), f"the record has no {missing}"))

    def _seconds_of(self, failed: Failed[object, SqsRecord]) -> int:
        seconds = None if self._seconds is None else _called(self._seconds, failed)
        if seconds is None:
            return self._draw(failed.record.approximate_receive_count)
        if isinstance(seconds, bool) or not isinstance(seconds, float | int) or isnan(seconds):
            raise TypeError(f"seconds= returned a {type(seconds).__name__}, expected a number of seconds, or None")
        return ceil(min(max(seconds, 0), _LONGEST_SECONDS))

    def _draw(self, receive_count: int) -> int:
        doublings = min(receive_count - 1, _MOST_DOUBLINGS)
        most = min(self._base_seconds * 2**doublings, self._max_seconds)
        return min(int(self._random() * (most + 1)), int(most))

    def _queue_of(self, record: SqsRecord) -> str:
        """Return the URL of the record's queue: the one that was given, unless the record is of another queue."""
        own, given = record.queue_url, self._queue_url
        if given is None:
            return own
        return given if not own or _last_part(given) == _last_part(own) else own


class _Timeout(NamedTuple):
    """When a message becomes visible again."""

    name: str
    queue_url: str
    receipt_handle: str
    seconds: int


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

    Make it when the module is loaded. Without a `client` it makes one with boto3 (`pip install "batchfold[sqs]"`) when it
    is first needed. The function's role needs `sqs:ChangeMessageVisibility` on the queue.

        back_off = sqs_backoff()

        def lambda_handler(event, context):
            return respond(back_off(fold_batch(event, reserve, sqs(Order))))

    A failed message becomes visible again after a random time: up to `base_seconds` the first time it was received, up to
    twice as long each further time, at most up to `max_seconds`. (Exponential backoff with full jitter,
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.) A message in flight holds up its lane, so
    the unprocessed rest of a lane comes back together with the failed message in it. Where `stop_when` stopped the batch,
    so does everything that was not started: to receive and put back a message counts as a receive. Lanes that time ran
    out for keep the queue's visibility timeout.

    It never raises: where SQS refuses, or cannot be reached, the visibility timeout stays as it is, an error is logged,
    and the batch's response is the same either way.

    Ten calls of ten messages each are made at a time, in threads that end with the call. After one that could not reach
    SQS none is begun. In a batch with `reserve_ms` none is begun at the reserve either, and none is waited for any longer.

    Args:
        queue_url: the queue that the function is invoked for, where its ARN does not lead to it (an endpoint in a VPC, a
            simulation). By default each record tells its queue. Records of a queue with another name go to their own.
        base_seconds: the longest wait after the first receive; above 0.
        max_seconds: the longest wait. SQS allows 12 hours in all since a message was received; 20 minutes of them are left
            for the batching window and the invocation.
        seconds: from a failed record to the seconds that it waits, such as those of a `Retry-After`; `None` for the random
            time of the other records. Cut to 0 and to the longest that SQS allows, `max_seconds` or not.
        client: boto3's SQS client, or any object with its `change_message_visibility_batch` that threads may share. It
            has time-outs of its own; boto3's default is to wait for minutes.
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
    return SqsBackoff(
        queue_url,
        base_seconds=base_seconds,
        max_seconds=max_seconds,
        seconds=seconds,
        client_of=clients_of(client, "sqs_backoff"),
        random=random,
    )


def _in_calls(timeouts: Iterable[_Timeout]) -> Iterator[Sequence[_Timeout]]:
    by_queue: dict[str, list[_Timeout]] = {}
    for timeout in timeouts:
        by_queue.setdefault(timeout.queue_url, []).append(timeout)
    for of_queue in by_queue.values():
        for start in range(0, len(of_queue), _MOST_ENTRIES):
            yield of_queue[start : start + _MOST_ENTRIES]


def _names_of(call: Sequence[_Timeout]) -> Iterator[str]:
    return (timeout.name for timeout in call)


def _called(seconds: Callable[[Failed[object, SqsRecord]], object], failed: Failed[object, SqsRecord]) -> object:
    return seconds(failed)  # an untyped function may return anything


def _last_part(queue_url: str) -> str:
    return queue_url.rstrip("/").rpartition("/")[2]
