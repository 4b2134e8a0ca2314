"""The test of the program `tested`: it calls the Lambda function, and reads what the processor kept beside the answer.

It stands in a project of its own, with its event in a file, and is run by `test_documented_programs.py`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.powertools.programs.tested import lambda_handler, processor


@dataclass(frozen=True)
class OrdersContext:
    """As much of Lambda's context as the logger reads."""

    function_name: str = "orders"
    function_version: str = "1"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:orders"
    aws_request_id: str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"


@pytest.fixture
def context() -> OrdersContext:
    return OrdersContext()


@pytest.fixture
def event() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(Path("events/sqs_event.json").read_text(encoding="utf-8"))
    return read


def test_an_order_without_a_quantity_comes_back(event: dict[str, Any], context: OrdersContext) -> None:
    taken, refused = event["Records"]

    response = lambda_handler(event, context)

    assert response == {"batchItemFailures": [{"itemIdentifier": refused["messageId"]}]}
    assert processor.success_messages == [taken]
    assert len(processor.fail_messages) == 1
    assert len(processor.exceptions) == 1


def test_an_empty_message_is_taken(event: dict[str, Any], context: OrdersContext) -> None:
    taken, refused = event["Records"]

    response = lambda_handler({"Records": [{**refused, "body": ""}, taken]}, context)

    assert response == {"batchItemFailures": []}
    assert len(processor.success_messages) == 2
    assert processor.fail_messages == []
