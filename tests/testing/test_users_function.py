"""How a user tests a function of theirs: typed records, an error of their own, and one line."""

from pydantic import BaseModel
from returns.result import Failure, Result, Success

from batchfold import SqsRecord, as_lambda_handler, by_message_group, process_batch, sqs
from batchfold.testing import Effect, LambdaContext, LambdaFunction, SqsQueue, assert_safe, sqs_event


class Order(BaseModel):
    id: str
    quantity: int = 1


class OutOfStockError(Exception): ...


def make_function(effect: Effect) -> LambdaFunction:
    def reserve(record: SqsRecord[Order]) -> Result[int, OutOfStockError]:
        try:
            effect(record.body.id)
        except OutOfStockError as error:
            return Failure(error)
        return Success(record.body.quantity)

    return as_lambda_handler(reserve, sqs(Order, lane=by_message_group))


def test_the_function_is_safe_on_its_queue() -> None:
    assert_safe(
        make_function,
        source=SqsQueue(fifo=True, max_receive_count=5),
        payload=lambda name: {"id": name, "quantity": 2},
        error=OutOfStockError,
    )


def test_an_example_needs_nothing_but_an_event_and_a_context() -> None:
    def reserve(record: SqsRecord[Order]) -> Result[int, OutOfStockError]:
        return Success(record.body.quantity) if record.body.quantity < 10 else Failure(OutOfStockError(record.body.id))

    event = sqs_event({"id": "a"}, {"id": "b", "quantity": 10})
    response = process_batch(event, reserve, sqs(Order), context=LambdaContext(timeout_seconds=3), reserve_ms=1_000)
    assert response == {"batchItemFailures": [{"itemIdentifier": event["Records"][1]["messageId"]}]}
