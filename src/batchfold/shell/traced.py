"""`traced`: a span of OpenTelemetry for each record. This module decides which records have one, `spans` what it tells.

Needs opentelemetry-api (`pip install "batchfold[opentelemetry]"`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from returns.result import Success

from batchfold.core.faults import Crashed, Malformed
from batchfold.core.outcomes import Failed, Outcome, Settled
from batchfold.core.records import Record
from batchfold.shell.around import Call, around
from batchfold.shell.failure_log import AsideLog

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer
else:
    Tracer = Any  # only the checkers read it

H = TypeVar("H", bound=Callable[..., Any])


class Traced:
    """A layer that makes a span for each record, and an observer. Made by `traced`."""

    __slots__ = ("_aside", "_tracer")

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._aside = partial(
            AsideLog().instead_of_raising, "traced: the tracer raised; the outcome of the record stands"
        )

    def __call__(self, handler: H, /) -> H:
        """Return the same handler; each of its calls has a span."""
        return cast("H", around(handler, self._begin, self._begin_chunk))  # it takes and returns what the handler does

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
            self._begin(outcome.record, "settle").returned(Success(None))
        elif outcome.settle_error is not None:
            self._begin(outcome.record, "settle").raised(outcome.settle_error)

    def _begin(self, record: object, operation: str = "process") -> Call:
        call = Call()
        with self._aside():
            from batchfold.shell.spans import of_record  # noqa: PLC0415  # it imports opentelemetry, which is an extra

            call = of_record(self._tracer, operation, record, self._aside)
        return call  # noqa: RET504  # the first one, if the tracer raised

    def _begin_chunk(self, records: Sequence[object]) -> Call:
        call = Call()
        with self._aside():
            from batchfold.shell.spans import of_chunk  # noqa: PLC0415  # it imports opentelemetry, which is an extra

            call = of_chunk(self._tracer, records, self._aside)
        return call  # noqa: RET504  # the first one, if the tracer raised


def traced(tracer: Tracer) -> Traced:
    """Return a layer that makes a span of OpenTelemetry for each record that reaches the handler, or for each chunk.

    The span is current while the handler runs, in threads and beside other records on a loop too. It is a child of the span
    that was current before, such as the invocation's, and links to the sender's, where the record carries a trace context
    (`Record.trace_context`). It is named `process` and the destination, is of kind `CONSUMER`, and has the attributes of
    OpenTelemetry's conventions (`Record.span_attributes`). Its status is an error, with `error.type`, where the handler
    raised, returned a `Failure`, or returned anything but a `Result`. It tells no payload, and no text of an error, which
    may quote one: the log has it. The span of a chunk has the number of its records and a link for each; its status is an
    error if one failed.

    With `observe=` a record that would not parse has a span too, and so has what `settle` did:

        spans = traced(trace.get_tracer("orders"))
        lambda_handler = as_lambda_handler(pipe(reserve, spans), sqs(Order), observe=spans.observe)

    Like an observer it changes nothing; what the tracer raises is logged. Needs opentelemetry-api
    (`pip install "batchfold[opentelemetry]"`). Raises `TypeError` for what is no tracer.
    """
    if not callable(getattr(tracer, "start_span", None)):
        found: object = tracer
        raise TypeError(
            f"traced takes a tracer, such as opentelemetry.trace.get_tracer(__name__), got a {type(found).__name__}"
        )
    return Traced(tracer)
