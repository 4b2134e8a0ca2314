"""A handler that needs the Lambda context takes it as its second parameter."""

from returns.result import Failure, Result, Success

from batchfold import LambdaContext, SqsRecord, as_lambda_handler, sqs


def reserve(record: SqsRecord[int], context: LambdaContext) -> Result[str, TimeoutError]:
    if context.get_remaining_time_in_millis() < record.body:
        return Failure(TimeoutError(context.aws_request_id))
    return Success(context.aws_request_id)


lambda_handler = as_lambda_handler(reserve, sqs(int))
