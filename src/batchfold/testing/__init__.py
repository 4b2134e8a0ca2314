"""The other side: events as Lambda delivers them, a context, a model of Lambda, and tests to write with them.

`assert_safe` searches for the failure schedule under which a function loses a record, breaks an order or repeats more
than it must. `drain` runs one schedule and returns the `History`. The event builders and `LambdaContext` serve plain
tests of examples. Hypothesis is needed by `assert_safe` and by the module `batchfold.testing.strategies`, and by
nothing else here.
"""

from batchfold.testing.answers import (
    Answer,
    CompleteFailure,
    CompleteSuccess,
    PartialFailure,
    Raised,
    Reading,
    Returned,
    TimedOut,
    read_answer,
)
from batchfold.testing.change_events import DynamoDBChange, attribute_value, attribute_values, dynamodb_event
from batchfold.testing.context import Clock, LambdaContext
from batchfold.testing.driver import drain
from batchfold.testing.effect import (
    Attempt,
    Attempted,
    AttemptEnd,
    Effect,
    EffectFailed,
    FailureSchedule,
    LambdaFunction,
    MakeFunction,
)
from batchfold.testing.event_source import Delivery, EventSource, Removal, SourceRecord, SourceState, name_records
from batchfold.testing.firehose_streams import (
    FirehoseData,
    FirehoseOrigin,
    FirehoseStream,
    Transformed,
    firehose_event,
    read_transformation,
)
from batchfold.testing.history import Fate, History, Invocation, tell
from batchfold.testing.kafka_topics import KafkaShareGroup, KafkaTopic
from batchfold.testing.kpl_aggregates import AggregatedKinesisStream, KplRecord, kpl_aggregate
from batchfold.testing.notifications import cloudwatch_logs, s3_notification, s3_test_event, table_change
from batchfold.testing.piped import DynamoDBPipe, KinesisPipe, SqsPipe, pipes_event
from batchfold.testing.promise import OrderViolation, Repeat
from batchfold.testing.queue_events import SqsMessage, eventbridge_envelope, s3_pointer, sns_envelope, sqs_event
from batchfold.testing.safety import Tried, UnsafeFunctionError, assert_safe
from batchfold.testing.search import Scenario
from batchfold.testing.sqs_queue import Queue, QueueState, SqsQueue
from batchfold.testing.stream_events import KafkaMessage, KinesisData, kafka_event, kinesis_event
from batchfold.testing.stream_retries import StreamSettings, StreamState
from batchfold.testing.streams import DynamoDBStream, KinesisStream, ShardsState
from batchfold.testing.tumbling_windows import WindowsState, state_in, window_event

__all__ = [
    "AggregatedKinesisStream",
    "Answer",
    "Attempt",
    "AttemptEnd",
    "Attempted",
    "Clock",
    "CompleteFailure",
    "CompleteSuccess",
    "Delivery",
    "DynamoDBChange",
    "DynamoDBPipe",
    "DynamoDBStream",
    "Effect",
    "EffectFailed",
    "EventSource",
    "FailureSchedule",
    "Fate",
    "FirehoseData",
    "FirehoseOrigin",
    "FirehoseStream",
    "History",
    "Invocation",
    "KafkaMessage",
    "KafkaShareGroup",
    "KafkaTopic",
    "KinesisData",
    "KinesisPipe",
    "KinesisStream",
    "KplRecord",
    "LambdaContext",
    "LambdaFunction",
    "MakeFunction",
    "OrderViolation",
    "PartialFailure",
    "Queue",
    "QueueState",
    "Raised",
    "Reading",
    "Removal",
    "Repeat",
    "Returned",
    "Scenario",
    "ShardsState",
    "SourceRecord",
    "SourceState",
    "SqsMessage",
    "SqsPipe",
    "SqsQueue",
    "StreamSettings",
    "StreamState",
    "TimedOut",
    "Transformed",
    "Tried",
    "UnsafeFunctionError",
    "WindowsState",
    "assert_safe",
    "attribute_value",
    "attribute_values",
    "cloudwatch_logs",
    "drain",
    "dynamodb_event",
    "eventbridge_envelope",
    "firehose_event",
    "kafka_event",
    "kinesis_event",
    "kpl_aggregate",
    "name_records",
    "pipes_event",
    "read_answer",
    "read_transformation",
    "s3_notification",
    "s3_pointer",
    "s3_test_event",
    "sns_envelope",
    "sqs_event",
    "state_in",
    "table_change",
    "tell",
    "window_event",
]
