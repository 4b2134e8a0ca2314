"""The public names: what a checker sees, what is listed, and what is found at run time are the same."""

import ast
import importlib
from pathlib import Path

import pytest

import batchfold

INIT = Path(batchfold.__file__)


def names_that_checkers_see() -> dict[str, str]:
    block = next(node for node in ast.parse(INIT.read_text()).body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def test_checkers_see_what_is_found() -> None:
    assert names_that_checkers_see() == batchfold._HOME  # pyright: ignore[reportPrivateUsage]  # a test may look inside
    assert sorted(batchfold.__all__) == sorted(batchfold._HOME)  # pyright: ignore[reportPrivateUsage]  # as above


@pytest.mark.parametrize("name", batchfold.__all__)
def test_each_public_name_is_found(name: str) -> None:
    home = importlib.import_module(names_that_checkers_see()[name])
    assert getattr(batchfold, name) is getattr(home, name)
    assert name in dir(batchfold)


def test_other_names_are_not_found() -> None:
    with pytest.raises(AttributeError, match="module 'batchfold' has no attribute 'nonsense'"):
        _ = batchfold.nonsense
