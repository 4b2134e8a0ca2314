"""Every example in a docstring does what it shows."""

import doctest
import importlib
import pkgutil
from typing import Any

import pytest

import batchfold

MODULES = [
    module.name
    for module in pkgutil.walk_packages(batchfold.__path__, "batchfold.")
    if not module.name.startswith("batchfold.cli")
]


class Finder(doctest.DocTestFinder):
    """Finds the examples of public classes too, which name the package as their module."""

    def _from_module(self, module: Any, object: Any) -> bool:  # noqa: A002  # doctest's name
        return getattr(object, "__module__", None) == "batchfold" or super()._from_module(module, object)  # type: ignore[misc]  # doctest has no types for it


@pytest.mark.parametrize("name", ["batchfold", *MODULES])
def test_the_examples_of_a_module_hold(name: str) -> None:
    runner = doctest.DocTestRunner()
    for each in Finder().find(importlib.import_module(name), name):
        runner.run(each)
    assert runner.failures == 0
