"""Spans: one of OpenTelemetry's about a record, or about the records of a chunk, as the conventions have it.

https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ says how a span is named and what it links to,
https://opentelemetry.io/docs/specs/semconv/general/recording-errors/ how it tells an error.

The one module that imports opentelemetry-api; `traced` imports it when the first record comes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
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
from returns.result import Failure

from batchfold.core.chunks import results_of
from batchfold.core.faults import Crashed
from batchfold.core.handlers import Giver, result_of
from batchfold.core.records import Record
from batchfold.shell.around import Call

if TYPE_CHECKING:
    Sender: TypeAlias = SpanContext
else:
    Sender = object  # a tuple of types that it names, which beartype would look for in this module

_Attributes: TypeAlias = Mapping[str, str | int]

_Aside: TypeAlias = Callable[[], AbstractContextManager[None]]
"""Makes a context that logs what is raised in it."""


class SpannedCall(Call):
    """A call of a handler with a span, which is current in the call's context and ends with it."""

    __slots__ = ("_aside", "_chunk", "_span", "_token")

    def __init__(self, span: Span, aside: _Aside, chunk: int | None = None) -> None:
        self._span = span
        self._chunk = chunk
        self._aside = aside
        self._token: Token[Context] | None = None

    def __enter__(self) -> None:
        self._token = attach(set_span_in_context(self._span))

    def __exit__(self, *_raised: object) -> None:
        if self._token is not None:
            detach(self._token)

    def returned(self, value: object, /) -> None:
        """End the span with what came of the handler."""
        try:
            error_type = _type_of_failure(value, self._chunk)
        except Exception as error:  # noqa: BLE001  # what it returned is judged again when the record is finished
            error_type = _type_of(error)
        self._end(error_type)

    def raised(self, error: object, /) -> None:
        """End the span with an error, an exception or any other."""
        self._end(_type_of(error))

    def _end(self, error_type: str | None) -> None:
        """End the span. No text of an error goes into it, for it may quote a payload: the log has it."""
        with self._aside():
            try:
                if error_type is not None:
                    self._span.set_attribute("error.type", error_type)
                    self._span.set_status(StatusCode.ERROR)
            finally:
                self._span.end()


def of_record(tracer: Tracer, operation: str, record: object, aside: _Aside) -> SpannedCall:
    """Start the span of a record, for `process`, or for `settle`, which had the last word on it."""
    kind = SpanKind.CONSUMER if operation == "process" else SpanKind.CLIENT
    span = _started(tracer, operation, kind, _attributes_of(record), list(map(Link, _senders(record))))
    return SpannedCall(span, aside)


def of_chunk(tracer: Tracer, records: Sequence[object], aside: _Aside) -> SpannedCall:
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
    count = len(records)  # the function may empty its list
    span = _started(tracer, "process", SpanKind.CONSUMER, {**shared, "messaging.batch.message_count": count}, links)
    return SpannedCall(span, aside, count)


def _started(tracer: Tracer, operation: str, kind: SpanKind, attributes: _Attributes, links: Sequence[Link]) -> Span:
    destination = attributes.get("messaging.destination.name")
    return tracer.start_span(
        operation if destination is None else f"{operation} {destination}",
        kind=kind,
        attributes={**attributes, "messaging.operation.name": operation, "messaging.operation.type": operation},
        links=links,
    )


def _attributes_of(record: object) -> _Attributes:
    return record.span_attributes if isinstance(record, Record) else {}


# ------------------------------------------------------------ the error
def _type_of_failure(returned: object, chunk: int | None) -> str | None:
    """Return `error.type` for what the handler of a record, or of a chunk of so many, returned; `None` if nothing failed."""
    results = [returned] if chunk is None else results_of(returned, chunk)
    if isinstance(results, Crashed):
        return _type_of(results.error)
    for each in results:
        match result_of(each, Giver("the handler", hands_on=True, closes=False)):
            case Crashed(error) | Failure(error):
                return _type_of(error)
            case _:
                pass
    return None


def _type_of(error: object) -> str:
    """Return the name of the class of an error, with its module unless Python has it built in.

    >>> _type_of(TimeoutError()), _type_of(Failure(1))
    ('TimeoutError', 'returns.result.Failure')
    """
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


# ------------------------------------------------------------ the sender's span
def _senders(record: object) -> list[Sender]:
    """Return the contexts of the spans that sent a record, each once."""
    headers: Mapping[str, str] = record.trace_context if isinstance(record, Record) else {}
    if not headers:
        return []
    senders = (_in_xray_header(headers), get_current_span(_W3C.extract(headers, Context())).get_span_context())
    return list({(sender.trace_id, sender.span_id): sender for sender in senders if sender.is_valid}.values())


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
