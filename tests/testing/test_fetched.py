"""The model plays functions whose payloads lie elsewhere: fetching may fail as any attempt may."""

import io
from typing import Any, ClassVar

import pytest
from returns.result import safe

from batchfold import SqsRecord, as_lambda_handler, delete_fetched, fetched, pipes, s3_pointers, sqs
from batchfold.testing import (
    Effect,
    EventSource,
    FailureSchedule,
    Fate,
    LambdaFunction,
    MakeFunction,
    SqsPipe,
    SqsQueue,
    UnsafeFunctionError,
    assert_safe,
    drain,
    s3_pointer,
)


class GoneError(Exception):
    response: ClassVar[dict[str, dict[str, str]]] = {"Error": {"Code": "NoSuchKey"}}


class Store:
    """Objects by key: each holds its key, until it is deleted."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803  # boto3's own
        assert Bucket == "payloads"
        if Key in self.deleted:
            raise GoneError
        return {"Body": io.BytesIO(Key.encode())}

    def delete_objects(self, *, Bucket: str, Delete: Any) -> dict[str, Any]:  # noqa: N803  # boto3's own
        assert Bucket == "payloads"
        self.deleted += [each["Key"] for each in Delete["Objects"]]
        return {}


class HastyStore(Store):
    """Deletes an object when it is read."""

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803  # boto3's own
        found = super().get_object(Bucket=Bucket, Key=Key)
        self.deleted.append(Key)
        return found


def pointer(name: str) -> object:
    return s3_pointer(name).body


def fetching(store: type[Store] = Store, *, by_pipe: bool = False) -> MakeFunction:
    def make(effect: Effect) -> LambdaFunction:
        s3 = store()
        source = fetched(sqs(str), s3_pointers(s3))

        @safe
        def reserve(record: SqsRecord[str]) -> None:
            effect(record.body)

        return as_lambda_handler(reserve, pipes(source) if by_pipe else source, then=delete_fetched(s3))

    return make


@pytest.mark.parametrize("source", [SqsQueue(), SqsQueue(fifo=True, max_receive_count=3), SqsPipe(fifo=True)])
def test_a_function_that_deletes_objects_of_what_is_done_is_safe(source: EventSource) -> None:
    make = fetching(by_pipe=isinstance(source, SqsPipe))
    assert_safe(make, source=source, payload=pointer, max_examples=50)


def test_a_function_that_deletes_objects_too_early_is_caught() -> None:
    with pytest.raises(UnsafeFunctionError, match="A1 is still in the source"):
        assert_safe(fetching(HastyStore), source=SqsQueue(), payload=pointer, max_examples=50)


def test_the_object_of_a_dead_letter_is_kept() -> None:
    stores: list[Store] = []

    class Kept(Store):
        def __init__(self) -> None:
            super().__init__()
            stores.append(self)

    schedule = FailureSchedule(never_succeed={"A1"})
    source = SqsQueue(max_receive_count=2)
    history = drain(fetching(Kept), source=source, records=["A1", "A2"], schedule=schedule, payload=pointer)
    assert history.fates == {"A1": Fate.DEAD_LETTER, "A2": Fate.DONE}
    assert stores[0].deleted == ["A2"]
