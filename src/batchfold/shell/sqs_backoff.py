"""Backoff for SQS: what failed comes back later each time.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibilityBatch.html
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from batchfold.core._guards import is_list, is_mapping
from batchfold.core.batch import Batch
from batchfold.core.outcomes import Failed, Unprocessed
from batchfold.shell.sqs_client import ChangesVisibility, sqs_client
from batchfold.sources.sqs import SqsRecord

V = TypeVar("V")
E = TypeVar("E")

_MOST_ENTRIES = 10
"""What one call takes."""

_LONGEST_SECONDS = 12 * 3_600 - 20 * 60
"""A message may be invisible for 12 hours in all since it was received. Of those, a batching window of 5 minutes and an
invocation of 15 may have passed."""

_MOST_DOUBLINGS = 32
"""More would only make the number longer: a second has become 136 years by then."""


class SqsBackoff:
    """Sets when the failed records of a batch come back. Made by `sqs_backoff`."""

    __slots__ = ("_base_seconds", "_client", "_max_seconds", "_queue_url", "_random")

    def __init__(
        self,
        queue_url: str,
        *,
        base_seconds: float,
        max_seconds: float,
        client: ChangesVisibility,
        random: Callable[[], float],
    ) -> None:
        self._queue_url = queue_url
        self._base_seconds = base_seconds
        self._max_seconds = max_seconds
        self._client = client
        self._random = random

    def __call__(self, batch: Batch[V, E, SqsRecord], /) -> Batch[V, E, SqsRecord]:
        """Set the visibility timeouts, and return the batch as it is. It raises no `Exception`; it logs."""
        try:
            timeouts = self._timeouts(batch)
            for start in range(0, len(timeouts), _MOST_ENTRIES):
                self._set(timeouts[start : start + _MOST_ENTRIES])
        except Exception as error:  # noqa: BLE001  # the response must be returned, whatever happens here
            _log("the records that failed", error)
        return batch

    def _timeouts(self, batch: Batch[Any, Any, SqsRecord]) -> list[_Timeout]:
        """One timeout for each lane in which a record failed, for all that comes back of the lane."""
        if not batch.failed:
            return []
        counts: dict[Hashable, int] = {}
        coming_back: list[tuple[Hashable, SqsRecord]] = []
        for outcome, lane in zip(batch.outcomes, batch.lanes, strict=True):
            key = object() if lane is None else lane
            if isinstance(outcome, Failed | Unprocessed):
                coming_back.append((key, outcome.record))
            if isinstance(outcome, Failed):
                counts[key] = max(counts.get(key, 1), outcome.record.approximate_receive_count)
        seconds = {key: self._draw(count) for key, count in counts.items()}
        return [
            _Timeout(record.message_id, record.receipt_handle, seconds[key])
            for key, record in coming_back
            if key in seconds
        ]

    def _draw(self, receive_count: int) -> int:
        doublings = min(receive_count - 1, _MOST_DOUBLINGS)
        most = min(self._base_seconds * 2**doublings, self._max_seconds)
        return min(int(self._random() * (most + 1)), int(most))

    def _set(self, timeouts: Sequence[_Timeout]) -> None:
        """One call. What goes wrong with it concerns its messages alone."""
        entries = [
            {"Id": str(index), "ReceiptHandle": timeout.receipt_handle, "VisibilityTimeout": timeout.seconds}
            for index, timeout in enumerate(timeouts)
        ]
        try:
            answer: object = self._client.change_message_visibility_batch(QueueUrl=self._queue_url, Entries=entries)
            failed = answer.get("Failed", ()) if is_mapping(answer) else None
            if not is_list(failed):
                raise TypeError(f"SQS answered with a {type(answer).__name__} that cannot be read")  # noqa: TRY301  # as for any other answer
            for entry in failed:
                _log(f"record {timeouts[int(entry['Id'])].message_id} ({_why(entry)})")
        except Exception as error:  # noqa: BLE001  # the next ten may fare better
            _log(f"records {', '.join(timeout.message_id for timeout in timeouts)}", error)


class _Timeout(NamedTuple):
    """When a message becomes visible again."""

    message_id: str
    receipt_handle: str
    seconds: int


def sqs_backoff(
    queue_url: str,
    *,
    base_seconds: float = 10,
    max_seconds: float = 900,
    client: ChangesVisibility | None = None,
    random: Callable[[], float] | None = None,
) -> SqsBackoff:
    """Make a function of `Batch` that has failed messages come back later each time; it goes before `respond`.

    Make it when the module is loaded: without a `client` it makes one with boto3 (`pip install "batchfold[sqs]"`). The
    function's role needs `sqs:ChangeMessageVisibility` on the queue.

        back_off = sqs_backoff(QUEUE_URL)

        def lambda_handler(event, context):
            return respond(back_off(fold_batch(event, reserve, sqs(Order))))

    A failed message becomes visible again after a random time: up to `base_seconds` the first time it was received, up to
    twice as long each further time, at most up to `max_seconds`. (Exponential backoff with full jitter,
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.) A message in flight holds up its lane, so
    what was not started of a lane comes back together with what failed in it. Lanes in which nothing failed, such as
    those that time ran out for, keep the queue's visibility timeout.

    It never raises: where SQS refuses, or cannot be reached, the timeout that stands remains, an error is logged for
    each message that SQS named, and the batch's response is the same either way.

    Args:
        queue_url: the queue that the function is invoked for.
        base_seconds: the longest wait after the first receive; above 0.
        max_seconds: the longest wait at all. SQS allows 12 hours in all since a message was received; 20 minutes of
            them are left for the batching window and the invocation.
        client: boto3's SQS client, or any object with its `change_message_visibility_batch`.
        random: gives numbers from 0 (included) to 1; `random.random` if it is `None`.

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
        client=sqs_client("sqs_backoff") if client is None else client,
        random=random,
    )


def _why(entry: Mapping[str, Any]) -> str:
    return f"{entry.get('Code')}: {entry.get('Message')}"


def _log(what: str, error: Exception | None = None) -> None:
    from batchfold.shell.respond import log_no_backoff  # noqa: PLC0415  # logging costs a cold start 7 ms

    log_no_backoff(what, error)
