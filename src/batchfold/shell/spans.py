"""Spans: one of OpenTelemetry's about a record, or about the records of a chunk, as the conventions have it.

https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ says how a span is named and what it links to,
https://opentelemetry.io/docs/specs/semconv/general/recording-errors/ how it tells an error.

The one module that imports opentelemetry-api; `traced` imports it when the first record comes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextvars import Token
from typing import TYPE_CHECKING, TypeAlias

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    Link,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from batchfold.core.records import Record

if TYPE_CHECKING:
    Sender: TypeAlias = SpanContext
else:
    Sender = object  # a tuple of types that it names, which beartype would look for in this module

_Attributes: TypeAlias = Mapping[str, str | int]


class SpanOf:
    """A span that is current wherever it is entered, and that ends once."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span
        self._token: Token[Context] | None = None

    def __enter__(self) -> None:
        self._token = attach(set_span_in_context(self._span))

    def __exit__(self, *_raised: object) -> None:
        if self._token is not None:
            detach(self._token)

    def end(self, error_type: str | None) -> None:
        """End it. No text of an error goes into it, for it may quote a payload: the log has it."""
        try:
            if error_type is not None:
                self._span.set_attribute("error.type", error_type)
                self._span.set_status(StatusCode.ERROR)
        finally:
            self._span.end()


def process(tracer: Tracer, record: object) -> SpanOf:
    """Start the span of a record that is handled."""
    return _start(tracer, "process", SpanKind.CONSUMER, _attributes_of(record), list(map(Link, _senders(record))))


def settle(tracer: Tracer, record: object) -> SpanOf:
    """Start the span of a record on which `settle` had the last word."""
    return _start(tracer, "settle", SpanKind.CLIENT, _attributes_of(record), list(map(Link, _senders(record))))


def process_chunk(tracer: Tracer, records: Sequence[object]) -> SpanOf:
    """Start the span of records that are handled at once.

    Attributes in which they differ stand at the links to their senders. A record without a sender has a link to nothing,
    so that its attributes are told too.
    """
    each = list(map(_attributes_of, records))
    shared = {name: value for name, value in each[0].items() if all(own.get(name) == value for own in each)}
    links = [
        Link(sender, {name: value for name, value in own.items() if name not in shared})
        for record, own in zip(records, each, strict=True)
        for sender in _senders(record) or [INVALID_SPAN_CONTEXT]
    ]
    return _start(
        tracer, "process", SpanKind.CONSUMER, {**shared, "messaging.batch.message_count": len(records)}, links
    )


def _start(tracer: Tracer, operation: str, kind: SpanKind, attributes: _Attributes, links: Sequence[Link]) -> SpanOf:
    destination = attributes.get("messaging.destination.name")
    return SpanOf(
        tracer.start_span(
            operation if destination is None else f"{operation} {destination}",
            kind=kind,
            attributes={**attributes, "messaging.operation.name": operation, "messaging.operation.type": operation},
            links=links,
        )
    )


def _attributes_of(record: object) -> _Attributes:
    return record.span_attributes if isinstance(record, Record) else {}


# ------------------------------------------------------------ the sender's span
def _senders(record: object) -> list[Sender]:
    """Return the contexts of the spans that sent a record, each once."""
    if not isinstance(record, Record):
        return []
    headers = record.trace_context
    if not headers:
        return []
    found = {
        (sender.trace_id, sender.span_id): sender for sender in (_in_xray_header(headers), _in_w3c_headers(headers))
    }
    return [sender for sender in found.values() if sender.is_valid]


def _in_w3c_headers(headers: Mapping[str, str]) -> Sender:
    return get_current_span(_W3C.extract(headers, Context())).get_span_context()


def _in_xray_header(headers: Mapping[str, str]) -> Sender:
    """Return the context that X-Ray's header tells; an invalid one where it tells none.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader describes it. The
    propagators that a program has set may not know it, and the one for Lambda answers with the invocation's own span.
    """
    fields = dict(_FIELD.findall(headers.get("X-Amzn-Trace-Id", "")))
    root, parent = _ROOT.fullmatch(fields.get("Root", "")), _PARENT.fullmatch(fields.get("Parent", ""))
    if root is None or parent is None:
        return INVALID_SPAN_CONTEXT
    flags = TraceFlags(TraceFlags.SAMPLED if fields.get("Sampled") == "1" else TraceFlags.DEFAULT)
    return SpanContext(int(root[1] + root[2], 16), int(parent[0], 16), is_remote=True, trace_flags=flags)


_W3C = TraceContextTextMapPropagator()
_FIELD = re.compile(r"(\w+)\s*=\s*([^;\s]*)")
_ROOT = re.compile(r"1-([0-9a-fA-F]{8})-([0-9a-fA-F]{24})")
_PARENT = re.compile(r"[0-9a-fA-F]{16}")
