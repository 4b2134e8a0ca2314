"""Partial batch responses for AWS Lambda as a typed functional core: exact order, nothing lost, nothing handled twice.

>>> from returns.result import Success
>>> from batchfold import process_batch, sqs
>>> event = {"Records": [{"messageId": "m1", "eventSource": "aws:sqs", "body": "[1, 2]"}]}
>>> process_batch(event, lambda record: Success(sum(record.body)), sqs(list[int]))
{'batchItemFailures': []}
"""

from typing import TYPE_CHECKING, Any

from batchfold.core.batch import Batch
from batchfold.core.chain import chain
from batchfold.core.chunks import ChunkHandler, in_chunks
from batchfold.core.event import Event, RawRecord, UnexpectedEventError
from batchfold.core.faults import Crashed, Fault, Malformed, Rejected
from batchfold.core.handler import AnyFuture, AnyResult, AsyncHandler, Handler
from batchfold.core.lanes import Lane, each_record, whole_batch
from batchfold.core.outcomes import Failed, Outcome, Settled, Succeeded, Unprocessed
from batchfold.core.pipe import pipe
from batchfold.core.progress import Observe
from batchfold.core.record import Record
from batchfold.core.response import ItemFailure, ItemId, KafkaItemId, PartialResponse
from batchfold.core.settle import AsyncSettle, Settle
from batchfold.core.source import Source
from batchfold.shell.context import LambdaContext
from batchfold.shell.errors import BatchProcessingError, RejectedError, UnprocessedError
from batchfold.shell.lambda_handler import LambdaFunction, as_lambda_handler
from batchfold.shell.options import AsyncFoldOptions, FoldOptions
from batchfold.shell.process import fold_batch, process_batch
from batchfold.shell.process_async import fold_batch_async, process_batch_async
from batchfold.shell.respond import RaiseOn, respond
from batchfold.sources.dynamodb import DynamoDBRecord, by_item_key, dynamodb
from batchfold.sources.kafka import KafkaRecord, by_message_key, by_topic_partition, kafka
from batchfold.sources.kinesis import KinesisRecord, by_partition_key, kinesis
from batchfold.sources.sqs import SqsRecord, by_message_group, sqs

if TYPE_CHECKING:
    from batchfold.sources.envelopes import EventBridge, Sns, SnsMessageAttribute

__version__ = "0.1.0"

__all__ = [
    "AnyFuture",
    "AnyResult",
    "AsyncFoldOptions",
    "AsyncHandler",
    "AsyncSettle",
    "Batch",
    "BatchProcessingError",
    "ChunkHandler",
    "Crashed",
    "DynamoDBRecord",
    "Event",
    "EventBridge",
    "Failed",
    "Fault",
    "FoldOptions",
    "Handler",
    "ItemFailure",
    "ItemId",
    "KafkaItemId",
    "KafkaRecord",
    "KinesisRecord",
    "LambdaContext",
    "LambdaFunction",
    "Lane",
    "Malformed",
    "Observe",
    "Outcome",
    "PartialResponse",
    "RaiseOn",
    "RawRecord",
    "Record",
    "Rejected",
    "RejectedError",
    "Settle",
    "Settled",
    "Sns",
    "SnsMessageAttribute",
    "Source",
    "SqsRecord",
    "Succeeded",
    "UnexpectedEventError",
    "Unprocessed",
    "UnprocessedError",
    "as_lambda_handler",
    "by_item_key",
    "by_message_group",
    "by_message_key",
    "by_partition_key",
    "by_topic_partition",
    "chain",
    "dynamodb",
    "each_record",
    "fold_batch",
    "fold_batch_async",
    "in_chunks",
    "kafka",
    "kinesis",
    "pipe",
    "process_batch",
    "process_batch_async",
    "respond",
    "sqs",
    "whole_batch",
]

_LAZY = dict.fromkeys(("EventBridge", "Sns", "SnsMessageAttribute"), "batchfold.sources.envelopes")
"""Public names whose modules cost a cold start what only those should pay who use them."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415  # only for the lazy names

    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value
