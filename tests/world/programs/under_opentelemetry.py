"""OpenTelemetry with its instrumentation of asyncio; each invocation runs in a span."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.instrumentation.asyncio import AsyncioInstrumentor  # pyright: ignore[reportMissingTypeStubs]  # it has types, and no marker
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.world.programs.runs import run
from tests.world.programs.tool import Tool


class OpenTelemetry(Tool):
    """Records have spans of their own, children of the invocation's."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        AsyncioInstrumentor().instrument(tracer_provider=provider)
        self.tracer = provider.get_tracer("orders")

    @contextmanager
    def invocation(self, nth: int) -> Generator[None]:
        del nth
        with self.tracer.start_as_current_span("invocation") as self.span:
            yield

    @contextmanager
    def record(self) -> Generator[Callable[[], bool]]:
        with self.tracer.start_as_current_span("record") as span:
            yield lambda: trace.get_current_span() is span and self._is_child(span)

    def _is_child(self, span: trace.Span) -> bool:
        parent = span.parent if isinstance(span, ReadableSpan) else None
        return parent is not None and parent.span_id == self.span.get_span_context().span_id

    def was_there(self) -> bool:
        return hasattr(asyncio.create_task, "__wrapped__") and bool(self.exporter.get_finished_spans())


if __name__ == "__main__":
    run(OpenTelemetry())
