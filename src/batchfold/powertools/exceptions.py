"""The exceptions of Powertools' batch utility."""

from collections.abc import Sequence
from traceback import format_exception
from types import TracebackType
from typing import TypeAlias

ExceptionInfo: TypeAlias = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]
"""What `sys.exc_info()` returns; the last part is `None` for a record that was not started."""


class BaseBatchProcessingError(Exception):
    """What the exceptions about a whole batch have in common."""

    def __init__(self, msg: str = "", child_exceptions: Sequence[ExceptionInfo] | None = None) -> None:
        super().__init__(msg)
        self.msg = msg
        self.child_exceptions = child_exceptions or []

    def format_exceptions(self, parent_exception_str: str) -> str:
        """The message, followed by the traceback of every record's exception."""
        tracebacks = ["".join(format_exception(*child)) for child in self.child_exceptions]
        return "\n".join([f"{parent_exception_str}\n", *tracebacks])


class BatchProcessingError(BaseBatchProcessingError):
    """No record of the batch was done, and all of them come back. `child_exceptions` holds why.

    Printed, it shows the traceback of each child, and so whatever the exceptions quote. batchfold's own
    `BatchProcessingError` is an exception group instead, and keeps payloads out.
    """

    def __str__(self) -> str:
        return self.format_exceptions(super().__str__())


class UnexpectedBatchTypeError(BatchProcessingError):
    """The event holds no records where its `EventType` keeps them."""


class SQSFifoCircuitBreakerError(Exception):
    """Stands for a record that was not started, because an earlier record of the batch had failed."""


class SQSFifoMessageGroupCircuitBreakerError(Exception):
    """Stands for a record that was not started, because an earlier record of its message group had failed."""
