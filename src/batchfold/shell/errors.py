"""The exceptions of `respond`, and those that stand for records that failed without one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self, TypeVar, overload

from batchfold.core.batch import AnyBatch
from batchfold.core.redaction import describe

ExceptionT = TypeVar("ExceptionT", bound=Exception)
BaseExceptionT = TypeVar("BaseExceptionT", bound=BaseException)


class RejectedError(Exception):
    """Stands for an error that is no exception: the handler returned `Failure(error)`.

    Its message shows the error, at most 500 characters of it: it is the handler's words, as an exception's text is.
    """

    def __init__(self, error: object) -> None:
        super().__init__(error)
        self.error = error

    def __str__(self) -> str:
        return f"the handler returned a Failure ({describe(self.error)})"

    def __repr__(self) -> str:
        return f"RejectedError({type(self.error).__name__})"


class UnprocessedError(Exception):
    """Stands for all records that were not started, where nothing failed and the invocation must fail all the same."""


class BatchProcessingError(ExceptionGroup[Exception]):
    """The invocation fails, so that Lambda delivers the whole batch again.

    A group of the records' exceptions, each with a note that names its item. `batch` is what was folded: nothing is
    lost by raising.
    """

    batch: AnyBatch

    def __new__(cls, message: str, exceptions: Sequence[Exception], batch: AnyBatch) -> Self:
        """A group takes its message and exceptions here, before `__init__`."""
        del batch  # `__init__` keeps it
        return super().__new__(cls, message, exceptions)

    def __init__(self, message: str, exceptions: Sequence[Exception], batch: AnyBatch) -> None:
        super().__init__(message, exceptions)
        self.batch = batch

    def __reduce__(self) -> tuple[Any, ...]:
        """How to copy it: of the arguments of an exception group, Python knows only two."""
        return (type(self), (self.message, self.exceptions, self.batch), self.__dict__)

    @overload
    def derive(self, excs: Sequence[ExceptionT], /) -> ExceptionGroup[ExceptionT]: ...
    @overload
    def derive(self, excs: Sequence[BaseExceptionT], /) -> BaseExceptionGroup[BaseExceptionT]: ...
    def derive(self, excs: Sequence[BaseExceptionT], /) -> BaseExceptionGroup[BaseExceptionT]:
        """The part of the group that `except*` or `split` picked out. It is a plain group: the batch stays here."""
        return BaseExceptionGroup(self.message, excs)


# tracebacks show the public name
RejectedError.__module__ = "batchfold"
UnprocessedError.__module__ = "batchfold"
BatchProcessingError.__module__ = "batchfold"
