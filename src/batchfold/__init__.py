"""Partial batch responses for AWS Lambda as a typed functional core: exact order, nothing lost, nothing handled twice.

>>> from batchfold import process_batch, sqs
"""

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
from batchfold.core.response import ItemFailure, ItemId, KafkaItemId, PartialResponse
from batchfold.core.settle import Settle
from batchfold.core.source import Source
from batchfold.shell.context import LambdaContext
from batchfold.shell.errors import BatchProcessingError, RejectedError, UnprocessedError
from batchfold.shell.process import fold_batch, process_batch
from batchfold.shell.respond import RaiseOn, respond
from batchfold.sources.sqs import SqsRecord, by_message_group, sqs

__version__ = "0.1.0"
