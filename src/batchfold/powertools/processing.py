"""A processing: the records of one call of a processor, and what has become of them so far.

Powertools keeps these on the processor itself, where a second thread, or a handler that uses the processor it is called
by, overwrites them. Here each call has its own, and the processor's attributes show the one at hand.
"""

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar, overload, runtime_checkable

from batchfold.core.records import PartialResponse, RawRecord
from batchfold.powertools.exceptions import ExceptionInfo
from batchfold.powertools.records.wrapper import DictWrapper

T = TypeVar("T")


class Processing:
    """One call of a processor. Its lists are Powertools': hooks append to them, and users read them afterwards."""

    def __init__(
        self,
        records: Sequence[Any] = (),
        handler: Callable[..., Any] | None = None,
        lambda_context: Any = None,
        *,
        handler_accepts_lambda_context: bool = False,
    ) -> None:
        self.records: Sequence[Any] = records
        self.handler: Any = handler
        self.lambda_context: Any = lambda_context
        self.handler_accepts_lambda_context: bool = handler_accepts_lambda_context
        self.success_messages: list[Any] = []
        self.fail_messages: list[Any] = []
        self.exceptions: list[ExceptionInfo] = []
        self.batch_response: PartialResponse = {"batchItemFailures": []}
        self.is_folding = False
        self._modelled: dict[int, tuple[object, RawRecord]] = {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._modelled = {id(kept[0]): kept for kept in self._modelled.values()}  # a copy's instances are others

    def remember(self, modelled: object, raw: RawRecord) -> None:
        """Keep the raw record that a model's instance was made of: the instance may not hold its item identifier."""
        self._modelled[id(modelled)] = (modelled, raw)

    def raw_of(self, record: Any) -> Any:
        """The raw record of what a hook was called with: a raw record, a record, or an instance of a model."""
        if isinstance(record, DictWrapper):
            return record.raw_event
        if id(record) in self._modelled:
            return self._modelled[id(record)][1]
        # an instance that a hook made itself, of a model with the fields of the raw record
        return record.model_dump() if hasattr(record, "model_dump") else record

    def has_failed(self, raw: object, *, since: int) -> bool:
        """Whether, of the failures that were noted since, one is about this raw record, or about none that is known."""
        noted = [self.raw_of(record) for record in self.fail_messages[since:]]
        return any(failed is raw or not any(failed is known for known in self.records) for failed in noted)


class Processings:
    """The processings of one processor: the one that is at hand in each thread, and the latest of all.

    A thread that did not call the processor itself is shown the latest, so that one may call it, another run `process`
    and a third read `response`, as long as they take turns.
    """

    def __init__(self) -> None:
        self._latest = Processing()
        self._here = threading.local()

    def __getstate__(self) -> Processing:
        return self.at_hand

    def __setstate__(self, at_hand: Processing) -> None:
        """A copy shows what was at hand where it was made, to all threads."""
        self._latest = at_hand
        self._here = threading.local()

    @property
    def own(self) -> Processing | None:
        """What this thread began, or went back to."""
        found: Processing | None = getattr(self._here, "own", None)
        return found

    @property
    def at_hand(self) -> Processing:
        """What the processor's attributes show in this thread."""
        own: Processing | None = getattr(self._here, "own", None)
        return self._latest if own is None else own

    def begin(self, processing: Processing) -> None:
        """Let the processor's attributes show this one, here and in threads that began none."""
        self._here.own = self._latest = processing

    def enter(self) -> None:
        """Enter a `with` block about the processing at hand."""
        self._entered.append(self.at_hand)

    def leave(self) -> None:
        """Leave the `with` block that was entered last; what was at hand when it was entered is so again."""
        if self._entered:
            self.go_back_to(self._entered.pop())

    @property
    def _entered(self) -> list[Processing]:
        found: list[Processing] = self._here.__dict__.setdefault("entered", [])
        return found

    def go_back_to(self, processing: Processing) -> None:
        """Undo what others began in this thread: a handler may call the processor that it is called by."""
        if self.at_hand is not processing:
            self._here.own = processing

    @contextmanager
    def staying_with(self, processing: Processing) -> Generator[None]:
        """Keep this one at hand in a thread that may not have begun it, for as long as it handles its records."""
        before = self.own
        self._here.own = processing
        try:
            yield
        finally:
            self._here.own = before


@runtime_checkable
class HasProcessings(Protocol):
    """A processor, as far as its attributes need it."""

    processings_: Processings


class OfProcessing(Generic[T]):
    """An attribute that a processor has in Powertools, and its processing has here."""

    def __init__(self, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, processor: None, owner: type[Any]) -> "OfProcessing[T]": ...
    @overload
    def __get__(self, processor: HasProcessings, owner: type[Any]) -> T: ...
    def __get__(self, processor: HasProcessings | None, owner: type[Any]) -> "OfProcessing[T] | T":
        if processor is None:
            return self
        found: T = getattr(processor.processings_.at_hand, self._name)
        return found

    def __set__(self, processor: HasProcessings, value: T) -> None:
        setattr(processor.processings_.at_hand, self._name, value)
