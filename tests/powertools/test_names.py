"""Every name of Powertools' batch utility is here, and what importing them costs."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import batchfold.powertools

PAGE = Path(__file__).parents[2] / "src" / "batchfold" / "powertools" / "README.md"
PACKAGE = Path(batchfold.powertools.__file__).parent


def imported_by(program: str) -> set[str]:
    ran = subprocess.run(
        [sys.executable, "-c", f"{program}; import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ran.stdout.split())


@pytest.mark.parametrize("module", ["batch", "batch.exceptions", "batch.types"])
def test_every_public_name_of_theirs_is_here(theirs: Any, module: str) -> None:
    del theirs  # asked for so that the test is skipped where they are not installed
    their_module = import_module(f"aws_lambda_powertools.utilities.{module}")
    names: list[str] = getattr(their_module, "__all__", None) or [
        name
        for name, value in vars(their_module).items()
        if getattr(value, "__module__", None) == their_module.__name__
    ]
    assert set(names) <= set(batchfold.powertools.__all__)


def test_no_name_here_is_of_our_invention(theirs: Any) -> None:
    assert [name for name in batchfold.powertools.__all__ if not hasattr(theirs, name)] == []


@pytest.mark.parametrize("name", batchfold.powertools.__all__)
def test_every_name_is_there_and_on_the_page(name: str) -> None:
    assert hasattr(batchfold.powertools, name)
    assert f"`{name}`" in PAGE.read_text()


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="KinesisFirehoseModel"):
        batchfold.powertools.KinesisFirehoseModel  # noqa: B018  # asking is the point


def test_importing_costs_neither_pydantic_nor_asyncio_nor_powertools_itself() -> None:
    imported = imported_by(
        "from batchfold.powertools import BatchProcessor, EventType, process_partial_response;"
        "event = {'Records': [{'messageId': 'm', 'body': ''}]};"
        "process_partial_response(event, lambda record: None, BatchProcessor(EventType.SQS))"
    )
    assert not imported & {"pydantic", "asyncio", "aws_lambda_powertools", "beartype", "boto3"}


def test_a_model_that_is_asked_for_imports_pydantic() -> None:
    assert "pydantic" in imported_by("from batchfold.powertools import SqsRecordModel")


def test_the_layer_orders_nothing_and_writes_no_response_itself() -> None:
    """Only these files know the core's ways to run a batch, its lanes and its response, and each uses one of them."""
    knowing = {
        path.relative_to(PACKAGE).as_posix(): sorted(
            alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if alias.name
            in {
                "Progress",
                "fold",
                "fold_batch_async",
                "each_record",
                "whole_batch",
                "by_message_group",
                "name_each",
                "name_every_record",
            }
        )
        for path in PACKAGE.rglob("*.py")
    }
    assert {path: names for path, names in knowing.items() if names} == {
        "base.py": ["Progress", "each_record", "fold_batch_async"],
        "fifo.py": ["by_message_group", "whole_batch"],
        "batch_base.py": ["name_each"],
        "source.py": ["name_every_record"],
    }
