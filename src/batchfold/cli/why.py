"""Why a record has its fate, in the words of batchfold's log."""

from typing import Any, assert_never

from batchfold import Crashed, Failed, Fault, Malformed, Outcome, Rejected, Settled, Succeeded, Unprocessed
from batchfold.shell.redact import redacted, told


def why(outcome: Outcome[Any, Any]) -> str:
    """What became of a record in its fold, without any payload."""
    match outcome:
        case Succeeded():
            return "handled"
        case Settled():
            return f"failed and was settled: {_why_failed(outcome.fault)}"
        case Failed(settle_error=None):
            return _why_failed(outcome.fault)
        case Failed():
            return f"{_why_failed(outcome.fault)}; it could not be settled: {_told(outcome.settle_error)}"
        case Unprocessed():
            return "not started"
        case _:
            assert_never(outcome)


def _why_failed(fault: Fault[Any]) -> str:
    match fault:
        case Malformed(error):
            return f"its payload would not parse ({told(error)})"  # the source has cleaned it already
        case Rejected(error):
            return f"the handler returned a Failure ({_told(error)})"
        case Crashed(error):
            return f"handling it raised {_told(error)}"
        case _:
            assert_never(fault)


def _told(error: object) -> str:
    return told(redacted(error) if isinstance(error, BaseException) else error)
