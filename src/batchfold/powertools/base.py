"""`BasePartialProcessor`: calling a processor, its hooks, and handing its records to the core.

A processor holds settings and hooks. Which record may start, and when, is the core's to say: `process` is `fold`,
`async_process` is `fold_batch_async`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from inspect import signature
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

from returns.result import Failure, Result, Success

from batchfold.core.faults import Rejected
from batchfold.core.lanes import Lane, each_record
from batchfold.core.outcomes import Failed, Outcome, Settled, Succeeded, Unprocessed
from batchfold.core.progress import Progress
from batchfold.core.records import PartialResponse
from batchfold.powertools.exceptions import ExceptionInfo
from batchfold.powertools.processing import OfProcessing, Processing, Processings
from batchfold.powertools.source import GivenRecord, as_given, given
from batchfold.powertools.types import FailureResponse, SuccessResponse
from batchfold.shell.process import fold_batch_async

# what the hooks kept says more; these only tell the schedule
_DONE: Result[None, None] = Success(None)
_NOT_DONE: Result[None, None] = Failure(None)


@runtime_checkable
class Warns(Protocol):
    """A logger, as far as a processor needs it. Powertools' own `Logger` is no `logging.Logger`."""

    def warning(self, msg: object, *, exc_info: Any) -> object:
        """Write a warning with the traceback of an exception."""
        ...


class BasePartialProcessor(ABC):
    """The base of all processors, and of your own: say what becomes of one record, and what is done before and after.

    Results belong to the call: threads that share a processor each see the results of their own call, and a handler may
    call the processor that it is called by.
    """

    processings_: Processings

    records = OfProcessing[Sequence[Any]]("records")
    handler = OfProcessing[Any]("handler")
    lambda_context = OfProcessing[Any]("lambda_context")
    success_messages = OfProcessing[list[Any]]("success_messages")
    fail_messages = OfProcessing[list[Any]]("fail_messages")
    exceptions = OfProcessing[list[ExceptionInfo]]("exceptions")
    _handler_accepts_lambda_context = OfProcessing[bool]("handler_accepts_lambda_context")

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        """Subclasses may use the attributes above before they call `__init__`."""
        processor = super().__new__(cls)
        processor.processings_ = Processings()
        return processor

    def __init__(self, logger: Warns | None = None) -> None:
        self.logger = logger

    @abstractmethod
    def _prepare(self) -> None:
        """Make ready, once, when the `with` block is entered."""

    @abstractmethod
    def _clean(self) -> None:
        """Finish, once, when the `with` block is left."""

    @abstractmethod
    def _process_record(self, record: Any) -> Any:
        """Handle one raw record, and return what `success_handler` or `failure_handler` returned."""

    @abstractmethod
    async def _async_process_record(self, record: Any) -> Any:
        """The same for async handlers."""

    def __call__(self, records: Sequence[Any], handler: Callable[..., Any], lambda_context: Any = None) -> Self:
        """Take raw records and the handler for them: `with processor(records, handler) as batch: batch.process()`.

        The handler is called with `record=`, and with `lambda_context=` too if it has a parameter of that name and the
        context is given here.
        """
        accepts = lambda_context is not None and "lambda_context" in signature(handler).parameters
        self.processings_.begin(
            Processing(records, handler, lambda_context, handler_accepts_lambda_context=accepts),
        )
        return self

    def __enter__(self) -> Self:
        self._prepare()
        self.processings_.enter()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.processings_.leave()
        self._clean()

    def process(self) -> list[Any]:
        """Handle the records one after the other: `_process_record` for whatever the core's `Progress` lets start.

        Returns what the hooks returned for each record, in arrival order. What a hook raises passes through.
        """
        processing = self.processings_.at_hand
        records, entries, looked_at = processing.records, list[Any](), 0
        with self.processings_.staying_with(processing):
            progress: Progress[Any, None, None, GivenRecord, PartialResponse] = Progress(
                given(records), as_given(self._lane)
            )
            while (position := progress.start()) is not None:
                if position > looked_at:  # they may not start; Powertools calls the hook for them in their turn
                    entries.extend(map(self._pass_over, records[looked_at:position]))
                looked_at = position + 1
                failures = len(processing.fail_messages)
                processing.is_folding = True
                try:
                    entries.append(self._process_record(records[position]))
                finally:
                    processing.is_folding = False
                    self.processings_.go_back_to(processing)
                progress.finish(position, _DONE if len(processing.fail_messages) == failures else _NOT_DONE)
            entries.extend(map(self._pass_over, records[looked_at:]))
        return entries

    def async_process(self) -> list[Any]:
        """Handle the records side by side: `fold_batch_async` with `_async_process_record`, on this thread's event loop.

        Returns and raises as `process` does. Everything that was started has ended when it returns. Raises
        `RuntimeError` where an event loop runs already.
        """
        from batchfold.shell.loop import run_on_loop  # noqa: PLC0415  # asyncio costs a cold start 30 ms

        processing, lane = self.processings_.at_hand, self._lane

        async def attempt(raw: Any) -> Result[tuple[Any], tuple[Any]]:
            failures = len(processing.fail_messages)
            entry = (await self._async_process_record(raw),)
            # where every record has a lane of its own, nobody waits for the answer
            failed = lane is not each_record and processing.has_failed(raw, since=failures)
            return Failure(entry) if failed else Success(entry)

        folding = fold_batch_async(
            given(processing.records), attempt, as_given(lane), max_concurrency=max(1, len(processing.records))
        )
        with self.processings_.staying_with(processing):
            return [self._entry_of(outcome) for outcome in run_on_loop(folding).outcomes]

    def _entry_of(self, outcome: Outcome[tuple[Any], tuple[Any], GivenRecord]) -> Any:
        match outcome:
            case Succeeded():
                return outcome.value[0]
            case Unprocessed():
                return self._pass_over(outcome.raw)
            case Failed() | Settled():
                if isinstance(outcome.fault, Rejected):
                    return outcome.fault.error[0]
                raise outcome.fault.error  # a hook raised

    @property
    def _lane(self) -> Lane:
        """The lane of each record: who must wait for whom, and who is not started after a failure."""
        return each_record

    def _pass_over(self, record: Any) -> Any:
        """Call the hook for a record that was not started."""
        raise NotImplementedError(
            f"{type(self).__name__} has lanes and does not say what becomes of what they pass over"
        )

    def success_handler(self, record: Any, result: Any) -> SuccessResponse:
        """Note that a record is done. A hook: override it, and call it.

        `record` is the raw record, `result` what the handler returned. Returns `("success", result, record)`.
        """
        self.success_messages.append(record)
        return ("success", result, record)

    def failure_handler(self, record: Any, exception: ExceptionInfo) -> FailureResponse:
        """Note that a record failed and comes back. A hook: override it, and call it.

        It is called while the exception is being handled, so `sys.exc_info()` and what builds on it work inside.
        `record` is what the handler was called with; where the model did not validate, the record without a model.
        Returns `("fail", "<class>:<message>", record)`. A failure that no hook notes does not come back.
        """
        if self.logger is not None and exception[2] is not None:
            self.logger.warning("a record failed and comes back", exc_info=exception)
        self.exceptions.append(exception)
        self.fail_messages.append(record)
        return ("fail", f"{exception[0]}:{exception[1]}", record)
