"""`SqsFifoPartialProcessor`: the messages of a FIFO queue, in their order.

It decides which messages are not started behind one that failed: all of them, or those of the same message group.
"""

from typing import Any, ClassVar

from batchfold.powertools.batch_processors import BatchProcessor
from batchfold.powertools.enumerations import EventType
from batchfold.powertools.exceptions import (
    ExceptionInfo,
    SQSFifoCircuitBreakerError,
    SQSFifoMessageGroupCircuitBreakerError,
)
from batchfold.powertools.partial_processor import BatchSqsTypeModel, FailureResponse, Warns


class SqsFifoPartialProcessor(BatchProcessor):
    """Handle the messages of a FIFO queue in order, and start none behind one that failed.

    Messages that were not started come back too: `failure_handler` is called for each of them, with a circuit breaker
    error for its exception. Async handlers are refused, as in Powertools; batchfold's own `sqs()` takes them.
    """

    circuit_breaker_exc: ClassVar[ExceptionInfo] = (
        SQSFifoCircuitBreakerError,
        SQSFifoCircuitBreakerError("A previous record failed processing"),
        None,
    )

    group_circuit_breaker_exc: ClassVar[ExceptionInfo] = (
        SQSFifoMessageGroupCircuitBreakerError,
        SQSFifoMessageGroupCircuitBreakerError("A previous record from this message group failed processing"),
        None,
    )

    def __init__(
        self,
        model: BatchSqsTypeModel = None,
        skip_group_on_error: bool = False,  # noqa: FBT001, FBT002  # Powertools' signature
        logger: Warns | None = None,
        *,
        raise_on_entire_batch_failure: bool = True,
    ) -> None:
        """Keep the settings.

        Args:
            model: a pydantic model, as for `BatchProcessor`.
            skip_group_on_error: after a failure, go on with messages of other groups. Without it no message at all is
                started after a failure.
            logger: as for `BatchProcessor`.
            raise_on_entire_batch_failure: as for `BatchProcessor`. Powertools has only the attribute of this name.
        """
        self._skip_group_on_error = skip_group_on_error
        self._current_group_id: str | None = None
        self._failed_group_ids: set[str] = set()
        super().__init__(EventType.SQS, model, raise_on_entire_batch_failure, logger)

    def _process_record(self, record: Any) -> Any:
        self._current_group_id = record.get("attributes", {}).get("MessageGroupId")
        if self._skip_group_on_error:
            exception, may_start = self.group_circuit_breaker_exc, self._current_group_id not in self._failed_group_ids
        else:
            exception, may_start = self.circuit_breaker_exc, not self.fail_messages
        if may_start:
            return super()._process_record(record)
        data = self._to_batch_type(record, event_type=self.event_type, model=self.model)
        return self.failure_handler(record=data, exception=exception)

    async def _async_process_record(self, record: Any) -> Any:
        """Refuse: there is no async processor for FIFO queues in Powertools."""
        raise NotImplementedError(
            "SqsFifoPartialProcessor takes synchronous handlers: for async ones use as_lambda_handler(handler, sqs())"
        )

    def failure_handler(self, record: Any, exception: ExceptionInfo) -> FailureResponse:
        """Note that a message failed, and its group with it. Otherwise as in `BatchProcessor`."""
        if self._skip_group_on_error and self._current_group_id:
            self._failed_group_ids.add(self._current_group_id)
        return super().failure_handler(record, exception)

    def _clean(self) -> None:
        self._failed_group_ids.clear()
        self._current_group_id = None
        super()._clean()
