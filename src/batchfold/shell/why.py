"""Why a record failed, in words that quote no payload."""

from __future__ import annotations

from typing import Any, assert_never

from batchfold.core.faults import Crashed, Fault, Malformed, Rejected
from batchfold.shell.redact import redacted, told


def why(fault: Fault[Any]) -> str:
    """The fault in one line."""
    match fault:
        case Malformed(error):
            return f"its payload would not parse ({told(error)})"  # the source has cleaned it already
        case Rejected(error):
            return f"the handler returned a Failure ({told_clean(error)})"
        case Crashed(error):
            return f"handling it raised {told_clean(error)}"
        case _:
            assert_never(fault)


def told_clean(error: object) -> str:
    """What `told` says of an error that may hold the input of a `ValidationError`."""
    return told(redacted(error) if isinstance(error, BaseException) else error)
