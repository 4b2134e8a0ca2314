"""Polling a queue: receive, call, delete what is done, leave the rest to the visibility timeout.

One batch is under way at a time, so a message group is never in two. While it is, its messages stay hidden, however long
the function takes. Which messages are done is for the model of Lambda to say, and only those are deleted.
https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

import json
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from batchfold.cli.api_events import sqs_raw
from batchfold.cli.aws import Aws, Persevering, errors_told
from batchfold.cli.hiding import MOST_AT_ONCE, Hiding, Message
from batchfold.cli.polling import Poller
from batchfold.testing import SqsPipe, SqsQueue
from batchfold.testing.answers import not_done

LONG_POLL_SECONDS = 20
_SHORT_POLL_SECONDS = 1
"""The wait where the command is to end once the queue is empty."""


@dataclass(frozen=True)
class QueueFacts:
    """The attributes of a queue that a poll needs."""

    url: str
    arn: str
    visibility_seconds: int
    most_receives: int | None

    @property
    def name(self) -> str:
        """The queue's name."""
        return self.arn.rpartition(":")[2]

    @property
    def region(self) -> str:
        """The queue's region."""
        return self.arn.split(":")[3]


def queue_facts(client: Any, url: str, endpoint_url: str | None) -> QueueFacts:
    """Ask the queue for what it says of itself. Raises `RefusedError` if that fails."""
    with errors_told(f"queue {url}", endpoint_url):
        attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    redrive: Any = json.loads(attributes.get("RedrivePolicy") or "{}")
    return QueueFacts(
        url=url,
        arn=attributes["QueueArn"],
        visibility_seconds=int(attributes.get("VisibilityTimeout", "30")),
        most_receives=int(redrive["maxReceiveCount"]) if "maxReceiveCount" in redrive else None,
    )


def poll_queue(poller: Poller, aws: Aws, client: Any, facts: QueueFacts, settings: SqsQueue) -> None:
    """Poll until that is to end. Raises `Interrupted` for a signal, and `RefusedError` where AWS gives up."""
    _QueuePoller(poller, aws, client, facts, settings).poll()


class _QueuePoller:
    def __init__(self, poller: Poller, aws: Aws, client: Any, facts: QueueFacts, settings: SqsQueue) -> None:
        self._poller = poller
        self._endpoint_url = aws.endpoint_url
        self._client = client
        self._facts = facts
        self._settings = settings
        self._persevering = Persevering(poller.tell, is_asked_to_end=lambda: poller.stopping.is_asked)
        self._tally = poller.board.tally(facts.name)

    def poll(self) -> None:
        """Receive batches and call the function, until that is to end."""
        while not self._poller.has_invoked_enough:
            with self._told(), self._hiding() as hiding:
                messages = self._receive(hiding)
                if messages:
                    self._handle(messages, hiding)
                elif self._poller.until_empty and self._is_empty():
                    return

    def _handle(self, messages: Sequence[Message], hiding: Hiding) -> None:
        raws = [sqs_raw(message, self._facts.arn, self._facts.region) for message in messages]
        event = raws if isinstance(self._settings, SqsPipe) else {"Records": raws}
        invoked = self._poller.invoke(self._facts.name, event, {raw["messageId"]: at for at, raw in enumerate(raws)})
        back = not_done(invoked.reading, range(len(messages)))
        self._delete([message for at, message in enumerate(messages) if at not in back], hiding)
        soon = f"within {self._facts.visibility_seconds} s"
        returning = invoked.item_ids(back)
        done = frozenset(invoked.positions) - returning
        self._poller.settle(self._facts.name, invoked, done=done, back=returning, comes_back=soon)

    def _receive(self, hiding: Hiding) -> list[Message]:
        """Wait for messages, and with a batching window for more of them."""
        size, window = self._settings.batch_size, self._settings.maximum_batching_window_in_seconds
        self._poller.board.doing = "waiting for messages"
        wait = _SHORT_POLL_SECONDS if self._poller.until_empty else LONG_POLL_SECONDS
        messages: dict[str, Message] = {}
        until: float | None = None
        while len(messages) < size:
            received = self._receive_once(min(MOST_AT_ONCE, size - len(messages)), wait)
            hiding.hold(received)
            self._tally.received += len(received)
            # a message that comes a second time is the same record: the later receipt deletes it
            messages.update((message["MessageId"], message) for message in received)
            if until is None:
                if not received:
                    break
                until = time.monotonic() + window
            left = until - time.monotonic()
            if left <= 0:
                break
            wait = min(LONG_POLL_SECONDS, math.ceil(left))
        return list(messages.values())

    def _receive_once(self, most: int, wait: int) -> Sequence[Message]:
        with self._poller.stopping.waiting():
            answer = self._persevering(
                lambda: self._client.receive_message(
                    QueueUrl=self._facts.url,
                    MaxNumberOfMessages=most,
                    WaitTimeSeconds=wait,
                    MessageSystemAttributeNames=["All"],
                    MessageAttributeNames=["All"],
                )
            )
        return cast("Sequence[Message]", answer.get("Messages", []))

    def _is_empty(self) -> bool:
        """Return whether the queue says that it holds nothing, neither hidden nor delayed."""
        names = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
        with self._poller.stopping.waiting():
            answer = self._persevering(
                lambda: self._client.get_queue_attributes(QueueUrl=self._facts.url, AttributeNames=names)
            )
        return all(int(answer.get("Attributes", {}).get(name, "0")) == 0 for name in names)

    def _delete(self, messages: Sequence[Message], hiding: Hiding) -> None:
        for begin in range(0, len(messages), MOST_AT_ONCE):
            some = messages[begin : begin + MOST_AT_ONCE]
            hiding.let_go(some)
            entries = [{"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]} for at, message in enumerate(some)]
            answer = self._persevering(partial(self._delete_once, entries))
            for failure in answer.get("Failed", []):
                item_id = some[int(failure["Id"])]["MessageId"]
                self._poller.tell(f"{item_id} is done, could not be deleted and comes again: {failure.get('Code', '')}")

    def _delete_once(self, entries: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:
        return cast(
            "Mapping[str, Any]", self._client.delete_message_batch(QueueUrl=self._facts.url, Entries=list(entries))
        )

    def _hiding(self) -> Hiding:
        return Hiding(self._client, self._facts.url, self._facts.visibility_seconds, self._poller.tell)

    def _told(self) -> AbstractContextManager[None]:
        return errors_told(f"queue {self._facts.url}", self._endpoint_url)


def notes_on(facts: QueueFacts, timeout: float) -> list[str]:
    """Say what AWS would not like of this queue with a function of this timeout."""
    notes: list[str] = []
    if facts.visibility_seconds < timeout:
        notes.append(
            f"the visibility timeout, {facts.visibility_seconds} s, is shorter than the function's timeout, {timeout:g} s: "
            "AWS refuses such a mapping; here it is raised while the function runs"
        )
    if facts.most_receives is None:
        notes.append("the queue has no redrive policy: a message that never succeeds comes back for ever")
    else:
        notes.append(f"after {facts.most_receives} receives, SQS moves a message to the dead-letter queue")
    return notes
