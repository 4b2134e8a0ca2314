"""The exceptions and the warning of Powertools' batch utility. Their texts are those that tests and alarms match on.

They are not Powertools' own: code that catches one imports it from here, together with the processor that raises it.
"""

from collections.abc import Sequence
from traceback import format_exception
from types import TracebackType
from typing import TypeAlias

ExceptionInfo: TypeAlias = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]
"""The form of `sys.exc_info()`. The traceback is `None` for a message that a FIFO processor did not start."""


class BaseBatchProcessingError(Exception):
    """The base of exceptions about a whole batch."""

    __module__ = "batchfold.powertools"

    def __init__(self, msg: str = "", child_exceptions: Sequence[ExceptionInfo] | None = None) -> None:
        super().__init__(msg)
        self.msg = msg
        self.child_exceptions = child_exceptions or []

    def format_exceptions(self, parent_exception_str: str) -> str:
        """Return the message, followed by the traceback of each record's exception."""
        tracebacks = ["".join(format_exception(*child)) for child in self.child_exceptions]
        return "\n".join([f"{parent_exception_str}\n", *tracebacks])


class BatchProcessingError(BaseBatchProcessingError):
    """All records of the batch failed, and Lambda delivers all of them again. `child_exceptions` holds the causes.

    Printed, it shows the traceback of each cause, and so everything that the exceptions quote. batchfold's own
    `BatchProcessingError` is an exception group instead, and keeps payloads out.
    """

    __module__ = "batchfold.powertools"

    def __str__(self) -> str:
        return self.format_exceptions(super().__str__())


class UnexpectedBatchTypeError(BatchProcessingError):
    """The event holds no records where its `EventType` has them."""

    __module__ = "batchfold.powertools"


class SQSFifoCircuitBreakerError(Exception):
    """Stands for a message that was not started, because an earlier message of the batch had failed."""

    __module__ = "batchfold.powertools"


class SQSFifoMessageGroupCircuitBreakerError(Exception):
    """Stands for a message that was not started, because an earlier message of its group had failed."""

    __module__ = "batchfold.powertools"


class PowertoolsDeprecationWarning(DeprecationWarning):
    """The warning of the two decorators, which are deprecated in Powertools and here."""

    __module__ = "batchfold.powertools"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
