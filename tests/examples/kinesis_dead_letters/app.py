"""Send what can never succeed to the dead letters, so that the shard goes on: `settle` on a Kinesis stream."""

from dataclasses import dataclass

from returns.result import Failure, Result, Success, safe

from batchfold import Failed, KinesisRecord, Malformed, as_lambda_handler, caused_by, dead_letter, kinesis

dead_letters: list[bytes] = []


@dataclass(frozen=True)
class Payment:
    account: str
    cents: int


@dataclass(frozen=True)
class AccountClosed:
    account: str


def book(record: KinesisRecord[Payment]) -> Result[int, AccountClosed]:
    payment = record.data
    return Failure(AccountClosed(payment.account)) if payment.account == "closed" else Success(payment.cents)


@safe
def send(failed: Failed[AccountClosed, KinesisRecord]) -> None:  # or sqs_sender(QUEUE_URL)
    dead_letters.append(failed.record.data)


lambda_handler = as_lambda_handler(
    book, kinesis(Payment), settle=dead_letter(send, when=caused_by(Malformed, AccountClosed))
)
