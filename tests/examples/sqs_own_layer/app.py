"""A layer of one's own, a function from handler to handler: it says how long each record took."""

import logging
from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

from returns.result import Result, safe

from batchfold import SqsRecord, as_lambda_handler, pipe, sqs

V = TypeVar("V")
E = TypeVar("E")
Handler = Callable[[SqsRecord[str]], Result[V, E]]

log = logging.getLogger(__name__)


def timed(handler: Handler[V, E]) -> Handler[V, E]:
    def handle(record: SqsRecord[str]) -> Result[V, E]:
        began = perf_counter()
        try:
            return handler(record)
        finally:
            log.info("%s took %.1f ms", record.message_id, (perf_counter() - began) * 1_000)

    return handle


def greet(record: SqsRecord[str]) -> str:
    if not record.body.strip():
        raise ValueError("there is nobody to greet")
    return f"Hello, {record.body}!"


lambda_handler = as_lambda_handler(pipe(safe(greet), timed), sqs())
