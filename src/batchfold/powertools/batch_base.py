"""`BasePartialBatchProcessor`: what the processors of the four kinds of event have in common."""

import copy
import sys
from typing import Any, ClassVar

from batchfold.core.records import ItemFailure, PartialResponse
from batchfold.core.response import name_each
from batchfold.powertools.base import BasePartialProcessor, Warns
from batchfold.powertools.event_type import EventType
from batchfold.powertools.exceptions import BatchProcessingError
from batchfold.powertools.processing import OfProcessing, Processing
from batchfold.powertools.records import DynamoDBRecord, KafkaEventRecord, KinesisStreamRecord, SQSRecord
from batchfold.powertools.source import item_id_of
from batchfold.powertools.types import BatchTypeModels

_RECORD_OF = {
    EventType.SQS: SQSRecord,
    EventType.KinesisDataStreams: KinesisStreamRecord,
    EventType.DynamoDBStreams: DynamoDBRecord,
    EventType.Kafka: KafkaEventRecord,
}


class BasePartialBatchProcessor(BasePartialProcessor):
    """The base of processors for one kind of event: typed records, and the response.

    Every record that failed is named in the response, on streams too.
    """

    DEFAULT_RESPONSE: ClassVar[PartialResponse] = {"batchItemFailures": []}

    batch_response = OfProcessing[PartialResponse]("batch_response")

    def __init__(
        self,
        event_type: EventType,
        model: BatchTypeModels = None,
        raise_on_entire_batch_failure: bool = True,  # noqa: FBT001, FBT002  # Powertools' signature
        logger: Warns | None = None,
    ) -> None:
        """Keep the settings.

        Args:
            event_type: which kind of event the records are of.
            model: a pydantic model. Raw records are validated into it, and handlers called with its instances. The item
                identifier always comes from the raw record, so the model needs inherit from nothing.
            raise_on_entire_batch_failure: raise `BatchProcessingError` when all records failed, instead of naming them.
            logger: is told, in a warning, the exception of each record that failed.
        """
        super().__init__(logger)
        self.event_type = event_type
        self.model = model
        self.raise_on_entire_batch_failure = raise_on_entire_batch_failure

    def response(self) -> PartialResponse:
        """The partial response, once the `with` block is left. Empty when that raised: let the exception pass."""
        return self.batch_response

    def _prepare(self) -> None:
        """Forget the results of a `with` block before, if the same call is used for a second one."""
        self.success_messages.clear()
        self.fail_messages.clear()
        self.exceptions.clear()
        self.batch_response = copy.deepcopy(self.DEFAULT_RESPONSE)

    def _clean(self) -> None:
        """Write the response, or raise `BatchProcessingError` if all records failed."""
        if not self._has_messages_to_report():
            return
        if self._entire_batch_failed() and self.raise_on_entire_batch_failure:
            raise BatchProcessingError(
                f"no record of the batch is done, all {len(self.exceptions)} come back; what failed follows",
                self.exceptions,
            )
        self.batch_response = PartialResponse(batchItemFailures=self._get_messages_to_report())

    def _has_messages_to_report(self) -> bool:
        return bool(self.fail_messages)

    def _entire_batch_failed(self) -> bool:
        return len(self.exceptions) == len(self.records)

    def _get_messages_to_report(self) -> list[ItemFailure]:
        """What the core's `name_each` makes of the records that failed."""
        processing = self.processings_.at_hand
        item_ids = [item_id_of(self.event_type, processing.raw_of(record)) for record in self.fail_messages]
        return name_each(item_ids)["batchItemFailures"]

    def _attempt(self, record: Any) -> Any:
        """Call the handler, and the hook that fits, whose result it returns. Only what a hook raises passes through."""
        processing, data = self.processings_.at_hand, None
        try:
            data = self._to_batch_type(record=record, event_type=self.event_type, model=self.model)
            try:
                result = _call_handler(processing, data)
            finally:
                self.processings_.go_back_to(processing)
            return self.success_handler(record=record, result=result)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is this record's
            return self._note_failure(record, data, error)

    async def _attempt_async(self, record: Any) -> Any:
        """The same with an async handler."""
        processing, data = self.processings_.at_hand, None
        try:
            data = self._to_batch_type(record=record, event_type=self.event_type, model=self.model)
            try:
                result = await _call_handler(processing, data)
            finally:
                self.processings_.go_back_to(processing)
            return self.success_handler(record=record, result=result)
        except Exception as error:  # noqa: BLE001  # as above
            return self._note_failure(record, data, error)

    def _to_batch_type(self, record: Any, event_type: EventType, model: BatchTypeModels = None) -> Any:
        """From a raw record to what the handler is called with."""
        if model is None:
            return _RECORD_OF[event_type](record)
        modelled = model.model_validate(record)
        self.processings_.at_hand.remember(modelled, record)
        return modelled

    def _note_failure(self, record: Any, data: Any, error: Exception) -> Any:
        """Call the hook for a raw record, with what the handler was called with unless the model refused it."""
        if data is None or self._is_refusal(error):
            return self._register_model_validation_error_record(record)
        return self.failure_handler(record=data, exception=sys.exc_info())

    def _register_model_validation_error_record(self, record: Any) -> Any:
        """Call the hook for a raw record that the model refused, while the exception is being handled."""
        unmodelled = self._to_batch_type(record=record, event_type=self.event_type)
        return self.failure_handler(record=unmodelled, exception=sys.exc_info())

    def _is_refusal(self, error: Exception) -> bool:
        """Whether an exception says that the model did not validate: pydantic's carries the model's name."""
        return self.model is not None and getattr(error, "title", None) == getattr(self.model, "__name__", None)


def _call_handler(processing: Processing, data: Any) -> Any:
    if processing.handler_accepts_lambda_context:
        return processing.handler(record=data, lambda_context=processing.lambda_context)
    return processing.handler(record=data)
