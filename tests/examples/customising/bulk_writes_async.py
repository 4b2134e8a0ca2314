"""Write many records at once by an async client, such as aioboto3's, which is given when the module is loaded."""

from typing import Any, Protocol

from pydantic import BaseModel
from returns.result import Failure, Result, Success

from batchfold import LambdaFunction, SqsRecord, as_lambda_handler, in_chunks, sqs


class Order(BaseModel):
    id: str


class WritesItems(Protocol):
    async def batch_write_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]: ...  # noqa: N803  # boto's name


def make(client: WritesItems) -> LambdaFunction[object]:
    async def write_all(records: list[SqsRecord[Order]]) -> list[Result[None, str]]:
        puts = [{"PutRequest": {"Item": {"id": {"S": record.body.id}}}} for record in records]
        answer = await client.batch_write_item(RequestItems={"orders": puts})
        left = answer["UnprocessedItems"].get("orders", [])
        return [Failure("not written") if put in left else Success(None) for put in puts]

    return as_lambda_handler(in_chunks(write_all, size=25), sqs(Order), max_concurrency=4)
