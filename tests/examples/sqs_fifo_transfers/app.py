"""Book transfers from a FIFO queue, in order for each account. The handler is a chain of steps."""

from dataclasses import dataclass

from pydantic import BaseModel, PositiveInt
from returns.result import Failure, Result, Success

from batchfold import SqsRecord, as_lambda_handler, by_message_group, chain, sqs

balances = {"alice": 100, "bob": 20}


class Transfer(BaseModel):
    account: str
    amount: PositiveInt


@dataclass(frozen=True)
class UnknownAccount:
    account: str


@dataclass(frozen=True)
class NotCovered:
    account: str


def known(record: SqsRecord[Transfer]) -> Result[Transfer, UnknownAccount]:
    return Success(record.body) if record.body.account in balances else Failure(UnknownAccount(record.body.account))


def book(transfer: Transfer) -> Result[int, NotCovered]:
    if balances[transfer.account] < transfer.amount:
        return Failure(NotCovered(transfer.account))
    balances[transfer.account] -= transfer.amount
    return Success(balances[transfer.account])


# the errors of the chain are UnknownAccount | NotCovered
lambda_handler = as_lambda_handler(chain(known, book), sqs(Transfer, lane=by_message_group))
