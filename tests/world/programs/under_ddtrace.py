"""Datadog's tracer, with everything that `ddtrace.auto` patches; each invocation runs in a span, as under its Lambda layer."""

import ddtrace.auto  # noqa: F401  # pyright: ignore[reportUnusedImport]  # importing it is what installs it

# isort: split
import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager

from ddtrace.trace import Span, TraceFilter, tracer
from tests.world.programs.runs import run
from tests.world.programs.tool import Tool


class Keep(TraceFilter):
    """Keeps the names of the spans, and sends none."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def process_trace(self, trace: list[Span]) -> None:
        self.names += [span.name for span in trace]


class Ddtrace(Tool):
    """Records have spans of their own, children of the invocation's."""

    def __init__(self) -> None:
        self.kept = Keep()
        tracer.configure(trace_processors=[self.kept])

    @contextmanager
    def invocation(self, nth: int) -> Generator[None]:
        del nth
        with tracer.trace("invocation") as self.span:
            yield

    @contextmanager
    def record(self) -> Generator[Callable[[], bool]]:
        with tracer.trace("record") as span:
            yield lambda: tracer.current_span() is span and span.parent_id == self.span.span_id

    def was_there(self) -> bool:
        return getattr(asyncio, "_datadog_patch", False) and "record" in self.kept.names


if __name__ == "__main__":
    run(Ddtrace())
