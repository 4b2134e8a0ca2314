"""`traced`: a span of OpenTelemetry for each record. This module decides which records have one, `spans` what it tells.

Needs opentelemetry-api (`pip install "batchfold[opentelemetry]"`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from returns.result import Failure

from batchfold.core.chunks import results_of, takes_chunks
from batchfold.core.faults import Crashed, Malformed, crashed
from batchfold.core.handlers import Giver, result_of
from batchfold.core.outcomes import Failed, Outcome, Settled
from batchfold.core.records import Record
from batchfold.shell.around import around
from batchfold.shell.failure_log import AsideLog

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from batchfold.shell.spans import SpanOf
else:
    Tracer = SpanOf = Any  # only the checkers read these

H = TypeVar("H", bound=Callable[..., Any])


class Traced:
    """A layer that makes a span for each record, and an observer. Made by `traced`."""

    __slots__ = ("_failed_aside", "_tracer")

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._failed_aside = AsideLog()

    def __call__(self, handler: H, /) -> H:
        """Return the same handler; each of its calls has a span."""
        if takes_chunks(handler):
            chunks: Any = type(handler)(around(handler.handle, self._begin_chunk), handler.size)
            return cast("H", chunks)  # of the same class, around a function of the same type
        return cast("H", around(handler, self._begin))  # it takes and returns what the handler does

    def observe(self, outcome: Outcome[object, object, Record]) -> None:
        """Make the spans that a layer cannot: for `observe=`.

        A record that would not parse did not reach its handler, and has its `process` span here. `settle` has the last word
        after the handler: a record that it settled, or failed to, has a `settle` span too.
        """
        if not isinstance(outcome, Settled | Failed):
            return
        fault = outcome.fault
        if isinstance(fault, Malformed | Crashed) and fault.is_from_parsing:
            self._begin(outcome.record).raised(fault.error)
        if isinstance(outcome, Settled):
            self._settle(outcome.record).end(None)
        elif outcome.settle_error is not None:
            self._settle(outcome.record).raised(outcome.settle_error)

    def _begin(self, record: object) -> _Call:
        return self._call(lambda: _spans().process(self._tracer, record), _type_of_failure)

    def _settle(self, record: object) -> _Call:
        return self._call(lambda: _spans().settle(self._tracer, record), _type_of_failure)

    def _begin_chunk(self, records: Sequence[object]) -> _Call:
        count = len(records)  # the function may empty its list
        return self._call(
            lambda: _spans().process_chunk(self._tracer, records),
            lambda returned: _type_of_first_failure(returned, count),
        )

    def _call(self, start: Callable[[], SpanOf], type_of_failure: Callable[[object], str | None]) -> _Call:
        try:
            span = start()
        except BaseException as error:  # noqa: BLE001  # raised again if it ends the process; else there is no span
            self._failed_aside(_TRACER_RAISED, crashed(error).error)
            span = None
        return _Call(span, type_of_failure, self._failed_aside)


def _spans() -> Any:
    from batchfold.shell import spans  # noqa: PLC0415  # it imports opentelemetry, which is an extra

    return spans


_TRACER_RAISED = "traced: the tracer raised; the outcome of the record stands"


class _Call:
    """A call of a handler, with its span, if the tracer could start one."""

    __slots__ = ("_failed_aside", "_span", "_type_of_failure")

    def __init__(
        self, span: SpanOf | None, type_of_failure: Callable[[object], str | None], failed_aside: AsideLog
    ) -> None:
        self._span = span
        self._type_of_failure = type_of_failure
        self._failed_aside = failed_aside

    def __enter__(self) -> None:
        if self._span is not None:
            self._span.__enter__()

    def __exit__(self, *raised: object) -> None:
        if self._span is not None:
            self._span.__exit__(*raised)

    def returned(self, value: object, /) -> None:
        """End the span with what came of the handler."""
        try:
            error_type = self._type_of_failure(value)
        except Exception as error:  # noqa: BLE001  # what it returned is judged again when the record is finished
            error_type = _type_of(error)
        self.end(error_type)

    def raised(self, error: object, /) -> None:
        """End the span with an error, an exception or any other."""
        self.end(_type_of(error))

    def end(self, error_type: str | None) -> None:
        """End the span."""
        if self._span is None:
            return
        try:
            self._span.end(error_type)
        except BaseException as error:  # noqa: BLE001  # raised again if it ends the process; else it changes nothing
            self._failed_aside(_TRACER_RAISED, crashed(error).error)


def traced(tracer: Tracer) -> Traced:
    """Return a layer that makes a span of OpenTelemetry for each record.

    The span is current while the handler runs, so that the spans of its clients hang under it, in threads and beside other
    records on a loop too. It is a child of the span that was current before, such as the invocation's, and links to the
    sender's, where the record carries a trace context (`Record.trace_context`). It is named `process` and the destination,
    is of kind `CONSUMER`, and has the attributes of OpenTelemetry's conventions (`Record.span_attributes`). Its status is an
    error, with `error.type`, where the handler raised, returned a `Failure`, or returned anything but a `Result`. It tells
    no payload, and no text of an error, which may quote one: the log has it.

    A chunk has one span, with the number of its records and a link for each; its status is an error if one failed.

    A layer sees what reaches the handler. With `observe=` a record that would not parse has a span too, and so has what
    `settle` did:

        spans = traced(trace.get_tracer("orders"))
        lambda_handler = as_lambda_handler(pipe(reserve, spans), sqs(Order), observe=spans.observe)

    A record that was not started has no span.

    Like an observer it changes nothing; what the tracer raises is logged. Needs opentelemetry-api
    (`pip install "batchfold[opentelemetry]"`).

    Raises `TypeError` for what is no tracer.
    """
    if not callable(getattr(tracer, "start_span", None)):
        found: object = tracer
        raise TypeError(
            f"traced takes a tracer, such as opentelemetry.trace.get_tracer(__name__), got a {type(found).__name__}"
        )
    return Traced(tracer)


def _type_of_failure(returned: object) -> str | None:
    """Return the value of `error.type` for what a handler returned, `None` for a `Success`."""
    handled = result_of(returned, Giver("the handler", hands_on=True, closes=False))
    if isinstance(handled, Crashed):
        return _type_of(handled.error)
    return _type_of(handled.failure()) if isinstance(handled, Failure) else None


def _type_of_first_failure(returned: object, expected: int) -> str | None:
    """Return the value of `error.type` for what the handler of a chunk returned, `None` if all of it is `Success`."""
    results = results_of(returned, expected)
    if isinstance(results, Crashed):
        return _type_of(results.error)
    return next((found for found in map(_type_of_failure, results) if found is not None), None)


def _type_of(error: object) -> str:
    """Return the name of the class of an error, with its module unless Python has it built in.

    >>> _type_of(TimeoutError()), _type_of(Failure(1))
    ('TimeoutError', 'returns.result.Failure')
    """
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
