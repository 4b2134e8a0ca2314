"""The public names: what a checker sees, what is listed, and what is found at run time are the same."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import batchfold

INIT = Path(batchfold.__file__)
RUN_TIME: Any = batchfold  # the checkers do not see its list of names, nor where each is at home


def names_that_checkers_see() -> dict[str, str]:
    block = next(node for node in ast.parse(INIT.read_text()).body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module).removeprefix("batchfold.") for node in imports for alias in node.names}


def test_checkers_see_what_is_found() -> None:
    assert names_that_checkers_see() == RUN_TIME._HOME
    assert sorted(RUN_TIME.__all__) == sorted(RUN_TIME._HOME)


@pytest.mark.parametrize("name", RUN_TIME.__all__)
def test_each_public_name_is_found(name: str) -> None:
    home = importlib.import_module(f"batchfold.{names_that_checkers_see()[name]}")
    assert getattr(batchfold, name) is getattr(home, name)
    assert name in dir(batchfold)


def test_other_names_are_not_found() -> None:
    with pytest.raises(AttributeError, match="module 'batchfold' has no attribute 'nonsense'"):
        _ = getattr(batchfold, "nonsense")  # noqa: B009  # the checkers refuse it by its name


def test_a_public_class_shows_the_package_as_its_module_in_repr_and_tracebacks() -> None:
    classes = [value for name in RUN_TIME.__all__ if isinstance(value := getattr(batchfold, name), type)]
    assert {each.__module__ for each in classes} == {"batchfold"}
    assert repr(batchfold.SqsRecord) == "<class 'batchfold.SqsRecord'>"


EXCEPTION = """
from batchfold import fold_batch, respond, sqs
from batchfold.testing import sqs_event
respond(fold_batch(sqs_event("a"), lambda record: None, sqs()))
"""


def test_an_exception_that_nobody_has_imported_shows_its_public_name_too() -> None:
    ran = subprocess.run([sys.executable, "-c", EXCEPTION], capture_output=True, text=True, check=False)
    assert "batchfold.BatchProcessingError: 1 of 1 records are not done" in ran.stderr


@pytest.mark.parametrize("name", RUN_TIME.__all__)
def test_the_annotations_of_a_public_name_can_be_read(name: str) -> None:
    """Though a class shows `batchfold` as its module, which is where `get_type_hints` looks names up."""
    value = getattr(batchfold, name)
    if isinstance(value, type) or inspect.isfunction(value):
        assert isinstance(get_type_hints(value), dict)
