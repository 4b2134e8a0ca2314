"""Sentry with its AsyncioIntegration, which wraps the coroutine of each task; each invocation is a transaction."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.asyncio import enable_asyncio_integration
from sentry_sdk.transport import Transport
from tests.world.programs.runs import run
from tests.world.programs.tool import Tool


class Kept(Transport):
    """Keeps the operations of all spans, and sends nothing."""

    def __init__(self) -> None:
        super().__init__({})
        self.operations: set[str] = set()

    def capture_envelope(self, envelope: Envelope) -> None:
        transaction: Any = envelope.get_transaction_event()
        if transaction is not None:
            self.operations |= {span["op"] for span in transaction["spans"]}


class Sentry(Tool):
    """Records have spans of their own, in the invocation's transaction."""

    def __init__(self) -> None:
        self.kept = Kept()
        sentry_sdk.init(dsn="https://key@sentry.test/1", transport=self.kept, traces_sample_rate=1.0)

    def enter_loop(self) -> None:
        enable_asyncio_integration()
        self.factory = asyncio.get_running_loop().get_task_factory()

    @contextmanager
    def invocation(self, nth: int) -> Generator[None]:
        with sentry_sdk.start_transaction(name=f"invocation {nth}") as self.transaction:
            yield

    @contextmanager
    def record(self) -> Generator[Callable[[], bool]]:
        # a scope for each record: Sentry's scopes are shared by threads, and by tasks that its factory has not made
        with sentry_sdk.isolation_scope(), sentry_sdk.start_span(op="record") as span:
            yield lambda: sentry_sdk.get_current_span() is span and span.trace_id == self.transaction.trace_id

    def was_there(self) -> bool:
        # spans of the operation "function" are those that the integration makes of tasks
        return getattr(self.factory, "_is_sentry_task_factory", False) and self.kept.operations >= {
            "record",
            "function",
        }


if __name__ == "__main__":
    run(Sentry())
