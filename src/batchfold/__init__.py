"""Partial batch responses for AWS Lambda as a typed functional core: exact order, nothing lost, nothing handled twice.

>>> from returns.result import Success
>>> from batchfold import process_batch, sqs
>>> event = {"Records": [{"messageId": "m1", "eventSource": "aws:sqs", "body": "[1, 2]"}]}
>>> process_batch(event, lambda record: Success(sum(record.body)), sqs(list[int]))
{'batchItemFailures': []}
"""

from typing import TYPE_CHECKING, Any

from batchfold.core.batch import Batch
from batchfold.core.caused_by import caused_by
from batchfold.core.chain import chain
from batchfold.core.chunks import ChunkHandler, in_chunks
from batchfold.core.dead_letter import dead_letter
from batchfold.core.discard import discard
from batchfold.core.event import Event, RawRecord, UnexpectedEventError
from batchfold.core.faults import Crashed, Fault, Malformed, PayloadError, Rejected
from batchfold.core.handler import AnyFuture, AnyResult, AsyncHandler, Handler
from batchfold.core.lanes import Lane, each_record, whole_batch
from batchfold.core.layers.only import only
from batchfold.core.layers.route import NoRouteError, route
from batchfold.core.observe import Observe
from batchfold.core.observe_all import observe_all
from batchfold.core.outcomes import Failed, Outcome, Settled, Succeeded, Unprocessed
from batchfold.core.pipe import pipe
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
    from batchfold.shell.backoff import SqsBackoff, sqs_backoff
    from batchfold.shell.checked import BrokenAnnotationError, checked
    from batchfold.shell.measures import Latencies, Measures, measures_of
    from batchfold.shell.sqs_client import ChangesVisibility, SendsMessages
    from batchfold.shell.sqs_sender import Sender, sqs_sender
    from batchfold.shell.timed import timed
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
    "BrokenAnnotationError",
    "ChangesVisibility",
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
    "Latencies",
    "Malformed",
    "Measures",
    "NoRouteError",
    "Observe",
    "Outcome",
    "PartialResponse",
    "PayloadError",
    "RaiseOn",
    "RawRecord",
    "Record",
    "Rejected",
    "RejectedError",
    "Sender",
    "SendsMessages",
    "Settle",
    "Settled",
    "Sns",
    "SnsMessageAttribute",
    "Source",
    "SqsBackoff",
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
    "caused_by",
    "chain",
    "checked",
    "dead_letter",
    "discard",
    "dynamodb",
    "each_record",
    "fold_batch",
    "fold_batch_async",
    "in_chunks",
    "kafka",
    "kinesis",
    "measures_of",
    "observe_all",
    "only",
    "pipe",
    "process_batch",
    "process_batch_async",
    "respond",
    "route",
    "sqs",
    "sqs_backoff",
    "sqs_sender",
    "timed",
    "whole_batch",
]

_LAZY = {
    "BrokenAnnotationError": "batchfold.shell.checked",
    "ChangesVisibility": "batchfold.shell.sqs_client",
    "EventBridge": "batchfold.sources.envelopes",
    "Latencies": "batchfold.shell.measures",
    "Measures": "batchfold.shell.measures",
    "Sender": "batchfold.shell.sqs_sender",
    "SendsMessages": "batchfold.shell.sqs_client",
    "Sns": "batchfold.sources.envelopes",
    "SnsMessageAttribute": "batchfold.sources.envelopes",
    "SqsBackoff": "batchfold.shell.backoff",
    "checked": "batchfold.shell.checked",
    "measures_of": "batchfold.shell.measures",
    "sqs_backoff": "batchfold.shell.backoff",
    "sqs_sender": "batchfold.shell.sqs_sender",
    "timed": "batchfold.shell.timed",
}
"""Public names whose modules cost a cold start what only those should pay who use them."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415  # only for the lazy names

    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value
