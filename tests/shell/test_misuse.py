"""Arguments of a wrong type, as a user without type checker meets them: in an interpreter without beartype."""

import subprocess
import sys

import pytest

PROGRAM = """
from returns.result import Success
from batchfold import as_lambda_handler, process_batch, process_batch_async, sqs
from batchfold.testing import LambdaContext, sqs_event

def handler(record):
    return Success(None)

async def async_handler(record):
    return Success(None)

event = sqs_event("a")
try:
    {call}
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("process_batch(event, handler, sqs(), context=object(), reserve_ms=1)", "TypeError reserve_ms=1 needs a context that has get_remaining_time_in_millis(), got a object"),
        ("as_lambda_handler(handler, sqs(), reserve_ms=1)(event, object())", "got a object"),
        ("as_lambda_handler(handler, sqs(), reserve_ms=1)(event, None)", "TypeError"),
        ("as_lambda_handler(handler, sqs(), reserve_ms=-1)", "ValueError reserve_ms is the time in milliseconds"),
        ("as_lambda_handler(handler, sqs(), raise_on='all')", "ValueError raise_on is one of 'entire_batch'"),
        ("as_lambda_handler(async_handler, sqs(), max_concurrency=0)(event, None)", "ValueError max_concurrency is"),
        ("as_lambda_handler(handler, sqs())(None, None)", "UnexpectedEventError expected an event of SQS, a mapping"),
        ("as_lambda_handler(async_handler, sqs())([], None)", "UnexpectedEventError expected an event of SQS, a mapping"),
        ("process_batch(event, handler, sqs)", "TypeError expected a source, as sqs(...), kinesis(...), dynamodb(...) and kafka(...) return them, got a function"),
        ("as_lambda_handler(handler, sqs)", "TypeError expected a source"),
        ("process_batch(event, sqs(), handler)", "the handler stands before the source"),
        ("process_batch(event, handler, sqs(), observe=async_handler)", "TypeError observe= got an async function"),
        ("as_lambda_handler(async_handler, sqs(), observe=async_handler)", "TypeError observe= got an async function"),
        ("process_batch('text', handler, sqs())", "UnexpectedEventError expected an event of SQS, a mapping"),
    ],
)  # fmt: skip
def test_misuse_gets_an_answer(call: str, said: str) -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM.format(call=call)], capture_output=True, text=True, check=True)
    assert said in ran.stdout
