"""`BatchProcessor` and `AsyncBatchProcessor`: records without an order among them."""

from typing import Any

from batchfold.powertools.batch_base import BasePartialBatchProcessor


class BatchProcessor(BasePartialBatchProcessor):
    """Handle every record of a batch, one after the other, whatever became of those before it: `each_record`.

    For SQS standard queues, Kinesis Data Streams, DynamoDB Streams and Kafka. `process` returns a list of
    `("success", result, raw record)` and `("fail", "<class>:<message>", record)`. A `with` block raises
    `BatchProcessingError` when it is left and all records failed.
    """

    def _process_record(self, record: Any) -> Any:
        """Call the handler with the record, and then the hook that fits. What a hook raises passes through."""
        return self._attempt(record)

    async def _async_process_record(self, record: Any) -> Any:
        """Refuse: `AsyncBatchProcessor` is for async handlers."""
        raise NotImplementedError("async handlers go to AsyncBatchProcessor, or to SqsFifoPartialProcessor")


class AsyncBatchProcessor(BasePartialBatchProcessor):
    """Handle all records of a batch side by side, with an async handler. Otherwise as `BatchProcessor`."""

    def _process_record(self, record: Any) -> Any:
        """Refuse: `BatchProcessor` is for synchronous handlers."""
        raise NotImplementedError("synchronous handlers go to BatchProcessor")

    async def _async_process_record(self, record: Any) -> Any:
        """Await the handler with the record, and call the hook that fits. What a hook raises passes through."""
        return await self._attempt_async(record)
