"""Take goods back into stock, from a queue that an EventBridge pipe reads: it passes on what its filter lets through."""

from collections import Counter

from pydantic import BaseModel, PositiveInt
from returns.result import Failure, Result, Success

from batchfold import SqsRecord, as_lambda_handler, pipes, sqs

stock = Counter({"cup": 7, "plate": 3})


class Return(BaseModel):
    article: str
    quantity: PositiveInt


class UnknownArticleError(Exception): ...


def take_back(record: SqsRecord[Return]) -> Result[int, UnknownArticleError]:
    returned = record.body
    if returned.article not in stock:
        return Failure(UnknownArticleError(returned.article))
    stock[returned.article] += returned.quantity
    return Success(returned.quantity)


lambda_handler = as_lambda_handler(take_back, pipes(sqs(Return)))
