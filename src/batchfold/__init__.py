"""Partial batch responses for AWS Lambda as a typed functional core: exact order, nothing lost, nothing handled twice.

>>> from returns.result import Success
>>> from batchfold import process_batch, sqs
>>> event = {"Records": [{"messageId": "m1", "eventSource": "aws:sqs", "body": "[1, 2]"}]}
>>> process_batch(event, lambda record: Success(sum(record.body)), sqs(list[int]))
{'batchItemFailures': []}
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from batchfold.shell.sqs_backoff import SqsBackoff, sqs_backoff
    from batchfold.shell.checked import BrokenAnnotationError, checked
    from batchfold.shell.context import LambdaContext
    from batchfold.shell.errors import BatchProcessingError, RejectedError, UnprocessedError
    from batchfold.shell.lambda_handler import LambdaFunction, as_lambda_handler
    from batchfold.shell.measures import Latencies, Measures, measures_of
    from batchfold.shell.options import AsyncFoldOptions, FoldOptions
    from batchfold.shell.process import fold_batch, process_batch
    from batchfold.shell.process_async import fold_batch_async, process_batch_async
    from batchfold.shell.respond import RaiseOn, respond
    from batchfold.shell.sqs_client import ChangesVisibility, SendsMessages
    from batchfold.shell.sqs_sender import Sender, sqs_sender
    from batchfold.shell.timed import timed
    from batchfold.sources.dynamodb import DynamoDBRecord, by_item_key, dynamodb
    from batchfold.sources.envelopes import EventBridge, Sns, SnsMessageAttribute
    from batchfold.sources.kafka import KafkaRecord, by_message_key, by_topic_partition, kafka
    from batchfold.sources.kinesis import KinesisRecord, by_partition_key, kinesis
    from batchfold.sources.sqs import SqsRecord, by_message_group, sqs

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

_HOME = {
    "AnyFuture": "batchfold.core.handler",
    "AnyResult": "batchfold.core.handler",
    "AsyncFoldOptions": "batchfold.shell.options",
    "AsyncHandler": "batchfold.core.handler",
    "AsyncSettle": "batchfold.core.settle",
    "Batch": "batchfold.core.batch",
    "BatchProcessingError": "batchfold.shell.errors",
    "BrokenAnnotationError": "batchfold.shell.checked",
    "ChangesVisibility": "batchfold.shell.sqs_client",
    "ChunkHandler": "batchfold.core.chunks",
    "Crashed": "batchfold.core.faults",
    "DynamoDBRecord": "batchfold.sources.dynamodb",
    "Event": "batchfold.core.event",
    "EventBridge": "batchfold.sources.envelopes",
    "Failed": "batchfold.core.outcomes",
    "Fault": "batchfold.core.faults",
    "FoldOptions": "batchfold.shell.options",
    "Handler": "batchfold.core.handler",
    "ItemFailure": "batchfold.core.response",
    "ItemId": "batchfold.core.response",
    "KafkaItemId": "batchfold.core.response",
    "KafkaRecord": "batchfold.sources.kafka",
    "KinesisRecord": "batchfold.sources.kinesis",
    "LambdaContext": "batchfold.shell.context",
    "LambdaFunction": "batchfold.shell.lambda_handler",
    "Lane": "batchfold.core.lanes",
    "Latencies": "batchfold.shell.measures",
    "Malformed": "batchfold.core.faults",
    "Measures": "batchfold.shell.measures",
    "NoRouteError": "batchfold.core.layers.route",
    "Observe": "batchfold.core.observe",
    "Outcome": "batchfold.core.outcomes",
    "PartialResponse": "batchfold.core.response",
    "PayloadError": "batchfold.core.faults",
    "RaiseOn": "batchfold.shell.respond",
    "RawRecord": "batchfold.core.event",
    "Record": "batchfold.core.record",
    "Rejected": "batchfold.core.faults",
    "RejectedError": "batchfold.shell.errors",
    "Sender": "batchfold.shell.sqs_sender",
    "SendsMessages": "batchfold.shell.sqs_client",
    "Settle": "batchfold.core.settle",
    "Settled": "batchfold.core.outcomes",
    "Sns": "batchfold.sources.envelopes",
    "SnsMessageAttribute": "batchfold.sources.envelopes",
    "Source": "batchfold.core.source",
    "SqsBackoff": "batchfold.shell.sqs_backoff",
    "SqsRecord": "batchfold.sources.sqs",
    "Succeeded": "batchfold.core.outcomes",
    "UnexpectedEventError": "batchfold.core.event",
    "Unprocessed": "batchfold.core.outcomes",
    "UnprocessedError": "batchfold.shell.errors",
    "as_lambda_handler": "batchfold.shell.lambda_handler",
    "by_item_key": "batchfold.sources.dynamodb",
    "by_message_group": "batchfold.sources.sqs",
    "by_message_key": "batchfold.sources.kafka",
    "by_partition_key": "batchfold.sources.kinesis",
    "by_topic_partition": "batchfold.sources.kafka",
    "caused_by": "batchfold.core.caused_by",
    "chain": "batchfold.core.chain",
    "checked": "batchfold.shell.checked",
    "dead_letter": "batchfold.core.dead_letter",
    "discard": "batchfold.core.discard",
    "dynamodb": "batchfold.sources.dynamodb",
    "each_record": "batchfold.core.lanes",
    "fold_batch": "batchfold.shell.process",
    "fold_batch_async": "batchfold.shell.process_async",
    "in_chunks": "batchfold.core.chunks",
    "kafka": "batchfold.sources.kafka",
    "kinesis": "batchfold.sources.kinesis",
    "measures_of": "batchfold.shell.measures",
    "observe_all": "batchfold.core.observe_all",
    "only": "batchfold.core.layers.only",
    "pipe": "batchfold.core.pipe",
    "process_batch": "batchfold.shell.process",
    "process_batch_async": "batchfold.shell.process_async",
    "respond": "batchfold.shell.respond",
    "route": "batchfold.core.layers.route",
    "sqs": "batchfold.sources.sqs",
    "sqs_backoff": "batchfold.shell.sqs_backoff",
    "sqs_sender": "batchfold.shell.sqs_sender",
    "timed": "batchfold.shell.timed",
    "whole_batch": "batchfold.core.lanes",
}
"""Where each public name is defined. A module is imported when its first name is asked for, so that a Lambda function
pays at its cold start for what it uses: not for other sources, async runs, or what settles and observes."""


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
