"""Every name of Powertools' batch utility is here, and what importing them costs."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import batchfold.powertools

NAMES: list[str] = vars(batchfold.powertools)["__all__"]  # hidden from the checkers, with what looks names up
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
    assert set(names) <= set(NAMES)


def test_no_name_here_is_of_our_invention(theirs: Any) -> None:
    assert [name for name in NAMES if not hasattr(theirs, name)] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there_and_on_the_page(name: str) -> None:
    assert hasattr(batchfold.powertools, name)
    assert f"`{name}`" in PAGE.read_text()


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="KinesisFirehoseModel"):
        getattr(batchfold.powertools, "KinesisFirehoseModel")  # noqa: B009  # the checkers refuse the attribute


def test_importing_costs_neither_pydantic_nor_asyncio_nor_powertools_itself() -> None:
    imported = imported_by(
        "from batchfold.powertools import BatchProcessor, EventType, process_partial_response;"
        "event = {'Records': [{'messageId': 'm', 'body': ''}]};"
        "process_partial_response(event, lambda record: None, BatchProcessor(EventType.SQS))"
    )
    assert not imported & {"pydantic", "asyncio", "aws_lambda_powertools", "beartype", "boto3"}


def test_a_model_that_is_asked_for_imports_pydantic() -> None:
    assert "pydantic" in imported_by("from batchfold.powertools import SqsRecordModel")


def test_a_name_is_looked_up_once() -> None:
    program = (
        "import batchfold.powertools as b; before = 'EventType' in vars(b);"
        "from batchfold.powertools import EventType; print('was', before, vars(b)['EventType'] is EventType)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "was False True\n"


def test_every_name_is_listed_by_dir() -> None:
    assert set(NAMES) <= set(dir(batchfold.powertools))


def test_checkers_are_shown_every_name() -> None:
    """What they read and what is looked up at run time are two lists, of the same names from the same modules."""
    (block,) = (node for node in ast.parse((PACKAGE / "__init__.py").read_text()).body if isinstance(node, ast.If))
    shown = {
        (alias.asname, node.module)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }
    homes: dict[str, str] = vars(batchfold.powertools)["_HOME"]
    assert shown == {(name, f"batchfold.powertools.{module}") for name, module in homes.items()}


def test_nothing_depends_on_how_batchfold_runs_a_batch() -> None:
    """The processors keep Powertools' behaviour, whatever becomes of the core's: they share the response's types alone."""
    imported = {
        node.module
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("batchfold.")
    }
    others = {module for module in imported if not module.startswith("batchfold.powertools.")}
    assert others == {"batchfold.core.records", "batchfold.core._guards"}


def test_exceptions_show_the_name_that_is_imported() -> None:
    for name in ("BatchProcessingError", "UnexpectedBatchTypeError", "SQSFifoCircuitBreakerError"):
        kind = getattr(batchfold.powertools, name)
        assert f"{kind.__module__}.{kind.__qualname__}" == f"batchfold.powertools.{name}"
