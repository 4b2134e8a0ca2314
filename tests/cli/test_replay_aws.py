"""The queue that a replay reads from: how long messages are hidden, and calls that SQS refuses in part."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from batchfold.cli.replay_aws import AwsError, Clients, Queue

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/given-up"


class Sqs:
    """Three messages, and what is asked of them. The ones in `refused` cannot be changed or deleted."""

    def __init__(self) -> None:
        self.messages = [{"MessageId": f"m{at}", "ReceiptHandle": f"h{at}", "Body": ""} for at in range(3)]
        self.hidden: list[tuple[str, int]] = []
        self.deleted: list[str] = []
        self.refused: set[str] = set()

    def get_queue_attributes(self, **_asked: Any) -> dict[str, Any]:
        return {"Attributes": {"QueueArn": "arn:aws:sqs:eu-west-1:123456789012:given-up"}}

    def receive_message(self, **_asked: Any) -> dict[str, Any]:
        received, self.messages = self.messages, []
        return {"Messages": received} if received else {}

    def change_message_visibility_batch(self, *, Entries: Sequence[Mapping[str, Any]], **_asked: Any) -> dict[str, Any]:  # noqa: N803  # as AWS spells it
        self.hidden += [(entry["ReceiptHandle"], entry["VisibilityTimeout"]) for entry in Entries]
        return self._answer(Entries)

    def delete_message_batch(self, *, Entries: Sequence[Mapping[str, Any]], **_asked: Any) -> dict[str, Any]:  # noqa: N803  # as AWS spells it
        self.deleted += [entry["ReceiptHandle"] for entry in Entries]
        return self._answer(Entries)

    def _answer(self, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        failed = [
            {"Id": entry["Id"], "Code": "ReceiptHandleIsInvalid"}
            for entry in entries
            if entry["ReceiptHandle"] in self.refused
        ]
        return {"Failed": failed}


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Sqs:
    sqs = Sqs()

    def of(_clients: Clients, _service: str, _region: str | None) -> Sqs:
        return sqs

    monkeypatch.setattr(Clients, "of", of)
    return sqs


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of this machine, which the test sets."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_messages_are_hidden_for_longer_before_a_call_that_may_outlast_them(sqs: Sqs, clock: list[float]) -> None:
    queue = Queue(QUEUE, Clients(None, None), needed_seconds=120)
    letters = queue.receive(10, lambda: True)
    queue.hold()
    assert not sqs.hidden, "five minutes are left"
    clock[0] = 200.0
    queue.hold()
    assert sqs.hidden == [(f"h{at}", 300) for at in range(3)]
    assert all(map(queue.is_held, letters))


def test_a_message_that_cannot_be_hidden_any_longer_is_not_held(sqs: Sqs, clock: list[float]) -> None:
    queue = Queue(QUEUE, Clients(None, None), needed_seconds=120)
    letters = queue.receive(10, lambda: True)
    sqs.refused = {"h1"}
    clock[0] = 200.0
    queue.hold()
    assert [queue.is_held(letter) for letter in letters] == [True, False, True]
    sqs.hidden.clear()
    assert queue.release() == 0
    assert sqs.hidden == [("h0", 0), ("h2", 0)], "what somebody else may have is not touched"


def test_what_is_deleted_is_not_released_and_what_is_refused_is_returned(sqs: Sqs) -> None:
    queue = Queue(QUEUE, Clients(None, None), needed_seconds=120)
    letters = queue.receive(10, lambda: True)
    sqs.refused = {"h2"}
    assert queue.delete([letters[0], letters[2]]) == [letters[2]]
    sqs.refused = set()
    queue.release()
    assert sqs.hidden == [("h1", 0), ("h2", 0)]


def test_a_sequence_number_that_is_too_old_is_told_from_a_refusal() -> None:
    from botocore.exceptions import ClientError  # noqa: PLC0415  # heavy

    def error(code: str, message: str) -> AwsError:
        with pytest.raises(AwsError) as raised, Clients(None, None).asking("shardId-1"):
            raise ClientError({"Error": {"Code": code, "Message": message}}, "GetShardIterator")
        return raised.value

    assert error("TrimmedDataAccessException", "Attempted access to trimmed data").is_gone
    assert error("InvalidArgumentException", "StartingSequenceNumber 1 used in GetShardIterator is invalid").is_gone
    assert not error("AccessDeniedException", "not authorized").is_gone
