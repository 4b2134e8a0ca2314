"""A Lambda function tells tools what it was made of."""

from typing import Any

from returns.result import Success

from batchfold import SqsRecord, as_lambda_handler, sqs


async def later(record: SqsRecord) -> Any:
    return Success(record.body)


def test_a_lambda_function_says_which_source_it_reads_and_when_it_raises() -> None:
    source = sqs()
    untyped: Any = as_lambda_handler
    for handler in (Success, later):
        function = untyped(handler, source, raise_on="never")
        assert function.batchfold.source is source
        assert function.batchfold.raise_on == "never"
        assert untyped(handler, source).batchfold.raise_on is None
