"""Partial batch responses for AWS Lambda as a typed functional core: exact order, nothing lost, nothing handled twice.

>>> from returns.result import Success
>>> from batchfold import process_batch, sqs
>>> event = {"Records": [{"messageId": "m1", "eventSource": "aws:sqs", "body": "[1, 2]"}]}
>>> process_batch(event, lambda record: Success(sum(record.body)), sqs(list[int]))
{'batchItemFailures': []}
"""

from logging import getLogger
from typing import TYPE_CHECKING

__version__ = "0.1.0"

# registered before anything is logged, so that tools which configure all loggers find it; Lambda's runtime client has
# imported `logging` before it imports the function
getLogger(__name__)

if TYPE_CHECKING:
    from batchfold.core.batch import Answerable as Answerable
    from batchfold.core.batch import AnyBatch as AnyBatch
    from batchfold.core.batch import Batch as Batch
    from batchfold.core.batch import BatchOf as BatchOf
    from batchfold.core.chain import chain as chain
    from batchfold.core.chunks import AsyncChunkHandler as AsyncChunkHandler
    from batchfold.core.chunks import AsyncInChunks as AsyncInChunks
    from batchfold.core.chunks import ChunkHandler as ChunkHandler
    from batchfold.core.chunks import InChunks as InChunks
    from batchfold.core.chunks import in_chunks as in_chunks
    from batchfold.core.faults import Crashed as Crashed
    from batchfold.core.faults import Fault as Fault
    from batchfold.core.faults import Malformed as Malformed
    from batchfold.core.faults import PayloadError as PayloadError
    from batchfold.core.faults import Rejected as Rejected
    from batchfold.core.handlers import AnyFuture as AnyFuture
    from batchfold.core.handlers import AnyResult as AnyResult
    from batchfold.core.handlers import AsyncHandler as AsyncHandler
    from batchfold.core.handlers import Handler as Handler
    from batchfold.core.lanes import Lane as Lane
    from batchfold.core.lanes import each_record as each_record
    from batchfold.core.lanes import whole_batch as whole_batch
    from batchfold.core.layers import NoRouteError as NoRouteError
    from batchfold.core.layers import only as only
    from batchfold.core.layers import pipe as pipe
    from batchfold.core.layers import route as route
    from batchfold.core.outcomes import Failed as Failed
    from batchfold.core.outcomes import Observe as Observe
    from batchfold.core.outcomes import Outcome as Outcome
    from batchfold.core.outcomes import Settled as Settled
    from batchfold.core.outcomes import StopWhen as StopWhen
    from batchfold.core.outcomes import Succeeded as Succeeded
    from batchfold.core.outcomes import Unprocessed as Unprocessed
    from batchfold.core.records import AnyEvent as AnyEvent
    from batchfold.core.records import Event as Event
    from batchfold.core.records import ItemFailure as ItemFailure
    from batchfold.core.records import ItemId as ItemId
    from batchfold.core.records import KafkaItemId as KafkaItemId
    from batchfold.core.records import PartialResponse as PartialResponse
    from batchfold.core.records import RawRecord as RawRecord
    from batchfold.core.records import Record as Record
    from batchfold.core.records import UnexpectedEventError as UnexpectedEventError
    from batchfold.core.response import RaiseOn as RaiseOn
    from batchfold.core.response import name_every_record as name_every_record
    from batchfold.core.response import name_lowest_sequence_number as name_lowest_sequence_number
    from batchfold.core.settling import AsyncSettle as AsyncSettle
    from batchfold.core.settling import Settle as Settle
    from batchfold.core.settling import caused_by as caused_by
    from batchfold.core.settling import dead_letter as dead_letter
    from batchfold.core.settling import discard as discard
    from batchfold.core.source import AsyncSource as AsyncSource
    from batchfold.core.source import CheckValue as CheckValue
    from batchfold.core.source import Source as Source
    from batchfold.shell.checked import BrokenAnnotationError as BrokenAnnotationError
    from batchfold.shell.checked import checked as checked
    from batchfold.shell.errors import BatchProcessingError as BatchProcessingError
    from batchfold.shell.errors import RejectedError as RejectedError
    from batchfold.shell.errors import UnprocessedError as UnprocessedError
    from batchfold.shell.lambda_handler import LambdaFunction as LambdaFunction
    from batchfold.shell.lambda_handler import as_lambda_handler as as_lambda_handler
    from batchfold.shell.observing import Latencies as Latencies
    from batchfold.shell.observing import Measures as Measures
    from batchfold.shell.observing import measures_of as measures_of
    from batchfold.shell.observing import observe_all as observe_all
    from batchfold.shell.observing import timed as timed
    from batchfold.shell.options import AsyncFoldOptions as AsyncFoldOptions
    from batchfold.shell.options import AsyncFunctionOptions as AsyncFunctionOptions
    from batchfold.shell.options import FoldOptions as FoldOptions
    from batchfold.shell.options import FunctionOptions as FunctionOptions
    from batchfold.shell.options import LambdaContext as LambdaContext
    from batchfold.shell.process import fold_batch as fold_batch
    from batchfold.shell.process import fold_batch_async as fold_batch_async
    from batchfold.shell.process import process_batch as process_batch
    from batchfold.shell.process import process_batch_async as process_batch_async
    from batchfold.shell.respond_or_raise import respond as respond
    from batchfold.shell.s3_pointers import DeletesObjects as DeletesObjects
    from batchfold.shell.s3_pointers import DeletesObjectsAsync as DeletesObjectsAsync
    from batchfold.shell.s3_pointers import GetsObjects as GetsObjects
    from batchfold.shell.s3_pointers import GetsObjectsAsync as GetsObjectsAsync
    from batchfold.shell.s3_pointers import delete_fetched as delete_fetched
    from batchfold.shell.s3_pointers import s3_pointers as s3_pointers
    from batchfold.shell.sqs_backoff import SqsBackoff as SqsBackoff
    from batchfold.shell.sqs_backoff import sqs_backoff as sqs_backoff
    from batchfold.shell.sqs_client import ChangesVisibility as ChangesVisibility
    from batchfold.shell.sqs_client import SendsMessages as SendsMessages
    from batchfold.shell.sqs_sender import Sender as Sender
    from batchfold.shell.sqs_sender import sqs_sender as sqs_sender
    from batchfold.shell.traced import Traced as Traced
    from batchfold.shell.traced import traced as traced
    from batchfold.sources.attribute_values import Attribute as Attribute
    from batchfold.sources.attribute_values import Item as Item
    from batchfold.sources.attribute_values import from_attribute_values as from_attribute_values
    from batchfold.sources.cloudwatch_logs import CloudWatchLogEvent as CloudWatchLogEvent
    from batchfold.sources.cloudwatch_logs import CloudWatchLogs as CloudWatchLogs
    from batchfold.sources.dynamodb import DynamoDBRecord as DynamoDBRecord
    from batchfold.sources.dynamodb import by_hash_key as by_hash_key
    from batchfold.sources.dynamodb import by_item_key as by_item_key
    from batchfold.sources.dynamodb import dynamodb as dynamodb
    from batchfold.sources.envelopes import EventBridge as EventBridge
    from batchfold.sources.envelopes import Sns as Sns
    from batchfold.sources.envelopes import SnsMessageAttribute as SnsMessageAttribute
    from batchfold.sources.fetched import fetched as fetched
    from batchfold.sources.fields import ListedRecord as ListedRecord
    from batchfold.sources.firehose import Dropped as Dropped
    from batchfold.sources.firehose import FirehoseAnswer as FirehoseAnswer
    from batchfold.sources.firehose import FirehoseOut as FirehoseOut
    from batchfold.sources.firehose import FirehoseRecord as FirehoseRecord
    from batchfold.sources.firehose import FirehoseResponse as FirehoseResponse
    from batchfold.sources.firehose import ResponseFullError as ResponseFullError
    from batchfold.sources.firehose import firehose as firehose
    from batchfold.sources.framing import confluent as confluent
    from batchfold.sources.framing import glue as glue
    from batchfold.sources.framing import glue_message_index as glue_message_index
    from batchfold.sources.framing import message_indexes as message_indexes
    from batchfold.sources.kafka import KafkaRecord as KafkaRecord
    from batchfold.sources.kafka import SchemaMetadata as SchemaMetadata
    from batchfold.sources.kafka import by_message_key as by_message_key
    from batchfold.sources.kafka import by_topic_partition as by_topic_partition
    from batchfold.sources.kafka import kafka as kafka
    from batchfold.sources.kinesis import KinesisRecord as KinesisRecord
    from batchfold.sources.kinesis import by_partition_key as by_partition_key
    from batchfold.sources.kinesis import kinesis as kinesis
    from batchfold.sources.payload import OfRecord as OfRecord
    from batchfold.sources.payload import of_record as of_record
    from batchfold.sources.pipes import pipes as pipes
    from batchfold.sources.s3_notifications import S3Bucket as S3Bucket
    from batchfold.sources.s3_notifications import S3Notification as S3Notification
    from batchfold.sources.s3_notifications import S3NotificationRecord as S3NotificationRecord
    from batchfold.sources.s3_notifications import S3Object as S3Object
    from batchfold.sources.sqs import SqsRecord as SqsRecord
    from batchfold.sources.sqs import by_message_group as by_message_group
    from batchfold.sources.sqs import sqs as sqs
    from batchfold.sources.table_changes import DynamoDBChange as DynamoDBChange
    from batchfold.sources.windows import InWindow as InWindow
    from batchfold.sources.windows import WindowResponse as WindowResponse
    from batchfold.sources.windows import step as step
    from batchfold.sources.windows import windowed as windowed
else:
    from importlib import import_module

    _NAMES = {
        "core.batch": "Answerable AnyBatch Batch BatchOf",
        "core.chain": "chain",
        "core.chunks": "AsyncChunkHandler AsyncInChunks ChunkHandler InChunks in_chunks",
        "core.faults": "Crashed Fault Malformed PayloadError Rejected",
        "core.handlers": "AnyFuture AnyResult AsyncHandler Handler",
        "core.lanes": "Lane each_record whole_batch",
        "core.layers": "NoRouteError only pipe route",
        "core.outcomes": "Failed Observe Outcome Settled StopWhen Succeeded Unprocessed",
        "core.records": "AnyEvent Event ItemFailure ItemId KafkaItemId PartialResponse RawRecord Record UnexpectedEventError",
        "core.response": "RaiseOn name_every_record name_lowest_sequence_number",
        "core.settling": "AsyncSettle Settle caused_by dead_letter discard",
        "core.source": "AsyncSource CheckValue Source",
        "shell.checked": "BrokenAnnotationError checked",
        "shell.errors": "BatchProcessingError RejectedError UnprocessedError",
        "shell.lambda_handler": "LambdaFunction as_lambda_handler",
        "shell.observing": "Latencies Measures measures_of observe_all timed",
        "shell.options": "AsyncFoldOptions AsyncFunctionOptions FoldOptions FunctionOptions LambdaContext",
        "shell.process": "fold_batch fold_batch_async process_batch process_batch_async",
        "shell.respond_or_raise": "respond",
        "shell.s3_pointers": "DeletesObjects DeletesObjectsAsync GetsObjects GetsObjectsAsync delete_fetched s3_pointers",
        "shell.sqs_backoff": "SqsBackoff sqs_backoff",
        "shell.sqs_client": "ChangesVisibility SendsMessages",
        "shell.sqs_sender": "Sender sqs_sender",
        "shell.traced": "Traced traced",
        "sources.attribute_values": "Attribute Item from_attribute_values",
        "sources.cloudwatch_logs": "CloudWatchLogEvent CloudWatchLogs",
        "sources.dynamodb": "DynamoDBRecord by_hash_key by_item_key dynamodb",
        "sources.envelopes": "EventBridge Sns SnsMessageAttribute",
        "sources.fetched": "fetched",
        "sources.fields": "ListedRecord",
        "sources.firehose": "Dropped FirehoseAnswer FirehoseOut FirehoseRecord FirehoseResponse ResponseFullError firehose",
        "sources.framing": "confluent glue glue_message_index message_indexes",
        "sources.kafka": "KafkaRecord SchemaMetadata by_message_key by_topic_partition kafka",
        "sources.kinesis": "KinesisRecord by_partition_key kinesis",
        "sources.payload": "OfRecord of_record",
        "sources.pipes": "pipes",
        "sources.s3_notifications": "S3Bucket S3Notification S3NotificationRecord S3Object",
        "sources.sqs": "SqsRecord by_message_group sqs",
        "sources.table_changes": "DynamoDBChange",
        "sources.windows": "InWindow WindowResponse step windowed",
    }
    # the module of each public name: it is imported when its first name is asked for, so that a Lambda function pays at
    # its cold start for what it uses, and not for other sources, async runs, or what settles and observes
    _HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

    __all__ = sorted(_HOME)  # noqa: PLE0605  # a list, made of the one above

    # hidden from the checkers: a module's `__getattr__` that they see makes every misspelt import `Any`
    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        if isinstance(value, type):
            value.__module__ = __name__  # `batchfold.SqsRecord` in `repr` and tracebacks, and not the room it is in
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
