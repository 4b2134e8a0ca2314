"""Payloads in S3, with AWS's extended client as the sender and moto as S3."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from pydantic import BaseModel
from returns.result import Failure, Result, Success
from tests.shell.extended_client import BUCKET, extended_client

from batchfold import (
    Batch,
    Crashed,
    DeletesObjects,
    GetsObjects,
    Malformed,
    PayloadError,
    Source,
    SqsRecord,
    as_lambda_handler,
    delete_fetched,
    discard,
    fetched,
    fold_batch,
    fold_batch_async,
    respond,
    s3_pointers,
    sqs,
)
from batchfold.testing import LambdaContext, SqsMessage, sqs_event

V = TypeVar("V")

SECRET = "s3cr3t"  # noqa: S105  # it stands for a payload
NEW = "software.amazon.payloadoffloading.PayloadS3Pointer"
OLD = "com.amazon.sqs.javamessaging.MessageS3Pointer"


class Order(BaseModel):
    id: str
    note: str = ""


def reserve(record: SqsRecord[Order]) -> Result[str, str]:
    return Failure("no") if record.body.id == "bad" else Success(record.body.id)


async def reserve_async(record: SqsRecord[Order]) -> Result[str, str]:
    return reserve(record)


def pointer(key: object, bucket: object = BUCKET, form: str = NEW) -> str:
    return json.dumps([form, {"s3BucketName": bucket, "s3Key": key}])


# ------------------------------------------------------------ against moto
@pytest.fixture
def extended(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield extended_client()


@pytest.fixture
def s3(extended: Any) -> Any:
    """boto3's client, with the bucket in place."""
    assert extended.large_payload_support == BUCKET
    untyped: Any = boto3
    return untyped.client("s3")


class AsyncClient:
    """An async client around boto3's; its bodies are read in small pieces, as a network's are."""

    def __init__(self, client: Any) -> None:
        self.client = client

    async def get_object(self, **request: Any) -> Mapping[str, Any]:
        await asyncio.sleep(0)
        answer: Mapping[str, Any] = self.client.get_object(**request)
        return {**answer, "Body": AsyncBody(answer["Body"])}

    async def delete_objects(self, **request: Any) -> Mapping[str, Any]:
        await asyncio.sleep(0)
        answer: Mapping[str, Any] = self.client.delete_objects(**request)
        return answer


class AsyncBody:
    def __init__(self, body: Any) -> None:
        self.body = body

    async def read(self, size: int) -> bytes:
        await asyncio.sleep(0)
        read: bytes = self.body.read(min(size, 100_000))
        return read

    async def close(self) -> None:
        self.body.close()


class AiobotocoreClient(AsyncClient):
    """As aiobotocore has them: plain methods that return the coroutine of another one."""

    def get_object(self, **request: Any) -> Any:
        return self._make_api_call("get_object", request)

    def delete_objects(self, **request: Any) -> Any:
        return self._make_api_call("delete_objects", request)

    async def _make_api_call(self, name: str, request: dict[str, Any]) -> Any:
        return await getattr(super(), name)(**request)


def outcomes_of(event: dict[str, Any], client: GetsObjects | AsyncClient, **options: Any) -> Batch[str, str, SqsRecord]:
    if isinstance(client, AsyncClient):
        source = fetched(sqs(Order), s3_pointers(client, **options))
        return asyncio.run(fold_batch_async(event, reserve_async, source))
    return fold_batch(event, reserve, source_with(client, **options))


def source_with(client: GetsObjects, **options: Any) -> Source[SqsRecord[Order], SqsRecord]:
    return fetched(sqs(Order), s3_pointers(client, **options))


Wrap = Callable[[Any], Any]


def as_it_is(client: GetsObjects) -> GetsObjects:
    return client


WRAPS: list[Wrap] = [as_it_is, AsyncClient, AiobotocoreClient]
CLIENTS = pytest.mark.parametrize("wrap", WRAPS)


def delivered(queue: str) -> dict[str, Any]:
    """Receive what is in the queue with a client that fetches nothing, as Lambda does."""
    plain: Any = boto3.session.Session(region_name="eu-west-1").client("sqs")  # pyright: ignore[reportUnknownMemberType]  # stubs of others are missing
    received = plain.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    return sqs_event(
        *(
            SqsMessage(
                each["Body"],
                message_attributes={
                    name: int(value["StringValue"]) for name, value in each.get("MessageAttributes", {}).items()
                },
            )
            for each in received["Messages"]
        )
    )


@CLIENTS
@pytest.mark.parametrize("legacy", [False, True])
def test_what_the_extended_client_sent_arrives_as_it_was(extended: Any, s3: Any, wrap: Wrap, *, legacy: bool) -> None:
    extended.use_legacy_attribute = legacy
    queue = extended.create_queue(QueueName="orders")["QueueUrl"]
    bodies = [json.dumps({"id": name, "note": "\u6f22" * size}) for name, size in (("small", 1), ("large", 400_000))]
    for body in bodies:
        extended.send_message(QueueUrl=queue, MessageBody=body)
    event = delivered(queue)
    assert sum((OLD if legacy else NEW) in raw["body"] for raw in event["Records"]) == 1
    batch = outcomes_of(event, wrap(s3))
    assert sorted(outcome.value for outcome in batch.succeeded) == ["large", "small"]


@CLIENTS
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (pointer("nothing"), "NoSuchKey"),
        (pointer("k", "no-such-bucket"), "NoSuchBucket"),
        (pointer("k", "no bucket"), "cannot have"),
        (pointer(None), "s3Key"),
        (pointer(""), "s3Key"),
        (json.dumps([NEW]), "s3Key"),
        (json.dumps([NEW, "x"]), "s3Key"),
        (pointer("large"), "max_bytes is 1000"),
        (pointer("latin"), "utf-8"),
    ],
)
def test_what_the_next_attempt_would_not_find_either_is_malformed(s3: Any, wrap: Wrap, body: str, says: str) -> None:
    s3.put_object(Bucket=BUCKET, Key="large", Body=b"x" * 1_001)
    s3.put_object(Bucket=BUCKET, Key="latin", Body=b"\xff")
    (failed,) = outcomes_of(sqs_event(body), wrap(s3), max_bytes=1_000).failed
    assert isinstance(failed.fault, Malformed)
    assert says in str(failed.fault.error)


@CLIENTS
def test_an_object_of_just_the_limit_is_fetched(s3: Any, wrap: Wrap) -> None:
    body = b'{"id": "a"}'
    s3.put_object(Bucket=BUCKET, Key="k", Body=body)
    assert outcomes_of(sqs_event(pointer("k")), wrap(s3), max_bytes=len(body)).succeeded


@CLIENTS
def test_a_pointer_to_another_bucket_than_the_allowed_one_is_malformed(s3: Any, wrap: Wrap) -> None:
    s3.put_object(Bucket=BUCKET, Key="k", Body=b'{"id": "a"}')
    assert outcomes_of(sqs_event(pointer("k")), wrap(s3), bucket=BUCKET).succeeded
    (failed,) = outcomes_of(sqs_event(pointer("k")), wrap(s3), bucket="other").failed
    assert isinstance(failed.fault, Malformed)
    assert BUCKET not in str(failed.fault.error)


def keys_in(s3: Any) -> set[str]:
    return {each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())}


def delete(
    client: DeletesObjects | AsyncClient, batch: Batch[V, str, SqsRecord], **options: Any
) -> Batch[V, str, SqsRecord]:
    if isinstance(client, AsyncClient):
        return asyncio.run(delete_fetched(client, **options)(batch))
    return delete_fetched(client, **options)(batch)


@CLIENTS
def test_the_objects_of_records_that_succeeded_are_deleted_and_no_others(s3: Any, wrap: Wrap) -> None:
    for key, body in (("good", "good"), ("bad", "bad"), ("settled", "bad"), ("other", "good"), ("twice", "good")):
        s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps({"id": body}).encode())
    event = sqs_event(pointer("good"), pointer("bad"), {"id": "plain"}, pointer("settled"), pointer("twice", form=OLD))
    batch: Any = fold_batch(
        event,
        reserve,
        source_with(s3),
        settle=discard(when=lambda failed: failed.raw is event["Records"][3]),
    )
    assert len(batch.settled) == 1
    client = wrap(s3)
    assert delete(client, batch, bucket="elsewhere") is batch
    assert len(keys_in(s3)) == 5
    assert delete(client, batch) is batch
    assert keys_in(s3) == {"bad", "settled", "other"}


@CLIENTS
def test_an_object_that_a_record_still_needs_is_kept_though_another_one_is_done(s3: Any, wrap: Wrap) -> None:
    s3.put_object(Bucket=BUCKET, Key="k", Body=b'{"id": "a"}')
    event = sqs_event(pointer("k"), pointer("k"))
    failing = {event["Records"][1]["messageId"]}

    def handle(record: SqsRecord[Order]) -> Result[None, str]:
        return Failure("no") if record.message_id in failing else Success(None)

    batch = fold_batch(event, handle, source_with(s3))
    delete(wrap(s3), batch)
    assert keys_in(s3) == {"k"}
    failing.clear()
    delete(wrap(s3), fold_batch(event, handle, source_with(s3)))
    assert keys_in(s3) == set()


def test_a_function_fetches_and_deletes_on_its_own_loop(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="k", Body=b'{"id": "a"}')
    client = AiobotocoreClient(s3)
    lambda_handler = as_lambda_handler(
        reserve_async, fetched(sqs(Order), s3_pointers(client)), then=delete_fetched(client), reserve_ms=1_000
    )
    assert lambda_handler(sqs_event(pointer("k"), {"id": "b"}), LambdaContext()) == {"batchItemFailures": []}
    assert keys_in(s3) == set()


# ------------------------------------------------------------ against clients of our own
class Answer(Exception):  # noqa: N818  # stands for botocore's ClientError
    def __init__(self, code: object) -> None:
        super().__init__(SECRET)
        self.response: Any = {"Error": {"Code": code}}


class Client:
    """Answers as told, and remembers what was deleted."""

    def __init__(self, error: Exception | None = None, **answer: Any) -> None:
        self.error = error
        self.answer = answer
        self.deleted: list[tuple[str, list[str]]] = []

    def get_object(self, **_request: Any) -> Mapping[str, Any]:
        if self.error is not None:
            raise self.error
        return self.answer

    def delete_objects(self, **request: Any) -> Mapping[str, Any]:
        self.deleted.append((request["Bucket"], [each["Key"] for each in request["Delete"]["Objects"]]))
        if self.error is not None:
            raise self.error
        return self.answer


class Body:
    """A body that gives a few bytes at a time, or breaks."""

    def __init__(self, content: bytes, error: Exception | None = None) -> None:
        self.content = content
        self.error = error
        self.is_closed = False

    def read(self, size: int) -> bytes:
        if self.error is not None:
            raise self.error
        read, self.content = self.content[: min(size, 3)], self.content[min(size, 3) :]
        return read

    def close(self) -> None:
        self.is_closed = True


class ParamValidationError(Exception): ...


class UnknownRegion(Exception):  # noqa: N818  # stands for botocore's InvalidRegionError
    ...


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (Answer("NoSuchKey"), Malformed),
        (Answer("NoSuchBucket"), Malformed),
        (Answer("AccessDenied"), Malformed),
        (ParamValidationError(), Malformed),
        (Answer("SlowDown"), Crashed),
        (Answer("InternalError"), Crashed),
        (Answer("ExpiredToken"), Crashed),
        (Answer("RequestTimeTooSkewed"), Crashed),
        (Answer(None), Crashed),
        (TimeoutError(), Crashed),
        (ConnectionResetError(), Crashed),
        (ValueError("Invalid region"), Crashed),
        (KeyError("Body"), Crashed),
        (RecursionError(), Crashed),
    ],
    ids=repr,
)
@pytest.mark.parametrize("is_read", [False, True])
def test_what_may_pass_is_crashed_and_what_cannot_is_malformed(error: Exception, fault: type, *, is_read: bool) -> None:
    body = Body(b"", error)
    client = Client(Body=body) if is_read else Client(error)
    (failed,) = fold_batch(sqs_event(pointer("k")), reserve, fetched(sqs(Order), s3_pointers(client))).failed
    assert type(failed.fault) is fault
    assert body.is_closed == is_read
    if fault is Malformed:
        assert SECRET not in str(failed.fault.error)


@given(size=st.integers(0, 40), most=st.integers(0, 40), says=st.booleans())
def test_no_more_is_read_than_the_limit_whatever_the_answer_says_of_the_length(
    size: int, most: int, *, says: bool
) -> None:
    body = Body(b"x" * size)
    client = Client(Body=body, ContentLength=size if says else None)
    record = SqsRecord(sqs_event(pointer("k"))["Records"][0])
    if size > most:
        with pytest.raises(PayloadError, match="max_bytes"):
            s3_pointers(client, max_bytes=most)(record)
        assert says <= (len(body.content) == size)  # nothing was read where the length was known
    else:
        assert s3_pointers(client, max_bytes=most)(record)["body"] == "x" * size
    assert body.is_closed


def test_a_client_that_has_to_be_awaited_and_does_not_say_so_is_crashed() -> None:
    class Undeclared(Client):
        def get_object(self, **_request: Any) -> Any:
            return Async(self).get_object()

    (failed,) = fold_batch(sqs_event(pointer("k")), reserve, fetched(sqs(Order), s3_pointers(Undeclared()))).failed
    assert isinstance(failed.fault, Crashed)
    assert "returned an awaitable" in str(failed.fault.error)


@given(body=st.text() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_a_body_that_is_no_pointer_is_not_fetched(body: str) -> None:
    client = Client(AssertionError())
    record = SqsRecord(sqs_event("x")["Records"][0] | {"body": body})
    assert s3_pointers(client)(record) is record.raw


@pytest.mark.parametrize(
    "body",
    [f"[{NEW!r}", f"{NEW}", json.dumps({NEW: 1}), json.dumps([1, NEW]), json.dumps([[NEW]]), f'["{NEW}", {{', "[]"],
)
def test_a_body_that_only_mentions_a_pointer_is_not_fetched(body: str) -> None:
    record = SqsRecord(sqs_event(body)["Records"][0])
    assert s3_pointers(Client(AssertionError()))(record) is record.raw


def succeeded(count: int, buckets: int = 1) -> Any:
    event = sqs_event(*(pointer(f"k{number}", f"b{number % buckets}") for number in range(count)))
    return fold_batch(event, lambda _record: Success(None), sqs())


def test_a_thousand_objects_of_one_bucket_are_deleted_at_a_time() -> None:
    client = Client()
    threads = set(threading.enumerate())
    delete_fetched(client)(succeeded(2_500, buckets=2))
    assert sorted((bucket, len(keys)) for bucket, keys in client.deleted) == [
        ("b0", 250),
        ("b0", 1_000),
        ("b1", 250),
        ("b1", 1_000),
    ]
    assert len({key for _bucket, keys in client.deleted for key in keys}) == 2_500
    assert set(threading.enumerate()) == threads


class Async:
    """The same client, to be awaited."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def delete_objects(self, **request: Any) -> Mapping[str, Any]:
        return self.client.delete_objects(**request)

    async def get_object(self) -> Mapping[str, Any]:
        await asyncio.sleep(0)
        raise NotImplementedError


FORBIDDEN = {"Key": "k1", "Code": "AccessDenied", "Message": "Access Denied"}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"Errors": [FORBIDDEN]}, "AccessDenied"),
        ({"Errors": [{**FORBIDDEN, "Key": "another"}]}, "KeyError"),
        ({"Errors": 3}, "TypeError"),
        ({"Errors": [None]}, "Error"),
        (Answer("SlowDown"), "Answer"),
        (OSError("no route to host"), "OSError"),
    ],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_what_was_not_deleted_is_logged_and_the_response_stands(
    answer: Any, says: str, caplog: pytest.LogCaptureFixture, *, is_async: bool
) -> None:
    client = Client(answer) if isinstance(answer, Exception) else Client(**answer)
    batch = succeeded(3)
    deleted: Any = asyncio.run(delete_fetched(Async(client))(batch)) if is_async else delete_fetched(client)(batch)
    assert respond(deleted) == {"batchItemFailures": []}
    assert "was not deleted and stays in S3" in caplog.text
    assert says in caplog.text
    assert batch.succeeded[1].record.message_id in caplog.text


@pytest.mark.parametrize("is_async", [False, True])
def test_nothing_more_is_deleted_after_s3_could_not_be_reached(*, is_async: bool) -> None:
    client = Client(OSError("no route to host"))
    batch = succeeded(30_000, buckets=30)
    if is_async:
        asyncio.run(delete_fetched(Async(client))(batch))
        assert len(client.deleted) == 1
    else:
        delete_fetched(client)(batch)
        assert len(client.deleted) <= 10


def test_where_nothing_was_fetched_s3_is_not_asked() -> None:
    client = Client()
    delete_fetched(client)(fold_batch(sqs_event("a", "b"), lambda _record: Success(None), sqs()))
    assert not client.deleted
