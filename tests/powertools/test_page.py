"""What the page for those who come from Powertools shows, runs."""

import re
from pathlib import Path
from typing import Any

import pytest

from batchfold.testing import LambdaContext, sqs_event

PAGE = Path(__file__).parents[2] / "src" / "batchfold" / "powertools" / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_page_is_short_enough_to_be_read() -> None:
    assert len(PAGE.read_text().split()) <= 1_200


@pytest.mark.parametrize("block", BLOCKS)
def test_a_program_of_the_page_runs(block: str) -> None:
    program: dict[str, Any] = {"__name__": "page"}
    exec(compile(block, PAGE.name, "exec"), program)  # noqa: S102  # our own
    if "lambda_handler" in program:
        event = sqs_event({"id": "a", "quantity": 2}, {"id": "b", "quantity": 12})
        response = program["lambda_handler"](event, LambdaContext())
        assert response == {"batchItemFailures": [{"itemIdentifier": event["Records"][1]["messageId"]}]}
