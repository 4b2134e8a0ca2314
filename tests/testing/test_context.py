"""The Lambda context for tests and its clock."""

import inspect
from importlib import import_module
from typing import Any

import pytest

from batchfold.shell.options import LambdaContext as AskedFor
from batchfold.testing import Clock, LambdaContext


def test_the_context_has_every_public_field_of_the_real_one() -> None:
    runtime: Any = import_module("awslambdaric.lambda_context")  # it has no types
    real = runtime.LambdaContext("id", None, None, 0, "arn")
    # w3c() is younger than the runtimes that most functions run on.
    public = {name for name, _ in inspect.getmembers(real) if not name.startswith("_")} - {"w3c"}
    assert public <= {name for name in dir(LambdaContext()) if not name.startswith("_")}


def test_the_context_is_what_batchfold_asks_for() -> None:
    asked_for: AskedFor = LambdaContext()
    assert asked_for.get_remaining_time_in_millis() == 30_000


def test_time_passes_only_when_the_test_says_so() -> None:
    context = LambdaContext(timeout_seconds=3)
    assert [context.get_remaining_time_in_millis() for _ in range(3)] == [3_000] * 3
    context.clock.advance(2.5)
    assert context.get_remaining_time_in_millis() == 500


def test_no_less_than_no_time_remains() -> None:
    context = LambdaContext(timeout_seconds=1)
    context.clock.advance(60)
    assert context.get_remaining_time_in_millis() == 0


def test_the_deadline_counts_from_when_the_context_was_made() -> None:
    clock = Clock()
    clock.advance(100)
    assert LambdaContext(timeout_seconds=2, clock=clock).get_remaining_time_in_millis() == 2_000


def test_a_clock_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="only goes forward"):
        Clock().advance(-1)


def test_arn_and_log_group_follow_from_the_function_s_name() -> None:
    context = LambdaContext(function_name="reserve")
    assert context.invoked_function_arn == "arn:aws:lambda:eu-west-1:123456789012:function:reserve"
    assert context.log_group_name == "/aws/lambda/reserve"
