"""`SqsFifoPartialProcessor`: messages of a FIFO queue, in their order."""

from typing import Any, ClassVar

from batchfold.core.lanes import Lane, whole_batch
from batchfold.powertools.base import Warns
from batchfold.powertools.event_type import EventType
from batchfold.powertools.exceptions import (
    ExceptionInfo,
    SQSFifoCircuitBreakerError,
    SQSFifoMessageGroupCircuitBreakerError,
)
from batchfold.powertools.processor import BatchProcessor
from batchfold.powertools.types import BatchSqsTypeModel
from batchfold.sources.sqs import by_message_group


class SqsFifoPartialProcessor(BatchProcessor):
    """Handle the messages of a FIFO queue in order, and start none behind one that failed.

    Messages that were not started come back too; `failure_handler` is called for each of them, with a circuit-breaker
    error for its exception. Takes synchronous handlers (`process`) and async ones (`async_process`, which handles
    message groups side by side if `skip_group_on_error` is set).
    """

    circuit_breaker_exc: ClassVar[ExceptionInfo] = (
        SQSFifoCircuitBreakerError,
        SQSFifoCircuitBreakerError("not started: an earlier record of the batch failed"),
        None,
    )

    group_circuit_breaker_exc: ClassVar[ExceptionInfo] = (
        SQSFifoMessageGroupCircuitBreakerError,
        SQSFifoMessageGroupCircuitBreakerError("not started: an earlier record of its message group failed"),
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
            skip_group_on_error: after a failure, start no message of the same group but those of others. Without it no
                message at all is started after a failure.
            logger: as for `BatchProcessor`.
            raise_on_entire_batch_failure: as for `BatchProcessor`; Powertools has no such option here.
        """
        super().__init__(EventType.SQS, model, raise_on_entire_batch_failure, logger)
        self._skip_group_on_error = skip_group_on_error

    @property
    def _lane(self) -> Lane:
        return by_message_group if self._skip_group_on_error else whole_batch

    def _pass_over(self, record: Any) -> Any:
        exception = self.group_circuit_breaker_exc if self._skip_group_on_error else self.circuit_breaker_exc
        try:
            data = self._to_batch_type(record=record, event_type=self.event_type, model=self.model)
        except Exception:  # noqa: BLE001  # it comes back all the same, so that it would not parse is for the next time
            data = self._to_batch_type(record=record, event_type=self.event_type)
        return self.failure_handler(record=data, exception=exception)

    def _process_record(self, record: Any) -> Any:
        if not self.processings_.at_hand.is_folding:
            raise RuntimeError(
                "a record of a FIFO queue was to be handled outside process(), which alone knows whether it may start: "
                "call process() of SqsFifoPartialProcessor from your own"
            )
        return super()._process_record(record)

    async def _async_process_record(self, record: Any) -> Any:
        """Await the handler with the record, and call the hook that fits. What a hook raises passes through."""
        return await self._attempt_async(record)
