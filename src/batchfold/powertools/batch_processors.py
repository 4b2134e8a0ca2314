"""Powertools' processors: `BatchProcessor`, `AsyncBatchProcessor`, `SqsFifoPartialProcessor` and the base that they share.

They decide what a handler is called with, which hook is called for a record, and what the response names: every record that
failed, on streams too, and of a FIFO queue the messages that were not started behind one.
"""

import copy
import sys
from collections.abc import Callable
from operator import attrgetter
from typing import Any, ClassVar

from batchfold.core.records import ItemFailure, PartialResponse
from batchfold.powertools.base_processor import (
    BasePartialProcessor,
    BatchSqsTypeModel,
    BatchTypeModels,
    FailureResponse,
    Warns,
)
from batchfold.powertools.data_classes_dynamodb import DynamoDBRecord
from batchfold.powertools.data_classes_kinesis_kafka import KafkaEventRecord, KinesisStreamRecord
from batchfold.powertools.data_classes_sqs import SQSRecord
from batchfold.powertools.enumerations import EventType
from batchfold.powertools.exceptions import (
    BatchProcessingError,
    ExceptionInfo,
    SQSFifoCircuitBreakerError,
    SQSFifoMessageGroupCircuitBreakerError,
)


class BasePartialBatchProcessor(BasePartialProcessor):
    """The base of processors for one kind of event: typed records, and the partial response."""

    DEFAULT_RESPONSE: ClassVar[PartialResponse] = {"batchItemFailures": []}

    def __init__(
        self,
        event_type: EventType,
        model: BatchTypeModels = None,
        raise_on_entire_batch_failure: bool = True,  # noqa: FBT001, FBT002  # Powertools' signature
        logger: Warns | None = None,
    ) -> None:
        """Keep the settings.

        Args:
            event_type: the kind of event that the records come from.
            model: a pydantic model of a record, such as a subclass of `SqsRecordModel`. Raw records are validated into
                it, and handlers are called with its instances. The response takes the item identifier from the instance.
            raise_on_entire_batch_failure: raise `BatchProcessingError` when all records failed, instead of naming them.
            logger: gets a warning with the traceback of each record that failed.
        """
        self.event_type = event_type
        self.model = model
        self.raise_on_entire_batch_failure = raise_on_entire_batch_failure
        self.batch_response: PartialResponse = copy.deepcopy(self.DEFAULT_RESPONSE)
        self._COLLECTOR_MAPPING: dict[EventType, Callable[[], list[ItemFailure]]] = {
            EventType.SQS: self._collect_sqs_failures,
            EventType.KinesisDataStreams: self._collect_kinesis_failures,
            EventType.DynamoDBStreams: self._collect_dynamodb_failures,
            EventType.Kafka: self._collect_kafka_failures,
        }
        self._DATA_CLASS_MAPPING: dict[EventType, Callable[[Any], Any]] = {
            EventType.SQS: SQSRecord,
            EventType.KinesisDataStreams: KinesisStreamRecord,
            EventType.DynamoDBStreams: DynamoDBRecord,
            EventType.Kafka: KafkaEventRecord,
        }
        super().__init__(logger=logger)

    def response(self) -> PartialResponse:
        """Return the partial response, once the `with` block is left.

        It names nothing when leaving the block raised `BatchProcessingError`: let the exception pass, for returning this
        response would delete the batch.
        """
        return self.batch_response

    def _prepare(self) -> None:
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
                msg=f"All records failed processing. {len(self.exceptions)} individual errors logged separately below.",
                child_exceptions=self.exceptions,
            )
        self.batch_response = {"batchItemFailures": self._get_messages_to_report()}

    def _has_messages_to_report(self) -> bool:
        return bool(self.fail_messages)

    def _entire_batch_failed(self) -> bool:
        return len(self.exceptions) == len(self.records)

    def _get_messages_to_report(self) -> list[ItemFailure]:
        return self._COLLECTOR_MAPPING[self.event_type]()

    def _collect_sqs_failures(self) -> list[ItemFailure]:
        return self._named_by("messageId", "message_id")

    def _collect_kinesis_failures(self) -> list[ItemFailure]:
        return self._named_by("kinesis.sequenceNumber", "kinesis.sequence_number")

    def _collect_dynamodb_failures(self) -> list[ItemFailure]:
        return self._named_by("dynamodb.SequenceNumber", "dynamodb.sequence_number")

    def _collect_kafka_failures(self) -> list[ItemFailure]:
        return [
            {"itemIdentifier": {"partition": f"{failed.topic}-{failed.partition}", "offset": failed.offset}}
            for failed in self.fail_messages
        ]

    def _named_by(self, in_model: str, in_data_class: str) -> list[ItemFailure]:
        """Name the records that failed. A record that the model refused is no instance of it, but a data class."""
        failures: list[ItemFailure] = []
        for failed in self.fail_messages:
            is_modelled = self.model is not None and hasattr(failed, "model_validate")
            failures.append({"itemIdentifier": attrgetter(in_model if is_modelled else in_data_class)(failed)})
        return failures

    def _to_batch_type(self, record: Any, event_type: EventType, model: BatchTypeModels = None) -> Any:
        return self._DATA_CLASS_MAPPING[event_type](record) if model is None else model.model_validate(record)

    def _arguments(self, record: Any) -> dict[str, Any]:
        if self._handler_accepts_lambda_context:
            return {"record": record, "lambda_context": self.lambda_context}
        return {"record": record}

    def _note_failure(self, record: Any, data: Any, error: Exception) -> Any:
        """Call the hook for a raw record whose handler or model raised, while the exception is being handled.

        pydantic's exception carries the name of the model that refused: the hook gets the record without a model then. Where
        there is no model, the record is wrapped once more, as in Powertools.
        """
        refused_by = getattr(error, "model", None) or getattr(error, "title", None)
        if refused_by in (self.model, getattr(self.model, "__name__", None)):
            return self._register_model_validation_error_record(record)
        return self.failure_handler(record=data, exception=sys.exc_info())

    def _register_model_validation_error_record(self, record: Any) -> Any:
        unmodelled = self._to_batch_type(record=record, event_type=self.event_type)
        return self.failure_handler(record=unmodelled, exception=sys.exc_info())


class BatchProcessor(BasePartialBatchProcessor):
    """Handle every record of a batch, one after the other, also behind one that failed.

    For SQS standard queues, Kinesis Data Streams, DynamoDB Streams and Kafka. `process` returns a list of
    `("success", result, raw record)` and `("fail", "<class>:<message>", record)`. Leaving the `with` block raises
    `BatchProcessingError` when all records failed.
    """

    def _process_record(self, record: Any) -> Any:
        """Call the handler and the hook that fits, and return the hook's result. Errors of a hook pass through."""
        data = None
        try:
            data = self._to_batch_type(record=record, event_type=self.event_type, model=self.model)
            result = self.handler(**self._arguments(data))
            return self.success_handler(record=record, result=result)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is this record's
            return self._note_failure(record, data, error)

    async def _async_process_record(self, record: Any) -> Any:
        raise NotImplementedError("BatchProcessor takes synchronous handlers: use AsyncBatchProcessor")


class AsyncBatchProcessor(BasePartialBatchProcessor):
    """Handle all records of a batch side by side, with an async handler. Otherwise as `BatchProcessor`."""

    def _process_record(self, record: Any) -> Any:
        raise NotImplementedError("AsyncBatchProcessor takes async handlers: use BatchProcessor, or async_process()")

    async def _async_process_record(self, record: Any) -> Any:
        data = None
        try:
            data = self._to_batch_type(record=record, event_type=self.event_type, model=self.model)
            result = await self.handler(**self._arguments(data))
            return self.success_handler(record=record, result=result)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is this record's
            return self._note_failure(record, data, error)


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
