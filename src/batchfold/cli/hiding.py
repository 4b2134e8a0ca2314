"""Hiding messages: their visibility timeout is raised for as long as they are in hand.

Without that, a function slower than the queue's visibility timeout would be given its messages a second time. The timeout is
raised anew when half of it is over, so a function that is quick enough never meets it, nor does a backoff of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from threading import Event, Lock, Thread
from typing import Any, Self, TypeAlias

from batchfold.cli.aws import told

MOST_AT_ONCE = 10
"""The messages that one call receives, hides or deletes at most."""

Message: TypeAlias = Mapping[str, Any]
"""A message as `ReceiveMessage` returns it."""


class Hiding:
    """A context that keeps messages hidden, each for as many seconds as the queue says, again and again.

    `tell` is told of messages that could not be hidden any longer.
    """

    def __init__(self, client: Any, queue_url: str, seconds: int, tell: Callable[[str], None]) -> None:
        self._client = client
        self._queue_url = queue_url
        self._seconds = seconds
        self._tell = tell
        self._held: dict[str, Message] = {}
        self._lock = Lock()
        self._is_over = Event()
        self._thread = Thread(target=self._keep, name="batchfold-visibility", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_why: object) -> None:
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()

    def hold(self, messages: Sequence[Message]) -> None:
        """Hide these messages from now on. The time begins with the first ones."""
        with self._lock:
            self._held.update((message["ReceiptHandle"], message) for message in messages)
        if messages and self._seconds > 0 and not self._thread.is_alive():
            self._thread.start()

    def let_go(self, messages: Sequence[Message]) -> None:
        """Hide these messages no longer: they are about to be deleted."""
        with self._lock:
            for message in messages:
                self._held.pop(message["ReceiptHandle"], None)

    def _keep(self) -> None:
        while not self._is_over.wait(self._seconds / 2):
            with self._lock:
                handles = list(self._held)
            for begin in range(0, len(handles), MOST_AT_ONCE):
                if not self._is_over.is_set():
                    self.hide(handles[begin : begin + MOST_AT_ONCE])

    def hide(self, handles: Sequence[str]) -> None:
        """Raise the visibility timeouts of messages, by the handles of their receipts."""
        entries = [
            {"Id": str(at), "ReceiptHandle": handle, "VisibilityTimeout": self._seconds}
            for at, handle in enumerate(handles)
        ]
        try:
            answer = self._client.change_message_visibility_batch(QueueUrl=self._queue_url, Entries=entries)
        except Exception as error:  # noqa: BLE001  # the function runs on; its messages may be delivered twice
            why = told(error, f"queue {self._queue_url}") or type(error).__name__
            self._tell(f"the visibility timeout could not be raised, so messages may come twice: {why}")
            return
        for failure in answer.get("Failed", []):
            with self._lock:
                message = self._held.get(handles[int(failure["Id"])])
            if message is not None:
                why = failure.get("Code", "no reason was given")
                self._tell(f"{message['MessageId']} may come twice: its visibility timeout could not be raised ({why})")
