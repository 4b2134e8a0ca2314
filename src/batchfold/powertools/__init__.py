"""Powertools' vocabulary: `from batchfold.powertools import BatchProcessor, EventType, process_partial_response`.

The names of the batch utility of Powertools for AWS Lambda (Python), and of its records and models, with the behaviour
that is documented there. Moving over changes imports. `README.md` beside this file lists each name, its counterpart in
batchfold's own words, and the few differences.

A module is imported when its first name is asked for: pydantic only with the models, asyncio only with an async run.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batchfold.powertools.base_processor import BasePartialProcessor as BasePartialProcessor
    from batchfold.powertools.base_processor import BatchEventTypes as BatchEventTypes
    from batchfold.powertools.base_processor import BatchSqsTypeModel as BatchSqsTypeModel
    from batchfold.powertools.base_processor import BatchTypeModels as BatchTypeModels
    from batchfold.powertools.base_processor import EventSourceDataClassTypes as EventSourceDataClassTypes
    from batchfold.powertools.base_processor import FailureResponse as FailureResponse
    from batchfold.powertools.base_processor import KafkaItemIdentifier as KafkaItemIdentifier
    from batchfold.powertools.base_processor import PartialItemFailureResponse as PartialItemFailureResponse
    from batchfold.powertools.base_processor import PartialItemFailures as PartialItemFailures
    from batchfold.powertools.base_processor import SuccessResponse as SuccessResponse
    from batchfold.powertools.batch_processors import AsyncBatchProcessor as AsyncBatchProcessor
    from batchfold.powertools.batch_processors import BasePartialBatchProcessor as BasePartialBatchProcessor
    from batchfold.powertools.batch_processors import BatchProcessor as BatchProcessor
    from batchfold.powertools.batch_processors import SqsFifoPartialProcessor as SqsFifoPartialProcessor
    from batchfold.powertools.data_classes_dynamodb import DynamoDBRecord as DynamoDBRecord
    from batchfold.powertools.data_classes_dynamodb import StreamRecord as StreamRecord
    from batchfold.powertools.data_classes_kinesis_kafka import KafkaEventRecord as KafkaEventRecord
    from batchfold.powertools.data_classes_kinesis_kafka import (
        KafkaEventRecordSchemaMetadata as KafkaEventRecordSchemaMetadata,
    )
    from batchfold.powertools.data_classes_kinesis_kafka import KinesisStreamRecord as KinesisStreamRecord
    from batchfold.powertools.data_classes_kinesis_kafka import KinesisStreamRecordPayload as KinesisStreamRecordPayload
    from batchfold.powertools.data_classes_sns_s3 import S3Event as S3Event
    from batchfold.powertools.data_classes_sns_s3 import S3EventRecord as S3EventRecord
    from batchfold.powertools.data_classes_sns_s3 import SNSMessage as SNSMessage
    from batchfold.powertools.data_classes_sqs import SQSMessageAttribute as SQSMessageAttribute
    from batchfold.powertools.data_classes_sqs import SQSMessageAttributes as SQSMessageAttributes
    from batchfold.powertools.data_classes_sqs import SQSRecord as SQSRecord
    from batchfold.powertools.data_classes_sqs import SQSRecordAttributes as SQSRecordAttributes
    from batchfold.powertools.enumerations import DynamoDBRecordEventName as DynamoDBRecordEventName
    from batchfold.powertools.enumerations import EventType as EventType
    from batchfold.powertools.enumerations import StreamViewType as StreamViewType
    from batchfold.powertools.exceptions import BaseBatchProcessingError as BaseBatchProcessingError
    from batchfold.powertools.exceptions import BatchProcessingError as BatchProcessingError
    from batchfold.powertools.exceptions import ExceptionInfo as ExceptionInfo
    from batchfold.powertools.exceptions import PowertoolsDeprecationWarning as PowertoolsDeprecationWarning
    from batchfold.powertools.exceptions import SQSFifoCircuitBreakerError as SQSFifoCircuitBreakerError
    from batchfold.powertools.exceptions import (
        SQSFifoMessageGroupCircuitBreakerError as SQSFifoMessageGroupCircuitBreakerError,
    )
    from batchfold.powertools.exceptions import UnexpectedBatchTypeError as UnexpectedBatchTypeError
    from batchfold.powertools.parser_models import DynamoDBStreamChangedRecordModel as DynamoDBStreamChangedRecordModel
    from batchfold.powertools.parser_models import DynamoDBStreamRecordModel as DynamoDBStreamRecordModel
    from batchfold.powertools.parser_models import KafkaRecordModel as KafkaRecordModel
    from batchfold.powertools.parser_models import KafkaRecordSchemaMetadata as KafkaRecordSchemaMetadata
    from batchfold.powertools.parser_models import KinesisDataStreamRecord as KinesisDataStreamRecord
    from batchfold.powertools.parser_models import KinesisDataStreamRecordPayload as KinesisDataStreamRecordPayload
    from batchfold.powertools.parser_models import SqsAttributesModel as SqsAttributesModel
    from batchfold.powertools.parser_models import SqsMsgAttributeModel as SqsMsgAttributeModel
    from batchfold.powertools.parser_models import SqsRecordModel as SqsRecordModel
    from batchfold.powertools.parser_models import UserIdentity as UserIdentity
    from batchfold.powertools.run_processor import async_batch_processor as async_batch_processor
    from batchfold.powertools.run_processor import async_process_partial_response as async_process_partial_response
    from batchfold.powertools.run_processor import batch_processor as batch_processor
    from batchfold.powertools.run_processor import process_partial_response as process_partial_response
else:
    from importlib import import_module

    _NAMES = {
        "base_processor": "BasePartialProcessor BatchEventTypes BatchSqsTypeModel BatchTypeModels "
        "EventSourceDataClassTypes FailureResponse KafkaItemIdentifier PartialItemFailureResponse "
        "PartialItemFailures SuccessResponse",
        "batch_processors": "AsyncBatchProcessor BasePartialBatchProcessor BatchProcessor SqsFifoPartialProcessor",
        "data_classes_dynamodb": "DynamoDBRecord StreamRecord",
        "data_classes_kinesis_kafka": "KafkaEventRecord KafkaEventRecordSchemaMetadata KinesisStreamRecord "
        "KinesisStreamRecordPayload",
        "data_classes_sns_s3": "S3Event S3EventRecord SNSMessage",
        "data_classes_sqs": "SQSMessageAttribute SQSMessageAttributes SQSRecord SQSRecordAttributes",
        "enumerations": "DynamoDBRecordEventName EventType StreamViewType",
        "exceptions": "BaseBatchProcessingError BatchProcessingError ExceptionInfo PowertoolsDeprecationWarning "
        "SQSFifoCircuitBreakerError SQSFifoMessageGroupCircuitBreakerError UnexpectedBatchTypeError",
        "parser_models": "DynamoDBStreamChangedRecordModel DynamoDBStreamRecordModel KafkaRecordModel "
        "KafkaRecordSchemaMetadata KinesisDataStreamRecord KinesisDataStreamRecordPayload SqsAttributesModel "
        "SqsMsgAttributeModel SqsRecordModel UserIdentity",
        "run_processor": "async_batch_processor async_process_partial_response batch_processor "
        "process_partial_response",
    }
    _HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

    __all__ = list(_HOME)

    # hidden from the checkers: a module's `__getattr__` that they see makes every misspelt import `Any`
    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
