"""Payloads in S3: SQS messages whose body is a pointer, as AWS's extended client sends what is larger than SQS takes.

`fetched(sqs(Order), s3_pointers(client))` fetches them, `delete_fetched(client)` deletes them once their message is done.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-managing-large-messages.html
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, cast, overload, runtime_checkable

from typing_extensions import TypeVar

from batchfold.core.batch import AnyBatch, Batch
from batchfold.core.faults import PayloadError
from batchfold.core.handlers import is_async_function, is_awaitable, is_coroutine_function
from batchfold.core.outcomes import Succeeded
from batchfold.core.records import RawRecord, item_name
from batchfold.shell.aws_calls import Entry, Problem, call_for_batch, call_for_batch_async, refused
from batchfold.sources.sqs import SqsRecord

V = TypeVar("V")
E = TypeVar("E")
A = TypeVar("A")


@runtime_checkable
class GetsObjects(Protocol):
    """The part of boto3's S3 client that `s3_pointers` calls."""

    def get_object(self, *, Bucket: str, Key: str) -> Mapping[str, Any]: ...  # noqa: D102, N803  # boto3's own


@runtime_checkable
class GetsObjectsAsync(Protocol):
    """The same of an async client, such as aioboto3's."""

    async def get_object(self, *, Bucket: str, Key: str) -> Mapping[str, Any]: ...  # noqa: D102, N803  # boto3's own


@runtime_checkable
class DeletesObjects(Protocol):
    """The part of boto3's S3 client that `delete_fetched` calls."""

    def delete_objects(self, *, Bucket: str, Delete: Any) -> Mapping[str, Any]: ...  # noqa: D102, N803  # boto3's own


@runtime_checkable
class DeletesObjectsAsync(Protocol):
    """The same of an async client, such as aioboto3's."""

    async def delete_objects(self, *, Bucket: str, Delete: Any) -> Mapping[str, Any]: ...  # noqa: D102, N803  # boto3's own


class _Pointer(NamedTuple):
    bucket: str
    key: str


_POINTERS = frozenset(
    ("software.amazon.payloadoffloading.PayloadS3Pointer", "com.amazon.sqs.javamessaging.MessageS3Pointer")
)
"""The first element of a pointer: the class that the Java clients write it from, and that of their older versions."""

_NEVER_THERE = frozenset(
    ("AccessDenied", "AllAccessDisabled", "InvalidBucketName", "KeyTooLongError", "NoSuchBucket", "NoSuchKey")
)
"""The answers of S3 that the next attempt would get too."""

_MOST_BYTES = 32 * 2**20
_BYTES_AT_A_TIME = 2**20
_MOST_KEYS = 1_000
"""The number of objects that one call deletes."""

_NOT_DELETED = "the object of {} was not deleted and stays in S3"


@overload  # an untyped client is taken for one that does not have to be awaited
def s3_pointers(
    client: GetsObjects, *, max_bytes: int = _MOST_BYTES, bucket: str | None = None
) -> Callable[[SqsRecord], RawRecord]: ...
@overload
def s3_pointers(
    client: GetsObjectsAsync, *, max_bytes: int = _MOST_BYTES, bucket: str | None = None
) -> Callable[[SqsRecord], Awaitable[RawRecord]]: ...
def s3_pointers(client: Any, *, max_bytes: int = _MOST_BYTES, bucket: str | None = None) -> Callable[[SqsRecord], Any]:
    """Make a `fetch` for `fetched` that gets bodies from S3. A body that is no pointer stays as it is.

        source = fetched(sqs(Order), s3_pointers(boto3.client("s3")))

    An object that does not exist, may not be read, is too large or is no text makes its record `Malformed`: the next
    attempt would find the same. Whatever may pass, such as throttling and time-outs, makes it `Crashed`. The function's
    role needs `s3:GetObject`; without `s3:ListBucket` S3 calls a missing object a forbidden one.

    Args:
        client: boto3's S3 client, or any object with its `get_object`; if that is async, as in aioboto3, so is the
            `fetch`. Give it time-outs that your function's own allows: boto3's default is to wait for minutes.
        max_bytes: the largest object that is fetched. The sender chooses what is read into the function's memory.
        bucket: the only bucket that a pointer may name. By default, the sender chooses among all that the role may read.
    """

    async def fetch(record: SqsRecord) -> RawRecord:
        pointer = _pointer_in(record, bucket)
        if pointer is None:
            return record.raw
        content = bytearray()
        try:
            answer = await _now(client.get_object(Bucket=pointer.bucket, Key=pointer.key))
            body = answer["Body"]
            try:
                _refuse_large(answer.get("ContentLength"), max_bytes)
                while chunk := await _now(body.read(_BYTES_AT_A_TIME)):
                    content += chunk
                    _refuse_large(len(content), max_bytes)
            finally:
                await _now(body.close())
        except Exception as error:
            raise _sorted(error) from error
        return {**record.raw, "body": content.decode()}

    def fetch_at_once(record: SqsRecord) -> RawRecord:
        try:
            fetch(record).send(None)
        except StopIteration as done:  # it has awaited nothing, for the client is not async
            fetched: RawRecord = done.value
            return fetched
        raise TypeError("the client of s3_pointers is not async, and one of its methods returned an awaitable")

    return fetch if _is_async(client, "get_object") else fetch_at_once


async def _now(value: Any) -> Any:
    return await value if is_awaitable(value) else value


@overload  # an untyped client is taken for one that does not have to be awaited
def delete_fetched(
    client: DeletesObjects, *, bucket: str | None = None
) -> Callable[[Batch[V, E, SqsRecord, A]], Batch[V, E, SqsRecord, A]]: ...
@overload
def delete_fetched(
    client: DeletesObjectsAsync, *, bucket: str | None = None
) -> Callable[[Batch[V, E, SqsRecord, A]], Coroutine[Any, Any, Batch[V, E, SqsRecord, A]]]: ...
def delete_fetched(client: Any, *, bucket: str | None = None) -> Callable[[Batch[Any, Any, SqsRecord, Any]], Any]:
    """Make a function of `Batch` that deletes the objects that the bodies of its records point to.

    Give it as `then=`, or call it between `fold_batch` and `respond`:

        as_lambda_handler(reserve, fetched(sqs(Order), s3_pointers(s3)), then=delete_fetched(s3))

    Only the objects of records that succeeded are deleted: the others are needed when their records come back, or by
    whoever reads the dead letters. The function's role needs `s3:DeleteObject`. It never raises: what could not be deleted
    is logged.

    SQS may deliver a message again although it was done; then its object is gone and the record `Malformed`. Where that
    matters, or where `raise_on="any_failure"` has all records come back, let a lifecycle rule of the bucket delete instead.

    Args:
        client: boto3's S3 client, or any object with its `delete_objects` that threads may share; if that is async, so
            is the function, for async handlers.
        bucket: the only bucket in which objects are deleted. By default, the sender chooses among all in which the role may.
    """

    def delete(batch: Batch[V, E, SqsRecord, A], /) -> Batch[V, E, SqsRecord, A]:
        def call(deletions: Sequence[Entry]) -> list[Problem]:
            return _problems_in(client.delete_objects(**_request(deletions)), deletions)

        call_for_batch(_deletions(batch, bucket), _MOST_KEYS, call, batch.ms_left, _NOT_DELETED)
        return batch

    async def delete_async(batch: Batch[V, E, SqsRecord, A], /) -> Batch[V, E, SqsRecord, A]:
        async def call(deletions: Sequence[Entry]) -> list[Problem]:
            return _problems_in(await client.delete_objects(**_request(deletions)), deletions)

        await call_for_batch_async(_deletions(batch, bucket), _MOST_KEYS, call, batch.ms_left, _NOT_DELETED)
        return batch

    return delete_async if _is_async(client, "delete_objects") else delete


def _pointer_in(record: SqsRecord, bucket: str | None) -> _Pointer | None:
    """Return the pointer that is the record's body; `None` if the body is none. Raises `PayloadError` for a broken one."""
    body: object = record.raw.get("body")
    if not isinstance(body, str) or not any(name in body[:200] for name in _POINTERS):
        return None
    try:
        found: Any = json.loads(body)
    except ValueError:
        return None
    match found:
        case [str(kind), {"s3BucketName": str(name), "s3Key": str(key)}, *_] if kind in _POINTERS and name and key:
            pointer = _Pointer(name, key)
        case [str(kind), *_] if kind in _POINTERS:
            raise PayloadError("expected the pointer to S3 in 'body' to hold a text 's3BucketName' and a text 's3Key'")
        case _:
            return None
    if bucket is not None and pointer.bucket != bucket:
        raise PayloadError("the pointer to S3 in 'body' names another bucket than the one that bucket= allows")
    return pointer


def _refuse_large(size: object, max_bytes: int) -> None:
    if isinstance(size, int) and size > max_bytes:
        raise PayloadError(f"the object that 'body' points to has {size} bytes or more, and max_bytes is {max_bytes}")


def _sorted(error: Exception) -> Exception:
    """Return the exception that says whether the next attempt would fail too: a `ValueError` if so, none if not."""
    if isinstance(error, PayloadError):
        return error
    match getattr(error, "response", None):
        case {"Error": {"Code": str(code)}} if code in _NEVER_THERE:
            return PayloadError(f"S3 answers {code} for the object that 'body' points to")
        case _:
            pass
    if type(error).__name__ == "ParamValidationError":
        return PayloadError("'body' points to a bucket or a key that S3 cannot have")
    if isinstance(error, ValueError | RecursionError):  # such as botocore's for a region that it does not know
        return RuntimeError(f"fetching the object that 'body' points to raised {type(error).__name__}")
    return error


def _deletions(batch: AnyBatch, bucket: str | None) -> Iterator[Entry]:
    """Yield each object that a record which succeeded points to, and none that is still needed."""
    done: dict[_Pointer, list[str]] = {}
    kept: set[_Pointer] = set()
    for outcome in batch.outcomes:
        try:
            pointer = _pointer_in(cast("SqsRecord", outcome.record), bucket)  # only its `raw` is read
        except PayloadError:
            continue
        if pointer is None:
            continue
        if isinstance(outcome, Succeeded):
            done.setdefault(pointer, []).append(item_name(outcome.item_id))
        else:
            kept.add(pointer)
    for pointer, names in done.items():
        if pointer not in kept:
            yield Entry(pointer.bucket, pointer.key, tuple(names))


def _request(deletions: Sequence[Entry]) -> dict[str, Any]:
    keys = [{"Key": entry.asked} for entry in deletions]
    return {"Bucket": deletions[0].place, "Delete": {"Objects": keys, "Quiet": True}}


def _problems_in(answer: object, deletions: Sequence[Entry]) -> list[Problem]:
    names = {entry.asked: entry.names for entry in deletions}
    return [Problem(str(error.get("Code")), names[error["Key"]]) for error in refused(answer, "Errors", "S3")]


def _is_async(client: object, method: str) -> bool:
    # aiobotocore's methods are plain functions that return what this one does
    return is_async_function(getattr(client, method)) or is_coroutine_function(getattr(client, "_make_api_call", None))
