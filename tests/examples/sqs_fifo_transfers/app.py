"""Book transfers from a FIFO queue, in order for each account. The handler is a chain of steps."""

from dataclasses import dataclass
from decimal import Decimal

from pydantic import BaseModel
from returns.result import Failure, Result, Success

from batchfold import SqsRecord, as_lambda_handler, by_message_group, chain, sqs

balances = {"alice": Decimal(100), "bob": Decimal(20)}


class Transfer(BaseModel):
    account: str
    amount: Decimal


@dataclass(frozen=True)
class UnknownAccount:
    account: str


@dataclass(frozen=True)
class NotCovered:
    account: str


def known(record: SqsRecord[Transfer]) -> Result[Transfer, UnknownAccount]:
    return Success(record.body) if record.body.account in balances else Failure(UnknownAccount(record.body.account))


def book(transfer: Transfer) -> Result[Decimal, NotCovered]:
    left = balances[transfer.account] - transfer.amount
    if left < 0:
        return Failure(NotCovered(transfer.account))
    balances[transfer.account] = left
    return Success(left)


handle = chain(known, book)  # a handler too: its errors are UnknownAccount | NotCovered

lambda_handler = as_lambda_handler(handle, sqs(Transfer, lane=by_message_group))
