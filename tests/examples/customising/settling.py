"""What can never succeed goes to a dead-letter queue at once; what failed three times is let go of."""

from returns.result import Result, Success

from batchfold import Failed, LambdaFunction, Malformed, SqsRecord, as_lambda_handler, sqs
from batchfold.core.caused_by import caused_by
from batchfold.core.dead_letter import dead_letter
from batchfold.core.discard import discard
from batchfold.shell.sqs_client import SendsMessages
from batchfold.shell.sqs_sender import sqs_sender


def is_hopeless(failed: Failed[object, SqsRecord]) -> bool:
    return failed.record.approximate_receive_count >= 3


def reserve(record: SqsRecord[int]) -> Result[int, ZeroDivisionError]:
    return Success(1 // record.body)


def make(client: SendsMessages) -> LambdaFunction[object]:
    to_dead_letters = dead_letter(sqs_sender("https://dead", client=client), when=caused_by(Malformed))
    let_go = discard(when=is_hopeless)
    return as_lambda_handler(
        reserve,
        sqs(int),
        settle=lambda failed: to_dead_letters(failed) if caused_by(Malformed)(failed) else let_go(failed),
    )
