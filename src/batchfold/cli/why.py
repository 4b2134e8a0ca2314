"""Why a record has its fate, in the words of batchfold's log."""

from typing import Any, assert_never

from batchfold import Failed, Outcome, Settled, Succeeded, Unprocessed
from batchfold.core.redaction import describe, why


def why_of(outcome: Outcome[Any, Any]) -> str:
    """What became of a record in its fold, without any payload."""
    match outcome:
        case Succeeded():
            return "handled"
        case Settled():
            return f"failed and was settled: {why(outcome.fault)}"
        case Failed(settle_error=None):
            return why(outcome.fault)
        case Failed():
            return f"{why(outcome.fault)}; it could not be settled: {describe(outcome.settle_error)}"
        case Unprocessed():
            return "not started"
        case _:
            assert_never(outcome)
