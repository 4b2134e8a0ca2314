"""Powertools' vocabulary over the same core: `from batchfold.powertools import BatchProcessor, EventType, ...`.

The names of the batch utility of Powertools for AWS Lambda (Python), with their documented behaviour, so that moving over
changes imports and nothing else. Under them are the core's fold, schedule and response. `README.md` beside this file
lists each name, its counterpart in batchfold's own words, and where behaviour differs.

The pydantic models (`SqsRecordModel` and its like) are imported when they are first asked for, and pydantic with them.
"""

from typing import TYPE_CHECKING, Any

from batchfold.powertools.base import BasePartialProcessor
from batchfold.powertools.batch_base import BasePartialBatchProcessor
from batchfold.powertools.decorators import async_batch_processor, batch_processor
from batchfold.powertools.event_type import EventType
from batchfold.powertools.exceptions import (
    BaseBatchProcessingError,
    BatchProcessingError,
    ExceptionInfo,
    SQSFifoCircuitBreakerError,
    SQSFifoMessageGroupCircuitBreakerError,
    UnexpectedBatchTypeError,
)
from batchfold.powertools.fifo import SqsFifoPartialProcessor
from batchfold.powertools.partial_response import async_process_partial_response, process_partial_response
from batchfold.powertools.processor import AsyncBatchProcessor, BatchProcessor
from batchfold.powertools.records import DynamoDBRecord, KafkaEventRecord, KinesisStreamRecord, SQSRecord
from batchfold.powertools.types import (
    BatchEventTypes,
    BatchSqsTypeModel,
    BatchTypeModels,
    EventSourceDataClassTypes,
    FailureResponse,
    KafkaItemIdentifier,
    PartialItemFailureResponse,
    PartialItemFailures,
    SuccessResponse,
)

if TYPE_CHECKING:
    from batchfold.powertools.models import (
        DynamoDBStreamChangedRecordModel,
        DynamoDBStreamRecordModel,
        KafkaRecordModel,
        KafkaRecordSchemaMetadata,
        KinesisDataStreamRecord,
        KinesisDataStreamRecordPayload,
        SqsAttributesModel,
        SqsMsgAttributeModel,
        SqsRecordModel,
    )

__all__ = [
    "AsyncBatchProcessor",
    "BaseBatchProcessingError",
    "BasePartialBatchProcessor",
    "BasePartialProcessor",
    "BatchEventTypes",
    "BatchProcessingError",
    "BatchProcessor",
    "BatchSqsTypeModel",
    "BatchTypeModels",
    "DynamoDBRecord",
    "DynamoDBStreamChangedRecordModel",
    "DynamoDBStreamRecordModel",
    "EventSourceDataClassTypes",
    "EventType",
    "ExceptionInfo",
    "FailureResponse",
    "KafkaEventRecord",
    "KafkaItemIdentifier",
    "KafkaRecordModel",
    "KafkaRecordSchemaMetadata",
    "KinesisDataStreamRecord",
    "KinesisDataStreamRecordPayload",
    "KinesisStreamRecord",
    "PartialItemFailureResponse",
    "PartialItemFailures",
    "SQSFifoCircuitBreakerError",
    "SQSFifoMessageGroupCircuitBreakerError",
    "SQSRecord",
    "SqsAttributesModel",
    "SqsFifoPartialProcessor",
    "SqsMsgAttributeModel",
    "SqsRecordModel",
    "SuccessResponse",
    "UnexpectedBatchTypeError",
    "async_batch_processor",
    "async_process_partial_response",
    "batch_processor",
    "process_partial_response",
]


def __getattr__(name: str) -> Any:
    if name in __all__:  # all other names are there already
        from batchfold.powertools import models  # noqa: PLC0415  # it imports pydantic

        return getattr(models, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
