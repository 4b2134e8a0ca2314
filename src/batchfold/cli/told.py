"""What batchfold told its log while the function ran: why records failed, as far as can be known from outside.

The sentences are those of `batchfold.shell.log`.
"""

import logging
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

_FAILED = re.compile(r"record (.+?) failed and comes back: (.*)", re.DOTALL)
_NOT_SETTLED = re.compile(r"record (.+?) (could not be settled: .*)", re.DOTALL)
_SETTLED = re.compile(r"record (.+?) (failed and was settled: .*)", re.DOTALL)
_NOT_STARTED = re.compile(r"(\d+) of \d+ records were not started and come back, the first is (.*)", re.DOTALL)


@dataclass
class Told:
    """By the record's name, why it failed, or why it failed and was settled.

    And how many were not started; of those, the log names only the first.
    """

    failed: dict[str, str] = field(default_factory=dict[str, str])
    settled: dict[str, str] = field(default_factory=dict[str, str])
    not_started: int = 0
    first_not_started: str | None = None

    def hear(self, message: str) -> None:
        """Take in one message of the log."""
        if found := _FAILED.fullmatch(message):
            self.failed[found[1]] = found[2]
        elif found := _NOT_SETTLED.fullmatch(message):
            self.failed[found[1]] = "; it ".join(filter(None, (self.failed.get(found[1]), found[2])))
        elif found := _SETTLED.fullmatch(message):
            self.settled[found[1]] = found[2]
        elif found := _NOT_STARTED.fullmatch(message):
            self.not_started = int(found[1])
            self.first_not_started = found[2]


class _Ear(logging.Handler):
    """Hears the log of batchfold."""

    def __init__(self, told: Told) -> None:
        super().__init__()
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        self._told.hear(record.getMessage())


@contextmanager
def listening(*, aloud: bool) -> Generator[Told, None, None]:
    """Hear what batchfold tells its log. `aloud` writes it to the error output too, with tracebacks."""
    told = Told()
    handlers: list[logging.Handler] = [_Ear(told)]
    if aloud:
        handlers.append(logging.StreamHandler())
    logger = logging.getLogger("batchfold")
    for handler in handlers:
        logger.addHandler(handler)
    try:
        yield told
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
