"""`BasePartialProcessor`: the base of every processor. It holds the records, the handler and the results of one call.

They are attributes of the processor, as in Powertools: a processor serves one invocation at a time, and the next call
replaces what is there. A handler that calls the processor which is calling it replaces it too, so give it a second one.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from inspect import signature
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias, runtime_checkable

from batchfold.core.records import ItemFailure, KafkaItemId, PartialResponse
from batchfold.powertools.data_classes_dynamodb import DynamoDBRecord
from batchfold.powertools.data_classes_kinesis_kafka import KafkaEventRecord, KinesisStreamRecord
from batchfold.powertools.data_classes_sqs import SQSRecord
from batchfold.powertools.exceptions import ExceptionInfo

EventSourceDataClassTypes: TypeAlias = SQSRecord | KinesisStreamRecord | DynamoDBRecord | KafkaEventRecord
"""A record, as a handler gets it from a processor without `model=`."""

BatchTypeModels: TypeAlias = type[Any] | None
"""A pydantic model, or `None`. Naming pydantic's class here would import it."""

BatchSqsTypeModel: TypeAlias = BatchTypeModels
"""A pydantic model of an SQS message, or `None`."""

BatchEventTypes: TypeAlias = Any
"""A raw record (in a `SuccessResponse`), a record, or an instance of the model (in a `FailureResponse`)."""

SuccessResponse: TypeAlias = tuple[str, Any, BatchEventTypes]
"""`("success", the handler's result, raw record)`."""

FailureResponse: TypeAlias = tuple[str, str, BatchEventTypes]
"""`("fail", "<class>:<message>", record)`."""

KafkaItemIdentifier: TypeAlias = KafkaItemId
"""batchfold's `KafkaItemId`."""

PartialItemFailures: TypeAlias = ItemFailure
"""batchfold's `ItemFailure`."""

PartialItemFailureResponse: TypeAlias = PartialResponse
"""batchfold's `PartialResponse`."""


@runtime_checkable
class Warns(Protocol):
    """The part of a logger that a processor uses. Powertools' own `Logger` is no `logging.Logger`."""

    def warning(self, msg: object, *, exc_info: Any) -> object:
        """Write a warning with the traceback of an exception."""
        ...


class BasePartialProcessor(ABC):
    """The base of all processors, and of your own.

    A subclass says how one record is handled, and what is done before and after the batch. Use it as
    `with processor(records, handler) as batch: batch.process()`.
    """

    # there from the first call on, as in Powertools: process() without a call raises AttributeError, where an empty
    # default would acknowledge the whole batch
    records: Any
    handler: Any
    lambda_context: Any

    def __init__(self, logger: Warns | None = None) -> None:
        self.success_messages: list[BatchEventTypes] = []
        self.fail_messages: list[BatchEventTypes] = []
        self.exceptions: list[ExceptionInfo] = []
        self.logger = logger

    @abstractmethod
    def _prepare(self) -> None:
        """Run when the `with` block is entered."""
        raise NotImplementedError

    @abstractmethod
    def _clean(self) -> None:
        """Run when the `with` block is left."""
        raise NotImplementedError

    @abstractmethod
    def _process_record(self, record: Any) -> Any:
        """Handle one raw record, and return the result of `success_handler` or `failure_handler`."""
        raise NotImplementedError

    @abstractmethod
    async def _async_process_record(self, record: Any) -> Any:
        """Handle one raw record with an async handler. Otherwise as `_process_record`."""
        raise NotImplementedError

    def __call__(self, records: Iterable[Any], handler: Callable[..., Any], lambda_context: Any = None) -> Self:
        """Take the raw records of a batch and the handler for them.

        The handler is called with `record=`, and with `lambda_context=` too if it has a parameter of that name and the
        context is given here.
        """
        self.records = records
        self.handler = handler
        self._handler_accepts_lambda_context = False
        if lambda_context is not None:
            self.lambda_context = lambda_context
            self._handler_accepts_lambda_context = "lambda_context" in signature(handler).parameters
        return self

    def __enter__(self) -> Self:
        self._prepare()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._clean()

    def process(self) -> list[Any]:
        """Handle the records one after the other, in arrival order.

        Returns the results of `_process_record`. A record that a handler appends to the list of records is handled too.
        """
        return [self._process_record(record) for record in self.records]

    def async_process(self) -> list[Any]:
        """Handle all records side by side, with an async handler. It is a plain function and runs the event loop itself.

        Inside Lambda (where `LAMBDA_TASK_ROOT` is set) it uses the thread's event loop and keeps it open, so that
        clients bound to it survive until the next invocation. Elsewhere each call has a loop of its own. Raises
        `RuntimeError` where an event loop runs already.
        """
        import asyncio  # noqa: PLC0415  # it costs a cold start 30 ms

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:  # it refuses to run another coroutine, unless nest_asyncio patched it
            return self._process_on(loop)
        if not os.environ.get("LAMBDA_TASK_ROOT"):
            with asyncio.Runner() as runner:
                return self._process_on(runner.get_loop())
        try:
            loop = asyncio.get_event_loop()
        except RuntimeError:  # this thread has none yet, or asyncio.run() took it away
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
        return self._process_on(loop)

    def _process_on(self, loop: Any) -> list[Any]:
        """Await the handling of all records on an event loop, and leave nothing behind on it.

        Task factories of tracing tools are asked for no more than `factory(loop, coroutine)`: asyncio.run() also passes
        `context=`, which X-Ray's does not take.
        """
        from asyncio import current_task, ensure_future, gather  # noqa: PLC0415  # asyncio costs a cold start 30 ms

        records = list(self.records)
        entries: dict[int, Any] = {}
        tasks: list[Any] = []

        async def process_one(position: int, record: Any) -> None:
            entries[position] = await self._async_process_record(record)

        async def process_all() -> None:
            tasks.append(current_task())
            for coroutine in coroutines:
                tasks.append(ensure_future(coroutine))  # noqa: PERF401  # a factory may fail half-way
            await gather(*tasks[1:])

        coroutines = [process_one(position, record) for position, record in enumerate(records)]
        everything = process_all()
        try:
            loop.run_until_complete(everything)
        except BaseException:
            # on a kept loop, what is left would go on among the records of the next invocation
            for task in tasks:
                task.cancel()
            if tasks:
                loop.run_until_complete(gather(*tasks, return_exceptions=True))
            for coroutine in (everything, *coroutines):
                coroutine.close()  # one that no task was made for is otherwise warned of
            raise
        if len(entries) < len(records):  # the others would be acknowledged, for nothing failed
            raise RuntimeError(
                "expected every record to be handled, found a task factory that does not await the coroutines which it "
                "is given: the whole batch comes back; look for a tool that calls set_task_factory() on the event loop"
            )
        return [entries[position] for position in range(len(records))]

    def success_handler(self, record: Any, result: Any) -> SuccessResponse:
        """Note that a record is done. Subclasses extend it, and call it.

        `record` is the raw record, `result` the handler's. Returns `("success", result, record)`.
        """
        self.success_messages.append(record)
        return ("success", result, record)

    def failure_handler(self, record: Any, exception: ExceptionInfo) -> FailureResponse:
        """Note that a record failed and comes back. Subclasses extend it, and call it.

        It is called while the exception is being handled, so `sys.exc_info()` and everything that builds on it work.
        `record` is the handler's argument, or the record without a model where the model refused it. Returns
        `("fail", "<class>:<message>", record)`. A failure that is not noted here does not come back.
        """
        # a message that was not started has no traceback
        if self.logger is not None and all(part is not None for part in exception):
            self.logger.warning("Record processing exception; skipping this record", exc_info=exception)
        self.exceptions.append(exception)
        self.fail_messages.append(record)
        return ("fail", f"{exception[0]}:{exception[1]}", record)
