"""AWS's X-Ray SDK with its AsyncContext, whose task factory takes a loop and a coroutine, and nothing else."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager

from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.async_context import AsyncContext
from tests.world.programs.runs import run
from tests.world.programs.tool import Tool


class Sent:
    """Stands for the daemon: counts what is sent."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def send_entity(self, entity: object) -> None:
        self.names.append(getattr(entity, "name", ""))


class XRay(Tool):
    """An awaited batch has a segment, of which each record has a subsegment. Elsewhere a record has a segment of its own."""

    def __init__(self) -> None:
        self.sent = Sent()
        self.segment: object = None
        xray_recorder.configure(service="orders", sampling=False, emitter=self.sent)

    def enter_loop(self) -> None:
        context = AsyncContext(loop=asyncio.get_running_loop(), context_missing="IGNORE_ERROR")
        xray_recorder.configure(context=context)

    @contextmanager
    def batch(self) -> Generator[None]:
        with xray_recorder.in_segment("batch") as segment:
            self.segment = segment
            try:
                yield
            finally:
                self.segment = None

    @contextmanager
    def record(self) -> Generator[Callable[[], bool]]:
        segment = self.segment
        if segment is None:
            with xray_recorder.in_segment("record") as own:
                yield lambda: xray_recorder.get_trace_entity() is own
        else:
            with xray_recorder.in_subsegment("record") as own:
                yield (
                    lambda: (
                        own is not None and xray_recorder.get_trace_entity() is own and own.parent_segment is segment
                    )
                )

    def was_there(self) -> bool:
        return {"batch", "record"} <= set(self.sent.names)


if __name__ == "__main__":
    run(XRay())
