"""Backoff for SQS: failed messages come back later each time, or when their error says.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibilityBatch.html
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextvars import copy_context
from math import ceil, isnan
from threading import Lock, Thread
from typing import Any, NamedTuple

from typing_extensions import TypeVar

from batchfold.core._guards import is_list, is_mapping
from batchfold.core.batch import Batch
from batchfold.core.outcomes import Failed, Unprocessed
from batchfold.core.records import item_name
from batchfold.shell.sqs_client import CALLS_AT_ONCE, ChangesVisibility, clients_of, is_unreachable
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

_MOST_LINES = 3
"""How many problems of one kind are logged one by one."""


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
            problems: list[_Problem] = []
            calls = _in_calls(self._timeouts(batch, problems))
            _Calls(calls, self._client_of, batch.ms_left, problems).to_the_end()
            _log_all(problems)
        except Exception as error:  # noqa: BLE001  # the response must be returned, whatever happens here
            _log("the records that failed", error)
        return batch

    @property
    def _client(self) -> ChangesVisibility:
        """The client for the queue that was given, whose settings can be looked at."""
        return self._client_of(self._queue_url or "")

    def _timeouts(
        self, batch: Batch[object, object, SqsRecord, object], problems: list[_Problem]
    ) -> Iterator[_Timeout]:
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
                    problems.append(_Problem(type(error).__name__, (item_name(outcome.item_id),), error=error))
        for of_lane, record, name in coming_back:
            timeout = seconds.get(of_lane if of_lane in seconds else stopped_by)
            if timeout is None:
                continue
            receipt_handle: object = record.raw.get("receiptHandle")
            queue_url = self._queue_of(record)
            if isinstance(receipt_handle, str) and receipt_handle and queue_url is not None:
                yield _Timeout(name, queue_url, receipt_handle, timeout)
            else:
                missing = "receiptHandle" if queue_url is not None else "eventSourceARN of a queue"
                problems.append(_Problem(missing, (name,), f"the record has no {missing}"))

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

    def _queue_of(self, record: SqsRecord) -> str | None:
        """Return the URL of the record's queue: the one that was given, unless the record is of another queue."""
        arn: object = record.raw.get("eventSourceARN")
        own = _queue_url_of(arn) if isinstance(arn, str) else None
        given = self._queue_url
        if given is None or own is None:
            return own if given is None else given
        return given if _last_part(given) == _last_part(own) else own


class _Timeout(NamedTuple):
    """When a message becomes visible again."""

    name: str
    queue_url: str
    receipt_handle: str
    seconds: int


class _Problem(NamedTuple):
    """Records that keep the visibility timeout that they have."""

    kind: str
    names: tuple[str, ...]
    why: str | None = None
    error: Exception | None = None


class _Calls:
    """The calls of one batch, made side by side by threads that end with it.

    No call begins once the reserve is reached, or after SQS could not be reached. A call that is under way at the reserve
    is left to its own time-out: waiting for it could cost the whole invocation, and it changes nothing but when its
    messages come back.
    """

    def __init__(
        self,
        calls: Iterable[Sequence[_Timeout]],
        client_of: Callable[[str], ChangesVisibility],
        ms_left: Callable[[], int] | None,
        problems: list[_Problem],
    ) -> None:
        self._waiting = deque(calls)
        self._client_of = client_of
        self._ms_left = ms_left
        self._problems = problems
        self._under_way: list[Sequence[_Timeout]] = []
        self._stopped_by: str | None = None
        self._lock = Lock()

    def to_the_end(self) -> None:
        """Make the calls, and return when all have ended or the reserve is reached."""
        threads: list[Thread] = []
        for number in range(min(CALLS_AT_ONCE, len(self._waiting))):
            thread = Thread(target=copy_context().run, args=(self._work,), name=f"sqs_backoff-{number}", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the environment has no more threads; the ones that run do the work
                break
            threads.append(thread)
        if not threads:
            self._work()
        for thread in threads:
            while thread.is_alive() and not self._is_stopped_by_time():
                thread.join(None if self._ms_left is None else max(self._ms_left(), 1) / 1000)
        with self._lock:  # from here on, a thread that was left says nothing more
            self._problems, problems = [], self._problems
            for calls, why in ((self._waiting, self._stopped_by), (self._under_way, "SQS had not answered yet")):
                if names := tuple(timeout.name for call in calls for timeout in call):
                    problems.append(_Problem("no answer", names, why))

    def _work(self) -> None:
        while (call := self._next()) is not None:
            found = self._make(call)
            with self._lock:
                self._under_way.remove(call)
                self._problems += found

    def _next(self) -> Sequence[_Timeout] | None:
        if self._is_stopped_by_time():
            return None
        with self._lock:
            if self._stopped_by is not None or not self._waiting:
                return None
            call = self._waiting.popleft()
            self._under_way.append(call)
            return call

    def _is_stopped_by_time(self) -> bool:
        if self._ms_left is None or self._ms_left() > 0:
            return False
        self._stopped_by = self._stopped_by or "no time was left"
        return True

    def _make(self, call: Sequence[_Timeout]) -> list[_Problem]:
        """Make one call, and return the problems with it, which concern its messages alone."""
        entries = [
            {"Id": str(index), "ReceiptHandle": timeout.receipt_handle, "VisibilityTimeout": timeout.seconds}
            for index, timeout in enumerate(call)
        ]
        queue_url = call[0].queue_url
        try:
            client = self._client_of(queue_url)
            answer: object = client.change_message_visibility_batch(QueueUrl=queue_url, Entries=entries)
            refused = answer.get("Failed", ()) if is_mapping(answer) else None
            if not is_list(refused):
                raise TypeError(f"SQS answered with a {type(answer).__name__} that cannot be read")  # noqa: TRY301  # as any other answer that cannot be read
            return [
                _Problem(str(entry.get("Code")), (call[int(entry["Id"])].name,), _code_and_message(entry))
                for entry in refused
            ]
        except Exception as error:  # noqa: BLE001  # the next call may fare better
            if is_unreachable(error):
                self._stopped_by = "SQS could not be reached before"
            return [_Problem(type(error).__name__, tuple(timeout.name for timeout in call), error=error)]


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


_SUFFIXES = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}
_PARTS_OF_ARN = 6


def _queue_url_of(arn: str) -> str | None:
    parts = arn.split(":")
    if len(parts) != _PARTS_OF_ARN or parts[2] != "sqs" or parts[1] not in _SUFFIXES:
        return None
    return f"https://sqs.{parts[3]}.{_SUFFIXES[parts[1]]}/{parts[4]}/{parts[5]}"


def _called(seconds: Callable[[Failed[object, SqsRecord]], object], failed: Failed[object, SqsRecord]) -> object:
    return seconds(failed)  # an untyped function may return anything


def _last_part(queue_url: str) -> str:
    return queue_url.rstrip("/").rpartition("/")[2]


def _code_and_message(entry: Mapping[str, Any]) -> str:
    return f"{entry.get('Code')}: {entry.get('Message')}"


def _log_all(problems: Sequence[_Problem]) -> None:
    """Write the first problems of each kind, one with its traceback, and how many records the others are about."""
    by_kind: dict[str, list[_Problem]] = {}
    for problem in problems:
        by_kind.setdefault(problem.kind, []).append(problem)
    for kind, of_kind in by_kind.items():
        for at, problem in enumerate(of_kind[:_MOST_LINES]):
            _log(f"{_listed(problem.names)} ({problem.why or kind})", None if at else problem.error)
        if more := sum(len(problem.names) for problem in of_kind[_MOST_LINES:]):
            _log(f"{more} more records ({kind})")


def _listed(names: Sequence[str]) -> str:
    shown, more = names[:_MOST_ENTRIES], len(names) - _MOST_ENTRIES
    return f"record{'s' * (len(names) > 1)} {', '.join(shown)}{f' and {more} more' if more > 0 else ''}"


def _log(records: str, error: Exception | None = None) -> None:
    from batchfold.shell.respond import log_no_backoff  # noqa: PLC0415  # logging costs a cold start 7 ms

    log_no_backoff(records, error)
