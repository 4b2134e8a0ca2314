"""The other side: events as Lambda delivers them, a context, a model of Lambda, and tests to write with them.

`assert_safe` searches for the failure schedule under which a function loses a record, breaks an order or repeats more
than it must. `drain` runs one schedule and returns the `History`. The event builders and `LambdaContext` serve plain
tests of examples. Hypothesis is needed by `assert_safe` and by the module `batchfold.testing.strategies`, and by
nothing else here.
"""

from batchfold.testing.change_events import DynamoDBChange, attribute_value, attribute_values, dynamodb_event
from batchfold.testing.context import Clock, LambdaContext
from batchfold.testing.model.answer import (
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
from batchfold.testing.model.drain import drain
from batchfold.testing.model.dynamodb import DynamoDBStream
from batchfold.testing.model.effect import Attempted, Effect, EffectFailed, LambdaFunction, MakeFunction
from batchfold.testing.model.event_source import EventSource
from batchfold.testing.model.failure_schedule import Attempt, FailureSchedule
from batchfold.testing.model.history import Fate, History, Invocation, OrderViolation, Repeat
from batchfold.testing.model.kafka import KafkaTopic
from batchfold.testing.model.kinesis import KinesisStream
from batchfold.testing.model.queue import QueueState, SqsQueue
from batchfold.testing.model.source_record import SourceRecord, name_records
from batchfold.testing.model.story import tell
from batchfold.testing.model.stream import StreamState
from batchfold.testing.queue_events import SqsMessage, eventbridge_envelope, sns_envelope, sqs_event
from batchfold.testing.safe import UnsafeFunctionError, assert_safe
from batchfold.testing.scenario import Scenario
from batchfold.testing.stream_events import KafkaMessage, KinesisData, kafka_event, kinesis_event

__all__ = [
    "Answer",
    "Attempt",
    "Attempted",
    "Clock",
    "CompleteFailure",
    "CompleteSuccess",
    "DynamoDBChange",
    "DynamoDBStream",
    "Effect",
    "EffectFailed",
    "EventSource",
    "FailureSchedule",
    "Fate",
    "History",
    "Invocation",
    "KafkaMessage",
    "KafkaTopic",
    "KinesisData",
    "KinesisStream",
    "LambdaContext",
    "LambdaFunction",
    "MakeFunction",
    "OrderViolation",
    "PartialFailure",
    "QueueState",
    "Raised",
    "Reading",
    "Repeat",
    "Returned",
    "Scenario",
    "SourceRecord",
    "SqsMessage",
    "SqsQueue",
    "StreamState",
    "TimedOut",
    "UnsafeFunctionError",
    "assert_safe",
    "attribute_value",
    "attribute_values",
    "drain",
    "dynamodb_event",
    "eventbridge_envelope",
    "kafka_event",
    "kinesis_event",
    "name_records",
    "read_answer",
    "sns_envelope",
    "sqs_event",
    "tell",
]
