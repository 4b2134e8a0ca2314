"""Peak memory of a batch of 10,000 successes."""

from typing import Any

from aws_lambda_powertools.utilities import batch as peer
from tests.benchmarks.cases import our_handler, their_handler
from tests.benchmarks.events import sqs_event
from tests.benchmarks.measure import peak_bytes

from batchfold import fold_batch, sqs

_RECORDS = 10_000


def peaks() -> tuple[float, float]:
    """Bytes for each record at the peak: ours, and Powertools'. What the call leaves behind counts too."""
    event = sqs_event(_RECORDS)

    process: Any = getattr(peer, "process_partial_response")  # noqa: B009  # partly unannotated

    def theirs() -> object:
        processor = peer.BatchProcessor(event_type=peer.EventType.SQS)
        return process(event, their_handler, processor), processor

    return peak_bytes(lambda: fold_batch(event, our_handler, sqs())) / _RECORDS, peak_bytes(theirs) / _RECORDS
