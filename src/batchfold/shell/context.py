"""The Lambda context, as far as batchfold and most handlers need it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class LambdaContext(Protocol):
    """What Lambda passes beside the event. The runtime's own class fits, and so does Powertools' typed one.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html lists what else the real one has.
    """

    @property
    def aws_request_id(self) -> str:
        """The id of this invocation."""
        ...

    def get_remaining_time_in_millis(self) -> int:
        """How long until Lambda cuts the function off, in milliseconds."""
        ...
