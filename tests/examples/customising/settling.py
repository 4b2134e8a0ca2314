"""What can never succeed goes to a dead-letter queue at once; what failed three times is let go of."""

from returns.result import Result, Success

from batchfold import (
    Failed,
    LambdaFunction,
    Malformed,
    SendsMessages,
    SqsRecord,
    as_lambda_handler,
    caused_by,
    dead_letter,
    discard,
    sqs,
    sqs_sender,
)


def is_hopeless(failed: Failed[object, SqsRecord]) -> bool:
    return failed.record.approximate_receive_count >= 3


def reserve(record: SqsRecord[int]) -> Result[int, ZeroDivisionError]:
    return Success(1 // record.body)


def make(client: SendsMessages) -> LambdaFunction[object]:
    malformed = caused_by(Malformed)
    send = dead_letter(sqs_sender("https://dead", client=client), when=malformed)
    let_go = discard(when=is_hopeless)
    return as_lambda_handler(reserve, sqs(int), settle=lambda failed: (send if malformed(failed) else let_go)(failed))
