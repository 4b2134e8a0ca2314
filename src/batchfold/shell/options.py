"""The options that all ways of running a batch share, their checks, and the Lambda context with its clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypedDict, runtime_checkable

from typing_extensions import TypeVar

from batchfold.core.batch import Batch
from batchfold.core.deadline import Deadline
from batchfold.core.handlers import must_be_awaited
from batchfold.core.outcomes import Observe, StopWhen
from batchfold.core.progress import Progress
from batchfold.core.records import PartialResponse, Record
from batchfold.core.response import RaiseOn
from batchfold.core.settling import AsyncSettle, Settle
from batchfold.core.source import AsyncSource, Source
from batchfold.shell.failure_log import AsideLog

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)
D_any = TypeVar("D_any", bound=Record, default=Record)
A = TypeVar("A")
A_any = TypeVar("A_any", default=PartialResponse)

if TYPE_CHECKING:
    from concurrent.futures import Executor as Executor  # noqa: PLC0414  # the files beside take it from here
else:
    Executor = Any  # importing it costs a cold start 8 ms, and those who pass one have done so


@runtime_checkable
class LambdaContext(Protocol):
    """The object that Lambda passes beside the event. The runtime's own class fits, and so does Powertools' typed one.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html lists what else the real one has.
    """

    @property
    def aws_request_id(self) -> str:
        """The id of this invocation."""
        ...

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda cuts the function off."""
        ...


class SharedOptions(TypedDict, Generic[V, E, D_any], total=False):
    """The options that mean the same wherever they are given."""

    observe: Observe[V, E, D_any] | None
    """Called with every outcome as it is known. What it raises is logged and changes nothing."""
    stop_when: StopWhen[E, D_any] | None
    """A predicate on `Failed`, asked of each failed record that was not settled: once it holds, no further record is
    started, in any lane. Records that run are finished; the rest is `Unprocessed` and comes back. If it raises, that is
    logged and counts as a yes."""
    reserve_ms: int | None
    """No record is started, except the first, and none is settled, unless more than this many milliseconds remain. The
    reserve must cover the slowest handler, `then=`, and logging what failed."""


class FoldOptions(SharedOptions[V, E, D_any], Generic[V, E, D_any], total=False):
    """Options of `fold_batch`, `process_batch` and, with a synchronous handler, `as_lambda_handler`."""

    settle: Settle[E, D_any] | None
    """The last word on each failed record: `dead_letter(...)`, `discard(...)`, or any function `Failed -> Result`."""


class AsyncFoldOptions(SharedOptions[V, E, D_any], Generic[V, E, D_any], total=False):
    """Options of `fold_batch_async`, `process_batch_async` and, with an async handler, `as_lambda_handler`."""

    settle: Settle[E, D_any] | AsyncSettle[E, D_any] | None
    """The last word on each failed record, as in `FoldOptions`. It may be async."""


class FunctionOptions(FoldOptions[V, E, D_any], Generic[V, E, D_any, A_any], total=False):
    """Options of `as_lambda_handler` with a synchronous handler."""

    executor: Executor | None
    """A `ThreadPoolExecutor`, in whose threads lanes run side by side, as in `process_batch`."""
    raise_on: RaiseOn | None
    """When the function raises instead of answering; by default as the source says."""
    then: Callable[[Batch[V, E, D_any, A_any]], object] | None
    """Called with the finished batch, before the response is made."""


class AsyncFunctionOptions(AsyncFoldOptions[V, E, D_any], Generic[V, E, D_any, A_any], total=False):
    """Options of `as_lambda_handler` with an async handler."""

    max_concurrency: int
    """How many handlers run at a time, at most; 10 by default."""
    cancel_at_reserve: bool
    """Cancel the handlers that still run when only `reserve_ms` is left, as in `process_batch_async`."""
    raise_on: RaiseOn | None
    """When the function raises instead of answering; by default as the source says."""
    then: Callable[[Batch[V, E, D_any, A_any]], object] | None
    """Called with the finished batch, before the response is made, on the same loop. It may be async."""


_SHARED = ("settle", "observe", "stop_when", "reserve_ms")
_KNOWN = frozenset(_SHARED)


def begin(
    event: object,
    source: AsyncSource[R, D, Any, A],
    context: LambdaContext | None,
    options: FoldOptions[V, E, D] | AsyncFoldOptions[V, E, D],
) -> Progress[R, V, E, D, A]:
    """Read the event and make ready to handle its records.

    Raises `UnexpectedEventError` for an event that the source cannot read, `TypeError` if `context` or `reserve_ms` is given
    without the other.
    """
    if not options and context is None:  # most batches: nothing to watch
        return Progress(event, source)
    reserve_ms = options.get("reserve_ms")
    return Progress(
        event,
        source,
        observe=options.get("observe"),
        stop_when=options.get("stop_when"),
        failed_aside=AsideLog(),
        deadline=deadline_of(context, reserve_ms),
    )


def refuse_no_source(source: object, *, is_async: bool = False) -> None:
    """Raise `TypeError` for a value that is no source, such as `sqs` without its parentheses."""
    if isinstance(source, Source) or (is_async and isinstance(source, AsyncSource)):
        return
    if isinstance(source, AsyncSource):
        raise TypeError(
            f"the records of {source!r} have to be awaited, or its finish has, and the handler is synchronous: use an async "
            "handler, or a function that fetches or finishes without awaiting"
        )
    raise TypeError(
        "expected a source, as sqs(...), kinesis(...), dynamodb(...) and kafka(...) return them, "
        f"got a {type(source).__name__}; the handler stands before the source"
    )


def refuse_misused(options: Mapping[str, object], own: tuple[str, ...] = ()) -> None:
    """Raise `TypeError` for an unknown option, and for an async observer or predicate, which nobody would await.

    `own` names the other options of the function that was called, for the message.
    """
    for name in options:
        if name not in _KNOWN:
            raise TypeError(f"unexpected option {name}=, expected one of {', '.join(sorted((*_SHARED, *own)))}")
    for name in ("observe", "stop_when"):
        if options.get(name) is not None and must_be_awaited(options[name]):
            raise TypeError(
                f"{name}= got an async function, expected one that returns at once: nobody awaits what it returns"
            )
    reserve_ms = options.get("reserve_ms")
    if isinstance(reserve_ms, int) and reserve_ms < 0:
        raise ValueError(
            f"reserve_ms is the time in milliseconds that must remain, expected 0 or more, got {reserve_ms}"
        )


def refuse_async_settle(settle: object) -> None:
    """Raise `TypeError` for an async `settle` in a synchronous run, before a record is handled that it could not settle."""
    if settle is not None and must_be_awaited(settle):
        raise TypeError(
            "settle= got an async function, and the handler is synchronous: expected a function that returns a Result at "
            "once; async ones go to process_batch_async, or to as_lambda_handler with an async handler"
        )


def refuse_no_concurrency(max_concurrency: int) -> None:
    """Raise `ValueError` unless at least one handler may run."""
    if max_concurrency < 1:
        raise ValueError(
            f"max_concurrency is how many handlers may run at a time, expected 1 or more, got {max_concurrency}"
        )


def deadline_of(context: LambdaContext | None, reserve_ms: int | None) -> Deadline | None:
    """Return the deadline by the context's clock; `None` if time does not matter.

    Raises `TypeError` if one of the two is given without the other.
    """
    if context is None and reserve_ms is None:
        return None
    if context is None or reserve_ms is None:
        given, missing = ("context", "reserve_ms") if reserve_ms is None else ("reserve_ms", "context")
        raise TypeError(
            f"{given}= was given without {missing}=: records are started until the context has only reserve_ms left, "
            "so pass both, or neither"
        )
    # a LambdaContext has it; a test's may not
    remaining: Callable[[], int] | None = getattr(context, "get_remaining_time_in_millis", None)
    if remaining is None:
        raise TypeError(
            f"reserve_ms={reserve_ms} needs a context that has get_remaining_time_in_millis(), "
            f"got a {type(context).__name__}; batchfold.testing has one for tests"
        )
    return Deadline(remaining, reserve_ms)
